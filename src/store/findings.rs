//! What was found in runs: the evidence that detectors look at, what came of it, and what a person dismissed.

use super::dial_series::from_bytes;
use super::{Store, now_ms};
use crate::domain::findings::evidence::{EpochFigures, Evidence, Predicted, Report};
use crate::domain::findings::split_figures::SplitFigures;
use crate::domain::findings::{Finding, VERSION};
use crate::domain::ids::{DatasetId, RunId, SampleId};
use crate::domain::run::{EvaluatedSplit, leading_split};
use crate::store::runs::{Run, to_json};
use protocol::event::{LayerDial, MaybeFinite};
use protocol::sample::Split;
use sqlx::FromRow;
use std::collections::{BTreeMap, BTreeSet};

/// Points that the loss is thinned to: enough for medians of a tenth of a run.
const LOSS_POINTS: usize = 500;
/// The latest reports of a dial that are read. A run has about 300 of each; one that was given more epochs has more.
const MOST_REPORTS: i64 = 400;

/// Findings as they are kept.
#[derive(Clone, Debug)]
pub struct KeptFindings {
    /// What they were made of, as [`Store::find_findings_basis`] says it.
    pub basis: String,
    /// The most important first.
    pub findings: Vec<Finding>,
    /// What the images of the run's splits are like.
    pub splits: Option<SplitFigures>,
}

/// What is known of an image without looking at its pixels again.
#[derive(Clone, Copy, Debug, PartialEq, FromRow)]
pub struct ImageFigures {
    /// The sample.
    pub id: SampleId,
    /// Pixels.
    pub width: i64,
    /// Pixels.
    pub height: i64,
    /// Median luma; `None` where it was not measured yet.
    pub brightness: Option<f64>,
}

