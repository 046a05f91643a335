//! `/datasets`: every data set; and what is done to one as a whole.

use super::format::{counted, link};
use super::frame::{Frame, Section, page};
use super::gallery::Tile;
use super::import::FailedImport;
use super::live::ImportWords;
use super::samples_view::tile;
use crate::actions::datasets as actions;
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::jobs::import::Status;
use crate::store::datasets::Dataset;
use crate::store::samples::{Gallery, SampleFilter};
use crate::web::api::find_dataset;
use crate::web::api::format_from_word;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::Form;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use std::collections::BTreeMap;

/// Images of a card's strip.
const STRIP_TILES: i64 = 8;

/// A data set as the home page shows it.
pub(crate) struct Card {
    pub(crate) dataset: Dataset,
    pub(crate) classes: Vec<ClassCount>,
    pub(crate) strip: Vec<Tile>,
    pub(crate) progress: Option<Status>,
}

impl Card {
    pub(crate) async fn load(app: &AppState, dataset: Dataset) -> Result<Card> {
        let classes = app.store.list_class_counts(dataset.id).await?;
        let mut strip = Vec::new();
        // A few of each class, so that the strip shows what is told apart.
        let each = (STRIP_TILES / classes.len().max(1) as i64).max(1);
        for class in classes.iter().take(STRIP_TILES as usize) {
            let filter = SampleFilter { labels: vec![class.label], ..SampleFilter::default() };
            let gallery = Gallery { filter, ..Gallery::default() };
            let samples = app.store.list_samples_page(dataset.id, &gallery, None, each).await?;
            strip
                .extend(samples.iter().map(|listed| Tile { sample: None, ..tile(&listed.sample, &classes) }));
        }
        let progress = app.imports.status(dataset.id);
        Ok(Card { dataset, classes, strip, progress })
    }

    pub(crate) fn href(&self) -> String {
        format!("/datasets/{}", self.dataset.id)
    }

    pub(crate) fn is_importing(&self) -> bool {
        self.dataset.state == DatasetState::Importing
    }

    /// How far its import is.
    pub(crate) fn import_words(&self) -> ImportWords {
        ImportWords::new(self.progress.as_ref())
    }

    pub(crate) fn summary(&self) -> String {
        let total: u64 = self.classes.iter().map(ClassCount::total).sum();
        match self.dataset.state {
            DatasetState::Importing => match self.progress.as_ref().and_then(Status::percent) {
                Some(percent) => format!("is being imported: {percent} %"),
                None => "is being imported".into(),
            },
            DatasetState::Failed => "could not be imported".into(),
            DatasetState::Ready => format!(
                "{} in {}",
                counted(total, "image", "images"),
                counted(self.classes.len() as i64, "class", "classes")
            ),
        }
    }
}

/// `POST /datasets/{id}/format`: reads its source again as another form. A source that was not kept has to be brought again.
pub(crate) async fn read_again(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Form(query): Form<BTreeMap<String, String>>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let format = query.get("format").map(String::as_str).unwrap_or_default();
    if dataset.source_path().is_none() {
        return Ok(Redirect::to(&link("/datasets/new", &[("format", format)])).into_response());
    }
    let format = format_from_word("format", format)?
        .ok_or_else(|| Error::field("format", "say which format it is"))?;
    let id = actions::read_again(&app.imports, &dataset, format).await?;
    Ok(Redirect::to(&format!("/datasets/{id}")).into_response())
}

/// `POST /datasets/{id}/delete`: removes it, or stops its import; back to the data sets.
/// `POST /datasets/{id}/delete`: removes it; with `runs=true` its runs before it.
pub(crate) async fn delete(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    body: Bytes,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    if form_urlencoded::parse(&body).any(|(key, value)| key == "runs" && value == "true") {
        crate::actions::runs::delete_all_of(&app.store, &app.runs, dataset.id).await?;
    }
    actions::remove(&app.store, &app.imports, &dataset).await?;
    Ok(Redirect::to("/datasets").into_response())
}

#[derive(Template)]
#[template(path = "datasets/list.html")]
struct List {
    frame: Frame,
    cards: Vec<Card>,
    /// Imports that came to nothing.
    failed: Vec<FailedImport>,
}

/// `/datasets`: every data set.
pub(crate) async fn list(State(app): State<AppState>) -> Result<Response> {
    let (cards, failed) = list_cards(&app).await?;
    let frame = Frame::load(&app, "Data sets", &[]).await?.in_section(Section::Datasets);
    page(&List { frame, cards, failed })
}

/// Data sets that are ready or being imported, and imports that came to nothing.
pub(crate) async fn list_cards(app: &AppState) -> Result<(Vec<Card>, Vec<FailedImport>)> {
    let (mut cards, mut failed) = (Vec::new(), Vec::new());
    for dataset in app.store.list_datasets().await? {
        if dataset.state == DatasetState::Failed {
            failed.push(FailedImport::new(dataset));
        } else {
            cards.push(Card::load(app, dataset).await?);
        }
    }
    Ok((cards, failed))
}
