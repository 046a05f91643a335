//! The loading lab: what a way of loading makes of samples, just as a run would feed them. Works on all cores; knows
//! neither HTTP nor SQL.

mod byte_cache;
mod first_batch;
mod tile;

pub use first_batch::{FirstBatch, Mixed};
pub use tile::{EXACT_SIDE, Encoded, Tile, image};

use byte_cache::ByteCache;
use protocol::transform::{SampledTransform, TransformSpec};
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use vision::RgbImage;

/// Bytes of decoded originals that are kept, so that a slider waits for no decoder.
const ORIGINALS_BYTES: usize = 256 << 20;
/// Bytes of tiles that are kept: some thousands.
const TILES_BYTES: usize = 32 << 20;
/// Bytes of images that pages may still ask for by name.
const IMAGES_BYTES: usize = 64 << 20;
/// Bytes of orders that are kept: those of a few large data sets.
const ORDERS_BYTES: usize = 32 << 20;

/// A sample, and what keys its draws.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What names it in the key: that of a run's `samples.jsonl`.
    pub key: i64,
    /// Its file, absolute.
    pub path: PathBuf,
    /// Names the file's content.
    pub hash: String,
    /// Of the run.
    pub seed: u64,
    /// From 1.
    pub epoch: u32,
}

/// What a network would be given.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkInput {
    /// The input.
    pub tensor: vision::Tensor,
    /// What the random transforms sampled.
    pub sampled: Vec<SampledTransform>,
}

/// The room's handle.
#[derive(Clone)]
pub struct Lab {
    /// By the hash of their files.
    originals: Arc<ByteCache<RgbImage>>,
    /// By all that they are made of: whoever moves a slider of one pipeline waits for that one alone.
    tiles: Arc<ByteCache<Tile>>,
    /// By their content, for the pages that name them.
    images: Arc<ByteCache<Encoded>>,
    /// Samples in the order of a first epoch, by what that depends on.
    orders: Arc<ByteCache<Vec<i64>>>,
}

impl Default for Lab {
    fn default() -> Lab {
        Lab {
            originals: Arc::new(ByteCache::new(ORIGINALS_BYTES)),
            tiles: Arc::new(ByteCache::new(TILES_BYTES)),
            images: Arc::new(ByteCache::new(IMAGES_BYTES)),
            orders: Arc::new(ByteCache::new(ORDERS_BYTES)),
        }
    }
}

impl Lab {
    /// Runs every subject through a pipeline, in their order; an error says why an image could not be read.
    ///
    /// The draws are those of a run with the same seed, epoch and sample, so the tensor is equal to the bit.
    pub fn preprocess(
        &self,
        subjects: &[Subject],
        pipeline: &[TransformSpec],
    ) -> Vec<Result<NetworkInput, String>> {
        subjects.par_iter().map(|subject| self.preprocess_one(subject, pipeline)).collect()
    }

    /// As [`Lab::preprocess`], as small images: of all channels, or of one.
    pub fn tiles(
        &self,
        subjects: &[Subject],
        pipeline: &[TransformSpec],
        channel: Option<usize>,
    ) -> Vec<Result<Arc<Tile>, String>> {
        let steps = serde_json::to_string(pipeline).unwrap_or_default();
        let of_one = |subject: &Subject| {
            let Subject { key, hash, seed, epoch, .. } = subject;
            let key = format!("{hash} {key} {seed} {epoch} {channel:?} {steps}");
            let tile = self.tiles.get_or_make(
                &key,
                |tile| tile.image.bytes.len() + key.len(),
                || Ok(tile::tile(self.preprocess_one(subject, pipeline)?, pipeline, channel)),
            );
            tile.inspect(|tile| self.keep_image(tile))
        };
        subjects.par_iter().map(of_one).collect()
    }

    /// The image of this name, for as long as it is looked at.
    pub fn image(&self, key: &str) -> Option<Arc<Encoded>> {
        self.images.get(key)
    }

    /// Keeps an image to the level, a pixel a tensor element, and gives its name.
    pub fn publish_exact(&self, image: &RgbImage) -> String {
        self.publish(tile::exact(image))
    }

    /// Keeps an image that is shown small, and gives its name.
    pub fn publish_small(&self, image: &RgbImage) -> String {
        self.publish(tile::small(image))
    }

    fn publish(&self, image: Encoded) -> String {
        let (key, bytes) = (tile::key_of(&image), image.bytes.len());
        self.images.insert(&key, &Arc::new(image), bytes);
        key
    }

    fn keep_image(&self, tile: &Tile) {
        self.images.insert(&tile.key, &tile.image, tile.image.bytes.len());
    }

    /// An order that was kept.
    pub fn order(&self, key: &str) -> Option<Arc<Vec<i64>>> {
        self.orders.get(key)
    }

    /// Keeps the order in which a first epoch visits its samples.
    pub fn keep_order(&self, key: &str, order: Vec<i64>) -> Arc<Vec<i64>> {
        let order = Arc::new(order);
        self.orders.insert(key, &order, order.len() * size_of::<i64>());
        order
    }

    fn preprocess_one(&self, subject: &Subject, pipeline: &[TransformSpec]) -> Result<NetworkInput, String> {
        // From memory where it was looked at lately.
        let original = self.originals.get_or_make(
            &subject.hash,
            |image| image.as_raw().len(),
            || {
                vision::decode_file(&subject.path, &vision::Limits::default())
                    .map(|decoded| decoded.image)
                    .map_err(|error| format!("{} can't be read any more: {error}", subject.path.display()))
            },
        )?;
        let mut random = vision::RandomStream::new(subject.seed, subject.epoch, subject.key);
        let (tensor, sampled) = vision::apply(pipeline, &original, &mut random);
        Ok(NetworkInput { tensor, sampled })
    }
}
