//! Versions of a data set: every change to its samples or classes, with what it was before.

use super::{Store, bad_json, keep_readable, unknown};
use crate::domain::edits::{History, SampleState, VersionKind};
use crate::domain::ids::{DatasetId, SampleId};
use serde_json::{Map, Value};
use sqlx::FromRow;

/// A version's row.
#[derive(Clone, Debug)]
pub struct Version {
    /// From 1, the import.
    pub number: i64,
    /// When it was made.
    pub created_at_ms: i64,
    /// The change, in words.
    pub action: String,
    /// What a person noted with it; empty where nothing was.
    pub note: String,
    /// What kind of change it is.
    pub kind: VersionKind,
    /// Of what is in it.
    pub fingerprint: String,
    /// Classes that were renamed: label, before, after.
    pub renames: Vec<(i64, String, String)>,
    /// The version that it takes back.
    pub undoes: Option<i64>,
    /// Samples that it changed.
    pub changed: i64,
}

#[derive(FromRow)]
struct VersionRow {
    number: i64,
    created_at_ms: i64,
    action: Option<String>,
    note: String,
    fingerprint: String,
    renames: String,
    undoes: Option<i64>,
    changed: i64,
}

impl Version {
    /// The change and, where there is one, the note: `3 images: dog → cat · blurry`.
    pub fn words(&self) -> String {
        if self.note.is_empty() { self.action.clone() } else { format!("{} · {}", self.action, self.note) }
    }
}

/// A sample that differs between two versions.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which.
    pub sample: SampleId,
    /// Its path.
    pub path: String,
    /// Names its file.
    pub hash: String,
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// In the older version.
    pub before: SampleState,
    /// In the newer one.
    pub after: SampleState,
}

/// The columns of a change that say how a sample was and how it is.
#[derive(FromRow)]
pub(super) struct StatesRow {
    label_before: i64,
    label_after: i64,
    split_before: String,
    split_after: String,
    excluded_before: bool,
    excluded_after: bool,
}

impl StatesRow {
    /// Before and after.
    pub(super) fn read(&self) -> sqlx::Result<(SampleState, SampleState)> {
        let state = |label: i64, split: &str, excluded: bool| -> sqlx::Result<SampleState> {
            Ok(SampleState { label, split: split.parse().map_err(|_| unknown("split", split))?, excluded })
        };
        Ok((
            state(self.label_before, &self.split_before, self.excluded_before)?,
            state(self.label_after, &self.split_after, self.excluded_after)?,
        ))
    }
}

#[derive(FromRow)]
struct ChangeRow {
    id: SampleId,
    path: String,
    hash: String,
    width: i64,
    height: i64,
    #[sqlx(flatten)]
    states: StatesRow,
}

impl TryFrom<ChangeRow> for Change {
    type Error = sqlx::Error;

    fn try_from(row: ChangeRow) -> sqlx::Result<Change> {
        let (before, after) = row.states.read()?;
        Ok(Change {
            sample: row.id,
            before,
            after,
            path: row.path,
            hash: row.hash,
            width: row.width,
            height: row.height,
        })
    }
}

/// One line of a manifest.
#[derive(Clone, Debug)]
pub struct ManifestRow {
    /// Relative to the data set's root.
    pub path: String,
    /// The class's name.
    pub label: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// Of the file's bytes.
    pub hash: String,
    /// What else its source says of it: texts and numbers by name.
    pub metadata: Map<String, Value>,
}

