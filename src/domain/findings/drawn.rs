//! Evidence of runs that never were: a healthy one, drawn as our healthy runs look, which tests change.

use super::evidence::{EpochFigures, Predicted, Report};
use super::split_figures::{OfSplit, SplitFigures, Spread};
use super::{Evidence, detect};
use crate::domain::run::RunState;
use protocol::event::LayerDial;
use protocol::sample::Split;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const LAYERS: [&str; 9] = [
    "stage1.conv",
    "stage1.bn",
    "stage2.conv",
    "stage2.bn",
    "stage3.conv",
    "stage3.bn",
    "stage4.conv",
    "stage4.bn",
    "head",
];
pub(super) const EPOCHS: u32 = 8;
const STEPS: u64 = 8;

/// A number from 0.5 to 1.5 that looks drawn.
pub(super) fn noise(at: u64) -> f64 {
    let mixed = at.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    0.5 + (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// Small steps at first and at last, as one-cycle makes them.
pub(super) fn schedule(step: u64) -> f64 {
    let share = step as f64 / (u64::from(EPOCHS) * STEPS) as f64;
    if share < 0.3 { 0.05 + share / 0.3 } else { ((1.0 - share) / 0.7).powi(2) }
}

/// Reports of every step; `number` gives that of a layer.
pub(super) fn reports(number: impl Fn(u64, usize) -> f64) -> Vec<Report> {
    (0..u64::from(EPOCHS) * STEPS)
        .map(|step| Report {
            step,
            numbers: (0..LAYERS.len()).map(|layer| Some(number(step, layer))).collect(),
        })
        .collect()
}

fn split(count: u64, from: f64) -> OfSplit {
    let spread = |low: f64, wide: f64| Spread::of((0..count * 3).map(|at| low + wide * noise(at)).collect());
    OfSplit {
        classes: vec![count; 3],
        pixels: Spread::of(vec![1024.0; (count * 3) as usize]),
        brightness: spread(from, 100.0),
    }
}

/// Three classes, small-cnn from scratch by AdamW, completed and good.
pub(super) fn healthy() -> Evidence {
    let spec = serde_json::from_value(json!({
        "dataset": "drawings", "fingerprint": "", "classes": ["rows", "columns", "checks"], "model": "small-cnn", "weights": null,
        "image_size": 32, "epochs": EPOCHS, "batch_size": 16, "optimizer": "adamw", "learning_rate": 0.003, "weight_decay": 0.05,
        "schedule": "one-cycle", "warmup_epochs": 0.0, "train_transforms": [], "eval_transforms": [], "seed": 0, "device": "cpu",
        "precision": "f32", "threads": 2, "capture_every_steps": 0, "evaluate_splits": ["val"],
    }))
    .unwrap();
    let total = u64::from(EPOCHS) * STEPS;
    let left = |step: u64| 0.1 + (-3.0 * step as f64 / total as f64).exp();
    let epoch = |number: u32| {
        let step = u64::from(number) * STEPS - 1;
        EpochFigures {
            step,
            train_loss: Some(left(step)),
            train_accuracy: Some(1.0 - 0.6 * left(step)),
            // Validation wavers more than training.
            val_loss: Some(left(step) * (0.8 + 0.4 * noise(step))),
            val_accuracy: Some(0.95 - 0.6 * left(step)),
        }
    };
    let is_norm = |layer: usize| LAYERS[layer].ends_with("bn");
    let size = |layer: usize, of_norm: f64, of_others: f64| if is_norm(layer) { of_norm } else { of_others };
    let update = |step: u64, layer: usize| {
        let drawn = noise(step * 31 + layer as u64);
        size(layer, 0.0015, 0.02) * schedule(step) * drawn
    };
    let gradient = |step: u64, layer: usize| {
        let drawn = noise(step * 17 + layer as u64);
        size(layer, 0.1, 1.0) * drawn * (0.3 + left(step))
    };
    Evidence {
        spec,
        state: RunState::Completed,
        failure: None,
        steps_per_epoch: STEPS,
        layers: LAYERS.map(str::to_owned).to_vec(),
        train_loss: (0..total).map(|step| (step, Some(left(step) * noise(step)))).collect(),
        epochs: (1..=EPOCHS).map(epoch).collect(),
        dials: BTreeMap::from([
            (LayerDial::Update, reports(update)),
            (LayerDial::Gradient, reports(gradient)),
            (LayerDial::Weight, reports(|_, layer| 2.0 + layer as f64)),
            (LayerDial::Dead, reports(|step, _| 0.1 * noise(step))),
        ]),
        waiting: (0..total).map(|step| 0.12 * noise(step)).collect(),
        predicted: Some(Predicted {
            split: Split::Val,
            epoch: EPOCHS,
            actual: vec![14; 3],
            predicted: vec![13, 16, 13],
        }),
        splits: Some(SplitFigures { train: split(40, 60.0), val: split(14, 63.0), is_measured: true }),
    }
}

/// What is found in the healthy run with something changed.
pub(super) fn alarms(change: impl FnOnce(&mut Evidence)) -> Vec<String> {
    let mut evidence = healthy();
    change(&mut evidence);
    detect(&evidence).into_iter().map(|finding| finding.alarm).collect()
}
