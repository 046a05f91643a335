//! Sweeps, and which runs are theirs.

use super::runs::{NewRun, Run, insert_run, to_json};
use super::{Store, bad_json, now_ms};
use crate::domain::ids::{DatasetId, RunId, SweepId};
use crate::domain::recipe::Values;
use crate::domain::sweep::SweepPlan;
use protocol::spec::RunSpec;
use sqlx::FromRow;

/// A sweep's row.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Its number.
    pub id: SweepId,
    /// What its runs learn from.
    pub dataset_id: DatasetId,
    /// What a person calls it.
    pub name: String,
    /// Which runs it has.
    pub plan: SweepPlan,
    /// The values of the fields that don't vary, as they were asked for.
    pub base: Values,
    /// When it was made.
    pub created_at_ms: i64,
    /// How many runs it has; some may have been deleted since.
    pub runs: i64,
    /// How many of them wait or work.
    pub active: i64,
    /// How many runs it began with.
    pub begun: i64,
}

/// A run of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The run.
    pub run: RunId,
    /// Its number within the sweep, from 1.
    pub number: u32,
    /// What it has in the fields that vary.
    pub settings: Values,
}

#[derive(FromRow)]
struct SweepRow {
    id: SweepId,
    dataset_id: DatasetId,
    name: String,
    plan: String,
    base: String,
    created_at_ms: i64,
    runs: i64,
    active: i64,
    begun: i64,
}

impl TryFrom<SweepRow> for Sweep {
    type Error = sqlx::Error;

    fn try_from(row: SweepRow) -> sqlx::Result<Sweep> {
        Ok(Sweep {
            id: row.id,
            dataset_id: row.dataset_id,
            name: row.name,
            plan: serde_json::from_str(&row.plan).map_err(|error| bad_json("plan", error))?,
            base: serde_json::from_str(&row.base).map_err(|error| bad_json("base", error))?,
            created_at_ms: row.created_at_ms,
            runs: row.runs,
            active: row.active,
            begun: row.begun,
        })
    }
}

/// A run that a sweep is to have.
#[derive(Clone, Debug)]
pub struct NewTrial<'a> {
    /// Its number among all runs.
    pub id: RunId,
    /// The run.
    pub run: NewRun<'a>,
    /// What it has in the fields that vary.
    pub settings: &'a Values,
}

