//! Labels of a chart's axis: round numbers, each at its place among the bins, no two alike, with their unit.

use crate::domain::measure::Measure;

/// About so many labels fit beneath a chart.
const MOST: usize = 6;

/// Places, counted in bins, and labels; `edges` are those of the bins, ascending, two at least.
pub(super) fn ticks(measure: Measure, edges: &[f64]) -> Vec<(f64, String)> {
    let (Some(&from), Some(&to)) = (edges.first(), edges.last()) else { return Vec::new() };
    let is_log = measure.is_logarithmic();
    let values = if is_log && from > 0.0 && to / from >= 8.0 {
        decades(from, to)
    } else {
        even(from, to, least_step(measure))
    };
    let step = values.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let step = if step.is_finite() { step } else { to - from };
    values
        .into_iter()
        .filter_map(|value| Some((place(edges, value, is_log)?, label(measure, value, step))))
        .collect()
}

/// Where a value lies, counted in bins.
fn place(edges: &[f64], value: f64, is_log: bool) -> Option<f64> {
    let bin = edges.partition_point(|edge| *edge <= value).checked_sub(1)?;
    let Some(&end) = edges.get(bin + 1) else {
        return (value <= edges[bin]).then_some(bin as f64);
    };
    let start = edges[bin];
    let within = if is_log && start > 0.0 {
        (value / start).ln() / (end / start).ln()
    } else {
        (value - start) / (end - start)
    };
    Some(bin as f64 + within)
}

/// 1, 2 and 5 times powers of ten; of too many, the powers of ten, or every other of them.
fn decades(from: f64, to: f64) -> Vec<f64> {
    let powers = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let of = |parts: &[f64], every: usize| -> Vec<f64> {
        let all = powers
            .clone()
            .step_by(every)
            .flat_map(|power| parts.iter().map(move |part| part * 10_f64.powi(power)));
        all.filter(|value| (from..=to).contains(value)).collect()
    };
    let choices = [of(&[1.0, 2.0, 5.0], 1), of(&[1.0, 3.0], 1), of(&[1.0], 1), of(&[1.0], 2)];
    let fits = choices.iter().position(|values| values.len() <= MOST).unwrap_or(choices.len() - 1);
    choices.into_iter().nth(fits).unwrap_or_default()
}

/// Of what is counted there are no halves.
fn least_step(measure: Measure) -> f64 {
    if matches!(measure, Measure::Bytes | Measure::Pixels) { 1.0 } else { 0.0 }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn even(from: f64, to: f64, least_step: f64) -> Vec<f64> {
    let width = ((to - from) / MOST as f64).max(least_step);
    if width.is_nan() || width <= 0.0 {
        return vec![from];
    }
    let power = 10_f64.powi(width.log10().floor() as i32);
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|part| part * power).find(|step| *step >= width);
    let step = step.unwrap_or(10.0 * power);
    let first = (from / step).ceil() as i64;
    (first..).map(|at| at as f64 * step).take_while(|value| *value <= to).collect()
}

/// With as many decimals as the distance to the next one needs.
fn label(measure: Measure, value: f64, step: f64) -> String {
    let (unit, name) = match (measure, value) {
        (Measure::Bytes, 1e6..) => (1e6, " MB"),
        (Measure::Bytes, 1e3..) => (1e3, " kB"),
        (Measure::Bytes, _) => (1.0, " B"),
        (Measure::Pixels, 1e6..) => (1e6, " M"),
        (Measure::Pixels, 1e4..) => (1e3, " k"),
        _ => (1.0, ""),
    };
    // What is a round number in its unit needs no decimals, however small the step is.
    let decimals = (0..=3).find(|decimals| {
        let shown = value / unit * 10_f64.powi(*decimals);
        (shown - shown.round()).abs() < 1e-6 * shown.abs().max(1.0)
            || 10_f64.powi(-*decimals) * unit <= step / 2.0
    });
    format!("{:.*}{name}", usize::try_from(decimals.unwrap_or(3)).unwrap_or(3), value / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(measure: Measure, edges: &[f64]) -> Vec<String> {
        let ticks = ticks(measure, edges);
        assert!(ticks.is_sorted_by(|a, b| a.0 < b.0), "{ticks:?}");
        let last = (edges.len() - 1) as f64;
        assert!(ticks.iter().all(|(at, _)| (0.0..=last).contains(at)), "{ticks:?}");
        let labels: Vec<String> = ticks.into_iter().map(|(_, label)| label).collect();
        let mut distinct = labels.clone();
        distinct.dedup();
        assert_eq!(distinct, labels, "no two alike");
        labels
    }

    fn log_edges(from: f64, to: f64, bins: i32) -> Vec<f64> {
        (0..=bins).map(|bin| from * (to / from).powf(f64::from(bin) / f64::from(bins))).collect()
    }

    #[test]
    fn numbers_are_round_and_have_a_unit() {
        assert_eq!(
            labels(Measure::Bytes, &log_edges(1650.0, 1790.0, 20)),
            ["1.65 kB", "1.70 kB", "1.75 kB"].map(|l| l.replace("1.70", "1.7"))
        );
        assert_eq!(labels(Measure::Bytes, &log_edges(900.0, 2.5e6, 30)), ["1 kB", "10 kB", "100 kB", "1 MB"]);
        assert_eq!(
            labels(Measure::Pixels, &log_edges(6889.0, 155_870.0, 30)),
            ["10 k", "20 k", "50 k", "100 k"]
        );
        let even: Vec<f64> = (0..=32).map(|edge| f64::from(edge) * 8.0).collect();
        assert_eq!(labels(Measure::Brightness, &even), ["0", "50", "100", "150", "200", "250"]);
        let even: Vec<f64> = (0..=32).map(|edge| f64::from(edge) * 0.25).collect();
        assert_eq!(labels(Measure::Sharpness, &even), ["0", "2", "4", "6", "8"]);
    }

    #[test]
    fn a_label_stands_where_its_value_is() {
        assert_eq!(place(&[0.0, 8.0, 16.0], 4.0, false), Some(0.5));
        assert_eq!(place(&[0.0, 8.0, 16.0], 16.0, false), Some(2.0));
        assert_eq!(place(&[1.0, 4.0, 16.0], 2.0, true), Some(0.5));
        assert_eq!(place(&[1.0, 4.0], 0.5, true), None);
    }

    #[test]
    fn few_bins_are_labelled_too() {
        assert_eq!(labels(Measure::Bytes, &[7.0, 8.0, 9.0]), ["7 B", "8 B", "9 B"].map(str::to_owned));
        assert_eq!(ticks(Measure::Bytes, &[5.0]).len(), 1);
    }
}
