//! What a run leaves behind: a journal that makes sense and files that hold what their names promise.

use crate::support::{Run, SIDE, program, set_model};
use protocol::event::{Event, LayerDial, Started};
use protocol::model::MODELS;
use protocol::sample::Split;
use protocol::spec::{Model, Precision, Task};
use std::path::Path;
use tintype_trainer::weights;

#[test]
fn a_run_learns_and_tells_it_in_order() {
    let run = Run::new(|spec| spec.epochs = 8);
    run.complete();
    let events = run.events();
    let names: Vec<_> = events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned())
        .filter(|name| !matches!(name.as_str(), "step" | "dials" | "batch" | "progress"))
        .collect();
    let epoch = ["epoch", "predictions", "checkpoint"];
    let expected =
        [["hello", "started"].as_slice(), &epoch.repeat(8), &["predictions", "completed"]].concat();
    assert_eq!(names, expected);

    let Event::Started(Started { steps_per_epoch, layers, parameters, .. }) = &events[1] else { panic!() };
    assert_eq!((*steps_per_epoch, *parameters), (6, 241_442), "64 samples make 5 batches of 12 and one of 4");
    let steps: Vec<u64> = events
        .iter()
        .filter_map(|event| match event {
            Event::Step { step, .. } => Some(*step),
            _ => None,
        })
        .collect();
    assert_eq!(steps, (0..48).collect::<Vec<_>>());
    for event in &events {
        if let Event::Dials(dials) = event
            && let Some(norms) = dials.layers.get(&LayerDial::Gradient)
        {
            assert_eq!(norms.len(), layers.len());
            assert!(norms.iter().all(|norm| norm.is_some_and(|norm| norm > 0.0)));
        }
    }

    let losses: Vec<f64> = events
        .iter()
        .filter_map(|event| match event {
            Event::Epoch { values, .. } => values["epoch/train_loss"],
            _ => None,
        })
        .collect();
    assert!(losses[7] < 0.8 * losses[0], "the loss did not fall: {losses:?}");
}

#[test]
fn best_is_the_epoch_with_the_lowest_validation_loss() {
    let run = Run::new(|spec| spec.learning_rate = 0.02);
    run.complete();
    let mut lowest = f64::INFINITY;
    let mut best_epoch = 0;
    for event in run.events() {
        match event {
            Event::Epoch { epoch, values, best, .. } => {
                let loss = values["val/loss"].unwrap();
                assert_eq!(best, loss < lowest);
                if best {
                    (lowest, best_epoch) = (loss, epoch);
                }
            }
            Event::Completed { best_epoch: reported, .. } => assert_eq!(reported, best_epoch),
            _ => {}
        }
    }
    // The test split was evaluated with the best weights: doing so again gives the same logits.
    let again = Run::new(|spec| {
        spec.weights = Some(run.path("checkpoints/best.safetensors").display().to_string());
        spec.task = Task::Evaluate { splits: vec![Split::Test, Split::Train] };
    });
    again.complete();
    let file = |run: &Run, name: &str| std::fs::read(run.path(name)).unwrap();
    assert!(file(&run, "predictions/test.safetensors") == file(&again, "predictions/test.safetensors"));
    assert_eq!(
        weights::read(&again.path("predictions/train-0000.safetensors")).unwrap()["logits"].size(),
        [64, 2]
    );
}

#[test]
fn images_of_which_nothing_is_known_are_predicted_as_they_are_evaluated() {
    let evaluated = Run::new(|spec| spec.task = Task::Evaluate { splits: vec![Split::Val] });
    evaluated.complete();
    let predicted = Run::new(|spec| spec.task = Task::Predict);
    predicted.write_samples(&predicted.samples()[64..80]);
    predicted.complete();
    let events = predicted.events();
    let path = events.iter().find_map(|event| match event {
        Event::Predicted { path } => Some(path),
        _ => None,
    });
    let read = |run: &Run, name: &str| weights::read(&run.path(name)).unwrap();
    let (known, unknown) =
        (read(&evaluated, "predictions/val-0000.safetensors"), read(&predicted, path.unwrap()));
    assert!(["label", "loss"].iter().all(|name| known.contains_key(*name) && !unknown.contains_key(*name)));
    for name in ["sample_id", "logits", "embedding"] {
        assert_eq!(known[name], unknown[name], "{name}");
    }
}

#[test]
fn predictions_agree_with_the_journal() {
    let run = Run::new(|spec| spec.epochs = 1);
    run.complete();
    let file = weights::read(&run.path("predictions/val-0001.safetensors")).unwrap();
    let samples: Vec<_> = run.samples().into_iter().filter(|sample| sample.split == Split::Val).collect();
    let (mut correct, mut sum) = (0, 0.0);
    for (row, sample) in samples.iter().enumerate() {
        let row = row as i64;
        assert_eq!(file["sample_id"].int64_value(&[row]), sample.id);
        assert_eq!(file["label"].int64_value(&[row]), i64::from(sample.label));
        let logit = |class: i64| file["logits"].double_value(&[row, class]);
        let label = i64::from(sample.label);
        let loss = (logit(0).exp() + logit(1).exp()).ln() - logit(label);
        assert!((loss - file["loss"].double_value(&[row])).abs() < 1e-5);
        sum += loss;
        correct += u32::from(logit(label) > logit(1 - label));
    }
    assert_eq!(file["embedding"].size(), [16, 128]);
    let values = run.values();
    let epoch = &values[&("epoch".to_owned(), 1)];
    assert_eq!(epoch["val/accuracy"], Some(f64::from(correct) / 16.0));
    assert!((epoch["val/loss"].unwrap() - sum / 16.0).abs() < 1e-5);
}

