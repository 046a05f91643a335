//! `/datasets/{id}`: what have I got? `/datasets/new`: bringing it in.

use super::frame::{Frame, page, page_with};
use super::gallery::{Tile, class_colour};
use super::run_view::RunView;
use super::words::{self, counted, duration, link, thousands};
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::ids::SampleId;
use crate::domain::recipe::FieldErrors;
use crate::import::catalogue::{CATALOGUE, Entry};
use crate::import::job::Status;
use crate::import::{Form, Stage};
use crate::store::datasets::{Dataset, RejectedFile, Sample};
use crate::web::api::datasets::{Typed, create_from_form};
use crate::web::api::find_dataset;
use crate::web::extract::{Path, Query};
use crate::web::{Error, Result, State};
use askama::Template;
use axum::extract::{Multipart, State as Held};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::sample::Split;
use serde::Deserialize;

/// Pictures of a card's strip.
const STRIP_TILES: i64 = 8;
/// Pictures that a gallery brings at a time.
const PAGE_TILES: i64 = 60;
/// Rejected files that the page lists.
const REJECTED_LISTED: i64 = 200;

/// A data set as the home page shows it.
pub(in crate::web) struct Card {
    pub(in crate::web) dataset: Dataset,
    pub(in crate::web) classes: Vec<ClassCount>,
    pub(in crate::web) strip: Vec<Tile>,
    pub(in crate::web) progress: Option<Status>,
}

impl Card {
    pub(in crate::web) async fn load(state: &State, dataset: Dataset) -> Result<Card> {
        let classes = state.store.list_class_counts(dataset.id).await?;
        let mut strip = Vec::new();
        // A few of each class, so that the strip shows what is told apart.
        let each = (STRIP_TILES / classes.len().max(1) as i64).max(1);
        for class in classes.iter().take(STRIP_TILES as usize) {
            let filter = SampleFilter { label: Some(class.label), ..SampleFilter::default() };
            let samples = state.store.list_samples_page(dataset.id, &filter, each).await?;
            strip.extend(samples.iter().map(|sample| tile(sample, &classes)));
        }
        let progress = state.imports.status(dataset.id);
        Ok(Card { dataset, classes, strip, progress })
    }

    pub(in crate::web) fn href(&self) -> String {
        format!("/datasets/{}", self.dataset.id)
    }

    pub(in crate::web) fn says(&self) -> String {
        let total: u64 = self.classes.iter().map(ClassCount::total).sum();
        match self.dataset.state {
            DatasetState::Importing => "is being imported".into(),
            DatasetState::Failed => "could not be imported".into(),
            DatasetState::Ready => format!(
                "{} in {}",
                counted(total, "picture", "pictures"),
                counted(self.classes.len() as i64, "class", "classes")
            ),
        }
    }
}

fn tile(sample: &Sample, classes: &[ClassCount]) -> Tile {
    let class = class_of(sample.label, classes).to_owned();
    Tile {
        href: format!("/datasets/{}/samples/{}", sample.dataset_id, sample.id),
        hash: sample.hash.clone(),
        width: sample.width,
        height: sample.height,
        alt: format!("{class}: {}", sample.path),
        caption: class,
        wrong: false,
    }
}

/// The import form.
#[derive(Default)]
pub(in crate::web) struct Import {
    pub(in crate::web) typed: Typed,
    pub(in crate::web) errors: FieldErrors,
}

impl Import {
    pub(in crate::web) fn error(&self, field: &str) -> Option<&String> {
        self.errors.get(field)
    }

    pub(in crate::web) fn catalogue(&self) -> &'static [Entry] {
        &CATALOGUE
    }

    pub(in crate::web) fn formats(&self) -> &'static [Form] {
        &Form::ALL
    }

    /// What is wrong with no field of the form.
    pub(in crate::web) fn complaints(&self) -> Vec<String> {
        let own = ["name", "path", "file"];
        let rest = self.errors.iter().filter(|(field, _)| !own.contains(&field.as_str()));
        rest.map(|(field, why)| format!("{field}: {why}")).collect()
    }
}

#[derive(Template)]
#[template(path = "datasets/new.html")]
struct New {
    frame: Frame,
    import: Import,
}

pub(in crate::web) async fn new(Held(state): Held<State>) -> Result<Response> {
    let frame = Frame::load(&state, "Import pictures", &[("Data sets", "/")]).await?;
    page(&New { frame, import: Import::default() })
}

/// `POST /datasets`: the form without script; what is wrong comes back beside its field.
pub(in crate::web) async fn create(Held(state): Held<State>, form: Multipart) -> Result<Response> {
    let mut typed = Typed::default();
    match create_from_form(&state, form, &mut typed).await {
        Ok(id) => Ok(Redirect::to(&format!("/datasets/{id}")).into_response()),
        Err(Error::Invalid(errors)) => {
            let frame = Frame::load(&state, "Import pictures", &[("Data sets", "/")]).await?;
            let import = Import { typed, errors };
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &New { frame, import })
        }
        Err(other) => Err(other),
    }
}

