//! `/api/v1/datasets`.

use super::find_dataset;
use crate::domain::dataset::DatasetState;
use crate::domain::ids::DatasetId;
use crate::import::catalogue::{CATALOGUE, Entry};
use crate::import::{DatasetFormat, Options, SplitRequest};
use crate::store::datasets::Dataset;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::body::Bytes;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use protocol::sample::Split;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use tokio::io::AsyncWriteExt as _;

/// How many rejected files an answer lists; their number is always given.
const REJECTED_LISTED: i64 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDataset {
    name: String,
    source: Source,
    split: Option<SplitBody>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    #[serde(default)]
    path: PathBuf,
    catalogue: Option<String>,
    format: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitBody {
    val: f64,
    test: f64,
    #[serde(default)]
    seed: u64,
}

pub(crate) async fn list(State(app): State<AppState>) -> Result<Json<Value>> {
    let mut items = Vec::new();
    for dataset in app.store.list_datasets().await? {
        items.push(dataset_json(&app, &dataset).await?);
    }
    Ok(Json(json!({"items": items})))
}

pub(crate) async fn show(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    Ok(Json(dataset_json(&app, &dataset).await?))
}

pub(crate) async fn delete(State(app): State<AppState>, Path(id): Path<i64>) -> Result<StatusCode> {
    remove(&app, id).await
}

/// Deletes a data set (204), or stops its import (202); refused where runs have learned from it.
pub(crate) async fn remove(app: &AppState, id: i64) -> Result<StatusCode> {
    let dataset = find_dataset(app, id).await?;
    if app.imports.status(dataset.id).is_some() {
        app.imports.cancel(dataset.id);
        return Ok(StatusCode::ACCEPTED);
    }
    if app.imports.delete(dataset.id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::Conflict(format!("runs have learned from “{}”, so it stays", dataset.name)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherFormat {
    format: String,
}

/// `POST /api/v1/datasets/{id}/format`: 202 and what takes its place.
pub(crate) async fn read_again(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>)> {
    let request: OtherFormat =
        serde_json::from_slice(&body).map_err(|why| Error::field("body", why.to_string()))?;
    let id = start_again(&app, id, &request.format).await?;
    Ok((StatusCode::ACCEPTED, Json(dataset_json(&app, &find_dataset(&app, id.0).await?).await?)))
}

/// Starts to import a data set's source again, as another format.
pub(crate) async fn start_again(app: &AppState, id: i64, format: &str) -> Result<DatasetId> {
    let dataset = find_dataset(app, id).await?;
    let format = format_from_word("format", format)?
        .ok_or_else(|| Error::field("format", "say which format it is"))?;
    if dataset.state != DatasetState::Ready {
        return Err(Error::Conflict(format!("“{}” is {}", dataset.name, dataset.state.as_str())));
    }
    let path = dataset.source_path().ok_or_else(|| {
        Error::Conflict(format!(
            "the archive of “{}” was not kept; import it again and say its format",
            dataset.name
        ))
    })?;
    check_path(path)?;
    let started = app.imports.read_again(&dataset, path.to_owned(), format).await?;
    started.ok_or_else(|| {
        Error::Conflict(format!(
            "“{}” is being read again already, or a data set has that name",
            dataset.name
        ))
    })
}

/// A JSON body names a path; a multipart body brings an archive.
pub(crate) async fn create(
    State(app): State<AppState>,
    request: Request,
) -> Result<(StatusCode, Json<Value>)> {
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id = if kind.starts_with("multipart/form-data") {
        let form = Multipart::from_request(request, &())
            .await
            .map_err(|why| Error::field("file", why.body_text()))?;
        create_from_form(&app, form, &mut Typed::default()).await?
    } else {
        let body =
            Bytes::from_request(request, &()).await.map_err(|why| Error::field("body", why.body_text()))?;
        let new: NewDataset =
            serde_json::from_slice(&body).map_err(|why| Error::field("body", why.to_string()))?;
        let format = format_from_word("source.format", new.source.format.as_deref().unwrap_or_default())?;
        let split =
            new.split.map(|split| SplitRequest { val: split.val, test: split.test, seed: split.seed });
        let options = Options { split, format, ..Options::default() };
        let brought = match &new.source.catalogue {
            None => Brought::Path(new.source.path),
            Some(_) if !new.source.path.as_os_str().is_empty() => {
                return Err(Error::field("source", "give a path or a name of the catalogue, not both"));
            }
            Some(name) => Brought::Entry(entry_from_name("source.catalogue", name)?),
        };
        start(&app, &new.name, brought, options).await?
    };
    let dataset = find_dataset(&app, id.0).await?;
    Ok((StatusCode::ACCEPTED, Json(dataset_json(&app, &dataset).await?)))
}

/// What a form's fields hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) format: String,
    pub(crate) catalogue: String,
}

/// The format that a word asks for; `None` for `auto` and for no word.
fn format_from_word(field: &str, word: &str) -> Result<Option<DatasetFormat>> {
    if ["", "auto"].contains(&word) {
        return Ok(None);
    }
    let known = || DatasetFormat::ALL.map(DatasetFormat::as_str).join(", ");
    let format = DatasetFormat::from_word(word);
    format
        .map(Some)
        .ok_or_else(|| Error::field(field, format!("“{word}” is not a format; there are auto, {}", known())))
}

/// The data set of the catalogue that is asked for.
fn entry_from_name(field: &str, name: &str) -> Result<&'static Entry> {
    Entry::find(name).ok_or_else(|| {
        let names: Vec<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
        Error::field(field, format!("“{name}” is not in the catalogue; there are {}", names.join(", ")))
    })
}

/// Reads a form with `name`, one of `path`, `file` and `catalogue`, and perhaps `format`, and starts an import. What was typed is left in `typed`,
/// also where something is wrong with it.
pub(crate) async fn create_from_form(
    app: &AppState,
    mut form: Multipart,
    typed: &mut Typed,
) -> Result<DatasetId> {
    let mut upload = None;
    while let Some(field) = form.next_field().await.map_err(|why| Error::field("file", why.body_text()))? {
        match field.name() {
            Some("name") => typed.name = text(field).await?,
            Some("path") => typed.path = text(field).await?,
            Some("catalogue") => typed.catalogue = text(field).await?,
            Some("format") => typed.format = text(field).await?,
            Some("file") if field.file_name().is_some_and(|name| !name.is_empty()) => {
                upload = Some(receive(app, field).await?);
            }
            Some("file") => {}
            other => return Err(Error::field(other.unwrap_or("form"), "there is no such field")),
        }
    }
    let path = PathBuf::from(typed.path.trim());
    let source = upload.as_ref().map_or(&path, |(_, file)| file);
    if typed.name.trim().is_empty() && upload.is_none() {
        typed.name.clone_from(&typed.catalogue);
    }
    if typed.name.trim().is_empty()
        && let Some(last) = source.file_name()
    {
        // Nothing typed: called after what it comes from, without the endings of an archive.
        typed.name = last.to_string_lossy().split('.').next().unwrap_or_default().to_owned();
    }
    let options = Options { format: format_from_word("format", &typed.format)?, ..Options::default() };
    match upload {
        Some((folder, file)) => start(app, &typed.name, Brought::Upload(file, folder), options).await,
        None if !typed.catalogue.is_empty() => {
            let entry = entry_from_name("catalogue", &typed.catalogue)?;
            start(app, &typed.name, Brought::Entry(entry), options).await
        }
        None => {
            // Before the name, which is made of it.
            check_path(&path)?;
            start(app, &typed.name, Brought::Path(path), options).await
        }
    }
}

async fn text(field: Field<'_>) -> Result<String> {
    field.text().await.map_err(|why| Error::field("form", why.body_text()))
}

/// Writes an upload to disk as it comes.
async fn receive(app: &AppState, mut field: Field<'_>) -> Result<(tempfile::TempDir, PathBuf)> {
    let uploads = app.imports.uploads();
    std::fs::create_dir_all(&uploads)?;
    let folder = tempfile::tempdir_in(&uploads)?;
    let given = field.file_name().unwrap_or_default().replace('\\', "/");
    let name =
        std::path::Path::new(&given).file_name().map_or_else(|| "archive".into(), |name| name.to_owned());
    let path = folder.path().join(name);
    let mut file = tokio::fs::File::create(&path).await?;
    while let Some(chunk) = field.chunk().await.map_err(|why| Error::field("file", why.body_text()))? {
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok((folder, path))
}

/// What is to be imported.
enum Brought {
    Path(PathBuf),
    /// A file, in a folder that goes away with it.
    Upload(PathBuf, tempfile::TempDir),
    Entry(&'static Entry),
}

async fn start(app: &AppState, name: &str, brought: Brought, options: Options) -> Result<DatasetId> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(Error::field("name", "give the data set a name of 1 to 100 characters"));
    }
    if let Some(split) = &options.split {
        let sound = |share: f64| (0.0..1.0).contains(&share);
        if !(sound(split.val) && sound(split.test) && split.val + split.test < 1.0) {
            return Err(Error::field(
                "split",
                "val and test are shares from 0 to 1 that leave something for training",
            ));
        }
    }
    let started = match brought {
        Brought::Path(path) => {
            check_path(&path)?;
            app.imports.start(name, path, options, None).await?
        }
        Brought::Upload(file, folder) => app.imports.start(name, file, options, Some(folder)).await?,
        Brought::Entry(entry) => app.imports.start_from_catalogue(name, entry, options).await?,
    };
    started.ok_or_else(|| {
        Error::field("name", format!("there is a data set “{name}” already; choose another name"))
    })
}

fn check_path(path: &std::path::Path) -> Result<()> {
    if path.as_os_str().is_empty() {
        return Err(Error::field(
            "path",
            "choose an archive or a well-known data set, or give the path of a folder or a file on the server's machine",
        ));
    }
    if !path.is_absolute() {
        return Err(Error::field("path", "give the whole path, from the root of the file system"));
    }
    if !path.exists() {
        return Err(Error::field(
            "path",
            format!("there is nothing at {} on the server's machine", path.display()),
        ));
    }
    Ok(())
}

/// A data set as the contract has it.
pub(crate) async fn dataset_json(app: &AppState, dataset: &Dataset) -> Result<Value> {
    let classes = app.store.list_class_counts(dataset.id).await?;
    let rejected = app.store.list_rejected(dataset.id, REJECTED_LISTED).await?;
    let sum = |split: Split| classes.iter().map(|class| class.of(split)).sum::<u64>();
    let progress = app.imports.status(dataset.id).map(|status| {
        json!({
            "stage": status.progress.stage.as_str(),
            "done": status.progress.done,
            "total": status.progress.total,
            "seconds_left": status.seconds_left,
        })
    });
    Ok(json!({
        "id": dataset.id,
        "name": dataset.name,
        "state": dataset.state.as_str(),
        "source": dataset.source,
        "format": dataset.format,
        "evidence": dataset.evidence,
        "readings": dataset.readings,
        "progress": progress,
        "classes": classes.iter().map(|class| json!({
            "name": class.name,
            "count": class.total(),
            "splits": {"train": class.of(Split::Train), "val": class.of(Split::Val), "test": class.of(Split::Test)},
        })).collect::<Vec<_>>(),
        "splits": {"train": sum(Split::Train), "val": sum(Split::Val), "test": sum(Split::Test)},
        "split_note": dataset.split_note,
        "rejected": rejected.iter().map(|file| json!({"path": file.path, "reason": file.reason})).collect::<Vec<_>>(),
        "rejected_count": app.store.count_rejected(dataset.id).await?,
        "fingerprint": dataset.fingerprint,
        "failure": dataset.failure,
    }))
}
