//! However a run is interrupted, it comes to the same bits as one that was left alone.

use crate::support::{Run, program, set_model};
use protocol::event::Event;
use protocol::sample::Split;
use protocol::schedule::learning_rate;
use protocol::spec::{Model, Optimizer, Precision, RunSpec, Schedule};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
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
        // Twice, so that a resumed epoch is stopped too.
        assert_same_when_stopped(change, [2, 20]);
    }
}

#[test]
fn a_run_that_pauses_by_itself_goes_on_to_the_same_bits() {
    let change = |spec: &mut RunSpec| {
        small_steps(spec);
        spec.pause_after_epoch = Some(1);
    };
    let (whole, paused) = (Run::new(small_steps), Run::new(change));
    whole.complete();
    assert!(paused.start().wait().unwrap().success());
    let events = paused.events();
    let [.., Event::Checkpoint { step, epoch: 1 }, Event::Stopped { step: last }] = events.as_slice() else {
        panic!("{:?}", events.last())
    };
    assert_eq!((step, last), (&16, &16));
    paused.complete();
    whole.assert_same(&paused);
}

#[test]
fn layers_that_draw_by_chance_draw_the_same_after_a_stop() {
    // They have dropout or leave out blocks; 2 × 6 steps.
    for model in [Model::EfficientnetLite0, Model::EfficientnetB0, Model::VitTiny] {
        assert_same_when_stopped(
            |spec| {
                spec.epochs = 2;
                set_model(spec, model);
            },
            [1, 8],
        );
    }
}

/// Asserts that a run that is stopped at these steps comes to the bits of one that is left alone.
pub(crate) fn assert_same_when_stopped(change: impl Fn(&mut RunSpec), steps: [u64; 2]) {
    let (whole, stopped) = (Run::new(&change), Run::new(&change));
    whole.complete();
    for at in steps {
        let mut child = stopped.start();
        stopped.wait_for(&mut child, reached(at));
        signal(&child, Signal::TERM);
        assert!(child.wait().unwrap().success());
        let events = stopped.events();
        let [.., Event::Checkpoint { step, .. }, Event::Stopped { step: last }] = events.as_slice() else {
            panic!("{:?}", events.last())
        };
        assert_eq!(step, last);
    }
    stopped.complete();
    stopped.assert_same(&whole);
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
fn a_finished_run_has_nothing_left_to_do_but_evaluate() {
    let run = Run::new(|spec| spec.epochs = 1);
    run.complete();
    let before = (run.values(), run.files());
    run.complete();
    assert_eq!((run.values(), run.files()), before);
}

#[test]
fn more_epochs_for_a_finished_run_come_to_the_bits_of_a_run_that_had_them_from_the_start() {
    for (optimizer, model) in [(Optimizer::Adamw, Model::SmallCnn), (Optimizer::Sgd, Model::Resnet20Cifar)] {
        let change = |spec: &mut RunSpec| {
            small_steps(spec);
            // The one schedule whose first epochs do not depend on how many there are.
            spec.schedule = Schedule::Constant;
            (spec.optimizer, spec.model) = (optimizer, model);
        };
        let (whole, raised) = (Run::new(change), Run::new(change));
        whole.complete();
        raised.change_spec(|spec| spec.epochs = 2);
        raised.complete();
        raised.change_spec(|spec| spec.epochs = 3);
        raised.complete();
        let (mut all, end) = (raised.values(), 3 * 16);
        all.retain(|(kind, step), _| kind != "completed" || *step == end);
        assert_eq!(all, whole.values());
        assert_eq!(raised.files(), whole.files());
    }
}

#[test]
fn raised_epochs_follow_the_schedule_of_all_of_them() {
    let run = Run::new(|spec| {
        small_steps(spec);
        spec.epochs = 1;
    });
    run.complete();
    let before = run.events().len();
    run.change_spec(|spec| spec.epochs = 3);
    run.complete();
    let events = run.events().split_off(before);
    assert!(matches!(&events[0], Event::Hello(_)));
    assert!(matches!(&events[1], Event::Started(started) if started.step == 16));
    let Event::Note { text } = &events[2] else { panic!("{:?}", events[2]) };
    assert!(text.contains("planned for 1 epoch and now has 3"), "{text}");
    let rates: Vec<(u64, f64)> = events
        .iter()
        .filter_map(|event| match event {
            Event::Step { step, values, .. } => Some((*step, values["learning_rate"].unwrap())),
            _ => None,
        })
        .collect();
    let expected: Vec<(u64, f64)> =
        (16..48).map(|step| (step, learning_rate(Schedule::Cosine, 2e-3, step, 48, 8))).collect();
    assert_eq!(rates, expected);
    // Resumed in the middle of the new epochs, or started once more, it has nothing to note.
    let before = run.events().len();
    run.complete();
    assert!(!run.events()[before..].iter().any(|event| matches!(event, Event::Note { .. })));
}

#[test]
fn raised_epochs_keep_the_best_epoch_unless_a_better_one_comes() {
    let run = Run::new(|spec| {
        small_steps(spec);
        spec.epochs = 1;
    });
    run.complete();
    let kept =
        ["checkpoints/best.safetensors", "predictions/val-0001.safetensors", "predictions/test.safetensors"];
    let before = run.files();
    // As if the first epoch had a loss that no epoch can be below; in a checkpoint of an earlier version.
    let last = run.path("checkpoints/last.json");
    let mut progress: Value = serde_json::from_slice(&std::fs::read(&last).unwrap()).unwrap();
    progress["best"]["loss"] = 0.0.into();
    let fields = progress.as_object_mut().unwrap();
    fields.remove("planned_epochs").unwrap();
    let correct = fields.remove("correct").unwrap();
    fields.insert("right".to_owned(), correct);
    std::fs::write(&last, serde_json::to_vec(&progress).unwrap()).unwrap();
    run.change_spec(|spec| spec.epochs = 2);
    run.complete();
    let (events, after) = (run.events(), run.files());
    assert!(matches!(events.last(), Some(Event::Completed { step: 32, best_epoch: 1 })));
    for name in kept {
        assert!(after[name] == before[name], "{name} changed");
    }
    assert!(after.contains_key("predictions/val-0002.safetensors"));
    assert!(after["checkpoints/last.safetensors"] != before["checkpoints/last.safetensors"]);
    let best = |event: &Event| match event {
        Event::Epoch { epoch: 2, best, .. }
        | Event::Predictions { split: Split::Val, epoch: 2, best, .. } => Some(*best),
        _ => None,
    };
    assert_eq!(events.iter().filter_map(best).collect::<Vec<_>>(), [false, false]);
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
