//! Gradients far larger than the weights that they are to change.

use super::words::short;
use super::{Evidence, Finding, Fix, Place};
use protocol::event::LayerDial;

/// A gradient so much larger than its layer's weights replaces them in one step at a rate of 0.01. Healthy runs stay below 3, single
/// batches below 10.
const LARGE: f64 = 100.0;
/// In so many of so many reports that follow each other: one batch alone may be odd.
const OFTEN: usize = 3;
const WINDOW: usize = 5;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    if !evidence.has_layers() {
        return Vec::new();
    }
    let gradients = evidence.reports(LayerDial::Gradient);
    let weights = evidence.reports(LayerDial::Weight);
    let Some(first) = weights.first() else { return Vec::new() };
    // The weights of a step; they are missing at the one that broke.
    let of_step = |step: u64| weights.iter().rfind(|report| report.step <= step).unwrap_or(first);
    let worst = |report: &&super::evidence::Report| -> Option<(f64, usize, f64)> {
        let weights = Evidence::weight_sizes(of_step(report.step));
        let ratios = report.numbers.iter().zip(weights).enumerate().filter_map(|(at, (gradient, weight))| {
            let gradient = (*gradient)?;
            Some((gradient / weight, at, gradient))
        });
        ratios.max_by(|one, other| one.0.total_cmp(&other.0))
    };
    let worst: Vec<Option<(f64, usize, f64)>> = gradients.iter().map(worst).collect();
    let is_large = |ratio: &Option<(f64, usize, f64)>| ratio.is_some_and(|(ratio, ..)| ratio >= LARGE);
    let fires =
        worst.windows(WINDOW).any(|window| window.iter().filter(|ratio| is_large(ratio)).count() >= OFTEN);
    let top = worst.iter().flatten().max_by(|one, other| one.0.total_cmp(&other.0));
    let (true, Some((ratio, at, gradient))) = (fires, top) else { return Vec::new() };
    let layer = evidence.layers.get(*at).map_or("a layer", String::as_str);
    let sentence = format!(
        "The gradient of {layer} reached {}, which is {} times its weights; up to about 3 is usual. Steps of that size throw away what was learned.",
        short(*gradient),
        short(*ratio)
    );
    vec![Finding {
        fix: Some(Fix::learning_rate(evidence.spec.learning_rate / 10.0)),
        ..Finding::training_alarm(
            "exploding_gradients",
            "Gradients explode",
            sentence,
            Place::Layers { dial: LayerDial::Gradient },
        )
    }]
}
