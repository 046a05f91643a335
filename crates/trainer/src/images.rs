//! Decoded images, kept in memory as far as a budget goes, so that later epochs need not decode again.

use crate::fault::Fault;
use protocol::sample::Sample;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use vision::{Limits, RgbImage};

/// Bytes of pixels that are kept: 2,300 photos of 445 × 334, or the whole of CIFAR-10 six times over.
const BUDGET: usize = 1 << 30;

/// A store of upright RGB images by sample.
///
/// Nothing is ever thrown out: an epoch visits every sample once in a new order, so the image used longest ago
/// is as likely to be needed next as any other.
#[derive(Default)]
pub struct Images {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_id: HashMap<i64, Arc<RgbImage>>,
    bytes: usize,
}

impl Images {
    /// The image of `sample`, decoded now or before; the error names the file.
    pub fn get(&self, sample: &Sample) -> Result<Arc<RgbImage>, Fault> {
        // A loader that panicked can't have left a half-made entry, so a poisoned lock is as good as any.
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = lock().by_id.get(&sample.id) {
            return Ok(Arc::clone(image));
        }
        let decoded = vision::decode_file(Path::new(&sample.path), &Limits::default()).map_err(|error| {
            Fault::new(format!("Could not read the image {}: {error}.", sample.path))
                .advice("If the file was moved, changed or deleted since the import, put it back or import again; then resume.")
        })?;
        let image = Arc::new(decoded.image);
        let bytes = image.as_raw().len();
        let mut kept = lock();
        if kept.bytes + bytes <= BUDGET {
            kept.bytes += bytes;
            kept.by_id.insert(sample.id, Arc::clone(&image));
        }
        Ok(image)
    }
}
