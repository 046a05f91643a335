//! Two runs' predictions on the same images, side by side; the curves of several runs.
//!
//! A run numbers the classes that it knows by itself, so the second run's numbers are translated into the first's by name
//! (`ClassMap`). An image belongs to a comparison where both runs evaluated it in the same split with the same label.

use super::run_list::run_numbers;
use super::runs::Points;
use super::{Store, bad_json, dial_series};
use crate::domain::ids::{RunId, SampleId};
use crate::domain::paired::{Churn, ClassMap};
use protocol::sample::Split;
use sqlx::{FromRow, QueryBuilder, Sqlite};
use std::collections::HashMap;

/// Two runs and the split on which they are compared.
#[derive(Clone, Debug)]
pub struct PairOfRuns {
    /// The one that is the measure.
    pub first: RunId,
    /// The one that is compared with it.
    pub second: RunId,
    /// The split.
    pub split: Split,
    /// The second's classes in the first's numbers.
    pub classes: ClassMap,
}

/// How two runs did on the images of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PairedClass {
    /// The class, in the first run's numbers.
    pub class: i64,
    /// Both are right.
    pub both_correct: i64,
    /// The first is right, the second wrong.
    pub only_first: i64,
    /// The second is right, the first wrong.
    pub only_second: i64,
    /// Both are wrong and say the same.
    pub same_mistake: i64,
    /// Both are wrong, each in its own way.
    pub other_mistake: i64,
    /// The second had another label for the image: it is left out of the others.
    pub relabelled: i64,
}

impl PairedClass {
    /// Images that are compared.
    pub fn total(&self) -> i64 {
        self.both_correct + self.only_first + self.only_second + self.same_mistake + self.other_mistake
    }
}

/// Images that only one of two runs evaluated in a split, and of these, how many the other had in another split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct LeftOut {
    /// Of the first run.
    pub first: i64,
    /// Of these, evaluated by the second in another split.
    pub first_elsewhere: i64,
    /// Of the second run.
    pub second: i64,
    /// Of these, evaluated by the first in another split.
    pub second_elsewhere: i64,
}

/// An image on which two runs differ.
#[derive(Clone, Debug, FromRow)]
pub struct ChurnRow {
    /// The sample.
    pub sample_id: SampleId,
    /// Relative to the data set's root.
    pub path: String,
    /// Of the sample's file.
    pub hash: String,
    /// Pixels, upright.
    pub width: i64,
    /// Pixels, upright.
    pub height: i64,
    /// Its class, in the first run's numbers.
    pub actual: i64,
    /// What the first predicted, in its numbers.
    pub first_predicted: i64,
    /// That class's probability.
    pub first_confidence: f64,
    /// What the second predicted, in its own numbers.
    pub second_predicted: i64,
    /// That class's probability.
    pub second_confidence: f64,
    /// What the gallery is ordered by: the confidence of the mistake.
    pub confidence: f64,
}

/// Where a gallery goes on: the last row's confidence and sample.
pub type ChurnPlace = (f64, SampleId);

/// Both predictions of an image, with the classes of the second in the first's numbers.
const PAIRED: &str = " from predictions as a
     join predictions as b on b.run_id = ?2 and b.split = ?3 and b.sample_id = a.sample_id
     left join classes as actual on actual.second = b.actual
     left join classes as predicted on predicted.second = b.predicted";

/// The classes of both; `?4` lists, for each class of the second, its number in the first.
const CLASSES: &str = "with classes as materialized (
         select key as second, value as first from json_each(?4) where value is not null)";

