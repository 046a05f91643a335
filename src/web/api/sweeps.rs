//! `/api/v1/sweeps`: runs that are started together and differ in a few fields.

use super::find_dataset;
use super::runs::run_json;
use crate::actions::sweeps as actions;
use crate::domain::ids::SweepId;
use crate::domain::recipe::Values;
use crate::domain::sweep::SweepPlan;
use crate::store::run_list::RunSelection;
use crate::store::sweeps::Sweep;
use crate::web::extract::{Json, Path};
use crate::web::{AppState, Error, Result};
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Every sweep, newest first, without its runs.
pub(crate) async fn list(State(app): State<AppState>) -> Result<Json<Value>> {
    let sweeps = app.store.list_sweeps().await?;
    Ok(Json(json!({"items": sweeps.iter().map(sweep_json).collect::<Vec<_>>()})))
}

/// One sweep with its runs, by number.
pub(crate) async fn show(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    Ok(Json(with_trials(&app, &actions::find(&app.store, SweepId(id)).await?).await?))
}

/// The body is that of a run, with `sweep`: which fields vary, and how.
pub(crate) async fn create(
    State(app): State<AppState>,
    Json(mut values): Json<Values>,
) -> Result<(StatusCode, Json<Value>)> {
    let plan = values.remove("sweep").ok_or_else(|| Error::field("sweep", "Say which fields vary"))?;
    let plan: SweepPlan = serde_json::from_value(plan)
        .map_err(|why| Error::field("sweep", format!("This can't be read: {why}")))?;
    let dataset = match values.remove("dataset") {
        Some(Value::Number(number)) => find_dataset(&app, number.as_i64().unwrap_or(-1)).await.ok(),
        Some(Value::String(name)) => app.store.find_dataset_by_name(&name).await?,
        _ => None,
    };
    let dataset = dataset
        .ok_or_else(|| Error::field("dataset", "Give the number or the name of a data set that is there"))?;
    let id = actions::start(&app.store, &app.health, &app.runs, &app.weights, &dataset, &values, &plan, None)
        .await?;
    let sweep = actions::find(&app.store, id).await?;
    Ok((StatusCode::CREATED, Json(with_trials(&app, &sweep).await?)))
}

/// Gives up its runs that are not at their end.
pub(crate) async fn cancel(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    actions::cancel(&app.store, &app.runs, SweepId(id)).await?;
    show(State(app), Path(id)).await
}

/// Forgets it; its runs stay.
pub(crate) async fn delete(State(app): State<AppState>, Path(id): Path<i64>) -> Result<StatusCode> {
    actions::delete(&app.store, SweepId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn sweep_json(sweep: &Sweep) -> Value {
    json!({
        "id": sweep.id,
        "name": sweep.name,
        "dataset_id": sweep.dataset_id,
        "plan": sweep.plan,
        "base": sweep.base,
        "created_at_ms": sweep.created_at_ms,
        "runs": sweep.runs,
        "active": sweep.active,
    })
}

async fn with_trials(app: &AppState, sweep: &Sweep) -> Result<Value> {
    let trials = app.store.list_trials(sweep.id).await?;
    let ids: Vec<_> = trials.iter().map(|trial| trial.run).collect();
    let runs = app.store.list_run_rows(RunSelection::Among(&ids)).await?.runs;
    let trials: Vec<Value> = trials
        .iter()
        .map(|trial| {
            let run =
                runs.iter().find(|listed| listed.run.id == trial.run).map(|listed| run_json(&listed.run));
            json!({"number": trial.number, "settings": trial.settings, "run": run})
        })
        .collect();
    let mut all = sweep_json(sweep);
    all["trials"] = json!(trials);
    Ok(all)
}
