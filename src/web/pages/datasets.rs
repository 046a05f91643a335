//! `/datasets/{id}`: what have I got? `/datasets/new`: bringing it in.

use super::frame::{Frame, page, page_with};
use super::gallery::{Tile, class_colour};
use super::overview;
use super::run_view::RunView;
use super::samples_view::{Shown, tile};
use super::words::{self, counted, duration, link, thousands};
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::measure::Measure;
use crate::domain::recipe::FieldErrors;
use crate::import::catalogue::{CATALOGUE, Entry};
use crate::import::job::Status;
use crate::import::{Form as ImportForm, Stage};
use crate::store::datasets::{Dataset, RejectedFile};
use crate::store::samples::{SampleFilter, SampleOrder};
use crate::store::versions::Version;
use crate::web::api::datasets::{Typed, create_from_form, start_again};
use crate::web::api::find_dataset;
use crate::web::api::samples::Asked;
use crate::web::api::versions::find_version;
use crate::web::extract::{Path, Query};
use crate::web::{Error, Result, State};
use askama::Template;
use axum::Form;
use axum::extract::{Multipart, State as Held};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::sample::Split;
use std::collections::BTreeMap;

/// Pictures of a card's strip.
const STRIP_TILES: i64 = 8;
/// The most values of a metadata column that a list offers.
const METADATA_VALUES: usize = 100;
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
            let order = SampleOrder::Number;
            let samples =
                state.store.list_samples_page(dataset.id, &filter, order, false, None, each).await?;
            strip
                .extend(samples.iter().map(|listed| Tile { sample: None, ..tile(&listed.sample, &classes) }));
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

    pub(in crate::web) fn formats(&self) -> &'static [ImportForm] {
        &ImportForm::ALL
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

/// Fields given in the query are filled in.
pub(in crate::web) async fn new(Held(state): Held<State>, Query(typed): Query<Typed>) -> Result<Response> {
    let frame = Frame::load(&state, "Import pictures", &[("Data sets", "/")]).await?;
    page(&New { frame, import: Import { typed, errors: FieldErrors::new() } })
}

/// `POST /datasets/{id}/format`: reads its source again as another form. A source that was not kept has to be brought again.
pub(in crate::web) async fn read_again(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Form(asked): Form<BTreeMap<String, String>>,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    let format = asked.get("format").map(String::as_str).unwrap_or_default();
    if dataset.source_path().is_none() {
        return Ok(Redirect::to(&link("/datasets/new", &[("format", format)])).into_response());
    }
    let id = start_again(&state, id, format).await?;
    Ok(Redirect::to(&format!("/datasets/{id}")).into_response())
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

#[derive(Template)]
#[template(path = "datasets/show.html")]
struct Show {
    frame: Frame,
    dataset: Dataset,
    tab: &'static str,
    card: Card,
    asked: Asked,
    shown: Shown,
    overview: overview::Shown,
    /// The version that was just made, with what it did.
    done: Option<Version>,
    /// Columns of the metadata that have few enough values to choose from.
    metadata: Vec<(String, Vec<(String, i64)>)>,
    excluded: i64,
    /// Its newest version.
    newest: i64,
    rejected: Vec<RejectedFile>,
    rejected_count: i64,
    runs: Vec<RunView>,
}

/// A class of the table.
struct ClassRow {
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

    /// How it was read, in words.
    fn reading(&self) -> String {
        let format = self.dataset.format.as_deref().unwrap_or_default();
        let title = ImportForm::from_format(format).map_or(format, |form| form.title());
        match &self.dataset.evidence {
            Some(evidence) => format!("Read as {title}: {evidence}."),
            None => format!("Read as {title}."),
        }
    }

    /// As what else its source could be read: word, title, and whether that was seen to fit. What fits comes first.
    fn readings(&self) -> Vec<(&'static str, &'static str, bool)> {
        let own = self.dataset.format.as_deref().and_then(ImportForm::from_format);
        let fits = |form: &ImportForm| self.dataset.readings.iter().any(|word| word == form.as_str());
        let others = ImportForm::ALL.into_iter().filter(|form| Some(*form) != own);
        let mut readings: Vec<_> = others.map(|form| (form.as_str(), form.title(), fits(&form))).collect();
        readings.sort_by_key(|(.., fits)| !fits);
        readings
    }

    /// Where a failed import is tried again.
    fn import_again(&self) -> String {
        let path = self.dataset.source_path().and_then(|path| path.to_str()).unwrap_or_default();
        link("/datasets/new", &[("path", path)])
    }

    fn is_importing(&self) -> bool {
        self.dataset.state == DatasetState::Importing
    }

    fn rows(&self) -> Vec<ClassRow> {
        let most = self.card.classes.iter().map(ClassCount::total).max().unwrap_or(1).max(1) as f64;
        let rows = self.card.classes.iter();
        rows.map(|class| ClassRow {
            name: class.name.clone(),
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

    /// Word and title of what a gallery can be ordered by, besides the order of the import.
    fn orders(&self) -> [(&'static str, &'static str); 6] {
        Measure::ALL.map(|measure| (measure.as_str(), measure.title()))
    }

    /// This view, to come back to.
    fn here(&self) -> String {
        link(&self.card.href(), &self.asked.pairs())
    }
}

pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    // The page of an import asks for itself. When that has ended it is loaded anew, whole, with its scripts and its name.
    let asks_for_itself = headers.get("hx-trigger").is_some_and(|element| element == "dataset");
    if asks_for_itself && dataset.state != DatasetState::Importing {
        return Ok([("hx-refresh", "true")].into_response());
    }
    let card = Card::load(&state, dataset).await?;
    let shown = Shown::load(&state, &card.dataset, &asked).await?;
    let overview = overview::Shown::load(&state, &card.dataset, &card.classes, &asked).await?;
    let done = match asked.done.parse() {
        Ok(number) => find_version(&state, &card.dataset, number).await.ok(),
        Err(_) => None,
    };
    let mut metadata = state.store.list_metadata(card.dataset.id).await?;
    metadata.retain(|(_, values)| values.len() <= METADATA_VALUES);
    let only_excluded = SampleFilter { excluded: true, ..SampleFilter::default() };
    let mut runs = Vec::new();
    for run in state.store.list_runs_of(card.dataset.id).await? {
        runs.push(RunView::load(&state, run).await?);
    }
    page(&Show {
        frame: Frame::load(&state, card.dataset.name.clone(), &[("Data sets", "/")]).await?,
        rejected: state.store.list_rejected(card.dataset.id, REJECTED_LISTED).await?,
        rejected_count: state.store.count_rejected(card.dataset.id).await?,
        excluded: state.store.count_samples(card.dataset.id, &only_excluded).await?,
        newest: state.store.newest_version(card.dataset.id).await?,
        asked,
        shown,
        overview,
        done,
        metadata,
        dataset: card.dataset.clone(),
        tab: "samples",
        card,
        runs,
    })
}
