//! Edits of a data set: each makes a version, with what every sample that it changed was before.

use super::versions::{StatesRow, json_list};
use super::{Store, bad_json, keep_readable, now_ms};
use crate::domain::edits::{ChangeKind, Edit, History, describe, fingerprint};
use crate::domain::ids::{DatasetId, SampleId};
use sqlx::{FromRow, SqliteConnection};
use std::collections::BTreeMap;

/// Label, name before, name after.
type Rename = (i64, String, String);

impl Store {
    /// Changes samples of a data set and makes a version of it; `None` where nothing would change.
    ///
    /// `words` describe the change where the samples' own changes don't.
    pub async fn edit_samples(
        &self,
        id: DatasetId,
        samples: &[SampleId],
        edit: &Edit,
        words: Option<&str>,
        note: &str,
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
        let words = match words {
            Some(words) => words.to_owned(),
            None => describe_version(&mut transaction, id, number).await?,
        };
        finish_version(transaction, id, number, changed > 0, Said { words, note, undoes: None }).await
    }

    /// Gives a class another name; where that is another class's, both become one. `None` where nothing would change.
    pub async fn rename_class(
        &self,
        id: DatasetId,
        label: i64,
        name: &str,
        note: &str,
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
                let rename = (label, before.clone(), name.to_owned());
                set_class_names(&mut transaction, id, number, &[rename]).await?;
                format!("Class “{before}” renamed to “{name}”")
            }
        };
        finish_version(transaction, id, number, true, Said { words, note, undoes: None }).await
    }

    /// Takes back the newest change that stands; `None` where there is none, or where it is not the one `expected`.
    pub async fn undo(&self, id: DatasetId, expected: Option<i64>) -> sqlx::Result<Option<i64>> {
        self.take_back(id, expected, History::to_undo, "Undo").await
    }

    /// Takes back the newest undo; `None` where there is none, or where it is not the one `expected`.
    pub async fn redo(&self, id: DatasetId, expected: Option<i64>) -> sqlx::Result<Option<i64>> {
        self.take_back(id, expected, History::to_redo, "Redo").await
    }

    async fn take_back(
        &self,
        id: DatasetId,
        expected: Option<i64>,
        choose: impl Fn(&History) -> Option<i64>,
        verb: &str,
    ) -> sqlx::Result<Option<i64>> {
        let mut transaction = self.write.begin().await?;
        let versions: Vec<(i64, Option<i64>)> =
            sqlx::query_as("select number, undoes from versions where dataset_id = ? order by number")
                .bind(id)
                .fetch_all(&mut *transaction)
                .await?;
        let taken = choose(&History::new(versions));
        let Some(taken) = taken.filter(|taken| expected.is_none_or(|expected| expected == *taken)) else {
            return Ok(None);
        };
        let number = begin_version(&mut transaction, id).await?;
        sqlx::query(
            "insert into changes
             select samples.dataset_id, ?3, samples.id, samples.label, label_before, samples.split, split_before,
                    samples.excluded, excluded_before
             from changes join samples on samples.id = changes.sample_id
             where changes.dataset_id = ?1 and changes.version = ?2",
        )
        .bind(id)
        .bind(taken)
        .bind(number)
        .execute(&mut *transaction)
        .await?;
        let (renames, undone): (String, Option<i64>) =
            sqlx::query_as("select renames, undoes from versions where dataset_id = ? and number = ?")
                .bind(id)
                .bind(taken)
                .fetch_one(&mut *transaction)
                .await?;
        let renames: Vec<Rename> =
            serde_json::from_str(&renames).map_err(|error| bad_json("renames", error))?;
        let back: Vec<Rename> =
            renames.into_iter().map(|(label, before, after)| (label, after, before)).collect();
        set_class_names(&mut transaction, id, number, &back).await?;
        // A redo names the change that it makes again, not the undo.
        let words = format!("{verb} of version {}", undone.unwrap_or(taken));
        finish_version(transaction, id, number, true, Said { words, note: "", undoes: Some(taken) }).await
    }

    /// Makes everything as it was in a version, as a new version; `None` where nothing would change.
    pub async fn restore_version(
        &self,
        id: DatasetId,
        version: i64,
        note: &str,
    ) -> sqlx::Result<Option<i64>> {
        let names: BTreeMap<i64, String> = self.class_names_at(id, version).await?.into_iter().collect();
        let mut transaction = self.write.begin().await?;
        let number = begin_version(&mut transaction, id).await?;
        // What a sample was in a version is what its first change behind it found.
        let changed = sqlx::query(
            "insert into changes
             select samples.dataset_id, ?3, samples.id, samples.label, label_before, samples.split, split_before,
                    samples.excluded, excluded_before
             from changes join samples on samples.id = changes.sample_id
             where changes.dataset_id = ?1
               and version = (select min(version) from changes as other
                              where other.sample_id = changes.sample_id and other.version > ?2)
               and (label_before <> samples.label or split_before <> samples.split or excluded_before <> samples.excluded)",
        )
        .bind(id)
        .bind(version)
        .bind(number)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        let classes: Vec<(i64, String)> =
            sqlx::query_as("select label, name from classes where dataset_id = ? order by label")
                .bind(id)
                .fetch_all(&mut *transaction)
                .await?;
        let renames = renames_back(&classes, &names);
        set_class_names(&mut transaction, id, number, &renames).await?;
        let images = if changed == 1 { "1 image".to_owned() } else { format!("{changed} images") };
        let words = match renames.len() {
            0 => format!("Version {version} restored: {images} changed"),
            _ => format!("Version {version} restored: {images} changed, with the names of classes"),
        };
        let worthwhile = changed > 0 || !renames.is_empty();
        finish_version(transaction, id, number, worthwhile, Said { words, note, undoes: None }).await
    }

    /// Gives a version another note.
    pub async fn set_version_note(&self, id: DatasetId, number: i64, note: &str) -> sqlx::Result<()> {
        // One of an earlier program may have only its note: what it did is told from its changes then.
        sqlx::query("update versions set note = ? where dataset_id = ? and number = ?")
            .bind(note)
            .bind(id)
            .bind(number)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// What a version did to its samples, in words: for those of earlier programs, which did not keep it.
    pub(super) async fn describe_changes(&self, id: DatasetId, number: i64) -> sqlx::Result<String> {
        let mut connection = self.read.acquire().await?;
        describe_version(&mut connection, id, number).await
    }
}

