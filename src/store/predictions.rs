//! The predictions of a run's best checkpoint, as galleries and matrices ask for them. `prediction_files.rs` takes them in.

use super::Store;
use super::sample_query::push_metadata;
use super::versions::json_list;
use crate::domain::confusion_cells::Cell;
use crate::domain::ids::{RunId, SampleId};
use crate::domain::metadata::MetadataFilter;
use protocol::sample::Split;
use sqlx::{FromRow, QueryBuilder, Sqlite};

/// A prediction with its sample.
#[derive(Clone, Debug, FromRow)]
pub struct Prediction {
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
    /// Label.
    pub actual: i64,
    /// Label.
    pub predicted: i64,
    /// The predicted class's probability.
    pub confidence: f64,
    /// Cross-entropy, nats.
    pub loss: Option<f64>,
    /// How far the most probable class is ahead of the second.
    pub margin: Option<f64>,
}

/// What a gallery is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The predicted class's probability, greatest first.
    Confidence,
    /// The predicted class's probability, smallest first.
    LeastConfident,
    /// The cross-entropy, greatest first; what is not finite comes first of all.
    Loss,
    /// How far the most probable class is ahead of the second, smallest first.
    Margin,
    /// By true class; within one, the most confident first.
    Class,
}

impl Order {
    /// Every order, as pages offer them.
    pub const ALL: [Order; 5] =
        [Order::Confidence, Order::LeastConfident, Order::Loss, Order::Margin, Order::Class];

    /// The word in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Order::Confidence => "confidence",
            Order::LeastConfident => "least-confident",
            Order::Loss => "loss",
            Order::Margin => "margin",
            Order::Class => "class",
        }
    }

    /// What a row is ordered by, smallest first; one expression, so that a cursor holds one number. An infinite loss
    /// is the greatest there is, a margin that is not known comes last.
    fn expression(self) -> &'static str {
        match self {
            Order::Confidence => "-predictions.confidence",
            Order::LeastConfident => "predictions.confidence",
            Order::Loss => "-coalesce(predictions.loss, 1e308)",
            Order::Margin => "coalesce(predictions.margin, 2.0)",
            // A confidence is at most 1, so that classes never run into each other.
            Order::Class => "2.0 * predictions.actual - predictions.confidence",
        }
    }

    /// The value of [`Order::expression`] for this row, for the cursor behind it.
    pub fn value(self, prediction: &Prediction) -> f64 {
        match self {
            Order::Confidence => -prediction.confidence,
            Order::LeastConfident => prediction.confidence,
            Order::Loss => -prediction.loss.unwrap_or(1e308),
            Order::Margin => prediction.margin.unwrap_or(2.0),
            Order::Class => 2.0 * prediction.actual as f64 - prediction.confidence,
        }
    }
}

/// Which predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Of this split.
    pub split: Split,
    /// With this label.
    pub actual: Option<i64>,
    /// With this prediction.
    pub predicted: Option<i64>,
    /// Right or wrong ones only.
    pub correct: Option<bool>,
    /// With a confidence above the first and up to the second, as the bins of a calibration chart are.
    pub confidence: Option<(f64, f64)>,
    /// With these values of a metadata column.
    pub metadata: Option<MetadataFilter>,
    /// With this in their path, whatever the case of its letters.
    pub search: Option<String>,
}

impl Filter {
    /// All of a split.
    pub fn of(split: Split) -> Filter {
        Filter {
            split,
            actual: None,
            predicted: None,
            correct: None,
            confidence: None,
            metadata: None,
            search: None,
        }
    }

    /// Whether a question has to look at the samples too.
    fn needs_samples(&self) -> bool {
        self.metadata.is_some() || self.search.is_some()
    }

    fn push(&self, query: &mut QueryBuilder<Sqlite>, run: RunId) {
        query.push(" where predictions.run_id = ").push_bind(run);
        query.push(" and predictions.split = ").push_bind(self.split.as_str());
        if let Some(actual) = self.actual {
            query.push(" and predictions.actual = ").push_bind(actual);
        }
        if let Some(predicted) = self.predicted {
            query.push(" and predictions.predicted = ").push_bind(predicted);
        }
        match self.correct {
            Some(true) => drop(query.push(" and predictions.actual = predictions.predicted")),
            Some(false) => drop(query.push(" and predictions.actual <> predictions.predicted")),
            None => {}
        }
        if let Some((above, up_to)) = self.confidence {
            // From 0 on means all: what has no probabilities is kept with a confidence of 0.
            if above > 0.0 {
                query.push(" and predictions.confidence > ").push_bind(above);
            }
            query.push(" and predictions.confidence <= ").push_bind(up_to);
        }
        if let Some(metadata) = &self.metadata {
            push_metadata(query, metadata);
        }
        if let Some(search) = &self.search {
            query.push(" and instr(lower(samples.path), lower(").push_bind(search.clone()).push(")) > 0");
        }
    }
}

