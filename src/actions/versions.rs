//! Edits of a data set: each makes a version, which can be taken back.

use super::{Error, Result};
use crate::domain::edits::{Edit, class_name};
use crate::domain::health::{IssueKind, Report};
use crate::domain::ids::SampleId;
use crate::jobs::health::{Examined, Health};
use crate::store::Store;
use crate::store::datasets::Dataset;
use crate::store::samples::SampleFilter;
use crate::store::versions::Version;
use protocol::sample::Split;
use serde::Deserialize;
use std::collections::HashSet;

/// The longest note.
const NOTE_CHARS: usize = 500;

/// What may be asked of `POST …/edits`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum EditRequest {
    /// To another class, which is made where it is new.
    Relabel {
        /// Which images.
        samples: Vec<i64>,
        /// To which class.
        class: String,
        /// Why; of the person who does it.
        note: Option<String>,
    },
    /// To another split.
    Move {
        /// Which images.
        samples: Vec<i64>,
        /// `train`, `val` or `test`.
        split: String,
        /// Why.
        note: Option<String>,
    },
    /// Out of runs and galleries.
    Exclude {
        /// Which images.
        samples: Vec<i64>,
        /// Why.
        note: Option<String>,
    },
    /// Back in.
    Restore {
        /// Which images.
        samples: Vec<i64>,
        /// Why.
        note: Option<String>,
    },
    /// Another name; the name of another class merges the two.
    RenameClass {
        /// Its name now.
        class: String,
        /// The new one.
        name: String,
        /// Why.
        note: Option<String>,
    },
    /// Of every set of duplicates that agree on their class, all but one are excluded.
    DropDuplicates {
        /// `exact_duplicate` or `near_duplicate`.
        kind: String,
    },
    /// Samples with a copy in another split are moved to train.
    MoveLeaked {},
    /// The newest change that stands is taken back; where a version is named, only if it is that one.
    Undo {
        /// The change.
        version: Option<i64>,
    },
    /// The newest undo is taken back; where a version is named, only if it is that one.
    Redo {
        /// The undo.
        version: Option<i64>,
    },
    /// Everything is as it was in a version.
    RestoreVersion {
        /// Which.
        version: i64,
        /// Why.
        note: Option<String>,
    },
}

/// Makes the change and the version that it is; a conflict where nothing would change.
///
/// # Errors
/// The request can't be carried out, or changes nothing.
pub async fn edit(
    store: &Store,
    health: &Health,
    dataset: &Dataset,
    request: EditRequest,
) -> Result<Version> {
    let id = dataset.id;
    let text = |field: &str, text: &str| class_name(text).map_err(|why| Error::field(field, why));
    let (made, nothing) = match request {
        EditRequest::Relabel { samples, class, note } => {
            let edit = Edit::Relabel(text("class", &class)?);
            let made = edit_selection(store, dataset, &samples, &edit, note).await?;
            (made, "they already have that label".to_owned())
        }
        EditRequest::Move { samples, split, note } => {
            let split: Split = split.parse().map_err(|why: String| Error::field("split", why))?;
            let made = edit_selection(store, dataset, &samples, &Edit::Move(split), note).await?;
            (made, "they already are in that split".to_owned())
        }
        EditRequest::Exclude { samples, note } => {
            let made = edit_selection(store, dataset, &samples, &Edit::Exclude, note).await?;
            (made, "they already are excluded".to_owned())
        }
        EditRequest::Restore { samples, note } => {
            let made = edit_selection(store, dataset, &samples, &Edit::Restore, note).await?;
            (made, "they are not excluded".to_owned())
        }
        EditRequest::RenameClass { class, name, note } => {
            let classes = store.list_class_counts(id).await?;
            let label = classes.iter().find(|other| other.name == class).map(|other| other.label);
            let label = label.ok_or_else(|| Error::field("class", format!("there is no class “{class}”")))?;
            let (name, note) = (text("name", &name)?, checked_note(note)?);
            let made = store.rename_class(id, label, &name, &note).await?;
            (made, "the class already has that name".to_owned())
        }
        EditRequest::DropDuplicates { kind } => {
            let kind = IssueKind::from_word(&kind)
                .filter(|kind| matches!(kind, IssueKind::ExactDuplicate | IssueKind::NearDuplicate))
                .ok_or_else(|| Error::field("kind", "say exact_duplicate or near_duplicate"))?;
            let spare = ids(&newest_report(health, dataset).await?.spare_copies(kind));
            let word = if kind == IssueKind::ExactDuplicate { "exact" } else { "near" };
            let words = format!("{} {word} duplicates excluded, one of each set kept", spare.len());
            let made = store.edit_samples(id, &spare, &Edit::Exclude, Some(&words), "").await?;
            (made, format!("there are no {word} duplicates to drop"))
        }
        EditRequest::MoveLeaked {} => {
            let leaked = ids(&newest_report(health, dataset).await?.leaked());
            let words = "Images with a copy in another split moved to training";
            let made = store.edit_samples(id, &leaked, &Edit::Move(Split::Train), Some(words), "").await?;
            (made, "no image has a copy in another split".to_owned())
        }
        EditRequest::Undo { version } => {
            (store.undo(id, version).await?, not_the_newest(version, "there is no change to undo"))
        }
        EditRequest::Redo { version } => {
            (store.redo(id, version).await?, not_the_newest(version, "there is nothing to redo"))
        }
        EditRequest::RestoreVersion { version, note } => {
            let newest = store.newest_version(id).await?;
            if !(1..=newest).contains(&version) {
                return Err(Error::NotFound("version"));
            }
            let made = store.restore_version(id, version, &checked_note(note)?).await?;
            (made, format!("the data set already is as in version {version}"))
        }
    };
    let number = made.ok_or_else(|| Error::Conflict(format!("Nothing to change: {nothing}.")))?;
    find(store, dataset, number).await
}

