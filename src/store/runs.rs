//! Runs: their rows, states, and what a person says of them. What their journals say is taken in by `journal.rs`.

use super::{Store, bad_json, now_ms, unknown};
use crate::domain::event_origin::EventOrigin;
use crate::domain::ids::{DatasetId, JobId, RunId};
use crate::domain::run::{RunState, StopRequest};
use protocol::event::{Batch, Failure, Hello, Stage, Started, Values};
use protocol::spec::RunSpec;
use sqlx::{FromRow, SqliteConnection};

/// A run's row.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The data set it learns from.
    pub dataset_id: DatasetId,
    /// What a person calls it.
    pub name: String,
    /// Where it stands.
    pub state: RunState,
    /// Whether it was asked to stop, and then become this.
    pub stop_request: Option<StopRequest>,
    /// When it was last put into the queue.
    pub queued_at_ms: i64,
    /// When it was made.
    pub created_at_ms: i64,
    /// When its trainer first spoke.
    pub started_at_ms: Option<i64>,
    /// When it last ended.
    pub ended_at_ms: Option<i64>,
    /// What it was asked to do, with what was left to the trainer still open.
    pub asked: RunSpec,
    /// What it does: from its first start on without anything open.
    pub spec: RunSpec,
    /// How its validation split was held out, where the data set has none.
    pub held_out: Option<String>,
    /// The version of the data set that it learns from.
    pub dataset_version: i64,
    /// Bytes of its journal that are in the database.
    pub journal_offset: i64,
    /// Versions, device, precision.
    pub hello: Option<Hello>,
    /// Steps an epoch, parameters, layers.
    pub started: Option<Started>,
    /// The epoch under way, from 1.
    pub epoch: i64,
    /// Optimiser steps taken.
    pub step: i64,
    /// How far work has come that is not counted in steps, while there is such work.
    pub stage: Option<StageProgress>,
    /// The epoch of the checkpoint that is kept: the best by validation loss, or by accuracy where the run asks for it.
    pub best_epoch: Option<i64>,
    /// The latest value of each main figure.
    pub summary: Values,
    /// Why it failed or was interrupted.
    pub failure: Option<Failure>,
    /// Validation accuracy by epoch, thinned to what a small curve can show.
    pub curve: Points,
    /// How long its trainers worked, milliseconds: the sum of its attempts, without what lay between them.
    pub worked_ms: i64,
    /// What a person noted of it.
    pub note: String,
    /// Whether a person marked it.
    pub starred: bool,
    /// Whether it is left out of lists unless asked for.
    pub archived: bool,
    /// By name.
    pub tags: Vec<String>,
    /// Where it was read from, if it was read from event files of another tool: then it has curves and nothing else, and settings and data
    /// set say nothing.
    pub event_origin: Option<EventOrigin>,
}

/// How far a stage of the work has come that is counted in images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct StageProgress {
    /// What is being done.
    pub stage: Stage,
    /// Images done.
    pub done: u64,
    /// Of so many.
    pub total: u64,
    /// When the stage was first told of, in milliseconds since 1970-01-01 UTC.
    pub since_ms: i64,
    /// When it was last told of.
    pub at_ms: i64,
}

impl StageProgress {
    /// Whole percents done.
    pub fn percent(&self) -> u64 {
        (self.done.saturating_mul(100) / self.total.max(1)).min(100)
    }

    /// By the speed since it was first told of; `None` before there is one.
    pub fn seconds_left(&self) -> Option<f64> {
        let seconds = (self.at_ms - self.since_ms) as f64 / 1000.0;
        let left = self.total.saturating_sub(self.done) as f64;
        (seconds > 0.0 && self.done > 0).then(|| seconds / self.done as f64 * left)
    }
}

/// A series: steps and values; `None` where a value was not finite.
pub(super) type Points = Vec<(u64, Option<f64>)>;

#[derive(FromRow)]
pub(super) struct RunRow {
    id: RunId,
    dataset_id: DatasetId,
    name: String,
    state: String,
    wish: Option<String>,
    queued_at_ms: i64,
    created_at_ms: i64,
    started_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
    spec: String,
    held_out: Option<String>,
    dataset_version: i64,
    journal_offset: i64,
    hello: Option<String>,
    started: Option<String>,
    epoch: i64,
    step: i64,
    stage: Option<String>,
    best_epoch: Option<i64>,
    summary: String,
    failure: Option<String>,
    curve: String,
    worked_ms: i64,
    note: String,
    starred: bool,
    archived: bool,
    tags: String,
    event_origin: Option<String>,
}

