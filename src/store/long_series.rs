//! Long series: thinned by blocks that are kept beside their points, so that a million of them are drawn at once.

use super::{Store, dial_series};
use crate::domain::ids::RunId;
use crate::domain::series::{BLOCK_POINTS, LongSeries, Point, downsample, extremes};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

impl Store {
    /// At most `target` points of a series: what [`downsample`] makes of all of them.
    pub async fn list_points_thinned(
        &self,
        run: RunId,
        key: &str,
        target: usize,
    ) -> sqlx::Result<Vec<Point>> {
        let series: Option<i64> = sqlx::query_scalar("select id from series where run_id = ? and key = ?")
            .bind(run)
            .bind(key)
            .fetch_optional(&self.read)
            .await?;
        let is_dial = dial_series::parts(key).is_some();
        let (Some(series), false) = (series, is_dial) else {
            return self.list_points(run, key).await.map(|all| downsample(&all, target));
        };
        // What is read in several statements must be of one moment: a resumed run replaces points.
        let mut transaction = self.read.begin().await?;
        let blocks: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "select last_step, extremes from point_blocks indexed by point_blocks_by_series where series_id = ? order by last_step",
        )
        .bind(series)
        .fetch_all(&mut *transaction)
        .await?;
        let Some((last, _)) = blocks.last() else {
            drop(transaction);
            return self.list_points(run, key).await.map(|all| downsample(&all, target));
        };
        let rest: Vec<(i64, Option<f64>)> =
            sqlx::query_as("select step, value from points where series_id = ? and step > ? order by step")
                .bind(series)
                .bind(last)
                .fetch_all(&mut *transaction)
                .await?;
        let long = LongSeries {
            rest: rest.into_iter().map(|(step, value)| (step.cast_unsigned(), value)).collect(),
            blocks: blocks.iter().map(|(_, extremes)| from_bytes(extremes)).collect(),
        };
        let cut = long.cut(target);
        let ends: Vec<i64> = cut.iter().map(|&at| blocks[at].0).collect();
        let whole: Vec<Vec<u8>> = sqlx::query_scalar(
            "select points from point_blocks where series_id = ? and last_step in (select value from json_each(?)) order by last_step",
        )
        .bind(series)
        .bind(serde_json::to_string(&ends).unwrap_or_default())
        .fetch_all(&mut *transaction)
        .await?;
        let whole: BTreeMap<usize, Vec<Point>> =
            cut.into_iter().zip(whole.iter().map(|points| from_bytes(points))).collect();
        Ok(long.downsample(target, &whole))
    }

    /// Makes the blocks of long series that have none: a database of an earlier version is given them once.
    pub async fn block_long_series(&self) -> sqlx::Result<()> {
        let found: Vec<i64> = sqlx::query_scalar(
            "select id from series
             where not exists (select 1 from point_blocks where series_id = series.id)
               and (select count(*) from (select 1 from points where series_id = series.id limit ?1)) = ?1",
        )
        .bind(BLOCK_POINTS as i64)
        .fetch_all(&self.read)
        .await?;
        for series in found {
            // Each by itself, and each block: nobody who has something to write waits for long.
            loop {
                let mut transaction = self.write.begin().await?;
                let is_more = add_block(&mut transaction, series).await?;
                transaction.commit().await?;
                if !is_more {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Brings the blocks of a series up to date when points from `step` on were written.
pub(super) async fn keep_blocks(
    connection: &mut SqliteConnection,
    run: RunId,
    key: &str,
    step: u64,
) -> sqlx::Result<()> {
    let series: Option<i64> = sqlx::query_scalar("select id from series where run_id = ? and key = ?")
        .bind(run)
        .bind(key)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(series) = series else { return Ok(()) };
    // A resumed run writes its last steps again.
    sqlx::query("delete from point_blocks where series_id = ? and last_step >= ?")
        .bind(series)
        .bind(i64::try_from(step).unwrap_or(i64::MAX))
        .execute(&mut *connection)
        .await?;
    while add_block(connection, series).await? {}
    Ok(())
}

/// Makes the next block of a series where there are points enough for it.
async fn add_block(connection: &mut SqliteConnection, series: i64) -> sqlx::Result<bool> {
    let behind: i64 =
        sqlx::query_scalar("select coalesce(max(last_step), -1) from point_blocks where series_id = ?")
            .bind(series)
            .fetch_one(&mut *connection)
            .await?;
    let last: Option<i64> = sqlx::query_scalar(
        "select step from points where series_id = ? and step > ? order by step limit 1 offset ?",
    )
    .bind(series)
    .bind(behind)
    .bind(BLOCK_POINTS as i64 - 1)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(last) = last else { return Ok(false) };
    let rows: Vec<(i64, Option<f64>)> = sqlx::query_as(
        "select step, value from points where series_id = ? and step > ? and step <= ? order by step",
    )
    .bind(series)
    .bind(behind)
    .bind(last)
    .fetch_all(&mut *connection)
    .await?;
    let points: Vec<Point> = rows.into_iter().map(|(step, value)| (step.cast_unsigned(), value)).collect();
    sqlx::query("insert into point_blocks (series_id, last_step, extremes, points) values (?, ?, ?, ?)")
        .bind(series)
        .bind(last)
        .bind(to_bytes(&extremes(&points)))
        .bind(to_bytes(&points))
        .execute(connection)
        .await?;
    Ok(true)
}

fn to_bytes(points: &[Point]) -> Vec<u8> {
    let pair = |(step, value): &Point| [step.to_le_bytes(), value.unwrap_or(f64::NAN).to_le_bytes()];
    points.iter().flat_map(pair).flatten().collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<Point> {
    let (pairs, _) = bytes.as_chunks::<16>();
    let point = |pair: &[u8; 16]| {
        let (words, _) = pair.as_chunks::<8>();
        let value = f64::from_le_bytes(words[1]);
        (u64::from_le_bytes(words[0]), (!value.is_nan()).then_some(value))
    };
    pairs.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::series::insert_point;

    const RUN: RunId = RunId(7);

    async fn write(store: &Store, steps: std::ops::Range<u64>, value: impl Fn(u64) -> Option<f64>) {
        let mut transaction = store.write.begin().await.unwrap();
        let first = steps.start;
        for step in steps {
            insert_point(&mut transaction, RUN, "loss", step, value(step)).await.unwrap();
        }
        keep_blocks(&mut transaction, RUN, "loss", first).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn assert_exact(store: &Store) {
        let all = store.list_points(RUN, "loss").await.unwrap();
        for target in [5, 50, 500, 2_000] {
            assert_eq!(
                store.list_points_thinned(RUN, "loss", target).await.unwrap(),
                downsample(&all, target),
                "{} to {target}",
                all.len()
            );
        }
    }

    async fn blocks(store: &Store) -> i64 {
        sqlx::query_scalar("select count(*) from point_blocks").fetch_one(&store.read).await.unwrap()
    }

    #[tokio::test]
    async fn a_series_is_thinned_exactly_while_it_grows_and_where_it_is_written_again() {
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
        assert!(store.list_points_thinned(RUN, "loss", 50).await.unwrap().is_empty());
        let wave = |step: u64| Some((step as f64 / 40.0).sin() + step as f64 / 5_000.0);
        write(&store, 0..700, wave).await;
        assert_exact(&store).await;
        assert_eq!(blocks(&store).await, 0);
        write(&store, 700..3_456, |step| if step == 2_222 { Some(99.0) } else { wave(step) }).await;
        assert_exact(&store).await;
        assert_eq!(blocks(&store).await, 3);
        assert!(store.list_points_thinned(RUN, "loss", 50).await.unwrap().contains(&(2_222, Some(99.0))));
        // Resumed from step 1,500: other values, a gap, and the spike is gone.
        write(&store, 1_500..2_500, |step| (step != 1_777).then_some(-1.0)).await;
        assert_exact(&store).await;
        assert_eq!(blocks(&store).await, 3);
        // A database of before has points only.
        sqlx::query("delete from point_blocks").execute(&store.write).await.unwrap();
        let before = store.list_points_thinned(RUN, "loss", 50).await.unwrap();
        store.block_long_series().await.unwrap();
        assert_eq!(blocks(&store).await, 3);
        assert_eq!(store.list_points_thinned(RUN, "loss", 50).await.unwrap(), before);
        assert_exact(&store).await;
        sqlx::query("delete from runs").execute(&store.write).await.unwrap();
        assert_eq!(blocks(&store).await, 0, "they go with their run");
    }
}
