//! `/api/v1/runs`.

use super::{find_dataset, find_run};
use crate::domain::dataset::{DatasetFacts, DatasetState};
use crate::domain::ids::RunId;
use crate::domain::recipe::{Normalization, Values, recipe_from_values};
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::web::extract::Path;
use crate::web::{Error, Result, State};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Held;
use axum::http::StatusCode;
use serde_json::{Value, json};

pub(in crate::web) async fn list(Held(state): Held<State>) -> Result<Json<Value>> {
    let runs = state.store.list_runs().await?;
    Ok(Json(json!({"items": runs.iter().map(run_json).collect::<Vec<_>>()})))
}

pub(in crate::web) async fn show(Held(state): Held<State>, Path(id): Path<i64>) -> Result<Json<Value>> {
    Ok(Json(run_json(&find_run(&state, id).await?)))
}

/// Every captured batch; its tensors are in the run's directory, its pictures at `pictures`.
pub(in crate::web) async fn batches(Held(state): Held<State>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let run = find_run(&state, id).await?;
    let batches = state.store.list_batches(run.id).await?;
    let items: Vec<Value> = batches
        .iter()
        .map(|batch| {
            let pictures: Vec<String> =
                (0..batch.items.len()).map(|at| format!("/runs/{id}/batches/{}/{at}", batch.step)).collect();
            let mut record = json!(batch);
            record["pictures"] = json!(pictures);
            record
        })
        .collect();
    Ok(Json(json!({"items": items})))
}

pub(in crate::web) async fn create(
    Held(state): Held<State>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>)> {
    let mut values: Values =
        serde_json::from_slice(&body).map_err(|why| Error::field("body", why.to_string()))?;
    let dataset = match values.remove("dataset") {
        Some(Value::Number(number)) => find_dataset(&state, number.as_i64().unwrap_or(-1)).await.ok(),
        Some(Value::String(name)) => state.store.find_dataset_by_name(&name).await?,
        _ => None,
    };
    let dataset = dataset
        .ok_or_else(|| Error::field("dataset", "give the number or the name of a data set that is there"))?;
    let id = start(&state, &dataset, &values).await?;
    Ok((StatusCode::CREATED, Json(run_json(&find_run(&state, id.0).await?))))
}

/// Checks the values and puts a run into the queue.
pub(in crate::web) async fn start(state: &State, dataset: &Dataset, values: &Values) -> Result<RunId> {
    if dataset.state != DatasetState::Ready {
        return Err(Error::field(
            "dataset",
            format!("“{}” is {}, not ready", dataset.name, dataset.state.as_str()),
        ));
    }
    let recipe =
        recipe_from_values(values, &find_facts(state, dataset, values).await?).map_err(Error::Invalid)?;
    Ok(state.runs.add(dataset, &recipe).await?)
}

/// What the values are checked against. The data set's own figures are waited for where they are asked for.
pub(in crate::web) async fn find_facts(
    state: &State,
    dataset: &Dataset,
    values: &Values,
) -> Result<DatasetFacts> {
    if values.get("normalization").is_some_and(|word| word == Normalization::Dataset.as_str()) {
        state.health.wait(dataset).await?;
    }
    Ok(state.store.dataset_facts(dataset).await?)
}

pub(in crate::web) async fn cancel(Held(state): Held<State>, Path(id): Path<i64>) -> Result<Json<Value>> {
    state.runs.cancel(RunId(id)).await?;
    Ok(Json(run_json(&find_run(&state, id).await?)))
}

pub(in crate::web) async fn pause(Held(state): Held<State>, Path(id): Path<i64>) -> Result<Json<Value>> {
    state.runs.pause(RunId(id)).await?;
    Ok(Json(run_json(&find_run(&state, id).await?)))
}

pub(in crate::web) async fn resume(Held(state): Held<State>, Path(id): Path<i64>) -> Result<Json<Value>> {
    state.runs.resume(RunId(id)).await?;
    Ok(Json(run_json(&find_run(&state, id).await?)))
}

/// A run as the contract has it. In `summary` a key's `/` is a `_`: `val/accuracy` is `val_accuracy`.
pub(in crate::web) fn run_json(run: &Run) -> Value {
    let summary: serde_json::Map<String, Value> =
        run.summary.iter().map(|(key, value)| (key.replace('/', "_"), json!(value))).collect();
    json!({
        "id": run.id,
        "name": run.name,
        "dataset_id": run.dataset_id,
        "dataset_version": run.dataset_version,
        "state": run.state.as_str(),
        "stopping": run.wish.map(|wish| wish.as_str()),
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
