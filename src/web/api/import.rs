//! `POST /api/v1/datasets`: bringing a data set in, as JSON or as a form with files; and what helps to fill the form in.

use super::datasets::dataset_json;
use super::{find_dataset, format_from_word};
use crate::actions::datasets::{start_import, typed_path};
use crate::domain::ids::DatasetId;
use crate::domain::recipe::FieldErrors;
use crate::import::catalogue::{CATALOGUE, Entry};
use crate::import::{Limits, Options, SplitRequest, complete, home};
use crate::jobs::import::ImportSource;
use crate::jobs::upload::{Upload, UploadError};
use crate::web::extract::{Json, Multipart, Query, content_type};
use crate::web::{AppState, Error, Result};
use axum::extract::multipart::Field;
use axum::extract::{FromRequest as _, Multipart as Parts, Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

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
    path: String,
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

/// A JSON body names a path or an entry of the catalogue; a multipart body brings files.
pub(crate) async fn create(
    State(app): State<AppState>,
    request: Request,
) -> Result<(StatusCode, Json<Value>)> {
    let id = if content_type(request.headers()) == "multipart/form-data" {
        let Multipart(form) = Multipart::from_request(request, &()).await?;
        create_from_form(&app, form, &mut ImportForm::default()).await?
    } else {
        let Json(new) = Json::<NewDataset>::from_request(request, &()).await?;
        let format = format_from_word("source.format", new.source.format.as_deref().unwrap_or_default())?;
        let split =
            new.split.map(|split| SplitRequest { val: split.val, test: split.test, seed: split.seed });
        let options = Options { split, format, ..Options::default() };
        let source = match &new.source.catalogue {
            None => ImportSource::Path(typed_path(&new.source.path)?),
            Some(_) if !new.source.path.is_empty() => {
                return Err(Error::field("source", "give a path or a name of the catalogue, not both"));
            }
            Some(name) => ImportSource::Catalogue(entry_from_name("source.catalogue", name)?),
        };
        start_import(&app.store, &app.imports, &new.name, source, options).await?
    };
    let dataset = find_dataset(&app, id.0).await?;
    Ok((StatusCode::ACCEPTED, Json(dataset_json(&app, &dataset).await?)))
}

#[derive(Deserialize)]
pub(crate) struct NameQuery {
    #[serde(default)]
    name: String,
}

/// `GET /api/v1/dataset-names?name=pets`: whether it is free, and a free one like it.
pub(crate) async fn names(
    State(app): State<AppState>,
    Query(query): Query<NameQuery>,
) -> Result<Json<Value>> {
    let name = query.name.trim();
    let suggestion = app.store.free_dataset_name(name).await?;
    Ok(Json(json!({"name": name, "free": suggestion == name, "suggestion": suggestion})))
}

#[derive(Deserialize)]
pub(crate) struct PathQuery {
    #[serde(default)]
    prefix: String,
}

/// `GET /api/v1/paths?prefix=/home/me/ph`: folders and archives that begin so. Only a server that nobody but this machine reaches
/// tells what lies on its disks.
pub(crate) async fn paths(
    State(app): State<AppState>,
    Query(query): Query<PathQuery>,
) -> Result<Json<Value>> {
    if !app.is_local {
        return Err(Error::NotFound(
            "page: this server is reached from other machines, so it lists no paths",
        ));
    }
    let items = tokio::task::spawn_blocking(move || complete(&query.prefix, home().as_deref())).await?;
    Ok(Json(json!({"items": items})))
}

/// What a form's fields hold, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ImportForm {
    /// `upload`, `folder` or `known`: what counts of the three; empty: whichever is filled in.
    pub(crate) way: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) catalogue: String,
    pub(crate) format: String,
    /// The class of loose images.
    pub(crate) class: String,
    /// Percent.
    pub(crate) val: String,
    /// Percent.
    pub(crate) test: String,
    pub(crate) seed: String,
}

/// The data set of the catalogue that is asked for.
fn entry_from_name(field: &str, name: &str) -> Result<&'static Entry> {
    Entry::find(name).ok_or_else(|| {
        let names: Vec<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
        Error::field(field, format!("“{name}” is not in the catalogue; there are {}", names.join(", ")))
    })
}

