//! What the reports of dials are to whoever asks for series: a layer's numbers are the series `dial/layer`.
//!
//! Runs of versions before 0024 have their gradient norms as points; a run that went on since then has both, and a report counts
//! more than a point at its step.

use super::{Store, bad_json};
use crate::domain::ids::RunId;
use crate::domain::series::Point;
use protocol::event::{LayerDial, MaybeFinite, Started};
use std::collections::BTreeMap;

impl Store {
    /// The dials that a run has reports of.
    pub async fn list_dials(&self, run: RunId) -> sqlx::Result<Vec<String>> {
        sqlx::query_scalar("select dial from dial_summaries where run_id = ? order by dial")
            .bind(run)
            .fetch_all(&self.read)
            .await
    }

    /// The points that the series `key` has in reports: none where it is no dial's.
    pub(super) async fn list_points_of_dial(&self, run: RunId, key: &str) -> sqlx::Result<Vec<Point>> {
        let Some((dial, layer)) = parts(key) else { return Ok(Vec::new()) };
        let layers = layers_of(&self.read, run).await?;
        let Some(at) = layers.iter().position(|name| name == layer) else { return Ok(Vec::new()) };
        let reports = self.list_numbers(run, dial, at, 1).await?;
        Ok(reports.into_iter().filter_map(|(step, number)| Some((step, *number.first()?))).collect())
    }

    /// A stretch of every report, by step.
    pub(super) async fn list_numbers(
        &self,
        run: RunId,
        name: &str,
        from: usize,
        count: usize,
    ) -> sqlx::Result<Vec<(u64, Vec<MaybeFinite>)>> {
        let bytes = |numbers: usize| i64::try_from(numbers * 8).unwrap_or(i64::MAX);
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "select step, substr(numbers, ?3 + 1, ?4) from dial_reports where run_id = ?1 and dial = ?2 order by step",
        )
        .bind(run)
        .bind(name)
        .bind(bytes(from))
        .bind(bytes(count))
        .fetch_all(&self.read)
        .await?;
        Ok(rows
            .into_iter()
            .map(|(step, numbers)| (step.cast_unsigned(), from_bytes(&numbers).collect()))
            .collect())
    }

    /// The series that the dials of a run are to whoever asks for series.
    pub(super) async fn list_keys_of_dials(&self, run: RunId) -> sqlx::Result<Vec<String>> {
        let dials = self.list_dials(run).await?;
        if dials.is_empty() {
            return Ok(Vec::new());
        }
        let layers = layers_of(&self.read, run).await?;
        Ok(dials.iter().flat_map(|dial| layers.iter().map(move |layer| format!("{dial}/{layer}"))).collect())
    }
}

/// Points of two versions of the program, by step; those of reports replace the others.
pub(super) fn merged(points: Vec<Point>, reports: Vec<Point>) -> Vec<Point> {
    if reports.is_empty() {
        return points;
    }
    points.into_iter().chain(reports).collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// The dial and the layer that a series is of; `None` where it is no dial's.
pub(super) fn parts(key: &str) -> Option<(&str, &str)> {
    key.split_once('/').filter(|(dial, _)| LayerDial::ALL.iter().any(|known| known.as_str() == *dial))
}

async fn layers_of(pool: &sqlx::SqlitePool, run: RunId) -> sqlx::Result<Vec<String>> {
    let started: Option<Option<String>> =
        sqlx::query_scalar("select started from runs where id = ?").bind(run).fetch_optional(pool).await?;
    let Some(Some(text)) = started else { return Ok(Vec::new()) };
    Ok(serde_json::from_str::<Started>(&text).map_err(|error| bad_json("started", error))?.layers)
}

pub(super) fn from_bytes(bytes: &[u8]) -> impl Iterator<Item = MaybeFinite> {
    let (numbers, _) = bytes.as_chunks::<8>();
    numbers.iter().map(|number| Some(f64::from_le_bytes(*number)).filter(|number| number.is_finite()))
}
