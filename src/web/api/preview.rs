//! `POST /api/v1/datasets/{id}/preview`: what a pipeline makes of samples, exactly as a run would feed it.

use super::find_dataset;
use crate::domain::ids::SampleId;
use crate::lab::{NetworkInput, Subject};
use crate::web::extract::{Json, Path};
use crate::web::{AppState, Error, Result};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use protocol::spec::SampleKeys;
use protocol::transform::Pipeline;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path as FilePath;

/// The most samples of one answer: a large batch.
const MOST: usize = 256;
/// Samples whose tensors are held together while they are described.
const MAX_CONCURRENT: usize = 8;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewRequest {
    pipeline: Pipeline,
    samples: Vec<i64>,
    #[serde(default)]
    seed: u64,
    #[serde(default = "first_epoch")]
    epoch: u32,
    /// As the run's spec has it; one of an earlier version keys its draws by number.
    #[serde(default = "by_path")]
    sample_keys: SampleKeys,
    #[serde(default)]
    format: Format,
}

fn by_path() -> SampleKeys {
    SampleKeys::Path
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

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Json(query): Json<PreviewRequest>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    vision::check_transforms(&query.pipeline).map_err(|why| Error::field("pipeline", why.to_string()))?;
    if query.samples.is_empty() || query.samples.len() > MOST {
        return Err(Error::field("samples", format!("give 1 to {MOST} samples")));
    }
    let root = dataset.root.unwrap_or_default();
    if query.epoch == 0 {
        return Err(Error::field("epoch", "epochs count from 1"));
    }
    let ids: Vec<SampleId> = query.samples.iter().copied().map(SampleId).collect();
    let samples = app.store.find_samples(&ids).await?;
    if samples.len() < ids.len() || samples.iter().any(|sample| sample.dataset_id != dataset.id) {
        return Err(Error::field("samples", "not all of them are samples of this data set"));
    }
    let subjects: Vec<Subject> = samples
        .into_iter()
        .map(|sample| Subject {
            key: sample.draw_key(query.sample_keys),
            path: FilePath::new(&root).join(&sample.path),
            hash: sample.hash,
            seed: query.seed,
            epoch: query.epoch,
        })
        .collect();
    let (lab, pipeline) = (app.lab.clone(), query.pipeline);
    match query.format {
        Format::Json => {
            let items = tokio::task::spawn_blocking(move || {
                // A few at a time: whole tensors are held no longer than it takes to describe them.
                let inputs =
                    subjects.chunks(MAX_CONCURRENT).flat_map(|chunk| lab.preprocess(chunk, &pipeline));
                let items = ids.iter().zip(inputs).map(|(id, input)| Ok(item_json(*id, &input?)));
                items.collect::<Result<Vec<Value>, String>>()
            });
            let items = items.await?.map_err(|why| Error::field("samples", why))?;
            Ok(Json(json!({"items": items})).into_response())
        }
        Format::Safetensors => {
            vision::check(&pipeline).map_err(|why| Error::field("pipeline", why.to_string()))?;
            let inputs = tokio::task::spawn_blocking(move || lab.preprocess(&subjects, &pipeline)).await?;
            let inputs: Vec<NetworkInput> = inputs
                .into_iter()
                .collect::<Result<_, String>>()
                .map_err(|why| Error::field("samples", why))?;
            Ok(([(header::CONTENT_TYPE, "application/octet-stream")], file(&inputs)?).into_response())
        }
    }
}

fn item_json(id: SampleId, inputs: &NetworkInput) -> Value {
    let channels: Vec<Value> = vision::channel_stats(&inputs.tensor)
        .iter()
        .map(|stats| json!({"mean": stats.mean, "std": stats.std, "min": stats.min, "max": stats.max}))
        .collect();
    json!({
        "sample_id": id,
        "shape": [3, inputs.tensor.height, inputs.tensor.width],
        "channels": channels,
        "sampled": inputs.sampled,
        // The name of earlier versions.
        "drawn": inputs.sampled,
    })
}

/// All of them in one tensor; the pipeline was checked to end at one shape.
fn file(inputs: &[NetworkInput]) -> Result<Vec<u8>> {
    let (height, width) = (inputs[0].tensor.height, inputs[0].tensor.width);
    let bytes: Vec<u8> =
        inputs.iter().flat_map(|inputs| &inputs.tensor.data).flat_map(|value| value.to_le_bytes()).collect();
    let shape = vec![inputs.len(), 3, height as usize, width as usize];
    let view = TensorView::new(Dtype::F32, shape, &bytes)?;
    Ok(safetensors::serialize([("input", view)], None)?)
}
