//! Parallel coordinates (Inselberg 1985): an axis for each field that varies and one for the accuracy, a line for each run. Drawn by
//! the server, so that it needs no script.

use super::super::format::percent;
use super::Row;
use crate::domain::recipe::Field;
use crate::domain::sweep::value_text;
use serde_json::Value;

const TOP: f64 = 34.0;
const BOTTOM: f64 = 300.0;
const LEFT: f64 = 70.0;
/// Between two axes.
const STEP: f64 = 190.0;
/// A range whose ends lie further apart than this is drawn on a logarithmic scale.
const FAR_APART: f64 = 10.0;
/// Lines that stand out.
const MARKED: usize = 3;

/// The chart.
#[derive(Default)]
pub(super) struct Parallel {
    pub(super) axes: Vec<Axis>,
    /// The best ones last, so that they lie on top.
    pub(super) lines: Vec<Line>,
    pub(super) width: f64,
}

/// An axis.
pub(super) struct Axis {
    pub(super) x: f64,
    pub(super) label: String,
    /// Its place, and what stands there.
    pub(super) ticks: Vec<(f64, String)>,
}

/// A run.
pub(super) struct Line {
    pub(super) href: String,
    /// The `d` of an SVG path.
    pub(super) path: String,
    pub(super) title: String,
    /// `best`, `good` or nothing.
    pub(super) class: &'static str,
}

/// Where values lie on an axis.
enum Scale {
    /// Each at a place of its own.
    Words(Vec<String>),
    /// Between these; by their logarithms.
    Numbers { min: f64, max: f64, is_logarithmic: bool },
}

impl Scale {
    fn of(values: &[&Value]) -> Scale {
        let numbers: Vec<f64> = values.iter().filter_map(|value| value.as_f64()).collect();
        if numbers.len() < values.len() || numbers.is_empty() {
            let mut words: Vec<String> = values.iter().map(|value| value_text(value)).collect();
            words.sort();
            words.dedup();
            return Scale::Words(words);
        }
        let min = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let max = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Scale::Numbers { min, max, is_logarithmic: min > 0.0 && max / min >= FAR_APART }
    }

    /// 0 at the bottom, 1 at the top.
    fn share(&self, value: &Value) -> Option<f64> {
        match self {
            Scale::Words(words) => {
                let at = words.iter().position(|word| *word == value_text(value))?;
                Some(if words.len() < 2 { 0.5 } else { at as f64 / (words.len() - 1) as f64 })
            }
            Scale::Numbers { min, max, .. } if min == max => Some(0.5),
            Scale::Numbers { min, max, is_logarithmic: true } => {
                Some((value.as_f64()? / min).ln() / (max / min).ln())
            }
            Scale::Numbers { min, max, .. } => Some((value.as_f64()? - min) / (max - min)),
        }
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        match self {
            Scale::Words(words) => {
                let of =
                    |word: &String| Some((height(self.share(&Value::from(word.as_str()))?), word.clone()));
                words.iter().filter_map(of).collect()
            }
            Scale::Numbers { min, max, .. } if min == max => vec![(height(0.5), short(*min))],
            Scale::Numbers { min, max, is_logarithmic } => {
                let middle = if *is_logarithmic { (min * max).sqrt() } else { f64::midpoint(*min, *max) };
                vec![(height(0.0), short(*min)), (height(0.5), short(middle)), (height(1.0), short(*max))]
            }
        }
    }
}

impl Parallel {
    /// `rows` come with the best first.
    pub(super) fn new(fields: &[&'static Field], rows: &[Row]) -> Parallel {
        let measured: Vec<&Row> = rows.iter().filter(|row| row.accuracy.is_some()).collect();
        if measured.len() < 2 {
            return Parallel::default();
        }
        let mut scales = Vec::new();
        let mut axes = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            let values: Vec<&Value> =
                measured.iter().filter_map(|row| row.settings.get(field.name)).collect();
            let scale = Scale::of(&values);
            axes.push(Axis {
                x: LEFT + at as f64 * STEP,
                label: field.label.to_owned(),
                ticks: scale.ticks(),
            });
            scales.push(scale);
        }
        let accuracies: Vec<f64> = measured.iter().filter_map(|row| row.accuracy).collect();
        let (most, least) = (accuracies[0], accuracies[accuracies.len() - 1]);
        let last = LEFT + fields.len() as f64 * STEP;
        let ticks = match most > least {
            true => [0.0, 0.5, 1.0]
                .map(|share| (height(share), percent(Some(least + share * (most - least)))))
                .to_vec(),
            false => vec![(height(0.5), percent(Some(most)))],
        };
        axes.push(Axis { x: last, label: "Validation accuracy".into(), ticks });
        let line = |(rank, row): (usize, &&Row)| {
            let accuracy = row.accuracy?;
            let share = if most > least { (accuracy - least) / (most - least) } else { 0.5 };
            let mut path = String::new();
            for (at, (field, scale)) in fields.iter().zip(&scales).enumerate() {
                let y = height(scale.share(row.settings.get(field.name)?)?);
                let pen = if at == 0 { 'M' } else { 'L' };
                path.push_str(&format!("{pen}{:.0} {y:.1}", LEFT + at as f64 * STEP));
            }
            path.push_str(&format!("L{last:.0} {:.1}", height(share)));
            Some(Line {
                href: row.view.href(),
                path,
                title: format!("Trial {}: {}", row.number, percent(Some(accuracy))),
                class: match rank {
                    0 => "best",
                    rank if rank < MARKED => "good",
                    _ => "",
                },
            })
        };
        let mut lines: Vec<Line> = measured.iter().enumerate().filter_map(line).collect();
        lines.reverse();
        Parallel { axes, lines, width: last + LEFT + 10.0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

fn height(share: f64) -> f64 {
    BOTTOM - share * (BOTTOM - TOP)
}

/// Three digits at most.
fn short(number: f64) -> String {
    let rounded = format!("{number:.2e}").parse::<f64>().unwrap_or(number);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_far_apart_lie_by_their_logarithms_and_words_at_even_distances() {
        let values = [json!(0.001), json!(0.1), json!(0.01)];
        let scale = Scale::of(&values.iter().collect::<Vec<_>>());
        assert!((scale.share(&json!(0.01)).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(
            scale.ticks().iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(),
            ["0.001", "0.01", "0.1"]
        );
        let values = [json!(1), json!(3)];
        let scale = Scale::of(&values.iter().collect::<Vec<_>>());
        assert_eq!(scale.share(&json!(2)), Some(0.5));
        let values = [json!("sgd"), json!("adamw"), json!("sgd")];
        let scale = Scale::of(&values.iter().collect::<Vec<_>>());
        assert_eq!((scale.share(&json!("adamw")), scale.share(&json!("sgd"))), (Some(0.0), Some(1.0)));
        let same = [json!(4), json!(4)];
        assert_eq!(Scale::of(&same.iter().collect::<Vec<_>>()).share(&json!(4)), Some(0.5));
    }
}
