//! Losses, clipping and averages against PyTorch's figures, and what recipes do to whole runs.

use crate::parity::{reference, wave};
use crate::resume::assert_same_when_stopped;
use crate::support::Run;
use protocol::event::Event;
use protocol::optimizer::OPTIMIZERS;
use protocol::spec::{
    BestBy, ClassWeights, DecayScope, FineTune, Loss, Mixing, RunSpec, Sampling, Schedule, Selection,
    Training, Updates,
};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};
use tintype_trainer::averages::Averages;
use tintype_trainer::gradients;
use tintype_trainer::loss::LossFunction;
use tintype_trainer::rates::ByDepth;
use tintype_trainer::weights;

fn distance(ours: &Tensor, theirs: &[f64]) -> f64 {
    (ours.detach().to_kind(Kind::Double) - Tensor::from_slice(theirs)).abs().max().double_value(&[])
}

#[test]
fn losses_and_their_gradients_are_pytorchs() {
    #[derive(Deserialize)]
    struct Case {
        loss: Loss,
        lambda: Option<f64>,
        mean: f64,
        gradient: Vec<f64>,
    }
    let labels = [0_u32, 1, 2, 1, 3, 1];
    let mut furthest: f64 = 0.0;
    let cases: Vec<Case> = reference("losses.json");
    assert_eq!(cases.len(), 3 * 2 * 2 * 2);
    for case in cases {
        let function = LossFunction::new(case.loss, labels.into_iter(), 4, Device::Cpu);
        let logits = (wave(24, 0.3) * 3.0).to_kind(Kind::Float).view([6, 4]).set_requires_grad(true);
        let loss = function.of(&logits, &Tensor::from_slice(&labels.map(i64::from)), case.lambda).mean;
        loss.backward();
        let off = (loss.double_value(&[]) - case.mean).abs();
        let off = off.max(distance(&logits.grad().reshape([-1]), &case.gradient));
        assert!(off < 1e-6, "{:?} {:?}: {off}", case.loss, case.lambda);
        furthest = furthest.max(off);
    }
    println!("losses: {furthest:.1e}");
}

