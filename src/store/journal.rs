//! What a journal says, taken into rows: each line once.

use super::job_events::{
    epoch_of_weights, ingest_of_every_job, ingest_of_further_job, insert_note, insert_prediction_file,
};
use super::jobs::of_job;
use super::run_summary::{best_of_series, extend_curve, merge_summary, set_progress};
use super::runs::to_json;
use super::{Store, dials, long_series, now_ms, series};
use crate::domain::ids::{JobId, RunId};
use protocol::event::{Dials, Event, LayerDial, Record, Values};
use protocol::sample::Split;
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

impl Store {
    /// Takes in a stretch of a job's journal: all of it, together with the offset behind it, or nothing.
    ///
    /// Each line comes with the offset at which it begins; one that could not be read is an error text.
    pub async fn ingest(
        &self,
        id: impl Into<JobId>,
        lines: &[(u64, Result<Record, String>)],
        evaluated: &[super::prediction_files::EvaluatedFile],
        offset_behind: u64,
    ) -> sqlx::Result<()> {
        let id = id.into();
        let mut transaction = self.write.begin().await?;
        // What a further job makes is of the run's weights.
        let epoch = match id.is_own() {
            true => None,
            false => Some(epoch_of_weights(&mut transaction, id.run).await?),
        };
        let mut latest = None;
        for (offset, line) in lines {
            let record = match line {
                Ok(record) => record,
                Err(why) => {
                    let text = format!("A line of the journal could not be read and was skipped: {why}");
                    insert_note(&mut transaction, id, *offset, now_ms(), true, &text).await?;
                    continue;
                }
            };
            if id.is_own() && matches!(record.event, Event::Hello(_)) {
                extend_attempt(&mut transaction, id.run, latest.take()).await?;
                begin_attempt(&mut transaction, id.run, record.at_ms).await?;
            }
            let is_of_every_job = ingest_of_every_job(&mut transaction, id, *offset, record).await?;
            match epoch {
                _ if is_of_every_job => {}
                None => ingest_record(&mut transaction, id.run, record).await?,
                Some(epoch) => ingest_of_further_job(&mut transaction, id, epoch, record).await?,
            }
            latest = Some(record.at_ms);
        }
        if id.is_own() {
            extend_attempt(&mut transaction, id.run, latest).await?;
            for (key, step) in written(lines) {
                long_series::keep_blocks(&mut transaction, id.run, key, step).await?;
            }
        }
        for file in evaluated {
            let epoch = epoch.unwrap_or(file.epoch);
            super::prediction_files::replace_predictions(&mut transaction, id.run, epoch, file).await?;
            if file.split == Split::Test {
                merge_summary(&mut transaction, id.run, &file.figures()).await?;
            }
        }
        sqlx::query(of_job!(id, "update", "set journal_offset = ?3 where"))
            .bind(id.run)
            .bind(id.number)
            .bind(i64::try_from(offset_behind).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
}

/// The series that these lines write to, each with the first step of it.
fn written(lines: &[(u64, Result<Record, String>)]) -> BTreeMap<&str, u64> {
    let mut first: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, line) in lines {
        let Ok(Record { event, .. }) = line else { continue };
        let (Event::Step { step, values, .. }
        | Event::Epoch { step, values, .. }
        | Event::Dials(Dials { step, values, .. })) = event
        else {
            continue;
        };
        for key in values.keys() {
            first.entry(key).and_modify(|first| *first = (*first).min(*step)).or_insert(*step);
        }
    }
    first
}

/// A trainer has begun to work.
async fn begin_attempt(connection: &mut SqliteConnection, id: RunId, at_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "insert into attempts (run_id, started_at_ms, ended_at_ms) values (?1, ?2, ?2) on conflict do nothing",
    )
    .bind(id)
    .bind(at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// The trainer at work still spoke at this time.
async fn extend_attempt(
    connection: &mut SqliteConnection,
    id: RunId,
    at_ms: Option<i64>,
) -> sqlx::Result<()> {
    let Some(at_ms) = at_ms else { return Ok(()) };
    sqlx::query(
        "update attempts set ended_at_ms = max(ended_at_ms, ?2)
         where run_id = ?1 and started_at_ms = (select max(started_at_ms) from attempts where run_id = ?1)",
    )
    .bind(id)
    .bind(at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// What a run's own journal says besides.
async fn ingest_record(connection: &mut SqliteConnection, id: RunId, record: &Record) -> sqlx::Result<()> {
    match &record.event {
        Event::Started(started) => {
            sqlx::query("update runs set started = ?, step = ? where id = ?")
                .bind(to_json("started", started)?)
                .bind(i64::try_from(started.step).unwrap_or(i64::MAX))
                .bind(id)
                .execute(connection)
                .await?;
        }
        Event::Step { step, epoch, values } => {
            insert_values(connection, id, *step, values).await?;
            set_progress(connection, id, *epoch, step.saturating_add(1)).await?;
            merge_summary(connection, id, values).await?;
        }
        Event::Gradients { step, norms } => {
            dials::insert_report(connection, id, LayerDial::Gradient, *step, norms).await?;
        }
        Event::Dials(read) => {
            for (dial, numbers) in &read.layers {
                dials::insert_report(connection, id, *dial, read.step, numbers).await?;
            }
            for (dial, bins) in &read.histograms {
                dials::insert_histograms(connection, id, *dial, read.step, bins).await?;
            }
            for (dial, numbers) in &read.classes {
                dials::insert_class_report(connection, id, *dial, read.step, numbers).await?;
            }
            insert_values(connection, id, read.step, &read.values).await?;
            merge_summary(connection, id, &read.values).await?;
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
            set_progress(connection, id, *epoch, step.saturating_add(1)).await?;
            if let Some(accuracy) = values.get("val/accuracy") {
                extend_curve(connection, id, *step, *accuracy).await?;
            }
            let mut figures = values.clone();
            if *best {
                sqlx::query("update runs set best_epoch = ? where id = ?")
                    .bind(*epoch)
                    .bind(id)
                    .execute(&mut *connection)
                    .await?;
                figures.insert("checkpoint/epoch".into(), Some(f64::from(*epoch)));
                for key in ["val/accuracy", "val/loss"] {
                    figures.insert(format!("checkpoint/{key}"), values.get(key).copied().flatten());
                }
            }
            figures.extend(best_of_series(connection, id).await?);
            merge_summary(connection, id, &figures).await?;
        }
        Event::Predictions { split, epoch, path, best } => {
            insert_prediction_file(connection, id, *split, *epoch, path, *best).await?;
        }
        Event::Completed { step, best_epoch } => {
            sqlx::query("update runs set step = ?, best_epoch = ? where id = ?")
                .bind(i64::try_from(*step).unwrap_or(i64::MAX))
                .bind(*best_epoch)
                .bind(id)
                .execute(connection)
                .await?;
        }
        // The rest is taken in for every job alike.
        _ => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::imported::ImportRequest;
    use crate::store::database_before;
    use crate::store::runs::NewRun;
    use serde_json::json;

    const RUN: RunId = RunId(1);

    async fn with_a_run(folder: &std::path::Path) -> Store {
        let store = Store::open(&folder.join("tintype.db")).await.unwrap();
        let request = ImportRequest { name: "photos".into(), ..ImportRequest::default() };
        let dataset = store.insert_dataset("/photos", &request).await.unwrap().unwrap();
        let spec = serde_json::from_value(json!({
            "dataset": "photos", "fingerprint": "", "classes": ["a", "b"], "model": "small-cnn", "weights": null,
            "image_size": 32, "epochs": 5, "batch_size": 4, "optimizer": "adamw", "learning_rate": 0.1,
            "weight_decay": 0.0, "schedule": "constant", "warmup_epochs": 0.0, "train_transforms": [],
            "eval_transforms": [], "seed": 0, "device": "auto", "precision": "auto", "threads": 0,
            "capture_every_steps": 0, "evaluate_splits": ["val"],
        }))
        .unwrap();
        let run =
            NewRun { dataset, name: "one", spec: &spec, held_out: None, dataset_version: 1, origin: None };
        store.insert_run(RUN, run).await.unwrap();
        store
    }

    fn hello() -> Event {
        serde_json::from_value(json!({
            "event": "hello", "protocol": 1, "trainer": "", "torch": "", "device": "cpu", "threads": 1,
            "precision": "f32", "precision_reason": "", "pid": 1,
        }))
        .unwrap()
    }

    fn epoch(number: u32, loss: f64, accuracy: f64, best: bool) -> Event {
        let values = Values::from([
            ("val/loss".to_owned(), Some(loss)),
            ("val/accuracy".to_owned(), Some(accuracy)),
            ("images_per_second".to_owned(), Some(f64::from(number) * 100.0)),
        ]);
        Event::Epoch { epoch: number, step: u64::from(number) * 10 - 1, values, best }
    }

    async fn say(store: &Store, offset: u64, events: &[(i64, Event)]) {
        let lines: Vec<(u64, Result<Record, String>)> = (offset..)
            .zip(events)
            .map(|(offset, (at_ms, event))| (offset, Ok(Record { at_ms: *at_ms, event: event.clone() })))
            .collect();
        store.ingest(RUN, &lines, &[], offset + events.len() as u64).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_called_best_is_the_best_of_its_series() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_a_run(folder.path()).await;
        let events = [
            (1, epoch(1, 0.9, 0.7, true)),
            (2, epoch(2, 0.5, 0.95, true)),
            (3, epoch(3, 0.3, 0.9, true)),
            (4, epoch(4, 0.4, 0.95, false)),
        ];
        say(&store, 0, &events).await;
        let summary = store.find_run(RUN).await.unwrap().unwrap().summary;
        let figure = |key: &str| summary.get(key).copied().flatten();
        assert_eq!((figure("best/val/accuracy"), figure("best/val/accuracy_epoch")), (Some(0.95), Some(2.0)));
        assert_eq!(figure("best/val/loss"), Some(0.3));
        assert_eq!((figure("checkpoint/epoch"), figure("checkpoint/val/accuracy")), (Some(3.0), Some(0.9)));
        assert_eq!(figure("val/accuracy"), Some(0.95), "the last");
        assert_eq!(figure("images_per_second/median"), Some(300.0));
    }

    #[tokio::test]
    async fn the_time_between_two_attempts_is_no_work() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_a_run(folder.path()).await;
        say(&store, 0, &[(1_000, hello()), (3_000, epoch(1, 0.9, 0.5, true))]).await;
        say(&store, 2, &[(3_500, Event::Stopped { step: 10 })]).await;
        // An hour later, in one stretch with what comes after it.
        say(&store, 3, &[(3_603_500, hello()), (3_604_000, epoch(2, 0.8, 0.6, true))]).await;
        assert_eq!(store.find_run(RUN).await.unwrap().unwrap().worked_ms, 2_500 + 500);
    }

    #[tokio::test]
    async fn a_database_of_before_loses_no_figure_and_gets_the_true_best() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tintype.db");
        let old = database_before(&file, 10).await;
        let spec = serde_json::to_string(
            &with_a_run(&tempfile::tempdir().unwrap().keep())
                .await
                .find_run(RUN)
                .await
                .unwrap()
                .unwrap()
                .spec,
        )
        .unwrap();
        sqlx::raw_sql(
            "insert into datasets (id, name, state, source, created_at_ms) values (1, 'photos', 'ready', '/p', 0);
             insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, started_at_ms, ended_at_ms,
                               best_epoch, spec, summary)
                 values (1, 1, 'old', 'completed', 0, 0, 1000, 61000, 3, '', '{\"best/val/accuracy\":0.9,\"best/val/loss\":0.3}'),
                        (2, 1, 'failed at once', 'failed', 0, 0, null, null, null, '', '{}');
             insert into series (id, run_id, key) values (1, 1, 'val/accuracy'), (2, 1, 'val/loss'), (3, 1, 'images_per_second');
             insert into points values (1, 9, 0.7), (1, 19, 0.95), (1, 29, 0.9), (2, 9, 0.9), (2, 19, 0.5), (2, 29, 0.3),
                 (3, 0, 10.0), (3, 1, 500.0), (3, 2, 490.0);",
        )
        .execute(&old)
        .await
        .unwrap();
        sqlx::query("update runs set spec = ?").bind(spec).execute(&old).await.unwrap();
        old.close().await;
        let store = Store::open(&file).await.unwrap();
        let run = store.find_run(RUN).await.unwrap().unwrap();
        let expected = [
            ("best/val/accuracy", 0.95),
            ("best/val/accuracy_epoch", 2.0),
            ("best/val/loss", 0.3),
            ("checkpoint/epoch", 3.0),
            ("checkpoint/val/accuracy", 0.9),
            ("checkpoint/val/loss", 0.3),
            ("images_per_second/median", 490.0),
        ];
        for (key, value) in expected {
            assert_eq!(run.summary.get(key).copied().flatten(), Some(value), "{key}");
        }
        assert_eq!((run.worked_ms, run.tags.len(), run.starred, run.archived), (60_000, 0, false, false));
        assert!(store.find_run(RunId(2)).await.unwrap().unwrap().summary.is_empty());
    }

    #[tokio::test]
    async fn a_deleted_runs_number_is_not_given_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_a_run(folder.path()).await;
        assert!(!store.delete_run(RUN).await.unwrap(), "it waits");
        sqlx::query("update runs set state = 'completed'").execute(&store.write).await.unwrap();
        say(&store, 0, &[(1, hello()), (2, epoch(1, 0.9, 0.5, true))]).await;
        store.set_run_tags(RUN, &["a".into(), "b".into()]).await.unwrap();
        assert_eq!(store.find_run(RUN).await.unwrap().unwrap().tags, ["a", "b"]);
        assert!(store.delete_run(RUN).await.unwrap());
        assert!(store.find_run(RUN).await.unwrap().is_none());
        assert_eq!(
            (store.last_run_number().await.unwrap(), store.list_deleted_runs().await.unwrap()),
            (1, vec![RUN])
        );
        for table in ["series", "points", "attempts", "run_tags"] {
            let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
                .fetch_one(&store.read)
                .await
                .unwrap();
            assert_eq!(rows, 0, "{table}");
        }
    }
}
