//! The texts that follow a run or an import while a page is open. Their names are those of `data-live`.

use super::super::format::{bytes, duration, link, number, round_estimate, thousands};
use super::super::run_view::RunView;
use crate::domain::run::RunState;
use crate::import::Stage;
use crate::jobs::import::Status;
use protocol::sample::Split;

/// Words one text of a run.
type Word = fn(&RunView) -> String;

/// The one text that grows with each epoch. It is told less often than the others.
pub(super) const CURVE: &str = "curve";

/// What is told of a run, by name. A text goes out once, whatever number of elements shows it.
const RUN_TEXTS: [(&str, Word); 11] = [
    ("state", RunView::state_label),
    ("progress", RunView::progress),
    ("time", RunView::time),
    ("percent", RunView::percent_label),
    (CURVE, |view| view.curve.path.clone()),
    ("train_loss", |view| view.number("train/loss")),
    ("best_val_accuracy", |view| view.percent("best/val/accuracy")),
    ("best_val_loss", |view| view.number("best/val/loss")),
    ("test_accuracy", |view| view.percent("test/accuracy")),
    ("checkpoint", RunView::kept_accuracy),
    ("speed", |view| number(view.speed())),
];

impl RunView {
    /// The name of one of its texts, for `data-live`.
    pub(crate) fn live(&self, text: &str) -> String {
        debug_assert!(RUN_TEXTS.iter().any(|(name, _)| *name == text), "no text is called {text}");
        format!("run-{}.{text}", self.run.id)
    }

    /// What stands before the title of a run's page in the browser's tab.
    pub(crate) fn title_prefix(&self) -> String {
        match self.run.state {
            RunState::Running => self.percent_label(),
            RunState::Completed => String::new(),
            other => other.as_str().to_owned(),
        }
    }

    /// Where the head of one of its pages is asked for anew.
    pub(crate) fn head_address(&self, page: &str) -> String {
        let split = self.split.map_or("", Split::as_str);
        link(&format!("/live{}/head", self.href()), &[("page", page), ("split", split)])
    }

    /// Every text with its name.
    pub(super) fn live_texts(&self) -> impl Iterator<Item = (String, String)> {
        RUN_TEXTS.iter().map(|(name, word)| (self.live(name), word(self)))
    }
}

/// How far an import is.
pub(crate) struct ImportWords {
    /// What it is doing.
    pub(crate) stage: &'static str,
    /// Of that stage, where known.
    pub(crate) percent: Option<u64>,
    /// How far it is, and how long still.
    pub(crate) details: String,
}

impl ImportWords {
    /// In words; `None`: it has not said anything yet.
    pub(crate) fn new(status: Option<&Status>) -> ImportWords {
        let Some(status) = status else {
            return ImportWords { stage: "Starting", percent: None, details: String::new() };
        };
        let stage = match status.progress.stage {
            Stage::Downloading => "Downloading",
            Stage::Unpacking => "Unpacking",
            Stage::Listing => "Looking for images",
            Stage::Decoding => "Reading images",
        };
        ImportWords { stage, percent: status.percent(), details: import_details(status) }
    }
}

fn import_details(status: &Status) -> String {
    let progress = &status.progress;
    let size = |count: u64| bytes(i64::try_from(count).unwrap_or(i64::MAX));
    let mut words = match (progress.stage, progress.total) {
        (Stage::Downloading | Stage::Unpacking, Some(total)) => {
            format!("{} of {}", size(progress.done), size(total))
        }
        (_, Some(total)) => format!("{} of {} files", thousands(progress.done), thousands(total)),
        (_, None) if progress.done > 0 => format!("{} files so far", thousands(progress.done)),
        (_, None) => String::new(),
    };
    if let Some(left) = status.seconds_left {
        words += &format!(", about {} left", duration(round_estimate(left)));
    }
    words
}

/// How far an examination is: percent where known, and words.
pub(crate) fn examination_progress((measured, to_measure): (usize, usize)) -> (Option<u64>, String) {
    if to_measure == 0 {
        return (None, "The data set is being examined.".into());
    }
    let words = format!(
        "The data set is being examined: {} of {} images measured.",
        thousands(measured),
        thousands(to_measure)
    );
    (Some((measured * 100 / to_measure) as u64), words)
}
