//! A search for a learning rate: the network learns for a while as in the run, at a rate that rises from step to step, and the losses are
//! written down. It ends early where the loss has exploded.

use crate::fault::Fault;
use crate::train::{End, Trainer};
use protocol::event::{Event, MaybeFinite, Stage, finite};
use protocol::learning_rates::rate;
use protocol::sample::Split;
use std::time::{Duration, Instant};

/// A loss so many times the lowest one has exploded.
const EXPLODED: f64 = 4.0;
/// The share of the losses before in the smooth one.
const SMOOTHING: f64 = 0.9;
/// How often it says how far it is.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// A search under way.
pub struct Search {
    steps: u32,
    points: Vec<(f64, MaybeFinite)>,
    smooth: f64,
    lowest: f64,
    has_exploded: bool,
    told: Instant,
}

impl Search {
    /// One of at most so many steps.
    pub fn new(steps: u32) -> Search {
        Search {
            steps,
            points: Vec::new(),
            smooth: 0.0,
            lowest: f64::INFINITY,
            has_exploded: false,
            told: Instant::now(),
        }
    }

    /// The learning rate of a step.
    pub fn rate(&self, step: u64) -> f64 {
        rate(step, self.steps)
    }

    /// Takes down the loss of a step.
    pub(crate) fn note(&mut self, step: u64, loss: f64) {
        self.points.push((self.rate(step), finite(loss)));
        self.smooth = SMOOTHING * self.smooth + (1.0 - SMOOTHING) * loss;
        // The first ones lean on a beginning of 0.
        let smooth =
            self.smooth / (1.0 - SMOOTHING.powi(i32::try_from(self.points.len()).unwrap_or(i32::MAX)));
        self.lowest = self.lowest.min(smooth);
        self.has_exploded = !loss.is_finite() || smooth > EXPLODED * self.lowest;
    }

    /// Whether there is nothing more to find.
    pub(crate) fn is_over(&self) -> bool {
        self.has_exploded || self.points.len() >= self.steps as usize
    }

    fn wants_to_tell(&mut self) -> bool {
        let wants = self.told.elapsed() >= TELL_EVERY;
        if wants {
            self.told = Instant::now();
        }
        wants
    }
}

impl Trainer<'_> {
    /// Learns until the search is over; nothing of the weights is kept.
    pub fn find_learning_rate(&mut self) -> Result<End, Fault> {
        let mut end = self.prepare_features(&[Split::Train])?;
        let mut epoch = 0;
        while end == End::Completed && self.search.as_ref().is_some_and(|search| !search.is_over()) {
            epoch += 1;
            end = self.train_epoch(epoch)?;
        }
        if end == End::Stopped {
            self.report.append(Event::Stopped { step: self.progress.step })?;
            return Ok(End::Stopped);
        }
        let points = self.search.take().map(|search| search.points).unwrap_or_default();
        self.report.append(Event::LearningRates { points })?;
        self.report.append(Event::Completed { step: self.progress.step, best_epoch: 0 })?;
        Ok(End::Completed)
    }

    /// Says now and then how far the search is.
    pub(crate) fn tell_of_search(&mut self) -> Result<(), Fault> {
        let Some(search) = &mut self.search else { return Ok(()) };
        if !search.wants_to_tell() {
            return Ok(());
        }
        let images = u64::from(self.spec.batch_size) * u64::from(self.spec.updates.accumulate.max(1));
        let (done, total) = (search.points.len() as u64 * images, u64::from(search.steps) * images);
        self.report.append(Event::Progress { stage: Stage::FindLearningRate, done, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_ends_when_the_loss_explodes_or_all_steps_are_taken() {
        let mut search = Search::new(5);
        for step in 0..5 {
            assert!(!search.is_over());
            search.note(step, 1.0);
        }
        assert!(search.is_over());
        let mut search = Search::new(100);
        for step in 0..20 {
            search.note(step, 1.0);
        }
        assert!(!search.is_over());
        search.note(20, 50.0);
        assert!(search.is_over(), "{}", search.smooth);
        let mut search = Search::new(100);
        search.note(0, f64::NAN);
        assert!(search.is_over() && search.points[0].1.is_none());
    }
}
