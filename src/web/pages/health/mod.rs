//! `/datasets/{id}/health`: what is wrong with a data set before anything is learned from it, as a list of checks.

mod checks;
mod sets;
mod shortcuts;

use super::dataset_head::DatasetHead;
use super::edit_bar::{Done, Flash};
use super::format::{self, ago, counted, duration};
use super::frame::{Frame, page};
use super::live::examination_progress;
use crate::actions::health::set_ignored;
use crate::domain::dataset::DatasetState;
use crate::jobs::health::Examined;
use crate::store::datasets::Dataset;
use crate::store::measures::StoredReport;
use crate::web::api::find_dataset;
use crate::web::extract::{Form, Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use checks::Check;
use serde::Deserialize;
use sets::Sets;
use shortcuts::Shortcuts;

#[derive(Default, Deserialize)]
pub(crate) struct HealthQuery {
    /// Where the list of duplicates begins.
    #[serde(default)]
    from: usize,
    /// Which duplicates: empty, `exact_duplicate`, `near_duplicate`, `across_classes`, `across_splits`.
    #[serde(default)]
    duplicates: String,
    /// The least similarity of near-duplicates; empty: all that were found.
    #[serde(default)]
    similarity: String,
}

#[derive(Template)]
#[template(path = "datasets/health.html")]
struct Health {
    frame: Frame,
    dataset: Dataset,
    head: DatasetHead,
    report: Option<Shown>,
    /// Images measured of those that have to be, while there is no report.
    measured: (usize, usize),
    done: Option<Done>,
}

impl Health {
    fn href(&self) -> String {
        format!("/datasets/{}", self.dataset.id)
    }

    fn progress(&self) -> (Option<u64>, String) {
        examination_progress(self.measured)
    }
}

/// The report in words.
struct Shown {
    when: String,
    samples: String,
    /// Checks that found something, then those that passed; each in the order of the list.
    found: Vec<Check>,
    passed: Vec<Check>,
    shortcuts: Shortcuts,
    sets: Sets,
    ignored: Vec<Ignored>,
}

impl Shown {
    /// What the page says first.
    fn summary(&self) -> String {
        let of = |level: &str| self.found.iter().filter(|check| check.level == level).count();
        match (of("serious"), of("notice")) {
            (0, 0) => "No problems found.".to_owned(),
            (0, notices) => counted(notices, "thing to look at.", "things to look at."),
            (serious, 0) => counted(serious, "serious problem.", "serious problems."),
            (serious, notices) => format!(
                "{}, {}",
                counted(serious, "serious problem", "serious problems"),
                counted(notices, "thing to look at.", "things to look at.")
            ),
        }
    }
}

/// A finding that a person has decided to live with.
struct Ignored {
    /// Its word.
    finding: String,
    title: String,
    /// The images of a set of copies.
    tiles: Vec<super::gallery::Tile>,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<HealthQuery>,
    flash: Flash,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    if dataset.state != DatasetState::Ready {
        return super::import::show_unfinished(&app, dataset).await;
    }
    let (report, measured) = match app.health.of(&dataset).await? {
        Examined::Ready(kept) => (Some(shown(&app, &dataset, &kept, &query).await?), (0, 0)),
        Examined::UnderWay { measured } => (None, measured),
        Examined::Failed(why) => return Err(Error::Conflict(format!("The examination failed: {why}."))),
    };
    let href = format!("/datasets/{}", dataset.id);
    let done = Done::load(&app, &dataset, &flash, &format!("{href}/health")).await?;
    page(&Health {
        frame: Frame::load(&app, "Health", &[("Data sets", "/datasets"), (&dataset.name, &href)]).await?,
        head: DatasetHead::load(&app, &dataset, "health").await?,
        report,
        measured,
        done,
        dataset,
    })
}

#[derive(Deserialize)]
pub(crate) struct IgnoreForm {
    finding: String,
    /// Anything: it counts again.
    #[serde(default)]
    restore: String,
}

/// `POST /datasets/{id}/health/ignored`: ignores a finding, or brings it back; back to the list.
pub(crate) async fn ignore(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Form(form): Form<IgnoreForm>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    set_ignored(&app.health, &dataset, &form.finding, form.restore.is_empty()).await?;
    let place = match (form.restore.is_empty(), form.finding.split(':').next()) {
        (true, _) => "ignored",
        (false, Some("set")) => "duplicates",
        (false, Some("shortcut")) => "shortcuts",
        (false, _) => "checks",
    };
    Ok(Redirect::to(&format!("/datasets/{id}/health#{place}")).into_response())
}

async fn shown(app: &AppState, dataset: &Dataset, kept: &StoredReport, query: &HealthQuery) -> Result<Shown> {
    let classes = app.store.list_class_counts(dataset.id).await?;
    let (mut checks, aside) = checks::list(app, dataset, kept, &classes).await?;
    let (shortcuts, cues) = shortcuts::describe(kept);
    let mut ignored: Vec<Ignored> = aside
        .into_iter()
        .chain(cues)
        .map(|(finding, title)| Ignored { finding, title, tiles: Vec::new() })
        .collect();
    for group in &kept.ignored_sets {
        let set = sets::set(app, group, &classes).await?;
        ignored.push(Ignored { finding: set.finding, title: set.words, tiles: set.tiles });
    }
    checks.retain(|check| !kept.ignored.contains(check.finding));
    let (passed, found) = checks.into_iter().partition(Check::is_ok);
    Ok(Shown {
        when: format!("{}, in {}", ago(kept.made_at_ms), short_duration(kept.seconds)),
        samples: counted(kept.report.samples, "image", "images"),
        found,
        passed,
        shortcuts,
        sets: Sets::load(app, dataset, &kept.report, &classes, query).await?,
        ignored,
    })
}

fn short_duration(seconds: f64) -> String {
    match seconds {
        ..0.1 => "less than 0.1 s".to_owned(),
        0.1..10.0 => format!("{seconds:.1} s"),
        _ => duration(seconds),
    }
}
