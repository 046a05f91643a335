//! Dials: numbers by layer, such as gradient norms. A report of all layers at a step is one record, and all reports of a dial have
//! one record of figures for tables.

use super::Store;
use super::dial_series::from_bytes;
use super::series::SeriesSummary;
use crate::domain::ids::RunId;
use protocol::event::{ClassDial, HISTOGRAM_EDGES, HistogramDial, LayerDial, MaybeFinite};
use sqlx::SqliteConnection;
use std::collections::HashMap;

/// Figures of a layer in a summary: first, last, min, max, how many were not finite.
const FIGURES: usize = 5;
/// Bins of a histogram.
const BINS: usize = HISTOGRAM_EDGES.len() + 1;

/// Writes a report; a later one at the same step replaces it.
pub(super) async fn insert_report(
    connection: &mut SqliteConnection,
    run: RunId,
    dial: LayerDial,
    step: u64,
    numbers: &[MaybeFinite],
) -> sqlx::Result<()> {
    let dial = dial.as_str();
    insert_numbers(connection, run, dial, step, numbers.iter().copied()).await?;
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    let before: Option<(i64, Vec<u8>)> =
        sqlx::query_as("select last_step, numbers from dial_summaries where run_id = ? and dial = ?")
            .bind(run)
            .bind(dial)
            .fetch_optional(&mut *connection)
            .await?;
    let (mut figures, news): (Vec<f64>, Vec<Vec<MaybeFinite>>) = match before {
        Some((last, figures)) if last < step => {
            (from_bytes(&figures).map(|figure| figure.unwrap_or(f64::NAN)).collect(), vec![numbers.to_vec()])
        }
        None => (Vec::new(), vec![numbers.to_vec()]),
        // A resumed run says its last steps again: what was counted of them is counted anew.
        Some(_) => {
            let all: Vec<Vec<u8>> = sqlx::query_scalar(
                "select numbers from dial_reports where run_id = ? and dial = ? order by step",
            )
            .bind(run)
            .bind(dial)
            .fetch_all(&mut *connection)
            .await?;
            (Vec::new(), all.iter().map(|numbers| from_bytes(numbers).collect()).collect())
        }
    };
    for numbers in &news {
        extend(&mut figures, numbers);
    }
    sqlx::query(
        "insert into dial_summaries (run_id, dial, last_step, numbers)
         values (?1, ?2, (select max(step) from dial_reports where run_id = ?1 and dial = ?2), ?3)
         on conflict do update set last_step = excluded.last_step, numbers = excluded.numbers",
    )
    .bind(run)
    .bind(dial)
    .bind(to_bytes(figures.into_iter().map(Some)))
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes the histograms of all layers at a step; a layer that has none is given empty bins.
pub(super) async fn insert_histograms(
    connection: &mut SqliteConnection,
    run: RunId,
    dial: HistogramDial,
    step: u64,
    layers: &[Vec<f64>],
) -> sqlx::Result<()> {
    let bins = |layer: &Vec<f64>| (0..BINS).map(|bin| layer.get(bin).copied()).collect::<Vec<_>>();
    insert_numbers(connection, run, &histogram_name(dial), step, layers.iter().flat_map(bins)).await
}

/// Writes a report that has a number a class.
pub(super) async fn insert_class_report(
    connection: &mut SqliteConnection,
    run: RunId,
    dial: ClassDial,
    step: u64,
    numbers: &[MaybeFinite],
) -> sqlx::Result<()> {
    insert_numbers(connection, run, dial.as_str(), step, numbers.iter().copied()).await
}

async fn insert_numbers(
    connection: &mut SqliteConnection,
    run: RunId,
    name: &str,
    step: u64,
    numbers: impl Iterator<Item = MaybeFinite>,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into dial_reports (run_id, dial, step, numbers) values (?, ?, ?, ?)
         on conflict do update set numbers = excluded.numbers",
    )
    .bind(run)
    .bind(name)
    .bind(i64::try_from(step).unwrap_or(i64::MAX))
    .bind(to_bytes(numbers))
    .execute(connection)
    .await?;
    Ok(())
}

/// What a histogram is stored as.
fn histogram_name(dial: HistogramDial) -> String {
    format!("{}_histogram", dial.as_str())
}