/// The renames that give classes the names that they had; a class that came later and has such a name now gives it up.
fn renames_back(classes: &[(i64, String)], names: &BTreeMap<i64, String>) -> Vec<Rename> {
    let mut renames: Vec<Rename> = Vec::new();
    for (label, now) in classes {
        let then = names.get(label).unwrap_or(now);
        let is_taken = names.iter().any(|(other, name)| other < label && name == then);
        let then = if is_taken { format!("{then} ({label})") } else { then.clone() };
        if then != *now {
            renames.push((*label, now.clone(), then));
        }
    }
    renames
}

/// What a version says of itself.
struct Said<'a> {
    words: String,
    note: &'a str,
    undoes: Option<i64>,
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

#[derive(FromRow)]
struct KindRow {
    #[sqlx(flatten)]
    states: StatesRow,
    count: i64,
}

impl TryFrom<KindRow> for ChangeKind {
    type Error = sqlx::Error;

    fn try_from(row: KindRow) -> sqlx::Result<ChangeKind> {
        let (before, after) = row.states.read()?;
        Ok(ChangeKind { before, after, count: row.count.unsigned_abs() })
    }
}

/// What a version's changes are, in words.
async fn describe_version(
    connection: &mut SqliteConnection,
    id: DatasetId,
    number: i64,
) -> sqlx::Result<String> {
    let rows: Vec<KindRow> = sqlx::query_as(
        "select label_before, label_after, split_before, split_after, excluded_before, excluded_after, count(*) as count
         from changes where dataset_id = ? and version = ? group by 1, 2, 3, 4, 5, 6",
    )
    .bind(id)
    .bind(number)
    .fetch_all(&mut *connection)
    .await?;
    let kinds = keep_readable("change of a version", rows);
    let names: Vec<(i64, String)> = sqlx::query_as("select label, name from classes where dataset_id = ?")
        .bind(id)
        .fetch_all(&mut *connection)
        .await?;
    let names: BTreeMap<i64, String> = names.into_iter().collect();
    Ok(describe(&kinds, |label| names.get(&label).cloned().unwrap_or_else(|| "?".to_owned())))
}

/// Carries the changes over to the samples and gives the version its words and fingerprint; or leaves no trace where
/// `worthwhile` is false.
async fn finish_version(
    mut transaction: sqlx::Transaction<'_, sqlx::Sqlite>,
    id: DatasetId,
    number: i64,
    worthwhile: bool,
    said: Said<'_>,
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
        "update versions set action = ?, note = ?, fingerprint = ?, undoes = ? where dataset_id = ? and number = ?",
    )
    .bind(said.words)
    .bind(said.note)
    .bind(&fingerprint)
    .bind(said.undoes)
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
    sqlx::query_scalar("select label from classes where dataset_id = ? and name = ? order by label limit 1")
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

/// Gives classes other names, and keeps with the version that it did.
async fn set_class_names(
    connection: &mut SqliteConnection,
    id: DatasetId,
    number: i64,
    renames: &[Rename],
) -> sqlx::Result<()> {
    for (label, _, name) in renames {
        sqlx::query("update classes set name = ? where dataset_id = ? and label = ?")
            .bind(name)
            .bind(id)
            .bind(label)
            .execute(&mut *connection)
            .await?;
    }
    let renames = serde_json::to_string(renames).map_err(|error| bad_json("renames", error))?;
    sqlx::query("update versions set renames = ? where dataset_id = ? and number = ?")
        .bind(renames)
        .bind(id)
        .bind(number)
        .execute(connection)
        .await?;
    Ok(())
}
