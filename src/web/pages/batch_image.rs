//! `/runs/{id}/batches/{step}/{item}`: one sample of a captured batch as a PNG, a pixel a tensor element.

use crate::runs::batch_file::read_item;
use crate::store::runs::Run;
use crate::web::api::find_run;
use crate::web::extract::{Path, Query};
use crate::web::images::FOR_EVER;
use crate::web::{AppState, Error, Result};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use protocol::event::Batch;
use protocol::transform::TransformSpec;
use serde::Deserialize;

/// What of a tensor is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum View {
    /// All channels, the normalisation undone.
    #[default]
    Image,
    /// One channel as grey, from its least to its greatest value.
    Red,
    /// As above.
    Green,
    /// As above.
    Blue,
}

impl View {
    pub(crate) const ALL: [View; 4] = [View::Image, View::Red, View::Green, View::Blue];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            View::Image => "image",
            View::Red => "red",
            View::Green => "green",
            View::Blue => "blue",
        }
    }

    /// The channel that is shown alone.
    pub(crate) fn channel(self) -> Option<usize> {
        match self {
            View::Image => None,
            View::Red => Some(0),
            View::Green => Some(1),
            View::Blue => Some(2),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchImageQuery {
    #[serde(default)]
    view: View,
    /// What the page took the batch to be.
    #[serde(default)]
    of: String,
}

/// A name for what is in a batch, and for how it is shown. Numbers of runs begin at 1 again in another data directory, so they
/// are none.
pub(super) fn content_name(run: &Run, batch: &Batch) -> String {
    let described = serde_json::to_vec(&(run.created_at_ms, &run.spec, batch)).unwrap_or_default();
    blake3::hash(&described).to_hex()[..16].to_owned()
}

/// Kept for ever by a browser where the address names the content; else asked for again, and sent again where it is another.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, step, item)): Path<(i64, i64, usize)>,
    Query(query): Query<BatchImageQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let batch = app.store.find_batch(run.id, step).await?.ok_or(Error::NotFound("captured batch"))?;
    if item >= batch.items.len() {
        return Err(Error::NotFound("image in this batch"));
    }
    let content = content_name(&run, &batch);
    let cached = if query.of == content { FOR_EVER } else { "no-cache" };
    let tag = format!("\"{content}-{item}-{}\"", query.view.as_str());
    let kept = [(header::CACHE_CONTROL, cached.to_owned()), (header::ETAG, tag.clone())];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let file = app.runs.directory(run.id).file(&batch.path).ok_or(Error::NotFound("captured batch"))?;
    let normalize = run.spec.train_transforms.iter().find_map(|step| match step {
        TransformSpec::Normalize { mean, std } => Some((*mean, *std)),
        _ => None,
    });
    let png = tokio::task::spawn_blocking(move || -> anyhow::Result<Vec<u8>> {
        let tensor = read_item(&file, item)?;
        let image = match query.view.channel() {
            None => vision::image_from_tensor(&tensor.data, tensor.height, tensor.width, normalize),
            Some(channel) => vision::channel_image(&tensor, channel),
        };
        Ok(vision::png(&image))
    })
    .await??;
    Ok(([(header::CONTENT_TYPE, "image/png")], kept, png).into_response())
}
