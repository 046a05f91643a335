//! `POST /datasets/{id}/edits` and the like: edits of a data set from a page, which lead back to that page.

use super::format::link;
use crate::actions::versions::{self, EditRequest};
use crate::store::datasets::Dataset;
use crate::store::versions::Version;
use crate::web::api::find_dataset;
use crate::web::api::samples::GalleryQuery;
use crate::web::extract::{Fields, Path, Query};
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

/// The edit bar's form, that of the health page, or that of the list of classes; back to where it was, with the version that it made
/// in the address. A script that asks for JSON gets that address, or what is wrong, in place of a page.
pub(crate) async fn edit(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let request = read_request(&app, &dataset, &fields).await?;
    let done = versions::edit(&app.store, &app.health, &dataset, request).await;
    let for_script =
        headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
    match done {
        Ok(version) if for_script => {
            let location = back(&app, fields.get("back"), &dataset, &version).await?;
            Ok((StatusCode::CREATED, Json(json!({"location": location}))).into_response())
        }
        Ok(version) => {
            Ok(Redirect::to(&back(&app, fields.get("back"), &dataset, &version).await?).into_response())
        }
        // The bar says so, on the page where it was asked.
        Err(crate::actions::Error::Conflict(_)) if !for_script => {
            Ok(Redirect::to(&address(fields.get("back"), &dataset, &[("unchanged", "1")], &|_| true))
                .into_response())
        }
        Err(other) => Err(other.into()),
    }
}

/// What the form asks for.
async fn read_request(app: &AppState, dataset: &Dataset, fields: &Fields) -> Result<EditRequest> {
    let note = Some(fields.get("note").to_owned()).filter(|note| !note.is_empty());
    // A button of its own for each class that has a key.
    let relabel = fields.get("relabel");
    let action = if relabel.is_empty() { fields.get("action") } else { "relabel" };
    Ok(match action {
        "relabel" => {
            let samples = read_samples(app, dataset, fields).await?;
            let class = if relabel.is_empty() { fields.get("class") } else { relabel };
            if class.is_empty() {
                return Err(Error::field("class", "choose a class, or type the name of a new one"));
            }
            EditRequest::Relabel { samples, class: class.to_owned(), note }
        }
        "exclude" => EditRequest::Exclude { samples: read_samples(app, dataset, fields).await?, note },
        "restore" => EditRequest::Restore { samples: read_samples(app, dataset, fields).await?, note },
        "rename_class" => EditRequest::RenameClass {
            class: fields.get("class").to_owned(),
            name: fields.get("name").to_owned(),
            note,
        },
        "drop_duplicates" => EditRequest::DropDuplicates { kind: fields.get("kind").to_owned() },
        "move_leaked" => EditRequest::MoveLeaked {},
        other => match other.strip_prefix("move_to_") {
            Some(split) => {
                let samples = read_samples(app, dataset, fields).await?;
                EditRequest::Move { samples, split: split.to_owned(), note }
            }
            None => return Err(Error::field("action", format!("there is no action “{other}”"))),
        },
    })
}

/// The images that were selected, one by one or all that match a gallery's filter.
async fn read_samples(app: &AppState, dataset: &Dataset, fields: &Fields) -> Result<Vec<i64>> {
    let samples: Vec<i64> = if fields.get("all").is_empty() {
        let ids = fields.all("id");
        ids.map(|text| text.parse().map_err(|_| Error::field("id", format!("“{text}” is no sample"))))
            .collect::<Result<_>>()?
    } else {
        let query = GalleryQuery::parse(fields.get("filter"))?;
        let classes = app.store.list_classes(dataset.id).await?;
        let filter = query.filter(app, dataset, &classes).await?;
        app.store.list_sample_ids(dataset.id, &filter).await?.into_iter().map(|id| id.0).collect()
    };
    if samples.is_empty() {
        return Err(Error::field("id", "nothing is selected: select images first"));
    }
    Ok(samples)
}

/// Where a single button leads back to.
#[derive(Deserialize)]
pub(crate) struct BackQuery {
    #[serde(default)]
    back: String,
}

/// `POST /datasets/{id}/versions/{number}/{verb}`: undo, redo or restore; or a note for it.
pub(crate) async fn act_on_version(
    State(app): State<AppState>,
    Path((id, number, verb)): Path<(i64, i64, String)>,
    Query(query): Query<BackQuery>,
    fields: Fields,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let list = format!("/datasets/{id}/versions");
    let to = if query.back.is_empty() { list } else { query.back };
    let request = match verb.as_str() {
        "undo" => EditRequest::Undo { version: Some(number) },
        "redo" => EditRequest::Redo { version: Some(number) },
        "restore" => EditRequest::RestoreVersion { version: number, note: None },
        "note" => {
            versions::set_note(&app.store, &dataset, number, fields.get("note")).await?;
            return Ok(Redirect::to(&address(&to, &dataset, &[], &|_| true)).into_response());
        }
        _ => return Err(Error::NotFound("page")),
    };
    let version = versions::edit(&app.store, &app.health, &dataset, request).await?;
    Ok(Redirect::to(&back(&app, &to, &dataset, &version).await?).into_response())
}

/// Where the form was, with the new version in its address.
async fn back(app: &AppState, to: &str, dataset: &Dataset, version: &Version) -> Result<String> {
    let classes = app.store.list_classes(dataset.id).await?;
    let number = version.number.to_string();
    let is_class = |name: &str| classes.iter().any(|class| class.name == name);
    Ok(address(to, dataset, &[("done", &number)], &is_class))
}

/// Only a page of this data set or of a run is gone back to, and no gallery of a class that has another name now.
fn address(to: &str, dataset: &Dataset, more: &[(&str, &str)], is_class: &dyn Fn(&str) -> bool) -> String {
    let own = format!("/datasets/{}", dataset.id);
    let to = to.split('#').next().unwrap_or_default();
    let (path, rest) = to.split_once('?').unwrap_or((to, ""));
    let is_ours = path == own || path.starts_with(&format!("{own}/")) || path.starts_with("/runs/");
    let in_gallery = path == own;
    let kept: Vec<(String, String)> = form_urlencoded::parse(rest.as_bytes())
        .into_owned()
        .filter(|(key, value)| match key.as_str() {
            "done" | "unchanged" | "after" => false,
            "class" | "not" => !in_gallery || is_class(value),
            _ => true,
        })
        .collect();
    let mut pairs: Vec<(&str, &str)> =
        kept.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    pairs.extend_from_slice(more);
    link(if is_ours { path } else { &own }, &pairs)
}
