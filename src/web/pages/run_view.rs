//! A run as every page of it shows it: state in words, progress, time left, figures. The rail of its stages is `run_stages.rs`.

use super::format::{self, ago, duration, link, percent, round_estimate, thousands};
use super::job_words::{stage_words, state_label};
use super::run_attention::Attention;
use super::sparkline::Sparkline;
use crate::domain::edits::split_title;
use crate::domain::result::Headline;
use crate::domain::run::{EvaluatedSplit, RunState, StopRequest, percent_done, total_steps};
use crate::store::run_list::{ListedRun, RunSelection, UnreadableRun};
use crate::store::runs::{Run, StageProgress};
use crate::web::run_query;
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
    /// How many findings want a look, without those that were dismissed.
    pub(crate) findings: i64,
    /// What wants a look, for heads; lists don't ask.
    pub(crate) attention: Attention,
}

/// The result that leads, as the head words it.
pub(crate) struct ResultWords {
    /// `Test 85.2 %`.
    pub(crate) lead: String,
    /// `(82.3–87.9 %)`.
    pub(crate) interval: String,
    /// `validation 99.5 % · checkpoint of epoch 20`.
    pub(crate) others: String,
    /// Why validation and test differ too much to be believed both.
    pub(crate) gap: Option<String>,
}

/// Runs of a list, and those that can't be read, which a list names too.
#[derive(Default)]
pub(crate) struct RunViews {
    pub(crate) runs: Vec<RunView>,
    pub(crate) unreadable: Vec<UnreadableRun>,
}

impl RunViews {
    /// Runs with all that lists and heads say of them, in one statement.
    pub(crate) async fn load(app: &AppState, which: RunSelection<'_>) -> Result<RunViews> {
        let list = app.store.list_run_rows(which).await?;
        Ok(RunViews { runs: list.runs.into_iter().map(RunView::new).collect(), unreadable: list.unreadable })
    }

    /// Whether there is none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.unreadable.is_empty()
    }
}

impl RunView {
    pub(crate) fn new(listed: ListedRun) -> RunView {
        let ListedRun { run, dataset, evaluated, cloned_from: _, findings } = listed;
        let splits: Vec<Split> = evaluated.iter().map(|evaluated| evaluated.split).collect();
        let headline = Headline::new(&evaluated);
        let curve = Sparkline::new("validation accuracy", &run.curve);
        let attention = Attention::default();
        RunView {
            dataset,
            evaluated: splits,
            checkpoints: evaluated,
            curve,
            headline,
            split: None,
            findings,
            attention,
            run,
        }
    }

    /// The run as it is now, which may be further than where it was just found.
    pub(crate) async fn load(app: &AppState, run: Run) -> Result<RunView> {
        let mut views = RunViews::load(app, RunSelection::One(run.id)).await?;
        let mut view = views.runs.pop().ok_or(Error::NotFound("run"))?;
        view.attention = Attention::load(app, &view.run).await?;
        Ok(view)
    }

    pub(crate) fn href(&self) -> String {
        format!("/runs/{}", self.run.id)
    }

    /// Its number and name: `#12 small-cnn`.
    pub(crate) fn title(&self) -> String {
        format::run_title(self.run.id, &self.run.name)
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

    /// Whether it was read from event files: then there are curves and nothing else.
    pub(crate) fn is_from_events(&self) -> bool {
        self.run.event_origin.is_some()
    }

    /// Of its data set; its own where it has none.
    pub(crate) fn dataset_href(&self) -> String {
        if self.is_from_events() {
            return self.href();
        }
        format!("/datasets/{}", self.run.dataset_id)
    }

    pub(crate) fn model(&self) -> String {
        run_query::model(&self.run)
    }

    /// `2 findings want a look`; `None` where there is none.
    pub(crate) fn findings_words(&self) -> Option<String> {
        match self.findings {
            0 => None,
            1 => Some("1 finding wants a look".to_owned()),
            count => Some(format!("{count} findings want a look")),
        }
    }

    /// Whether there is training at all, or only evaluating.
    pub(crate) fn trains(&self) -> bool {
        self.run.spec.trains()
    }

    pub(crate) fn state(&self) -> &'static str {
        self.run.state.as_str()
    }

    /// The state with a sign beside the word, so that colour is not all that tells.
    pub(crate) fn state_label(&self) -> String {
        state_label(self.run.state, self.run.stop_request)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.run.state.is_active()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.run.state == RunState::Running
    }

    /// Whether further images can be evaluated or predicted.
    pub(crate) fn has_weights(&self) -> bool {
        self.run.best_epoch.is_some_and(|epoch| epoch > 0)
            || (!self.is_from_events() && !self.trains() && self.run.state == RunState::Completed)
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
        Some(total_steps(started, self.run.spec.epochs))
    }

    /// Whole percents done; while features are computed, of these.
    pub(crate) fn percent_done(&self) -> u64 {
        if let Some(stage) = self.stage() {
            return stage.percent();
        }
        percent_done(
            self.run.state,
            self.run.step,
            self.steps().map(|steps| i64::try_from(steps).unwrap_or(i64::MAX)),
        )
    }

