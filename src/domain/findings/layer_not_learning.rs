//! A layer that should learn and gets nothing to learn from, or does not change.

use super::words::{counted, listed};
use super::{Evidence, Finding, Fix, Place, median};
use protocol::event::LayerDial;
use protocol::spec::Training;

/// The latest reports that are looked at, and how few say nothing yet.
const LATEST: usize = 10;
const ENOUGH: usize = 5;
/// A change of less than half of the last digit that a 32-bit number has (6e-8 of it) is no change.
const NO_CHANGE: f64 = 6e-8;
/// The others do learn; else the learning rate is to blame and no layer.
const LEARNS: f64 = 1e-5;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    if !evidence.has_layers() {
        return Vec::new();
    }
    let latest = |dial: LayerDial| {
        let reports = evidence.reports(dial);
        reports[reports.len().saturating_sub(LATEST)..].to_vec()
    };
    let (gradients, updates) = (latest(LayerDial::Gradient), latest(LayerDial::Update));
    let last = evidence.layers.len() - 1;
    // At a loss of exactly 0 no layer has a gradient, which is no layer's fault.
    let counted_reports: Vec<_> = gradients
        .iter()
        .filter(|report| report.numbers.get(last).copied().flatten().is_some_and(|gradient| gradient > 0.0))
        .collect();
    if counted_reports.len() < ENOUGH {
        return Vec::new();
    }
    let has_no_gradient = |layer: usize| {
        counted_reports.iter().all(|report| report.numbers.get(layer).copied().flatten() == Some(0.0))
    };
    // Where rates fall with depth, small steps near the input are meant.
    let is_even = match evidence.spec.training {
        Training::FineTune(how) => how.rate_decay == 1.0,
        Training::Scratch | Training::Head { .. } => true,
    };
    let update = |layer: usize| median(updates.iter().filter_map(|report| *report.numbers.get(layer)?));
    let others = (0..=last).filter_map(update).fold(0.0, f64::max);
    let does_not_change = |layer: usize| {
        is_even
            && others >= LEARNS
            && updates.len() >= ENOUGH
            && update(layer).is_some_and(|ratio| ratio < NO_CHANGE)
    };
    let silent: Vec<usize> = (0..=last).filter(|&layer| has_no_gradient(layer)).collect();
    let frozen: Vec<usize> =
        (0..=last).filter(|layer| !silent.contains(layer) && does_not_change(*layer)).collect();
    let names = |layers: &[usize]| -> String {
        let names: Vec<&str> =
            layers.iter().filter_map(|&at| evidence.layers.get(at)).map(String::as_str).collect();
        listed(&names)
    };
    let all = silent.len() + frozen.len();
    if all == 0 {
        return Vec::new();
    }
    let mut sentence = String::new();
    if !silent.is_empty() {
        let verb = if silent.len() == 1 { "has" } else { "have" };
        sentence += &format!(
            "{} {verb} had a gradient of 0 at the last {} reports.",
            names(&silent),
            counted_reports.len()
        );
    }
    if let Some(dead) = dead_layer(evidence) {
        sentence += &format!(
            " Every channel behind {dead} is 0 for whole batches, so nothing passes through it in either direction."
        );
    }
    if !frozen.is_empty() {
        let verb = if frozen.len() == 1 { "does" } else { "do" };
        sentence += &format!(
            " {} {verb} not change any more, by less than a 32-bit number can show.",
            names(&frozen)
        );
    }
    let layers = counted(all as u64, "layer does", "layers do");
    let from_scratch = evidence.spec.training == Training::Scratch;
    vec![Finding {
        stake: (all as f64 / evidence.layers.len() as f64).max(0.3),
        fix: from_scratch.then(|| Fix::learning_rate(evidence.spec.learning_rate / 10.0)),
        ..Finding::training_alarm(
            "layer_not_learning",
            &format!("{layers} not learn"),
            sentence.trim().to_owned(),
            Place::Layers { dial: if silent.is_empty() { LayerDial::Update } else { LayerDial::Gradient } },
        )
    }]
}

/// The first layer whose ReLU gave nothing at all when it was last looked at.
fn dead_layer(evidence: &Evidence) -> Option<&str> {
    let reports = evidence.reports(LayerDial::Dead);
    let at = reports.last()?.numbers.iter().position(|share| share.is_some_and(|share| share >= 1.0))?;
    evidence.layers.get(at).map(String::as_str)
}
