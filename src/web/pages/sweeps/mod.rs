//! `/sweeps`: runs that were started together and differ in a few fields – which values serve best.

mod parallel;

use super::format::{self, ago, counted, duration, link, percent, round_estimate};
use super::frame::{Frame, Section, page};
use super::run_view::{RunView, RunViews};
use crate::actions::sweeps as actions;
use crate::domain::ids::{RunId, SweepId};
use crate::domain::metrics::wilson;
use crate::domain::recipe::{Field, Values};
use crate::domain::run::RunState;
use crate::domain::sweep::{Method, value_text};
use crate::store::run_list::RunSelection;
use crate::store::sweeps::Sweep;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use parallel::Parallel;
use protocol::sample::Split;
use serde::Deserialize;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Runs that *Compare the best* takes.
const COMPARED: usize = 5;

#[derive(Template)]
#[template(path = "sweeps/list.html")]
struct List {
    frame: Frame,
    sweeps: Vec<Sweep>,
    /// Name by number.
    datasets: HashMap<i64, String>,
}

impl List {
    fn dataset(&self, sweep: &Sweep) -> &str {
        self.datasets.get(&sweep.dataset_id.0).map_or("", String::as_str)
    }

    fn made(&self, sweep: &Sweep) -> String {
        ago(sweep.created_at_ms)
    }

    /// `learning rate, optimiser`.
    fn fields(&self, sweep: &Sweep) -> String {
        sweep
            .plan
            .fields_in_order()
            .map(|(field, _)| field.label.to_lowercase())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

#[derive(Template)]
#[template(path = "sweeps/show.html")]
struct Show {
    frame: Frame,
    shown: Shown,
}

/// The part that follows the runs.
#[derive(Template)]
#[template(path = "sweeps/part.html")]
struct Part {
    shown: Shown,
}

/// A sweep as its page shows it.
struct Shown {
    sweep: Sweep,
    dataset: String,
    fields: Vec<&'static Field>,
    rows: Vec<Row>,
    chart: Parallel,
    query: SweepQuery,
    max_concurrent: usize,
}

/// How the table is sorted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SweepQuery {
    /// A field that varies, `number`; by accuracy where it is empty.
    sort: String,
    /// `asc` or `desc`.
    order: String,
}

/// A run of the sweep.
struct Row {
    number: u32,
    settings: Values,
    view: RunView,
    /// The greatest validation accuracy so far.
    accuracy: Option<f64>,
    is_best: bool,
}

impl Row {
    fn value(&self, field: &Field) -> String {
        self.settings.get(field.name).map_or_else(String::new, value_text)
    }

    fn accuracy_words(&self) -> String {
        percent(self.accuracy)
    }

    /// Whether its sweep ended it before its end.
    fn was_left(&self) -> bool {
        self.view.run.state == RunState::Cancelled && self.view.run.spec.pause_after_epoch.is_some()
    }

    /// `4 of 12`.
    fn epochs(&self) -> String {
        let finished = match self.view.run.state {
            RunState::Completed => i64::from(self.view.run.spec.epochs),
            RunState::Running => self.view.run.epoch.max(1) - 1,
            _ => self.view.run.epoch,
        };
        format!("{finished} of {}", self.view.run.spec.epochs)
    }
}

impl Shown {
    async fn load(app: &AppState, id: i64, query: SweepQuery) -> Result<Shown> {
        let sweep = actions::find(&app.store, SweepId(id)).await?;
        let trials = app.store.list_trials(sweep.id).await?;
        let ids: Vec<RunId> = trials.iter().map(|trial| trial.run).collect();
        let views = RunViews::load(app, RunSelection::Among(&ids)).await?.runs;
        let mut views: HashMap<RunId, RunView> = views.into_iter().map(|view| (view.run.id, view)).collect();
        let mut rows = Vec::with_capacity(trials.len());
        for trial in trials {
            let Some(view) = views.remove(&trial.run) else { continue };
            let accuracy = view.run.summary.get("best/val/accuracy").copied().flatten();
            rows.push(Row { number: trial.number, settings: trial.settings, view, accuracy, is_best: false });
        }
        let fields: Vec<&'static Field> = sweep.plan.fields_in_order().map(|(field, _)| field).collect();
        rows.sort_by(|a, b| by_accuracy(a, b).then(a.number.cmp(&b.number)));
        if let Some(best) = rows.first_mut().filter(|row| row.accuracy.is_some()) {
            best.is_best = true;
        }
        let chart = Parallel::new(&fields, &rows);
        sort(&mut rows, &query);
        let dataset = app.store.find_dataset(sweep.dataset_id).await?.map(|dataset| dataset.name);
        Ok(Shown {
            dataset: dataset.unwrap_or_default(),
            fields,
            rows,
            chart,
            query,
            max_concurrent: app.runs.max_concurrent(),
            sweep,
        })
    }

