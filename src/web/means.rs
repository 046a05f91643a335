//! `/datasets/{id}/means/{fingerprint}?class=…`: a class's mean picture, made at the first request, then a file in the
//! cache. The fingerprint names what is in the data set, so an address never changes what it shows.

use super::api::find_dataset;
use super::extract::{Path, Query};
use super::images::{FOR_EVER, cached};
use super::{Error, Result, State};
use crate::domain::ids::DatasetId;
use crate::store::datasets::{Dataset, Sample};
use axum::extract::State as Held;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use rayon::prelude::*;
use serde::Deserialize;
use std::path::Path as FilePath;
use tokio::sync::Semaphore;
use vision::MeanPicture;

/// Of a larger class, so many pictures at even distances make the mean.
pub(super) const MOST_PICTURES: usize = 2000;
/// Pixels of a side; less where the pictures have less.
const SIDE: i64 = 64;

/// One is made at a time, on all cores: a page of many classes leaves room for a run.
static MAKING: Semaphore = Semaphore::const_new(1);

#[derive(Deserialize)]
pub(super) struct Asked {
    class: String,
}

pub(super) async fn show(
    Held(state): Held<State>,
    Path((id, fingerprint)): Path<(i64, String)>,
    Query(Asked { class }): Query<Asked>,
) -> Result<Response> {
    find_version(&state, id, &fingerprint).await?;
    // Classes by name: two data sets of one fingerprint may number them otherwise.
    let named = &blake3::hash(class.as_bytes()).to_hex()[..16];
    let file = state.data.join("thumbnails").join("means").join(format!("{fingerprint}-{named}"));
    let _turn = if file.exists() { None } else { Some(MAKING.acquire().await?) };
    let bytes = cached(file, async || {
        let classes = state.store.list_class_counts(DatasetId(id)).await?;
        let label = classes.iter().find(|other| other.name == class).ok_or(Error::NotFound("class"))?.label;
        let samples = state.store.list_class_samples(DatasetId(id), label).await?;
        // What was listed is still what the address names.
        let root = find_version(&state, id, &fingerprint).await?.root.unwrap_or_default();
        let mean = tokio::task::spawn_blocking(move || mean(FilePath::new(&root), &samples)).await?;
        mean.ok_or(Error::NotFound("mean picture: not all pictures of this class can be read any more"))
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "image/webp"), (header::CACHE_CONTROL, FOR_EVER)], bytes).into_response())
}

/// The data set, as long as it is as the fingerprint says.
async fn find_version(state: &State, id: i64, fingerprint: &str) -> Result<Dataset> {
    let dataset = find_dataset(state, id).await?;
    if dataset.fingerprint.as_deref() == Some(fingerprint) {
        Ok(dataset)
    } else {
        Err(Error::NotFound("mean picture: the data set has changed since; load its page again"))
    }
}

/// As a lossless WebP; `None` where there is no picture, or one that can't be read: a mean of the rest would be kept for ever.
fn mean(root: &FilePath, samples: &[Sample]) -> Option<Vec<u8>> {
    let count = samples.len().min(MOST_PICTURES);
    let chosen: Vec<&Sample> = (0..count).map(|at| &samples[at * samples.len() / count]).collect();
    let mut sides: Vec<i64> = chosen.iter().map(|sample| sample.width.min(sample.height)).collect();
    sides.sort_unstable();
    let side = u32::try_from(sides.get(count / 2)?.min(&SIDE).to_owned()).ok()?;
    let new = || Some(MeanPicture::new(side));
    let add = |sum: Option<MeanPicture>, sample: &&Sample| {
        let mut sum = sum?;
        let decoded = vision::decode_file(&root.join(&sample.path), &vision::Limits::default()).ok()?;
        sum.add(&decoded.image);
        Some(sum)
    };
    let sum = chosen.par_iter().fold(new, add).reduce(new, |a, b| Some(a?.with(&b?)))?;
    Some(vision::thumbnail(&sum.finish()?, side).bytes)
}
