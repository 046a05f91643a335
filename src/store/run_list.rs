//! Runs as lists show them, in one statement however many there are; a run that can't be read is no harm to the others.

use super::Store;
use super::runs::{Run, RunRow};
use crate::domain::ids::{DatasetId, RunId};
use crate::domain::run::{EvaluatedSplit, RunState, percent_done};
use protocol::sample::Split;
use sqlx::{FromRow, QueryBuilder, Row as _, Sqlite};

/// Which runs.
#[derive(Clone, Copy, Debug)]
pub enum RunSelection<'a> {
    /// Every one, newest first.
    All,
    /// Those that learn from a data set, newest first.
    OfDataset(DatasetId),
    /// The newest of those that learn from a data set.
    NewestOfDataset(DatasetId),
    /// Queued and running ones, in the order of the queue.
    Active,
    /// One.
    One(RunId),
    /// These, newest first.
    Among(&'a [RunId]),
}

/// A run with what a list says of it.
#[derive(Clone, Debug)]
pub struct ListedRun {
    /// Itself.
    pub run: Run,
    /// The data set's name.
    pub dataset: String,
    /// What was evaluated, in the order of the splits.
    pub evaluated: Vec<EvaluatedSplit>,
    /// The run whose settings it began with.
    pub cloned_from: Option<RunId>,
    /// How many findings want a look, without those that were dismissed.
    pub findings: i64,
}

/// A run whose row this program can't read: an older or newer one wrote it, or the file is damaged.
#[derive(Clone, Debug)]
pub struct UnreadableRun {
    /// Its number.
    pub id: RunId,
    /// What a person calls it.
    pub name: String,
    /// The data set's name.
    pub dataset: String,
    /// What can't be read.
    pub why: String,
}

/// A list of runs.
#[derive(Clone, Debug, Default)]
pub struct RunList {
    /// Those that can be read.
    pub runs: Vec<ListedRun>,
    /// The rest.
    pub unreadable: Vec<UnreadableRun>,
}

/// A run at work or waiting, as the bar of every page names it.
#[derive(Clone, Debug, FromRow)]
pub struct ActiveRun {
    /// Its number.
    pub id: RunId,
    /// What a person calls it.
    pub name: String,
    /// Whether it runs; else it waits.
    pub is_running: bool,
    /// Optimizer steps taken.
    pub step: i64,
    /// All that it will take; `None` before it has begun or where it trains nothing.
    pub steps: Option<i64>,
    /// Whole percents of work that is not counted in steps, while there is such work.
    pub stage_percent: Option<i64>,
}

impl ActiveRun {
    /// Whole percents done.
    pub fn percent_done(&self) -> u64 {
        let of_stage = self.stage_percent.map(|percent| percent.clamp(0, 100) as u64);
        of_stage.unwrap_or_else(|| percent_done(RunState::Running, self.step, self.steps))
    }
}

