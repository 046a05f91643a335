//! `/api/v1/runs/{id}/predictions`.

use super::{chosen_split, find_run};
use crate::domain::ids::SampleId;
use crate::domain::metadata::MetadataFilter;
use crate::store::predictions::{Filter, Order, Prediction};
use crate::store::runs::Run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

/// The query of a gallery, on its page and in JSON alike. Empty values, as a form sends them, count as absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PredictionsQuery {
    pub(crate) split: String,
    /// The true class.
    pub(crate) actual: String,
    pub(crate) predicted: String,
    /// `true`, `false`, or `all`, which is as if it were absent.
    pub(crate) correct: String,
    /// `0.5..0.9`: above the first and up to the second.
    pub(crate) confidence: String,
    /// The ends of the same in percent, as the form's fields send them.
    pub(crate) from: String,
    pub(crate) to: String,
    /// `column=value` or `column:from..to`.
    pub(crate) metadata: String,
    /// Part of a file's path.
    pub(crate) search: String,
    pub(crate) order: String,
    pub(crate) limit: Option<i64>,
    pub(crate) cursor: String,
    /// A sample: the page reaches as far as its tile.
    pub(crate) at: Option<i64>,
    /// What the edit bar says of the last edit; it reads them itself.
    pub(crate) done: String,
    pub(crate) unchanged: String,
}

/// A page of a gallery.
pub(crate) struct Page {
    pub(crate) filter: Filter,
    pub(crate) order: Order,
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
                "margin": item.margin,
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

/// What a gallery's query asks for.
pub(crate) async fn find_page(app: &AppState, run: &Run, query: &PredictionsQuery) -> Result<Page> {
    let filter = query.filter(app, run).await?;
    let order = query.order()?;
    if order == Order::Margin {
        app.runs.complete_margins(run.id, filter.split).await?;
    }
    let limit = query.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(Error::field("limit", "is not a whole number from 1 to 1000"));
    }
    let behind = given(&query.cursor).map(read_cursor).transpose()?;
    let mut items = app.store.list_predictions(run.id, &filter, order, behind, limit + 1).await?;
    let more = items.len() as i64 > limit;
    items.truncate(usize::try_from(limit).unwrap_or(0));
    let next_cursor = items.last().filter(|_| more).map(|last| order.cursor(last));
    Ok(Page { total: app.store.count_predictions(run.id, &filter).await?, filter, order, items, next_cursor })
}

/// The metadata that an address names; `None` where it names none.
fn find_metadata(text: &str) -> Result<Option<MetadataFilter>> {
    let Some(text) = given(text) else { return Ok(None) };
    MetadataFilter::from_text(text).map(Some).ok_or_else(|| {
        let why = format!("“{text}” is neither column=value nor column:from..to, such as age:20..40");
        Error::field("metadata", why)
    })
}

fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

impl PredictionsQuery {
    /// Which predictions it asks for.
    pub(crate) async fn filter(&self, app: &AppState, run: &Run) -> Result<Filter> {
        let label = |field: &'static str, name: &str| {
            let Some(name) = given(name) else { return Ok(None) };
            let label = run.spec.classes.iter().position(|class| *class == name);
            label
                .and_then(|label| i64::try_from(label).ok())
                .map(Some)
                .ok_or_else(|| Error::field(field, format!("“{name}” is not a class of this run")))
        };
        Ok(Filter {
            split: chosen_split(app, run, given(&self.split)).await?,
            actual: label("actual", &self.actual)?,
            predicted: label("predicted", &self.predicted)?,
            correct: match self.correct.as_str() {
                "" | "all" => None,
                "true" => Some(true),
                "false" => Some(false),
                other => return Err(Error::field("correct", format!("“{other}” is not true, false or all"))),
            },
            confidence: self.confidence_range()?,
            metadata: find_metadata(&self.metadata)?,
            search: given(self.search.trim()).map(str::to_owned),
        })
    }

    /// In which order; the most confident first where it names none.
    pub(crate) fn order(&self) -> Result<Order> {
        let Some(word) = given(&self.order) else { return Ok(Order::Confidence) };
        Order::ALL.into_iter().find(|order| order.as_str() == word).ok_or_else(|| {
            let words: Vec<&str> = Order::ALL.iter().map(|order| order.as_str()).collect();
            Error::field("order", format!("“{word}” is none of {}", words.join(", ")))
        })
    }

    /// Confidences above the first and up to the second; `None` where it asks for all.
    pub(crate) fn confidence_range(&self) -> Result<Option<(f64, f64)>> {
        let share = |field: &'static str, text: &str, whole: f64, open: f64| {
            let Some(text) = given(text.trim()) else { return Ok(open) };
            let value = text.parse::<f64>().ok().map(|value| value / whole);
            value
                .filter(|value| (0.0..=1.0).contains(value))
                .ok_or_else(|| Error::field(field, format!("“{text}” is not a number from 0 to {whole}")))
        };
        let (above, up_to) = match given(&self.confidence) {
            Some(range) => {
                let (above, up_to) = range.split_once("..").ok_or_else(|| {
                    Error::field("confidence", format!("“{range}” is no range, such as 0.5..0.9"))
                })?;
                (share("confidence", above, 1.0, 0.0)?, share("confidence", up_to, 1.0, 1.0)?)
            }
            None => (share("from", &self.from, 100.0, 0.0)?, share("to", &self.to, 100.0, 1.0)?),
        };
        if above >= up_to {
            return Err(Error::field(
                "confidence",
                "begins where it has ended already; say the smaller first",
            ));
        }
        Ok(Some((above, up_to)).filter(|range| *range != (0.0, 1.0)))
    }

    /// The confidence as it stands in an address.
    fn confidence_text(&self) -> String {
        let range = self.confidence_range().ok().flatten();
        range.map_or_else(String::new, |(above, up_to)| format!("{above}..{up_to}"))
    }

    /// The filter and the order as a query's pairs; no place in the list.
    pub(crate) fn pairs(&self) -> [(&'static str, String); 8] {
        [
            ("split", self.split.clone()),
            ("actual", self.actual.clone()),
            ("predicted", self.predicted.clone()),
            ("correct", self.correct.clone()),
            ("confidence", self.confidence_text()),
            ("metadata", self.metadata.clone()),
            ("search", self.search.trim().to_owned()),
            ("order", self.order.clone()),
        ]
    }

    /// Whether it names a split at most: the page then shows the mistakes by class.
    pub(crate) fn is_overview(&self) -> bool {
        self.cursor.is_empty() && self.pairs().iter().all(|(key, value)| *key == "split" || value.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_confidence_is_read_from_the_address_and_from_the_form() {
        let of = |confidence: &str, from: &str, to: &str| {
            let query = PredictionsQuery {
                confidence: confidence.into(),
                from: from.into(),
                to: to.into(),
                ..PredictionsQuery::default()
            };
            query.confidence_range().ok()
        };
        assert_eq!(of("0.5..0.9", "", ""), Some(Some((0.5, 0.9))));
        assert_eq!(of("0.5..", "", ""), Some(Some((0.5, 1.0))));
        assert_eq!(of("", "50", " 90 "), Some(Some((0.5, 0.9))));
        assert_eq!(of("", "", "20"), Some(Some((0.0, 0.2))));
        assert_eq!(of("", "0", "100"), Some(None));
        for (confidence, from, to) in
            [("0.9..0.5", "", ""), ("0.9", "", ""), ("0..2", "", ""), ("", "many", ""), ("", "101", "")]
        {
            assert_eq!(of(confidence, from, to), None, "{confidence} {from} {to}");
        }
    }
}
