//! `/api/v1/pipelines`: ways of loading kept by name. `/api/v1/transforms`: what they may be made of.

use crate::store::pipelines::SavedPipeline;
use crate::web::extract::Path;
use crate::web::{Error, Result, State};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Held;
use axum::http::StatusCode;
use protocol::transform::Pipeline;
use protocol::transform::catalogue::TRANSFORMS;
use serde_json::{Value, json};

/// Longer names would not fit a list.
const NAME_CHARS: usize = 60;

/// Every transform with its parameters, units, ranges and defaults.
pub(in crate::web) async fn transforms() -> Json<Value> {
    Json(json!({"items": TRANSFORMS}))
}

pub(in crate::web) async fn list(Held(state): Held<State>) -> Result<Json<Value>> {
    let items: Vec<Value> = state.store.list_pipelines().await?.iter().map(pipeline_json).collect();
    Ok(Json(json!({"items": items})))
}

/// `PUT /api/v1/pipelines/{name}` with the list of transforms as body.
pub(in crate::web) async fn save(
    Held(state): Held<State>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Error::field("name", format!("a name has 1 to {NAME_CHARS} characters")));
    }
    let steps: Pipeline =
        serde_json::from_slice(&body).map_err(|why| Error::field("steps", why.to_string()))?;
    state.store.save_pipeline(&name, &steps).await?;
    Ok(Json(pipeline_json(&SavedPipeline { name, steps })))
}

pub(in crate::web) async fn delete(Held(state): Held<State>, Path(name): Path<String>) -> Result<StatusCode> {
    if state.store.delete_pipeline(&name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::NotFound("pipeline"))
    }
}

fn pipeline_json(pipeline: &SavedPipeline) -> Value {
    json!({"name": pipeline.name, "steps": pipeline.steps})
}
