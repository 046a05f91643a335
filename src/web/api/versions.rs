//! `/api/v1/datasets/{id}/edits` and `/versions`: edits of a data set, and what became of it.

use super::find_dataset;
use crate::actions::versions::{self, EditRequest};
use crate::domain::edits::SampleState;
use crate::export::{ManifestFormat, manifest};
use crate::store::versions::{Change, Version};
use crate::web::extract::{Json, Path, Query};
use crate::web::{AppState, Error, Result};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many changed samples an answer lists; their number is always given.
const CHANGES_LISTED: i64 = 10_000;

/// `…/versions/{number}/manifest.csv` and its kin, for scripts and for people.
pub(crate) async fn manifest_file(
    State(app): State<AppState>,
    Path((id, number, file)): Path<(i64, i64, String)>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    versions::find(&app.store, &dataset, number).await?;
    let format =
        ManifestFormat::ALL.into_iter().find(|format| file == format!("manifest.{}", format.ending()));
    let format =
        format.ok_or(Error::NotFound("file; there are manifest.csv, manifest.jsonl and manifest.parquet"))?;
    let rows = app.store.list_manifest(dataset.id, number).await?;
    // What a manifest refuses is for a person to know: it says which other format will do.
    let bytes = tokio::task::spawn_blocking(move || manifest(&rows, format)).await?;
    let bytes = bytes.map_err(|why| Error::Conflict(why.to_string()))?;
    // Whatever a header and every file system can carry.
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = dataset.name.chars().map(plain).collect();
    let disposition = format!("attachment; filename=\"{name}-v{number}.{}\"", format.ending());
    let headers =
        [(header::CONTENT_TYPE, format.mime().to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

/// `POST /api/v1/datasets/{id}/edits`.
pub(crate) async fn edit(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Json(request): Json<EditRequest>,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&app, id).await?;
    let version = versions::edit(&app.store, &app.health, &dataset, request).await?;
    Ok((StatusCode::CREATED, Json(version_json(&version))))
}

pub(crate) async fn list(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    let versions = app.store.list_versions(dataset.id).await?;
    Ok(Json(json!({"items": versions.iter().rev().map(version_json).collect::<Vec<_>>()})))
}

/// What two versions differ in: `?from=2&to=5`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompareQuery {
    from: i64,
    to: i64,
}

/// `GET …/versions/compare?from=2&to=5`: the samples that differ, from the older version to the newer.
pub(crate) async fn compare(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<CompareQuery>,
) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    let (older, newer) = (query.from.min(query.to), query.from.max(query.to));
    for number in [older, newer] {
        versions::find(&app.store, &dataset, number).await?;
    }
    let names = app.store.class_names_at(dataset.id, newer).await?.into_iter().collect();
    let changes = app.store.list_changes_between(dataset.id, (older, newer), CHANGES_LISTED).await?;
    let changes: Vec<Value> = changes.iter().map(|change| change_json(change, &names)).collect();
    Ok(Json(json!({"from": older, "to": newer, "changes": changes})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoteBody {
    note: String,
}

/// `PUT …/versions/{number}/note`: another note; an empty one takes it away.
pub(crate) async fn set_note(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
    Json(body): Json<NoteBody>,
) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    let version = versions::set_note(&app.store, &dataset, number, &body.note).await?;
    Ok(Json(version_json(&version)))
}

/// One version with what it changed.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    let version = versions::find(&app.store, &dataset, number).await?;
    let names: BTreeMap<i64, String> =
        app.store.class_names_at(dataset.id, number).await?.into_iter().collect();
    let changes = app.store.list_changes(dataset.id, number, CHANGES_LISTED).await?;
    let mut answer = version_json(&version);
    answer["changes"] = changes.iter().map(|change| change_json(change, &names)).collect();
    Ok(Json(answer))
}

fn version_json(version: &Version) -> Value {
    let renames: Vec<Value> =
        version.renames.iter().map(|(_, before, after)| json!({"before": before, "after": after})).collect();
    json!({
        "number": version.number,
        "created_at_ms": version.created_at_ms,
        "action": version.action,
        // As before there was an action: the person's note or, without one, the change.
        "note": if version.note.is_empty() { &version.action } else { &version.note },
        "fingerprint": version.fingerprint,
        "changed": version.changed,
        "renamed": renames,
        "undoes": version.undoes,
    })
}

fn change_json(change: &Change, names: &BTreeMap<i64, String>) -> Value {
    let state = |state: &SampleState| json!({"class": names.get(&state.label), "split": state.split, "excluded": state.excluded});
    json!({
        "sample_id": change.sample,
        "path": change.path,
        "before": state(&change.before),
        "after": state(&change.after),
    })
}
