//! The mean image of a class: made at the first request, then a file in the cache.

use crate::store::samples::Sample;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use tokio::sync::{Semaphore, SemaphorePermit};
use vision::MeanImage;

/// Of a larger class, so many images at even distances make the mean.
pub const MAX_IMAGES: usize = 2000;
/// Pixels of a side; less where the images have less.
const SIDE: i64 = 64;

/// One is made at a time, on all cores: a page of many classes leaves room for a run.
static MAKING: Semaphore = Semaphore::const_new(1);

/// The mean image of one class of one version of a data set.
pub struct Means {
    file: PathBuf,
}

impl Means {
    /// `fingerprint` names what is in the data set. Classes by name: two data sets of one fingerprint may number them otherwise.
    pub fn new(data: &Path, fingerprint: &str, class: &str) -> Means {
        let named = &blake3::hash(class.as_bytes()).to_hex()[..16];
        Means { file: data.join("thumbnails").join("means").join(format!("{fingerprint}-{named}")) }
    }

    /// Waits until it may be made; held while it is.
    ///
    /// # Errors
    /// Never: the semaphore is not closed.
    pub async fn turn() -> anyhow::Result<SemaphorePermit<'static>> {
        Ok(MAKING.acquire().await?)
    }

    /// What the cache has.
    pub async fn find(&self) -> Option<Vec<u8>> {
        super::find(&self.file).await
    }

    /// Makes and keeps it, a lossless WebP; `None` where an image can't be read.
    ///
    /// # Errors
    /// The cache can't be written.
    pub async fn make(&self, root: PathBuf, samples: Vec<Sample>) -> anyhow::Result<Option<Vec<u8>>> {
        // Another request may have made it while this one waited.
        if let Some(bytes) = self.find().await {
            return Ok(Some(bytes));
        }
        let file = self.file.clone();
        let made = tokio::task::spawn_blocking(move || {
            mean(&root, &samples).map(|bytes| super::keep(&file, bytes)).transpose()
        });
        made.await?
    }
}

/// As a lossless WebP; `None` where there is no image, or one that can't be read: a mean of the rest would be kept for ever.
fn mean(root: &Path, samples: &[Sample]) -> Option<Vec<u8>> {
    let count = samples.len().min(MAX_IMAGES);
    let chosen: Vec<&Sample> = (0..count).map(|at| &samples[at * samples.len() / count]).collect();
    let mut sides: Vec<i64> = chosen.iter().map(|sample| sample.width.min(sample.height)).collect();
    sides.sort_unstable();
    let side = u32::try_from(sides.get(count / 2)?.min(&SIDE).to_owned()).ok()?;
    let new = || Some(MeanImage::new(side));
    let add = |sum: Option<MeanImage>, sample: &&Sample| {
        let mut sum = sum?;
        let decoded = vision::decode_file(&root.join(&sample.path), &vision::Limits::default()).ok()?;
        sum.add(&decoded.image);
        Some(sum)
    };
    let sum = chosen.par_iter().fold(new, add).reduce(new, |a, b| Some(a?.with(&b?)))?;
    Some(vision::thumbnail(&sum.finish()?, side).bytes)
}
