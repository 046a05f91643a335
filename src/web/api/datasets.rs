//! `/api/v1/datasets`.

use super::{find_dataset, format_from_word};
use crate::actions::datasets::{self as actions, Removal};
use crate::store::datasets::Dataset;
use crate::web::extract::{Json, Path};
use crate::web::{AppState, Error, Result};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use protocol::sample::Split;
use serde::Deserialize;
use serde_json::{Value, json};

/// How many rejected files an answer lists; their number is always given.
const REJECTED_LISTED: i64 = 1000;

pub(crate) async fn list(State(app): State<AppState>) -> Result<Json<Value>> {
    let mut items = Vec::new();
    for dataset in app.store.list_datasets().await? {
        items.push(dataset_json(&app, &dataset).await?);
    }
    Ok(Json(json!({"items": items})))
}

pub(crate) async fn show(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    Ok(Json(dataset_json(&app, &dataset).await?))
}

/// `DELETE /api/v1/datasets/{id}`; with `?runs=true` its runs before it.
pub(crate) async fn delete(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    RawQuery(query): RawQuery,
) -> Result<StatusCode> {
    let dataset = find_dataset(&app, id).await?;
    if query.as_deref() == Some("runs=true") {
        crate::actions::runs::delete_all_of(&app.store, &app.runs, dataset.id).await?;
    }
    Ok(match actions::remove(&app.store, &app.imports, &dataset).await? {
        Removal::Removed => StatusCode::NO_CONTENT,
        Removal::Stopping => StatusCode::ACCEPTED,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherFormat {
    format: String,
}

/// `POST /api/v1/datasets/{id}/format`: 202 and what takes its place.
pub(crate) async fn read_again(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Json(request): Json<OtherFormat>,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&app, id).await?;
    let format = format_from_word("format", &request.format)?
        .ok_or_else(|| Error::field("format", "say which format it is"))?;
    let id = actions::read_again(&app.imports, &dataset, format).await?;
    Ok((StatusCode::ACCEPTED, Json(dataset_json(&app, &find_dataset(&app, id.0).await?).await?)))
}

/// A data set as the contract has it.
pub(crate) async fn dataset_json(app: &AppState, dataset: &Dataset) -> Result<Value> {
    let classes = app.store.list_class_counts(dataset.id).await?;
    let rejected = app.store.list_rejected(dataset.id, REJECTED_LISTED).await?;
    let sum = |split: Split| classes.iter().map(|class| class.of(split)).sum::<u64>();
    let progress = app.imports.status(dataset.id).map(|status| {
        json!({
            "stage": status.progress.stage.as_str(),
            "done": status.progress.done,
            "total": status.progress.total,
            "seconds_left": status.seconds_left,
        })
    });
    Ok(json!({
        "id": dataset.id,
        "name": dataset.name,
        "state": dataset.state.as_str(),
        "source": dataset.source,
        "format": dataset.format,
        "evidence": dataset.evidence,
        "readings": dataset.readings,
        "progress": progress,
        "classes": classes.iter().map(|class| json!({
            "name": class.name,
            "count": class.total(),
            "splits": {"train": class.of(Split::Train), "val": class.of(Split::Val), "test": class.of(Split::Test)},
        })).collect::<Vec<_>>(),
        "splits": {"train": sum(Split::Train), "val": sum(Split::Val), "test": sum(Split::Test)},
        "split_note": dataset.split_note,
        "rejected": rejected.iter().map(|file| json!({"path": file.path, "reason": file.reason})).collect::<Vec<_>>(),
        "rejected_count": app.store.count_rejected(dataset.id).await?,
        "fingerprint": dataset.fingerprint,
        "failure": dataset.failure,
    }))
}
