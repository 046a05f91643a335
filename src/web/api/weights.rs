//! `/api/v1/weights`: the catalogue of published weights, which are on this machine, and fetching those that are not.

use crate::actions::weights as actions;
use crate::web::extract::{Json, Path};
use crate::web::{AppState, Result};
use axum::extract::State;
use axum::http::StatusCode;
use protocol::weights::{WEIGHTS, WeightsEntry};
use serde_json::{Value, json};

pub(crate) async fn list(State(app): State<AppState>) -> Result<Json<Value>> {
    let present = app.weights.list_present().await;
    let items: Vec<Value> = WEIGHTS.iter().map(|entry| item(&app, entry, &present)).collect();
    Ok(Json(json!({"items": items})))
}

/// `POST /api/v1/weights/{name}/fetch`: begins, or joins the fetch that is under way.
pub(crate) async fn fetch(
    State(app): State<AppState>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Value>)> {
    actions::begin_fetch(&app.weights, &name).await?;
    Ok((StatusCode::ACCEPTED, show(&app, &name).await?))
}

/// `DELETE /api/v1/weights/{name}/fetch`
pub(crate) async fn cancel(State(app): State<AppState>, Path(name): Path<String>) -> Result<StatusCode> {
    actions::cancel_fetch(&app.weights, &name)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn show(app: &AppState, name: &str) -> Result<Json<Value>> {
    let present = app.weights.list_present().await;
    Ok(Json(item(app, actions::find(name)?, &present)))
}

fn item(app: &AppState, entry: &WeightsEntry, present: &[&str]) -> Value {
    let mut item = json!({
        "name": entry.name,
        "label": entry.label,
        "model": entry.model,
        "source": {"package": entry.source.package, "version": entry.source.version, "sha256": entry.source.sha256, "bytes": entry.source.bytes},
        "licence": entry.licence,
        "sha256": entry.sha256,
        "bytes": entry.bytes,
        "image_size": entry.input.image_size,
        "mean": entry.input.mean,
        "std": entry.input.std,
        "learned": entry.learned,
        "imagenet_top1": entry.imagenet_top1,
        "present": present.contains(&entry.name),
    });
    if let Some(fetching) = app.weights.fetching(entry.name) {
        item["fetching"] =
            json!({"done": fetching.done, "total": fetching.total, "seconds_left": fetching.seconds_left});
    } else if let Some(why) = app.weights.failure(entry.name) {
        item["failure"] = json!(why);
    }
    item
}