/// The shares that were typed; `None` where nothing was.
fn split_from_form(form: &ImportForm) -> Result<Option<SplitRequest>> {
    if [&form.val, &form.test, &form.seed].iter().all(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    let default = SplitRequest::default();
    let mut errors = FieldErrors::new();
    let mut share = |field: &str, text: &str, default: f64| match text.trim().trim_end_matches('%').trim() {
        "" => default,
        text => match text.parse::<f64>() {
            Ok(percent) if (0.0..100.0).contains(&percent) => percent / 100.0,
            _ => {
                errors.insert(field.to_owned(), "enter a number from 0 to below 100".to_owned());
                default
            }
        },
    };
    let (val, test) = (share("val", &form.val, default.val), share("test", &form.test, default.test));
    if val + test >= 1.0 {
        errors
            .insert("test".to_owned(), "validation and test together leave nothing for training".to_owned());
    }
    let seed = match form.seed.trim() {
        "" => default.seed,
        text => text.parse().unwrap_or_else(|_| {
            errors.insert("seed".to_owned(), "enter a whole number from 0 up".to_owned());
            default.seed
        }),
    };
    if errors.is_empty() { Ok(Some(SplitRequest { val, test, seed })) } else { Err(Error::Invalid(errors)) }
}

/// Reads a form and starts an import. What was typed is left in `typed`, also where something is wrong with it.
pub(crate) async fn create_from_form(
    app: &AppState,
    mut form: Parts,
    typed: &mut ImportForm,
) -> Result<DatasetId> {
    let mut upload = Upload::begin(&app.imports.uploads(), Limits::default()).await?;
    while let Some(field) = form.next_field().await.map_err(|why| Error::field("file", why.body_text()))? {
        let place = match field.name().unwrap_or("form") {
            "way" => &mut typed.way,
            "name" => &mut typed.name,
            "path" => &mut typed.path,
            "catalogue" => &mut typed.catalogue,
            "format" => &mut typed.format,
            "class" => &mut typed.class,
            "val" => &mut typed.val,
            "test" => &mut typed.test,
            "seed" => &mut typed.seed,
            "file" => {
                receive(&mut upload, field).await?;
                continue;
            }
            other => return Err(Error::field(other, "there is no such field")),
        };
        *place = field.text().await.map_err(|why| Error::field("form", why.body_text()))?;
    }
    let counts = |way: &str| typed.way.is_empty() || typed.way == way;
    let has_upload = counts("upload") && !upload.is_empty();
    if typed.way == "upload" && !has_upload {
        return Err(Error::field("file", "choose an archive, images or a folder first"));
    }
    let is_known = !has_upload && counts("known") && !typed.catalogue.is_empty();
    if typed.way == "known" && !is_known {
        return Err(Error::field("catalogue", "choose a data set"));
    }
    let path = if has_upload || is_known { None } else { Some(typed_path(&typed.path)?) };
    if typed.name.trim().is_empty() {
        // Called after what it comes from, without the endings of an archive.
        typed.name = match &path {
            _ if has_upload => upload.name(),
            _ if is_known => typed.catalogue.clone(),
            Some(path) => {
                let last = path.file_name().unwrap_or_default().to_string_lossy();
                last.split('.').next().unwrap_or_default().to_owned()
            }
            None => String::new(),
        };
    }
    let split = split_from_form(typed)?;
    let options = Options { split, format: format_from_word("format", &typed.format)?, ..Options::default() };
    let source = match path {
        Some(path) => ImportSource::Path(path),
        None if is_known => ImportSource::Catalogue(entry_from_name("catalogue", &typed.catalogue)?),
        None => {
            let class = typed.class.trim().to_owned();
            let received = upload.finish();
            let received = received.ok_or_else(|| Error::field("file", "nothing came"))?;
            ImportSource::Upload { received, class }
        }
    };
    Ok(start_import(&app.store, &app.imports, &typed.name, source, options).await?)
}

/// Writes a file to disk as it comes.
pub(super) async fn receive(upload: &mut Upload, mut field: Field<'_>) -> Result<()> {
    let name = field.file_name().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Ok(()); // a field for files in which none was chosen
    }
    let mut incoming = upload.open(&sent_name(&name)).await.map_err(|why| refused(&why))?;
    while let Some(chunk) = field.chunk().await.map_err(|why| Error::field("file", why.body_text()))? {
        if let Some(incoming) = &mut incoming {
            upload.write(incoming, &chunk).await.map_err(|why| refused(&why))?;
        }
    }
    match incoming {
        Some(incoming) => upload.close(incoming).await.map_err(|why| refused(&why)),
        None => Ok(()),
    }
}

fn refused(why: &UploadError) -> Error {
    Error::field("file", why.to_string())
}

/// A file's name as it is: forms write its quotes and line breaks, and nothing else, as `%XX`.
fn sent_name(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_typed_in_percent_and_what_is_wrong_is_said_at_its_field() {
        let read = |val: &str, test: &str, seed: &str| {
            let [val, test, seed] = [val, test, seed].map(str::to_owned);
            split_from_form(&ImportForm { val, test, seed, ..ImportForm::default() })
        };
        assert!(matches!(read("", " ", ""), Ok(None)), "as the folders say");
        assert_eq!(read("12.5 %", "", "").unwrap(), Some(SplitRequest { val: 0.125, test: 0.0, seed: 0 }));
        assert_eq!(read("", "10", "7").unwrap(), Some(SplitRequest { val: 0.2, test: 0.1, seed: 7 }));
        for (val, test, seed, field) in
            [("x", "", "", "val"), ("60", "40", "", "test"), ("", "-1", "", "test"), ("", "", "1.5", "seed")]
        {
            let Err(Error::Invalid(errors)) = read(val, test, seed) else { panic!("{val} {test} {seed}") };
            assert_eq!(errors.keys().collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn names_come_as_they_were() {
        assert_eq!(sent_name("cat/a%22b%0A.jpg"), "cat/a\"b\n.jpg");
        assert_eq!(sent_name("100%.jpg"), "100%.jpg");
    }
}
