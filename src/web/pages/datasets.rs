//! `/datasets`: every data set; and what is done to one as a whole.

use super::format::{counted, link};
use super::frame::{Frame, Section, page};
use super::gallery::Tile;
use super::import::FailedImport;
use super::live::ImportWords;
use super::samples_view::tile;
use crate::actions::datasets as actions;
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::ids::DatasetId;
use crate::jobs::import::Status;
use crate::store::datasets::Dataset;
use crate::store::samples::Sample;
use crate::web::api::find_dataset;
use crate::web::api::format_from_word;
use crate::web::extract::{Fields, Form, Path};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use std::collections::BTreeMap;

/// Images of a card's strip.
const STRIP_TILES: usize = 8;

/// A data set as the home page shows it.
pub(crate) struct Card {
    pub(crate) dataset: Dataset,
    pub(crate) classes: Vec<ClassCount>,
    pub(crate) strip: Vec<Tile>,
    pub(crate) progress: Option<Status>,
}

impl Card {
    /// All of them by as many statements as for one.
    async fn list(app: &AppState, datasets: Vec<Dataset>) -> Result<Vec<Card>> {
        let mut classes = app.store.list_all_class_counts().await?;
        let wanted: Vec<(DatasetId, i64)> = datasets
            .iter()
            .filter_map(|dataset| Some((dataset.id, classes.get(&dataset.id)?)))
            .flat_map(|(id, classes)| classes.iter().take(STRIP_TILES).map(move |class| (id, class.label)))
            .collect();
        let mut samples: BTreeMap<DatasetId, Vec<Sample>> = BTreeMap::new();
        for sample in app.store.list_first_samples(&wanted, STRIP_TILES as i64).await? {
            samples.entry(sample.dataset_id).or_default().push(sample);
        }
        let card = |dataset: Dataset| {
            let classes = classes.remove(&dataset.id).unwrap_or_default();
            let strip = strip(&samples.remove(&dataset.id).unwrap_or_default(), &classes);
            let progress = app.imports.status(dataset.id);
            Card { dataset, classes, strip, progress }
        };
        Ok(datasets.into_iter().map(card).collect())
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

/// A few of each class, so that the strip shows what is told apart. `samples` are those of one class after another.
fn strip(samples: &[Sample], classes: &[ClassCount]) -> Vec<Tile> {
    let each = (STRIP_TILES / classes.len().max(1)).max(1);
    let of_one_class = samples.chunk_by(|a, b| a.label == b.label);
    let shown = of_one_class.flat_map(|samples| samples.iter().take(each));
    shown.map(|sample| Tile { sample: None, ..tile(sample, classes) }).collect()
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

/// `POST /datasets/{id}/delete`: removes it, or stops its import; with `runs=true` its runs before it. Back to the data sets.
pub(crate) async fn delete(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    fields: Fields,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    if fields.get("runs") == "true" {
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
    let all = app.store.list_datasets().await?.into_iter();
    let (failed, kept): (Vec<Dataset>, Vec<Dataset>) =
        all.partition(|dataset| dataset.state == DatasetState::Failed);
    Ok((Card::list(app, kept).await?, failed.into_iter().map(FailedImport::new).collect()))
}