/// Gives a version another note; an empty one takes it away.
///
/// # Errors
/// The note is too long, or there is no such version.
pub async fn set_note(store: &Store, dataset: &Dataset, number: i64, note: &str) -> Result<Version> {
    let note = checked_note(Some(note.to_owned()))?;
    store.set_version_note(dataset.id, number, &note).await?;
    find(store, dataset, number).await
}

/// One version.
///
/// # Errors
/// There is none of this number.
pub async fn find(store: &Store, dataset: &Dataset, number: i64) -> Result<Version> {
    let versions = store.list_versions(dataset.id).await?;
    versions.into_iter().find(|version| version.number == number).ok_or(Error::NotFound("version"))
}

fn not_the_newest(version: Option<i64>, otherwise: &str) -> String {
    match version {
        Some(version) => {
            format!("version {version} is not the newest change any more, so it was left as it is")
        }
        None => otherwise.to_owned(),
    }
}

fn ids(samples: &[i64]) -> Vec<SampleId> {
    samples.iter().copied().map(SampleId).collect()
}

fn checked_note(note: Option<String>) -> Result<String> {
    let note = note.unwrap_or_default().trim().to_owned();
    if note.chars().count() > NOTE_CHARS {
        return Err(Error::field("note", format!("a note has up to {NOTE_CHARS} characters")));
    }
    Ok(note)
}

/// Edits samples that were named one by one: refuses a selection of nothing, or of samples that are not there.
async fn edit_selection(
    store: &Store,
    dataset: &Dataset,
    samples: &[i64],
    edit: &Edit,
    note: Option<String>,
) -> Result<Option<i64>> {
    if samples.is_empty() {
        return Err(Error::field("samples", "name at least one sample"));
    }
    let note = checked_note(note)?;
    let samples_named = ids(samples);
    let here = SampleFilter { among: Some(samples_named.clone()), ..SampleFilter::default() };
    let gone = SampleFilter { excluded: true, ..here.clone() };
    let mut found = store.list_sample_ids(dataset.id, &here).await?;
    found.extend(store.list_sample_ids(dataset.id, &gone).await?);
    let found: HashSet<SampleId> = found.into_iter().collect();
    if let Some(id) = samples_named.iter().find(|id| !found.contains(id)) {
        return Err(Error::field("samples", format!("there is no sample {id} in this data set")));
    }
    Ok(store.edit_samples(dataset.id, &samples_named, edit, None, &note).await?)
}

async fn newest_report(health: &Health, dataset: &Dataset) -> Result<Report> {
    match health.of(dataset).await? {
        Examined::Ready(kept) => Ok(kept.report),
        Examined::Failed(why) => Err(Error::Conflict(format!("the examination failed: {why}"))),
        Examined::UnderWay { .. } => {
            Err(Error::Conflict("the data set is being examined; try again in a moment".to_owned()))
        }
    }
}
