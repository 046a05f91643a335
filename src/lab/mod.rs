//! The loading lab: what a way of loading makes of samples, just as a run would feed them. Works on all cores; knows
//! neither HTTP nor SQL.

mod recent;
mod tile;

pub use tile::{Tile, picture, small};

use protocol::transform::{Drawn, TransformSpec};
use rayon::prelude::*;
use recent::Recent;
use std::path::PathBuf;
use std::sync::Arc;
use vision::RgbImage;

/// Bytes of decoded originals that are kept, so that a slider waits for no decoder.
const ORIGINALS_BYTES: usize = 256 << 20;
/// Bytes of tiles that are kept: some thousands.
const TILES_BYTES: usize = 32 << 20;

/// A sample, and what keys its draws.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its number: part of the key.
    pub id: i64,
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
pub struct Fed {
    /// The input.
    pub tensor: vision::Tensor,
    /// What the random steps drew.
    pub drawn: Vec<Drawn>,
}

/// The room's handle.
#[derive(Clone)]
pub struct Lab {
    /// By the hash of their files.
    originals: Arc<Recent<RgbImage>>,
    /// By all that they are made of: whoever moves a slider of one pipeline waits for that one alone.
    tiles: Arc<Recent<Tile>>,
}

impl Default for Lab {
    fn default() -> Lab {
        Lab { originals: Arc::new(Recent::new(ORIGINALS_BYTES)), tiles: Arc::new(Recent::new(TILES_BYTES)) }
    }
}

impl Lab {
    /// Runs every subject through a pipeline, in their order; an error says why a picture could not be read.
    ///
    /// The draws are those of a run with the same seed, epoch and sample, so the tensor is equal to the bit.
    pub fn feed(&self, subjects: &[Subject], pipeline: &[TransformSpec]) -> Vec<Result<Fed, String>> {
        subjects.par_iter().map(|subject| self.feed_one(subject, pipeline)).collect()
    }

    /// As [`Lab::feed`], as small pictures: of all channels, or of one.
    pub fn tiles(
        &self,
        subjects: &[Subject],
        pipeline: &[TransformSpec],
        channel: Option<usize>,
    ) -> Vec<Result<Arc<Tile>, String>> {
        let steps = serde_json::to_string(pipeline).unwrap_or_default();
        let of_one = |subject: &Subject| {
            let Subject { id, hash, seed, epoch, .. } = subject;
            let key = format!("{hash} {id} {seed} {epoch} {channel:?} {steps}");
            self.tiles.get_or_make(
                &key,
                |tile| tile.bytes.len() + key.len(),
                || Ok(tile::tile(self.feed_one(subject, pipeline)?, pipeline, channel)),
            )
        };
        subjects.par_iter().map(of_one).collect()
    }

    fn feed_one(&self, subject: &Subject, pipeline: &[TransformSpec]) -> Result<Fed, String> {
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
        let mut draw = vision::Draw::new(subject.seed, subject.epoch, subject.id);
        let (tensor, drawn) = vision::apply(pipeline, &original, &mut draw);
        Ok(Fed { tensor, drawn })
    }
}