#[test]
fn a_captured_batch_is_what_the_imaging_code_makes_of_its_samples() {
    let run = Run::new(|spec| spec.epochs = 1);
    run.complete();
    let spec: protocol::spec::RunSpec =
        serde_json::from_slice(&std::fs::read(run.path("spec.json")).unwrap()).unwrap();
    let samples = run.samples();
    let mut steps = Vec::new();
    for event in run.events() {
        let Event::Batch(batch) = event else { continue };
        steps.push((batch.step, batch.size));
        let input = &weights::read(&run.path(&batch.path)).unwrap()["input"];
        assert_eq!(input.size(), [batch.items.len() as i64, 3, i64::from(SIDE), i64::from(SIDE)]);
        for (place, item) in batch.items.iter().enumerate() {
            let sample = samples.iter().find(|sample| sample.id == item.sample_id).unwrap();
            assert_eq!(item.label, sample.label);
            let image =
                vision::decode_file(Path::new(&sample.path), &vision::Limits::default()).unwrap().image;
            let mut random = vision::RandomStream::new(spec.seed, batch.epoch, sample.id);
            let (tensor, sampled) = vision::apply(&spec.train_transforms, &image, &mut random);
            assert_eq!(item.sampled, sampled);
            let network_input = Vec::<f32>::try_from(&input.get(place as i64).reshape([-1])).unwrap();
            assert!(network_input == tensor.data, "sample {} of step {}", item.sample_id, batch.step);
        }
        let red = input.select(1, 0).to_kind(tch::Kind::Double);
        assert!(
            (batch.channels[0].mean.unwrap() - red.mean(tch::Kind::Double).double_value(&[])).abs() < 1e-9
        );
        assert_eq!(batch.channels[0].max, Some(red.max().double_value(&[])));
    }
    assert_eq!(steps, [(0, 12), (5, 4)], "the first step, and then every fifth");
}

#[test]
fn every_model_trains_and_its_checkpoint_can_be_evaluated() {
    for model in [
        Model::Resnet20Cifar,
        Model::Resnet18,
        Model::EfficientnetLite0,
        Model::MobilenetV3Small,
        Model::ConvnextTiny,
        Model::VitTiny,
    ] {
        let run = Run::new(|spec| {
            (spec.epochs, spec.batch_size) = (1, 32);
            set_model(spec, model);
            spec.precision = Precision::Bf16;
        });
        run.complete();
        assert!(run.values()[&("epoch".to_owned(), 1)]["val/loss"].is_some(), "{model:?}");
    }
}

#[test]
fn the_choice_of_precision_is_measured_and_kept() {
    let run = Run::new(|spec| (spec.precision, spec.epochs) = (Precision::Auto, 1));
    run.complete();
    run.complete();
    let hellos: Vec<_> = run
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Hello(hello) => Some(hello),
            _ => None,
        })
        .collect();
    assert_eq!(hellos.len(), 2);
    let reason = &hellos[0].precision_reason;
    assert!(
        ["ms with f32 and", "no instructions for bf16"].iter().any(|why| reason.contains(why)),
        "{reason}"
    );
    assert_eq!(hellos[0].precision_reason, hellos[1].precision_reason);
    assert_eq!(hellos[0].precision, hellos[1].precision);
}

#[test]
fn without_a_validation_split_the_last_epoch_is_the_best() {
    let run = Run::new(|spec| spec.epochs = 2);
    let mut samples = run.samples();
    samples.retain(|sample| sample.split == Split::Train);
    run.write_samples(&samples);
    let output = run.train();
    assert!(output.status.success());
    assert_eq!(run.events().last(), Some(&Event::Completed { step: 12, best_epoch: 2 }));
    let read = |name: &str| std::fs::read(run.path("checkpoints").join(name)).unwrap();
    assert!(read("best.safetensors") == read("last.safetensors"));
    assert!(!run.path("predictions").exists());
}

#[test]
fn it_describes_itself() {
    let output = program().arg("describe").output().unwrap();
    assert!(output.status.success());
    let described: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(described["protocol"], protocol::PROTOCOL);
    assert_eq!(described["devices"][0], "cpu");
    let models: Vec<_> =
        described["models"].as_array().unwrap().iter().map(|model| model["name"].clone()).collect();
    assert_eq!(models, MODELS.map(|entry| entry.name));
}

#[test]
fn a_search_for_a_learning_rate_tries_rising_rates_and_keeps_nothing() {
    let run = Run::new(|spec| {
        spec.task = Task::FindLearningRate { steps: 30 };
        spec.batch_size = 8;
    });
    run.complete();
    let events = run.events();
    let found = events.iter().find_map(|event| match event {
        Event::LearningRates { points } => Some(points.clone()),
        _ => None,
    });
    let points = found.expect("what it found");
    assert!(points.len() > 15 && points.len() <= 30, "{}", points.len());
    let expected: Vec<f64> = (0..30).map(|step| protocol::learning_rates::rate(step, 30)).collect();
    assert!(points.iter().zip(expected).all(|((rate, _), expected)| (rate / expected - 1.0).abs() < 1e-9));
    assert!(points[0].1.is_some_and(|loss| (0.3..2.0).contains(&loss)), "{:?}", points[0]);
    assert!(!run.path("checkpoints").exists(), "nothing of it is kept");
    // The same seed tries the same.
    let again = Run::new(|spec| {
        spec.task = Task::FindLearningRate { steps: 30 };
        spec.batch_size = 8;
    });
    again.complete();
    let same = again
        .events()
        .into_iter()
        .any(|event| matches!(event, Event::LearningRates { points: other } if other == points));
    assert!(same);
}
