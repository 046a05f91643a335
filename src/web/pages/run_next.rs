//! What can come after a run: the same again, one like it, more epochs, all layers going on from what it learned.

use super::format::link;
use super::run_view::RunView;
use crate::domain::run::RunState;

/// The way out of a failure that would only come again.
pub(crate) struct TryAgain {
    pub(crate) label: String,
    pub(crate) href: String,
}

impl RunView {
    /// Whether its loss was no longer a number: it would come to the same again.
    fn diverged(&self) -> bool {
        // The trainer names a step only where the loss is to blame for the end.
        self.run.state == RunState::Failed
            && self.run.failure.as_ref().is_some_and(|failure| failure.step.is_some())
    }

    /// What helps against a loss that is no longer a number: the form with a tenth of the learning rate.
    pub(crate) fn try_again(&self) -> Option<TryAgain> {
        let tenth = self.run.spec.learning_rate / 10.0;
        let rate: f64 = format!("{tenth:.3e}").parse().unwrap_or(tenth);
        let (id, rate) = (self.run.id.to_string(), rate.to_string());
        self.diverged().then(|| TryAgain {
            label: format!("Try again with learning rate {rate}"),
            href: link("/runs/new", &[("like", &id), ("learning_rate", &rate)]),
        })
    }

    /// What *Run again* does; *Clone* stands beside it.
    pub(crate) fn again_words(&self) -> String {
        format!(
            "Same settings, seed, images and labels as then (version {} of the data set): the same result to the bit. Edits \
             made since are left out.",
            self.run.dataset_version
        )
    }

    /// The form with all its settings, for the images and labels of today.
    pub(crate) fn clone_href(&self) -> String {
        link("/runs/new", &[("like", &self.run.id.to_string())])
    }

    /// Where all its layers go on learning from what it learned: the form, with its images and splits, so that the two can be compared.
    pub(crate) fn fine_tune_href(&self) -> Option<String> {
        let has_weights =
            self.run.state == RunState::Completed && self.trains() && self.run.best_epoch.is_some();
        has_weights.then(|| link("/runs/new", &[("from", &self.run.id.to_string())]))
    }

    /// Whether it can go on for more epochs than it was first asked for.
    pub(crate) fn can_raise_epochs(&self) -> bool {
        self.run.state == RunState::Completed && self.trains() && self.run.spec.epochs < 1000
    }

    /// `it has had 4`, or fewer than it was asked for where it stopped early.
    pub(crate) fn epochs_had(&self) -> String {
        let (had, asked) = (self.run.epoch, i64::from(self.run.spec.epochs));
        if had < asked { format!("it has had {had} of {asked}") } else { format!("it has had {had}") }
    }

    /// The least number of epochs that is more than it was asked for.
    pub(crate) fn next_epochs(&self) -> u32 {
        self.run.spec.epochs + 1
    }

    /// A number of epochs to suggest.
    pub(crate) fn double_epochs(&self) -> u32 {
        (self.run.spec.epochs * 2).min(1000)
    }
}