impl Store {
    /// How two runs did on the images that both evaluated in a split, by class.
    pub async fn list_paired_classes(&self, pair: &PairOfRuns) -> sqlx::Result<Vec<PairedClass>> {
        let mut query = QueryBuilder::<Sqlite>::new(CLASSES);
        query.push(
            " select a.actual as class,
                     count(*) filter (where same and first_right and second_right) as both_correct,
                     count(*) filter (where same and first_right and not second_right) as only_first,
                     count(*) filter (where same and not first_right and second_right) as only_second,
                     count(*) filter (where same and not first_right and not second_right and alike) as same_mistake,
                     count(*) filter (where same and not first_right and not second_right and not alike) as other_mistake,
                     count(*) filter (where not same) as relabelled
              from (select a.actual, coalesce(actual.first = a.actual, 0) as same, a.predicted = a.actual as first_right,
                           b.predicted = b.actual as second_right, coalesce(predicted.first = a.predicted, 0) as alike",
        );
        query.push(PAIRED);
        query.push(" where a.run_id = ?1 and a.split = ?3) as a group by a.actual order by a.actual");
        query
            .build_query_as()
            .bind(pair.first)
            .bind(pair.second)
            .bind(pair.split.as_str())
            .bind(pair.classes.to_json())
            .fetch_all(&self.read)
            .await
    }

    /// How many images only one of two runs evaluated in a split.
    pub async fn count_left_out(&self, pair: &PairOfRuns) -> sqlx::Result<LeftOut> {
        sqlx::query_as(
            "select coalesce(sum(run_id = ?1), 0) as first, coalesce(sum(run_id = ?1 and elsewhere), 0) as first_elsewhere,
                    coalesce(sum(run_id = ?2), 0) as second, coalesce(sum(run_id = ?2 and elsewhere), 0) as second_elsewhere
             from (select run_id, exists (select * from predictions as other
                                          where other.sample_id = predictions.sample_id and other.run_id = ?1 + ?2 - predictions.run_id)
                                  as elsewhere
                   from predictions
                   where run_id in (?1, ?2) and split = ?3
                   and not exists (select * from predictions as other
                                   where other.run_id = ?1 + ?2 - predictions.run_id and other.split = ?3
                                   and other.sample_id = predictions.sample_id))",
        )
        .bind(pair.first)
        .bind(pair.second)
        .bind(pair.split.as_str())
        .fetch_one(&self.read)
        .await
    }

    /// A page of the images on which two runs differ in one way, the most confident mistake first, behind or before a place.
    pub async fn list_churn(
        &self,
        pair: &PairOfRuns,
        churn: Churn,
        class: Option<i64>,
        place: Option<(ChurnPlace, Direction)>,
        limit: i64,
    ) -> sqlx::Result<Vec<ChurnRow>> {
        let mut query = churn_query(churn);
        query.push(
            " select a.sample_id, samples.path, samples.hash, samples.width, samples.height, a.actual,
                     first_predicted, first_confidence, second_predicted, second_confidence, confidence
              from a join samples on samples.id = a.sample_id",
        );
        query.push(" where (?5 is null or a.actual = ?5)");
        let (_, direction) = place.unwrap_or(((0.0, SampleId(0)), Direction::Behind));
        match direction {
            Direction::Behind => {
                query.push(" and (?6 is null or (-confidence, a.sample_id) > (-?6, ?7))");
                query.push(" order by confidence desc, a.sample_id limit ?8");
            }
            Direction::Before => {
                query.push(" and (-confidence, a.sample_id) < (-?6, ?7)");
                query.push(" order by confidence, a.sample_id desc limit ?8");
            }
        }
        bind_pair(query.build_query_as(), pair)
            .bind(class)
            .bind(place.map(|((confidence, _), _)| confidence))
            .bind(place.map(|((_, sample), _)| sample))
            .bind(limit)
            .fetch_all(&self.read)
            .await
    }

    /// One image of such a gallery, with how many stand before it; `None` where it is not in it.
    pub async fn find_churn_row(
        &self,
        pair: &PairOfRuns,
        churn: Churn,
        class: Option<i64>,
        sample: SampleId,
    ) -> sqlx::Result<Option<(ChurnPlace, i64)>> {
        let mut query = churn_query(churn);
        query.push(
            " select a.confidence, (select count(*) from a as other where (?5 is null or other.actual = ?5)
                                    and (-other.confidence, other.sample_id) < (-a.confidence, a.sample_id))
              from a where a.sample_id = ?6 and (?5 is null or a.actual = ?5)",
        );
        let row: Option<(f64, i64)> = bind_pair(query.build_query_as(), pair)
            .bind(class)
            .bind(sample)
            .fetch_optional(&self.read)
            .await?;
        Ok(row.map(|(confidence, before)| ((confidence, sample), before)))
    }

