//! Data sets, their classes, samples and rejected files.

use super::{Store, bad_json, keep_readable, now_ms, unknown};
use crate::domain::dataset::{DatasetFacts, DatasetState};
use crate::domain::ids::{DatasetId, SampleId};
use crate::domain::imported::{ImportRequest, Imported};
use sqlx::FromRow;
use std::collections::HashSet;
use std::path::Path;

/// A data set's row.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Its number.
    pub id: DatasetId,
    /// Its unique name.
    pub name: String,
    /// Where it stands.
    pub state: DatasetState,
    /// The path or file that it came from.
    pub source: String,
    /// `folder`, `zip` …, once known.
    pub format: Option<String>,
    /// The folder that its samples' paths are relative to.
    pub root: Option<String>,
    /// Hash of all that is in it.
    pub fingerprint: Option<String>,
    /// Where its splits come from, in words.
    pub split_note: Option<String>,
    /// By what its form was recognised, as a sentence without its full stop; of imports of later versions.
    pub evidence: Option<String>,
    /// The words of the other forms that its source fits too.
    pub readings: Vec<String>,
    /// Why its import failed.
    pub failure: Option<String>,
    /// When it was made.
    pub created_at_ms: i64,
    /// How its import was asked for; `None` for imports of earlier versions.
    pub request: Option<ImportRequest>,
}

#[derive(FromRow)]
struct DatasetRow {
    id: DatasetId,
    name: String,
    state: String,
    source: String,
    format: Option<String>,
    root: Option<String>,
    fingerprint: Option<String>,
    split_note: Option<String>,
    evidence: Option<String>,
    readings: Option<String>,
    failure: Option<String>,
    created_at_ms: i64,
    request: Option<String>,
}

impl TryFrom<DatasetRow> for Dataset {
    type Error = sqlx::Error;

    fn try_from(row: DatasetRow) -> sqlx::Result<Dataset> {
        Ok(Dataset {
            id: row.id,
            name: row.name,
            state: DatasetState::from_word(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            source: row.source,
            format: row.format,
            root: row.root,
            fingerprint: row.fingerprint,
            split_note: row.split_note,
            evidence: row.evidence,
            readings: match row.readings {
                // What it could also have been read as is a help, and no reason not to show it.
                Some(words) => serde_json::from_str(&words).unwrap_or_default(),
                None => Vec::new(),
            },
            failure: row.failure,
            created_at_ms: row.created_at_ms,
            // One that this program can't read is as good as none: the form asks again.
            request: row.request.and_then(|request| serde_json::from_str(&request).ok()),
        })
    }
}

impl Dataset {
    /// The path that it was imported from; `None` where it was uploaded or fetched, and its source is not kept.
    pub fn source_path(&self) -> Option<&Path> {
        Some(Path::new(&self.source)).filter(|path| path.is_absolute())
    }
}

/// The name, or the name with the first number from 2 on that is free; a number that it ends in already counts on.
fn free_name(name: &str, taken: &HashSet<&str>) -> String {
    if !taken.contains(name) {
        return name.to_owned();
    }
    let (stem, first) = match name.rsplit_once(' ').map(|(stem, number)| (stem, number.parse::<u32>())) {
        Some((stem, Ok(number))) if !stem.is_empty() => (stem, number.saturating_add(1).max(2)),
        _ => (name, 2),
    };
    // A name has 100 characters at most.
    let stem: String = stem.chars().take(90).collect();
    let free = (first..u32::MAX).map(|number| format!("{stem} {number}"));
    free.into_iter().find(|name| !taken.contains(name.as_str())).unwrap_or(stem)
}

/// A file that was skipped.
#[derive(Clone, Debug, FromRow)]
pub struct RejectedFile {
    /// Relative to the data set's root.
    pub path: String,
    /// Why, in words.
    pub reason: String,
}

impl Store {
    /// Makes a data set that is being imported; `None` where the name is taken.
    pub async fn insert_dataset(
        &self,
        source: &str,
        request: &ImportRequest,
    ) -> sqlx::Result<Option<DatasetId>> {
        let kept = serde_json::to_string(request).map_err(|error| bad_json("request", error))?;
        sqlx::query_scalar(
            "insert into datasets (name, state, source, created_at_ms, request) values (?, 'importing', ?, ?, ?)
             on conflict (name) do nothing returning id",
        )
        .bind(&request.name)
        .bind(source)
        .bind(now_ms())
        .bind(kept)
        .fetch_optional(&self.write)
        .await
    }

