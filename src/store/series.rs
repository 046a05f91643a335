//! Named sequences of numbers of a run.

use super::{Store, dial_series};
use crate::domain::ids::RunId;
use sqlx::{FromRow, SqliteConnection};

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

/// A series in figures.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct SeriesSummary {
    /// Its key.
    pub key: String,
    /// The first value that was finite.
    pub first: Option<f64>,
    /// The last value that was finite.
    pub last: Option<f64>,
    /// The least of them.
    pub min: Option<f64>,
    /// The greatest of them.
    pub max: Option<f64>,
    /// How many were not finite.
    pub not_finite: i64,
}

impl Store {
    /// Every series of a run whose key begins so, in figures.
    pub async fn summarize_series(&self, run: RunId, prefix: &str) -> sqlx::Result<Vec<SeriesSummary>> {
        sqlx::query_as(
            "select series.key, min(points.value) as min, max(points.value) as max,
                    count(*) - count(points.value) as not_finite,
                    (select value from points where series_id = series.id and value is not null
                     order by step limit 1) as first,
                    (select value from points where series_id = series.id and value is not null
                     order by step desc limit 1) as last
             from series join points on points.series_id = series.id
             where series.run_id = ?1 and substr(series.key, 1, length(?2)) = ?2
             group by series.id",
        )
        .bind(run)
        .bind(prefix)
        .fetch_all(&self.read)
        .await
    }

    /// The keys of a run's series, by name; a layer of a dial is one, such as `gradient/head`.
    pub async fn list_series_keys(&self, run: RunId) -> sqlx::Result<Vec<String>> {
        let mut keys: Vec<String> =
            sqlx::query_scalar("select key from series where run_id = ? order by key")
                .bind(run)
                .fetch_all(&self.read)
                .await?;
        keys.extend(self.list_keys_of_dials(run).await?);
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
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
        let points =
            rows.into_iter().map(|(step, value)| (u64::try_from(step).unwrap_or(0), value)).collect();
        Ok(dial_series::merged(points, self.list_points_of_dial(run, key).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_series_in_figures_leaves_out_what_is_not_finite() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("tintype.db")).await.unwrap();
        sqlx::raw_sql(
            "insert into datasets (id, name, state, source, created_at_ms) values (1, 'pets', 'ready', '/a', 0);
             insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, spec)
             values (7, 1, 'first', 'running', 0, 0, '{}');",
        )
        .execute(&store.write)
        .await
        .unwrap();
        let mut connection = store.write.acquire().await.unwrap();
        let points = [
            ("gradient/a", 0, None),
            ("gradient/a", 1, Some(3.0)),
            ("gradient/a", 2, Some(1.0)),
            ("loss", 0, Some(9.0)),
        ];
        for (key, step, value) in points {
            insert_point(&mut connection, RunId(7), key, step, value).await.unwrap();
        }
        insert_point(&mut connection, RunId(7), "gradient/b", 0, None).await.unwrap();
        drop(connection);
        let nothing = SeriesSummary {
            key: "gradient/b".into(),
            first: None,
            last: None,
            min: None,
            max: None,
            not_finite: 1,
        };
        let summary = SeriesSummary {
            key: "gradient/a".into(),
            first: Some(3.0),
            last: Some(1.0),
            min: Some(1.0),
            max: Some(3.0),
            not_finite: 1,
        };
        assert_eq!(store.summarize_series(RunId(7), "gradient/").await.unwrap(), [summary, nothing]);
    }
}