    /// The same as text, which bars, titles and the rail follow.
    pub(crate) fn percent_label(&self) -> String {
        format!("{} %", self.percent_done())
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
        if let Some(stage) = self.stage() {
            return stage_words(stage);
        }
        if self.is_from_events() {
            return match self.run.state {
                RunState::Running => "reading event files".into(),
                _ => "read from event files".into(),
            };
        }
        match self.run.state {
            RunState::Queued if self.run.step == 0 => "starts when a place is free".into(),
            RunState::Completed if self.stopped_early() => {
                format!("stopped early after {} of {} epochs", self.run.epoch, self.run.spec.epochs)
            }
            RunState::Completed if self.trains() => format::counted(self.run.spec.epochs, "epoch", "epochs"),
            RunState::Running if !self.trains() => "evaluating".into(),
            RunState::Running if self.run.step == 0 => {
                "starting: loading the network and the first batch".into()
            }
            RunState::Running if self.steps().is_some_and(|steps| self.run.step.max(0) as u64 >= steps) => {
                "evaluating the best checkpoint".into()
            }
            _ if !self.trains() => "evaluated weights without training".into(),
            _ => epoch + &steps,
        }
    }

    /// Whether it ended since no epoch was better than one that was long ago.
    fn stopped_early(&self) -> bool {
        let spec = &self.run.spec;
        self.trains() && spec.selection.patience > 0 && self.run.epoch < i64::from(spec.epochs)
    }

    /// Work of a run at work that is not counted in steps.
    fn stage(&self) -> Option<&StageProgress> {
        self.run.stage.as_ref().filter(|_| self.is_running())
    }

    /// Seconds until the last step, by the median speed, or that of the latest step before an epoch is over; while features are
    /// computed, until that is done.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
        if let Some(stage) = self.stage() {
            return stage.seconds_left();
        }
        let speed = self.speed().filter(|speed| *speed > 0.0)?;
        let left = self.steps()?.saturating_sub(self.run.step.max(0) as u64);
        let spec = &self.run.spec;
        let step_size = u64::from(spec.batch_size) * u64::from(spec.updates.accumulate.max(1));
        self.is_running().then(|| (left * step_size) as f64 / speed)
    }

    /// Time left, or time taken: what its trainers worked, without what lay between two attempts.
    pub(crate) fn time(&self) -> String {
        let taken = (self.run.worked_ms > 0).then_some(self.run.worked_ms as f64 / 1000.0);
        match (self.run.state, self.seconds_left(), taken) {
            (RunState::Running, Some(left), _) => format!("about {} left", duration(round_estimate(left))),
            (RunState::Running, None, Some(taken)) => format!("{} so far", duration(taken)),
            (_, _, Some(taken)) => format!("took {}", duration(taken)),
            _ => String::new(),
        }
    }

    /// The result that leads, with its interval; the others and the checkpoint behind it.
    pub(crate) fn result(&self) -> Option<ResultWords> {
        let headline = self.headline.as_ref()?;
        let lead = headline.lead;
        let name = split_title(lead.split);
        let interval = lead
            .interval()
            .map_or_else(String::new, |(low, high)| format!("({:.1}–{})", low * 100.0, percent(Some(high))));
        let mut others: Vec<String> = headline
            .others
            .iter()
            .map(|other| format!("{} {}", split_title(other.split), percent(other.accuracy())))
            .collect();
        if lead.epoch > 0 {
            others.push(format!("checkpoint of epoch {}", lead.epoch));
        }
        let gap = headline.notable_gap().map(|gap| {
            let points = format!("{:.1}", gap.abs() * 100.0);
            let way = if gap > 0.0 { "below" } else { "above" };
            format!("Test accuracy is {points} points {way} validation accuracy.")
        });
        let lead = format!("{}{} {}", name[..1].to_uppercase(), &name[1..], percent(lead.accuracy()));
        Some(ResultWords { lead, interval, others: others.join(" · "), gap })
    }

    /// The list of runs that have a tag.
    pub(crate) fn list_of_tag(&self, tag: &str) -> String {
        link("/runs", &[("tag", tag)])
    }

    pub(crate) fn created(&self) -> String {
        ago(self.run.created_at_ms)
    }

    /// Images per second: the median, which a pause or a build elsewhere does not move.
    pub(crate) fn speed(&self) -> Option<f64> {
        self.figure("images_per_second/median").or_else(|| self.figure("images_per_second"))
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

    /// The kept checkpoint's accuracy on validation, as text.
    pub(crate) fn kept_accuracy(&self) -> String {
        self.percent("checkpoint/val/accuracy")
    }

    /// Main figures of the training page: the name of its live text, label, value.
    pub(crate) fn figures(&self) -> Vec<(&'static str, String, String)> {
        let mut figures = Vec::new();
        if self.is_from_events() {
            return figures;
        }
        let mut push = |text, label: String, value| figures.push((text, label, value));
        if self.trains() {
            let best = match self.figure("best/val/accuracy_epoch") {
                Some(epoch) => format!("Best validation accuracy (epoch {epoch})"),
                None => "Best validation accuracy".to_owned(),
            };
            push("best_val_accuracy", best, self.percent("best/val/accuracy"));
            if let Some(epoch) = self.figure("checkpoint/epoch") {
                let label = format!("Validation accuracy of the kept checkpoint (epoch {epoch})");
                push("checkpoint", label, self.kept_accuracy());
            }
            push("best_val_loss", "Lowest validation loss".into(), self.number("best/val/loss"));
            push("train_loss", "Training loss (last step)".into(), self.number("train/loss"));
        }
        if self.figure("test/accuracy").is_some() {
            push("test_accuracy", "Test accuracy (kept checkpoint)".into(), self.percent("test/accuracy"));
        }
        if self.trains() {
            push("speed", "Images/s (median)".into(), format::number(self.speed()));
        }
        figures
    }
}
