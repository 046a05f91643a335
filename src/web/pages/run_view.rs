//! A run as every page of it shows it: state in words, progress, time left, the rail of its stages.

use super::format::{self, ago, duration, link, percent, split_name, thousands};
use super::sparkline::Sparkline;
use crate::domain::result::Headline;
use crate::domain::run::{EvaluatedSplit, RunState, StopRequest, percent_done};
use crate::store::now_ms;
use crate::store::run_list::{ListedRun, RunSelection, UnreadableRun};
use crate::store::runs::Run;
use crate::web::{AppState, Error, Result};
use protocol::sample::Split;

/// A run and what is around it.
pub(crate) struct RunView {
    pub(crate) run: Run,
    pub(crate) dataset: String,
    /// Splits that galleries can show.
    pub(crate) evaluated: Vec<Split>,
    /// What was evaluated of each of them, and from which checkpoint.
    pub(crate) checkpoints: Vec<EvaluatedSplit>,
    /// Validation accuracy by epoch.
    pub(crate) curve: Sparkline,
    /// What its evaluation came to, the result that leads first.
    pub(crate) headline: Option<Headline>,
    /// The split that this page shows; the rail's links and figures keep to it.
    pub(crate) split: Option<Split>,
}

/// A stage of the rail.
pub(crate) struct Stage {
    pub(crate) label: &'static str,
    pub(crate) summary: String,
    pub(crate) needs_attention: bool,
    /// Pages of the stage: key, label, address.
    pub(crate) pages: Vec<(&'static str, &'static str, String)>,
}

/// Runs of a list, and those that can't be read, which a list names too.
#[derive(Default)]
pub(crate) struct RunViews {
    pub(crate) runs: Vec<RunView>,
    pub(crate) unreadable: Vec<UnreadableRun>,
}

impl RunViews {
    /// Runs with all that lists and heads say of them, in one statement.
    pub(crate) async fn load(app: &AppState, which: RunSelection) -> Result<RunViews> {
        let list = app.store.list_run_rows(which).await?;
        Ok(RunViews { runs: list.runs.into_iter().map(RunView::new).collect(), unreadable: list.unreadable })
    }

    /// Whether there is none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.unreadable.is_empty()
    }
}

impl RunView {
    fn new(listed: ListedRun) -> RunView {
        let ListedRun { run, dataset, evaluated } = listed;
        let splits: Vec<Split> = evaluated.iter().map(|evaluated| evaluated.split).collect();
        let headline = Headline::new(&evaluated);
        let curve = Sparkline::new("validation accuracy", &run.curve);
        RunView { dataset, evaluated: splits, checkpoints: evaluated, curve, headline, split: None, run }
    }

    /// The run as it is now, which may be further than where it was just found.
    pub(crate) async fn load(app: &AppState, run: Run) -> Result<RunView> {
        let mut views = RunViews::load(app, RunSelection::One(run.id)).await?;
        views.runs.pop().ok_or(Error::NotFound("run"))
    }

    pub(crate) fn href(&self) -> String {
        format!("/runs/{}", self.run.id)
    }

    /// The same run on a page that shows one split.
    pub(crate) fn showing(mut self, split: Split) -> RunView {
        self.split = Some(split);
        self
    }

    /// The result of the split that this page shows; where it shows none, the one that leads.
    pub(crate) fn shown_result(&self) -> Option<EvaluatedSplit> {
        let headline = self.headline.as_ref()?;
        match self.split {
            Some(split) => headline.of(split),
            None => Some(headline.lead),
        }
    }

    /// The address of one of its pages that show a split, keeping to the one that is shown now.
    pub(crate) fn at_split(&self, page: &str) -> String {
        link(&self.at(page), &[("split", self.split.map_or("", Split::as_str))])
    }

    /// The address of one of its pages.
    pub(crate) fn at(&self, page: &str) -> String {
        format!("{}/{page}", self.href())
    }

    pub(crate) fn dataset_href(&self) -> String {
        format!("/datasets/{}", self.run.dataset_id)
    }

    pub(crate) fn model(&self) -> String {
        serde_json::to_value(self.run.spec.model)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Whether there is training at all, or only evaluating.
    pub(crate) fn trains(&self) -> bool {
        self.run.spec.epochs > 0
    }

    pub(crate) fn state(&self) -> &'static str {
        self.run.state.as_str()
    }

