//! What a run leaves open is decided once, and what it draws hangs on its samples' keys alone.

use crate::support::{Run, program};
use protocol::event::{Dtype, Event, Hello};
use protocol::spec::{Device, Precision, RunSpec};
use std::path::Path;
use std::process::{Child, Stdio};

fn open_run() -> Run {
    Run::new(|spec| {
        (spec.precision, spec.device, spec.threads, spec.epochs) = (Precision::Auto, Device::Auto, 0, 1);
    })
}

fn start(run: &Run, decisions: &Path) -> Child {
    let mut program = program();
    program.arg("train").arg(run.path("")).arg("--decisions").arg(decisions);
    program.stdin(Stdio::null()).spawn().unwrap()
}

fn train(run: &Run, decisions: &Path) -> Hello {
    assert!(start(run, decisions).wait().unwrap().success());
    hello(run)
}

fn hello(run: &Run) -> Hello {
    let hello = run.events().into_iter().rev().find_map(|event| match event {
        Event::Hello(hello) => Some(hello),
        _ => None,
    });
    hello.unwrap()
}

/// The precisions that are kept, with their measurements.
fn kept(decisions: &Path) -> Vec<serde_json::Value> {
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(decisions).unwrap()).unwrap();
    file["decisions"].as_array().unwrap().clone()
}

#[test]
fn two_runs_that_start_together_measure_once_and_a_damaged_file_is_measured_anew() {
    let folder = tempfile::tempdir().unwrap();
    let decisions = folder.path().join("machine/precision.json");
    let (one, other) = (open_run(), open_run());
    let mut children = [start(&one, &decisions), start(&other, &decisions)];
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let (first, second) = (hello(&one), hello(&other));
    assert_eq!((first.precision, &first.precision_reason), (second.precision, &second.precision_reason));
    if !first.precision_reason.contains("measured once") {
        // Nothing to measure on a processor that has no instructions for bf16.
        assert!(!decisions.exists(), "{}", first.precision_reason);
        return;
    }
    let before = kept(&decisions);
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!(before[0]["model"], "small-cnn");

    // What is kept is believed, whatever a stopwatch would say today.
    let mut turned = before[0].clone();
    turned["measured"]["f32_ms"] = serde_json::json!(1000.0);
    std::fs::write(&decisions, serde_json::json!({"decisions": [turned]}).to_string()).unwrap();
    assert_eq!(train(&open_run(), &decisions).precision, Dtype::Bf16);

    // Another shape is another question.
    let larger = open_run();
    larger.change_spec(|spec| spec.batch_size = 16);
    train(&larger, &decisions);
    assert_eq!(kept(&decisions).len(), 2);

    std::fs::write(&decisions, "{\"decisions\": [{").unwrap();
    assert_eq!(train(&open_run(), &decisions).precision, first.precision);
    assert_eq!(kept(&decisions).len(), 1);
}

#[test]
fn what_was_left_open_is_written_into_the_spec_before_the_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let run = open_run();
    let before: RunSpec = serde_json::from_slice(&std::fs::read(run.path("spec.json")).unwrap()).unwrap();
    let hello = train(&run, &folder.path().join("precision.json"));
    let after: RunSpec = serde_json::from_slice(&std::fs::read(run.path("spec.json")).unwrap()).unwrap();
    assert_eq!(after, hello.resolve(&before));
    assert!(after.threads > 0 && after.device != Device::Auto && after.precision != Precision::Auto);

    // What a spec says is not decided again.
    let asked = Run::new(|spec| (spec.precision, spec.threads, spec.epochs) = (Precision::F32, 1, 1));
    let nothing = folder.path().join("nothing.json");
    let hello = train(&asked, &nothing);
    assert_eq!((hello.precision, hello.threads), (Dtype::F32, 1));
    assert!(!nothing.exists());
}

#[test]
fn draws_go_by_a_samples_key_and_where_there_is_none_by_its_number() {
    let weights = |first: i64, keyed: bool| {
        let run = Run::new(|spec| (spec.epochs, spec.mixing.mixup) = (1, 0.2));
        let mut samples = run.samples();
        for (at, sample) in (0..).zip(&mut samples) {
            sample.id = first + at;
            sample.key = keyed.then_some(100 + at);
        }
        run.write_samples(&samples);
        run.complete();
        std::fs::read(run.path("checkpoints/last.safetensors")).unwrap()
    };
    let numbered = weights(100, false);
    assert!(weights(100, true) == numbered && weights(5000, true) == numbered);
    assert!(weights(5000, false) != numbered);
}
