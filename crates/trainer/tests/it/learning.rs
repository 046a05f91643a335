//! What of a network learns: the last layer alone, on features that are computed once, or all layers by depth.

use crate::resume::assert_same_when_stopped;
use crate::support::{Run, SIDE, program, set_model};
use protocol::event::Event;
use protocol::spec::{FineTune, Model, RunSpec, Task, Training};
use std::collections::BTreeMap;
use std::path::Path;
use tch::{Device, Kind, Tensor};
use tintype_trainer::layers::Mode;
use tintype_trainer::{models, weights};

/// A run of one epoch, whose weights others start from.
fn base() -> Run {
    let run = Run::new(|spec| spec.epochs = 1);
    run.complete();
    run
}

fn best(run: &Run) -> BTreeMap<String, Tensor> {
    weights::read(&run.path("checkpoints/best.safetensors")).unwrap()
}

fn start_from(spec: &mut RunSpec, base: &Run, training: Training) {
    spec.weights = Some(base.path("checkpoints/best.safetensors").display().to_string());
    spec.training = training;
    spec.warmup_epochs = 0.0;
}

/// Trains with features kept in `folder`; what its journal says was done and was to be done, of each report of progress.
fn complete_with(run: &Run, folder: &Path) -> Vec<(u64, u64)> {
    let output = program().arg("train").arg(run.path("")).arg("--features").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    run.events()
        .iter()
        .filter_map(|event| match event {
            Event::Progress { done, total, .. } => Some((*done, *total)),
            _ => None,
        })
        .collect()
}

#[test]
fn the_last_layer_learns_alone_and_what_the_others_make_of_an_image_is_computed_once() {
    let base = base();
    let folder = tempfile::tempdir().unwrap();
    let head = |rate: f64| {
        Run::new(|spec| {
            start_from(spec, &base, Training::Head { draws: 0 });
            (spec.epochs, spec.learning_rate) = (5, rate);
        })
    };
    let first = head(0.01);
    let progress = complete_with(&first, folder.path());
    // 64 to learn from and 16 to validate, then 16 to test.
    assert_eq!((progress[0], progress.last()), ((0, 80), Some(&(16, 16))));
    let Event::Started(started) = &first.events()[1] else { panic!("{:?}", first.events()[1]) };
    assert_eq!(
        (started.layers.as_slice(), started.parameters),
        (["head".to_owned()].as_slice(), 128 * 2 + 2)
    );
    let (before, after) = (best(&base), best(&first));
    for (name, tensor) in &before {
        assert_eq!(after[name] == *tensor, !name.starts_with("head."), "{name}");
    }

    // All features are there: the first report after the beginning says that all are done.
    let again = head(0.01);
    assert_eq!(complete_with(&again, folder.path()), [(0, 80), (80, 80), (0, 16), (16, 16)]);
    first.assert_same(&again);
    let other = head(0.001);
    complete_with(&other, folder.path());
    assert!(best(&other)["head.weight"] != after["head.weight"]);
    // An image that is another one by now is computed again.
    let changed = head(0.01);
    let samples = changed.samples();
    std::fs::copy(&samples[0].path, &samples[2].path).unwrap();
    std::fs::copy(&samples[1].path, &samples[3].path).unwrap();
    complete_with(&changed, folder.path());
    assert!(best(&changed)["head.weight"] != after["head.weight"]);
    // Nothing kept, nothing lost.
    let alone = head(0.01);
    alone.complete();
    first.assert_same(&alone);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_last_layer_that_learned_alone_gives_the_same_predictions_when_it_is_evaluated_again() {
    let base = base();
    let run = Run::new(|spec| start_from(spec, &base, Training::Head { draws: 0 }));
    run.complete();
    let again = Run::new(|spec| {
        start_from(spec, &run, Training::Head { draws: 0 });
        spec.task = Task::Evaluate { splits: vec![protocol::sample::Split::Test] };
    });
    again.complete();
    let file = |run: &Run| std::fs::read(run.path("predictions/test.safetensors")).unwrap();
    assert!(file(&run) == file(&again));
}

#[test]
fn each_epoch_takes_another_draw_of_each_image_where_that_is_asked_for() {
    let base = base();
    let run = Run::new(|spec| start_from(spec, &base, Training::Head { draws: 2 }));
    let folder = tempfile::tempdir().unwrap();
    let progress = complete_with(&run, folder.path());
    assert_eq!(progress[0], (0, 2 * 64 + 16));
    let losses: Vec<f64> = run
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Step { values, .. } => values["train/loss"],
            _ => None,
        })
        .collect();
    assert_eq!(losses.len(), 18);
    let once = Run::new(|spec| start_from(spec, &base, Training::Head { draws: 1 }));
    once.complete();
    assert!(best(&once)["head.weight"] != best(&run)["head.weight"]);
}

#[test]
fn a_last_layer_that_is_stopped_goes_on_to_the_same_bits() {
    let base = base();
    assert_same_when_stopped(
        |spec| {
            start_from(spec, &base, Training::Head { draws: 1 });
            // Long enough to be caught.
            (spec.epochs, spec.batch_size) = (60, 2);
        },
        [5, 400],
    );
}

