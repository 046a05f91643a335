//! `POST /api/v1/runs/events`: event files of other tools, by a path on the server's machine or sent as a form.

use super::import::receive;
use super::runs::run_json;
use crate::actions::events as actions;
use crate::domain::ids::RunId;
use crate::import::Limits;
use crate::jobs::upload::Upload;
use crate::web::extract::{Json, Multipart, content_type};
use crate::web::{AppState, Error, Result};
use axum::extract::{FromRequest as _, Multipart as Parts, Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Files of one form.
const MOST_FILES: u64 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEventRuns {
    path: String,
    #[serde(default)]
    name: String,
}

pub(crate) async fn create(
    State(app): State<AppState>,
    request: Request,
) -> Result<(StatusCode, Json<Value>)> {
    let opened = if content_type(request.headers()) == "multipart/form-data" {
        let Multipart(form) = Multipart::from_request(request, &()).await?;
        open_sent(&app, form).await?
    } else {
        let Json(new) = Json::<NewEventRuns>::from_request(request, &()).await?;
        open_path(&app, &new.path, &new.name).await?
    };
    let mut items = Vec::new();
    for id in opened {
        let run = app.store.find_run(id).await?.ok_or(Error::NotFound("run"))?;
        items.push(run_json(&run));
    }
    Ok((StatusCode::CREATED, Json(json!({"items": items}))))
}

/// Opens what lies on the server's machine.
async fn open_path(app: &AppState, path: &str, name: &str) -> Result<Vec<RunId>> {
    if !Path::new(path).is_absolute() {
        return Err(Error::field("path", "Give the whole path of a folder or a file, beginning with /"));
    }
    Ok(actions::open(&app.runs, PathBuf::from(path), None, name).await?)
}

/// Opens the files of a form, or what its field `path` names.
pub(crate) async fn open_sent(app: &AppState, mut form: Parts) -> Result<Vec<RunId>> {
    let limits = Limits { max_entries: MOST_FILES, ..Limits::default() };
    let mut upload = Upload::begin(&app.imports.uploads(), limits).await?;
    let (mut path, mut name) = (String::new(), String::new());
    while let Some(field) = form.next_field().await.map_err(|why| Error::field("file", why.body_text()))? {
        let text = |text: Result<String, _>| text.unwrap_or_default().trim().to_owned();
        match field.name().unwrap_or_default() {
            "file" => receive(&mut upload, field).await?,
            "path" => path = text(field.text().await),
            "name" => name = text(field.text().await),
            other => return Err(Error::field(other, "there is no such field")),
        }
    }
    if upload.is_empty() {
        if path.is_empty() {
            return Err(Error::field("file", "Choose files, or give the path of a folder"));
        }
        return open_path(app, &path, &name).await;
    }
    let received = upload.finish().ok_or_else(|| Error::field("file", "nothing came"))?;
    if let Some(refused) = received.refused.first() {
        return Err(Error::field("file", format!("“{}”: {}", refused.path, refused.reason)));
    }
    let (files, title) = (received.files(), received.title.clone());
    let name = match (name.is_empty(), title.contains("tfevents")) {
        (true, true) => title.clone(),
        (true, false) => "event files".to_owned(),
        (false, _) => name,
    };
    let opened = actions::open(&app.runs, files, Some(&title), &name).await;
    // Off the threads that answer requests.
    tokio::task::spawn_blocking(move || drop(received)).await?;
    Ok(opened?)
}
