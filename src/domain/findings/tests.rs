//! Each detector fires at its own cause, alone, and is silent at what is healthy or not yet clear.

use super::drawn::{LAYERS, alarms, healthy, noise, reports, schedule};
use super::evidence::Predicted;
use super::split_figures::Spread;
use super::*;
use crate::domain::run::RunState;
use protocol::event::Failure;
use protocol::spec::{FineTune, Training};

const NONE: [&str; 0] = [];

fn set(evidence: &mut Evidence, dial: LayerDial, number: impl Fn(u64, usize) -> f64) {
    evidence.dials.insert(dial, reports(number));
}

/// A loss that stays where it is.
fn stuck(evidence: &mut Evidence, loss: f64) {
    for (step, value) in &mut evidence.train_loss {
        *value = Some(loss * (0.9 + 0.2 * (noise(*step) - 0.5)));
    }
    for epoch in &mut evidence.epochs {
        (epoch.train_loss, epoch.val_loss) = (Some(loss), Some(loss));
        (epoch.train_accuracy, epoch.val_accuracy) = (Some(0.34), Some(0.33));
    }
    evidence.predicted =
        Some(Predicted { split: Split::Val, epoch: 1, actual: vec![14; 3], predicted: vec![42, 0, 0] });
}

#[test]
fn a_healthy_run_is_silent_at_every_step_of_its_way() {
    assert_eq!(alarms(|_| {}), NONE);
    for steps in 1..64 {
        let found = alarms(|evidence| {
            evidence.state = RunState::Running;
            evidence.train_loss.truncate(steps);
            evidence.waiting.truncate(steps);
            evidence.epochs.truncate(steps / 8);
            for reports in evidence.dials.values_mut() {
                reports.truncate(steps);
            }
        });
        assert_eq!(found, NONE, "after {steps} steps");
    }
}

#[test]
fn nothing_known_is_nothing_found() {
    let found = alarms(|evidence| {
        (evidence.state, evidence.layers) = (RunState::Queued, Vec::new());
        (evidence.train_loss, evidence.epochs, evidence.waiting) = (Vec::new(), Vec::new(), Vec::new());
        (evidence.predicted, evidence.splits) = (None, None);
        evidence.dials.clear();
    });
    assert_eq!(found, NONE);
}

#[test]
fn a_loss_that_is_no_number_names_the_images_to_blame() {
    let fail = |step: u64, not_finite: Vec<i64>| {
        let mut evidence = healthy();
        evidence.state = RunState::Failed;
        evidence.failure = Some(Failure {
            reason: "The loss became NaN.".to_owned(),
            step: Some(step),
            layer: Some("stage2.conv".to_owned()),
            batch: vec![3, 5, 7],
            not_finite,
            ..Failure::default()
        });
        detect(&evidence).remove(0)
    };
    let by_image = fail(12, vec![5]);
    assert_eq!((by_image.alarm.as_str(), &by_image.samples), ("loss_not_finite", &vec![SampleId(5)]));
    assert!(
        by_image.sentence.contains("step 12") && by_image.sentence.contains("stage2.conv"),
        "{}",
        by_image.sentence
    );
    assert!(
        by_image.sentence.contains("1 of the 3 images") && by_image.fix.is_none(),
        "{}",
        by_image.sentence
    );
    let by_rate = fail(12, Vec::new());
    assert_eq!(by_rate.samples.len(), 3);
    assert!(by_rate.fix.unwrap().label.contains("0.0003"));
    let at_start = fail(0, Vec::new());
    assert!(
        at_start.sentence.contains("Nothing had been learned") && at_start.fix.is_none(),
        "{}",
        at_start.sentence
    );
    let elsewhere = alarms(|evidence| {
        evidence.state = RunState::Failed;
        evidence.failure = Some(Failure { reason: "The disk is full.".to_owned(), ..Failure::default() });
    });
    assert_eq!(elsewhere, NONE, "no number is to blame");
}

#[test]
fn a_rate_far_too_high_is_told_and_what_follows_from_it_is_not() {
    let high = |evidence: &mut Evidence| {
        stuck(evidence, 1.12);
        set(evidence, LayerDial::Update, |step, layer| 0.2 * schedule(step) * noise(step + layer as u64));
    };
    assert_eq!(alarms(high), ["learning_rate_too_high"]);
    let mut evidence = healthy();
    high(&mut evidence);
    let fix = detect(&evidence).remove(0).fix.unwrap();
    assert_eq!(fix.label, "Try learning rate 0.0003");
    // Large steps that lead somewhere, as SGD takes them at first, are no alarm.
    let fine = alarms(|evidence| {
        set(evidence, LayerDial::Update, |step, layer| 0.06 * schedule(step) * noise(step + layer as u64));
    });
    assert_eq!(fine, NONE);
    // A loss that has not fallen yet with usual steps is none either.
    let slow = alarms(|evidence| {
        evidence.state = RunState::Running;
        stuck(evidence, 1.12);
        evidence.predicted = None;
    });
    assert_eq!(slow, NONE);
    let ended = alarms(|evidence| {
        set(evidence, LayerDial::Update, |_, _| 2.0);
        evidence.train_loss.truncate(6);
        evidence.epochs.clear();
        evidence.predicted = None;
        evidence.state = RunState::Failed;
        evidence.failure = Some(Failure { reason: "NaN.".into(), step: Some(6), ..Failure::default() });
    });
    assert_eq!(ended, ["loss_not_finite", "learning_rate_too_high"]);
}

