//! Runs, and what their journals said.

use super::{Store, bad_json, now_ms, series, unknown};
use crate::domain::ids::{DatasetId, RunId};
use crate::domain::run::{RunState, StopRequest};
use crate::domain::series::downsample;
use protocol::event::{Batch, Event, Failure, Hello, Record, Started, Values};
use protocol::sample::Split;
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
    /// What it does.
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
    /// The epoch that was best.
    pub best_epoch: Option<i64>,
    /// The latest value of each main figure.
    pub summary: Values,
    /// Why it failed or was interrupted.
    pub failure: Option<Failure>,
    /// Validation accuracy by epoch, thinned to what a small curve can show.
    pub curve: Points,
}

/// A series: steps and values; `None` where a value was not finite.
type Points = Vec<(u64, Option<f64>)>;

/// A curve is thinned to so many points when it has twice as many.
const CURVE_POINTS: usize = 60;

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
    best_epoch: Option<i64>,
    summary: String,
    failure: Option<String>,
    curve: String,
}

impl TryFrom<RunRow> for Run {
    type Error = sqlx::Error;

    fn try_from(row: RunRow) -> sqlx::Result<Run> {
        fn json<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> sqlx::Result<T> {
            serde_json::from_str(text).map_err(|error| bad_json(column, error))
        }
        Ok(Run {
            id: row.id,
            dataset_id: row.dataset_id,
            name: row.name,
            state: RunState::from_word(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            stop_request: match row.wish.as_deref() {
                None => None,
                Some("pause") => Some(StopRequest::Pause),
                Some("cancel") => Some(StopRequest::Cancel),
                Some(other) => return Err(unknown("wish", other)),
            },
            queued_at_ms: row.queued_at_ms,
            created_at_ms: row.created_at_ms,
            started_at_ms: row.started_at_ms,
            ended_at_ms: row.ended_at_ms,
            spec: json("spec", &row.spec)?,
            held_out: row.held_out,
            dataset_version: row.dataset_version,
            journal_offset: row.journal_offset,
            hello: row.hello.as_deref().map(|text| json("hello", text)).transpose()?,
            started: row.started.as_deref().map(|text| json("started", text)).transpose()?,
            epoch: row.epoch,
            step: row.step,
            best_epoch: row.best_epoch,
            summary: json("summary", &row.summary)?,
            failure: row.failure.as_deref().map(|text| json("failure", text)).transpose()?,
            curve: json("curve", &row.curve)?,
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

impl Store {
    /// The greatest number that a run has; 0 where there is none.
    pub async fn last_run_number(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("select coalesce(max(id), 0) from runs").fetch_one(&self.write).await
    }

    /// Makes a queued run of this number.
    pub async fn insert_run(
        &self,
        id: RunId,
        dataset: DatasetId,
        name: &str,
        spec: &RunSpec,
        held_out: Option<&str>,
        dataset_version: i64,
    ) -> sqlx::Result<()> {
        let now = now_ms();
        sqlx::query(
            "insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, spec, held_out, dataset_version)
             values (?1, ?2, ?3, 'queued', ?4, ?4, ?5, ?6, ?7)",
        )
        .bind(id)
        .bind(dataset)
        .bind(name)
        .bind(now)
        .bind(to_json("spec", spec)?)
        .bind(held_out)
        .bind(dataset_version)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// One run.
    pub async fn find_run(&self, id: RunId) -> sqlx::Result<Option<Run>> {
        let row: Option<RunRow> =
            sqlx::query_as("select * from runs where id = ?").bind(id).fetch_optional(&self.read).await?;
        row.map(Run::try_from).transpose()
    }

    /// Every run, newest first.
    pub async fn list_runs(&self) -> sqlx::Result<Vec<Run>> {
        let rows: Vec<RunRow> =
            sqlx::query_as("select * from runs order by id desc").fetch_all(&self.read).await?;
        Ok(readable(rows))
    }

    /// Every run of a data set, newest first.
    pub async fn list_runs_of(&self, dataset: DatasetId) -> sqlx::Result<Vec<Run>> {
        let rows: Vec<RunRow> = sqlx::query_as("select * from runs where dataset_id = ? order by id desc")
            .bind(dataset)
            .fetch_all(&self.read)
            .await?;
        Ok(readable(rows))
    }

    /// The newest runs of this model at this image size whose speed was measured, newest first.
    pub async fn list_timed_runs(&self, model: &str, image_size: i64) -> sqlx::Result<Vec<Run>> {
        let rows: Vec<RunRow> = sqlx::query_as(
            "select * from runs
             where json_extract(spec, '$.model') = ? and json_extract(spec, '$.image_size') = ?
             and exists (select * from series where run_id = runs.id and key = 'images_per_second')
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
            "select * from runs where state in ('queued', 'running') order by queued_at_ms, id",
        )
        .fetch_all(&self.write)
        .await?;
        Ok(readable(rows))
    }

    /// Moves a run from one state to another; false where it was no longer in `from` (somebody was quicker).
    pub async fn set_run_state(&self, id: RunId, from: RunState, to: RunState) -> sqlx::Result<bool> {
        debug_assert!(from.can_become(to), "{} → {}", from.as_str(), to.as_str());
        let now = now_ms();
        let done = sqlx::query(
            "update runs set state = ?1, wish = null,
                    queued_at_ms = case ?1 when 'queued' then ?2 else queued_at_ms end,
                    started_at_ms = case ?1 when 'running' then coalesce(started_at_ms, ?2) else started_at_ms end,
                    ended_at_ms = case when ?1 in ('queued', 'running') then null else ?2 end,
                    failure = case when ?1 in ('queued', 'running') then null else failure end
             where id = ?3 and state = ?4",
        )
        .bind(to.as_str())
        .bind(now)
        .bind(id)
        .bind(from.as_str())
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes what a person asked of a running run; the latest wish counts, but *cancel* is final.
    /// False where it no longer runs.
    pub async fn set_run_stop_request(&self, id: RunId, request: StopRequest) -> sqlx::Result<bool> {
        let done = sqlx::query(
            "update runs set wish = case wish when 'cancel' then wish else ? end where id = ? and state = 'running'",
        )
        .bind(request.as_str())
        .bind(id)
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps why a run ended badly.
    pub async fn set_run_failure(&self, id: RunId, failure: &Failure) -> sqlx::Result<()> {
        sqlx::query("update runs set failure = ? where id = ?")
            .bind(to_json("failure", failure)?)
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// What the run said, in order.
    pub async fn list_notes(&self, id: RunId) -> sqlx::Result<Vec<Note>> {
        sqlx::query_as("select at_ms, warning, text from notes where run_id = ? order by journal_offset")
            .bind(id)
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
        record.map(|text| serde_json::from_str(&text).map_err(|error| bad_json("record", error))).transpose()
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
        records
            .iter()
            .map(|text| serde_json::from_str(text).map_err(|error| bad_json("record", error)))
            .collect()
    }

    /// Takes in a stretch of a run's journal: all of it, together with the offset behind it, or nothing.
    ///
    /// Each line comes with the offset at which it begins; one that could not be read is an error text.
    pub async fn ingest(
        &self,
        id: RunId,
        lines: &[(u64, Result<Record, String>)],
        evaluated: &[super::predictions::EvaluatedFile],
        offset_behind: u64,
    ) -> sqlx::Result<()> {
        let mut transaction = self.write.begin().await?;
        for (offset, line) in lines {
            match line {
                Ok(record) => ingest_record(&mut transaction, id, *offset, record).await?,
                Err(why) => {
                    let text = format!("A line of the journal could not be read and was skipped: {why}");
                    insert_note(&mut transaction, id, *offset, now_ms(), true, &text).await?;
                }
            }
        }
        for file in evaluated {
            super::predictions::replace_predictions(&mut transaction, id, file).await?;
            if file.split == Split::Test {
                merge_summary(&mut transaction, id, &file.figures()).await?;
            }
        }
        sqlx::query("update runs set journal_offset = ? where id = ?")
            .bind(i64::try_from(offset_behind).unwrap_or(i64::MAX))
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
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

async fn insert_note(
    connection: &mut SqliteConnection,
    id: RunId,
    offset: u64,
    at_ms: i64,
    warning: bool,
    text: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into notes (run_id, journal_offset, at_ms, warning, text) values (?, ?, ?, ?, ?) on conflict do nothing",
    )
    .bind(id)
    .bind(i64::try_from(offset).unwrap_or(i64::MAX))
    .bind(at_ms)
    .bind(warning)
    .bind(text)
    .execute(connection)
    .await?;
    Ok(())
}

async fn ingest_record(
    connection: &mut SqliteConnection,
    id: RunId,
    offset: u64,
    record: &Record,
) -> sqlx::Result<()> {
    match &record.event {
        Event::Hello(hello) => {
            sqlx::query("update runs set hello = ? where id = ?")
                .bind(to_json("hello", hello)?)
                .bind(id)
                .execute(connection)
                .await?;
        }
        Event::Started(started) => {
            sqlx::query("update runs set started = ?, step = ? where id = ?")
                .bind(to_json("started", started)?)
                .bind(i64::try_from(started.step).unwrap_or(i64::MAX))
                .bind(id)
                .execute(connection)
                .await?;
        }
        Event::Note { text } => insert_note(connection, id, offset, record.at_ms, false, text).await?,
        Event::Step { step, epoch, values } => {
            insert_values(connection, id, *step, values).await?;
            set_progress(connection, id, *epoch, step + 1).await?;
            merge_summary(connection, id, values).await?;
        }
        Event::Gradients { step, norms } => {
            let started: Option<String> = sqlx::query_scalar("select started from runs where id = ?")
                .bind(id)
                .fetch_one(&mut *connection)
                .await?;
            let layers = match started {
                Some(text) => {
                    serde_json::from_str::<Started>(&text).map_err(|error| bad_json("started", error))?.layers
                }
                None => Vec::new(),
            };
            for (layer, norm) in layers.iter().zip(norms) {
                series::insert_point(connection, id, &format!("gradient/{layer}"), *step, *norm).await?;
            }
        }
        Event::Batch(batch) => {
            sqlx::query(
                "insert into batches (run_id, step, record) values (?, ?, ?)
                 on conflict do update set record = excluded.record",
            )
            .bind(id)
            .bind(i64::try_from(batch.step).unwrap_or(i64::MAX))
            .bind(to_json("record", batch)?)
            .execute(connection)
            .await?;
        }
        Event::Epoch { epoch, step, values, best } => {
            insert_values(connection, id, *step, values).await?;
            set_progress(connection, id, *epoch, step + 1).await?;
            if let Some(accuracy) = values.get("val/accuracy") {
                extend_curve(connection, id, *step, *accuracy).await?;
            }
            if *best {
                sqlx::query("update runs set best_epoch = ? where id = ?")
                    .bind(*epoch)
                    .bind(id)
                    .execute(&mut *connection)
                    .await?;
                let best: Values = values
                    .iter()
                    .filter(|(key, _)| key.starts_with("val/"))
                    .map(|(key, value)| (format!("best/{key}"), *value))
                    .collect();
                merge_summary(connection, id, &best).await?;
            }
            merge_summary(connection, id, values).await?;
        }
        Event::Predictions { split, epoch, path, best } => {
            if *best {
                sqlx::query("update prediction_files set best = 0 where run_id = ? and split = ?")
                    .bind(id)
                    .bind(split.as_str())
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::query(
                "insert into prediction_files (run_id, split, epoch, path, best) values (?, ?, ?, ?, ?)
                 on conflict do update set path = excluded.path, best = excluded.best",
            )
            .bind(id)
            .bind(split.as_str())
            .bind(*epoch)
            .bind(path)
            .bind(*best)
            .execute(connection)
            .await?;
        }
        Event::Completed { step, best_epoch } => {
            sqlx::query("update runs set step = ?, best_epoch = ? where id = ?")
                .bind(i64::try_from(*step).unwrap_or(i64::MAX))
                .bind(*best_epoch)
                .bind(id)
                .execute(connection)
                .await?;
        }
        Event::Failed(failure) => {
            sqlx::query("update runs set failure = ? where id = ?")
                .bind(to_json("failure", failure)?)
                .bind(id)
                .execute(connection)
                .await?;
        }
        Event::Checkpoint { .. } | Event::Stopped { .. } => {}
    }
    Ok(())
}

async fn insert_values(
    connection: &mut SqliteConnection,
    id: RunId,
    step: u64,
    values: &Values,
) -> sqlx::Result<()> {
    for (key, value) in values {
        series::insert_point(connection, id, key, step, *value).await?;
    }
    Ok(())
}

async fn set_progress(
    connection: &mut SqliteConnection,
    id: RunId,
    epoch: u32,
    step: u64,
) -> sqlx::Result<()> {
    sqlx::query("update runs set epoch = ?, step = ? where id = ?")
        .bind(epoch)
        .bind(i64::try_from(step).unwrap_or(i64::MAX))
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The latest value of each key; a key that diverged is `null`.
async fn merge_summary(connection: &mut SqliteConnection, id: RunId, values: &Values) -> sqlx::Result<()> {
    let text: String = sqlx::query_scalar("select summary from runs where id = ?")
        .bind(id)
        .fetch_one(&mut *connection)
        .await?;
    let mut summary: Values = serde_json::from_str(&text).map_err(|error| bad_json("summary", error))?;
    for (key, value) in values {
        summary.insert(key.clone(), *value);
    }
    sqlx::query("update runs set summary = ? where id = ?")
        .bind(to_json("summary", &summary)?)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds an epoch to the small curve. A resumed run says its last epochs again: the later word counts.
async fn extend_curve(
    connection: &mut SqliteConnection,
    id: RunId,
    step: u64,
    value: Option<f64>,
) -> sqlx::Result<()> {
    let text: String = sqlx::query_scalar("select curve from runs where id = ?")
        .bind(id)
        .fetch_one(&mut *connection)
        .await?;
    let mut curve: Points = serde_json::from_str(&text).map_err(|error| bad_json("curve", error))?;
    curve.retain(|point| point.0 < step);
    curve.push((step, value));
    if curve.len() > 2 * CURVE_POINTS {
        curve = downsample(&curve, CURVE_POINTS);
    }
    sqlx::query("update runs set curve = ? where id = ?")
        .bind(to_json("curve", &curve)?)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

fn to_json<T: serde::Serialize>(column: &'static str, value: &T) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| bad_json(column, error))
}
