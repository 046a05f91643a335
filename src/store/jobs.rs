//! What trainers work at: a run's own task, whose row is the run's, and further jobs, which have rows of their own. What the queue
//! and the supervision ask for is the same for both.

use super::runs::{Run, StageProgress, read_stop_request, to_json};
use super::{Store, bad_json, now_ms, unknown};
use crate::domain::ids::{JobId, RunId};
use crate::domain::run::{EvaluatedSplit, RunState, StopRequest, total_steps};
use protocol::event::{Failure, Hello};
use protocol::spec::Task;
use sqlx::FromRow;

/// A statement about the row of a job: `verb`, the table, `rest`, and what finds the row by `?1` and `?2`.
macro_rules! of_job {
    ($id:expr, $verb:literal, $rest:literal) => {
        if $id.is_own() {
            concat!($verb, " runs ", $rest, " id = ?1 and ?2 = 0")
        } else {
            concat!($verb, " jobs ", $rest, " run_id = ?1 and number = ?2")
        }
    };
}
pub(super) use of_job;

/// The folder of a further job in that of its run.
pub(super) fn folder_of_job(id: JobId) -> String {
    format!("{}/{}/", protocol::files::JOBS, id.number)
}

/// What the queue and the supervision know of a job.
#[derive(Clone, Debug)]
pub struct Work {
    /// Which.
    pub id: JobId,
    /// Where it stands.
    pub state: RunState,
    /// Whether it was asked to stop, and then become this.
    pub stop_request: Option<StopRequest>,
    /// When it was last put into the queue.
    pub queued_at_ms: i64,
    /// Whether a network is to learn, which takes long.
    pub trains: bool,
    /// Optimiser steps that it takes, where it trains and that is known: a run that may end early takes as many as it says.
    pub steps: Option<u64>,
    /// Those after which it is to pause by itself, in the same way.
    pub pause_after_steps: Option<u64>,
    /// Bytes of its journal that are in the database.
    pub journal_offset: i64,
    /// Versions, device, process.
    pub hello: Option<Hello>,
}

impl From<Run> for Work {
    fn from(run: Run) -> Work {
        let trains = run.spec.trains();
        let started = run.started.as_ref().filter(|_| trains);
        Work {
            id: run.id.into(),
            state: run.state,
            stop_request: run.stop_request,
            queued_at_ms: run.queued_at_ms,
            trains,
            steps: started
                .filter(|_| run.spec.selection.patience == 0)
                .map(|started| total_steps(started, run.spec.epochs)),
            pause_after_steps: started
                .zip(run.spec.pause_after_epoch)
                .map(|(started, epoch)| total_steps(started, epoch)),
            journal_offset: run.journal_offset,
            hello: run.hello,
        }
    }
}

impl From<Job> for Work {
    fn from(job: Job) -> Work {
        Work {
            id: job.id,
            state: job.state,
            stop_request: job.stop_request,
            queued_at_ms: job.queued_at_ms,
            trains: job.task == Task::Train,
            steps: None,
            pause_after_steps: None,
            journal_offset: job.journal_offset,
            hello: job.hello,
        }
    }
}

/// A further job of a run.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its run and number.
    pub id: JobId,
    /// What is to be done.
    pub task: Task,
    /// With how many images.
    pub images: i64,
    /// Who asked for it.
    pub asked_by: AskedBy,
    /// Where it stands.
    pub state: RunState,
    /// Whether it was asked to stop, and then become this.
    pub stop_request: Option<StopRequest>,
    /// When it was last put into the queue.
    pub queued_at_ms: i64,
    /// When it was made.
    pub created_at_ms: i64,
    /// When its trainer was first started.
    pub started_at_ms: Option<i64>,
    /// When it last ended.
    pub ended_at_ms: Option<i64>,
    /// Bytes of its journal that are in the database.
    pub journal_offset: i64,
    /// Versions, device, process.
    pub hello: Option<Hello>,
    /// How far it is, while it says so.
    pub stage: Option<StageProgress>,
    /// Why it failed or was interrupted.
    pub failure: Option<Failure>,
    /// The file of a job that predicts, relative to its directory.
    pub predictions: Option<String>,
    /// What a search for a learning rate found: rate and loss, in the order of its steps.
    pub learning_rates: Option<Vec<(f64, Option<f64>)>>,
}

/// Who asked for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type, serde::Serialize)]
#[sqlx(rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum AskedBy {
    /// A person, by a button.
    Page,
    /// A script or a command.
    Api,
}

