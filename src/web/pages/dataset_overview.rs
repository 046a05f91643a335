//! `/datasets/{id}/overview`: what a data set is and how its images are spread. `…/skipped`: skipped files. `…/runs`:
//! runs that learn from it.

use super::class_rows::{ClassRow, legend};
use super::dataset_head::DatasetHead;
use super::edit_bar::{Done, Flash};
use super::format::{self, link};
use super::frame::{Frame, page};
use super::overview;
use super::run_view::RunViews;
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::edits::split_title;
use crate::import::DatasetFormat;
use crate::store::datasets::{Dataset, RejectedFile};
use crate::store::run_list::RunSelection;
use crate::web::api::find_dataset;
use crate::web::api::samples::GalleryQuery;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::sample::Split;

/// Skipped files that a page lists.
const SKIPPED_LISTED: i64 = 2000;

#[derive(Template)]
#[template(path = "datasets/overview_page.html")]
struct OverviewPage {
    frame: Frame,
    head: DatasetHead,
    dataset: Dataset,
    classes: Vec<ClassCount>,
    overview: overview::Shown,
    query: GalleryQuery,
    done: Option<Done>,
    /// Its newest version.
    newest: i64,
    skipped: i64,
    runs: i64,
}

/// Another format that the source could be read as.
struct Reading {
    word: &'static str,
    title: &'static str,
    /// Whether that was seen to fit.
    fits: bool,
}

/// What its source was read as.
fn format_title(dataset: &Dataset) -> &str {
    let format = dataset.format.as_deref().unwrap_or_default();
    DatasetFormat::from_format(format).map_or(format, |format| format.title())
}

/// How its source was read, and where its splits come from, in one line.
pub(super) fn reading_line(dataset: &Dataset) -> String {
    match &dataset.split_note {
        Some(note) => format!("Read as {}; splits: {note}.", format_title(dataset)),
        None => format!("Read as {}.", format_title(dataset)),
    }
}

impl OverviewPage {
    /// This page.
    fn here(&self) -> String {
        self.query.href(&format!("{}/overview", self.head.href))
    }

    /// How it was read, in words.
    fn reading(&self) -> String {
        match &self.dataset.evidence {
            Some(evidence) => format!("Read as {}: {evidence}.", format_title(&self.dataset)),
            None => format!("Read as {}.", format_title(&self.dataset)),
        }
    }

    /// As what else its source could be read. What fits comes first.
    fn readings(&self) -> Vec<Reading> {
        let own = self.dataset.format.as_deref().and_then(DatasetFormat::from_format);
        let fits = |format: &DatasetFormat| self.dataset.readings.iter().any(|word| word == format.as_str());
        let others = DatasetFormat::ALL.into_iter().filter(|format| Some(*format) != own);
        let mut readings: Vec<Reading> = others
            .map(|format| Reading { word: format.as_str(), title: format.title(), fits: fits(&format) })
            .collect();
        readings.sort_by_key(|reading| !reading.fits);
        readings
    }

    /// What comes of reading it differently.
    fn outcome(&self) -> &'static str {
        if self.dataset.source_path().is_none() {
            "The archive was not kept: the import form opens with this format, and asks for it again."
        } else if self.runs == 0 && self.newest == 1 {
            "The result replaces this data set, with new splits; if it fails, this one stays."
        } else {
            "The result stands beside this data set, which stays as it is."
        }
    }

    fn rows(&self) -> Vec<ClassRow> {
        ClassRow::list(&self.classes, &self.head.href)
    }

    fn legend(&self) -> Vec<(&'static str, &'static str)> {
        legend(&self.classes)
    }

    /// Each split's name, images and gallery.
    fn sums(&self) -> Vec<(&'static str, u64, String)> {
        let sum = |split: Split| {
            let count = self.classes.iter().map(|class| class.of(split)).sum();
            (split_title(split), count, link(&self.head.href, &[("split", split.as_str())]))
        };
        Split::ALL.map(sum).into()
    }
}

async fn load(app: &AppState, id: i64, tab: &str, title: &str) -> Result<(Dataset, DatasetHead, Frame)> {
    let dataset = find_dataset(app, id).await?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is not ready yet", dataset.name)));
    }
    let head = DatasetHead::load(app, &dataset, tab).await?;
    let crumbs = [("Data sets", "/datasets"), (dataset.name.as_str(), head.href.as_str())];
    let frame = Frame::load(app, title, &crumbs).await?;
    Ok((dataset, head, frame))
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    query: GalleryQuery,
    flash: Flash,
) -> Result<Response> {
    let (dataset, head, frame) = load(&app, id, "overview", "Overview").await?;
    let classes = app.store.list_class_counts(dataset.id).await?;
    page(&OverviewPage {
        overview: overview::Shown::load(&app, &dataset, &classes, &query).await?,
        done: Done::load(&app, &dataset, &flash, &format!("{}/overview", head.href)).await?,
        newest: app.store.newest_version(dataset.id).await?,
        skipped: app.store.count_rejected(dataset.id).await?,
        runs: app.store.count_runs_of(dataset.id).await?,
        frame,
        head,
        classes,
        query,
        dataset,
    })
}

#[derive(Template)]
#[template(path = "datasets/skipped.html")]
struct Skipped {
    frame: Frame,
    head: DatasetHead,
    files: Vec<RejectedFile>,
    total: i64,
}

impl Skipped {
    fn is_cut(&self) -> bool {
        self.total > self.files.len() as i64
    }
}

pub(crate) async fn skipped(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let (dataset, head, frame) = load(&app, id, "skipped", "Skipped files").await?;
    page(&Skipped {
        files: app.store.list_rejected(dataset.id, SKIPPED_LISTED).await?,
        total: app.store.count_rejected(dataset.id).await?,
        frame,
        head,
    })
}

#[derive(Template)]
#[template(path = "datasets/runs.html")]
struct Runs {
    frame: Frame,
    head: DatasetHead,
    dataset: Dataset,
    list: RunViews,
}

pub(crate) async fn runs(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let (dataset, head, frame) = load(&app, id, "runs", "Runs").await?;
    let list = RunViews::load(&app, RunSelection::OfDataset(dataset.id)).await?;
    page(&Runs { frame, head, dataset, list })
}