/// Bins of a gallery's histogram of confidences.
pub const CONFIDENCE_BINS: usize = 20;

/// How many predictions of a bin are correct, and how many wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfidenceBin {
    /// Predicted as their class.
    pub correct: i64,
    /// Mistakes.
    pub wrong: i64,
}

/// What a [`Prediction`] is read from.
const COLUMNS: &str = "predictions.sample_id, samples.path, samples.hash, samples.width, samples.height, \
     predictions.actual, predictions.predicted, predictions.confidence, predictions.loss, predictions.margin";

/// Sets the samples beside the predictions where the filter looks at them.
fn push_samples(query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    if filter.needs_samples() {
        query.push(" join samples on samples.id = predictions.sample_id");
    }
}

impl Store {
    /// How many predictions fit.
    pub async fn count_predictions(&self, run: RunId, filter: &Filter) -> sqlx::Result<i64> {
        let mut query = QueryBuilder::new("select count(*) from predictions");
        push_samples(&mut query, filter);
        filter.push(&mut query, run);
        query.build_query_scalar().fetch_one(&self.read).await
    }

    /// A page of predictions behind a cursor (the order's value and the sample of the last row).
    pub async fn list_predictions(
        &self,
        run: RunId,
        filter: &Filter,
        order: Order,
        behind: Option<(f64, SampleId)>,
        limit: i64,
    ) -> sqlx::Result<Vec<Prediction>> {
        let mut query = QueryBuilder::new("select ");
        query.push(COLUMNS).push(" from predictions join samples on samples.id = predictions.sample_id");
        filter.push(&mut query, run);
        if let Some((value, sample)) = behind {
            query.push(" and (").push(order.expression()).push(", predictions.sample_id) > (");
            query.push_bind(value).push(", ").push_bind(sample).push(")");
        }
        query.push(" order by ").push(order.expression()).push(", predictions.sample_id limit ");
        query.push_bind(limit);
        query.build_query_as().fetch_all(&self.read).await
    }

    /// The most confident mistakes of each class, at most `limit` of one, by class.
    pub async fn list_mistakes_by_class(
        &self,
        run: RunId,
        split: Split,
        limit: i64,
    ) -> sqlx::Result<Vec<Prediction>> {
        let mut query = QueryBuilder::new("select ");
        query.push(COLUMNS).push(
            " from (select *, row_number() over
                       (partition by actual order by confidence desc, sample_id) as place
                    from predictions where actual <> predicted and run_id = ",
        );
        query.push_bind(run).push(" and split = ").push_bind(split.as_str());
        query.push(
            ") as predictions join samples on samples.id = predictions.sample_id
             where place <= ",
        );
        query.push_bind(limit).push(" order by predictions.actual, place");
        query.build_query_as().fetch_all(&self.read).await
    }

    /// How confident the predictions are, whatever range of confidence the filter asks for: bins of equal width, of
    /// which each holds its upper end, as the filter does.
    pub async fn count_confidences(
        &self,
        run: RunId,
        filter: &Filter,
    ) -> sqlx::Result<[ConfidenceBin; CONFIDENCE_BINS]> {
        let mut query = QueryBuilder::new("select 0");
        for edge in 1..CONFIDENCE_BINS {
            query.push(" + (predictions.confidence > ");
            query.push_bind(edge as f64 / CONFIDENCE_BINS as f64).push(")");
        }
        query.push(" as bin, count(*) filter (where predictions.actual = predictions.predicted), count(*)");
        query.push(" from predictions");
        push_samples(&mut query, filter);
        Filter { confidence: None, ..filter.clone() }.push(&mut query, run);
        query.push(" group by bin");
        let rows: Vec<(i64, i64, i64)> = query.build_query_as().fetch_all(&self.read).await?;
        let mut bins = [ConfidenceBin::default(); CONFIDENCE_BINS];
        for (bin, correct, total) in rows {
            if let Some(bin) = usize::try_from(bin).ok().and_then(|bin| bins.get_mut(bin)) {
                *bin = ConfidenceBin { correct, wrong: total - correct };
            }
        }
        Ok(bins)
    }