#[derive(FromRow)]
struct JobRow {
    run_id: RunId,
    number: i64,
    task: String,
    images: i64,
    asked_by: AskedBy,
    state: String,
    wish: Option<String>,
    queued_at_ms: i64,
    created_at_ms: i64,
    started_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
    journal_offset: i64,
    hello: Option<String>,
    stage: Option<String>,
    failure: Option<String>,
    predictions: Option<String>,
    learning_rates: Option<String>,
}

impl TryFrom<JobRow> for Job {
    type Error = sqlx::Error;

    fn try_from(row: JobRow) -> sqlx::Result<Job> {
        fn json<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> sqlx::Result<T> {
            serde_json::from_str(text).map_err(|error| bad_json(column, error))
        }
        Ok(Job {
            id: JobId { run: row.run_id, number: row.number },
            task: json("task", &row.task)?,
            images: row.images,
            asked_by: row.asked_by,
            state: RunState::from_word(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            stop_request: read_stop_request(row.wish.as_deref())?,
            queued_at_ms: row.queued_at_ms,
            created_at_ms: row.created_at_ms,
            started_at_ms: row.started_at_ms,
            ended_at_ms: row.ended_at_ms,
            journal_offset: row.journal_offset,
            hello: row.hello.as_deref().map(|text| json("hello", text)).transpose()?,
            // It is told anew in a moment.
            stage: row.stage.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            failure: row.failure.as_deref().map(|text| json("failure", text)).transpose()?,
            predictions: row.predictions,
            learning_rates: row
                .learning_rates
                .as_deref()
                .map(|text| json("learning_rates", text))
                .transpose()?,
        })
    }
}

impl Store {
    /// A number that no job of this run has or had; `None`: there is no such run.
    pub async fn take_job_number(&self, run: RunId) -> sqlx::Result<Option<i64>> {
        sqlx::query_scalar("update runs set last_job = last_job + 1 where id = ? returning last_job")
            .bind(run)
            .fetch_optional(&self.write)
            .await
    }

