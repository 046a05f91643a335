//! What lists say of a run while its journal is taken in: how far it is, the latest figures, the best ones, and a small curve.

use super::bad_json;
use super::runs::{Points, to_json};
use crate::domain::ids::RunId;
use crate::domain::series::downsample;
use protocol::event::Values;
use sqlx::SqliteConnection;

/// A curve is thinned to so many points when it has twice as many.
const CURVE_POINTS: usize = 60;

/// What is best in the series of validation so far, and the median speed. Asked of the series and not of what was said
/// before: a resumed run says its last epochs again.
pub(super) async fn best_of_series(connection: &mut SqliteConnection, id: RunId) -> sqlx::Result<Values> {
    let mut best = Values::new();
    let accuracy: Option<(f64, i64)> = sqlx::query_as(
        "select value, epoch from (
             select value, row_number() over (order by step) as epoch
             from points join series on series.id = series_id where run_id = ? and key = 'val/accuracy'
         ) where value is not null order by value desc, epoch limit 1",
    )
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some((accuracy, epoch)) = accuracy {
        best.insert("best/val/accuracy".into(), Some(accuracy));
        best.insert("best/val/accuracy_epoch".into(), Some(epoch as f64));
    }
    let loss: Option<f64> = sqlx::query_scalar(
        "select min(value) from points join series on series.id = series_id where run_id = ? and key = 'val/loss'",
    )
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    if loss.is_some() {
        best.insert("best/val/loss".into(), loss);
    }
    let speed: Option<f64> = sqlx::query_scalar(
        "select value from (
             select value, row_number() over (order by value) as place, count(*) over () as count
             from points join series on series.id = series_id
             where run_id = ? and key = 'images_per_second' and value is not null
         ) where place = count / 2 + 1",
    )
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    if speed.is_some() {
        best.insert("images_per_second/median".into(), speed);
    }
    Ok(best)
}

/// The latest value of each key; a key that diverged is `null`.
pub(super) async fn merge_summary(
    connection: &mut SqliteConnection,
    id: RunId,
    values: &Values,
) -> sqlx::Result<()> {
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
pub(super) async fn extend_curve(
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

/// How far the run is.
pub(super) async fn set_progress(
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
