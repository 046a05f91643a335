//! What was measured of images, and what a data set's examination found.

use super::{Store, bad_json, now_ms};
use crate::domain::health::{Group, Report};
use crate::domain::ids::{DatasetId, SampleId};
use crate::domain::overview::{ChannelFigures, Overview};
use sqlx::{FromRow, SqliteConnection};
use std::collections::BTreeSet;
use vision::Features;

/// A sample with what was measured of it; `None` where that is missing or of an older version of the program.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The sample.
    pub sample: super::samples::Sample,
    /// Of its pixels.
    pub features: Option<Features>,
}

/// A kept report.
#[derive(Clone, Debug)]
pub struct StoredReport {
    /// The data set's version that was examined.
    pub version: i64,
    /// When.
    pub made_at_ms: i64,
    /// What it took.
    pub seconds: f64,
    /// What was found, without the sets of copies that a person ignores.
    pub report: Report,
    /// Those sets.
    pub ignored_sets: Vec<Group>,
    /// The words of all findings that are ignored.
    pub ignored: BTreeSet<String>,
}

impl Store {
    /// Every sample of the newest version that counts, by number, with its measures.
    pub async fn list_measured(&self, id: DatasetId) -> sqlx::Result<Vec<Measured>> {
        #[derive(FromRow)]
        struct Row {
            #[sqlx(flatten)]
            sample: super::samples::Sample,
            features: Option<Vec<u8>>,
        }
        let rows: Vec<Row> = sqlx::query_as(
            "select samples.*, features from samples left join measures on sample_id = samples.id
             where samples.dataset_id = ? and excluded = 0 order by samples.id",
        )
        .bind(id)
        .fetch_all(&self.read)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Measured {
                sample: row.sample,
                features: row.features.and_then(|bytes| Features::from_bytes(&bytes).ok()),
            })
            .collect())
    }

    /// Keeps what was measured of some samples of a data set.
    pub async fn save_features(&self, id: DatasetId, measured: &[(SampleId, Features)]) -> sqlx::Result<()> {
        let mut transaction = self.write.begin().await?;
        for (sample, features) in measured {
            insert_features(&mut transaction, id, *sample, features).await?;
        }
        transaction.commit().await
    }

    /// Keeps a report and an overview in place of older ones.
    pub async fn save_examination(
        &self,
        id: DatasetId,
        version: i64,
        seconds: f64,
        report: &Report,
        overview: &Overview,
    ) -> sqlx::Result<()> {
        let report = serde_json::to_string(report).map_err(|error| bad_json("report", error))?;
        let overview = serde_json::to_string(overview).map_err(|error| bad_json("overview", error))?;
        sqlx::query(
            "insert into health_reports (dataset_id, version, made_at_ms, seconds, report, overview) values (?, ?, ?, ?, ?, ?)
             on conflict do update set version = excluded.version, made_at_ms = excluded.made_at_ms, seconds = excluded.seconds,
                                       report = excluded.report, overview = excluded.overview",
        )
        .bind(id)
        .bind(version)
        .bind(now_ms())
        .bind(seconds)
        .bind(report)
        .bind(overview)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The newest report, of whichever version; one that this program would word otherwise counts as none.
    pub async fn find_report(&self, id: DatasetId) -> sqlx::Result<Option<StoredReport>> {
        let row: Option<(i64, i64, f64, String)> = sqlx::query_as(
            "select version, made_at_ms, seconds, report from health_reports where dataset_id = ?",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        let ignored = self.list_ignored_findings(id).await?;
        Ok(row.and_then(|(version, made_at_ms, seconds, report)| {
            let mut report: Report = serde_json::from_str(&report).ok()?;
            let ignored_sets = report.set_aside(&ignored);
            report.is_current().then_some(StoredReport {
                version,
                made_at_ms,
                seconds,
                report,
                ignored_sets,
                ignored,
            })
        }))
    }

    /// The words of the findings that a person has decided to live with.
    pub async fn list_ignored_findings(&self, id: DatasetId) -> sqlx::Result<BTreeSet<String>> {
        let words: Vec<String> =
            sqlx::query_scalar("select finding from ignored_findings where dataset_id = ?")
                .bind(id)
                .fetch_all(&self.read)
                .await?;
        Ok(words.into_iter().collect())
    }

    /// Ignores a finding, once and for all its versions.
    pub async fn ignore_finding(&self, id: DatasetId, finding: &str) -> sqlx::Result<()> {
        sqlx::query("insert into ignored_findings (dataset_id, finding, ignored_at_ms) values (?, ?, ?) on conflict do nothing")
            .bind(id)
            .bind(finding)
            .bind(now_ms())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Brings an ignored finding back.
    pub async fn restore_finding(&self, id: DatasetId, finding: &str) -> sqlx::Result<()> {
        sqlx::query("delete from ignored_findings where dataset_id = ? and finding = ?")
            .bind(id)
            .bind(finding)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Of that overview, the figures of the channels alone.
    pub async fn find_channels(&self, id: DatasetId) -> sqlx::Result<Option<ChannelFigures>> {
        let text: Option<Option<String>> = sqlx::query_scalar(
            "select case when json_valid(overview) then overview -> '$.channels' end from health_reports where dataset_id = ?1
             and version = (select max(number) from versions where dataset_id = ?1)",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        Ok(text.flatten().and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// The overview that was made with the newest report; `None` where there is none of the newest version.
    pub async fn find_overview(&self, id: DatasetId) -> sqlx::Result<Option<Overview>> {
        let text: Option<Option<String>> = sqlx::query_scalar(
            "select overview from health_reports where dataset_id = ?1
             and version = (select max(number) from versions where dataset_id = ?1)",
        )
        .bind(id)
        .fetch_optional(&self.read)
        .await?;
        let overview: Option<Overview> = text.flatten().and_then(|text| serde_json::from_str(&text).ok());
        Ok(overview.filter(Overview::is_current))
    }

    /// Forgets what was found in a data set, so that it is examined anew.
    pub async fn delete_examination(&self, id: DatasetId) -> sqlx::Result<()> {
        sqlx::query("delete from health_reports where dataset_id = ?").bind(id).execute(&self.write).await?;
        Ok(())
    }
}

pub(super) async fn insert_features(
    connection: &mut SqliteConnection,
    dataset: DatasetId,
    sample: SampleId,
    features: &Features,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert or replace into measures (sample_id, dataset_id, brightness, contrast, sharpness, features)
         values (?, ?, ?, ?, ?, ?)",
    )
    .bind(sample)
    .bind(dataset)
    .bind(f64::from(features.luma.p50))
    .bind(f64::from(features.luma_std))
    .bind(Some(f64::from(features.sharpness)).filter(|sharpness| sharpness.is_finite()))
    .bind(features.to_bytes())
    .execute(connection)
    .await?;
    Ok(())
}
