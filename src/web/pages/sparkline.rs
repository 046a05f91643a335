//! A curve small enough to stand in a line of text, drawn by the server so that it needs no script.

const WIDTH: f64 = 96.0;
const HEIGHT: f64 = 24.0;

/// A curve as the `d` of an SVG path in a box of 96 × 24; gaps stay gaps.
pub(crate) struct Sparkline {
    /// Empty where there are fewer than two points.
    pub(crate) path: String,
    /// What it shows, in words, for those who can't see it.
    pub(crate) label: String,
}

impl Sparkline {
    /// Draws `points` with the vertical axis from their least to their greatest value.
    pub(crate) fn new(what: &str, points: &[(u64, Option<f64>)]) -> Sparkline {
        let values: Vec<f64> = points.iter().filter_map(|(_, value)| *value).collect();
        let (least, most) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
            (least.min(*value), most.max(*value))
        });
        let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
            return Sparkline { path: String::new(), label: format!("{what}: nothing yet") };
        };
        let label = format!("{what}: from {least:.3} to {most:.3} in {} points", values.len());
        if values.len() < 2 || first == last {
            return Sparkline { path: String::new(), label };
        }
        let height = if most > least { most - least } else { 1.0 };
        let mut path = String::new();
        let mut pen_up = true;
        for (step, value) in points {
            let Some(value) = value else {
                pen_up = true;
                continue;
            };
            let x = (step - first) as f64 / (last - first) as f64 * (WIDTH - 4.0) + 2.0;
            let y = (most - value) / height * (HEIGHT - 4.0) + 2.0;
            path.push_str(&format!("{}{x:.1} {y:.1}", if pen_up { 'M' } else { 'L' }));
            pen_up = false;
        }
        Sparkline { path, label }
    }
}

#[cfg(test)]
mod tests {
    use super::Sparkline;

    #[test]
    fn rises_to_the_top_and_lifts_the_pen_at_a_gap() {
        let line = Sparkline::new("accuracy", &[(0, Some(0.0)), (5, Some(1.0)), (7, None), (10, Some(0.5))]);
        assert_eq!(line.path, "M2.0 22.0L48.0 2.0M94.0 12.0");
        assert_eq!(line.label, "accuracy: from 0.000 to 1.000 in 3 points");
    }

    #[test]
    fn nothing_to_draw_draws_nothing() {
        assert_eq!(Sparkline::new("loss", &[]).path, "");
        assert_eq!(Sparkline::new("loss", &[(3, Some(1.0))]).path, "");
        assert_eq!(Sparkline::new("loss", &[(3, Some(1.0)), (4, Some(1.0))]).path, "M2.0 2.0L94.0 2.0");
    }
}
