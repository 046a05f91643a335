//! `/runs/{id}/predictions`: the gallery of what a run predicted.

use super::edit_bar::{EditBar, Flash};
use super::edited_since::EditedSince;
use super::format::{self, counted, link, thousands};
use super::frame::{Frame, page};
use super::gallery::Tile;
use super::gallery_link::with;
use super::histogram::Histogram;
use super::matrix::{Matrix, MatrixOptions};
use super::prediction_tiles::{MistakeGroup, Shown, mistakes_by_class};
use super::run_view::RunView;
use crate::domain::confusion_cells::ConfusionCells;
use crate::domain::dataset::DatasetState;
use crate::domain::ids::{DatasetId, SampleId};
use crate::domain::metadata::MetadataFilter;
use crate::store::predictions::Order;
use crate::store::runs::Run;
use crate::web::api::find_run;
use crate::web::api::predictions::{PredictionsQuery, find_page};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// Tiles that a page brings at a time.
const PAGE_TILES: i64 = 60;
/// Tiles that a page brings at most, so that the tile one comes back to is there.
const MOST_TILES: i64 = 600;
/// Values of a metadata column that the filter offers.
const OFFERED_VALUES: usize = 40;

#[derive(Template)]
#[template(path = "runs/predictions.html")]
struct Predictions {
    frame: Frame,
    view: RunView,
    page: &'static str,
    query: PredictionsQuery,
    order: Order,
    split: String,
    total: i64,
    matrix: Matrix,
    histogram: Histogram,
    /// Without a filter: the mistakes of each class.
    groups: Vec<MistakeGroup>,
    /// Classes without a mistake, and the address of their images.
    all_correct: Vec<(String, String)>,
    /// With a filter: a page of tiles.
    tiles: Vec<Tile>,
    next: Option<String>,
    /// What is filtered: words, and the same page without it.
    chips: Vec<(String, String)>,
    /// Metadata columns with some of their values.
    metadata: Vec<(String, Vec<(String, i64)>)>,
    /// The bar that edits what is selected: a wrong label is found here.
    edit_bar: Option<EditBar>,
    /// How many images of the split were edited since the run.
    edited: i64,
    /// The matrix stands beside the gallery.
    small: bool,
}

impl Predictions {
    fn classes(&self) -> &[String] {
        &self.view.run.spec.classes
    }

    fn is_overview(&self) -> bool {
        self.query.is_overview()
    }

    /// What is on screen, in a sentence: `3 mistakes of 415, by class, most confident first`.
    fn headline(&self) -> String {
        if self.is_overview() {
            let (wrong, total) =
                self.view.shown_result().map_or((0, 0), |result| (result.wrong, result.total));
            return format!(
                "{} of {}, by class, most confident first",
                counted(wrong, "mistake", "mistakes"),
                thousands(total)
            );
        }
        format!("{}, {}", counted(self.total, "image", "images"), order_title(self.order))
    }

    /// What is filtered, where the filters are folded.
    fn filter_words(&self) -> String {
        let words: Vec<&str> = self.chips.iter().map(|(words, _)| words.as_str()).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(", ") }
    }

    /// Values of the field *Show*: value, label, whether chosen. The overview shows the wrong ones.
    fn shows(&self) -> [(&'static str, &'static str, bool); 3] {
        let chosen = match self.query.correct.as_str() {
            "" if self.is_overview() => "false",
            "" => "all",
            word => word,
        };
        [("all", "all"), ("false", "wrong"), ("true", "correct")]
            .map(|(value, label)| (value, label, value == chosen))
    }

    /// Values of the field *Order*.
    fn orders(&self) -> Vec<(&'static str, &'static str, bool)> {
        Order::ALL
            .into_iter()
            .map(|order| {
                // The usual order needs no word, unless it is what makes the page a list.
                let chosen = if self.is_overview() { order == Order::Class } else { order == self.order };
                (order.as_str(), order_title(order), chosen)
            })
            .collect()
    }

    /// What was edited since the run was evaluated.
    fn edited_words(&self) -> String {
        let (were, are) = if self.edited == 1 { ("was", "is") } else { ("were", "are") };
        format!(
            "Evaluated with the labels of version {}. {} of this split {were} edited since and {are} marked ✎; the figures do \
             not change.",
            self.view.run.dataset_version,
            counted(self.edited, "image", "images"),
        )
    }

    /// Whether the metadata filter is one that the list of values does not offer.
    fn other_metadata(&self) -> bool {
        let offered = |(column, values): &(String, Vec<(String, i64)>)| {
            values.iter().any(|(value, _)| self.query.metadata == format!("{column}={value}"))
        };
        !self.query.metadata.is_empty() && !self.metadata.iter().any(offered)
    }

    /// The ends of the confidence in percent, as its two fields show them.
    fn confidence_ends(&self) -> (String, String) {
        let range = self.query.confidence_range().ok().flatten();
        range.map_or_else(Default::default, |(above, up_to)| {
            (tenths_of_percent(above), tenths_of_percent(up_to))
        })
    }
}

/// `30`, or `33.3` where the share is no whole number of percent.
fn tenths_of_percent(share: f64) -> String {
    ((share * 1000.0).round() / 10.0).to_string()
}