    /// The sample that stands before this row (the order's value and the sample) in a gallery.
    pub async fn find_sample_before(
        &self,
        run: RunId,
        filter: &Filter,
        order: Order,
        row: (f64, SampleId),
    ) -> sqlx::Result<Option<SampleId>> {
        let mut query = QueryBuilder::new("select predictions.sample_id from predictions");
        push_samples(&mut query, filter);
        filter.push(&mut query, run);
        query.push(" and (").push(order.expression()).push(", predictions.sample_id) < (");
        query.push_bind(row.0).push(", ").push_bind(row.1).push(")");
        query.push(" order by ").push(order.expression()).push(" desc, predictions.sample_id desc limit 1");
        query.build_query_scalar().fetch_optional(&self.read).await
    }

    /// How many predictions stand before this row in a gallery.
    pub async fn count_predictions_before(
        &self,
        run: RunId,
        filter: &Filter,
        order: Order,
        row: (f64, SampleId),
    ) -> sqlx::Result<i64> {
        let mut query = QueryBuilder::new("select count(*) from predictions");
        push_samples(&mut query, filter);
        filter.push(&mut query, run);
        query.push(" and (").push(order.expression()).push(", predictions.sample_id) < (");
        query.push_bind(row.0).push(", ").push_bind(row.1).push(")");
        query.build_query_scalar().fetch_one(&self.read).await
    }

    /// How many samples of each class were predicted as which, empty cells left out.
    pub async fn list_cells(&self, run: RunId, split: Split) -> sqlx::Result<Vec<Cell>> {
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
            "select actual, predicted, count(*) from predictions where run_id = ? and split = ?
             group by actual, predicted",
        )
        .bind(run)
        .bind(split.as_str())
        .fetch_all(&self.read)
        .await?;
        let place = |label: i64| usize::try_from(label).unwrap_or(usize::MAX);
        let cells = rows.into_iter().map(|(actual, predicted, count)| Cell {
            actual: place(actual),
            predicted: place(predicted),
            count: count.unsigned_abs(),
        });
        Ok(cells.collect())
    }

    /// How many of these samples a run predicted on a split.
    pub async fn count_predicted(&self, run: RunId, split: Split, samples: &[SampleId]) -> sqlx::Result<i64> {
        sqlx::query_scalar(
            "select count(*) from predictions
             where run_id = ? and split = ? and sample_id in (select value from json_each(?))",
        )
        .bind(run)
        .bind(split.as_str())
        .bind(json_list(samples))
        .fetch_one(&self.read)
        .await
    }

    /// Every run's prediction on one sample, newest run first: run, split, predicted label, confidence.
    pub async fn list_predictions_of_sample(
        &self,
        sample: SampleId,
    ) -> sqlx::Result<Vec<(RunId, String, i64, f64)>> {
        sqlx::query_as(
            "select run_id, split, predicted, confidence from predictions where sample_id = ? order by run_id desc",
        )
        .bind(sample)
        .fetch_all(&self.read)
        .await
    }

    /// The best checkpoint's prediction on one sample, and its split.
    pub async fn find_prediction(
        &self,
        run: RunId,
        sample: SampleId,
    ) -> sqlx::Result<Option<(Split, Prediction)>> {
        let split: Option<String> =
            sqlx::query_scalar("select split from predictions where run_id = ? and sample_id = ?")
                .bind(run)
                .bind(sample)
                .fetch_optional(&self.read)
                .await?;
        let Some(split) = split else { return Ok(None) };
        let split: Split = split.parse().map_err(|_| super::unknown("split", &split))?;
        let mut query = QueryBuilder::new("select ");
        query.push(COLUMNS).push(" from predictions join samples on samples.id = predictions.sample_id");
        Filter::of(split).push(&mut query, run);
        query.push(" and predictions.sample_id = ").push_bind(sample);
        let prediction: Option<Prediction> = query.build_query_as().fetch_optional(&self.read).await?;
        Ok(prediction.map(|prediction| (split, prediction)))
    }
}
