//! The predictions of a run's best checkpoint, and the files that every epoch's predictions are in.

use super::Store;
use crate::domain::ids::{RunId, SampleId};
use protocol::event::{Values, finite};
use protocol::sample::Split;
use sqlx::{FromRow, QueryBuilder, Sqlite, SqliteConnection};

/// A file of predictions whose predictions are to replace those in the database.
#[derive(Clone, Debug)]
pub struct EvaluatedFile {
    /// The split.
    pub split: Split,
    /// After which epoch; 0: the starting weights.
    pub epoch: u32,
    /// One a sample, in the file's order.
    pub predictions: Vec<NewPrediction>,
}

impl EvaluatedFile {
    /// Accuracy and mean loss of the split, under `<split>/accuracy` and `<split>/loss`.
    pub(super) fn figures(&self) -> Values {
        let total = self.predictions.len() as f64;
        let right =
            self.predictions.iter().filter(|prediction| prediction.actual == prediction.predicted).count();
        let loss: Option<f64> = self.predictions.iter().map(|prediction| prediction.loss).sum();
        Values::from([
            (format!("{}/accuracy", self.split), finite(right as f64 / total)),
            (format!("{}/loss", self.split), loss.and_then(|loss| finite(loss / total))),
        ])
    }
}

/// What a network said of one sample.
#[derive(Clone, Copy, Debug)]
pub struct NewPrediction {
    /// The sample.
    pub sample_id: SampleId,
    /// Its label.
    pub actual: u32,
    /// The class with the greatest logit.
    pub predicted: u32,
    /// That class's probability.
    pub confidence: f64,
    /// Cross-entropy, nats; `None`: not finite.
    pub loss: Option<f64>,
}

/// A file of predictions.
#[derive(Clone, Debug, FromRow)]
pub struct PredictionFile {
    /// After which epoch; 0: the starting weights.
    pub epoch: i64,
    /// Relative to the run directory.
    pub path: String,
    /// Whether the predictions in the database are from it.
    pub best: bool,
}

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
}

/// What a gallery is ordered by, greatest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The predicted class's probability.
    Confidence,
    /// The cross-entropy; what is not finite comes first of all.
    Loss,
}

impl Order {
    /// What a row is ordered by: an infinite loss is the greatest there is.
    fn expression(self) -> &'static str {
        match self {
            Order::Confidence => "predictions.confidence",
            Order::Loss => "coalesce(predictions.loss, 1e308)",
        }
    }

    /// The value of [`Order::expression`] for this row, for the cursor behind it.
    pub fn value(self, prediction: &Prediction) -> f64 {
        match self {
            Order::Confidence => prediction.confidence,
            Order::Loss => prediction.loss.unwrap_or(1e308),
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
}

impl Filter {
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
    }
}