/// Takes a report into the figures of all before it.
fn extend(figures: &mut Vec<f64>, numbers: &[MaybeFinite]) {
    while figures.len() < numbers.len() * FIGURES {
        figures.extend([f64::NAN, f64::NAN, f64::NAN, f64::NAN, 0.0]);
    }
    let (layers, _) = figures.as_chunks_mut::<FIGURES>();
    for ([first, last, min, max, not_finite], number) in layers.iter_mut().zip(numbers) {
        match number {
            None => *not_finite += 1.0,
            Some(number) => {
                if first.is_nan() {
                    *first = *number;
                }
                *last = *number;
                // The other one where one is NaN.
                *min = min.min(*number);
                *max = max.max(*number);
            }
        }
    }
}

impl Store {
    /// The histograms of a layer, by step; `layer` counts from 0 in the order of the run's layers.
    pub async fn list_histograms(
        &self,
        run: RunId,
        dial: HistogramDial,
        layer: usize,
    ) -> sqlx::Result<Vec<(u64, Vec<MaybeFinite>)>> {
        self.list_numbers(run, &histogram_name(dial), layer * BINS, BINS).await
    }

    /// The reports of a dial that has a number a class, by step.
    pub async fn list_class_reports(
        &self,
        run: RunId,
        dial: ClassDial,
    ) -> sqlx::Result<Vec<(u64, Vec<MaybeFinite>)>> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "select step, numbers from dial_reports where run_id = ? and dial = ? order by step",
        )
        .bind(run)
        .bind(dial.as_str())
        .fetch_all(&self.read)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(step, numbers)| (step.cast_unsigned(), from_bytes(&numbers).collect()))
            .collect())
    }

    /// A dial in figures, a layer each, in the order of the run's layers; those of before as they are in their series.
    pub async fn summarize_dial(
        &self,
        run: RunId,
        dial: LayerDial,
        layers: &[String],
    ) -> sqlx::Result<Vec<SeriesSummary>> {
        let dial = dial.as_str();
        let numbers: Option<Vec<u8>> =
            sqlx::query_scalar("select numbers from dial_summaries where run_id = ? and dial = ?")
                .bind(run)
                .bind(dial)
                .fetch_optional(&self.read)
                .await?;
        let numbers: Vec<MaybeFinite> = numbers.iter().flat_map(|numbers| from_bytes(numbers)).collect();
        let mut old: HashMap<String, SeriesSummary> =
            (self.summarize_series(run, &format!("{dial}/")).await?)
                .into_iter()
                .map(|summary| (summary.key.clone(), summary))
                .collect();
        let (found, _) = numbers.as_chunks::<FIGURES>();
        let nothing = [None, None, None, None, Some(0.0)];
        let summary = |(at, layer): (usize, &String)| {
            let key = format!("{dial}/{layer}");
            let [first, last, min, max, not_finite] = found.get(at).copied().unwrap_or(nothing);
            let before = old.remove(&key);
            let old = |figure: fn(&SeriesSummary) -> Option<f64>| before.as_ref().and_then(figure);
            SeriesSummary {
                // What was written before this version came earlier.
                first: old(|old| old.first).or(first),
                last: last.or(old(|old| old.last)),
                min: least(min, old(|old| old.min)),
                max: least(max.map(|max| -max), old(|old| old.max).map(|max| -max)).map(|max| -max),
                not_finite: not_finite.unwrap_or(0.0) as i64
                    + before.as_ref().map_or(0, |old| old.not_finite),
                key,
            }
        };
        Ok(layers.iter().enumerate().map(summary).collect())
    }
}

