//! `/runs/{id}/predictions`: the gallery of what a run said.

use super::format::{self, link, thousands};
use super::frame::{Frame, page};
use super::gallery::{Matrix, Tile};
use super::run_view::RunView;
use crate::store::predictions::{Filter, Order};
use crate::web::api::find_run;
use crate::web::api::predictions::{PredictionsQuery, find_page};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// Tiles of a class in the overview.
const OVERVIEW_TILES: i64 = 12;
/// Classes in the overview, those with most mistakes first.
const OVERVIEW_CLASSES: usize = 24;
/// Tiles that a page brings at a time.
const PAGE_TILES: i64 = 60;

#[derive(Template)]
#[template(path = "runs/predictions.html")]
struct Predictions {
    frame: Frame,
    view: RunView,
    page: &'static str,
    split: String,
    actual: String,
    predicted: String,
    correct: String,
    order: String,
    total: i64,
    matrix: Matrix,
    /// Without a filter: a strip a class.
    strips: Vec<Strip>,
    /// With one: a page of tiles.
    tiles: Vec<Tile>,
    next: Option<String>,
    /// What is filtered: words, and the same page without it.
    chips: Vec<(String, String)>,
}

/// The mistakes of a class.
struct Strip {
    class: String,
    wrong: i64,
    total: i64,
    tiles: Vec<Tile>,
    href_wrong: String,
    href_all: String,
}

impl Predictions {
    fn classes(&self) -> &[String] {
        &self.view.run.spec.classes
    }

    fn filtered(&self) -> bool {
        !self.chips.is_empty()
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(mut query): Query<PredictionsQuery>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    query.limit.get_or_insert(PAGE_TILES);
    let found = find_page(&app, &run, &query).await?;
    let view = RunView::load(&app, run).await?;
    let run = &view.run;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (actual, predicted, correct, order) =
        (text(&query.actual), text(&query.predicted), text(&query.correct), text(&query.order));
    let split = found.filter.split.as_str();
    let base = view.href();
    let pairs = [
        ("split", split),
        ("actual", actual.as_str()),
        ("predicted", predicted.as_str()),
        ("correct", correct.as_str()),
        ("order", order.as_str()),
    ];
    let here = format!("{base}/predictions");
    let without = |left_out: &str| {
        let rest: Vec<_> = pairs.iter().copied().filter(|(key, _)| *key != left_out).collect();
        link(&here, &rest)
    };
    let mut chips = Vec::new();
    for (key, value, words) in [
        ("actual", &actual, format!("actual: {actual}")),
        ("predicted", &predicted, format!("predicted: {predicted}")),
        ("correct", &correct, (if correct == "true" { "right ones" } else { "wrong ones" }).to_owned()),
        ("order", &order, format!("by {order}")),
    ] {
        if !value.is_empty() {
            chips.push((words, without(key)));
        }
    }
    let cells = app.store.list_cells(run.id, found.filter.split).await?;
    let chosen = (Some(actual.as_str()), Some(predicted.as_str()));
    let matrix = Matrix::new(&base, split, &run.spec.classes, &cells, chosen);
    let strips =
        if chips.is_empty() { overview(&app, &view, found.filter.split, &cells).await? } else { Vec::new() };
    let tiles = if chips.is_empty() {
        Vec::new()
    } else {
        found.items.iter().map(|item| Tile::prediction(&base, &pairs, &run.spec.classes, item)).collect()
    };
    let next = found.next_cursor.as_ref().map(|cursor| {
        let mut with_cursor = pairs.to_vec();
        with_cursor.push(("cursor", cursor));
        link(&here, &with_cursor)
    });
    page(&Predictions {
        frame: Frame::load(
            &app,
            format!("Predictions of {}", run.name),
            &[("Runs", "/runs"), (&run.name, &base)],
        )
        .await?,
        page: "predictions",
        split: split.to_owned(),
        total: found.total,
        matrix,
        strips,
        tiles,
        next,
        chips,
        actual,
        predicted,
        correct,
        order,
        view: view.showing(found.filter.split),
    })
}

/// The most confident mistakes of every class; classes with most mistakes first.
async fn overview(
    app: &AppState,
    view: &RunView,
    split: protocol::sample::Split,
    cells: &[(i64, i64, i64)],
) -> Result<Vec<Strip>> {
    let run = &view.run;
    let base = view.href();
    let mut counts: Vec<(i64, i64, i64)> = (0_i64..)
        .zip(&run.spec.classes)
        .map(|(label, _)| {
            let of = |wrong: bool| {
                cells
                    .iter()
                    .filter(|cell| cell.0 == label && (!wrong || cell.1 != label))
                    .map(|cell| cell.2)
                    .sum::<i64>()
            };
            (label, of(true), of(false))
        })
        .filter(|(_, _, total)| *total > 0)
        .collect();
    counts.sort_by_key(|(label, wrong, _)| (-wrong, *label));
    counts.truncate(OVERVIEW_CLASSES);
    let mut strips = Vec::new();
    for (label, wrong, total) in counts {
        let class = super::gallery::class(&run.spec.classes, label).to_owned();
        let filter = Filter { split, actual: Some(label), predicted: None, correct: Some(false) };
        let items =
            app.store.list_predictions(run.id, &filter, Order::Confidence, None, OVERVIEW_TILES).await?;
        let here = format!("{base}/predictions");
        let pairs = [("split", split.as_str()), ("actual", class.as_str()), ("correct", "false")];
        strips.push(Strip {
            wrong,
            total,
            tiles: items
                .iter()
                .map(|item| Tile::prediction(&base, &pairs, &run.spec.classes, item))
                .collect(),
            href_wrong: link(&here, &pairs),
            href_all: link(&here, &pairs[..2]),
            class,
        });
    }
    Ok(strips)
}

impl Strip {
    fn summary(&self) -> String {
        match self.wrong {
            0 => format!("all {} right", thousands(self.total)),
            wrong => format!("{} of {} wrong", thousands(wrong), thousands(self.total)),
        }
    }
}
