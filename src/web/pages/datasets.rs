//! `/datasets/{id}`: what have I got?

use super::edit_bar::{AllMatching, EditBar, Flash};
use super::format::{self, counted, link};
use super::frame::{Frame, Section, page};
use super::gallery::{Tile, class_color};
use super::import::FailedImport;
use super::live::ImportWords;
use super::run_view::RunViews;
use super::samples_view::{Shown, tile};
use super::{import, overview};
use crate::actions::datasets as actions;
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::measure::Measure;
use crate::import::DatasetFormat;
use crate::jobs::import::Status;
use crate::store::datasets::{Dataset, RejectedFile};
use crate::store::run_list::RunSelection;
use crate::store::samples::{SampleFilter, SampleOrder};
use crate::web::api::find_dataset;
use crate::web::api::import::format_from_word;
use crate::web::api::samples::GalleryQuery;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::sample::Split;
use std::collections::BTreeMap;

/// Images of a card's strip.
const STRIP_TILES: i64 = 8;
/// The most values of a metadata column that a list offers.
const METADATA_VALUES: usize = 100;
/// Rejected files that the page lists.
const REJECTED_LISTED: i64 = 200;

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
            let filter = SampleFilter { label: Some(class.label), ..SampleFilter::default() };
            let order = SampleOrder::Number;
            let samples = app.store.list_samples_page(dataset.id, &filter, order, false, None, each).await?;
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
pub(crate) async fn delete(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    actions::remove(&app.store, &app.imports, &find_dataset(&app, id).await?).await?;
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

#[derive(Template)]
#[template(path = "datasets/show.html")]
struct Show {
    frame: Frame,
    dataset: Dataset,
    tab: &'static str,
    card: Card,
    query: GalleryQuery,
    shown: Shown,
    overview: overview::Shown,
    edit_bar: EditBar,
    /// Columns of the metadata that have few enough values to choose from.
    metadata: Vec<(String, Vec<(String, i64)>)>,
    excluded: i64,
    /// Its newest version.
    newest: i64,
    rejected: Vec<RejectedFile>,
    rejected_count: i64,
    list: RunViews,
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
    /// How it was read, in words.
    fn reading(&self) -> String {
        let format = self.dataset.format.as_deref().unwrap_or_default();
        let title = DatasetFormat::from_format(format).map_or(format, |format| format.title());
        match &self.dataset.evidence {
            Some(evidence) => format!("Read as {title}: {evidence}."),
            None => format!("Read as {title}."),
        }
    }

    /// As what else its source could be read: word, title, and whether that was seen to fit. What fits comes first.
    fn readings(&self) -> Vec<(&'static str, &'static str, bool)> {
        let own = self.dataset.format.as_deref().and_then(DatasetFormat::from_format);
        let fits = |format: &DatasetFormat| self.dataset.readings.iter().any(|word| word == format.as_str());
        let others = DatasetFormat::ALL.into_iter().filter(|format| Some(*format) != own);
        let mut readings: Vec<_> =
            others.map(|format| (format.as_str(), format.title(), fits(&format))).collect();
        readings.sort_by_key(|(.., fits)| !fits);
        readings
    }

    fn rows(&self) -> Vec<ClassRow> {
        let most = self.card.classes.iter().map(ClassCount::total).max().unwrap_or(1).max(1) as f64;
        let rows = self.card.classes.iter();
        rows.map(|class| ClassRow {
            name: class.name.clone(),
            colour: class_color(usize::try_from(class.label).unwrap_or(0)),
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

    /// Word and title of what a gallery can be ordered by, besides the order of the import.
    fn orders(&self) -> [(&'static str, &'static str); 6] {
        Measure::ALL.map(|measure| (measure.as_str(), measure.title()))
    }

    /// This view, to come back to.
    fn here(&self) -> String {
        link(&self.card.href(), &self.query.pairs())
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<GalleryQuery>,
    flash: Flash,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    if dataset.state != DatasetState::Ready {
        return import::show_unfinished(&app, dataset).await;
    }
    let card = Card::load(&app, dataset).await?;
    let shown = Shown::load(&app, &card.dataset, &query).await?;
    let overview = overview::Shown::load(&app, &card.dataset, &card.classes, &query).await?;
    let here = link(&card.href(), &query.pairs());
    let mut edit_bar = EditBar::load(&app, &card.dataset, &flash, here).await?;
    let filter = [("order", ""), ("descending", "")];
    let filter = query.pairs().map(|pair| filter.into_iter().find(|(key, _)| *key == pair.0).unwrap_or(pair));
    let filter = link("", &filter).trim_start_matches('?').to_owned();
    edit_bar.all = Some(AllMatching { total: shown.total, filter });
    edit_bar.excluded = !query.excluded.is_empty();
    let mut metadata = app.store.list_metadata(card.dataset.id).await?;
    metadata.retain(|(_, values)| values.len() <= METADATA_VALUES);
    let only_excluded = SampleFilter { excluded: true, ..SampleFilter::default() };
    let list = RunViews::load(&app, RunSelection::OfDataset(card.dataset.id)).await?;
    page(&Show {
        frame: Frame::load(&app, card.dataset.name.clone(), &[("Data sets", "/datasets")]).await?,
        rejected: app.store.list_rejected(card.dataset.id, REJECTED_LISTED).await?,
        rejected_count: app.store.count_rejected(card.dataset.id).await?,
        excluded: app.store.count_samples(card.dataset.id, &only_excluded).await?,
        newest: app.store.newest_version(card.dataset.id).await?,
        query,
        shown,
        overview,
        edit_bar,
        metadata,
        dataset: card.dataset.clone(),
        tab: "samples",
        card,
        list,
    })
}