#[test]
fn gradients_are_clipped_as_pytorchs() {
    #[derive(Deserialize)]
    struct Case {
        most: f64,
        norm: f64,
        gradient: Vec<f64>,
    }
    for case in reference::<Vec<Case>>("clipping.json") {
        let gradient = wave(7, 0.2).to_kind(Kind::Float);
        let clipped = gradients::clip(&gradient, None, case.most);
        assert!((clipped.norm.double_value(&[]) - case.norm).abs() < 1e-6, "{}", case.most);
        let off = distance(&clipped.gradient, &case.gradient);
        assert!(off < 1e-7, "{}: {off}", case.most);
        // What does not learn yet counts for nothing.
        let shares = Tensor::from_slice(&[0.0_f32, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let by_depth = ByDepth { shares, begun: vec![(4, 9), (3, 0)] };
        let clipped = gradients::clip(&gradient, Some(&by_depth), case.most);
        let own = gradients::clip(&gradient.narrow(0, 4, 3), None, case.most);
        assert_eq!(clipped.gradient.narrow(0, 4, 3), own.gradient);
    }
}

#[test]
fn averages_are_those_of_pytorchs_averaged_model() {
    #[derive(Deserialize)]
    struct Case {
        decay: f64,
        averages: Vec<Vec<f64>>,
    }
    for case in reference::<Vec<Case>>("averages.json") {
        let live = Tensor::zeros([12], (Kind::Float, Device::Cpu));
        let mut averages =
            Averages::new(case.decay, vec![live.narrow(0, 0, 6), live.narrow(0, 6, 3), live.narrow(0, 9, 3)]);
        for (step, expected) in case.averages.iter().enumerate() {
            let now = wave(12, step as f64).to_kind(Kind::Float);
            live.shallow_clone().copy_(&now);
            averages.update(step == 0);
            averages.swap();
            let off = distance(&live, expected);
            assert!(off < 1e-6, "{} step {step}: {off}", case.decay);
            averages.swap();
            assert_eq!(live, now);
        }
    }
}

/// Everything at once.
fn all_on(spec: &mut RunSpec) {
    spec.batch_size = 4;
    spec.loss = Loss { label_smoothing: 0.1, class_weights: ClassWeights::Inverse, focal_gamma: 1.0 };
    spec.updates = Updates { accumulate: 2, clip_norm: 0.5, average_decay: 0.9 };
    spec.selection = Selection { best_by: BestBy::Accuracy, patience: 2 };
    spec.decay_scope = DecayScope::Weights;
}

#[test]
fn a_stopped_run_with_everything_on_goes_on_to_the_same_bits() {
    // 3 × 8 steps of two batches each.
    assert_same_when_stopped(
        |spec| {
            all_on(spec);
            spec.sampling = Sampling::Balanced;
            spec.loss.class_weights = ClassWeights::Even;
            spec.mixing = Mixing { mixup: 0.2, cutmix: 0.0 };
        },
        [3, 13],
    );
}

#[test]
fn every_optimiser_goes_on_to_the_same_bits_and_comes_down() {
    for entry in &OPTIMIZERS {
        let change = |spec: &mut RunSpec| {
            (spec.optimizer, spec.learning_rate, spec.weight_decay) =
                (entry.optimizer, entry.rate, entry.weight_decay);
            (spec.batch_size, spec.decay_scope, spec.epochs) = (8, DecayScope::Weights, 2);
        };
        let whole = Run::new(change);
        whole.complete();
        let losses: Vec<f64> = whole
            .events()
            .iter()
            .filter_map(|event| match event {
                Event::Step { values, .. } => values["train/loss"],
                _ => None,
            })
            .collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let (first, last) = (mean(&losses[..4]), mean(&losses[losses.len() - 4..]));
        println!("{}: {first:.3} to {last:.3}", entry.name);
        assert!(last < first, "{}: {first} to {last}", entry.name);
    }
    for entry in OPTIMIZERS.iter().filter(|entry| !["adamw", "sgd"].contains(&entry.name)) {
        assert_same_when_stopped(
            |spec| {
                (spec.optimizer, spec.learning_rate) = (entry.optimizer, entry.rate);
                (spec.batch_size, spec.decay_scope, spec.epochs) = (8, DecayScope::Weights, 2);
            },
            [2, 9],
        );
    }
}

#[test]
fn more_epochs_come_to_the_bits_of_a_run_that_had_them_from_the_start_with_everything_on() {
    let change = |spec: &mut RunSpec| {
        all_on(spec);
        spec.schedule = Schedule::Constant;
        spec.selection.patience = 9;
    };
    let (whole, raised) = (Run::new(change), Run::new(change));
    whole.complete();
    raised.change_spec(|spec| spec.epochs = 2);
    raised.complete();
    raised.change_spec(|spec| spec.epochs = 3);
    raised.complete();
    assert_eq!(raised.files(), whole.files());
}

/// A head that learns from the weights of `base`, all of it in one place.
fn head_of(base: &Run, change: impl Fn(&mut RunSpec)) -> Run {
    Run::new(|spec| {
        spec.weights = Some(base.path("checkpoints/best.safetensors").display().to_string());
        (spec.training, spec.warmup_epochs, spec.epochs) = (Training::Head { draws: 0 }, 0.0, 4);
        spec.batch_size = 8;
        change(spec);
    })
}

fn base() -> Run {
    let run = Run::new(|spec| spec.epochs = 1);
    run.complete();
    run
}

fn tensors(run: &Run, name: &str) -> std::collections::BTreeMap<String, Tensor> {
    weights::read(&run.path(&format!("checkpoints/{name}.safetensors"))).unwrap()
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    let base = base();
    let loss = Loss { label_smoothing: 0.1, class_weights: ClassWeights::Inverse, focal_gamma: 2.0 };
    // No layer of the head looks at the batch as a whole.
    let large = head_of(&base, |spec| {
        spec.loss = loss;
        spec.batch_size = 24;
    });
    let accumulated = head_of(&base, |spec| {
        spec.loss = loss;
        spec.updates.accumulate = 3;
    });
    large.complete();
    accumulated.complete();
    let steps = |run: &Run| run.events().iter().filter(|event| matches!(event, Event::Step { .. })).count();
    assert_eq!((steps(&large), steps(&accumulated)), (12, 12));
    for (name, tensor) in tensors(&large, "last") {
        let off = (&tensor - &tensors(&accumulated, "last")[&name]).abs().max().double_value(&[]);
        assert!(off < 1e-6, "{name}: {off}");
    }
}

#[test]
fn the_average_is_what_is_evaluated_and_kept_as_the_best() {
    for training in [Training::Scratch, Training::Head { draws: 0 }, Training::FineTune(FineTune::ALL_LAYERS)]
    {
        let base = base();
        let plain = |spec: &mut RunSpec| {
            (spec.training, spec.epochs) = (training, 1);
            if training == Training::Scratch {
                spec.weights = None;
            }
        };
        let without = head_of(&base, plain);
        let with = head_of(&base, |spec| {
            plain(spec);
            spec.updates.average_decay = 0.8;
        });
        without.complete();
        with.complete();
        // Learning itself is not touched by it.
        let (last, others) = (tensors(&with, "last"), tensors(&without, "last"));
        let (best, average) = (tensors(&with, "best"), tensors(&with, "last.averages"));
        let head = last.keys().find(|name| name.starts_with("head.")).unwrap();
        for name in last.keys() {
            assert_eq!(last[name], others[name], "{name}");
            assert_eq!(best[name], average[name], "{name}");
        }
        assert_ne!(best[head], last[head]);
        let predictions = |run: &Run| run.files().remove("predictions/val-0001.safetensors").unwrap();
        assert!(predictions(&with) != predictions(&without));
    }
}

#[test]
fn a_run_without_progress_ends_early_and_says_so() {
    let base = base();
    let early = head_of(&base, |spec| {
        // A step so small that no epoch is better than the first.
        (spec.learning_rate, spec.epochs, spec.schedule) = (1e-30, 9, Schedule::Constant);
        spec.selection.patience = 2;
    });
    early.complete();
    let notes = |run: &Run| {
        let notes = run.events().into_iter().filter_map(|event| match event {
            Event::Note { text } if text.contains("early") => Some(text),
            _ => None,
        });
        notes.collect::<Vec<_>>()
    };
    assert_eq!(
        notes(&early),
        ["Stopped early after epoch 3 of 9: 2 epochs brought no better validation loss than epoch 1."]
    );
    assert!(matches!(early.events().last(), Some(Event::Completed { step: 24, best_epoch: 1 })));
    assert!(early.path("predictions/test.safetensors").is_file());
    // Started again it has nothing to do; given more epochs it goes on, and waits anew.
    early.complete();
    assert_eq!(notes(&early).len(), 1);
    early.change_spec(|spec| spec.epochs = 20);
    early.complete();
    assert!(matches!(early.events().last(), Some(Event::Completed { step: 40, best_epoch: 1 })));
    assert!(notes(&early)[1].starts_with("Stopped early after epoch 5 of 20"), "{:?}", notes(&early));
}

#[test]
fn balanced_samples_learn_a_rare_class_and_are_drawn_anew_each_time() {
    let run = Run::new(|spec| {
        (spec.sampling, spec.epochs, spec.capture_every_steps) = (Sampling::Balanced, 1, 1);
    });
    // Of the squares four are left to learn from.
    let mut samples = run.samples();
    let mut squares = 0;
    samples.retain(|sample| {
        let is_square = sample.label == 1 && sample.split == protocol::sample::Split::Train;
        squares += u32::from(is_square);
        !is_square || squares <= 4
    });
    run.write_samples(&samples);
    run.complete();
    let items: Vec<_> = run
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Batch(batch) => Some(batch.items),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(items.len(), 36);
    let rare: Vec<_> = items.iter().filter(|item| item.label == 1).collect();
    assert_eq!(rare.len(), 18);
    let one = rare[0].sample_id;
    let draws: std::collections::BTreeSet<String> =
        rare.iter().filter(|item| item.sample_id == one).map(|item| format!("{:?}", item.sampled)).collect();
    assert!(draws.len() > 1, "the same image comes in different ways: {draws:?}");
}
