//! The training images are learned by heart: training goes on getting better, validation does not.

use super::evidence::EpochFigures;
use super::words::{percent, short};
use super::{Evidence, Finding, Fix, Kind, chart};
use protocol::spec::Training;

/// Epochs that a mean is taken of: one alone is noise.
const MEAN_OF: usize = 3;
/// Fewer say nothing; in the first ones statistics of normalisation still lag behind the weights.
const ENOUGH: usize = 5;
/// How far validation's loss has risen above its best. A network that only grows surer of the same mistakes rises by a tenth or so.
const RISEN: f64 = 1.25;
/// With it, so much lies between training and validation accuracy …
const GAP_WHEN_RISEN: f64 = 0.1;
/// … and without it, so much: a quarter of all images.
const GAP: f64 = 0.25;
/// A gap counts from so many standard errors of a validation split of this size on: by chance one run in several hundred has it.
const ERRORS: f64 = 3.0;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    let epochs: Vec<EpochFigures> =
        evidence.epochs.iter().copied().filter(|epoch| epoch.val_loss.is_some()).collect();
    if epochs.len() < ENOUGH {
        return Vec::new();
    }
    let latest = &epochs[epochs.len() - MEAN_OF..];
    let mean = |figure: fn(&EpochFigures) -> Option<f64>| -> Option<f64> {
        let numbers: Vec<f64> = latest.iter().filter_map(figure).collect();
        (numbers.len() == latest.len()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
    };
    let figures = (
        mean(|epoch| epoch.train_accuracy),
        mean(|epoch| epoch.val_accuracy),
        mean(|epoch| epoch.val_loss),
        mean(|epoch| epoch.train_loss),
    );
    let (Some(train), Some(val), Some(loss), Some(train_loss)) = figures else { return Vec::new() };
    let best = epochs
        .iter()
        .enumerate()
        .filter_map(|(at, epoch)| Some((at, epoch.val_loss?)))
        .min_by(|one, other| one.1.total_cmp(&other.1));
    let Some((at, lowest)) = best else { return Vec::new() };
    let images = evidence.predicted.as_ref().map_or(0, |predicted| predicted.actual.iter().sum::<u64>());
    let images = evidence.splits.as_ref().map_or(images, |splits| splits.val.classes.iter().sum());
    let error = (val * (1.0 - val) / (images.max(1) as f64)).sqrt();
    let gap = train - val;
    let has_risen = at + MEAN_OF < epochs.len() && loss >= RISEN * lowest && train_loss < lowest;
    let is_wide = gap >= if has_risen { GAP_WHEN_RISEN } else { GAP };
    if !is_wide || gap < ERRORS * error {
        return Vec::new();
    }
    let mut sentence = format!(
        "In the last {MEAN_OF} epochs {} of the training images are predicted correctly and {} of the validation images",
        percent(train),
        percent(val)
    );
    if has_risen {
        sentence += &format!(
            "; the validation loss was lowest in epoch {} ({}) and is {} now",
            at + 1,
            short(lowest),
            short(loss)
        );
    }
    sentence += ". It learns the training images by heart. The checkpoint that is kept is that of the lowest validation loss.";
    vec![Finding {
        kind: Kind::Overfitting,
        stake: gap,
        certainty: if has_risen { 0.95 } else { 0.8 },
        fix: Some(fix(evidence, has_risen.then_some(at + 1))),
        ..Finding::training_alarm(
            "overfitting",
            "It overfits",
            sentence,
            chart(if has_risen { "loss" } else { "accuracy" }),
        )
    }]
}

fn fix(evidence: &Evidence, best_epoch: Option<usize>) -> Fix {
    let spec = &evidence.spec;
    if matches!(spec.training, Training::Head { .. }) {
        // Mixing has no part in a last layer that learns alone.
        let epochs = best_epoch.unwrap_or(spec.epochs as usize / 2).max(1).to_string();
        let decay = short((spec.weight_decay * 3.0).clamp(0.05, 1.0));
        return Fix::new_run(
            format!("Try weight decay {decay} and {epochs} epochs"),
            &[("weight_decay", decay), ("epochs", epochs)],
        );
    }
    if spec.mixing.mixup == 0.0 && spec.mixing.cutmix == 0.0 {
        let decay = short(spec.weight_decay.max(0.05));
        return Fix::new_run(
            format!("Try MixUp 0.2, horizontal flip and weight decay {decay}"),
            &[("mixup", "0.2".to_owned()), ("flip", "on".to_owned()), ("weight_decay", decay)],
        );
    }
    let decay = short((spec.weight_decay * 3.0).clamp(0.05, 1.0));
    Fix::new_run(format!("Try weight decay {decay}"), &[("weight_decay", decay)])
}