impl Store {
    /// Every version, oldest first.
    pub async fn list_versions(&self, id: DatasetId) -> sqlx::Result<Vec<Version>> {
        let rows: Vec<VersionRow> = sqlx::query_as(
            "select number, created_at_ms, action, note, fingerprint, renames, undoes,
                    (select count(*) from changes where dataset_id = versions.dataset_id and version = number) as changed
             from versions where dataset_id = ? order by number",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        let history = History::new(rows.iter().map(|row| (row.number, row.undoes)));
        let mut versions = Vec::new();
        for row in rows {
            versions.push(Version {
                number: row.number,
                created_at_ms: row.created_at_ms,
                action: match row.action {
                    Some(action) => action,
                    None => self.describe_changes(id, row.number).await?,
                },
                note: row.note,
                kind: history.kind(row.number).unwrap_or(VersionKind::Change),
                fingerprint: row.fingerprint,
                renames: serde_json::from_str(&row.renames).unwrap_or_else(|error| {
                    tracing::error!(dataset.id = %id, version = row.number, %error, "its renames can't be read and are left out");
                    Vec::new()
                }),
                undoes: row.undoes,
                changed: row.changed,
            });
        }
        Ok(versions)
    }

    /// The newest version's number; 0 before there is one.
    pub async fn newest_version(&self, id: DatasetId) -> sqlx::Result<i64> {
        sqlx::query_scalar("select coalesce(max(number), 0) from versions where dataset_id = ?")
            .bind(id)
            .fetch_one(&self.read)
            .await
    }

    /// The samples that differ between two versions, the older one first, by number, at most `limit` of them.
    pub async fn list_changes_between(
        &self,
        id: DatasetId,
        (older, newer): (i64, i64),
        limit: i64,
    ) -> sqlx::Result<Vec<Change>> {
        // What a sample was in a version is what its first change behind it found, else what it is.
        let rows: Vec<ChangeRow> = sqlx::query_as(
            "select samples.id, path, hash, width, height, was.label_before, coalesce(became.label_before, label) as label_after,
                    was.split_before, coalesce(became.split_before, split) as split_after,
                    was.excluded_before, coalesce(became.excluded_before, excluded) as excluded_after
             from changes as was
             join samples on samples.id = was.sample_id
             left join changes as became on became.sample_id = samples.id
               and became.version = (select min(version) from changes as other
                                     where other.sample_id = samples.id and other.version > ?3)
             where was.dataset_id = ?1
               and was.version = (select min(version) from changes as other
                                  where other.sample_id = samples.id and other.version > ?2)
               and (was.label_before <> coalesce(became.label_before, label)
                    or was.split_before <> coalesce(became.split_before, split)
                    or was.excluded_before <> coalesce(became.excluded_before, excluded))
             order by samples.id limit ?4",
        )
        .bind(id)
        .bind(older)
        .bind(newer)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(keep_readable("change of a version", rows))
    }

    /// Every version that changed a sample, with what it did to it, oldest first.
    pub async fn list_sample_changes(&self, id: SampleId) -> sqlx::Result<Vec<(i64, Change)>> {
        #[derive(FromRow)]
        struct Row {
            version: i64,
            #[sqlx(flatten)]
            change: ChangeRow,
        }
        let rows: Vec<Row> = sqlx::query_as(
            "select version, samples.id, path, hash, width, height, label_before, label_after,
                    split_before, split_after, excluded_before, excluded_after
             from changes join samples on samples.id = changes.sample_id where sample_id = ? order by version",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        let read = |row: Row| {
            let change = Change::try_from(row.change);
            let logged = change.inspect_err(
                |error| tracing::error!(%error, "a change of a sample can't be read and is left out"),
            );
            Some((row.version, logged.ok()?))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// What one version changed, by sample, at most `limit` of them.
    pub async fn list_changes(&self, id: DatasetId, version: i64, limit: i64) -> sqlx::Result<Vec<Change>> {
        let rows: Vec<ChangeRow> = sqlx::query_as(
            "select samples.id, path, hash, width, height, label_before, label_after,
                    split_before, split_after, excluded_before, excluded_after
             from changes join samples on samples.id = changes.sample_id
             where changes.dataset_id = ? and version = ? order by samples.id limit ?",
        )
        .bind(id)
        .bind(version)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(keep_readable("change of a version", rows))
    }

    /// What is in a version, by path. Classes have the names that they had in it.
    pub async fn list_manifest(&self, id: DatasetId, version: i64) -> sqlx::Result<Vec<ManifestRow>> {
        let rows: Vec<(String, i64, String, String, Option<String>)> = sqlx::query_as(
            "select path, coalesce(label_before, label), coalesce(split_before, split), hash, metadata
             from samples left join changes on changes.sample_id = samples.id
               and version = (select min(version) from changes as other
                              where other.sample_id = samples.id and other.version > ?2)
             where samples.dataset_id = ?1 and coalesce(excluded_before, excluded) = 0
             order by path",
        )
        .bind(id)
        .bind(version)
        .fetch_all(&self.read)
        .await?;
        let names = self.class_names_at(id, version).await?;
        rows.into_iter()
            .map(|(path, label, split, hash, metadata)| {
                let name = names.iter().find(|(other, _)| *other == label);
                let metadata = metadata.map(|text| serde_json::from_str(&text)).transpose();
                Ok(ManifestRow {
                    path,
                    label: name.map_or_else(String::new, |(_, name)| name.clone()),
                    split,
                    hash,
                    metadata: metadata.map_err(|error| bad_json("metadata", error))?.unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Label and name of every class that there ever was, as they were called in a version.
    pub async fn class_names_at(&self, id: DatasetId, version: i64) -> sqlx::Result<Vec<(i64, String)>> {
        let mut names: Vec<(i64, String)> =
            sqlx::query_as("select label, name from classes where dataset_id = ? order by label")
                .bind(id)
                .fetch_all(&self.read)
                .await?;
        for later in self.list_versions(id).await?.iter().rev().take_while(|later| later.number > version) {
            for (label, before, _) in &later.renames {
                if let Some((_, name)) = names.iter_mut().find(|(other, _)| other == label) {
                    name.clone_from(before);
                }
            }
        }
        Ok(names)
    }
}

/// Numbers as JSON, which SQLite takes as a table.
pub(super) fn json_list(samples: &[SampleId]) -> String {
    let numbers: Vec<i64> = samples.iter().map(|sample| sample.0).collect();
    serde_json::to_string(&numbers).unwrap_or_default()
}
