//! The curve of a search for a learning rate, drawn by the server so that it needs no script.

use super::format::link;
use crate::domain::learning_rates::LearningRates;
use crate::store::runs::Run;

const LEFT: f64 = 60.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 270.0;
/// What lies more than so many times the fall of the loss above its lowest is cut off: where it explodes is seen anyway.
const CUT: f64 = 1.5;

/// The chart and what it comes to.
pub(crate) struct RateChart {
    /// Losses as they were measured, and the smooth ones: the `d` of SVG paths.
    pub(crate) measured: String,
    pub(crate) smooth: String,
    /// Place and text.
    pub(crate) rates: Vec<(f64, String)>,
    pub(crate) losses: Vec<(f64, String)>,
    /// Where the suggested rate lies.
    pub(crate) mark: Option<f64>,
    /// The rate to take, as a person types it.
    pub(crate) suggestion: Option<String>,
    /// The form with it.
    pub(crate) href: String,
    /// The rate of the run itself.
    pub(crate) own: String,
}

impl RateChart {
    pub(super) fn new(run: &Run, found: &LearningRates) -> RateChart {
        let suggestion = found.suggestion();
        let text = suggestion.map(|rate| rate.to_string());
        let href = link(
            "/runs/new",
            &[("like", &run.id.to_string()), ("learning_rate", text.as_deref().unwrap_or_default())],
        );
        let own = run.spec.learning_rate.to_string();
        let mut chart = RateChart {
            measured: String::new(),
            smooth: String::new(),
            rates: Vec::new(),
            losses: Vec::new(),
            mark: None,
            suggestion: text,
            href,
            own,
        };
        let (Some((first, begin)), Some((last, _))) = (found.smooth.first(), found.smooth.last()) else {
            return chart;
        };
        let lowest = found.smooth.iter().map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min);
        let top = lowest + ((begin - lowest) * CUT).max(lowest.abs() * 0.1).max(1e-6);
        let x = |rate: f64| LEFT + (rate / first).ln() / (last / first).ln().max(1e-9) * (RIGHT - LEFT);
        let y = |loss: f64| BOTTOM - ((loss - lowest) / (top - lowest)).clamp(-0.02, 1.0) * (BOTTOM - TOP);
        let line = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            let mut path = String::new();
            for (rate, loss) in points {
                let pen = if path.is_empty() { 'M' } else { 'L' };
                path.push_str(&format!("{pen}{:.1} {:.1}", x(rate), y(loss)));
            }
            path
        };
        chart.smooth = line(&mut found.smooth.iter().copied());
        chart.measured = line(&mut found.points.iter().map_while(|(rate, loss)| Some((*rate, (*loss)?))));
        let decades = first.log10().ceil() as i32..=last.log10().floor() as i32;
        chart.rates = decades.map(|power| (x(10_f64.powi(power)), 10_f64.powi(power).to_string())).collect();
        chart.losses = [0.0, 0.5, 1.0]
            .map(|share| lowest + share * (top - lowest))
            .map(|loss| (y(loss), format!("{loss:.2}")))
            .to_vec();
        chart.mark = suggestion.map(x);
        chart
    }
}