fn least(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

fn to_bytes(numbers: impl Iterator<Item = MaybeFinite>) -> Vec<u8> {
    numbers.flat_map(|number| number.unwrap_or(f64::NAN).to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunId = RunId(7);

    async fn with_a_run(folder: &std::path::Path) -> Store {
        let store = Store::open(&folder.join("tintype.db")).await.unwrap();
        sqlx::raw_sql(
            "insert into datasets (id, name, state, source, created_at_ms) values (1, 'pets', 'ready', '/a', 0);
             insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, spec, started)
             values (7, 1, 'first', 'running', 0, 0, '{}',
                     '{\"step\":0,\"steps_per_epoch\":4,\"parameters\":9,\"layers\":[\"a\",\"b\"]}');",
        )
        .execute(&store.write)
        .await
        .unwrap();
        store
    }

    async fn report(store: &Store, step: u64, numbers: [MaybeFinite; 2]) {
        let mut connection = store.write.acquire().await.unwrap();
        insert_report(&mut connection, RUN, LayerDial::Gradient, step, &numbers).await.unwrap();
    }

    async fn figures(store: &Store) -> Vec<[Option<f64>; 5]> {
        let layers = ["a", "b"].map(str::to_owned);
        let summaries = store.summarize_dial(RUN, LayerDial::Gradient, &layers).await.unwrap();
        let figures = |of: &SeriesSummary| [of.first, of.last, of.min, of.max, Some(of.not_finite as f64)];
        summaries.iter().map(figures).collect()
    }

    #[tokio::test]
    async fn a_report_is_one_row_and_its_figures_are_kept_also_where_steps_come_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_a_run(folder.path()).await;
        for (step, numbers) in
            [(0, [Some(3.0), None]), (5, [Some(9.0), Some(0.5)]), (10, [Some(1.0), Some(0.25)])]
        {
            report(&store, step, numbers).await;
        }
        let rows: i64 =
            sqlx::query_scalar("select count(*) from dial_reports").fetch_one(&store.read).await.unwrap();
        assert_eq!(rows, 3);
        let b = [Some(0.5), Some(0.25), Some(0.25), Some(0.5), Some(1.0)];
        assert_eq!(figures(&store).await, [[Some(3.0), Some(1.0), Some(1.0), Some(9.0), Some(0.0)], b]);
        // Resumed behind step 4: the 9 never was.
        report(&store, 5, [Some(2.0), Some(0.5)]).await;
        assert_eq!(figures(&store).await, [[Some(3.0), Some(1.0), Some(1.0), Some(3.0), Some(0.0)], b]);
        assert_eq!(
            store.list_points(RUN, "gradient/a").await.unwrap(),
            [(0, Some(3.0)), (5, Some(2.0)), (10, Some(1.0))]
        );
        assert_eq!(store.list_series_keys(RUN).await.unwrap(), ["gradient/a", "gradient/b"]);
        for nothing in ["gradient/c", "gradient", "weight/a", "loss/a"] {
            assert!(store.list_points(RUN, nothing).await.unwrap().is_empty(), "{nothing}");
        }
    }

    #[tokio::test]
    async fn points_of_before_and_reports_are_one_series() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_a_run(folder.path()).await;
        let mut connection = store.write.acquire().await.unwrap();
        for (step, norm) in [(0, Some(7.0)), (5, None), (10, Some(4.0))] {
            super::super::series::insert_point(&mut connection, RUN, "gradient/b", step, norm).await.unwrap();
        }
        drop(connection);
        assert_eq!(figures(&store).await[1], [Some(7.0), Some(4.0), Some(4.0), Some(7.0), Some(1.0)]);
        // It is resumed by this version, from step 10 on.
        for (step, norm) in [(10, Some(5.0)), (15, Some(3.0))] {
            report(&store, step, [Some(1.0), norm]).await;
        }
        let all = [(0, Some(7.0)), (5, None), (10, Some(5.0)), (15, Some(3.0))];
        assert_eq!(store.list_points(RUN, "gradient/b").await.unwrap(), all);
        assert_eq!(store.list_points_thinned(RUN, "gradient/b", 100).await.unwrap(), all);
        assert_eq!(figures(&store).await[1], [Some(7.0), Some(3.0), Some(3.0), Some(7.0), Some(1.0)]);
        let keys = ["gradient/a", "gradient/b"].map(str::to_owned);
        let both = store.list_points_of_runs(&[RUN], &keys).await.unwrap();
        assert_eq!(
            both.iter().map(|(_, key, _)| key.as_str()).collect::<Vec<_>>(),
            ["gradient/b", "gradient/a"]
        );
        assert_eq!((both[0].2.len(), both[1].2.len()), (4, 2));
    }

    #[tokio::test]
    async fn a_layers_histograms_are_read_without_those_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let store = with_a_run(folder.path()).await;
        let bins: Vec<f64> = (0..BINS).map(|bin| bin as f64 / 100.0).collect();
        let mut connection = store.write.acquire().await.unwrap();
        insert_histograms(&mut connection, RUN, HistogramDial::Activation, 3, &[Vec::new(), bins.clone()])
            .await
            .unwrap();
        drop(connection);
        let read = |layer| store.list_histograms(RUN, HistogramDial::Activation, layer);
        assert_eq!(read(0).await.unwrap(), [(3, vec![None; BINS])]);
        assert_eq!(read(1).await.unwrap(), [(3, bins.into_iter().map(Some).collect())]);
        assert!(store.list_histograms(RUN, HistogramDial::Gradient, 0).await.unwrap().is_empty());
        assert!(store.list_series_keys(RUN).await.unwrap().is_empty(), "no series");
    }
}