impl TryFrom<RunRow> for Run {
    type Error = sqlx::Error;

    fn try_from(row: RunRow) -> sqlx::Result<Run> {
        fn json<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> sqlx::Result<T> {
            serde_json::from_str(text).map_err(|error| bad_json(column, error))
        }
        let hello: Option<Hello> = row.hello.as_deref().map(|text| json("hello", text)).transpose()?;
        let asked: RunSpec = json("spec", &row.spec)?;
        // What the spec left open is known from the first start on; the trainer has written the same into its file.
        let spec = match &hello {
            Some(hello) if row.started.is_some() => hello.resolve(&asked),
            _ => asked.clone(),
        };
        Ok(Run {
            id: row.id,
            dataset_id: row.dataset_id,
            name: row.name,
            state: RunState::from_word(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            stop_request: read_stop_request(row.wish.as_deref())?,
            queued_at_ms: row.queued_at_ms,
            created_at_ms: row.created_at_ms,
            started_at_ms: row.started_at_ms,
            ended_at_ms: row.ended_at_ms,
            asked,
            spec,
            held_out: row.held_out,
            dataset_version: row.dataset_version,
            journal_offset: row.journal_offset,
            hello,
            started: row.started.as_deref().map(|text| json("started", text)).transpose()?,
            epoch: row.epoch,
            step: row.step,
            // It is told anew in a moment.
            stage: row.stage.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            best_epoch: row.best_epoch,
            summary: json("summary", &row.summary)?,
            failure: row.failure.as_deref().map(|text| json("failure", text)).transpose()?,
            // It is drawn from the points anyway, where they matter.
            curve: json("curve", &row.curve).unwrap_or_default(),
            worked_ms: row.worked_ms,
            note: row.note,
            starred: row.starred,
            archived: row.archived,
            tags: json("tags", &row.tags)?,
            event_origin: row.event_origin.as_deref().map(|text| json("event_origin", text)).transpose()?,
        })
    }
}

/// Something a run says to a person.
#[derive(Clone, Debug, FromRow)]
pub struct Note {
    /// When.
    pub at_ms: i64,
    /// Whether something is wrong.
    pub warning: bool,
    /// One or two sentences.
    pub text: String,
}

/// A run that is to be queued.
#[derive(Clone, Copy, Debug)]
pub struct NewRun<'a> {
    /// What it learns from.
    pub dataset: DatasetId,
    /// What a person calls it.
    pub name: &'a str,
    /// Its settings.
    pub spec: &'a RunSpec,
    /// How its validation images were held out, in words; `None`: they were given.
    pub held_out: Option<&'a str>,
    /// The data set's version.
    pub dataset_version: i64,
    /// The run from whose settings it is made.
    pub origin: Option<RunId>,
}

impl Store {
    /// The greatest number that a run has or had; 0 where there was none.
    pub async fn last_run_number(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar(
            "select coalesce(max(id), 0) from (select id from runs union all select id from deleted_runs)",
        )
        .fetch_one(&self.write)
        .await
    }

    /// Makes a queued run of this number.
    pub async fn insert_run(&self, id: RunId, run: NewRun<'_>) -> sqlx::Result<()> {
        insert_run(&mut *self.write.acquire().await?, id, run, now_ms()).await
    }

