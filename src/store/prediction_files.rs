//! The files that every epoch's predictions are in, and the taking in of those of the best checkpoint.

use super::Store;
use crate::domain::ids::{RunId, SampleId};
use protocol::event::{Values, finite};
use protocol::sample::Split;
use sqlx::{FromRow, SqliteConnection};

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
    /// How far the most probable class is ahead of the second; `None`: not finite.
    pub margin: Option<f64>,
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

/// Replaces a split's predictions by those of the checkpoint of this epoch.
pub(super) async fn replace_predictions(
    connection: &mut SqliteConnection,
    run: RunId,
    epoch: u32,
    file: &EvaluatedFile,
) -> sqlx::Result<()> {
    sqlx::query("delete from predictions where run_id = ? and split = ?")
        .bind(run)
        .bind(file.split.as_str())
        .execute(&mut *connection)
        .await?;
    for (row, prediction) in (0_i64..).zip(&file.predictions) {
        sqlx::query(
            "insert into predictions (run_id, split, sample_id, row, actual, predicted, confidence, loss, margin)
             values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(run)
        .bind(file.split.as_str())
        .bind(prediction.sample_id)
        .bind(row)
        .bind(prediction.actual)
        .bind(prediction.predicted)
        .bind(prediction.confidence)
        .bind(prediction.loss)
        .bind(prediction.margin)
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
    .bind(epoch)
    .bind(i64::try_from(file.predictions.len()).unwrap_or(i64::MAX))
    .bind(i64::try_from(wrong).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
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

    /// Whether margins are missing: a version before them ingested the predictions.
    pub async fn lacks_margins(&self, run: RunId, split: Split) -> sqlx::Result<bool> {
        let found: Option<i64> = sqlx::query_scalar(
            "select 1 from predictions where run_id = ? and split = ? and margin is null and loss is not null limit 1",
        )
        .bind(run)
        .bind(split.as_str())
        .fetch_optional(&self.read)
        .await?;
        Ok(found.is_some())
    }

    /// Adds the margins of predictions that were ingested without them.
    pub async fn set_margins(
        &self,
        run: RunId,
        split: Split,
        margins: &[(SampleId, Option<f64>)],
    ) -> sqlx::Result<()> {
        let mut transaction = self.write.begin().await?;
        for (sample, margin) in margins {
            sqlx::query("update predictions set margin = ? where run_id = ? and split = ? and sample_id = ?")
                .bind(margin)
                .bind(run)
                .bind(split.as_str())
                .bind(sample)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }
}
