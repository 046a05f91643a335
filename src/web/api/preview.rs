//! `POST /api/v1/datasets/{id}/preview`: what a pipeline makes of samples, exactly as a run would feed it.

use super::find_dataset;
use crate::lab::{Fed, Subject};
use crate::web::extract::Path;
use crate::web::{Error, Result, State};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Held;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use protocol::transform::Pipeline;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path as FilePath;

/// The most samples of one answer: a large batch.
const MOST: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    pipeline: Pipeline,
    samples: Vec<i64>,
    #[serde(default)]
    seed: u64,
    #[serde(default = "first_epoch")]
    epoch: u32,
    #[serde(default)]
    format: Format,
}

fn first_epoch() -> u32 {
    1
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// Shape, statistics and draws.
    #[default]
    Json,
    /// The tensor itself: `input`, f32 `[n, 3, height, width]`, laid out as a captured batch.
    Safetensors,
}

pub(in crate::web) async fn show(
    Held(state): Held<State>,
    Path(id): Path<i64>,
    body: Bytes,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    let asked: Asked = serde_json::from_slice(&body).map_err(|why| Error::field("body", why.to_string()))?;
    vision::check_steps(&asked.pipeline).map_err(|why| Error::field("pipeline", why.to_string()))?;
    if asked.samples.is_empty() || asked.samples.len() > MOST {
        return Err(Error::field("samples", format!("give 1 to {MOST} samples")));
    }
    let root = dataset.root.unwrap_or_default();
    let mut subjects = Vec::new();
    for id in &asked.samples {
        let sample = state.store.find_sample(crate::domain::ids::SampleId(*id)).await?;
        let sample = sample
            .filter(|sample| sample.dataset_id == dataset.id)
            .ok_or_else(|| Error::field("samples", format!("{id} is no sample of this data set")))?;
        subjects.push(Subject {
            id: *id,
            path: FilePath::new(&root).join(&sample.path),
            hash: sample.hash,
            seed: asked.seed,
            epoch: asked.epoch,
        });
    }
    let lab = state.lab.clone();
    let pipeline = asked.pipeline;
    let fed = tokio::task::spawn_blocking(move || lab.feed(&subjects, &pipeline)).await?;
    let fed: Vec<Fed> =
        fed.into_iter().collect::<Result<_, String>>().map_err(|why| Error::field("samples", why))?;
    match asked.format {
        Format::Json => {
            let items: Vec<Value> =
                asked.samples.iter().zip(&fed).map(|(id, fed)| item_json(*id, fed)).collect();
            Ok(Json(json!({"items": items})).into_response())
        }
        Format::Safetensors => {
            Ok(([(header::CONTENT_TYPE, "application/octet-stream")], file(&fed)?).into_response())
        }
    }
}

fn item_json(id: i64, fed: &Fed) -> Value {
    let channels: Vec<Value> = vision::channel_stats(&fed.tensor)
        .iter()
        .map(|stats| json!({"mean": stats.mean, "std": stats.std, "min": stats.min, "max": stats.max}))
        .collect();
    json!({
        "sample_id": id,
        "shape": [3, fed.tensor.height, fed.tensor.width],
        "channels": channels,
        "drawn": fed.drawn,
    })
}

/// All of them in one tensor, which needs one shape.
fn file(fed: &[Fed]) -> Result<Vec<u8>> {
    let (height, width) = (fed[0].tensor.height, fed[0].tensor.width);
    if fed.iter().any(|fed| (fed.tensor.height, fed.tensor.width) != (height, width)) {
        return Err(Error::field(
            "pipeline",
            "leaves pictures of different shapes, which make no one tensor",
        ));
    }
    let bytes: Vec<u8> =
        fed.iter().flat_map(|fed| &fed.tensor.data).flat_map(|value| value.to_le_bytes()).collect();
    let shape = vec![fed.len(), 3, height as usize, width as usize];
    let view = TensorView::new(Dtype::F32, shape, &bytes)?;
    Ok(safetensors::serialize([("input", view)], None)?)
}