    /// Puts a further job of a run into the queue.
    pub async fn insert_job(
        &self,
        id: JobId,
        task: &Task,
        images: usize,
        asked_by: AskedBy,
    ) -> sqlx::Result<()> {
        sqlx::query(
            "insert into jobs (run_id, number, task, images, asked_by, state, queued_at_ms, created_at_ms)
             values (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?6)",
        )
        .bind(id.run)
        .bind(id.number)
        .bind(to_json("task", task)?)
        .bind(i64::try_from(images).unwrap_or(i64::MAX))
        .bind(asked_by)
        .bind(now_ms())
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// One further job.
    pub async fn find_job(&self, id: JobId) -> sqlx::Result<Option<Job>> {
        let row: Option<JobRow> = sqlx::query_as("select * from jobs where run_id = ? and number = ?")
            .bind(id.run)
            .bind(id.number)
            .fetch_optional(&self.read)
            .await?;
        row.map(Job::try_from).transpose()
    }

    /// The further jobs of a run, newest first.
    pub async fn list_jobs(&self, run: RunId) -> sqlx::Result<Vec<Job>> {
        let rows: Vec<JobRow> = sqlx::query_as("select * from jobs where run_id = ? order by number desc")
            .bind(run)
            .fetch_all(&self.read)
            .await?;
        Ok(readable(rows))
    }

    /// Further jobs of all runs that are queued or running, in the order of the queue.
    pub async fn list_active_jobs(&self) -> sqlx::Result<Vec<Job>> {
        // Through the writer: the queue decides on what it has just written.
        let rows: Vec<JobRow> = sqlx::query_as(
            "select * from jobs where state in ('queued', 'running') order by queued_at_ms, run_id, number",
        )
        .fetch_all(&self.write)
        .await?;
        Ok(readable(rows))
    }

    /// Further jobs that run now, with the names of their runs.
    pub async fn list_running_jobs(&self) -> sqlx::Result<Vec<(Job, String)>> {
        let names: Vec<(RunId, String)> = sqlx::query_as(
            "select id, name from runs where id in (select run_id from jobs where state = 'running')",
        )
        .fetch_all(&self.read)
        .await?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let running = self.list_active_jobs().await?.into_iter().filter(|job| job.state == RunState::Running);
        let named = |job: Job| {
            let (_, name) = names.iter().find(|(run, _)| *run == job.id.run)?;
            Some((job, name.clone()))
        };
        Ok(running.filter_map(named).collect())
    }

    /// Runs and further jobs that are queued or running, in the order of the queue.
    pub async fn list_active_work(&self) -> sqlx::Result<Vec<Work>> {
        let runs = self.list_active_runs().await?.into_iter().map(Work::from);
        let mut work: Vec<Work> =
            runs.chain(self.list_active_jobs().await?.into_iter().map(Work::from)).collect();
        work.sort_by_key(|work| work.queued_at_ms);
        Ok(work)
    }

    /// One run or further job.
    pub async fn find_work(&self, id: JobId) -> sqlx::Result<Option<Work>> {
        if id.is_own() {
            return Ok(self.find_run(id.run).await?.map(Work::from));
        }
        Ok(self.find_job(id).await?.map(Work::from))
    }

    /// Moves a job from one state to another; false where it was no longer in `from` (somebody was quicker).
    pub async fn set_job_state(
        &self,
        id: impl Into<JobId>,
        from: RunState,
        to: RunState,
    ) -> sqlx::Result<bool> {
        let id = id.into();
        if !from.can_become(to) {
            tracing::error!(%id, from = from.as_str(), to = to.as_str(), "there is no such move");
            return Ok(false);
        }
        let sql = of_job!(
            id,
            "update",
            "set state = ?3, wish = null,
                    queued_at_ms = case ?3 when 'queued' then ?4 else queued_at_ms end,
                    started_at_ms = case ?3 when 'running' then coalesce(started_at_ms, ?4) else started_at_ms end,
                    ended_at_ms = case when ?3 in ('queued', 'running') then null else ?4 end,
                    failure = case when ?3 in ('queued', 'running') then null else failure end
             where state = ?5 and"
        );
        let done = sqlx::query(sql)
            .bind(id.run)
            .bind(id.number)
            .bind(to.as_str())
            .bind(now_ms())
            .bind(from.as_str())
            .execute(&self.write)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes what a person asked of a running job; the latest wish counts, but *cancel* is final.
    /// False where it no longer runs.
    pub async fn set_job_stop_request(
        &self,
        id: impl Into<JobId>,
        request: StopRequest,
    ) -> sqlx::Result<bool> {
        let id = id.into();
        let sql = of_job!(
            id,
            "update",
            "set wish = case wish when 'cancel' then wish else ?3 end where state = 'running' and"
        );
        let done =
            sqlx::query(sql).bind(id.run).bind(id.number).bind(request.as_str()).execute(&self.write).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps why a job ended badly.
    pub async fn set_job_failure(&self, id: impl Into<JobId>, failure: &Failure) -> sqlx::Result<()> {
        let id = id.into();
        sqlx::query(of_job!(id, "update", "set failure = ?3 where"))
            .bind(id.run)
            .bind(id.number)
            .bind(to_json("failure", failure)?)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Removes a further job; false where it waits or works, or is not there.
    pub async fn delete_job(&self, id: JobId) -> sqlx::Result<bool> {
        let mut transaction = self.write.begin().await?;
        let done = sqlx::query(
            "delete from jobs where run_id = ? and number = ? and state not in ('queued', 'running')",
        )
        .bind(id.run)
        .bind(id.number)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("delete from notes where run_id = ? and job = ?")
            .bind(id.run)
            .bind(id.number)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The splits whose predictions, as the run shows them, are of this job.
    pub async fn list_evaluations_of(&self, id: JobId) -> sqlx::Result<Vec<EvaluatedSplit>> {
        let rows: Vec<(String, u32, i64, i64)> = sqlx::query_as(
            "select done.split, done.epoch, done.total, done.wrong
             from evaluated_splits as done
             join prediction_files as file on file.run_id = done.run_id and file.split = done.split and file.best
             where done.run_id = ?1 and substr(file.path, 1, length(?2)) = ?2",
        )
        .bind(id.run)
        .bind(folder_of_job(id))
        .fetch_all(&self.read)
        .await?;
        let read = |(word, epoch, total, wrong): (String, u32, i64, i64)| {
            let split = word.parse().map_err(|_| unknown("split", &word))?;
            Ok(EvaluatedSplit { split, epoch, total, wrong })
        };
        rows.into_iter().map(read).collect()
    }

    /// Whether the run shows predictions that lie in the folder of this job.
    pub async fn has_predictions_in(&self, id: JobId) -> sqlx::Result<bool> {
        let found: Option<i64> = sqlx::query_scalar(
            "select 1 from prediction_files where run_id = ?1 and substr(path, 1, length(?2)) = ?2 limit 1",
        )
        .bind(id.run)
        .bind(folder_of_job(id))
        .fetch_optional(&self.read)
        .await?;
        Ok(found.is_some())
    }
}

/// Those rows that this program can read. One that it can't is no reason to show none.
fn readable(rows: Vec<JobRow>) -> Vec<Job> {
    let read = |row: JobRow| {
        let (run, number) = (row.run_id, row.number);
        Job::try_from(row)
            .inspect_err(|error| tracing::warn!(%run, number, %error, "a job can't be read"))
            .ok()
    };
    rows.into_iter().filter_map(read).collect()
}
