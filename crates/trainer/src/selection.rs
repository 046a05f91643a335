//! Which epoch is the best, and whether there is use in more.

use crate::checkpoint::{Best, Progress};
use protocol::spec::{BestBy, Selection};

/// Whether `new` is better than the best so far. One whose loss is not a finite number never is, and never stands in the way; but
/// something must be kept, so the first epoch always is.
pub fn is_better(by: BestBy, new: Best, old: Option<Best>) -> bool {
    let Some(old) = old else { return true };
    let worth = |best: Best| match by {
        _ if best.loss.is_none() => None,
        BestBy::Loss => best.loss.map(|loss| -loss),
        BestBy::Accuracy => best.accuracy,
    };
    worth(new).is_some_and(|new| worth(old).is_none_or(|old| new > old))
}

/// Whether so many epochs went by without a better one that the run ends.
pub fn is_patience_spent(selection: Selection, progress: &Progress) -> bool {
    let since = progress.best.map_or(0, |best| best.epoch).max(progress.patience_from);
    selection.patience > 0 && progress.epochs.saturating_sub(since) >= selection.patience
}

/// What a person should know where the run ends early.
pub fn stopped_early(selection: Selection, progress: &Progress, planned: u32) -> String {
    let epochs = |count: u32| if count == 1 { "1 epoch".to_owned() } else { format!("{count} epochs") };
    format!(
        "Stopped early after epoch {} of {planned}: {} brought no better {} than epoch {}.",
        progress.epochs,
        epochs(selection.patience),
        selection.best_by.label(),
        progress.best.map_or(0, |best| best.epoch),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(epoch: u32, loss: Option<f64>, accuracy: f64) -> Best {
        Best { epoch, loss, accuracy: Some(accuracy) }
    }

    #[test]
    fn what_is_no_number_is_never_better_and_never_in_the_way() {
        for by in [BestBy::Loss, BestBy::Accuracy] {
            let nan = best(2, None, 1.0);
            assert!(!is_better(by, nan, Some(best(1, Some(9.0), 0.1))), "{by:?}");
            assert!(!is_better(by, nan, Some(nan)));
            assert!(is_better(by, best(3, Some(9.0), 0.1), Some(nan)), "{by:?}");
            assert!(is_better(by, nan, None), "something must be kept");
        }
    }

    #[test]
    fn of_two_that_are_alike_the_earlier_one_stays() {
        let old = Some(best(1, Some(0.5), 0.9));
        assert!(!is_better(BestBy::Loss, best(2, Some(0.5), 1.0), old));
        assert!(is_better(BestBy::Loss, best(2, Some(0.4), 0.1), old));
        assert!(!is_better(BestBy::Accuracy, best(2, Some(0.1), 0.9), old));
        assert!(is_better(BestBy::Accuracy, best(2, Some(0.8), 0.91), old));
    }

    #[test]
    fn patience_counts_epochs_without_a_better_one() {
        let selection = Selection { best_by: BestBy::Loss, patience: 3 };
        let at = |epochs, patience_from| {
            let best = Some(best(4, Some(0.5), 0.9));
            is_patience_spent(selection, &Progress { epochs, patience_from, best, ..Progress::default() })
        };
        assert_eq!([4, 6, 7, 8].map(|epochs| at(epochs, 0)), [false, false, true, true]);
        // Given more epochs after it had ended early, it waits anew.
        assert_eq!([7, 9, 10].map(|epochs| at(epochs, 7)), [false, false, true]);
        let never = Selection { patience: 0, ..selection };
        assert!(!is_patience_spent(never, &Progress { epochs: 99, ..Progress::default() }));
    }
}
