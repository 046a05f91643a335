//! `POST /api/v1/datasets/{id}/preview`: what a pipeline makes of samples, exactly as a run would feed it.

use super::find_dataset;
use crate::domain::ids::SampleId;
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
/// Samples whose tensors are held together while they are described.
const AT_ONCE: usize = 8;

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
    if asked.epoch == 0 {
        return Err(Error::field("epoch", "epochs count from 1"));
    }
    let ids: Vec<SampleId> = asked.samples.iter().copied().map(SampleId).collect();
    let samples = state.store.find_samples(&ids).await?;
    if samples.len() < ids.len() || samples.iter().any(|sample| sample.dataset_id != dataset.id) {
        return Err(Error::field("samples", "not all of them are samples of this data set"));
    }
    let subjects: Vec<Subject> = samples
        .into_iter()
        .map(|sample| Subject {
            id: sample.id.0,
            path: FilePath::new(&root).join(&sample.path),
            hash: sample.hash,
            seed: asked.seed,
            epoch: asked.epoch,
        })
        .collect();
    let (lab, pipeline) = (state.lab.clone(), asked.pipeline);
    match asked.format {
        Format::Json => {
            let items = tokio::task::spawn_blocking(move || {
                // A few at a time: whole tensors are held no longer than it takes to describe them.
                let few = subjects.chunks(AT_ONCE).flat_map(|few| {
                    let fed = lab.feed(few, &pipeline);
                    few.iter()
                        .zip(fed)
                        .map(|(subject, fed)| Ok(item_json(subject.id, &fed?)))
                        .collect::<Vec<_>>()
                });
                few.collect::<Result<Vec<Value>, String>>()
            });
            let items = items.await?.map_err(|why| Error::field("samples", why))?;
            Ok(Json(json!({"items": items})).into_response())
        }
        Format::Safetensors => {
            vision::check(&pipeline).map_err(|why| Error::field("pipeline", why.to_string()))?;
            let fed = tokio::task::spawn_blocking(move || lab.feed(&subjects, &pipeline)).await?;
            let fed: Vec<Fed> =
                fed.into_iter().collect::<Result<_, String>>().map_err(|why| Error::field("samples", why))?;
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

/// All of them in one tensor; the pipeline was checked to end at one shape.
fn file(fed: &[Fed]) -> Result<Vec<u8>> {
    let (height, width) = (fed[0].tensor.height, fed[0].tensor.width);
    let bytes: Vec<u8> =
        fed.iter().flat_map(|fed| &fed.tensor.data).flat_map(|value| value.to_le_bytes()).collect();
    let shape = vec![fed.len(), 3, height as usize, width as usize];
    let view = TensorView::new(Dtype::F32, shape, &bytes)?;
    Ok(safetensors::serialize([("input", view)], None)?)
}
