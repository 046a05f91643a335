//! Whether anything changed, and what: what a page that is open has to be told.

use super::Store;
use crate::domain::ids::{DatasetId, RunId};
use sqlx::pool::PoolConnection;
use sqlx::{FromRow, Sqlite};

/// Tells whether anything was written since it was last asked, whoever wrote it and however: SQLite counts.
#[derive(Debug)]
pub struct ChangeDetector {
    /// The count is a connection's own, so it always has to be the same one.
    connection: PoolConnection<Sqlite>,
    version: Option<i64>,
}

impl ChangeDetector {
    /// Whether the database changed; true when it is asked for the first time.
    pub async fn changed(&mut self) -> sqlx::Result<bool> {
        let version: i64 = sqlx::query_scalar("pragma data_version").fetch_one(&mut *self.connection).await?;
        Ok(self.version.replace(version) != Some(version))
    }
}

/// What of a run has to be compared to know whether its pages changed.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct RunMark {
    /// Its number.
    pub id: RunId,
    /// The data set that it learns from.
    pub dataset_id: DatasetId,
    /// How far its journal was read.
    pub journal_offset: i64,
    /// Files of predictions, which come with every epoch.
    pub evaluations: i64,
    /// The latest step at which a batch was captured.
    pub captured: Option<i64>,
    /// One more whenever its findings changed.
    pub findings: i64,
    /// Everything that a person, the queue or the trainer's end may change, in one text.
    pub facts: String,
}

/// What of a data set has to be compared to know whether its pages changed.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct DatasetMark {
    /// Its number.
    pub id: DatasetId,
    /// Whether it is being imported.
    pub is_importing: bool,
    /// Whether its newest version was examined.
    pub is_examined: bool,
    /// Everything else that may change, in one text.
    pub facts: String,
}

impl Store {
    /// A detector with a connection of its own.
    pub async fn change_detector(&self) -> sqlx::Result<ChangeDetector> {
        Ok(ChangeDetector { connection: self.read.acquire().await?, version: None })
    }

    /// Every run's mark, by number.
    pub async fn list_run_marks(&self) -> sqlx::Result<Vec<RunMark>> {
        sqlx::query_as(
            "select id, dataset_id, journal_offset,
                    (select count(*) from prediction_files where run_id = runs.id) as evaluations,
                    (select max(step) from batches where run_id = runs.id) as captured,
                    coalesce((select revision from run_findings where run_id = runs.id), 0) as findings,
                    json_array(name, state, wish, queued_at_ms, failure, started is null, note, starred, archived, tags,
                               case when json_valid(spec) then spec ->> '$.epochs' end) as facts
             from run_rows as runs order by id",
        )
        .fetch_all(&self.read)
        .await
    }

    /// How far the journal of each run that was trained here was read, by number.
    pub async fn list_journal_offsets(&self) -> sqlx::Result<Vec<(RunId, i64)>> {
        sqlx::query_as("select id, journal_offset from runs where event_origin is null order by id")
            .fetch_all(&self.read)
            .await
    }

    /// Everything of further jobs that pages show, by run.
    pub async fn list_job_marks(&self) -> sqlx::Result<Vec<(RunId, String)>> {
        sqlx::query_as(
            "select run_id, group_concat(json_array(number, state, wish, journal_offset, failure), ' ' order by number)
             from jobs group by run_id order by run_id",
        )
        .fetch_all(&self.read)
        .await
    }

    /// Every data set's mark, by number.
    pub async fn list_dataset_marks(&self) -> sqlx::Result<Vec<DatasetMark>> {
        sqlx::query_as(
            "select id, state = 'importing' as is_importing, newest is not null and newest = examined as is_examined,
                    json_array(name, state, failure, newest) as facts
             from (select id, name, state, failure,
                          (select max(number) from versions where dataset_id = datasets.id) as newest,
                          (select version from health_reports where dataset_id = datasets.id) as examined
                   from datasets where id > 0) order by id",
        )
        .fetch_all(&self.read)
        .await
    }
}