#[test]
fn a_rate_far_too_low_is_told_with_one_to_try() {
    let low = |evidence: &mut Evidence| {
        stuck(evidence, 1.12);
        set(evidence, LayerDial::Update, |step, _| 3e-6 * schedule(step));
        evidence.spec.learning_rate = 3e-7;
    };
    assert_eq!(alarms(low), ["learning_rate_too_low"]);
    let mut evidence = healthy();
    low(&mut evidence);
    let Action::NewRun { fields } = detect(&evidence).remove(0).fix.unwrap().action else { panic!() };
    let rate: f64 = fields[0].1.parse().unwrap();
    assert!((1e-4..1e-2).contains(&rate), "{rate}");
    // Small steps of a network that is good already are meant.
    let fine = alarms(|evidence| {
        set(evidence, LayerDial::Update, |step, _| 3e-6 * schedule(step));
        for epoch in &mut evidence.epochs {
            (epoch.train_accuracy, epoch.val_accuracy) = (Some(0.98), Some(0.97));
        }
    });
    assert_eq!(fine, NONE);
}

#[test]
fn gradients_that_vanish_or_explode_are_told() {
    let usual = |step: u64, layer: usize| noise(step * 17 + layer as u64);
    let vanishing = alarms(|evidence| {
        set(evidence, LayerDial::Gradient, |step, layer| {
            usual(step, layer) * if layer < 5 { 1e-9 } else { 1.0 }
        });
    });
    assert_eq!(vanishing, ["vanishing_gradients"]);
    let deeper_is_smaller = alarms(|evidence| {
        set(evidence, LayerDial::Gradient, |step, layer| usual(step, layer) * 0.3_f64.powi(8 - layer as i32));
    });
    assert_eq!(deeper_is_smaller, NONE, "it falls with depth");
    let exploding = alarms(|evidence| {
        set(evidence, LayerDial::Gradient, |step, layer| {
            usual(step, layer) * if step > 50 { 5e3 } else { 1.0 }
        });
    });
    assert_eq!(exploding, ["exploding_gradients"]);
    let one_odd_batch = alarms(|evidence| {
        set(evidence, LayerDial::Gradient, |step, layer| {
            usual(step, layer) * if step == 50 { 5e3 } else { 1.0 }
        });
    });
    assert_eq!(one_odd_batch, NONE);
    // A class token, or the scale of a residual branch, begins at nothing.
    let from_nothing = alarms(|evidence| {
        set(evidence, LayerDial::Weight, |_, layer| if layer == 1 { 0.0 } else { 5.0 });
    });
    assert_eq!(from_nothing, NONE);
}

#[test]
fn a_layer_that_does_not_learn_is_named_unless_that_is_meant() {
    let dead = |evidence: &mut Evidence| {
        set(evidence, LayerDial::Gradient, |step, layer| if layer < 6 { 0.0 } else { noise(step) });
        set(evidence, LayerDial::Dead, |_, layer| if layer == 5 { 1.0 } else { 0.0 });
    };
    assert_eq!(alarms(dead), ["layer_not_learning"]);
    let mut evidence = healthy();
    dead(&mut evidence);
    let sentence = detect(&evidence).remove(0).sentence;
    assert!(sentence.contains(LAYERS[0]) && sentence.contains("behind stage3.bn is 0"), "{sentence}");
    let unchanged = alarms(|evidence| {
        set(evidence, LayerDial::Update, |_, layer| if layer == 2 { 1e-9 } else { 0.005 });
    });
    assert_eq!(unchanged, ["layer_not_learning"]);
    // Fine-tuning: the last layer begins alone, and rates fall towards the input.
    let fine_tuned = |how: FineTune| {
        alarms(move |evidence| {
            evidence.spec.training = Training::FineTune(how);
            set(
                evidence,
                LayerDial::Gradient,
                |step, layer| if layer < 8 && step < 24 { 0.0 } else { noise(step) },
            );
            set(evidence, LayerDial::Update, |step, layer| {
                if layer < 8 && step < 24 { 0.0 } else { 0.005 * 0.1_f64.powi(8 - layer as i32) }
            });
        })
    };
    let how = FineTune { head_epochs: 1, unfreeze_epochs: 2, rate_decay: 0.1, keep_norm_statistics: true };
    assert_eq!(fine_tuned(how), NONE);
    assert_eq!(
        fine_tuned(FineTune { rate_decay: 1.0, ..how }),
        ["layer_not_learning"],
        "now small steps are not meant"
    );
    // At a loss of exactly 0 nothing has a gradient.
    assert_eq!(alarms(|evidence| set(evidence, LayerDial::Gradient, |_, _| 0.0)), NONE);
}

