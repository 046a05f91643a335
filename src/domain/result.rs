//! What a run's evaluation came to, and which of its results leads: test where there is a test split, because it
//! is the one that nothing was chosen by. Pure; it knows neither pages nor the database.

use super::metrics::wilson;
use super::run::{EvaluatedSplit, leading_split};
use protocol::sample::Split;

/// A gap between validation and test that carries a mark, as a share: more than five points.
pub const NOTABLE_GAP: f64 = 0.05;

impl EvaluatedSplit {
    /// Images predicted as their class.
    pub fn correct(&self) -> i64 {
        self.total - self.wrong
    }

    /// Share of correct predictions; `None` without images.
    pub fn accuracy(&self) -> Option<f64> {
        (self.total > 0).then(|| self.correct() as f64 / self.total as f64)
    }

    /// The accuracy's 95 % interval, by Wilson.
    pub fn interval(&self) -> Option<(f64, f64)> {
        wilson(u64::try_from(self.correct()).ok()?, u64::try_from(self.total).ok()?)
    }
}

/// The result of a run: the one that leads, and the others behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// The result that leads.
    pub lead: EvaluatedSplit,
    /// The others, in the order in which they would lead.
    pub others: Vec<EvaluatedSplit>,
}

impl Headline {
    /// Of the results of a run's evaluated splits, a split once; `None` where nothing was evaluated.
    pub fn new(results: &[EvaluatedSplit]) -> Option<Headline> {
        let splits: Vec<Split> = results.iter().map(|result| result.split).collect();
        let leading = leading_split(&splits)?;
        let lead = *results.iter().find(|result| result.split == leading)?;
        let mut others: Vec<EvaluatedSplit> =
            results.iter().copied().filter(|result| result.split != leading).collect();
        others
            .sort_by_key(|result| super::run::LEADING_ORDER.iter().position(|split| *split == result.split));
        Some(Headline { lead, others })
    }

    /// The result of a split, if it was evaluated.
    pub fn of(&self, split: Split) -> Option<EvaluatedSplit> {
        std::iter::once(&self.lead).chain(&self.others).find(|result| result.split == split).copied()
    }

    /// Validation accuracy less test accuracy: positive where validation flatters.
    pub fn gap(&self) -> Option<f64> {
        Some(self.of(Split::Val)?.accuracy()? - self.of(Split::Test)?.accuracy()?)
    }

    /// The gap where it is worth a mark: more than [`NOTABLE_GAP`], in either direction.
    pub fn notable_gap(&self) -> Option<f64> {
        // Exactly five points are not more than five, whatever the subtraction rounds to.
        self.gap().filter(|gap| gap.abs() > NOTABLE_GAP + 1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(split: Split, correct: i64, total: i64) -> EvaluatedSplit {
        EvaluatedSplit { split, total, wrong: total - correct, epoch: 7 }
    }

    #[test]
    fn test_leads_then_validation_then_training() {
        let all =
            [result(Split::Train, 100, 100), result(Split::Val, 413, 415), result(Split::Test, 525, 615)];
        let order = |results: &[EvaluatedSplit]| {
            Headline::new(results).map(|headline| {
                std::iter::once(headline.lead).chain(headline.others).map(|it| it.split).collect::<Vec<_>>()
            })
        };
        assert_eq!(order(&all), Some(vec![Split::Test, Split::Val, Split::Train]));
        assert_eq!(order(&all[..2]), Some(vec![Split::Val, Split::Train]));
        assert_eq!(order(&all[..1]), Some(vec![Split::Train]));
        assert_eq!(order(&[]), None);
    }

    #[test]
    fn a_result_has_its_interval() {
        let test = result(Split::Test, 525, 615);
        let (lower, upper) = test.interval().unwrap();
        assert!((test.accuracy().unwrap() - 0.853_658_5).abs() < 1e-6);
        assert!((lower - 0.823_529).abs() < 1e-5 && (upper - 0.879_397).abs() < 1e-5, "{lower} {upper}");
        assert_eq!(test.correct(), 525);
        let empty = result(Split::Test, 0, 0);
        assert_eq!((empty.accuracy(), empty.interval()), (None, None));
    }

    #[test]
    fn only_a_gap_of_more_than_five_points_is_notable() {
        let gap = |val: i64, test: i64| {
            Headline::new(&[result(Split::Val, val, 100), result(Split::Test, test, 100)])
                .unwrap()
                .notable_gap()
        };
        assert!(gap(99, 85).is_some_and(|gap| (gap - 0.14).abs() < 1e-9));
        assert_eq!((gap(90, 85), gap(85, 90), gap(90, 90)), (None, None, None));
        assert!(gap(84, 90).is_some_and(|gap| gap < 0.0), "test far above validation is odd too");
        assert_eq!(Headline::new(&[result(Split::Val, 9, 10)]).unwrap().gap(), None);
    }
}
