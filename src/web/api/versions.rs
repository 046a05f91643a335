//! `/api/v1/datasets/{id}/edits` and `/versions`: edits of a data set, and what became of it.

use super::find_dataset;
use crate::domain::edits::{Edit, SampleState, class_name};
use crate::domain::health::{IssueKind, Report};
use crate::domain::ids::SampleId;
use crate::export::{ManifestFormat, manifest};
use crate::jobs::health::Examined;
use crate::store::datasets::Dataset;
use crate::store::samples::SampleFilter;
use crate::store::versions::{Change, Version};
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use protocol::sample::Split;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// How many changed samples an answer lists; their number is always given.
const CHANGES_LISTED: i64 = 10_000;

/// What may be asked of `POST …/edits`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum EditRequest {
    /// To another class, which is made where it is new.
    Relabel { samples: Vec<i64>, class: String, note: Option<String> },
    /// To another split.
    Move { samples: Vec<i64>, split: String, note: Option<String> },
    /// Out of runs and galleries.
    Exclude { samples: Vec<i64>, note: Option<String> },
    /// Back in.
    Restore { samples: Vec<i64>, note: Option<String> },
    /// Another name; the name of another class merges the two.
    RenameClass { class: String, name: String, note: Option<String> },
    /// Of every set of duplicates that agree on their class, all but one are excluded.
    DropDuplicates { kind: String },
    /// Samples with a copy in another split are moved to train.
    MoveLeaked {},
    /// The newest change that stands is taken back; where a version is named, only if it is that one.
    Undo { version: Option<i64> },
}

/// `…/versions/{number}/manifest.csv` and its kin, for scripts and for people.
pub(crate) async fn manifest_file(
    State(app): State<AppState>,
    Path((id, number, file)): Path<(i64, i64, String)>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    find_version(&app, &dataset, number).await?;
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
    body: Bytes,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&app, id).await?;
    let request: EditRequest =
        serde_json::from_slice(&body).map_err(|why| Error::field("body", why.to_string()))?;
    let version = carry_out(&app, &dataset, request).await?;
    Ok((StatusCode::CREATED, Json(version_json(&version))))
}

/// Makes the change and the version that it is; a conflict where nothing would change.
pub(crate) async fn carry_out(app: &AppState, dataset: &Dataset, request: EditRequest) -> Result<Version> {
    let store = &app.store;
    let ids = |samples: Vec<i64>| -> Vec<SampleId> { samples.into_iter().map(SampleId).collect() };
    if let EditRequest::Relabel { samples, .. }
    | EditRequest::Move { samples, .. }
    | EditRequest::Exclude { samples, .. }
    | EditRequest::Restore { samples, .. } = &request
    {
        check_samples(app, dataset, samples).await?;
    }
    let name = |field: &str, text: &str| class_name(text).map_err(|why| Error::field(field, why));
    let made = match request {
        EditRequest::Relabel { samples, class, note } => {
            let edit = Edit::Relabel(name("class", &class)?);
            store.edit_samples(dataset.id, &ids(samples), &edit, note.as_deref()).await?
        }
        EditRequest::Move { samples, split, note } => {
            let split: Split = split.parse().map_err(|why: String| Error::field("split", why))?;
            store.edit_samples(dataset.id, &ids(samples), &Edit::Move(split), note.as_deref()).await?
        }
        EditRequest::Exclude { samples, note } => {
            store.edit_samples(dataset.id, &ids(samples), &Edit::Exclude, note.as_deref()).await?
        }
        EditRequest::Restore { samples, note } => {
            store.edit_samples(dataset.id, &ids(samples), &Edit::Restore, note.as_deref()).await?
        }
        EditRequest::RenameClass { class, name: to, note } => {
            let classes = store.list_class_counts(dataset.id).await?;
            let label = classes.iter().find(|other| other.name == class).map(|other| other.label);
            let label = label.ok_or_else(|| Error::field("class", format!("there is no class “{class}”")))?;
            store.rename_class(dataset.id, label, &name("name", &to)?, note.as_deref()).await?
        }
        EditRequest::DropDuplicates { kind } => {
            let kind = IssueKind::from_word(&kind)
                .filter(|kind| matches!(kind, IssueKind::ExactDuplicate | IssueKind::NearDuplicate))
                .ok_or_else(|| Error::field("kind", "say exact_duplicate or near_duplicate"))?;
            let spare = ids(newest_report(app, dataset).await?.spare_copies(kind));
            let words = if kind == IssueKind::ExactDuplicate { "exact" } else { "near" };
            let note = format!("{} {words} duplicates excluded, one of each set kept", spare.len());
            store.edit_samples(dataset.id, &spare, &Edit::Exclude, Some(&note)).await?
        }
        EditRequest::MoveLeaked {} => {
            let leaked = ids(newest_report(app, dataset).await?.leaked());
            let edit = Edit::Move(Split::Train);
            let note = "Samples with a copy in another split moved to train";
            store.edit_samples(dataset.id, &leaked, &edit, Some(note)).await?
        }
        EditRequest::Undo { version } => match store.undo(dataset.id, version).await? {
            None if version.is_some() => {
                return Err(Error::Conflict(
                    "that is not the newest change any more, so it was left".to_owned(),
                ));
            }
            made => made,
        },
    };
    let number = made.ok_or_else(|| Error::Conflict("nothing changes: it is so already".to_owned()))?;
    find_version(app, dataset, number).await
}