/// `POST /datasets/{id}/delete`: removes it, or stops its import; back to the data sets.
pub(in crate::web) async fn delete(Held(state): Held<State>, Path(id): Path<i64>) -> Result<Response> {
    crate::web::api::datasets::remove(&state, id).await?;
    Ok(Redirect::to("/").into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Asked {
    #[serde(default)]
    class: String,
    #[serde(default)]
    split: String,
    after: Option<i64>,
}

#[derive(Template)]
#[template(path = "datasets/show.html")]
struct Show {
    frame: Frame,
    dataset: Dataset,
    tab: &'static str,
    card: Card,
    class: String,
    split: String,
    tiles: Vec<Tile>,
    next: Option<String>,
    /// Pictures that fit the filter.
    total: u64,
    rejected: Vec<RejectedFile>,
    rejected_count: i64,
    runs: Vec<RunView>,
}

/// A class of the table.
struct ClassRow {
    label: i64,
    name: String,
    colour: String,
    total: u64,
    counts: [u64; 3],
    /// Percent of the largest class, by split.
    widths: [f64; 3],
    href: String,
}

impl Show {
    fn is_ready(&self) -> bool {
        self.dataset.state == DatasetState::Ready
    }

    fn is_importing(&self) -> bool {
        self.dataset.state == DatasetState::Importing
    }

    fn rows(&self) -> Vec<ClassRow> {
        let most = self.card.classes.iter().map(ClassCount::total).max().unwrap_or(1).max(1) as f64;
        let rows = self.card.classes.iter();
        rows.map(|class| ClassRow {
            name: class.name.clone(),
            label: class.label,
            colour: class_colour(usize::try_from(class.label).unwrap_or(0)),
            total: class.total(),
            counts: class.by_split,
            widths: class.by_split.map(|count| count as f64 / most * 100.0),
            href: link(&self.card.href(), &[("class", &class.name)]) + "#gallery",
        })
        .collect()
    }

    fn sums(&self) -> Vec<(&'static str, u64, String)> {
        Split::ALL
            .into_iter()
            .map(|split| {
                let sum = self.card.classes.iter().map(|class| class.of(split)).sum();
                let href = link(&self.card.href(), &[("split", split.as_str())]) + "#gallery";
                (split.as_str(), sum, href)
            })
            .collect()
    }

    /// Stage, percent where known, words.
    fn progress(&self) -> (Option<u64>, String) {
        let Some(status) = &self.card.progress else { return (None, "starting".into()) };
        let progress = &status.progress;
        let percent = progress.total.filter(|total| *total > 0).map(|total| progress.done * 100 / total);
        let mut words = progress.stage.as_str().to_owned();
        match (progress.stage, progress.total) {
            (Stage::Downloading | Stage::Unpacking, Some(total)) => {
                let megabytes = |bytes: u64| bytes as f64 / 1e6;
                words += &format!(": {:.1} of {:.1} MB", megabytes(progress.done), megabytes(total));
            }
            (_, Some(total)) => {
                words += &format!(": {} of {} files", thousands(progress.done), thousands(total));
            }
            (_, None) => words += &format!(": {} so far", thousands(progress.done)),
        }
        if let Some(left) = status.seconds_left {
            words += &format!(", about {} left", duration(left));
        }
        (percent, words)
    }

    /// What is filtered, with the same page without it.
    fn chips(&self) -> Vec<(String, String)> {
        let mut chips = Vec::new();
        let href = |class: &str, split: &str| {
            link(&self.card.href(), &[("class", class), ("split", split)]) + "#gallery"
        };
        if !self.class.is_empty() {
            chips.push((format!("class: {}", self.class), href("", &self.split)));
        }
        if !self.split.is_empty() {
            chips.push((format!("split: {}", self.split), href(&self.class, "")));
        }
        chips
    }
}

pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    let card = Card::load(&state, dataset).await?;
    let label =
        match asked.class.as_str() {
            "" => None,
            class => {
                let label = card.classes.iter().position(|other| other.name == class);
                Some(label.ok_or_else(|| {
                    Error::field("class", format!("“{class}” is not a class of this data set"))
                })?)
            }
        };
    let split: Option<Split> = match asked.split.as_str() {
        "" => None,
        split => Some(split.parse().map_err(|why: String| Error::field("split", why))?),
    };
    let after = SampleId(asked.after.unwrap_or(0));
    let mut samples = state
        .store
        .list_samples_page(card.dataset.id, label.map(|label| label as i64), split, after, PAGE_TILES + 1)
        .await?;
    let more = samples.len() as i64 > PAGE_TILES;
    samples.truncate(PAGE_TILES as usize);
    let next = samples.last().filter(|_| more).map(|last| {
        link(
            &card.href(),
            &[("class", &asked.class), ("split", &asked.split), ("after", &last.id.to_string())],
        )
    });
    let total = card
        .classes
        .iter()
        .enumerate()
        .filter(|(at, _)| label.is_none_or(|label| label == *at))
        .map(|(_, class)| split.map_or_else(|| class.total(), |split| class.of(split)))
        .sum();
    let mut runs = Vec::new();
    for run in state.store.list_runs_of(card.dataset.id).await? {
        runs.push(RunView::load(&state, run).await?);
    }
    page(&Show {
        frame: Frame::load(&state, card.dataset.name.clone(), &[("Data sets", "/")]).await?,
        tiles: samples.iter().map(|sample| tile(sample, &card.classes)).collect(),
        rejected: state.store.list_rejected(card.dataset.id, REJECTED_LISTED).await?,
        rejected_count: state.store.count_rejected(card.dataset.id).await?,
        class: asked.class,
        split: asked.split,
        dataset: card.dataset.clone(),
        tab: "samples",
        card,
        next,
        total,
        runs,
    })
}
