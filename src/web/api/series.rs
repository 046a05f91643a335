//! `/api/v1/runs/{id}/series`, and `/api/v1/series` for several runs at once.

use super::find_any_run;
use crate::domain::ids::RunId;
use crate::domain::series::downsample;
use crate::runs::clock;
use crate::store::run_list::RunSelection;
use crate::store::runs::Run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

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
    let run = find_any_run(&app, id).await?;
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
        let points = app.store.list_points_thinned(run.id, &key, target).await?;
        series.push(json!({"key": key, "points": points}));
    }
    let mut answer = json!({"series": series});
    if query.clock == Some(true) {
        answer["clock"] = clock_json(&app, &run).await?;
    }
    Ok(Json(answer))
}

/// Runs whose series one request may ask for, and how many points all of them together may have.
const MOST_RUNS: usize = 100;
const MOST_POINTS: usize = 2_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesOfRunsQuery {
    runs: String,
    keys: String,
    points: Option<usize>,
    clock: Option<bool>,
}

/// `/api/v1/series`: the same series of several runs, in one answer, so that a comparison waits for one request.
pub(crate) async fn of_runs(
    State(app): State<AppState>,
    Query(query): Query<SeriesOfRunsQuery>,
) -> Result<Json<Value>> {
    let target = query.points.unwrap_or(DEFAULT_POINTS);
    let keys: Vec<String> = query.keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    let wanted: Vec<RunId> = (query.runs.split(',').filter(|run| !run.is_empty()))
        .map(|run| run.parse().map(RunId))
        .collect::<Result<_, _>>()
        .map_err(|_| Error::field("runs", "is not a list of numbers, such as 3,7"))?;
    if !(5..=10_000).contains(&target) {
        return Err(Error::field("points", "is not a whole number from 5 to 10000"));
    }
    if wanted.len() > MOST_RUNS || wanted.len() * keys.len() * target > MOST_POINTS {
        let why = format!(
            "asks for too much at once: at most {MOST_RUNS} runs, and runs × keys × points at most {MOST_POINTS}"
        );
        return Err(Error::field("runs", why));
    }
    let found = app.store.list_run_rows(RunSelection::Among(&wanted)).await?.runs;
    let mut series: HashMap<RunId, Vec<Value>> = HashMap::new();
    for (run, key, points) in app.store.list_points_of_runs(&wanted, &keys).await? {
        let points = downsample(&points, target);
        series.entry(run).or_default().push(json!({"key": key, "points": points}));
    }
    let mut runs = Vec::new();
    for listed in found {
        let run = &listed.run;
        let mut item = json!({
            "run": run.id,
            "state": run.state.as_str(),
            "steps_per_epoch": run.started.as_ref().map(|started| started.steps_per_epoch),
            // Where a stream of the run's events goes on behind these points.
            "offset": run.journal_offset,
            "series": series.remove(&run.id).unwrap_or_default(),
        });
        if query.clock == Some(true) {
            item["clock"] = clock_json(&app, run).await?;
        }
        runs.push(item);
    }
    Ok(Json(json!({"runs": runs})))
}

/// When the steps of a run were taken.
async fn clock_json(app: &AppState, run: &Run) -> Result<Value> {
    let journal = app.runs.directory(run.id).journal();
    let committed = u64::try_from(run.journal_offset).unwrap_or(0);
    let clock = tokio::task::spawn_blocking(move || clock::read(&journal, committed)).await??;
    Ok(json!({"points": clock.points, "at_ms": clock.at_ms}))
}
