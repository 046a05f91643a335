//! The loading lab: what a way of loading makes of samples, just as a run would feed them. Works on all cores; knows
//! neither HTTP nor SQL.

use protocol::transform::{Drawn, TransformSpec};
use rayon::prelude::*;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use vision::RgbImage;

/// Bytes of decoded originals that are kept, so that a slider waits for no decoder.
const BUDGET: usize = 256 << 20;

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
#[derive(Clone, Default)]
pub struct Lab {
    originals: Arc<Mutex<Originals>>,
}

#[derive(Default)]
struct Originals {
    by_hash: HashMap<String, Arc<RgbImage>>,
    /// Oldest first.
    order: VecDeque<String>,
    bytes: usize,
}

impl Lab {
    /// Runs every subject through a pipeline, in their order; an error says why a picture could not be read.
    ///
    /// The draws are those of a run with the same seed, epoch and sample, so the tensor is equal to the bit.
    pub fn feed(&self, subjects: &[Subject], pipeline: &[TransformSpec]) -> Vec<Result<Fed, String>> {
        let feed = |subject: &Subject| {
            let original = self.original(subject)?;
            let mut draw = vision::Draw::new(subject.seed, subject.epoch, subject.id);
            let (tensor, drawn) = vision::apply(pipeline, &original, &mut draw);
            Ok(Fed { tensor, drawn })
        };
        subjects.par_iter().map(feed).collect()
    }

    /// The decoded file, from memory where it was looked at lately.
    fn original(&self, subject: &Subject) -> Result<Arc<RgbImage>, String> {
        let lock = || self.originals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = lock().by_hash.get(&subject.hash) {
            return Ok(image.clone());
        }
        let decoded = vision::decode_file(&subject.path, &vision::Limits::default())
            .map_err(|error| format!("{} can't be read any more: {error}", subject.path.display()))?;
        let image = Arc::new(decoded.image);
        lock().keep(&subject.hash, &image);
        Ok(image)
    }
}

impl Originals {
    fn keep(&mut self, hash: &str, image: &Arc<RgbImage>) {
        if self.by_hash.insert(hash.to_owned(), image.clone()).is_some() {
            return;
        }
        self.order.push_back(hash.to_owned());
        self.bytes += image.as_raw().len();
        while self.bytes > BUDGET && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.by_hash.remove(&oldest).map_or(0, |image| image.as_raw().len());
        }
    }
}
