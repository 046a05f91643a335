//! Runs and their further jobs in words: what they do, how they stand, how far they are.

use super::format::{counted, thousands};
use crate::domain::edits::split_title;
use crate::domain::run::{RunState, StopRequest};
use crate::store::runs::StageProgress;
use protocol::event::Stage;
use protocol::spec::Task;

/// What a task does, with so many images.
pub(crate) fn job_title(task: &Task, images: i64) -> String {
    match task {
        Task::Train => "Train".to_owned(),
        Task::Evaluate { splits } => {
            let names: Vec<String> =
                splits.iter().map(|split| format!("{} split", split_title(*split))).collect();
            format!("Evaluate the {}", names.join(" and the "))
        }
        Task::FindLearningRate { .. } => "Find a learning rate".to_owned(),
        Task::Predict => format!("Try {}", counted(images, "image", "images")),
    }
}

/// `computing features: 320 of 1,000 images`
pub(crate) fn stage_words(stage: &StageProgress) -> String {
    let doing = match stage.stage {
        Stage::Embed => "computing features",
        Stage::Evaluate => "evaluating",
        Stage::FindLearningRate => "learning at rising rates",
    };
    format!("{doing}: {} of {} images", thousands(stage.done), thousands(stage.total))
}

/// A state with a sign beside the word, so that colour is not all that tells.
pub(crate) fn state_label(state: RunState, request: Option<StopRequest>) -> String {
    let (sign, word) = match (state, request) {
        (RunState::Running, Some(StopRequest::Pause)) => ("◐", "pausing"),
        (RunState::Running, Some(StopRequest::Cancel)) => ("◐", "cancelling"),
        (RunState::Running, None) => ("▶", "running"),
        (RunState::Queued, _) => ("…", "queued"),
        (RunState::Paused, _) => ("‖", "paused"),
        (RunState::Completed, _) => ("✓", "completed"),
        (RunState::Failed, _) => ("!", "failed"),
        (RunState::Cancelled, _) => ("×", "cancelled"),
        (RunState::Interrupted, _) => ("!", "interrupted"),
    };
    format!("{sign} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::sample::Split;

    #[test]
    fn a_job_is_called_after_what_it_does() {
        let evaluate = |splits: &[Split]| job_title(&Task::Evaluate { splits: splits.to_vec() }, 9);
        assert_eq!(evaluate(&[Split::Train]), "Evaluate the training split");
        assert_eq!(evaluate(&[Split::Val, Split::Test]), "Evaluate the validation split and the test split");
        assert_eq!(job_title(&Task::Predict, 1), "Try 1 image");
        assert_eq!(job_title(&Task::Predict, 1200), "Try 1,200 images");
    }
}
