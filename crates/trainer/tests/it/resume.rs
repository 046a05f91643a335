//! However a run is interrupted, it comes to the same bits as one that was left alone.

use crate::support::{Run, program};
use protocol::event::Event;
use protocol::spec::{Model, Optimizer, Precision, RunSpec};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::Write;
use std::process::{Child, Stdio};

/// A run of 3 × 16 steps.
fn small_steps(spec: &mut RunSpec) {
    spec.batch_size = 4;
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn reached(wanted: u64) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Step { step, .. } if *step >= wanted)
}

#[test]
fn the_same_spec_gives_the_same_bits_and_another_seed_does_not() {
    let (first, second) = (Run::new(small_steps), Run::new(small_steps));
    first.complete();
    second.complete();
    first.assert_same(&second);
    let other = Run::new(|spec| spec.seed = 8);
    other.complete();
    let last = |run: &Run| run.files().remove("checkpoints/last.safetensors").unwrap();
    assert!(last(&first) != last(&other));
}

#[test]
fn a_run_stopped_in_the_middle_of_an_epoch_goes_on_to_the_same_bits() {
    for (optimizer, precision, model) in [
        (Optimizer::Adamw, Precision::F32, Model::SmallCnn),
        (Optimizer::Sgd, Precision::Bf16, Model::Resnet20Cifar),
    ] {
        let change = |spec: &mut RunSpec| {
            small_steps(spec);
            (spec.optimizer, spec.precision, spec.model) = (optimizer, precision, model);
        };
        let (whole, stopped) = (Run::new(change), Run::new(change));
        whole.complete();
        // Twice, so that a resumed epoch is stopped too.
        for at in [2, 20] {
            let mut child = stopped.start();
            stopped.wait_for(&mut child, reached(at));
            signal(&child, Signal::TERM);
            assert!(child.wait().unwrap().success());
            let events = stopped.events();
            let [.., Event::Checkpoint { step, .. }, Event::Stopped { step: last }] = events.as_slice()
            else {
                panic!("{:?}", events.last())
            };
            assert_eq!(step, last);
        }
        stopped.complete();
        stopped.assert_same(&whole);
    }
}

#[test]
fn a_killed_run_goes_on_to_the_same_bits() {
    let (whole, killed) = (Run::new(small_steps), Run::new(small_steps));
    whole.complete();
    // Before the first checkpoint, and after it in the middle of the second epoch.
    for at in [3, 19] {
        let mut child = killed.start();
        killed.wait_for(&mut child, reached(at));
        signal(&child, Signal::KILL);
        child.wait().unwrap();
        // As if the last write had been cut off.
        let mut journal = File::options().append(true).open(killed.path("journal.jsonl")).unwrap();
        journal.write_all(b"{\"at_ms\":17,\"eve").unwrap();
    }
    killed.complete();
    killed.assert_same(&whole);
}

#[test]
fn a_checkpoint_cut_off_between_its_files_is_finished_or_forgotten() {
    let (whole, cut) = (Run::new(small_steps), Run::new(small_steps));
    whole.complete();
    let mut child = cut.start();
    cut.wait_for(&mut child, |event| matches!(event, Event::Checkpoint { epoch: 1, .. }));
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    // Whole, but two of its files had not been moved yet: those at the final names are of no use.
    let checkpoints = cut.path("checkpoints");
    let ready = checkpoints.join("ready");
    if !ready.exists() {
        std::fs::create_dir(&ready).unwrap();
    }
    for name in ["last.optimizer.safetensors", "last.json"] {
        if !ready.join(name).exists() {
            std::fs::rename(checkpoints.join(name), ready.join(name)).unwrap();
        }
        std::fs::write(checkpoints.join(name), "of an older checkpoint").unwrap();
    }
    // Not whole: the next one had been begun.
    std::fs::create_dir_all(checkpoints.join("next")).unwrap();
    std::fs::write(checkpoints.join("next/last.safetensors"), "half").unwrap();
    cut.complete();
    cut.assert_same(&whole);
}

#[test]
fn a_finished_run_has_nothing_left_to_do_but_judge() {
    let run = Run::new(|spec| spec.epochs = 1);
    run.complete();
    let before = (run.values(), run.files());
    run.complete();
    assert_eq!((run.values(), run.files()), before);
}

#[test]
fn a_second_trainer_is_refused_and_a_lock_can_be_handed_over() {
    let run = Run::new(small_steps);
    let lock = File::create(run.path("lock")).unwrap();
    lock.lock().unwrap();
    let output = run.train();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("Another trainer is at work"));
    assert!(!run.path("journal.jsonl").exists(), "the journal belongs to the other trainer");

    let mut command = program();
    command.arg("train").arg(run.path("")).arg("--lock-inherited").stdin(Stdio::from(lock));
    let mut child = command.spawn().unwrap();
    drop(command); // And with it this process's copy of the open file: the child alone holds the lock.
    run.wait_for(&mut child, reached(0));
    assert_eq!(run.train().status.code(), Some(1));
    signal(&child, Signal::TERM);
    assert!(child.wait().unwrap().success());
    run.complete();
}
