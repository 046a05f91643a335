//! Into which bins a figure's values fall. What has a scale of its own is binned alike in every data set, so that two can be
//! held against each other; sizes are binned by what is there.

use super::Spread;
use crate::domain::health::Subject;
use crate::domain::measure::Measure;

/// The most bins of a size.
const MOST_BINS: f64 = 32.0;

/// One figure of all samples; those that have none are left out.
pub(super) fn of(measure: Measure, subjects: &[Subject], classes: usize) -> Spread {
    let values: Vec<(u32, f64)> =
        subjects.iter().filter_map(|subject| Some((subject.label, value(measure, subject)?))).collect();
    let edges = edges(measure, values.iter().map(|(_, value)| *value));
    let bins = edges.len() - 1;
    let mut counts = vec![vec![0; bins]; classes];
    for (label, value) in values {
        // The first edge is as good as open, and so is the last.
        let bin = edges[1..bins].partition_point(|edge| *edge <= value);
        counts[label as usize][bin] += 1;
    }
    Spread { measure: measure.as_str().to_owned(), edges, counts }
}

/// As the database has it, to the bit, so that a bin and its gallery agree.
fn value(measure: Measure, subject: &Subject) -> Option<f64> {
    let (width, height) = (f64::from(subject.width), f64::from(subject.height));
    let value = match measure {
        Measure::Pixels => width * height,
        Measure::Aspect => width / height,
        Measure::Bytes => subject.bytes as f64,
        Measure::Brightness => f64::from(subject.features.luma.p50),
        Measure::Contrast => f64::from(subject.features.luma_std),
        Measure::Sharpness => f64::from(subject.features.sharpness),
    };
    value.is_finite().then_some(value)
}

fn edges(measure: Measure, values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let even = |bins: u32, width: f64| (0..=bins).map(|edge| f64::from(edge) * width).collect();
    match measure {
        Measure::Brightness => even(32, 8.0),
        // The deviation of half black, half white is 127.5.
        Measure::Contrast => even(32, 4.0),
        Measure::Sharpness => even(32, 0.25),
        // Sixths of a doubling, from 1 : 4 to 4 : 1, with a square in the middle of its bin.
        Measure::Aspect => (-12..=13).map(|edge| ((f64::from(edge) - 0.5) / 6.0).exp2()).collect(),
        Measure::Pixels | Measure::Bytes => doublings(values),
    }
}

/// From the least to the greatest in doublings, or in so many parts of a doubling that there are no more than
/// [`MOST_BINS`]; each edge is a whole number, as the values are.
fn doublings(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min).max(1.0);
    let most = values.fold(1.0, f64::max).max(if least.is_finite() { least } else { 1.0 });
    let least = least.min(most);
    if least == most {
        return vec![least, least + 1.0];
    }
    let parts = [4096.0, 1024.0, 256.0, 64.0, 16.0, 8.0, 4.0, 2.0, 1.0];
    let bins = |parts: f64| (most.log2() * parts).floor() - (least.log2() * parts).floor() + 1.0;
    let parts = parts.into_iter().find(|parts| bins(*parts) <= MOST_BINS).unwrap_or(1.0);
    let first = (least.log2() * parts).floor();
    let mut edges: Vec<f64> =
        (0..=bins(parts) as u32).map(|edge| ((first + f64::from(edge)) / parts).exp2().round()).collect();
    // Of small numbers, parts of a doubling fall together.
    edges.dedup();
    edges
}