    /// Forgets the imports of a source that failed: another attempt takes their place.
    pub async fn delete_failed_imports(&self, source: &str) -> sqlx::Result<()> {
        sqlx::query("delete from datasets where state = 'failed' and source = ?")
            .bind(source)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// A name that no data set has: the one that is asked for, or with the first number that is free, as in `pets 2`.
    pub async fn free_dataset_name(&self, name: &str) -> sqlx::Result<String> {
        let names: Vec<String> =
            sqlx::query_scalar("select name from datasets").fetch_all(&self.read).await?;
        let taken: HashSet<&str> = names.iter().map(String::as_str).collect();
        Ok(free_name(name, &taken))
    }

    /// Fills a data set with what its import found, and calls it ready: all of it or nothing. It takes the place and the name of
    /// the data set that it `replaces`, unless that is more than its import: a run has learned from it, or it was edited. True
    /// where it did.
    pub async fn set_dataset_ready(
        &self,
        id: DatasetId,
        imported: &Imported,
        replaces: Option<DatasetId>,
    ) -> sqlx::Result<bool> {
        let mut transaction = self.write.begin().await?;
        for (label, name) in (0_i64..).zip(&imported.classes) {
            sqlx::query("insert into classes (dataset_id, label, name) values (?, ?, ?)")
                .bind(id)
                .bind(label)
                .bind(name)
                .execute(&mut *transaction)
                .await?;
        }
        for sample in &imported.samples {
            let sample_id: SampleId = sqlx::query_scalar(
                "insert into samples (dataset_id, path, label, split, width, height, bytes, format, orientation, hash, metadata)
                 values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning id",
            )
            .bind(id)
            .bind(&sample.path)
            .bind(sample.class)
            .bind(sample.split.as_str())
            .bind(sample.width)
            .bind(sample.height)
            .bind(i64::try_from(sample.bytes).unwrap_or(i64::MAX))
            .bind(sample.format)
            .bind(sample.orientation)
            .bind(&sample.hash)
            .bind(sample.metadata.as_ref().map(|metadata| serde_json::Value::from(metadata.clone()).to_string()))
            .fetch_one(&mut *transaction)
            .await?;
            super::measures::insert_features(&mut transaction, id, sample_id, &sample.features).await?;
        }
        for file in &imported.rejected {
            sqlx::query("insert into rejected (dataset_id, path, reason) values (?, ?, ?)")
                .bind(id)
                .bind(&file.path)
                .bind(&file.reason)
                .execute(&mut *transaction)
                .await?;
        }
        let readings: Vec<&str> = imported.readings.iter().map(|form| form.as_str()).collect();
        sqlx::query(
            "update datasets set state = 'ready', format = ?, root = ?, fingerprint = ?, split_note = ?, evidence = ?, readings = ?
             where id = ?",
        )
        .bind(imported.format)
        .bind(imported.root.to_string_lossy().as_ref())
        .bind(&imported.fingerprint)
        .bind(&imported.split_note)
        .bind(&imported.evidence)
        .bind(serde_json::Value::from(readings).to_string())
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("insert into versions (dataset_id, number, created_at_ms, action, note, fingerprint) values (?, 1, ?, 'Imported', '', ?)")
            .bind(id)
            .bind(now_ms())
            .bind(&imported.fingerprint)
            .execute(&mut *transaction)
            .await?;
        let name: Option<String> = sqlx::query_scalar(
            "delete from datasets where id = ?1 and not exists (select 1 from runs where dataset_id = ?1)
             and not exists (select 1 from versions where dataset_id = ?1 and number > 1) returning name",
        )
        .bind(replaces)
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(name) = &name {
            sqlx::query("update datasets set name = ? where id = ?")
                .bind(name)
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(name.is_some())
    }

    /// Calls a data set's import failed. Its name is free again for another try.
    pub async fn set_dataset_failed(&self, id: DatasetId, failure: &str) -> sqlx::Result<()> {
        sqlx::query(
            "update datasets set state = 'failed', failure = ?, name = name || ' (failed import ' || id || ')'
             where id = ? and state = 'importing'",
        )
        .bind(failure)
        .bind(id)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// Removes a data set that no run refers to. False where one does.
    pub async fn delete_dataset(&self, id: DatasetId) -> sqlx::Result<bool> {
        let done = sqlx::query(
            "delete from datasets where id = ?1 and not exists (select 1 from runs where dataset_id = ?1)",
        )
        .bind(id)
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// All data sets, newest first.
    pub async fn list_datasets(&self) -> sqlx::Result<Vec<Dataset>> {
        let rows: Vec<DatasetRow> = sqlx::query_as("select * from datasets where id > 0 order by id desc")
            .fetch_all(&self.read)
            .await?;
        Ok(keep_readable("data set", rows))
    }

    /// One data set.
    pub async fn find_dataset(&self, id: DatasetId) -> sqlx::Result<Option<Dataset>> {
        let row: Option<DatasetRow> = sqlx::query_as("select * from datasets where id = ? and id > 0")
            .bind(id)
            .fetch_optional(&self.read)
            .await?;
        row.map(Dataset::try_from).transpose()
    }

    /// One data set by its name.
    pub async fn find_dataset_by_name(&self, name: &str) -> sqlx::Result<Option<Dataset>> {
        let row: Option<DatasetRow> = sqlx::query_as("select * from datasets where name = ? and id > 0")
            .bind(name)
            .fetch_optional(&self.read)
            .await?;
        row.map(Dataset::try_from).transpose()
    }

    /// What defaults and checks of a run need to know; `weights` are names of the published weights on this machine, which only
    /// whoever looks at files can tell.
    pub async fn dataset_facts(
        &self,
        dataset: &Dataset,
        weights: Vec<&'static str>,
    ) -> sqlx::Result<DatasetFacts> {
        let median_side: Option<i64> = sqlx::query_scalar(
            "select min(width, height) as side from samples where dataset_id = ?1 and excluded = 0 order by side
             limit 1 offset (select count(*) / 2 from samples where dataset_id = ?1 and excluded = 0)",
        )
        .bind(dataset.id)
        .fetch_optional(&self.read)
        .await?;
        Ok(DatasetFacts {
            weights,
            name: dataset.name.clone(),
            fingerprint: dataset.fingerprint.clone().unwrap_or_default(),
            classes: self.list_class_counts(dataset.id).await?,
            median_side: median_side.and_then(|side| u32::try_from(side).ok()).unwrap_or(0),
            channels: self.find_channels(dataset.id).await?,
        })
    }

    /// The files that were skipped, in the order in which they were met.
    pub async fn list_rejected(&self, id: DatasetId, limit: i64) -> sqlx::Result<Vec<RejectedFile>> {
        sqlx::query_as("select path, reason from rejected where dataset_id = ? order by id limit ?")
            .bind(id)
            .bind(limit)
            .fetch_all(&self.read)
            .await
    }

    /// How many runs learn from it.
    pub async fn count_runs_of(&self, id: DatasetId) -> sqlx::Result<i64> {
        sqlx::query_scalar("select count(*) from runs where dataset_id = ?")
            .bind(id)
            .fetch_one(&self.read)
            .await
    }

    /// How many files were skipped.
    pub async fn count_rejected(&self, id: DatasetId) -> sqlx::Result<i64> {
        sqlx::query_scalar("select count(*) from rejected where dataset_id = ?")
            .bind(id)
            .fetch_one(&self.read)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Store, database_before};
    use super::free_name;

    #[test]
    fn a_taken_name_counts_on() {
        let free = |name: &str, taken: &[&str]| free_name(name, &taken.iter().copied().collect());
        assert_eq!(free("pets", &[]), "pets");
        assert_eq!(free("pets", &["pets"]), "pets 2");
        assert_eq!(free("pets", &["pets", "pets 2"]), "pets 3");
        assert_eq!(free("pets 2", &["pets", "pets 2"]), "pets 3");
        assert_eq!(free("2020", &["2020"]), "2020 2", "a number alone is the name");
        let long = "n".repeat(100);
        assert!(free(&long, &[&long]).chars().count() <= 100);
    }

    #[tokio::test]
    async fn a_data_set_of_an_earlier_version_stays_and_has_no_evidence() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tintype.db");
        let pool = database_before(&file, 9).await;
        sqlx::raw_sql(
            "insert into datasets (id, name, state, source, format, root, fingerprint, split_note, created_at_ms)
             values (3, 'old', 'ready', '/old', 'folder', '/old', 'f00', 'as the folders say', 5)",
        )
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;

        let store = Store::open(&file).await.unwrap();
        let [dataset] = &store.list_datasets().await.unwrap()[..] else { panic!("one data set") };
        assert_eq!(
            (dataset.name.as_str(), dataset.split_note.as_deref()),
            ("old", Some("as the folders say"))
        );
        assert_eq!((&dataset.evidence, &dataset.readings), (&None, &Vec::new()));
    }
}
