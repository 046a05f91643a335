//! Images of samples and classes. Their addresses name their content, so a browser keeps them.

use super::api::find_dataset;
use super::extract::{Path, Query};
use super::pages::dataset_sample::find_sample;
use super::stream_file::serve_file;
use super::{AppState, Error, Result};
use crate::domain::ids::DatasetId;
use crate::images::mean::Means;
use crate::images::thumbnail;
use crate::store::datasets::Dataset;
use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

/// The sides that thumbnails are made in; a page asks for these alone, so the cache stays small.
const SIDES: [u32; 3] = [160, 320, 1024];

/// Private: where a key is needed, a proxy must not keep an image for those who have none.
pub(super) const FOR_EVER: &str = "private, max-age=31536000, immutable";

/// `/thumbnails/{hash of the file}/{side}`.
pub(super) async fn thumbnail(
    State(app): State<AppState>,
    Path((hash, side)): Path<(String, u32)>,
) -> Result<Response> {
    let named = hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !named || !SIDES.contains(&side) {
        return Err(Error::NotFound("image"));
    }
    let bytes = match thumbnail::find(&app.data, &hash, side).await {
        Some(bytes) => bytes,
        None => {
            let path = app.store.find_path_by_hash(&hash).await?.ok_or(Error::NotFound("image"))?;
            thumbnail::make(&app.data, path, &hash, side).await?
        }
    };
    let mime = if bytes.starts_with(b"RIFF") { "image/webp" } else { "image/jpeg" };
    Ok(([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, FOR_EVER)], bytes).into_response())
}

/// `/lab/images/{hash of the image}`: what the loading lab or the form of a run has just made; it is there for as long as
/// somebody looks at it, and its page makes it again.
pub(super) async fn of_lab(State(app): State<AppState>, Path(key): Path<String>) -> Result<Response> {
    let image = app.lab.image(&key).ok_or(Error::NotFound("image: load its page again"))?;
    let headers = [(header::CONTENT_TYPE, image.mime), (header::CACHE_CONTROL, FOR_EVER)];
    Ok((headers, image.bytes.clone()).into_response())
}

/// `/datasets/{id}/samples/{sample}/original`: the file itself, as it lies on the disk.
pub(super) async fn original(
    State(app): State<AppState>,
    Path((id, sample)): Path<(i64, i64)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let sample = find_sample(&app, &dataset, sample).await?;
    let path = std::path::Path::new(dataset.root.as_deref().unwrap_or_default()).join(&sample.path);
    let missing = "file any more: it was moved or removed since the import";
    serve_file(&path, mime_of(&sample.format), (&method, &headers), missing).await
}

/// The content type of a kind of file that images come in.
fn mime_of(format: &str) -> &'static str {
    match format {
        "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "ico" => "image/x-icon",
        "tiff" => "image/tiff",
        _ => "application/octet-stream",
    }
}

#[derive(Deserialize)]
pub(super) struct MeanQuery {
    class: String,
}

/// `/datasets/{id}/means/{fingerprint}?class=…`: a class's mean image. The fingerprint names what is in the data set, so an
/// address never changes what it shows.
pub(super) async fn mean(
    State(app): State<AppState>,
    Path((id, fingerprint)): Path<(i64, String)>,
    Query(MeanQuery { class }): Query<MeanQuery>,
) -> Result<Response> {
    find_version(&app, id, &fingerprint).await?;
    let means = Means::new(&app.data, &fingerprint, &class);
    let bytes = match means.find().await {
        Some(bytes) => bytes,
        None => {
            let _turn = Means::turn().await?;
            let classes = app.store.list_class_counts(DatasetId(id)).await?;
            let label =
                classes.iter().find(|other| other.name == class).ok_or(Error::NotFound("class"))?.label;
            let samples = app.store.list_class_samples(DatasetId(id), label).await?;
            // What was listed is still what the address names.
            let root = find_version(&app, id, &fingerprint).await?.root.unwrap_or_default();
            let made = means.make(root.into(), samples).await?;
            made.ok_or(Error::NotFound("mean image: not all images of this class can be read any more"))?
        }
    };
    Ok(([(header::CONTENT_TYPE, "image/webp"), (header::CACHE_CONTROL, FOR_EVER)], bytes).into_response())
}

/// The data set, as long as it is as the fingerprint says.
async fn find_version(app: &AppState, id: i64, fingerprint: &str) -> Result<Dataset> {
    let dataset = find_dataset(app, id).await?;
    if dataset.fingerprint.as_deref() == Some(fingerprint) {
        Ok(dataset)
    } else {
        Err(Error::NotFound("mean image: the data set has changed since; load its page again"))
    }
}