impl Store {
    /// Makes a sweep with all of its runs, queued in this order, or nothing of it.
    pub async fn insert_sweep(
        &self,
        dataset: DatasetId,
        name: &str,
        plan: &SweepPlan,
        base: &Values,
        trials: &[NewTrial<'_>],
    ) -> sqlx::Result<SweepId> {
        let now = now_ms();
        let mut transaction = self.write.begin().await?;
        let id: SweepId = sqlx::query_scalar(
            "insert into sweeps (dataset_id, name, plan, base, created_at_ms) values (?, ?, ?, ?, ?) returning id",
        )
        .bind(dataset)
        .bind(name)
        .bind(to_json("plan", plan)?)
        .bind(to_json("base", base)?)
        .bind(now)
        .fetch_one(&mut *transaction)
        .await?;
        for (number, trial) in (1_i64..).zip(trials) {
            insert_run(&mut transaction, trial.id, trial.run, now).await?;
            sqlx::query("insert into sweep_trials (run_id, sweep_id, number, settings) values (?, ?, ?, ?)")
                .bind(trial.id)
                .bind(id)
                .bind(number)
                .bind(to_json("settings", trial.settings)?)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(id)
    }

    /// Every sweep, newest first.
    pub async fn list_sweeps(&self) -> sqlx::Result<Vec<Sweep>> {
        let rows: Vec<SweepRow> = sqlx::query_as(
            "select sweeps.*, count(runs.id) as runs, coalesce(max(number), 0) as begun,
                    coalesce(sum(runs.state in ('queued', 'running')), 0) as active
             from sweeps left join sweep_trials on sweep_id = sweeps.id left join runs on runs.id = run_id
             group by sweeps.id order by sweeps.id desc",
        )
        .fetch_all(&self.read)
        .await?;
        let read = |row: SweepRow| {
            let id = row.id;
            Sweep::try_from(row)
                .inspect_err(|error| tracing::warn!(sweep.id = %id, %error, "a sweep can't be read"))
                .ok()
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// One sweep.
    pub async fn find_sweep(&self, id: SweepId) -> sqlx::Result<Option<Sweep>> {
        let row: Option<SweepRow> = sqlx::query_as(
            "select sweeps.*, count(runs.id) as runs, coalesce(max(number), 0) as begun,
                    coalesce(sum(runs.state in ('queued', 'running')), 0) as active
             from sweeps left join sweep_trials on sweep_id = sweeps.id left join runs on runs.id = run_id
             where sweeps.id = ? group by sweeps.id",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        row.map(Sweep::try_from).transpose()
    }

    /// The runs of a sweep that are still there, by number.
    pub async fn list_trials(&self, id: SweepId) -> sqlx::Result<Vec<Trial>> {
        let rows: Vec<(RunId, i64, String)> = sqlx::query_as(
            "select run_id, number, settings from sweep_trials where sweep_id = ? order by number",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(read_trial).collect()
    }

    /// The sweep that a run belongs to, if it does.
    pub async fn find_sweep_of(&self, run: RunId) -> sqlx::Result<Option<SweepId>> {
        sqlx::query_scalar("select sweep_id from sweep_trials where run_id = ?")
            .bind(run)
            .fetch_optional(&self.read)
            .await
    }

    /// Sweeps with a run that paused by itself, and with none that waits or works.
    pub async fn list_resting_sweeps(&self) -> sqlx::Result<Vec<SweepId>> {
        // Through the writer: what has just been written counts.
        sqlx::query_scalar(
            "select sweep_id from sweep_trials join runs on runs.id = run_id
             group by sweep_id
             having sum(runs.state in ('queued', 'running')) = 0
                and sum(runs.state = 'paused' and runs.spec ->> '$.pause_after_epoch' is not null) > 0
             order by sweep_id",
        )
        .fetch_all(&self.write)
        .await
    }

    /// Lets some runs go on with these specifications and gives others up, all at once; only those that are paused.
    pub async fn advance_sweep(&self, going_on: &[(RunId, RunSpec)], ending: &[RunId]) -> sqlx::Result<()> {
        let now = now_ms();
        let mut transaction = self.write.begin().await?;
        for (id, spec) in going_on {
            sqlx::query(
                "update runs set spec = ?, state = 'queued', queued_at_ms = ?, ended_at_ms = null
                 where id = ? and state = 'paused'",
            )
            .bind(to_json("spec", spec)?)
            .bind(now)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        }
        for id in ending {
            sqlx::query(
                "update runs set state = 'cancelled', ended_at_ms = ? where id = ? and state = 'paused'",
            )
            .bind(now)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    }

    /// The runs of a sweep as they are now, by number, for whoever decides what becomes of them.
    pub async fn list_trial_runs(&self, id: SweepId) -> sqlx::Result<Vec<(u32, Run)>> {
        let mut runs = Vec::new();
        for trial in self.list_trials(id).await? {
            if let Some(run) = self.find_run(trial.run).await? {
                runs.push((trial.number, run));
            }
        }
        Ok(runs)
    }

    /// Forgets a sweep; its runs stay. False where it is not there, or a run of it waits or works.
    pub async fn delete_sweep(&self, id: SweepId) -> sqlx::Result<bool> {
        let done = sqlx::query(
            "delete from sweeps where id = ?1 and not exists
             (select * from sweep_trials join runs on runs.id = run_id
              where sweep_id = ?1 and runs.state in ('queued', 'running'))",
        )
        .bind(id)
        .execute(&self.write)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

fn read_trial((run, number, settings): (RunId, i64, String)) -> sqlx::Result<Trial> {
    Ok(Trial {
        run,
        number: u32::try_from(number).unwrap_or(u32::MAX),
        settings: serde_json::from_str(&settings).map_err(|error| bad_json("settings", error))?,
    })
}
