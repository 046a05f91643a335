//! `/api/v1/runs`.

use super::{find_any_run, find_dataset, find_run};
use crate::actions::runs::{self as actions, Origin};
use crate::domain::dataset::DatasetFacts;
use crate::domain::ids::RunId;
use crate::domain::recipe::{FieldErrors, Recipe, Values};
use crate::domain::run::total_steps;
use crate::store::datasets::Dataset;
use crate::store::run_list::RunSelection;
use crate::store::runs::Run;
use crate::web::extract::{Json, Path};
use crate::web::run_query::RunQuery;
use crate::web::{AppState, Error, Result};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

/// Those that the query asks for; `q`, `state`, `dataset`, `model`, `tag`, `starred`, `archived`, `sort` and `order` are those of the
/// page. Archived ones are among them unless it says otherwise.
pub(crate) async fn list(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Json<Value>> {
    let mut query = RunQuery::read(&text.unwrap_or_default())?;
    if query.archived.is_empty() {
        query.archived = "all".to_owned();
    }
    let runs = query.apply(app.store.list_run_rows(RunSelection::All).await?.runs);
    Ok(Json(json!({"items": runs.iter().map(|listed| run_json(&listed.run)).collect::<Vec<_>>()})))
}

pub(crate) async fn show(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    Ok(Json(run_json(&find_any_run(&app, id).await?)))
}

/// The runs before and after it, by number; null at the ends.
pub(crate) async fn neighbours(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let run = find_any_run(&app, id).await?;
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

pub(crate) async fn create(
    State(app): State<AppState>,
    Json(mut values): Json<Values>,
) -> Result<(StatusCode, Json<Value>)> {
    let like = match values.remove("like") {
        None | Some(Value::Null) => None,
        Some(number) => {
            let id = RunId(number.as_i64().unwrap_or(-1));
            let run = app.store.find_run(id).await?;
            let run = run.ok_or_else(|| Error::field("like", "Give the number of a run that is there"))?;
            if run.event_origin.is_some() {
                let why = "names a run that was read from event files, which has no settings to take";
                return Err(Error::field("like", why));
            }
            Some(run)
        }
    };
    let named = values.remove("dataset");
    // With a data set that is named, its newest version; else the images of that run, as they were then.
    let same_images = named.is_none();
    let dataset = match (&named, &like) {
        (Some(Value::Number(number)), _) => find_dataset(&app, number.as_i64().unwrap_or(-1)).await.ok(),
        (Some(Value::String(name)), _) => app.store.find_dataset_by_name(name).await?,
        (None, Some(run)) => app.store.find_dataset(run.dataset_id).await?,
        _ => None,
    };
    let dataset = dataset.ok_or_else(|| {
        let why = named.map(|named| format!("There is no data set {named}. ")).unwrap_or_default();
        Error::field("dataset", format!("{why}Give the number or the name of one that is there"))
    })?;
    let origin = like.map(|run| Origin { run, same_images });
    let id = match &origin {
        Some(Origin { run, same_images: true }) if values.is_empty() => {
            actions::repeat(&app.store, &app.runs, run).await?
        }
        Some(origin) => {
            values = actions::values_like(&app.store, &app.weights, &origin.run, &dataset, values).await?;
            start(&app, &dataset, &values, Some(origin)).await?
        }
        None => start(&app, &dataset, &values, None).await?,
    };
    Ok((StatusCode::CREATED, Json(run_json(&find_run(&app, id.0).await?))))
}

/// Checks the values and puts a run into the queue.
pub(crate) async fn start(
    app: &AppState,
    dataset: &Dataset,
    values: &Values,
    origin: Option<&Origin>,
) -> Result<RunId> {
    Ok(actions::start(&app.store, &app.health, &app.runs, &app.weights, dataset, values, origin).await?)
}

/// The run that the values describe, or what is wrong with them.
pub(crate) async fn find_recipe(
    values: &Values,
    facts: &DatasetFacts,
) -> Result<std::result::Result<Recipe, FieldErrors>> {
    Ok(actions::find_recipe(values, facts).await?)
}

/// What the values are checked against.
pub(crate) async fn find_facts(
    app: &AppState,
    dataset: &Dataset,
    values: &Values,
    images_of: Option<&Run>,
) -> Result<DatasetFacts> {
    Ok(actions::find_facts(&app.store, &app.health, &app.runs, &app.weights, dataset, values, images_of)
        .await?)
}

/// What may be changed of a run, in the body of `PATCH /api/v1/runs/{id}`; what is absent stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunChange {
    name: Option<String>,
    note: Option<String>,
    starred: Option<bool>,
    archived: Option<bool>,
    tags: Option<Vec<String>>,
}

pub(crate) async fn change(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Json(change): Json<RunChange>,
) -> Result<Json<Value>> {
    let run = find_any_run(&app, id).await?.id;
    if let Some(name) = change.name {
        actions::rename(&app.store, run, &name).await?;
    }
    if let Some(note) = change.note {
        actions::set_note(&app.store, run, &note).await?;
    }
    if let Some(tags) = change.tags {
        actions::set_tags(&app.store, run, &tags).await?;
    }
    if let Some(starred) = change.starred {
        actions::set_starred(&app.store, run, starred).await?;
    }
    if let Some(archived) = change.archived {
        actions::set_archived(&app.store, run, archived).await?;
    }
    show(State(app), Path(id)).await
}

pub(crate) async fn delete(State(app): State<AppState>, Path(id): Path<i64>) -> Result<StatusCode> {
    actions::delete(&app.runs, RunId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v1/runs/{id}/epochs {"epochs": 40}`: a completed run goes on.
pub(crate) async fn raise_epochs(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Json(body): Json<Value>,
) -> Result<Json<Value>> {
    find_run(&app, id).await?;
    let epochs = body["epochs"].as_u64().ok_or_else(|| Error::field("epochs", "Enter a whole number"))?;
    actions::raise_epochs(&app.store, &app.runs, RunId(id), epochs).await?;
    show(State(app), Path(id)).await
}

pub(crate) async fn cancel(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    find_run(&app, id).await?;
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
    // An epoch is a whole number, though every figure of the summary is kept as one with decimals.
    let figure = |key: &str, value: &Option<f64>| match value {
        Some(epoch) if key.ends_with("epoch") => json!(*epoch as i64),
        value => json!(value),
    };
    let summary: serde_json::Map<String, Value> =
        run.summary.iter().map(|(key, value)| (key.replace('/', "_"), figure(key, value))).collect();
    json!({
        "id": run.id,
        "name": run.name,
        "note": run.note,
        "tags": run.tags,
        "starred": run.starred,
        "archived": run.archived,
        // Null where it was read from event files, as its `spec` is.
        "dataset_id": run.event_origin.is_none().then_some(run.dataset_id),
        "dataset_version": run.event_origin.is_none().then_some(run.dataset_version),
        "state": run.state.as_str(),
        "stopping": run.stop_request.map(|request| request.as_str()),
        "epoch": run.epoch,
        "epochs": run.spec.epochs,
        "step": run.step,
        "steps": run.started.as_ref().map(|started| total_steps(started, run.spec.epochs)),
        "best_epoch": run.best_epoch,
        // Work that is not counted in steps, while there is such work.
        "stage": run.stage.map(|stage| json!({
            "name": stage.stage, "done": stage.done, "total": stage.total, "seconds_left": stage.seconds_left(),
        })),
        "created_at_ms": run.created_at_ms,
        "started_at_ms": run.started_at_ms,
        "ended_at_ms": run.ended_at_ms,
        "worked_ms": run.worked_ms,
        "held_out": run.held_out,
        "environment": run.hello,
        "layers": run.started.as_ref().map(|started| &started.layers),
        "spec": run.event_origin.is_none().then_some(&run.spec),
        "event_origin": run.event_origin,
        "summary": summary,
        "failure": run.failure,
    })
}