/// `most confident first`.
fn order_title(order: Order) -> &'static str {
    match order {
        Order::Confidence => "most confident first",
        Order::LeastConfident => "least confident first",
        Order::Loss => "highest loss first",
        Order::Margin => "closest second class first",
        Order::Class => "by true class",
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(mut query): Query<PredictionsQuery>,
    flash: Flash,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    query.limit = Some(reach(&app, &run, &query).await?);
    let found = find_page(&app, &run, &query).await?;
    let filter = found.filter;
    filter.split.as_str().clone_into(&mut query.split);
    let view = RunView::load(&app, run).await?.showing(filter.split);
    let run = &view.run;
    let (base, here) = (view.href(), view.at("predictions"));
    let classes = &run.spec.classes;
    let cells = ConfusionCells::new(classes.len(), app.store.list_cells(run.id, filter.split).await?);
    let chosen = (query.actual.as_str(), query.predicted.as_str());
    let matrix = Matrix::new(&here, &query.split, classes, &cells, MatrixOptions::default(), chosen);
    let edited = EditedSince::load(&app, run).await?;
    let edited_count = edited.count(&app, run, filter.split).await?;
    let shown = Shown::of(&query, found.order);
    let is_overview = query.is_overview();
    let groups = if is_overview {
        mistakes_by_class(&app, run, filter.split, &cells, &edited).await?
    } else {
        Vec::new()
    };
    let no_mistakes = |class: &usize| cells.row_sum(*class) > 0 && cells.wrong(*class) == 0;
    let all_correct = (0..classes.len()).filter(|class| is_overview && no_mistakes(class));
    let bins = app.store.count_confidences(run.id, &filter).await?;
    page(&Predictions {
        frame: Frame::load(&app, "Predictions", &[("Runs", "/runs"), (&view.title(), &base)]).await?,
        page: "predictions",
        order: found.order,
        split: query.split.clone(),
        total: found.total,
        histogram: Histogram::new(&bins, &here, &query),
        all_correct: all_correct
            .map(|class| {
                let name = classes[class].as_str();
                let href = link(&here, &[("split", &query.split), ("actual", name), ("correct", "all")]);
                (format!("{name} ({})", thousands(cells.row_sum(class))), href)
            })
            .collect(),
        tiles: if is_overview {
            Vec::new()
        } else {
            found.items.iter().map(|item| shown.tile(&base, classes, item, &edited)).collect()
        },
        next: found.next_cursor.as_ref().map(|cursor| with(&here, &query, &[("cursor", cursor)])),
        chips: chips(&here, &query),
        metadata: offered_metadata(&app, run.dataset_id).await?,
        edit_bar: edit_bar(&app, run, &flash, with(&here, &query, &[])).await?,
        edited: edited_count,
        small: true,
        matrix,
        groups,
        query,
        view,
    })
}

/// The bar that edits the data set of a run, where it can be edited.
pub(super) async fn edit_bar(
    app: &AppState,
    run: &Run,
    flash: &Flash,
    back: String,
) -> Result<Option<EditBar>> {
    let dataset = app.store.find_dataset(run.dataset_id).await?;
    match dataset.filter(|dataset| dataset.state == DatasetState::Ready) {
        Some(dataset) => Ok(Some(EditBar::load(app, &dataset, flash, back).await?)),
        None => Ok(None),
    }
}

/// How many tiles to bring: a page, or as many as it takes to reach the tile that one comes back to.
async fn reach(app: &AppState, run: &Run, query: &PredictionsQuery) -> Result<i64> {
    let usual = query.limit.unwrap_or(PAGE_TILES);
    let Some(sample) = query.at else { return Ok(usual) };
    let sample = SampleId(sample);
    let Some((_, prediction)) = app.store.find_prediction(run.id, sample).await? else { return Ok(usual) };
    let (filter, order) = (query.filter(app, run).await?, query.order()?);
    let row = (order.value(&prediction), sample);
    let before = app.store.count_predictions_before(run.id, &filter, order, row).await?;
    Ok((before + PAGE_TILES / 2).clamp(usual.min(MOST_TILES), MOST_TILES))
}

fn chips(here: &str, query: &PredictionsQuery) -> Vec<(String, String)> {
    words_of(query).into_iter().map(|(key, words)| (words, with(here, query, &[(key, "")]))).collect()
}

/// What a gallery's query filters, without the split: the key in the address, and words.
pub(super) fn words_of(query: &PredictionsQuery) -> Vec<(&'static str, String)> {
    let show = match query.correct.as_str() {
        "true" => "correct only",
        "false" => "wrong only",
        "all" => "correct and wrong",
        _ => "",
    };
    let range = query.confidence_range().ok().flatten();
    let confidence = range.map_or_else(String::new, |(above, up_to)| {
        format!("confidence {}–{}\u{a0}%", tenths_of_percent(above), tenths_of_percent(up_to))
    });
    let metadata = MetadataFilter::from_text(&query.metadata).map(|filter| filter.words());
    let named = |label: &str, value: &str| match value {
        "" => String::new(),
        value => format!("{label}: {value}"),
    };
    let words = [
        ("actual", named("true class", &query.actual)),
        ("predicted", named("predicted", &query.predicted)),
        ("correct", show.to_owned()),
        ("confidence", confidence),
        ("metadata", metadata.unwrap_or_default()),
        ("search", named("file name", query.search.trim())),
        ("order", query.order().ok().filter(|_| !query.order.is_empty()).map_or("", order_title).to_owned()),
    ];
    words.into_iter().filter(|(_, words)| !words.is_empty()).collect()
}

/// The metadata columns with their most frequent values; the rest can be typed.
async fn offered_metadata(app: &AppState, dataset: DatasetId) -> Result<Vec<(String, Vec<(String, i64)>)>> {
    let mut columns = app.store.list_metadata(dataset).await?;
    for column in &mut columns {
        column.values.truncate(OFFERED_VALUES);
    }
    Ok(columns.into_iter().map(|column| (column.name, column.values)).collect())
}
