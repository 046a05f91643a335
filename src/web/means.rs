//! `/datasets/{id}/means/{fingerprint}/{label}`: a class's mean picture, made at the first request, then a file in the
//! cache. The fingerprint names what is in the data set, so an address never changes what it shows.

use super::api::find_dataset;
use super::extract::Path;
use super::images::{FOR_EVER, cached};
use super::{Error, Result, State};
use crate::store::datasets::Sample;
use axum::extract::State as Held;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use rayon::prelude::*;
use std::path::Path as FilePath;
use vision::MeanPicture;

/// Of a larger class, so many pictures at even distances make the mean.
pub(super) const MOST_PICTURES: usize = 2000;
/// Pixels of a side; less where the pictures have less.
const SIDE: i64 = 64;

pub(super) async fn show(
    Held(state): Held<State>,
    Path((id, fingerprint, label)): Path<(i64, String, i64)>,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    if dataset.fingerprint.as_deref() != Some(&*fingerprint) {
        return Err(Error::NotFound("mean picture: the data set has changed since; load its page again"));
    }
    let file = state.data.join("thumbnails").join("means").join(format!("{fingerprint}-{label}"));
    let root = dataset.root.clone().unwrap_or_default();
    let bytes = cached(file, async || {
        let samples = state.store.list_class_samples(dataset.id, label).await?;
        let mean = tokio::task::spawn_blocking(move || mean(FilePath::new(&root), &samples)).await?;
        mean.ok_or(Error::NotFound("picture of this class that can be read"))
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "image/webp"), (header::CACHE_CONTROL, FOR_EVER)], bytes).into_response())
}

/// As a lossless WebP; `None` where no picture can be read.
fn mean(root: &FilePath, samples: &[Sample]) -> Option<Vec<u8>> {
    let count = samples.len().min(MOST_PICTURES);
    let chosen: Vec<&Sample> = (0..count).map(|at| &samples[at * samples.len() / count]).collect();
    let mut sides: Vec<i64> = chosen.iter().map(|sample| sample.width.min(sample.height)).collect();
    sides.sort_unstable();
    let side = u32::try_from(sides.get(count / 2)?.min(&SIDE).to_owned()).ok()?;
    let add = |mut sum: MeanPicture, sample: &&Sample| {
        if let Ok(decoded) = vision::decode_file(&root.join(&sample.path), &vision::Limits::default()) {
            sum.add(&decoded.image);
        }
        sum
    };
    let new = || MeanPicture::new(side);
    let sum = chosen.par_iter().fold(new, add).reduce(new, |a, b| a.with(&b));
    Some(vision::thumbnail(&sum.finish()?, side).bytes)
}