    fn href(&self) -> String {
        format!("/sweeps/{}", self.sweep.id)
    }

    fn at(&self, action: &str) -> String {
        format!("{}/{action}", self.href())
    }

    fn made(&self) -> String {
        ago(self.sweep.created_at_ms)
    }

    fn live_address(&self) -> String {
        link(
            &format!("/live/sweeps/{}", self.sweep.id),
            &[("sort", &self.query.sort), ("order", &self.query.order)],
        )
    }

    /// The head of a column: label, address, how the table is sorted by it.
    fn heads(&self) -> Vec<(String, String, Option<&'static str>)> {
        let head = |name: &str, label: &str| {
            let is_sorted = self.query.sort == name;
            let descending = is_descending(&self.query);
            let sorted = is_sorted.then_some(if descending { "descending" } else { "ascending" });
            let order = match is_sorted {
                true if descending => "asc",
                true => "desc",
                false => "",
            };
            (label.to_owned(), link(&self.href(), &[("sort", name), ("order", order)]), sorted)
        };
        let mut heads = vec![head("number", "Trial")];
        heads.extend(self.fields.iter().map(|field| head(field.name, field.label)));
        heads.push(head("", "Validation accuracy"));
        heads
    }

    /// `5 of 12 runs have ended, 1 trains, 6 wait.`
    fn progress(&self) -> String {
        let count = |state: RunState| self.rows.iter().filter(|row| row.view.run.state == state).count();
        let (running, waiting) = (count(RunState::Running), count(RunState::Queued));
        let resting = count(RunState::Paused) + count(RunState::Interrupted);
        let ended = self.rows.len() - running - waiting - resting;
        let mut parts = vec![format!("{ended} of {} ended", counted(self.rows.len(), "run", "runs"))];
        for (count, words) in [(running, "training"), (waiting, "queued"), (resting, "paused or interrupted")]
        {
            if count > 0 {
                parts.push(format!("{count} {words}"));
            }
        }
        let failed = count(RunState::Failed);
        if failed > 0 {
            parts.push(format!("{failed} failed"));
        }
        if let Some(seconds) = self.seconds_left() {
            parts.push(format!("about {} left", duration(round_estimate(seconds))));
        }
        parts.join(", ") + "."
    }

    /// By the time that completed runs took; unknown before one is.
    fn seconds_left(&self) -> Option<f64> {
        let left = self.rows.iter().filter(|row| row.view.is_active()).count();
        let done: Vec<f64> = (self.rows.iter().filter(|row| row.view.run.state == RunState::Completed))
            .map(|row| row.view.run.worked_ms as f64 / 1000.0)
            .collect();
        let usual = done.iter().sum::<f64>() / done.len() as f64;
        let is_known = left > 0 && !done.is_empty() && self.sweep.plan.method != Method::Halving;
        is_known.then(|| usual * left as f64 / self.max_concurrent as f64)
    }

    fn best(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.is_best)
    }

    /// How far two runs may lie apart by chance: half of the interval of the best one, in points.
    fn chance(&self) -> Option<String> {
        let best = self.best()?;
        let images = best.view.checkpoints.iter().find(|evaluated| evaluated.split == Split::Val)?.total;
        let images = u64::try_from(images).ok()?;
        let (low, high) = wilson((best.accuracy? * images as f64).round() as u64, images)?;
        Some(format!(
            "With {} the best one’s accuracy is known to about ± {:.1} points, so runs closer than that may differ by chance. \
             The best of many also looks better than it is: believe its test split, or new images.",
            counted(images, "validation image", "validation images"),
            (high - low) * 50.0
        ))
    }

