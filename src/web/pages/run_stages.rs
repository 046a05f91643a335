//! The rail of a run's pages: its four stages.

use super::format::{percent, thousands};
use super::run_view::RunView;
use crate::domain::edits::split_title;
use crate::domain::run::RunState;

/// A stage of the rail.
pub(crate) struct Stage {
    /// Whether its summary is how far the run is, which grows while it learns.
    pub(crate) is_growing: bool,
    pub(crate) summary: String,
    /// Why it wants a look.
    pub(crate) attention: Option<String>,
    /// Pages of the stage: key, label, address.
    pub(crate) pages: Vec<(&'static str, String, String)>,
}

impl Stage {
    /// Whether a page belongs to it.
    pub(crate) fn is_at(&self, page: &str) -> bool {
        self.pages.iter().any(|(key, ..)| *key == page)
    }
}

impl RunView {
    /// The version of the data set that it learned from, with what has changed since.
    fn version_href(&self) -> String {
        format!("{}/versions/{}", self.dataset_href(), self.run.dataset_version)
    }

    /// The four stages, the same on every page of the run.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        if self.is_from_events() {
            return vec![Stage {
                is_growing: false,
                summary: self.progress(),
                attention: None,
                pages: vec![("run", "Curves".to_owned(), self.href())],
            }];
        }
        let ended_badly = matches!(self.run.state, RunState::Failed | RunState::Interrupted);
        let none = || match self.is_active() {
            true => "available after epoch 1".to_owned(),
            false => "none".to_owned(),
        };
        let shown = self.shown_result();
        vec![
            Stage {
                is_growing: false,
                summary: self.dataset.clone(),
                attention: self.attention.data.clone(),
                pages: vec![
                    ("dataset", "Data".to_owned(), self.dataset_href()),
                    ("version", format!("Version {}", self.run.dataset_version), self.version_href()),
                ],
            },
            Stage {
                is_growing: self.is_active(),
                summary: match self.run.state {
                    RunState::Running | RunState::Queued => self.percent_label(),
                    other => other.as_str().to_owned(),
                },
                attention: ended_badly
                    .then(|| match &self.run.failure {
                        Some(failure) => failure.reason.clone(),
                        None => format!("It {}.", self.run.state.as_str()),
                    })
                    .or_else(|| self.attention.training.clone()),
                pages: vec![
                    ("run", "Training".to_owned(), self.href()),
                    ("inputs", "Inputs".to_owned(), self.at("inputs")),
                    ("gradients", "Layers".to_owned(), self.at("gradients")),
                ],
            },
            Stage {
                is_growing: false,
                summary: shown.map_or_else(none, |result| {
                    let (wrong, total) = (thousands(result.wrong), thousands(result.total));
                    format!("{}: {wrong} of {total} wrong", split_title(result.split))
                }),
                attention: self.attention.predictions.clone(),
                pages: vec![("predictions", "Predictions".to_owned(), self.at_split("predictions"))],
            },
            Stage {
                is_growing: false,
                summary: shown.map_or_else(none, |result| {
                    format!("{}: {} correct", split_title(result.split), percent(result.accuracy()))
                }),
                attention: self.result().and_then(|result| result.gap),
                pages: vec![
                    ("evaluation", "Evaluation".to_owned(), self.at_split("evaluation")),
                    ("maps", "Lists by class".to_owned(), self.at_split("category-to-paths")),
                ],
            },
        ]
    }
}