impl Store {
    /// What findings of a run would be made of now, in a word that changes with it; `None`: there is no such run.
    pub async fn find_findings_basis(&self, run: RunId) -> sqlx::Result<Option<String>> {
        sqlx::query_scalar(
            "select json_array(?2, journal_offset, state, failure is not null,
                               (select json_group_array(json_array(split, epoch, total)) from evaluated_splits where run_id = runs.id),
                               (select version from health_reports where dataset_id = runs.dataset_id))
             from runs where id = ?1",
        )
        .bind(run)
        .bind(VERSION)
        .fetch_optional(&self.read)
        .await
    }

    /// The findings that are kept of a run; those of another version of the program that can't be read count as none.
    pub async fn find_findings(&self, run: RunId) -> sqlx::Result<Option<KeptFindings>> {
        let row: Option<(String, String, Option<String>)> =
            sqlx::query_as("select basis, findings, splits from run_findings where run_id = ?")
                .bind(run)
                .fetch_optional(&self.read)
                .await?;
        Ok(row.and_then(|(basis, findings, splits)| {
            let splits = splits.and_then(|splits| serde_json::from_str(&splits).ok());
            Some(KeptFindings { basis, findings: serde_json::from_str(&findings).ok()?, splits })
        }))
    }

    /// Keeps findings in the place of earlier ones.
    pub async fn save_findings(&self, run: RunId, kept: &KeptFindings) -> sqlx::Result<()> {
        // A run that was deleted meanwhile has none.
        sqlx::query(
            "insert into run_findings (run_id, basis, findings, splits, revision)
             select id, ?2, ?3, ?4, ?3 <> '[]' from runs where id = ?1
             on conflict do update set basis = excluded.basis, findings = excluded.findings, splits = excluded.splits,
                                       revision = revision + (findings <> excluded.findings)",
        )
        .bind(run)
        .bind(&kept.basis)
        .bind(to_json("findings", &kept.findings)?)
        .bind(kept.splits.as_ref().map(|splits| to_json("splits", splits)).transpose()?)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The names of the findings of a run that a person dismissed.
    pub async fn list_dismissed_findings(&self, run: RunId) -> sqlx::Result<BTreeSet<String>> {
        let names: Vec<String> =
            sqlx::query_scalar("select finding from dismissed_findings where run_id = ?")
                .bind(run)
                .fetch_all(&self.read)
                .await?;
        Ok(names.into_iter().collect())
    }

    /// Dismisses a finding of a run, or brings it back.
    pub async fn set_finding_dismissed(
        &self,
        run: RunId,
        finding: &str,
        dismissed: bool,
    ) -> sqlx::Result<()> {
        let mut transaction = self.write.begin().await?;
        if dismissed {
            sqlx::query(
                "insert into dismissed_findings (run_id, finding, dismissed_at_ms) values (?, ?, ?) on conflict do nothing",
            )
            .bind(run)
            .bind(finding)
            .bind(now_ms())
            .execute(&mut *transaction)
            .await?;
        } else {
            sqlx::query("delete from dismissed_findings where run_id = ? and finding = ?")
                .bind(run)
                .bind(finding)
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query("update run_findings set revision = revision + 1 where run_id = ?")
            .bind(run)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }

    /// Size and brightness of every image of a data set, those that were excluded since too.
    pub async fn list_image_figures(&self, dataset: DatasetId) -> sqlx::Result<Vec<ImageFigures>> {
        sqlx::query_as(
            "select samples.id, width, height, brightness from samples left join measures on sample_id = samples.id
             where samples.dataset_id = ?",
        )
        .bind(dataset)
        .fetch_all(&self.read)
        .await
    }

    /// What detectors look at, of bounded size however long the run is.
    pub async fn find_evidence(&self, run: &Run, splits: Option<SplitFigures>) -> sqlx::Result<Evidence> {
        let (mut steps_per_epoch, mut layers) = (0, Vec::new());
        if let Some(started) = &run.started {
            (steps_per_epoch, layers) = (started.steps_per_epoch, started.layers.clone());
        }
        let mut dials = BTreeMap::new();
        for dial in LayerDial::ALL {
            dials.insert(dial, self.list_reports(run.id, dial).await?);
        }
        let waiting = self.list_points_thinned(run.id, "time/data", LOSS_POINTS).await?;
        Ok(Evidence {
            spec: run.spec.clone(),
            state: run.state,
            failure: run.failure.clone(),
            steps_per_epoch,
            layers,
            train_loss: self.list_points_thinned(run.id, "train/loss", LOSS_POINTS).await?,
            epochs: self.list_epoch_figures(run.id).await?,
            dials,
            waiting: waiting.into_iter().filter_map(|(_, share)| share).collect(),
            predicted: self.count_predicted_classes(run.id, run.spec.classes.len()).await?,
            splits,
        })
    }

    async fn list_reports(&self, run: RunId, dial: LayerDial) -> sqlx::Result<Vec<Report>> {
        let mut rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "select step, numbers from dial_reports where run_id = ? and dial = ? order by step desc limit ?",
        )
        .bind(run)
        .bind(dial.as_str())
        .bind(MOST_REPORTS)
        .fetch_all(&self.read)
        .await?;
        rows.reverse();
        let report = |(step, numbers): (i64, Vec<u8>)| Report {
            step: step.cast_unsigned(),
            numbers: from_bytes(&numbers).collect(),
        };
        Ok(rows.into_iter().map(report).collect())
    }

    async fn list_epoch_figures(&self, run: RunId) -> sqlx::Result<Vec<EpochFigures>> {
        type Set = fn(&mut EpochFigures, MaybeFinite);
        let keys: [(&str, Set); 4] = [
            ("epoch/train_loss", |epoch, value| epoch.train_loss = value),
            ("epoch/train_accuracy", |epoch, value| epoch.train_accuracy = value),
            ("val/loss", |epoch, value| epoch.val_loss = value),
            ("val/accuracy", |epoch, value| epoch.val_accuracy = value),
        ];
        let mut epochs: BTreeMap<u64, EpochFigures> = BTreeMap::new();
        for (key, set) in keys {
            for (step, value) in self.list_points(run, key).await? {
                set(epochs.entry(step).or_insert(EpochFigures { step, ..EpochFigures::default() }), value);
            }
        }
        Ok(epochs.into_values().collect())
    }

    /// How often each class was there and was predicted in the split that leads.
    async fn count_predicted_classes(&self, run: RunId, classes: usize) -> sqlx::Result<Option<Predicted>> {
        let evaluated: Vec<(String, u32, i64, i64)> =
            sqlx::query_as("select split, epoch, total, wrong from evaluated_splits where run_id = ?")
                .bind(run)
                .fetch_all(&self.read)
                .await?;
        let evaluated: Vec<EvaluatedSplit> = evaluated
            .into_iter()
            .filter_map(|(split, epoch, total, wrong)| {
                Some(EvaluatedSplit { split: split.parse().ok()?, epoch, total, wrong })
            })
            .collect();
        let splits: Vec<Split> = evaluated.iter().map(|evaluated| evaluated.split).collect();
        let lead = leading_split(&splits)
            .and_then(|lead| evaluated.into_iter().find(|evaluated| evaluated.split == lead));
        let Some(lead) = lead else { return Ok(None) };
        let (mut actual, mut predicted) = (vec![0; classes], vec![0; classes]);
        for cell in self.list_cells(run, lead.split).await? {
            for (counts, class) in [(&mut actual, cell.actual), (&mut predicted, cell.predicted)] {
                if let Some(count) = counts.get_mut(class) {
                    *count += cell.count;
                }
            }
        }
        Ok(Some(Predicted { split: lead.split, epoch: lead.epoch, actual, predicted }))
    }
}
