//! `/api/v1/runs/{id}/predictions`.

use super::{chosen_split, find_run};
use crate::domain::ids::SampleId;
use crate::store::predictions::{Filter, Order, Prediction};
use crate::store::runs::Run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

/// The query of a gallery, on its page and in JSON alike.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictionsQuery {
    pub(crate) split: Option<String>,
    pub(crate) actual: Option<String>,
    pub(crate) predicted: Option<String>,
    pub(crate) correct: Option<String>,
    pub(crate) order: Option<String>,
    pub(crate) limit: Option<i64>,
    pub(crate) cursor: Option<String>,
}

/// A page of a gallery.
pub(crate) struct Page {
    pub(crate) filter: Filter,
    pub(crate) items: Vec<Prediction>,
    pub(crate) total: i64,
    pub(crate) next_cursor: Option<String>,
}

pub(crate) async fn list(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<PredictionsQuery>,
) -> Result<Json<Value>> {
    let run = find_run(&app, id).await?;
    let page = find_page(&app, &run, &query).await?;
    let class = |label: i64| usize::try_from(label).ok().and_then(|label| run.spec.classes.get(label));
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|item| {
            json!({
                "sample_id": item.sample_id,
                "path": item.path,
                "actual": class(item.actual),
                "predicted": class(item.predicted),
                "confidence": item.confidence,
                "loss": item.loss,
                "image_url": format!("/thumbnails/{}/320", item.hash),
            })
        })
        .collect();
    Ok(Json(json!({
        "split": page.filter.split.as_str(),
        "items": items,
        "total": page.total,
        "next_cursor": page.next_cursor,
    })))
}

/// What a gallery's query asks for. Empty values, as a form sends them, count as absent.
pub(crate) async fn find_page(app: &AppState, run: &Run, query: &PredictionsQuery) -> Result<Page> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let label = |field: &'static str, text: &Option<String>| match given(text) {
        None => Ok(None),
        Some(name) => run
            .spec
            .classes
            .iter()
            .position(|class| *class == name)
            .and_then(|label| i64::try_from(label).ok())
            .map(Some)
            .ok_or_else(|| Error::field(field, format!("“{name}” is not a class of this run"))),
    };
    let filter = Filter {
        split: chosen_split(app, run, query.split.as_deref()).await?,
        actual: label("actual", &query.actual)?,
        predicted: label("predicted", &query.predicted)?,
        correct: match given(&query.correct).as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(other) => {
                return Err(Error::field("correct", format!("“{other}” is neither true nor false")));
            }
        },
    };
    let order = find_order(query)?;
    let limit = query.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(Error::field("limit", "is not a whole number from 1 to 1000"));
    }
    let behind = given(&query.cursor).map(|cursor| read_cursor(&cursor)).transpose()?;
    let mut items = app.store.list_predictions(run.id, &filter, order, behind, limit + 1).await?;
    let more = items.len() as i64 > limit;
    items.truncate(usize::try_from(limit).unwrap_or(0));
    let next_cursor = items.last().filter(|_| more).map(|last| order.cursor(last));
    Ok(Page { total: app.store.count_predictions(run.id, &filter).await?, filter, items, next_cursor })
}

/// The order that a gallery's query asks for.
pub(crate) fn find_order(query: &PredictionsQuery) -> Result<Order> {
    match query.order.as_deref() {
        None | Some("" | "confidence") => Ok(Order::Confidence),
        Some("loss") => Ok(Order::Loss),
        Some(other) => Err(Error::field("order", format!("“{other}” is neither confidence nor loss"))),
    }
}

impl PredictionsQuery {
    /// The filter and the order as a query's pairs; no place in the list.
    pub(crate) fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("split", self.split.as_deref().unwrap_or_default()),
            ("actual", self.actual.as_deref().unwrap_or_default()),
            ("predicted", self.predicted.as_deref().unwrap_or_default()),
            ("correct", self.correct.as_deref().unwrap_or_default()),
            ("order", self.order.as_deref().unwrap_or_default()),
        ]
    }
}

impl Order {
    /// Where this row stands: the order's value, to the bit, and the sample.
    pub(crate) fn cursor(self, row: &Prediction) -> String {
        format!("{:016x}-{}", self.value(row).to_bits(), row.sample_id)
    }
}

/// Reads an [`Order::cursor`].
fn read_cursor(text: &str) -> Result<(f64, SampleId)> {
    let parts = text.split_once('-').and_then(|(bits, sample)| {
        Some((f64::from_bits(u64::from_str_radix(bits, 16).ok()?), SampleId(sample.parse().ok()?)))
    });
    parts
        .filter(|(value, _)| value.is_finite())
        .ok_or_else(|| Error::field("cursor", "is none that this list gave"))
}
