//! Progress, counted from many threads and told a few hundred times at most.

use super::{Progress, Stage};
use std::sync::{Mutex, PoisonError};

/// How far a stage is told at a time: one in so many of the whole.
const REPORTS: u64 = 400;

/// Counts one stage and tells it onwards, in rising order.
pub(super) struct Meter<'a> {
    stage: Stage,
    total: Option<u64>,
    report: &'a (dyn Fn(Progress) + Sync),
    /// Done, and what was told last.
    state: Mutex<(u64, u64)>,
}

impl<'a> Meter<'a> {
    /// Tells at once that the stage has begun.
    pub(super) fn new(stage: Stage, total: Option<u64>, report: &'a (dyn Fn(Progress) + Sync)) -> Self {
        report(Progress { stage, done: 0, total });
        Self { stage, total, report, state: Mutex::new((0, 0)) }
    }

    /// One more is done.
    pub(super) fn add_one(&self) {
        self.change(|done| done + 1);
    }

    /// So many are done. Never falls, never passes the total.
    pub(super) fn set(&self, done: u64) {
        self.change(|before| done.max(before));
    }

    fn change(&self, change: impl FnOnce(u64) -> u64) {
        // A poisoned lock only means that the listener panicked; the count is still right.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let done = change(state.0).min(self.total.unwrap_or(u64::MAX));
        let step = self.total.map_or(1000, |total| (total / REPORTS).max(1));
        let last = self.total == Some(done) && state.1 != done;
        state.0 = done;
        if done - state.1 >= step || last {
            state.1 = done;
            (self.report)(Progress { stage: self.stage, done, total: self.total });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reported_in_rising_order_up_to_the_total() {
        let told = Mutex::new(Vec::new());
        let report = |progress: Progress| told.lock().unwrap().push(progress.done);
        let meter = Meter::new(Stage::Decoding, Some(10_000), &report);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..2500).for_each(|_| meter.add_one()));
            }
        });
        let told = told.lock().unwrap();
        assert_eq!((told.first(), told.last()), (Some(&0), Some(&10_000)));
        assert!(told.is_sorted() && told.len() <= 402, "{} reports", told.len());
    }
}