    /// The runs of greatest accuracy beside each other.
    fn compare_href(&self) -> Option<String> {
        let mut best: Vec<&Row> = self.rows.iter().filter(|row| row.accuracy.is_some()).collect();
        best.sort_by(|a, b| by_accuracy(a, b));
        let ids: Vec<String> = best.iter().take(COMPARED).map(|row| row.view.run.id.to_string()).collect();
        (ids.len() > 1).then(|| link("/runs/compare", &[("runs", &ids.join(","))]))
    }

    fn is_active(&self) -> bool {
        self.rows.iter().any(|row| {
            row.view.run.state.can_become(RunState::Cancelled) && !row.view.run.state.eq(&RunState::Failed)
        })
    }

    fn deleted(&self) -> i64 {
        self.sweep.begun - self.rows.len() as i64
    }

    /// What is said of how it goes about.
    fn method(&self) -> &'static str {
        match self.sweep.plan.method {
            Method::Grid => "Every combination is a run.",
            Method::Random => "Combinations drawn at random.",
            Method::Halving => {
                "Successive halving: all begin with the schedule of all epochs, and the better third goes on, time after time."
            }
        }
    }
}

fn by_accuracy(a: &Row, b: &Row) -> Ordering {
    let of = |row: &Row| row.accuracy.unwrap_or(f64::NEG_INFINITY);
    of(b).total_cmp(&of(a))
}

fn is_descending(query: &SweepQuery) -> bool {
    match query.order.as_str() {
        "asc" => false,
        "desc" => true,
        // Of accuracy the greatest is looked for first.
        _ => query.sort.is_empty(),
    }
}

/// `rows` come by accuracy.
fn sort(rows: &mut [Row], query: &SweepQuery) {
    let number = |row: &Row| row.settings.get(&query.sort).and_then(serde_json::Value::as_f64);
    let text = |row: &Row| row.settings.get(&query.sort).map(value_text);
    match query.sort.as_str() {
        "" => {}
        "number" => rows.sort_by_key(|row| row.number),
        _ => rows.sort_by(|a, b| match (number(a), number(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            _ => text(a).cmp(&text(b)),
        }),
    }
    // By accuracy the greatest comes first already.
    if is_descending(query) != query.sort.is_empty() {
        rows.reverse();
    }
}

/// `/sweeps`.
pub(crate) async fn list(State(app): State<AppState>) -> Result<Response> {
    let datasets = app.store.list_datasets().await?;
    page(&List {
        frame: Frame::load(&app, "Sweeps", &[("Runs", "/runs")]).await?.in_section(Section::Runs),
        sweeps: app.store.list_sweeps().await?,
        datasets: datasets.into_iter().map(|dataset| (dataset.id.0, dataset.name)).collect(),
    })
}

/// `/sweeps/{id}`.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<SweepQuery>,
) -> Result<Response> {
    let shown = Shown::load(&app, id, query).await?;
    let title = format!("Sweep {id}: {}", shown.sweep.name);
    let frame = Frame::load(&app, title, &[("Runs", "/runs"), ("Sweeps", "/sweeps")]).await?;
    page(&Show { frame: frame.in_section(Section::Runs), shown })
}

/// `/live/sweeps/{id}`: what follows its runs.
pub(crate) async fn part(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<SweepQuery>,
) -> Result<Response> {
    page(&Part { shown: Shown::load(&app, id, query).await? })
}

/// `POST /sweeps/{id}/{action}`: `cancel` or `delete`.
pub(crate) async fn act(
    State(app): State<AppState>,
    Path((id, action)): Path<(i64, String)>,
) -> Result<Response> {
    match action.as_str() {
        "cancel" => {
            actions::cancel(&app.store, &app.runs, SweepId(id)).await?;
            Ok(Redirect::to(&format!("/sweeps/{id}")).into_response())
        }
        "delete" => {
            actions::delete(&app.store, SweepId(id)).await?;
            Ok(Redirect::to("/sweeps").into_response())
        }
        _ => Err(Error::NotFound("page")),
    }
}