    /// Every point of these series of these runs, by run, key and step.
    pub async fn list_points_of_runs(
        &self,
        runs: &[RunId],
        keys: &[String],
    ) -> sqlx::Result<Vec<(RunId, String, Points)>> {
        let series: Vec<(i64, RunId, String)> = sqlx::query_as(
            "select id, run_id, key from series
             where run_id in (select value from json_each(?1)) and key in (select value from json_each(?2)) order by id",
        )
        .bind(run_numbers(runs))
        .bind(serde_json::to_string(keys).unwrap_or_default())
        .fetch_all(&self.read)
        .await?;
        let ids: Vec<i64> = series.iter().map(|(id, ..)| *id).collect();
        // A row a series and not one a point: there may be a million of them, and each row is handed from thread to thread. Seventeen
        // digits are a number to the bit.
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "select series_id, json_group_array(step order by step),
                    '[' || group_concat(iif(value is null, 'null', printf('%!.17g', value)), ',' order by step) || ']'
             from points where series_id in (select value from json_each(?)) group by series_id",
        )
        .bind(serde_json::to_string(&ids).unwrap_or_default())
        .fetch_all(&self.read)
        .await?;
        let mut by_id: HashMap<i64, Points> = HashMap::new();
        for (id, steps, values) in rows {
            let steps: Vec<u64> = serde_json::from_str(&steps).map_err(|error| bad_json("step", error))?;
            let values: Vec<Option<f64>> =
                serde_json::from_str(&values).map_err(|error| bad_json("value", error))?;
            by_id.insert(id, steps.into_iter().zip(values).collect());
        }
        let own = |(id, run, key)| (run, key, by_id.remove(&id).unwrap_or_default());
        let mut all: Vec<(RunId, String, Points)> = series.into_iter().map(own).collect();
        for key in keys.iter().filter(|key| dial_series::parts(key).is_some()) {
            for run in runs {
                let reports = self.list_points_of_dial(*run, key).await?;
                if reports.is_empty() {
                    continue;
                }
                match all.iter_mut().find(|(of, series, _)| of == run && series == key) {
                    Some((_, _, points)) => *points = dial_series::merged(std::mem::take(points), reports),
                    None => all.push((*run, key.clone(), reports)),
                }
            }
        }
        Ok(all)
    }
}

/// Which way a gallery is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// On, in its order.
    Behind,
    /// Back, the nearest first.
    Before,
}

/// The rows on which two runs differ in one way, as `a`.
fn churn_query(churn: Churn) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(CLASSES);
    query.push(
        ", a as materialized (
             select a.sample_id, a.actual, a.predicted as first_predicted, a.confidence as first_confidence,
                    b.predicted as second_predicted, b.confidence as second_confidence,",
    );
    match churn {
        Churn::OnlyFirst => query.push(" b.confidence as confidence"),
        Churn::OnlySecond => query.push(" a.confidence as confidence"),
        Churn::BothWrong => query.push(" max(a.confidence, b.confidence) as confidence"),
    };
    query.push(PAIRED);
    query.push(" where a.run_id = ?1 and a.split = ?3 and actual.first = a.actual");
    match churn {
        Churn::OnlyFirst => query.push(" and a.predicted = a.actual and b.predicted <> b.actual)"),
        Churn::OnlySecond => query.push(" and a.predicted <> a.actual and b.predicted = b.actual)"),
        Churn::BothWrong => query.push(
            " and a.predicted <> a.actual and b.predicted <> b.actual and predicted.first is not a.predicted)",
        ),
    };
    query
}

fn bind_pair<'q, T>(
    query: sqlx::query::QueryAs<'q, Sqlite, T, sqlx::sqlite::SqliteArguments>,
    pair: &PairOfRuns,
) -> sqlx::query::QueryAs<'q, Sqlite, T, sqlx::sqlite::SqliteArguments> {
    query.bind(pair.first).bind(pair.second).bind(pair.split.as_str().to_owned()).bind(pair.classes.to_json())
}
