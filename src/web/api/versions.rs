//! `/api/v1/datasets/{id}/edits` and `/versions`: mending a data set, and what became of it.

use super::find_dataset;
use crate::domain::health::{IssueKind, Report};
use crate::domain::ids::SampleId;
use crate::domain::mending::{Edit, Standing, class_name};
use crate::export::{ManifestForm, manifest};
use crate::health::Examined;
use crate::store::datasets::Dataset;
use crate::store::samples::SampleFilter;
use crate::store::versions::{Change, Version};
use crate::web::extract::Path;
use crate::web::{Error, Result, State};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Held;
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
pub(in crate::web) enum Asked {
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
pub(in crate::web) async fn manifest_file(
    Held(state): Held<State>,
    Path((id, number, file)): Path<(i64, i64, String)>,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    find_version(&state, &dataset, number).await?;
    let form = ManifestForm::ALL.into_iter().find(|form| file == format!("manifest.{}", form.ending()));
    let form =
        form.ok_or(Error::NotFound("file; there are manifest.csv, manifest.jsonl and manifest.parquet"))?;
    let rows = state.store.list_manifest(dataset.id, number).await?;
    // What a manifest refuses is for a person to know: it says which other form will do.
    let bytes = tokio::task::spawn_blocking(move || manifest(&rows, form)).await?;
    let bytes = bytes.map_err(|why| Error::Conflict(why.to_string()))?;
    // Whatever a header and every file system can carry.
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let name: String = dataset.name.chars().map(plain).collect();
    let disposition = format!("attachment; filename=\"{name}-v{number}.{}\"", form.ending());
    let headers =
        [(header::CONTENT_TYPE, form.mime().to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

/// `POST /api/v1/datasets/{id}/edits`.
pub(in crate::web) async fn edit(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>)> {
    let dataset = find_dataset(&state, id).await?;
    let asked: Asked = serde_json::from_slice(&body).map_err(|why| Error::field("body", why.to_string()))?;
    let version = carry_out(&state, &dataset, asked).await?;
    Ok((StatusCode::CREATED, Json(version_json(&version))))
}

/// Makes the change and the version that it is; a conflict where nothing would change.
pub(in crate::web) async fn carry_out(state: &State, dataset: &Dataset, asked: Asked) -> Result<Version> {
    let store = &state.store;
    let ids = |samples: Vec<i64>| -> Vec<SampleId> { samples.into_iter().map(SampleId).collect() };
    if let Asked::Relabel { samples, .. }
    | Asked::Move { samples, .. }
    | Asked::Exclude { samples, .. }
    | Asked::Restore { samples, .. } = &asked
    {
        check_samples(state, dataset, samples).await?;
    }
    let name = |field: &str, text: &str| class_name(text).map_err(|why| Error::field(field, why));
    let made = match asked {
        Asked::Relabel { samples, class, note } => {
            let edit = Edit::Relabel(name("class", &class)?);
            store.edit_samples(dataset.id, &ids(samples), &edit, note.as_deref()).await?
        }
        Asked::Move { samples, split, note } => {
            let split: Split = split.parse().map_err(|why: String| Error::field("split", why))?;
            store.edit_samples(dataset.id, &ids(samples), &Edit::Move(split), note.as_deref()).await?
        }
        Asked::Exclude { samples, note } => {
            store.edit_samples(dataset.id, &ids(samples), &Edit::Exclude, note.as_deref()).await?
        }
        Asked::Restore { samples, note } => {
            store.edit_samples(dataset.id, &ids(samples), &Edit::Restore, note.as_deref()).await?
        }
        Asked::RenameClass { class, name: to, note } => {
            let classes = store.list_class_counts(dataset.id).await?;
            let label = classes.iter().find(|other| other.name == class).map(|other| other.label);
            let label = label.ok_or_else(|| Error::field("class", format!("there is no class “{class}”")))?;
            store.rename_class(dataset.id, label, &name("name", &to)?, note.as_deref()).await?
        }
        Asked::DropDuplicates { kind } => {
            let kind = IssueKind::from_word(&kind)
                .filter(|kind| matches!(kind, IssueKind::ExactDuplicate | IssueKind::NearDuplicate))
                .ok_or_else(|| Error::field("kind", "say exact_duplicate or near_duplicate"))?;
            let spare = ids(newest_report(state, dataset).await?.spare_copies(kind));
            let words = if kind == IssueKind::ExactDuplicate { "exact" } else { "near" };
            let note = format!("{} {words} duplicates excluded, one of each set kept", spare.len());
            store.edit_samples(dataset.id, &spare, &Edit::Exclude, Some(&note)).await?
        }
        Asked::MoveLeaked {} => {
            let leaked = ids(newest_report(state, dataset).await?.leaked());
            let edit = Edit::Move(Split::Train);
            let note = "Samples with a copy in another split moved to train";
            store.edit_samples(dataset.id, &leaked, &edit, Some(note)).await?
        }
        Asked::Undo { version } => match store.undo(dataset.id, version).await? {
            None if version.is_some() => {
                return Err(Error::Conflict(
                    "that is not the newest change any more, so it was left".to_owned(),
                ));
            }
            made => made,
        },
    };
    let number = made.ok_or_else(|| Error::Conflict("nothing changes: it is so already".to_owned()))?;
    find_version(state, dataset, number).await
}

/// Refuses a selection of nothing, or of samples that are not there.
async fn check_samples(state: &State, dataset: &Dataset, samples: &[i64]) -> Result<()> {
    if samples.is_empty() {
        return Err(Error::field("samples", "name at least one sample"));
    }
    let ids: Vec<SampleId> = samples.iter().copied().map(SampleId).collect();
    let here = SampleFilter { among: Some(ids), ..SampleFilter::default() };
    let gone = SampleFilter { excluded: true, ..here.clone() };
    let mut found = state.store.list_sample_ids(dataset.id, &here).await?;
    found.extend(state.store.list_sample_ids(dataset.id, &gone).await?);
    let found: HashSet<i64> = found.into_iter().map(|id| id.0).collect();
    match samples.iter().find(|id| !found.contains(id)) {
        Some(id) => Err(Error::field("samples", format!("{id} is no sample of this data set"))),
        None => Ok(()),
    }
}

async fn newest_report(state: &State, dataset: &Dataset) -> Result<Report> {
    match state.health.of(dataset).await? {
        Examined::Ready(kept) => Ok(kept.report),
        Examined::Failed(why) => Err(Error::Conflict(format!("the examination failed: {why}"))),
        Examined::UnderWay { .. } => {
            Err(Error::Conflict("the data set is being examined; try again in a moment".to_owned()))
        }
    }
}

/// One version, or a 404.
pub(in crate::web) async fn find_version(state: &State, dataset: &Dataset, number: i64) -> Result<Version> {
    let versions = state.store.list_versions(dataset.id).await?;
    versions.into_iter().find(|version| version.number == number).ok_or(Error::NotFound("version"))
}

pub(in crate::web) async fn list(Held(state): Held<State>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let dataset = find_dataset(&state, id).await?;
    let versions = state.store.list_versions(dataset.id).await?;
    Ok(Json(json!({"items": versions.iter().rev().map(version_json).collect::<Vec<_>>()})))
}

/// One version with what it changed.
pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<Json<Value>> {
    let dataset = find_dataset(&state, id).await?;
    let version = find_version(&state, &dataset, number).await?;
    let names: BTreeMap<i64, String> =
        state.store.class_names_at(dataset.id, number).await?.into_iter().collect();
    let changes = state.store.list_changes(dataset.id, number, CHANGES_LISTED).await?;
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
    let standing = |standing: &Standing| json!({"class": names.get(&standing.label), "split": standing.split, "excluded": standing.excluded});
    json!({
        "sample_id": change.sample,
        "path": change.path,
        "before": standing(&change.before),
        "after": standing(&change.after),
    })
}
