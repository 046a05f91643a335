//! `/api/v1/pipelines`: ways of loading kept by name. `/api/v1/transforms`: what they may be made of.

use crate::store::pipelines::SavedPipeline;
use crate::web::extract::{Json, Path};
use crate::web::{AppState, Error, Result};
use axum::extract::State;
use axum::http::StatusCode;
use protocol::transform::Pipeline;
use protocol::transform::catalogue::TRANSFORMS;
use serde::Deserialize;
use serde_json::{Value, json};

/// Longer names would not fit a list.
const NAME_CHARS: usize = 60;

/// Every transform with its parameters, units, ranges and defaults.
pub(crate) async fn transforms() -> Json<Value> {
    Json(json!({"items": TRANSFORMS}))
}

pub(crate) async fn list(State(app): State<AppState>) -> Result<Json<Value>> {
    let items: Vec<Value> = app.store.list_pipelines().await?.iter().map(pipeline_json).collect();
    Ok(Json(json!({"items": items})))
}

/// `PUT /api/v1/pipelines/{name}` with the list of transforms as body.
pub(crate) async fn save(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Json(steps): Json<Pipeline>,
) -> Result<Json<Value>> {
    let name = read_name(&name)?;
    app.store.save_pipeline(&name, &steps).await?;
    Ok(Json(pipeline_json(&SavedPipeline { name, steps })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Renaming {
    name: String,
}

/// `PATCH /api/v1/pipelines/{name}` with `{"name": "its new name"}` as body.
pub(crate) async fn rename(
    State(app): State<AppState>,
    Path(name): Path<String>,
    Json(renaming): Json<Renaming>,
) -> Result<Json<Value>> {
    let new = read_name(&renaming.name)?;
    match app.store.rename_pipeline(&name, &new).await? {
        None => return Err(Error::NotFound("pipeline")),
        Some(false) => return Err(Error::Conflict(format!("there is a pipeline “{new}” already"))),
        Some(true) => {}
    }
    let renamed = app.store.list_pipelines().await?.into_iter().find(|pipeline| pipeline.name == new);
    Ok(Json(pipeline_json(&renamed.ok_or(Error::NotFound("pipeline"))?)))
}

fn read_name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
        return Err(Error::field("name", format!("a name has 1 to {NAME_CHARS} characters")));
    }
    Ok(name.to_owned())
}

pub(crate) async fn delete(State(app): State<AppState>, Path(name): Path<String>) -> Result<StatusCode> {
    if app.store.delete_pipeline(&name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::NotFound("pipeline"))
    }
}

fn pipeline_json(pipeline: &SavedPipeline) -> Value {
    json!({"name": pipeline.name, "steps": pipeline.steps})
}