/// Replaces a split's predictions.
pub(super) async fn replace_predictions(
    connection: &mut SqliteConnection,
    run: RunId,
    file: &EvaluatedFile,
) -> sqlx::Result<()> {
    sqlx::query("delete from predictions where run_id = ? and split = ?")
        .bind(run)
        .bind(file.split.as_str())
        .execute(&mut *connection)
        .await?;
    for (row, prediction) in (0_i64..).zip(&file.predictions) {
        sqlx::query(
            "insert into predictions (run_id, split, sample_id, row, actual, predicted, confidence, loss)
             values (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(run)
        .bind(file.split.as_str())
        .bind(prediction.sample_id)
        .bind(row)
        .bind(prediction.actual)
        .bind(prediction.predicted)
        .bind(prediction.confidence)
        .bind(prediction.loss)
        .execute(&mut *connection)
        .await?;
    }
    let wrong =
        file.predictions.iter().filter(|prediction| prediction.actual != prediction.predicted).count();
    sqlx::query(
        "insert into evaluated_splits (run_id, split, epoch, total, wrong) values (?, ?, ?, ?, ?)
         on conflict do update set epoch = excluded.epoch, total = excluded.total, wrong = excluded.wrong",
    )
    .bind(run)
    .bind(file.split.as_str())
    .bind(file.epoch)
    .bind(i64::try_from(file.predictions.len()).unwrap_or(i64::MAX))
    .bind(i64::try_from(wrong).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// How many predictions fit.
    pub async fn count_predictions(&self, run: RunId, filter: &Filter) -> sqlx::Result<i64> {
        let mut query = QueryBuilder::new("select count(*) from predictions");
        filter.push(&mut query, run);
        query.build_query_scalar().fetch_one(&self.read).await
    }

    /// A page of predictions, greatest first, behind a cursor (the order's value and the sample of the last row).
    pub async fn list_predictions(
        &self,
        run: RunId,
        filter: &Filter,
        order: Order,
        behind: Option<(f64, SampleId)>,
        limit: i64,
    ) -> sqlx::Result<Vec<Prediction>> {
        let mut query = QueryBuilder::new(
            "select predictions.sample_id, samples.path, samples.hash, samples.width, samples.height,
                    predictions.actual, predictions.predicted, predictions.confidence, predictions.loss
             from predictions join samples on samples.id = predictions.sample_id",
        );
        filter.push(&mut query, run);
        if let Some((value, sample)) = behind {
            query.push(" and (").push(order.expression()).push(" < ").push_bind(value);
            query.push(" or (").push(order.expression()).push(" = ").push_bind(value);
            query.push(" and predictions.sample_id > ").push_bind(sample).push("))");
        }
        query
            .push(" order by ")
            .push(order.expression())
            .push(" desc, predictions.sample_id limit ")
            .push_bind(limit);
        query.build_query_as().fetch_all(&self.read).await
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
        filter.push(&mut query, run);
        query.push(" and (").push(order.expression()).push(" > ").push_bind(row.0);
        query.push(" or (").push(order.expression()).push(" = ").push_bind(row.0);
        query.push(" and predictions.sample_id < ").push_bind(row.1).push("))");
        query.push(" order by ").push(order.expression()).push(", predictions.sample_id desc limit 1");
        query.build_query_scalar().fetch_optional(&self.read).await
    }

    /// How many samples of each class were predicted as which: (actual, predicted, count), empty cells left out.
    pub async fn list_cells(&self, run: RunId, split: Split) -> sqlx::Result<Vec<(i64, i64, i64)>> {
        sqlx::query_as(
            "select actual, predicted, count(*) from predictions where run_id = ? and split = ?
             group by actual, predicted",
        )
        .bind(run)
        .bind(split.as_str())
        .fetch_all(&self.read)
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
        let prediction: Option<Prediction> = sqlx::query_as(
            "select predictions.sample_id, samples.path, samples.hash, samples.width, samples.height,
                    predictions.actual, predictions.predicted, predictions.confidence, predictions.loss
             from predictions join samples on samples.id = predictions.sample_id
             where predictions.run_id = ? and predictions.split = ? and predictions.sample_id = ?",
        )
        .bind(run)
        .bind(split.as_str())
        .bind(sample)
        .fetch_optional(&self.read)
        .await?;
        Ok(prediction.map(|prediction| (split, prediction)))
    }

    /// The prediction files of a split, by epoch.
    pub async fn list_prediction_files(&self, run: RunId, split: Split) -> sqlx::Result<Vec<PredictionFile>> {
        sqlx::query_as(
            "select epoch, path, best from prediction_files where run_id = ? and split = ? order by epoch",
        )
        .bind(run)
        .bind(split.as_str())
        .fetch_all(&self.read)
        .await
    }

    /// Splits that were evaluated, in their order.
    pub async fn list_evaluated_splits(&self, run: RunId) -> sqlx::Result<Vec<Split>> {
        let words: Vec<String> =
            sqlx::query_scalar("select distinct split from prediction_files where run_id = ?")
                .bind(run)
                .fetch_all(&self.read)
                .await?;
        Ok(Split::ALL.into_iter().filter(|split| words.iter().any(|word| word == split.as_str())).collect())
    }
}
