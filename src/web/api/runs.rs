//! `/api/v1/runs`.

use super::{find_dataset, find_run};
use crate::domain::dataset::{DatasetFacts, DatasetState};
use crate::domain::ids::RunId;
use crate::domain::recipe::{FieldErrors, Normalization, Recipe, Values, recipe_from_values};
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

pub(crate) async fn list(State(app): State<AppState>) -> Result<Json<Value>> {
    let runs = app.store.list_runs().await?;
    Ok(Json(json!({"items": runs.iter().map(run_json).collect::<Vec<_>>()})))
}

pub(crate) async fn show(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    Ok(Json(run_json(&find_run(&app, id).await?)))
}

/// The runs before and after it, by number; null at the ends.
pub(crate) async fn neighbours(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let run = find_run(&app, id).await?;
    let (previous, next) = app.store.find_run_neighbours(run.id).await?;
    Ok(Json(json!({"previous": previous.map(|run| run.0), "next": next.map(|run| run.0)})))
}

/// Every captured batch; its tensors are in the run's directory, its images at `images`.
pub(crate) async fn batches(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let run = find_run(&app, id).await?;
    let batches = app.store.list_batches(run.id).await?;
    let items: Vec<Value> = batches
        .iter()
        .map(|batch| {
            let images: Vec<String> =
                (0..batch.items.len()).map(|at| format!("/runs/{id}/batches/{}/{at}", batch.step)).collect();
            let mut record = json!(batch);
            // The former name, for scripts.
            record["pictures"] = json!(images);
            record["images"] = json!(images);
            record
        })
        .collect();
    Ok(Json(json!({"items": items})))
}

pub(crate) async fn create(State(app): State<AppState>, body: Bytes) -> Result<(StatusCode, Json<Value>)> {
    let mut values: Values =
        serde_json::from_slice(&body).map_err(|why| Error::field("body", why.to_string()))?;
    let dataset = match values.remove("dataset") {
        Some(Value::Number(number)) => find_dataset(&app, number.as_i64().unwrap_or(-1)).await.ok(),
        Some(Value::String(name)) => app.store.find_dataset_by_name(&name).await?,
        _ => None,
    };
    let dataset = dataset
        .ok_or_else(|| Error::field("dataset", "give the number or the name of a data set that is there"))?;
    let id = start(&app, &dataset, &values).await?;
    Ok((StatusCode::CREATED, Json(run_json(&find_run(&app, id.0).await?))))
}

/// Checks the values and puts a run into the queue.
pub(crate) async fn start(app: &AppState, dataset: &Dataset, values: &Values) -> Result<RunId> {
    if dataset.state != DatasetState::Ready {
        return Err(Error::field(
            "dataset",
            format!("“{}” is {}, not ready", dataset.name, dataset.state.as_str()),
        ));
    }
    let facts = find_facts(app, dataset, values).await?;
    let recipe = find_recipe(values, &facts).await?.map_err(Error::Invalid)?;
    Ok(app.runs.add(dataset, &recipe).await?)
}

/// The run that the values describe, or what is wrong with them. Looks for the file of the weights, so it may block.
pub(crate) async fn find_recipe(
    values: &Values,
    facts: &DatasetFacts,
) -> Result<std::result::Result<Recipe, FieldErrors>> {
    let (values, facts) = (values.clone(), facts.clone());
    Ok(tokio::task::spawn_blocking(move || recipe_from_values(&values, &facts)).await?)
}

/// What the values are checked against. The data set's own figures are waited for where they are asked for.
pub(crate) async fn find_facts(app: &AppState, dataset: &Dataset, values: &Values) -> Result<DatasetFacts> {
    if values.get("normalization").is_some_and(|word| word == Normalization::Dataset.as_str()) {
        app.health.wait(dataset).await?;
    }
    Ok(app.store.dataset_facts(dataset).await?)
}

pub(crate) async fn cancel(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    app.runs.cancel(RunId(id)).await?;
    Ok(Json(run_json(&find_run(&app, id).await?)))
}

pub(crate) async fn pause(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    app.runs.pause(RunId(id)).await?;
    Ok(Json(run_json(&find_run(&app, id).await?)))
}

pub(crate) async fn resume(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    app.runs.resume(RunId(id)).await?;
    Ok(Json(run_json(&find_run(&app, id).await?)))
}

/// A run as the contract has it. In `summary` a key's `/` is a `_`: `val/accuracy` is `val_accuracy`.
pub(crate) fn run_json(run: &Run) -> Value {
    let summary: serde_json::Map<String, Value> =
        run.summary.iter().map(|(key, value)| (key.replace('/', "_"), json!(value))).collect();
    json!({
        "id": run.id,
        "name": run.name,
        "dataset_id": run.dataset_id,
        "dataset_version": run.dataset_version,
        "state": run.state.as_str(),
        "stopping": run.stop_request.map(|request| request.as_str()),
        "epoch": run.epoch,
        "epochs": run.spec.epochs,
        "step": run.step,
        "steps": run.started.as_ref().map(|started| started.steps_per_epoch * u64::from(run.spec.epochs)),
        "best_epoch": run.best_epoch,
        "created_at_ms": run.created_at_ms,
        "started_at_ms": run.started_at_ms,
        "ended_at_ms": run.ended_at_ms,
        "held_out": run.held_out,
        "environment": run.hello,
        "layers": run.started.as_ref().map(|started| &started.layers),
        "spec": run.spec,
        "summary": summary,
        "failure": run.failure,
    })
}
