//! `/api/v1/datasets/{id}/samples`: a data set's samples, filtered and ordered, a page at a time.

use super::find_dataset;
use crate::web::extract::{Path, Query};
use crate::web::pages::samples_view::{Asked, class_of};
use crate::web::{Error, Result, State};
use axum::Json;
use axum::extract::State as Held;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most samples of one answer.
const MOST: i64 = 1000;

/// Takes what the gallery's address takes, and `limit` (100 where it is left out).
pub(in crate::web) async fn list(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    Query(mut pairs): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>> {
    let dataset = find_dataset(&state, id).await?;
    let limit = match pairs.remove("limit") {
        None => 100,
        Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
            Error::field("limit", format!("“{text}” is not a whole number from 1 to {MOST}"))
        })?,
    };
    let asked = Asked::from_pairs(pairs)?;
    let classes = state.store.list_classes(dataset.id).await?;
    let filter = asked.filter(&state, &dataset, &classes).await?;
    let (order, descending) = (asked.order()?, !asked.descending.is_empty());
    let store = &state.store;
    let mut listed =
        store.list_samples_page(dataset.id, &filter, order, descending, asked.cursor()?, limit + 1).await?;
    let more = listed.len() as i64 > limit;
    listed.truncate(limit as usize);
    let items: Vec<Value> = listed
        .iter()
        .map(|listed| {
            let sample = &listed.sample;
            json!({
                "sample_id": sample.id,
                "path": sample.path,
                "class": class_of(sample.label, &classes),
                "split": sample.split,
                "width": sample.width,
                "height": sample.height,
                "bytes": sample.bytes,
                "format": sample.format,
                "metadata": sample.metadata.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
                "image_url": format!("/thumbnails/{}/320", sample.hash),
            })
        })
        .collect();
    Ok(Json(json!({
        "items": items,
        "total": store.count_samples(dataset.id, &filter).await?,
        "next_cursor": listed.last().filter(|_| more).map(|last| last.cursor().to_text()),
    })))
}
