//! A run that ended having learned hardly anything, without a cause that another detector knows.

use super::words::percent;
use super::{Evidence, Finding, Fix, Kind, chart};
use crate::domain::run::RunState;

/// Less of the way from guessing to perfect than this is hardly anything: even hard problems come further in three epochs.
const SHARE_OF_THE_WAY: f64 = 0.15;
/// A shorter run may just have been a trial.
const ENOUGH: usize = 3;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    let latest = &evidence.epochs[evidence.epochs.len().saturating_sub(2)..];
    if evidence.state != RunState::Completed || evidence.epochs.len() < ENOUGH || latest.is_empty() {
        return Vec::new();
    }
    let best = |figure: fn(&super::evidence::EpochFigures) -> Option<f64>| {
        latest.iter().filter_map(figure).reduce(f64::max)
    };
    let Some(train) = best(|epoch| epoch.train_accuracy) else { return Vec::new() };
    // Training accuracy is that of mixed images where images are mixed; validation then says more.
    let val = best(|epoch| epoch.val_accuracy);
    let chance = evidence.chance_accuracy();
    let least = chance + SHARE_OF_THE_WAY * (1.0 - chance);
    if train >= least || val.is_some_and(|val| val >= least) {
        return Vec::new();
    }
    let validation =
        val.map_or_else(String::new, |val| format!(" and {} of the validation images", percent(val)));
    let sentence = format!(
        "After {} epochs {} of the training images{validation} are predicted correctly; always naming the largest class would give {}. \
         It needs more epochs or a larger network, or the images do not show what the labels say.",
        evidence.epochs.len(),
        percent(train),
        percent(chance)
    );
    let epochs = (evidence.spec.epochs * 3).min(1000).to_string();
    vec![Finding {
        kind: Kind::Underfitting,
        certainty: 0.8,
        fix: Some(Fix::new_run(format!("Try {epochs} epochs"), &[("epochs", epochs)])),
        ..Finding::training_alarm(
            "underfitting",
            "It has learned hardly anything",
            sentence,
            chart("accuracy"),
        )
    }]
}
