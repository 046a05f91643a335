//! What of a journal means the same whatever the job does, and what further jobs of a run say besides.

use super::jobs::{folder_of_job, of_job};
use super::runs::to_json;
use crate::domain::ids::{JobId, RunId};
use protocol::event::{Event, Record, Stage};
use protocol::sample::Split;
use sqlx::SqliteConnection;

/// Takes in what every job may say; false where it is another event.
pub(super) async fn ingest_of_every_job(
    connection: &mut SqliteConnection,
    id: JobId,
    offset: u64,
    record: &Record,
) -> sqlx::Result<bool> {
    match &record.event {
        Event::Hello(hello) => {
            sqlx::query(of_job!(id, "update", "set hello = ?3, stage = null where"))
                .bind(id.run)
                .bind(id.number)
                .bind(to_json("hello", hello)?)
                .execute(connection)
                .await?;
        }
        Event::Progress { stage, done, total } => {
            set_stage(connection, id, record.at_ms, *stage, *done, *total).await?;
        }
        Event::Note { text } => insert_note(connection, id, offset, record.at_ms, false, text).await?,
        Event::Failed(failure) => {
            sqlx::query(of_job!(id, "update", "set failure = ?3 where"))
                .bind(id.run)
                .bind(id.number)
                .bind(to_json("failure", failure)?)
                .execute(connection)
                .await?;
        }
        Event::Checkpoint { .. } | Event::Stopped { .. } => {}
        _ => return Ok(false),
    }
    Ok(true)
}

/// Takes in what a further job says of its own; `epoch` is that of the weights that it works with.
pub(super) async fn ingest_of_further_job(
    connection: &mut SqliteConnection,
    id: JobId,
    epoch: u32,
    record: &Record,
) -> sqlx::Result<()> {
    match &record.event {
        Event::Predictions { split, path, best, .. } => {
            let path = folder_of_job(id) + path;
            insert_prediction_file(connection, id.run, *split, epoch, &path, *best).await?;
        }
        Event::Predicted { path } => {
            sqlx::query("update jobs set predictions = ? where run_id = ? and number = ?")
                .bind(path)
                .bind(id.run)
                .bind(id.number)
                .execute(connection)
                .await?;
        }
        Event::LearningRates { points } => {
            sqlx::query("update jobs set learning_rates = ? where run_id = ? and number = ?")
                .bind(to_json("learning_rates", points)?)
                .bind(id.run)
                .bind(id.number)
                .execute(connection)
                .await?;
        }
        // It does not train, and there are no other figures of it.
        _ => {}
    }
    Ok(())
}

/// The epoch of the weights that further jobs of a run work with: those that it keeps, or those that it was given.
pub(super) async fn epoch_of_weights(connection: &mut SqliteConnection, run: RunId) -> sqlx::Result<u32> {
    sqlx::query_scalar("select coalesce(best_epoch, 0) from runs where id = ?")
        .bind(run)
        .fetch_one(connection)
        .await
}

/// A file of predictions of a split; the best one is what galleries show.
pub(super) async fn insert_prediction_file(
    connection: &mut SqliteConnection,
    run: RunId,
    split: Split,
    epoch: u32,
    path: &str,
    best: bool,
) -> sqlx::Result<()> {
    if best {
        sqlx::query("update prediction_files set best = 0 where run_id = ? and split = ?")
            .bind(run)
            .bind(split.as_str())
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query(
        "insert into prediction_files (run_id, split, epoch, path, best) values (?, ?, ?, ?, ?)
         on conflict do update set path = excluded.path, best = excluded.best",
    )
    .bind(run)
    .bind(split.as_str())
    .bind(epoch)
    .bind(path)
    .bind(best)
    .execute(connection)
    .await?;
    Ok(())
}

/// Something that a job, or who follows it, says to a person.
pub(super) async fn insert_note(
    connection: &mut SqliteConnection,
    id: JobId,
    offset: u64,
    at_ms: i64,
    warning: bool,
    text: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into notes (run_id, job, journal_offset, at_ms, warning, text) values (?, ?, ?, ?, ?, ?) on conflict do nothing",
    )
    .bind(id.run)
    .bind(id.number)
    .bind(i64::try_from(offset).unwrap_or(i64::MAX))
    .bind(at_ms)
    .bind(warning)
    .bind(text)
    .execute(connection)
    .await?;
    Ok(())
}

/// A stage that is over is nothing to tell of.
async fn set_stage(
    connection: &mut SqliteConnection,
    id: JobId,
    at_ms: i64,
    stage: Stage,
    done: u64,
    total: u64,
) -> sqlx::Result<()> {
    let (done, total) = (i64::try_from(done).unwrap_or(i64::MAX), i64::try_from(total).unwrap_or(i64::MAX));
    let sql = of_job!(
        id,
        "update",
        "set stage = case when ?5 < ?6 then json_object('stage', json(?4), 'done', ?5, 'total', ?6, 'at_ms', ?3,
            'since_ms', case when json_extract(stage, '$.stage') = json_extract(?4, '$') and json_extract(stage, '$.total') = ?6
                then json_extract(stage, '$.since_ms') else ?3 end) end
         where"
    );
    sqlx::query(sql)
        .bind(id.run)
        .bind(id.number)
        .bind(at_ms)
        .bind(to_json("stage", &stage)?)
        .bind(done)
        .bind(total)
        .execute(connection)
        .await?;
    Ok(())
}
