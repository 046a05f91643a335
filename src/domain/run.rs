//! A run's states and the moves between them.
//!
//! `step` is an optimiser step, counted from 0; `epoch` is 1-based wherever a person or the wire sees it.

use protocol::event::Started;
use protocol::sample::Split;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    /// It waits for its turn.
    Queued,
    /// A trainer works on it.
    Running,
    /// Stopped on request, to be resumed.
    Paused,
    /// Ended well.
    Completed,
    /// Ended by a fault that the trainer could name, or that kept it from starting.
    Failed,
    /// Given up on request.
    Cancelled,
    /// Its trainer ended without saying why; it can be resumed.
    Interrupted,
}

impl RunState {
    /// Every state.
    pub const ALL: [RunState; 7] = [
        RunState::Queued,
        RunState::Running,
        RunState::Paused,
        RunState::Completed,
        RunState::Failed,
        RunState::Cancelled,
        RunState::Interrupted,
    ];

    /// The word used in JSON, SQL and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Paused => "paused",
            RunState::Completed => "completed",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
            RunState::Interrupted => "interrupted",
        }
    }

    /// The inverse of [`RunState::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The legal moves.
    pub fn can_become(self, next: RunState) -> bool {
        use RunState::*;
        match self {
            Queued => matches!(next, Running | Cancelled | Paused | Failed),
            Running => matches!(next, Paused | Completed | Failed | Cancelled | Interrupted),
            Paused | Interrupted | Failed => matches!(next, Queued | Cancelled),
            // Completed of fewer epochs than it is now asked for.
            Completed => next == Queued,
            Cancelled => false,
        }
    }

    /// Whether *resume* is on offer.
    pub fn can_resume(self) -> bool {
        matches!(self, RunState::Paused | RunState::Interrupted | RunState::Failed)
    }

    /// Whether a trainer works on it or will without anybody's doing.
    pub fn is_active(self) -> bool {
        matches!(self, RunState::Queued | RunState::Running)
    }
}

/// What a person asked of a running run; its trainer is told by signal and ends with a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRequest {
    /// To go on later.
    Pause,
    /// To give up.
    Cancel,
}

impl StopRequest {
    /// The word used in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            StopRequest::Pause => "pause",
            StopRequest::Cancel => "cancel",
        }
    }

    /// Where a run goes when the request is fulfilled.
    pub fn outcome(self) -> RunState {
        match self {
            StopRequest::Pause => RunState::Paused,
            StopRequest::Cancel => RunState::Cancelled,
        }
    }
}

/// What was evaluated of a split: the predictions that galleries show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluatedSplit {
    /// Which.
    pub split: Split,
    /// The epoch of the checkpoint that they are from; 0: the weights that the run started with.
    pub epoch: u32,
    /// How many images.
    pub total: i64,
    /// Of them, how many are wrong.
    pub wrong: i64,
}

/// Optimizer steps of all epochs.
pub fn total_steps(started: &Started, epochs: u32) -> u64 {
    // A damaged journal may say anything.
    started.steps_per_epoch.saturating_mul(u64::from(epochs))
}

/// Whole percents of a run that are done, by optimizer steps.
pub fn percent_done(state: RunState, step: i64, steps: Option<i64>) -> u64 {
    match (state, steps) {
        (RunState::Completed, _) => 100,
        (_, Some(steps)) if steps > 0 => {
            ((step.clamp(0, steps) as u64).saturating_mul(100) / steps as u64).min(100)
        }
        _ => 0,
    }
}

/// The order in which splits lead: the least flattering honest one first. Nothing is chosen by the test split, the
/// checkpoint is chosen by validation, and the training split was learned from.
pub const LEADING_ORDER: [Split; 3] = [Split::Test, Split::Val, Split::Train];

/// The split that a run's head, galleries and evaluation open with, of those that were evaluated.
pub fn leading_split(evaluated: &[Split]) -> Option<Split> {
    LEADING_ORDER.into_iter().find(|split| evaluated.contains(split))
}

#[cfg(test)]
mod tests {
    use super::{RunState, leading_split};
    use protocol::sample::Split;

    #[test]
    fn the_least_flattering_evaluated_split_leads() {
        assert_eq!(leading_split(&Split::ALL), Some(Split::Test));
        assert_eq!(leading_split(&[Split::Train, Split::Val]), Some(Split::Val));
        assert_eq!(leading_split(&[Split::Train]), Some(Split::Train));
        assert_eq!(leading_split(&[]), None);
    }

    #[test]
    fn the_moves_are_these_and_no_others() {
        let legal: Vec<String> = RunState::ALL
            .into_iter()
            .flat_map(|from| RunState::ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| from.can_become(*to))
            .map(|(from, to)| format!("{} → {}", from.as_str(), to.as_str()))
            .collect();
        assert_eq!(
            legal,
            [
                "queued → running",
                "queued → paused",
                "queued → failed",
                "queued → cancelled",
                "running → paused",
                "running → completed",
                "running → failed",
                "running → cancelled",
                "running → interrupted",
                "paused → queued",
                "paused → cancelled",
                "completed → queued",
                "failed → queued",
                "failed → cancelled",
                "interrupted → queued",
                "interrupted → cancelled",
            ]
        );
    }

    #[test]
    fn every_state_has_its_own_word() {
        for state in RunState::ALL {
            assert_eq!(RunState::from_word(state.as_str()), Some(state));
        }
        assert_eq!(RunState::from_word("asleep"), None);
    }
}