#[test]
fn fine_tuning_begins_with_the_last_layer_and_learns_more_slowly_by_depth() {
    let base = base();
    let before = best(&base);
    let tuned = |head_epochs, epochs| {
        let how = FineTune { head_epochs, unfreeze_epochs: 0, rate_decay: 0.5, keep_norm_statistics: true };
        let run = Run::new(|spec| {
            start_from(spec, &base, Training::FineTune(how));
            spec.epochs = epochs;
        });
        run.complete();
        weights::read(&run.path("checkpoints/last.safetensors")).unwrap()
    };
    for (name, tensor) in tuned(1, 1) {
        assert_eq!(before[&name] == tensor, !name.starts_with("head."), "{name}");
    }
    let after = tuned(0, 1);
    for (name, tensor) in &after {
        // What came with the weights is kept of the normalisations' statistics, and nothing else.
        assert_eq!(before[name] == *tensor, name.contains("running_"), "{name}");
    }
    let moved = |name: &str| (&after[name] - &before[name]).abs().mean(Kind::Float).double_value(&[]);
    let (first, last) = (moved("stage1.conv.weight"), moved("stage4.conv.weight"));
    assert!(first < 0.3 * last, "{first} {last}");
}

#[test]
fn all_layers_at_one_rate_is_what_runs_with_weights_did_before() {
    let base = base();
    let run = |training| {
        let run = Run::new(|spec| start_from(spec, &base, training));
        run.complete();
        run
    };
    run(Training::FineTune(FineTune::ALL_LAYERS)).assert_same(&run(Training::Scratch));
}

#[test]
fn fine_tuning_that_is_stopped_goes_on_to_the_same_bits() {
    let base = base();
    let how = FineTune { head_epochs: 1, unfreeze_epochs: 1, rate_decay: 0.7, keep_norm_statistics: false };
    assert_same_when_stopped(
        |spec| {
            start_from(spec, &base, Training::FineTune(how));
            spec.batch_size = 4;
        },
        [5, 20],
    );
}

#[test]
fn published_weights_that_are_not_there_are_asked_for_by_name() {
    let run = Run::new(|spec| {
        set_model(spec, Model::EfficientnetLite0);
        spec.weights = Some("efficientnet-lite0-imagenet".to_owned());
        spec.training = Training::Head { draws: 0 };
    });
    let failure = run.fail();
    assert!(failure.reason.contains("efficientnet-lite0-imagenet are not on this machine"), "{failure:?}");
    assert!(failure.advice.unwrap().contains("tintype weights fetch efficientnet-lite0-imagenet"));
}

#[test]
fn a_network_that_ends_in_several_layers_learns_its_last_one_alone_or_all_of_them() {
    for (model, head, features) in [
        (Model::MobilenetV3Small, "classifier.3", 1024),
        (Model::ConvnextTiny, "classifier.2", 768),
        (Model::VitTiny, "heads.head", 192),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let side = model.min_image_size().max(SIDE);
        let network = models::build(model, side, 5, Device::Cpu).unwrap();
        std::fs::write(&path, weights::to_bytes(&network.named_tensors()).unwrap()).unwrap();
        let before = weights::read(&path).unwrap();
        let learn = |training| {
            let run = Run::new(|spec| {
                set_model(spec, model);
                (spec.epochs, spec.batch_size, spec.warmup_epochs) = (1, 32, 0.0);
                spec.weights = Some(path.display().to_string());
                spec.training = training;
            });
            run.complete();
            run
        };
        let head_alone = learn(Training::Head { draws: 0 });
        let started = |event: &Event| match event {
            Event::Started(started) => Some((started.layers.clone(), started.parameters)),
            _ => None,
        };
        let found = head_alone.events().iter().find_map(started).unwrap();
        assert_eq!(found, (vec![head.to_owned()], features * 2 + 2), "{model:?}");
        let prefix = format!("{head}.");
        for (name, tensor) in best(&head_alone) {
            assert!(before[&name] == tensor || name.starts_with(&prefix), "{name}");
        }
        let tuned = best(&learn(Training::FineTune(FineTune::ALL_LAYERS)));
        let still: Vec<&String> =
            tuned.iter().filter(|(name, tensor)| before[*name] == **tensor).map(|(name, _)| name).collect();
        assert!(still.is_empty(), "{model:?}: {still:?} did not learn");
    }
}

/// Moves running statistics away from 0 and 1.
fn move_statistics(network: &tintype_trainer::layers::Network) {
    tch::manual_seed(5);
    for (name, buffer) in &network.buffers {
        let mut buffer = buffer.shallow_clone();
        let drawn = buffer.rand_like();
        buffer.copy_(&if name.ends_with("var") { drawn + 0.5 } else { drawn - 0.5 });
    }
}

#[test]
fn a_folded_network_makes_of_images_what_the_whole_one_does_one_by_one_or_together() {
    for model in Model::ALL {
        tch::manual_seed(3);
        let network = models::build(model, 64, 2, Device::Cpu).unwrap();
        tch::no_grad(|| move_statistics(&network));
        let input = Tensor::randn([4, 3, 64, 64], (Kind::Float, Device::Cpu));
        let whole = tch::no_grad(|| network.forward(&input, Kind::Float, Mode::Evaluate).embedding);
        let frozen = network.freeze(Kind::Float);
        let folded = frozen.embed(&input);
        let largest = whole.abs().max().double_value(&[]).max(1.0);
        let difference = (&whole - &folded).abs().max().double_value(&[]);
        assert!(difference < 1e-5 * largest, "{model:?}: {difference} of {largest}");
        // Whom an image stands beside has no say, to the bit.
        let turned = frozen.embed(&input.flip([0])).flip([0]);
        assert!(turned == folded, "{model:?}");
        // With 8 bits a number it is nearly the same, and f32 again at the end.
        let rough = network.freeze(Kind::BFloat16).embed(&input.narrow(0, 0, 1));
        let size = |tensor: &Tensor| tensor.norm().double_value(&[]);
        let whole = whole.narrow(0, 0, 1);
        let off = size(&(&whole - &rough)) / size(&whole);
        assert!(rough.kind() == Kind::Float && off < 0.1, "{model:?}: {off}");
    }
}