    /// Makes a run of a journal that is whole, to be taken in as that of a trainer that is gone.
    pub async fn insert_event_run(
        &self,
        id: RunId,
        name: &str,
        spec: &RunSpec,
        origin: &EventOrigin,
    ) -> sqlx::Result<()> {
        sqlx::query(
            "insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, spec, event_origin)
             values (?1, 0, ?2, 'running', ?3, ?3, ?4, ?5)",
        )
        .bind(id)
        .bind(name)
        .bind(now_ms())
        .bind(to_json("spec", spec)?)
        .bind(to_json("event_origin", origin)?)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// One run.
    pub async fn find_run(&self, id: RunId) -> sqlx::Result<Option<Run>> {
        let row: Option<RunRow> =
            sqlx::query_as("select * from run_rows where id = ?").bind(id).fetch_optional(&self.read).await?;
        row.map(Run::try_from).transpose()
    }

    /// Every run of a data set, newest first.
    pub async fn list_runs_of(&self, dataset: DatasetId) -> sqlx::Result<Vec<Run>> {
        let rows: Vec<RunRow> =
            sqlx::query_as("select * from run_rows where dataset_id = ? order by id desc")
                .bind(dataset)
                .fetch_all(&self.read)
                .await?;
        Ok(readable(rows))
    }

    /// The newest runs of this model at this image size whose speed was measured, newest first.
    pub async fn list_timed_runs(&self, model: &str, image_size: i64) -> sqlx::Result<Vec<Run>> {
        let rows: Vec<RunRow> = sqlx::query_as(
            "select * from run_rows
             where case when json_valid(spec) then spec ->> '$.model' = ? and spec ->> '$.image_size' = ? end
             and event_origin is null and exists (select * from series where run_id = run_rows.id and key = 'images_per_second')
             order by id desc limit 20",
        )
        .bind(model)
        .bind(image_size)
        .fetch_all(&self.read)
        .await?;
        Ok(readable(rows))
    }

    /// Runs that are queued or running, in the order of the queue.
    pub async fn list_active_runs(&self) -> sqlx::Result<Vec<Run>> {
        // Through the writer: the queue decides on what it has just written.
        let rows: Vec<RunRow> = sqlx::query_as(
            "select * from run_rows where state in ('queued', 'running') order by queued_at_ms, id",
        )
        .fetch_all(&self.write)
        .await?;
        Ok(readable(rows))
    }

    /// What a run, or a further job of it, said, in order.
    pub async fn list_notes(&self, id: impl Into<JobId>) -> sqlx::Result<Vec<Note>> {
        let id = id.into();
        sqlx::query_as(
            "select at_ms, warning, text from notes where run_id = ? and job = ? order by journal_offset",
        )
        .bind(id.run)
        .bind(id.number)
        .fetch_all(&self.read)
        .await
    }

    /// The captured batch of a step.
    pub async fn find_batch(&self, id: RunId, step: i64) -> sqlx::Result<Option<Batch>> {
        let record: Option<String> =
            sqlx::query_scalar("select record from batches where run_id = ? and step = ?")
                .bind(id)
                .bind(step)
                .fetch_optional(&self.read)
                .await?;
        let read = |text: String| {
            serde_json::from_str(&text)
                .inspect_err(
                    |error| tracing::error!(run.id = %id, step, %error, "a captured batch can't be read"),
                )
                .ok()
        };
        Ok(record.and_then(read))
    }

    /// The steps at which batches were captured.
    pub async fn list_batch_steps(&self, id: RunId) -> sqlx::Result<Vec<i64>> {
        sqlx::query_scalar("select step from batches where run_id = ? order by step")
            .bind(id)
            .fetch_all(&self.read)
            .await
    }

    /// The captured batches, by step.
    pub async fn list_batches(&self, id: RunId) -> sqlx::Result<Vec<Batch>> {
        let records: Vec<String> =
            sqlx::query_scalar("select record from batches where run_id = ? order by step")
                .bind(id)
                .fetch_all(&self.read)
                .await?;
        let read = |text: &String| match serde_json::from_str(text) {
            Ok(batch) => Some(batch),
            Err(error) => {
                tracing::error!(run.id = %id, %error, "a captured batch can't be read and is left out");
                None
            }
        };
        Ok(records.iter().filter_map(read).collect())
    }
}

/// Makes a queued run of this number.
pub(super) async fn insert_run(
    connection: &mut SqliteConnection,
    id: RunId,
    run: NewRun<'_>,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, spec, held_out, dataset_version,
                           cloned_from)
         values (?1, ?2, ?3, 'queued', ?4, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(id)
    .bind(run.dataset)
    .bind(run.name)
    .bind(now)
    .bind(to_json("spec", run.spec)?)
    .bind(run.held_out)
    .bind(run.dataset_version)
    .bind(run.origin)
    .execute(connection)
    .await?;
    Ok(())
}

/// Those rows that this program can read. One that it can't is no reason to show none; lists for people name it
/// (see [`super::run_list`]).
fn readable(rows: Vec<RunRow>) -> Vec<Run> {
    let read = |row: RunRow| {
        let id = row.id;
        Run::try_from(row)
            .inspect_err(|error| tracing::warn!(run.id = %id, %error, "a run can't be read"))
            .ok()
    };
    rows.into_iter().filter_map(read).collect()
}

pub(super) fn read_stop_request(word: Option<&str>) -> sqlx::Result<Option<StopRequest>> {
    match word {
        None => Ok(None),
        Some("pause") => Ok(Some(StopRequest::Pause)),
        Some("cancel") => Ok(Some(StopRequest::Cancel)),
        Some(other) => Err(unknown("wish", other)),
    }
}

pub(super) fn to_json<T: serde::Serialize>(column: &'static str, value: &T) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| bad_json(column, error))
}
