//! `/api/v1/datasets/{id}/samples`: a data set's samples, filtered and ordered, a page at a time.

use super::find_dataset;
pub(crate) use super::gallery_query::{GalleryQuery, find_label, find_split};
use crate::domain::dataset::class_of;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

/// The most samples of one answer.
const MOST: i64 = 1000;

/// Takes what the gallery's address takes, and `limit` (100 where it is left out).
pub(crate) async fn list(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    RawQuery(text): RawQuery,
) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    let text = text.unwrap_or_default();
    let pairs = form_urlencoded::parse(text.as_bytes());
    let (limits, rest): (Vec<_>, Vec<_>) = pairs.into_owned().partition(|(key, _)| key == "limit");
    let limit = match limits.last() {
        None => 100,
        Some((_, text)) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
            Error::field("limit", format!("“{text}” is not a whole number from 1 to {MOST}"))
        })?,
    };
    let query =
        GalleryQuery::parse(&form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish())?;
    let classes = app.store.list_classes(dataset.id).await?;
    let gallery = query.gallery(&app, &dataset, &classes).await?;
    let store = &app.store;
    let mut listed = store.list_samples_page(dataset.id, &gallery, query.cursor()?, limit + 1).await?;
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
        "total": store.count_samples(dataset.id, &gallery.filter).await?,
        "next_cursor": listed.last().filter(|_| more).map(|last| last.cursor().to_text()),
    })))
}
