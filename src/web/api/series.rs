//! `/api/v1/runs/{id}/series`.

use super::find_run;
use crate::domain::series::downsample;
use crate::runs::clock;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

/// Points of a series, where a request does not say.
const DEFAULT_POINTS: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesQuery {
    keys: Option<String>,
    points: Option<usize>,
    clock: Option<bool>,
}

/// Without `keys`: every series there is. With `clock`: when steps were taken, too.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Value>> {
    let run = find_run(&app, id).await?;
    let target = query.points.unwrap_or(DEFAULT_POINTS);
    if !(5..=10_000).contains(&target) {
        return Err(Error::field("points", "is not a whole number from 5 to 10000"));
    }
    let keys: Vec<String> = match &query.keys {
        Some(keys) => keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect(),
        None => app.store.list_series_keys(run.id).await?,
    };
    let mut series = Vec::new();
    for key in keys {
        let points = app.store.list_points(run.id, &key).await?;
        series.push(json!({"key": key, "points": downsample(&points, target)}));
    }
    let mut answer = json!({"series": series});
    if query.clock == Some(true) {
        let journal = app.runs.directory(run.id).journal();
        let committed = u64::try_from(run.journal_offset).unwrap_or(0);
        let clock = tokio::task::spawn_blocking(move || clock::read(&journal, committed)).await??;
        answer["clock"] = json!({"points": clock.points, "at_ms": clock.at_ms});
    }
    Ok(Json(answer))
}