impl Store {
    /// Runs with what lists say of them.
    pub async fn list_run_rows(&self, which: RunSelection<'_>) -> sqlx::Result<RunList> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "select run_rows.*, datasets.name as dataset_name,
                    (select json_group_array(json_array(split, epoch, total, wrong)) from evaluated_splits
                     where run_id = run_rows.id) as evaluated,
                    (select count(*) from run_findings, json_each(case when json_valid(findings) then findings else '[]' end) as finding
                     where run_findings.run_id = run_rows.id and finding.value ->> '$.alarm' not in
                         (select finding from dismissed_findings where run_id = run_rows.id)) as findings
             from run_rows join datasets on datasets.id = run_rows.dataset_id",
        );
        match which {
            RunSelection::All => drop(query.push(" order by run_rows.id desc")),
            RunSelection::OfDataset(dataset) => {
                query.push(" where dataset_id = ").push_bind(dataset).push(" order by run_rows.id desc");
            }
            RunSelection::NewestOfDataset(dataset) => {
                query.push(" where dataset_id = ").push_bind(dataset);
                query.push(" order by run_rows.id desc limit 1");
            }
            RunSelection::Active => {
                query.push(
                    " where run_rows.state in ('queued', 'running') order by queued_at_ms, run_rows.id",
                );
            }
            RunSelection::One(id) => drop(query.push(" where run_rows.id = ").push_bind(id)),
            RunSelection::Among(ids) => {
                query.push(" where run_rows.id in (select value from json_each(").push_bind(run_numbers(ids));
                query.push(")) order by run_rows.id desc");
            }
        }
        let mut list = RunList::default();
        for row in query.build().fetch_all(&self.read).await? {
            let dataset: String = row.try_get("dataset_name")?;
            match read_listed(&row) {
                Ok((run, evaluated)) => {
                    let cloned_from = row.try_get("cloned_from")?;
                    let dataset = if run.event_origin.is_some() { "no data set".to_owned() } else { dataset };
                    let findings = row.try_get("findings")?;
                    list.runs.push(ListedRun { run, dataset, evaluated, cloned_from, findings });
                }
                Err(error) => list.unreadable.push(UnreadableRun {
                    id: row.try_get("id")?,
                    name: row.try_get("name")?,
                    dataset,
                    why: error.to_string(),
                }),
            }
        }
        Ok(list)
    }

    /// What is at work and what waits, in the order of the queue.
    pub async fn list_active(&self) -> sqlx::Result<Vec<ActiveRun>> {
        sqlx::query_as(
            "select id, name, state = 'running' as is_running, step,
                    case when json_valid(spec) and json_valid(started)
                    then nullif((spec ->> '$.epochs') * (started ->> '$.steps_per_epoch'), 0) end as steps,
                    case when json_valid(stage) then (stage ->> '$.done') * 100 / (stage ->> '$.total') end as stage_percent
             from runs where state in ('queued', 'running') order by queued_at_ms, id",
        )
        .fetch_all(&self.read)
        .await
    }
}

/// Numbers of runs, for `json_each`.
pub(super) fn run_numbers(runs: &[RunId]) -> String {
    serde_json::to_string(runs).unwrap_or_default()
}

fn read_listed(row: &sqlx::sqlite::SqliteRow) -> sqlx::Result<(Run, Vec<EvaluatedSplit>)> {
    let run = Run::try_from(RunRow::from_row(row)?)?;
    let text: String = row.try_get("evaluated")?;
    let rows: Vec<(Split, u32, i64, i64)> =
        serde_json::from_str(&text).map_err(|error| super::bad_json("evaluated", error))?;
    let mut evaluated: Vec<EvaluatedSplit> = rows
        .into_iter()
        .map(|(split, epoch, total, wrong)| EvaluatedSplit { split, epoch, total, wrong })
        .collect();
    evaluated.sort_by_key(|evaluated| Split::ALL.iter().position(|split| *split == evaluated.split));
    Ok((run, evaluated))
}