#[test]
fn overfitting_is_told_by_a_gap_and_by_a_loss_that_rises() {
    let by_heart = alarms(|evidence| {
        for (epoch, at) in evidence.epochs.iter_mut().zip(0..) {
            let share = f64::from(at) / 7.0;
            (epoch.train_accuracy, epoch.train_loss) = (Some(0.4 + 0.6 * share), Some(1.0 - 0.95 * share));
            (epoch.val_accuracy, epoch.val_loss) = (Some(0.4), Some(1.0 + (share - 0.2).abs()));
        }
    });
    assert_eq!(by_heart, ["overfitting"]);
    // A tenth between the two is usual; with few validation images so is more.
    let gap = |gap: f64, images: u64| {
        alarms(move |evidence| {
            for epoch in &mut evidence.epochs {
                (epoch.train_accuracy, epoch.val_accuracy) = (Some(0.95), Some(0.95 - gap));
                (epoch.train_loss, epoch.val_loss) = (Some(0.2), Some(0.5));
            }
            if let Some(splits) = &mut evidence.splits {
                splits.val.classes = vec![images / 3; 3];
            }
        })
    };
    assert_eq!((gap(0.1, 300), gap(0.3, 300)), (vec![], vec!["overfitting".to_owned()]));
    assert_eq!(gap(0.3, 15), NONE, "of fifteen images that is chance");
}

#[test]
fn hardly_anything_learned_is_told_at_the_end() {
    let nothing = |evidence: &mut Evidence| {
        stuck(evidence, 1.09);
    };
    assert_eq!(alarms(nothing), ["underfitting"]);
    let found = alarms(|evidence| {
        nothing(evidence);
        evidence.state = RunState::Running;
        evidence.predicted = None;
    });
    assert_eq!(found, NONE, "it may still come");
}

#[test]
fn a_class_that_is_never_predicted_is_told_once_enough_images_say_so() {
    let with = |actual: [u64; 3], predicted: [u64; 3], state, epoch| {
        alarms(move |evidence| {
            evidence.state = state;
            let (actual, predicted) = (actual.to_vec(), predicted.to_vec());
            evidence.predicted = Some(Predicted { split: Split::Val, epoch, actual, predicted });
        })
    };
    let never = [28, 14, 0];
    assert_eq!(with([14, 14, 14], never, RunState::Completed, 8), ["class_never_predicted"]);
    assert_eq!(with([14, 14, 14], never, RunState::Running, 5), ["class_never_predicted"]);
    assert_eq!(with([14, 14, 14], never, RunState::Running, 1), NONE, "it has only begun");
    assert_eq!(with([20, 20, 2], never, RunState::Completed, 8), NONE, "of two images that is chance");
}

#[test]
fn a_loader_that_starves_the_network_is_told_except_of_a_last_layer_alone() {
    let starved = |evidence: &mut Evidence| evidence.waiting = vec![0.9; 20];
    assert_eq!(alarms(starved), ["slow_loading"]);
    let head = alarms(|evidence| {
        starved(evidence);
        evidence.spec.training = Training::Head { draws: 0 };
    });
    assert_eq!(head, NONE);
    assert_eq!(
        alarms(|evidence| evidence.waiting = vec![0.9, 0.1, 0.1, 0.2, 0.1, 0.1, 0.2]),
        NONE,
        "the start alone"
    );
}

#[test]
fn splits_that_were_made_differently_are_told() {
    let splits = |change: fn(&mut super::split_figures::SplitFigures)| {
        alarms(move |evidence| change(evidence.splits.as_mut().unwrap()))
    };
    assert_eq!(splits(|splits| splits.val.classes = vec![14, 14, 0]), ["class_without_validation"]);
    assert_eq!(splits(|splits| splits.train.classes = vec![40, 40, 0]), ["class_without_training"]);
    assert_eq!(splits(|splits| splits.val.pixels = Spread::of(vec![9216.0; 42])), ["image_sizes_differ"]);
    let bright = |count: u32| Spread::of((0..count).map(|at| 180.0 + f64::from(at)).collect());
    assert_eq!(
        alarms(|evidence| evidence.splits.as_mut().unwrap().val.brightness = bright(42)),
        ["brightness_differs"]
    );
    let few = alarms(|evidence| evidence.splits.as_mut().unwrap().val.brightness = bright(5));
    assert_eq!(few, NONE, "of five images that is chance");
}

#[test]
fn findings_are_kept_as_json_and_have_bounds() {
    let mut evidence = healthy();
    evidence.state = RunState::Failed;
    evidence.failure = Some(Failure {
        reason: "NaN.".into(),
        step: Some(3),
        batch: (0..900).collect(),
        ..Failure::default()
    });
    let findings = detect(&evidence);
    assert_eq!(findings[0].samples.len(), MOST_SAMPLES);
    let written = serde_json::to_string(&findings).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Finding>>(&written).unwrap(), findings);
    assert!(written.contains("\"kind\":\"training_alarm\""), "{written}");
    for finding in findings {
        assert!((0.0..=1.0).contains(&finding.stake) && (0.0..=1.0).contains(&finding.certainty));
    }
}
