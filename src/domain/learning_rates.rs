//! What the losses of a search for a learning rate say: the curve, smoothed, and a rate to take.

/// The share of the losses before in the smooth one.
const SMOOTHING: f64 = 0.9;
/// Slopes are taken over so many steps, so that one batch has little say.
const SPAN: usize = 5;
/// A slope that falls by a smaller share of the loss is chance, or rounding.
const LEAST_FALL: f64 = 0.002;
/// The share of steps at the beginning that hardly any rate belongs to; a slope there is chance.
const BEGINNING: f64 = 0.1;

/// Rates tried, with what came of them.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningRates {
    /// Rate and loss, as measured; `None`: not finite.
    pub points: Vec<(f64, Option<f64>)>,
    /// Rate and loss, smoothed: an exponential mean, corrected for its beginning.
    pub smooth: Vec<(f64, f64)>,
    /// Where the loss falls most steeply, as fastai's `lr_find` suggests it; `None` where it falls nowhere.
    pub steepest: Option<f64>,
    /// A tenth of the rate at which the loss is lowest: higher ones begin to harm (Smith 2017 takes rates up to there).
    pub tenth_of_lowest: Option<f64>,
}

impl LearningRates {
    /// Of what a search wrote down.
    pub fn new(points: Vec<(f64, Option<f64>)>) -> LearningRates {
        let (mut mean, mut count, mut smooth) = (0.0, 0, Vec::new());
        for (rate, loss) in &points {
            let Some(loss) = loss else { break };
            count += 1;
            mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
            smooth.push((*rate, mean / (1.0 - SMOOTHING.powi(count))));
        }
        let lowest = (0..smooth.len()).min_by(|a, b| smooth[*a].1.total_cmp(&smooth[*b].1));
        let begin = (smooth.len() as f64 * BEGINNING) as usize;
        let slope = |at: usize| smooth[at + SPAN].1 - smooth[at].1;
        let last = lowest.unwrap_or(0).saturating_sub(SPAN);
        let steepest = (begin..=last)
            .filter(|at| at + SPAN < smooth.len())
            .min_by(|a, b| slope(*a).total_cmp(&slope(*b)))
            .filter(|at| slope(*at) < -LEAST_FALL * smooth[*at].1.abs())
            .map(|at| (smooth[at].0 * smooth[at + SPAN].0).sqrt());
        let tenth_of_lowest = lowest.filter(|_| steepest.is_some()).map(|at| smooth[at].0 / 10.0);
        LearningRates { points, smooth, steepest, tenth_of_lowest }
    }

    /// The rate to take: between the two, on a logarithmic scale, with two digits.
    pub fn suggestion(&self) -> Option<f64> {
        let between = (self.steepest? * self.tenth_of_lowest?).sqrt();
        format!("{between:.1e}").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loss falls around a hundredth and explodes above a half.
    fn curve(rate: f64) -> f64 {
        let fall = 1.0 / (1.0 + (-(rate.log10() + 2.0) * 3.0).exp());
        2.3 - 1.8 * fall + (rate / 0.5).powi(3)
    }

    #[test]
    fn the_suggestion_lies_where_the_loss_falls_and_below_where_it_is_lowest() {
        let rates: Vec<f64> = (0..100).map(|step| protocol::learning_rates::rate(step, 100)).collect();
        let points = rates.iter().map(|rate| (*rate, Some(curve(*rate)))).collect();
        let found = LearningRates::new(points);
        let (steepest, tenth) = (found.steepest.unwrap(), found.tenth_of_lowest.unwrap());
        assert!((0.003..0.1).contains(&steepest), "{steepest}");
        assert!((0.005..0.1).contains(&tenth), "{tenth}");
        let suggestion = found.suggestion().unwrap();
        assert!(suggestion >= steepest.min(tenth) * 0.9 && suggestion <= steepest.max(tenth) * 1.1);
    }

    #[test]
    fn where_the_loss_falls_nowhere_nothing_is_suggested() {
        let flat = LearningRates::new((0..50).map(|at| (f64::from(at), Some(1.0))).collect());
        assert_eq!(flat.suggestion(), None);
        assert_eq!(LearningRates::new(vec![(1e-7, None)]).suggestion(), None);
        assert_eq!(LearningRates::new(Vec::new()).suggestion(), None);
    }
}