impl Store {
    /// The runs before and after one, by number.
    pub async fn find_run_neighbours(&self, id: RunId) -> sqlx::Result<(Option<RunId>, Option<RunId>)> {
        sqlx::query_as(
            "select (select max(id) from runs where id < ?1), (select min(id) from runs where id > ?1)",
        )
        .bind(id)
        .fetch_one(&self.read)
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::imported::ImportRequest;
    use crate::store::database_before;
    use crate::store::runs::NewRun;
    use protocol::spec::RunSpec;
    use serde_json::json;

    async fn with_runs(folder: &std::path::Path, count: i64) -> Store {
        let store = Store::open(&folder.join("tintype.db")).await.unwrap();
        let request = ImportRequest { name: "photos".to_owned(), ..ImportRequest::default() };
        let dataset = store.insert_dataset("/photos", &request).await.unwrap().unwrap();
        let spec: RunSpec = serde_json::from_value(json!({
            "dataset": "photos", "fingerprint": "", "classes": ["a", "b"], "model": "small-cnn", "weights": null,
            "image_size": 32, "epochs": 5, "batch_size": 4, "optimizer": "adamw", "learning_rate": 0.1,
            "weight_decay": 0.0, "schedule": "constant", "warmup_epochs": 0.0, "train_transforms": [],
            "eval_transforms": [], "seed": 0, "device": "auto", "precision": "auto", "threads": 0,
            "capture_every_steps": 0, "evaluate_splits": ["val"],
        }))
        .unwrap();
        for id in 1..=count {
            let name = format!("run {id}");
            // Each is made from the one before it.
            let origin = (id > 1).then(|| RunId(id - 1));
            let run =
                NewRun { dataset, name: &name, spec: &spec, held_out: None, dataset_version: 1, origin };
            store.insert_run(RunId(id), run).await.unwrap();
        }
        store
    }

    #[tokio::test]
    async fn a_run_that_cannot_be_read_is_named_and_the_others_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_runs(folder.path(), 3).await;
        sqlx::query("update runs set spec = '{\"model\": \"of next year\"}' where id = 2")
            .execute(&store.write)
            .await
            .unwrap();
        let list = store.list_run_rows(RunSelection::All).await.unwrap();
        assert_eq!(list.runs.iter().map(|listed| listed.run.id.0).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(list.unreadable.len(), 1);
        assert_eq!((list.unreadable[0].id, list.unreadable[0].name.as_str()), (RunId(2), "run 2"));
        assert!(list.unreadable[0].why.contains("spec"), "{}", list.unreadable[0].why);
        assert_eq!(store.list_runs_of(DatasetId(1)).await.unwrap().len(), 2);
        assert_eq!(store.list_active_runs().await.unwrap().len(), 2, "the queue goes on too");
        assert_eq!(store.list_active().await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_database_of_before_the_summaries_gets_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tintype.db");
        let old = database_before(&file, 13).await;
        sqlx::raw_sql(
            "insert into datasets (id, name, state, source, created_at_ms) values (1, 'photos', 'ready', '/p', 0);
             insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, spec)
                 values (7, 1, 'old', 'completed', 0, 0, '{}');
             insert into series (id, run_id, key) values (1, 7, 'val/accuracy'), (2, 7, 'train/loss');
             insert into points values (1, 19, null), (1, 9, 0.5), (2, 3, 1.0);
             insert into samples (id, dataset_id, path, label, split, width, height, bytes, format, orientation, hash)
                 values (1, 1, 'a', 0, 'val', 1, 1, 1, 'png', 1, ''), (2, 1, 'b', 1, 'val', 1, 1, 1, 'png', 1, '');
             insert into prediction_files values (7, 'val', 2, 'x', 1), (7, 'val', 3, 'y', 0);
             insert into predictions values (7, 'val', 1, 0, 0, 0, 0.9, 0.1, null), (7, 'val', 2, 1, 1, 0, 0.6, 1.0, null);",
        )
        .execute(&old)
        .await
        .unwrap();
        old.close().await;
        let store = Store::open(&file).await.unwrap();
        let curve: String =
            sqlx::query_scalar("select curve from runs").fetch_one(&store.read).await.unwrap();
        assert_eq!(curve, "[[9,0.5],[19,null]]");
        let evaluated: Vec<(i64, String, i64, i64, i64)> =
            sqlx::query_as("select * from evaluated_splits").fetch_all(&store.read).await.unwrap();
        assert_eq!(evaluated, [(7, "val".to_owned(), 2, 2, 1)]);
    }

    #[tokio::test]
    async fn what_was_evaluated_is_listed_in_the_order_of_the_splits() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_runs(folder.path(), 2).await;
        sqlx::query(
            "insert into evaluated_splits values (1, 'test', 4, 10, 3), (1, 'val', 4, 20, 1), (1, 'train', 4, 5, 0)",
        )
        .execute(&store.write)
        .await
        .unwrap();
        let list = store.list_run_rows(RunSelection::One(RunId(1))).await.unwrap();
        let listed = &list.runs[0];
        assert_eq!(listed.cloned_from, None);
        let newest = RunSelection::NewestOfDataset(listed.run.dataset_id);
        let newest = store.list_run_rows(newest).await.unwrap().runs;
        assert_eq!((newest.len(), newest[0].run.id, newest[0].cloned_from), (1, RunId(2), Some(RunId(1))));
        assert_eq!(listed.dataset, "photos");
        let splits: Vec<_> =
            listed.evaluated.iter().map(|split| (split.split, split.total, split.wrong)).collect();
        assert_eq!(splits, [(Split::Train, 5, 0), (Split::Val, 20, 1), (Split::Test, 10, 3)]);
    }

    #[tokio::test]
    async fn a_run_has_one_before_and_one_after() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_runs(folder.path(), 3).await;
        let beside = async |id| {
            let (before, after) = store.find_run_neighbours(RunId(id)).await.unwrap();
            (before.map(|run| run.0), after.map(|run| run.0))
        };
        assert_eq!((beside(1).await, beside(2).await), ((None, Some(2)), (Some(1), Some(3))));
        assert_eq!(beside(3).await, (Some(2), None));
    }
}
