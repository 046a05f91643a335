//! Every failure tells what happened, to what, and what to try.

use crate::support::Run;
use protocol::event::Event;
use protocol::sample::Split;
use protocol::spec::{Model, Optimizer, RunSpec, Schedule, Task};
use protocol::transform::TransformSpec;

#[test]
fn a_loss_that_is_no_number_names_step_and_layer_and_keeps_no_weights() {
    let run = Run::new(|spec| {
        (spec.optimizer, spec.learning_rate, spec.weight_decay) = (Optimizer::Sgd, 1e6, 0.01);
        (spec.schedule, spec.warmup_epochs, spec.epochs) = (Schedule::Constant, 0.0, 30);
    });
    let failure = run.fail();
    let step = failure.step.expect("the step is named");
    assert!(failure.reason.contains(&format!("step {step}")), "{}", failure.reason);
    let layer = failure.layer.expect("the layer is named");
    let events = run.events();
    let Event::Started(started) = &events[1] else { panic!() };
    assert!(started.layers.contains(&layer));
    assert!(failure.reason.contains(&layer));
    assert!(failure.advice.unwrap().contains("learning rate"));
    assert!(!failure.batch.is_empty(), "the batch is named");
    let samples = run.samples();
    assert!(failure.batch.iter().all(|id| samples.iter().any(|sample| sample.id == *id)));
    // Whatever was kept before it is of use.
    for name in ["best.safetensors", "last.safetensors"] {
        if let Ok(tensors) = tintype_trainer::weights::read(&run.path("checkpoints").join(name)) {
            assert!(tensors.values().all(|tensor| tensor.isfinite().all().int64_value(&[]) == 1));
        }
    }
}

#[test]
fn an_image_that_cannot_be_read_is_named() {
    for (bytes, split) in [(Some(b"no image".as_slice()), 3), (None, 70)] {
        let run = Run::new(|_| {});
        let path = run.path(&format!("images/{split}.png"));
        match bytes {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let failure = run.fail();
        assert!(failure.reason.contains(&path.display().to_string()), "{}", failure.reason);
        assert!(failure.advice.is_some());
    }
}

#[test]
fn a_head_for_other_classes_is_replaced_and_said_so_but_not_evaluated() {
    let two = Run::new(|spec| spec.epochs = 1);
    two.complete();
    let weights = Some(two.path("checkpoints/best.safetensors").display().to_string());
    let three = |spec: &mut RunSpec| {
        spec.classes.push("triangle".to_owned());
        spec.weights = weights.clone();
    };
    let run = Run::new(|spec| {
        three(spec);
        spec.epochs = 1;
    });
    run.complete();
    let notes: Vec<_> = run
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Note { text } => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("2 classes") && notes[0].contains("has 3"), "{}", notes[0]);

    let failure = Run::new(|spec| {
        three(spec);
        spec.task = Task::Evaluate { splits: vec![Split::Val] };
    })
    .fail();
    assert!(failure.reason.contains("2 classes"), "{}", failure.reason);
}

#[test]
fn weights_of_another_model_are_refused_by_name() {
    let small = Run::new(|spec| spec.epochs = 1);
    small.complete();
    let path = small.path("checkpoints/best.safetensors").display().to_string();
    let failure = Run::new(|spec| (spec.model, spec.weights) = (Model::Resnet20Cifar, Some(path))).fail();
    assert!(failure.reason.contains("conv1.weight is missing"), "{}", failure.reason);
    let failure = Run::new(|spec| spec.weights = Some("/nowhere/weights.safetensors".to_owned())).fail();
    assert!(failure.reason.contains("/nowhere/weights.safetensors"), "{}", failure.reason);
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_spent() {
    type Change = fn(&mut RunSpec);
    let cases: [(&str, Change); 5] = [
        ("batch size", |spec| spec.batch_size = 0),
        ("two classes", |spec| spec.classes.truncate(1)),
        ("make 24 pixels", |spec| spec.train_transforms = vec![TransformSpec::CenterCrop { size: 24 }]),
        ("different shapes", |spec| spec.eval_transforms = vec![TransformSpec::resize(32)]),
        ("learning rate is -1", |spec| spec.learning_rate = -1.0),
    ];
    for (expected, change) in cases {
        let run = Run::new(change);
        if expected == "two classes" {
            let mut samples = run.samples();
            samples.retain(|sample| sample.label == 0);
            run.write_samples(&samples);
        }
        let failure = run.fail();
        assert!(failure.reason.contains(expected), "{}", failure.reason);
    }
    let run = Run::new(|_| {});
    std::fs::write(run.path("spec.json"), "{\"dataset\": 3}").unwrap();
    assert!(run.fail().reason.contains("spec.json"));
}
