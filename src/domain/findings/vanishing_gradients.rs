//! Gradients that become nothing on their way from the last layer to the first.

use super::words::short;
use super::{Evidence, Finding, Place, median};
use protocol::event::LayerDial;

/// The first layers' gradients, each by its weights, against that of the last layer. Healthy networks here have 0.02 to 1 at 9 layers
/// and at 39, since normalisation and shortcuts keep gradients up at any depth; a plain chain may halve them at each layer, so every
/// layer beyond ten gets a factor of two.
const SMALL: f64 = 1e-5;
/// Less than that is nothing: `layer_not_learning` tells of it.
const NOTHING: f64 = 1e-20;
/// The latest reports that are looked at, and how few say nothing yet.
const LATEST: usize = 10;
const ENOUGH: usize = 5;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    let count = evidence.layers.len();
    if !evidence.has_layers() || count < 4 {
        return Vec::new();
    }
    let gradients = evidence.reports(LayerDial::Gradient);
    let weights = evidence.reports(LayerDial::Weight);
    let Some(weights) = weights.last().map(|report| Evidence::weight_sizes(report)) else {
        return Vec::new();
    };
    let latest = &gradients[gradients.len().saturating_sub(LATEST)..];
    if latest.len() < ENOUGH {
        return Vec::new();
    }
    // By its weights, so that wide layers and narrow ones can be compared.
    let relative = |layer: usize| -> Option<f64> {
        let gradient = median(latest.iter().filter_map(|report| *report.numbers.get(layer)?))?;
        Some(gradient / weights.get(layer)?)
    };
    let (Some(early), Some(last)) = (median((0..count / 4 + 1).filter_map(relative)), relative(count - 1))
    else {
        return Vec::new();
    };
    let threshold = SMALL * 0.5_f64.powi(i32::try_from(count.saturating_sub(10)).unwrap_or(0).min(30));
    if last < 1e-6 || early < NOTHING || early >= threshold * last {
        return Vec::new();
    }
    let name = |at: usize| evidence.layers.get(at).map_or("", String::as_str);
    let sentence = format!(
        "Divided by its weights, the gradient of {} is {}, and that of {} is {}: what the last layer learns from hardly reaches the first ones. \
         A tenth or more of the last layer’s is usual.",
        name(0),
        short(early),
        name(count - 1),
        short(last)
    );
    vec![Finding::training_alarm(
        "vanishing_gradients",
        "Gradients vanish before they reach the first layers",
        sentence,
        Place::Layers { dial: LayerDial::Gradient },
    )]
}