/// Refuses a selection of nothing, or of samples that are not there.
async fn check_samples(app: &AppState, dataset: &Dataset, samples: &[i64]) -> Result<()> {
    if samples.is_empty() {
        return Err(Error::field("samples", "name at least one sample"));
    }
    let ids: Vec<SampleId> = samples.iter().copied().map(SampleId).collect();
    let here = SampleFilter { among: Some(ids), ..SampleFilter::default() };
    let gone = SampleFilter { excluded: true, ..here.clone() };
    let mut found = app.store.list_sample_ids(dataset.id, &here).await?;
    found.extend(app.store.list_sample_ids(dataset.id, &gone).await?);
    let found: HashSet<i64> = found.into_iter().map(|id| id.0).collect();
    match samples.iter().find(|id| !found.contains(id)) {
        Some(id) => Err(Error::field("samples", format!("{id} is no sample of this data set"))),
        None => Ok(()),
    }
}

async fn newest_report(app: &AppState, dataset: &Dataset) -> Result<Report> {
    match app.health.of(dataset).await? {
        Examined::Ready(kept) => Ok(kept.report),
        Examined::Failed(why) => Err(Error::Conflict(format!("the examination failed: {why}"))),
        Examined::UnderWay { .. } => {
            Err(Error::Conflict("the data set is being examined; try again in a moment".to_owned()))
        }
    }
}

/// One version, or a 404.
pub(crate) async fn find_version(app: &AppState, dataset: &Dataset, number: i64) -> Result<Version> {
    let versions = app.store.list_versions(dataset.id).await?;
    versions.into_iter().find(|version| version.number == number).ok_or(Error::NotFound("version"))
}

pub(crate) async fn list(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    let versions = app.store.list_versions(dataset.id).await?;
    Ok(Json(json!({"items": versions.iter().rev().map(version_json).collect::<Vec<_>>()})))
}

/// One version with what it changed.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    let version = find_version(&app, &dataset, number).await?;
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
        "note": version.note,
        "fingerprint": version.fingerprint,
        "changed": version.changed,
        "renamed": renames,
        "undoes": version.undoes,
    })
}

fn change_json(change: &Change, names: &BTreeMap<i64, String>) -> Value {
    let standing = |standing: &SampleState| json!({"class": names.get(&standing.label), "split": standing.split, "excluded": standing.excluded});
    json!({
        "sample_id": change.sample,
        "path": change.path,
        "before": standing(&change.before),
        "after": standing(&change.after),
    })
}