    /// The state with a sign beside the word, so that colour is not all that tells.
    pub(crate) fn state_label(&self) -> String {
        let (sign, word) = match (self.run.state, self.run.stop_request) {
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

    pub(crate) fn is_active(&self) -> bool {
        self.run.state.is_active()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.run.state == RunState::Running
    }

    pub(crate) fn can_pause(&self) -> bool {
        self.is_active() && self.run.stop_request.is_none()
    }

    pub(crate) fn can_resume(&self) -> bool {
        self.run.state.can_resume()
    }

    pub(crate) fn can_cancel(&self) -> bool {
        self.run.state.can_become(RunState::Cancelled) && self.run.stop_request != Some(StopRequest::Cancel)
    }

    fn steps(&self) -> Option<u64> {
        let started = self.run.started.as_ref()?;
        Some(started.steps_per_epoch * u64::from(self.run.spec.epochs))
    }

    /// Whole percents done.
    pub(crate) fn percent_done(&self) -> u64 {
        percent_done(self.run.state, self.run.step, self.steps().map(|steps| steps as i64))
    }

    /// How far, in words.
    pub(crate) fn progress(&self) -> String {
        let steps = match self.steps() {
            Some(steps) if steps > 0 => {
                format!(", step {} of {}", thousands(self.run.step), thousands(steps))
            }
            _ => String::new(),
        };
        let epoch = format!("epoch {} of {}", self.run.epoch, self.run.spec.epochs);
        match self.run.state {
            RunState::Queued if self.run.step == 0 => "waits for its turn".into(),
            RunState::Running if !self.trains() => "evaluating".into(),
            RunState::Running if self.run.step == 0 => {
                "starting: loading the network and the first batch".into()
            }
            RunState::Running if self.steps().is_some_and(|steps| self.run.step.max(0) as u64 >= steps) => {
                "evaluating the best checkpoint".into()
            }
            _ if !self.trains() => "evaluated weights, trained nothing".into(),
            _ => epoch + &steps,
        }
    }

    /// Seconds until the last step, by the speed measured at the latest one.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
        let speed = self.figure("images_per_second").filter(|speed| *speed > 0.0)?;
        let left = self.steps()?.saturating_sub(self.run.step.max(0) as u64);
        self.is_running().then(|| (left * u64::from(self.run.spec.batch_size)) as f64 / speed)
    }

    /// Time left, or time taken.
    pub(crate) fn time(&self) -> String {
        let taken = self
            .run
            .started_at_ms
            .map(|started| (self.run.ended_at_ms.unwrap_or_else(now_ms) - started) as f64 / 1000.0);
        match (self.run.state, self.seconds_left(), taken) {
            (RunState::Running, Some(left), _) => format!("about {} left", duration(left)),
            (RunState::Running, None, Some(taken)) => format!("{} so far", duration(taken)),
            (_, _, Some(taken)) => format!("took {}", duration(taken)),
            _ => String::new(),
        }
    }

    pub(crate) fn created(&self) -> String {
        ago(self.run.created_at_ms)
    }

    fn figure(&self, key: &str) -> Option<f64> {
        self.run.summary.get(key).copied().flatten()
    }

    /// The latest value of a figure, as text.
    pub(crate) fn number(&self, key: &str) -> String {
        format::number(self.figure(key))
    }

    /// The latest value of a share, as text.
    pub(crate) fn percent(&self, key: &str) -> String {
        percent(self.figure(key))
    }

    /// Main figures of the head: the name of its live text, label, value.
    pub(crate) fn figures(&self) -> Vec<(&'static str, &'static str, String)> {
        let mut figures = Vec::new();
        if self.trains() {
            figures.push((
                "best_val_accuracy",
                "validation accuracy, best",
                self.percent("best/val/accuracy"),
            ));
            figures.push(("best_val_loss", "validation loss, best", self.number("best/val/loss")));
            figures.push(("train_loss", "training loss, latest", self.number("train/loss")));
        }
        if self.figure("test/accuracy").is_some() {
            figures.push(("test_accuracy", "test accuracy", self.percent("test/accuracy")));
        }
        if self.trains() {
            figures.push(("speed", "images/s", self.number("images_per_second")));
        }
        figures
    }

    /// The version of the data set that it learned from, with what has changed since.
    fn version_href(&self) -> String {
        format!("{}/versions/{}", self.dataset_href(), self.run.dataset_version)
    }

    /// The four stages, the same on every page of the run.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        let training = matches!(self.run.state, RunState::Failed | RunState::Interrupted);
        let none = || "after the first epoch".to_owned();
        vec![
            Stage {
                label: "Before",
                summary: format!("{}, version {}", self.dataset, self.run.dataset_version),
                needs_attention: false,
                pages: vec![
                    ("dataset", "Data set", self.dataset_href()),
                    ("version", "Its version", self.version_href()),
                ],
            },
            Stage {
                label: "During",
                summary: if self.is_active() {
                    format!("{} %", self.percent_done())
                } else {
                    self.run.state.as_str().to_owned()
                },
                needs_attention: training,
                pages: vec![
                    ("run", "Progress", self.href()),
                    ("inputs", "Inputs", self.at("inputs")),
                    ("gradients", "Gradients", self.at("gradients")),
                ],
            },
            Stage {
                label: "After",
                summary: self.shown_result().map_or_else(none, |result| {
                    let (wrong, total) = (thousands(result.wrong), thousands(result.total));
                    format!("{}: {wrong} of {total} wrong", split_name(result.split))
                }),
                needs_attention: false,
                pages: vec![("predictions", "Predictions", self.at_split("predictions"))],
            },
            Stage {
                label: "Evaluation",
                summary: self.shown_result().map_or_else(none, |result| {
                    format!("{}: {} correct", split_name(result.split), percent(result.accuracy()))
                }),
                needs_attention: false,
                pages: vec![
                    ("evaluation", "Figures", self.at_split("evaluation")),
                    ("maps", "Maps", self.at_split("category-to-paths")),
                ],
            },
        ]
    }
}
