//! Named sequences of numbers of a run.

use super::Store;
use crate::domain::ids::RunId;
use sqlx::SqliteConnection;

/// Writes one point; a later one at the same step replaces it (a resumed run repeats its last steps).
pub async fn insert_point(
    connection: &mut SqliteConnection,
    run: RunId,
    key: &str,
    step: u64,
    value: Option<f64>,
) -> sqlx::Result<()> {
    // The first statement makes the series where it is new; it touches nothing otherwise.
    sqlx::query("insert into series (run_id, key) values (?, ?) on conflict do nothing")
        .bind(run)
        .bind(key)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "insert into points (series_id, step, value)
         select id, ?3, ?4 from series where run_id = ?1 and key = ?2
         on conflict (series_id, step) do update set value = excluded.value",
    )
    .bind(run)
    .bind(key)
    .bind(i64::try_from(step).unwrap_or(i64::MAX))
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// The keys of a run's series, by name.
    pub async fn list_series_keys(&self, run: RunId) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("select key from series where run_id = ? order by key")
            .bind(run)
            .fetch_all(&self.read)
            .await
    }

    /// Every point of a series, by step; `None` where the value was not finite.
    pub async fn list_points(&self, run: RunId, key: &str) -> sqlx::Result<Vec<(u64, Option<f64>)>> {
        let rows: Vec<(i64, Option<f64>)> = sqlx::query_as(
            "select step, value from points where series_id = (select id from series where run_id = ? and key = ?)
             order by step",
        )
        .bind(run)
        .bind(key)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(step, value)| (u64::try_from(step).unwrap_or(0), value)).collect())
    }
}
