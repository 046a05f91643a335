//! Versions of a data set: every change to its samples or classes, with what it was before.

use super::{Store, bad_json, now_ms, unknown};
use crate::domain::edits::{Edit, SampleState, fingerprint, to_undo};
use crate::domain::ids::{DatasetId, SampleId};
use protocol::sample::Split;
use serde_json::{Map, Value};
use sqlx::{FromRow, SqliteConnection};

/// A version's row.
#[derive(Clone, Debug)]
pub struct Version {
    /// From 1, the import.
    pub number: i64,
    /// When it was made.
    pub created_at_ms: i64,
    /// The change, in words.
    pub note: String,
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
    note: String,
    fingerprint: String,
    renames: String,
    undoes: Option<i64>,
    changed: i64,
}

impl TryFrom<VersionRow> for Version {
    type Error = sqlx::Error;

    fn try_from(row: VersionRow) -> sqlx::Result<Version> {
        Ok(Version {
            number: row.number,
            created_at_ms: row.created_at_ms,
            note: row.note,
            fingerprint: row.fingerprint,
            renames: serde_json::from_str(&row.renames).map_err(|error| bad_json("renames", error))?,
            undoes: row.undoes,
            changed: row.changed,
        })
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

#[derive(FromRow)]
struct ChangeRow {
    id: SampleId,
    path: String,
    hash: String,
    width: i64,
    height: i64,
    label_before: i64,
    label_after: i64,
    split_before: String,
    split_after: String,
    excluded_before: bool,
    excluded_after: bool,
}

impl TryFrom<ChangeRow> for Change {
    type Error = sqlx::Error;

    fn try_from(row: ChangeRow) -> sqlx::Result<Change> {
        let split = |word: &str| word.parse::<Split>().map_err(|_| unknown("split", word));
        Ok(Change {
            sample: row.id,
            before: SampleState {
                label: row.label_before,
                split: split(&row.split_before)?,
                excluded: row.excluded_before,
            },
            after: SampleState {
                label: row.label_after,
                split: split(&row.split_after)?,
                excluded: row.excluded_after,
            },
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
            "select number, created_at_ms, note, fingerprint, renames, undoes,
                    (select count(*) from changes where dataset_id = versions.dataset_id and version = number) as changed
             from versions where dataset_id = ? order by number",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Version::try_from).collect()
    }

    /// The newest version's number; 0 before there is one.
    pub async fn newest_version(&self, id: DatasetId) -> sqlx::Result<i64> {
        sqlx::query_scalar("select coalesce(max(number), 0) from versions where dataset_id = ?")
            .bind(id)
            .fetch_one(&self.read)
            .await
    }

    /// Changes samples of a data set and makes a version of it; `None` where nothing would change.
    ///
    /// `note` takes the place of the words made of the edit.
    pub async fn edit_samples(
        &self,
        id: DatasetId,
        samples: &[SampleId],
        edit: &Edit,
        note: Option<&str>,
    ) -> sqlx::Result<Option<i64>> {
        let mut transaction = self.write.begin().await?;
        let label = match edit {
            Edit::Relabel(class) => Some(find_or_make_class(&mut transaction, id, class).await?),
            _ => None,
        };
        let split = match edit {
            Edit::Move(split) => Some(split.as_str()),
            _ => None,
        };
        let excluded = match edit {
            Edit::Exclude => Some(1_i64),
            Edit::Restore => Some(0),
            _ => None,
        };
        let number = begin_version(&mut transaction, id).await?;
        let changed = sqlx::query(
            "insert into changes
             select dataset_id, ?2, id, label, coalesce(?4, label), split, coalesce(?5, split),
                    excluded, coalesce(?6, excluded)
             from samples
             where dataset_id = ?1 and id in (select value from json_each(?3))
               and (label <> coalesce(?4, label) or split <> coalesce(?5, split) or excluded <> coalesce(?6, excluded))",
        )
        .bind(id)
        .bind(number)
        .bind(json_list(samples))
        .bind(label)
        .bind(split)
        .bind(excluded)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        let note = note.map_or_else(|| edit.note(changed), str::to_owned);
        finish_version(transaction, id, number, changed > 0, &note, None).await
    }

    /// Gives a class another name; where that is another class's, both become one. `None` where nothing would change.
    pub async fn rename_class(
        &self,
        id: DatasetId,
        label: i64,
        name: &str,
        note: Option<&str>,
    ) -> sqlx::Result<Option<i64>> {
        let mut transaction = self.write.begin().await?;
        let before: String =
            sqlx::query_scalar("select name from classes where dataset_id = ? and label = ?")
                .bind(id)
                .bind(label)
                .fetch_one(&mut *transaction)
                .await?;
        if before == name {
            return Ok(None);
        }
        let number = begin_version(&mut transaction, id).await?;
        let words = match find_class(&mut transaction, id, name).await? {
            Some(other) => {
                sqlx::query(
                    "insert into changes
                     select dataset_id, ?2, id, label, ?4, split, split, excluded, excluded
                     from samples where dataset_id = ?1 and label = ?3",
                )
                .bind(id)
                .bind(number)
                .bind(label)
                .bind(other)
                .execute(&mut *transaction)
                .await?;
                format!("Class “{before}” merged into “{name}”")
            }
            None => {
                set_class_name(&mut transaction, id, label, name).await?;
                set_renames(&mut transaction, id, number, &[(label, before.clone(), name.to_owned())])
                    .await?;
                format!("Class “{before}” renamed to “{name}”")
            }
        };
        let note = note.map_or(words, str::to_owned);
        finish_version(transaction, id, number, true, &note, None).await
    }

    /// Takes back the newest change that stands; `None` where there is none, or where it is not the one `expected`.
    pub async fn undo(&self, id: DatasetId, expected: Option<i64>) -> sqlx::Result<Option<i64>> {
        let mut transaction = self.write.begin().await?;
        let versions: Vec<(i64, Option<i64>)> =
            sqlx::query_as("select number, undoes from versions where dataset_id = ? order by number")
                .bind(id)
                .fetch_all(&mut *transaction)
                .await?;
        let undone = to_undo(&versions).filter(|undone| expected.is_none_or(|expected| expected == *undone));
        let Some(undone) = undone else { return Ok(None) };
        let number = begin_version(&mut transaction, id).await?;
        sqlx::query(
            "insert into changes
             select samples.dataset_id, ?3, samples.id, samples.label, label_before, samples.split, split_before,
                    samples.excluded, excluded_before
             from changes join samples on samples.id = changes.sample_id
             where changes.dataset_id = ?1 and changes.version = ?2",
        )
        .bind(id)
        .bind(undone)
        .bind(number)
        .execute(&mut *transaction)
        .await?;
        let renames: String =
            sqlx::query_scalar("select renames from versions where dataset_id = ? and number = ?")
                .bind(id)
                .bind(undone)
                .fetch_one(&mut *transaction)
                .await?;
        let renames: Vec<(i64, String, String)> =
            serde_json::from_str(&renames).map_err(|error| bad_json("renames", error))?;
        let back: Vec<(i64, String, String)> =
            renames.into_iter().map(|(label, before, after)| (label, after, before)).collect();
        for (label, _, name) in &back {
            set_class_name(&mut transaction, id, *label, name).await?;
        }
        set_renames(&mut transaction, id, number, &back).await?;
        finish_version(transaction, id, number, true, &format!("Undo of version {undone}"), Some(undone))
            .await
    }

    /// The samples that differ between a version and the newest, by number, at most `limit` of them.
    pub async fn list_changes_since(
        &self,
        id: DatasetId,
        version: i64,
        limit: i64,
    ) -> sqlx::Result<Vec<Change>> {
        // What a sample was in a version is what its first change behind it found.
        let rows: Vec<ChangeRow> = sqlx::query_as(
            "select samples.id, path, hash, width, height, label_before, samples.label as label_after,
                    split_before, samples.split as split_after, excluded_before, samples.excluded as excluded_after
             from changes join samples on samples.id = changes.sample_id
             where changes.dataset_id = ?1
               and version = (select min(version) from changes as other
                              where other.sample_id = changes.sample_id and other.version > ?2)
               and (label_before <> samples.label or split_before <> samples.split or excluded_before <> samples.excluded)
             order by samples.id limit ?3",
        )
        .bind(id)
        .bind(version)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Change::try_from).collect()
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
        rows.into_iter().map(Change::try_from).collect()
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

async fn begin_version(connection: &mut SqliteConnection, id: DatasetId) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "insert into versions (dataset_id, number, created_at_ms, note, fingerprint)
         select ?1, coalesce(max(number), 0) + 1, ?2, '', '' from versions where dataset_id = ?1 returning number",
    )
    .bind(id)
    .bind(now_ms())
    .fetch_one(connection)
    .await
}

/// Carries the changes over to the samples and gives the version its note and fingerprint; or leaves no trace where
/// `worthwhile` is false.
async fn finish_version(
    mut transaction: sqlx::Transaction<'_, sqlx::Sqlite>,
    id: DatasetId,
    number: i64,
    worthwhile: bool,
    note: &str,
    undoes: Option<i64>,
) -> sqlx::Result<Option<i64>> {
    if !worthwhile {
        transaction.rollback().await?;
        return Ok(None);
    }
    sqlx::query(
        "update samples set label = label_after, split = split_after, excluded = excluded_after
         from changes where changes.dataset_id = ? and version = ? and sample_id = samples.id",
    )
    .bind(id)
    .bind(number)
    .execute(&mut *transaction)
    .await?;
    let samples: Vec<(String, String, String, String)> = sqlx::query_as(
        "select path, name, split, hash from samples
         join classes on classes.dataset_id = samples.dataset_id and classes.label = samples.label
         where samples.dataset_id = ? and excluded = 0 order by path",
    )
    .bind(id)
    .fetch_all(&mut *transaction)
    .await?;
    let fingerprint =
        fingerprint(samples.iter().map(|(path, class, split, hash)| [&**path, &**class, &**split, &**hash]));
    sqlx::query(
        "update versions set note = ?, fingerprint = ?, undoes = ? where dataset_id = ? and number = ?",
    )
    .bind(note)
    .bind(&fingerprint)
    .bind(undoes)
    .bind(id)
    .bind(number)
    .execute(&mut *transaction)
    .await?;
    sqlx::query("update datasets set fingerprint = ? where id = ?")
        .bind(&fingerprint)
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Some(number))
}

async fn find_class(
    connection: &mut SqliteConnection,
    id: DatasetId,
    name: &str,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar("select label from classes where dataset_id = ? and name = ?")
        .bind(id)
        .bind(name)
        .fetch_optional(connection)
        .await
}

async fn find_or_make_class(
    connection: &mut SqliteConnection,
    id: DatasetId,
    name: &str,
) -> sqlx::Result<i64> {
    if let Some(label) = find_class(connection, id, name).await? {
        return Ok(label);
    }
    sqlx::query_scalar(
        "insert into classes (dataset_id, label, name)
         select ?1, coalesce(max(label), -1) + 1, ?2 from classes where dataset_id = ?1 returning label",
    )
    .bind(id)
    .bind(name)
    .fetch_one(connection)
    .await
}

async fn set_class_name(
    connection: &mut SqliteConnection,
    id: DatasetId,
    label: i64,
    name: &str,
) -> sqlx::Result<()> {
    sqlx::query("update classes set name = ? where dataset_id = ? and label = ?")
        .bind(name)
        .bind(id)
        .bind(label)
        .execute(connection)
        .await?;
    Ok(())
}

async fn set_renames(
    connection: &mut SqliteConnection,
    id: DatasetId,
    number: i64,
    renames: &[(i64, String, String)],
) -> sqlx::Result<()> {
    let renames = serde_json::to_string(renames).map_err(|error| bad_json("renames", error))?;
    sqlx::query("update versions set renames = ? where dataset_id = ? and number = ?")
        .bind(renames)
        .bind(id)
        .bind(number)
        .execute(connection)
        .await?;
    Ok(())
}
