//! Successive halving: all trials train for a few epochs, the better third for three times as many, and so on. Every trial has the
//! learning-rate schedule of all epochs and is paused in between, so the last ones are as if they had never stopped.

/// The share that goes on is one in so many, and has so many times the epochs.
const FACTOR: u32 = 3;

/// After how many epochs trials are compared, ascending; the last number is all epochs. One number: they are never compared before
/// their end.
pub fn rung_epochs(trials: usize, epochs: u32) -> Vec<u32> {
    let mut rungs = vec![epochs];
    let mut left = trials;
    let mut least = epochs;
    while left > 1 && least / FACTOR >= 1 {
        left = left.div_ceil(FACTOR as usize);
        least /= FACTOR;
        rungs.push(least);
    }
    rungs.reverse();
    rungs
}

/// How many of so many trials begin a rung, counted from 0.
pub fn trials_at(rung: usize, trials: usize) -> usize {
    (0..rung).fold(trials, |left, _| left.div_ceil(FACTOR as usize))
}

/// A trial that has come to the rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtRung {
    /// Its number.
    pub trial: u32,
    /// Its best validation accuracy so far; `None`: there is none.
    pub accuracy: Option<f64>,
}

/// What becomes of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on to the next rung.
    GoesOn,
    /// It ends here.
    Ends,
}

/// What becomes of those that are at a rung, in their order, where `begun` trials began it.
pub fn decide(at_rung: &[AtRung], begun: usize) -> Vec<Decision> {
    let kept = begun.div_ceil(FACTOR as usize);
    let mut order: Vec<usize> = (0..at_rung.len()).collect();
    // The greatest accuracy first, none last; of equal ones the earlier trial.
    let accuracy = |at: usize| at_rung[at].accuracy.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|a, b| {
        accuracy(*b).total_cmp(&accuracy(*a)).then(at_rung[*a].trial.cmp(&at_rung[*b].trial))
    });
    let mut decisions = vec![Decision::Ends; at_rung.len()];
    for at in order.into_iter().take(kept) {
        decisions[at] = Decision::GoesOn;
    }
    decisions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_three_times_as_long_each_and_end_with_all_epochs() {
        assert_eq!(rung_epochs(27, 27), [1, 3, 9, 27]);
        assert_eq!(rung_epochs(9, 40), [4, 13, 40]);
        assert_eq!(rung_epochs(12, 5), [1, 5]);
        assert_eq!(rung_epochs(12, 2), [2]);
        assert_eq!(rung_epochs(1, 30), [30]);
        assert_eq!([0, 1, 2, 3].map(|rung| trials_at(rung, 12)), [12, 4, 2, 1]);
    }

    #[test]
    fn the_better_third_goes_on_and_ties_keep_the_earlier() {
        let of = |accuracies: &[Option<f64>]| {
            let at_rung: Vec<AtRung> = (1..)
                .zip(accuracies)
                .map(|(trial, accuracy)| AtRung { trial, accuracy: *accuracy })
                .collect();
            let decisions = decide(&at_rung, at_rung.len());
            decisions.iter().map(|decision| *decision == Decision::GoesOn).collect::<Vec<_>>()
        };
        assert_eq!(
            of(&[Some(0.5), Some(0.9), None, Some(0.9), Some(0.1), Some(0.2)]),
            [false, true, false, true, false, false]
        );
        assert_eq!(of(&[Some(0.5), Some(0.5), Some(0.5)]), [true, false, false]);
        assert_eq!(of(&[None, None]), [true, false]);
        // One of them failed: as many go on as if it had come last.
        let left = [AtRung { trial: 2, accuracy: Some(0.3) }, AtRung { trial: 3, accuracy: Some(0.4) }];
        assert_eq!(decide(&left, 9), [Decision::GoesOn, Decision::GoesOn]);
    }
}
