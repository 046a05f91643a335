//! Threads that decode and transform images ahead of whoever computes.
//!
//! ```text
//! worker ─┐  (place, tensor)          in order
//! worker ─┼──── channel ────▶ Batches ────────▶ loop
//!         ▲                      │
//!         └──── window: at most AHEAD batches beyond the one asked for
//! ```
//!
//! What a sample becomes depends on seed, epoch and sample alone, and batches are put together by place, so the
//! number of threads and their luck change nothing.

use crate::fault::Fault;
use crate::images::Images;
use protocol::sample::Sample;
use protocol::spec::Mixing;
use protocol::transform::{Pipeline, SampledTransform};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use tch::Tensor;

/// Batches that may be ready beyond the one in use.
const AHEAD: usize = 3;

/// Where batches come from.
pub struct Loader {
    /// The samples of the run.
    pub samples: Arc<[Sample]>,
    /// Side of the square that every pipeline ends with, pixels.
    pub image_size: u32,
    /// Keys all randomness, together with epoch and sample.
    pub seed: u64,
    /// Worker threads.
    pub threads: usize,
    /// Decoded images, shared by all passes.
    pub images: Arc<Images>,
}

/// A batch as the network gets it.
pub struct Batch {
    /// f32 `[n, 3, side, side]`, on the CPU.
    pub input: Tensor,
    /// i64 `[n]`, on the CPU.
    pub labels: Tensor,
    /// Indexes into [`Loader::samples`].
    pub places: Vec<usize>,
    /// What the random transforms sampled, for each sample.
    pub sampled: Vec<Vec<SampledTransform>>,
    /// How it was mixed with itself.
    pub mix: Option<vision::Mix>,
}

type Loaded = Result<(Vec<f32>, Vec<SampledTransform>), Fault>;

impl Loader {
    /// Begins a pass over `order` (indexes into the samples) in batches of `batch_size`; the last may be smaller.
    pub fn pass(&self, order: &[usize], pipeline: &Pipeline, epoch: u32, batch_size: usize) -> Batches {
        self.pass_repeated(order, vec![0; order.len()], pipeline, epoch, batch_size)
    }

    /// The same where samples come several times in an epoch, drawn anew each time; `repeats`: how often each came before.
    pub fn pass_repeated(
        &self,
        order: &[usize],
        repeats: Vec<u32>,
        pipeline: &Pipeline,
        epoch: u32,
        batch_size: usize,
    ) -> Batches {
        let (sender, receiver) = channel();
        let work = Arc::new(Work {
            samples: Arc::clone(&self.samples),
            images: Arc::clone(&self.images),
            order: order.to_vec(),
            repeats,
            pipeline: pipeline.clone(),
            side: self.image_size,
            seed: self.seed,
            epoch,
            next: AtomicUsize::new(0),
            window: Mutex::new(AHEAD * batch_size),
            moved: Condvar::new(),
        });
        let workers = (0..self.threads.clamp(1, order.len().max(1)))
            .map(|_| {
                let (work, sender) = (Arc::clone(&work), sender.clone());
                std::thread::spawn(move || work.run(&sender))
            })
            .collect();
        let mixing = Mixing::default();
        Batches { work, receiver, workers, early: HashMap::new(), taken: 0, batch_size, mixing }
    }
}

/// What the workers of one pass share.
struct Work {
    samples: Arc<[Sample]>,
    images: Arc<Images>,
    order: Vec<usize>,
    repeats: Vec<u32>,
    pipeline: Pipeline,
    side: u32,
    seed: u64,
    epoch: u32,
    /// The next place in `order` that nobody has taken.
    next: AtomicUsize,
    /// Places below this may be loaded now.
    window: Mutex<usize>,
    moved: Condvar,
}

impl Work {
    fn run(&self, sender: &Sender<(usize, Loaded)>) {
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            if place >= self.order.len() {
                return;
            }
            let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            drop(
                self.moved
                    .wait_while(window, |window| place >= *window)
                    .unwrap_or_else(PoisonError::into_inner),
            );
            let sample = &self.samples[self.order[place]];
            // A decoder that panics takes down its own image only, and the fault names the file.
            let loaded = catch_unwind(AssertUnwindSafe(|| self.load(sample, self.repeats[place])))
                .unwrap_or_else(|panic| {
                    Err(Fault::new(format!(
                        "Could not load the image {}: {}",
                        sample.path,
                        Fault::from_panic(&*panic)
                    )))
                });
            if sender.send((place, loaded)).is_err() {
                return; // The pass was dropped.
            }
        }
    }

    fn load(&self, sample: &Sample, repeat: u32) -> Loaded {
        let image = self.images.get(sample)?;
        let mut random = vision::RandomStream::new(self.seed, self.epoch, draw_key(sample, repeat));
        let (tensor, sampled) = vision::apply(&self.pipeline, &image, &mut random);
        if (tensor.height, tensor.width) != (self.side, self.side) {
            return Err(Fault::new(format!(
                "The transforms made {} × {} pixels of {} where {side} × {side} were expected.",
                tensor.width,
                tensor.height,
                sample.path,
                side = self.side,
            )));
        }
        Ok((tensor.data, sampled))
    }

    /// Lets the workers load places below `end`.
    fn open(&self, end: usize) {
        *self.window.lock().unwrap_or_else(PoisonError::into_inner) = end;
        self.moved.notify_all();
    }
}

/// What keys a sample's draws when it came so often before in the epoch. Keys of samples are not negative, so these are others.
fn draw_key(sample: &Sample, repeat: u32) -> i64 {
    let key = sample.draw_key();
    if repeat == 0 { key } else { !(key.wrapping_add(i64::from(repeat) << 40) & i64::MAX) }
}

/// A pass under way: an iterator over batches in order. Dropping it ends the workers.
pub struct Batches {
    work: Arc<Work>,
    receiver: Receiver<(usize, Loaded)>,
    workers: Vec<JoinHandle<()>>,
    /// Loaded, but not yet due.
    early: HashMap<usize, Loaded>,
    taken: usize,
    batch_size: usize,
    mixing: Mixing,
}

impl Batches {
    /// Mixes every batch with itself.
    pub fn mixed(mut self, mixing: Mixing) -> Batches {
        self.mixing = mixing;
        self
    }

    fn collect(&mut self, end: usize) -> Result<Batch, Fault> {
        let side = i64::from(self.work.side);
        let places = self.work.order[self.taken..end].to_vec();
        let mut input = Vec::with_capacity(places.len() * (3 * side * side) as usize);
        let mut sampled = Vec::with_capacity(places.len());
        for place in self.taken..end {
            while !self.early.contains_key(&place) {
                // Workers send something for every place that they take.
                let (place, loaded) = self
                    .receiver
                    .recv()
                    .map_err(|_gone| Fault::new("The threads that load images are gone."))?;
                self.early.insert(place, loaded);
            }
            let (data, transforms) = self.early.remove(&place).expect("the loop above ended")?;
            input.extend_from_slice(&data);
            sampled.push(transforms);
        }
        let labels: Vec<i64> =
            places.iter().map(|&place| i64::from(self.work.samples[place].label)).collect();
        let first = self.work.samples[places[0]].draw_key();
        let mix = vision::mix_batch(
            &mut input,
            self.work.side,
            self.mixing,
            self.work.seed,
            self.work.epoch,
            first,
        );
        let input = Tensor::from_slice(&input).view([places.len() as i64, 3, side, side]);
        Ok(Batch { input, labels: Tensor::from_slice(&labels), places, sampled, mix })
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = (self.taken + self.batch_size).min(self.work.order.len());
        if self.taken == end {
            return None;
        }
        let batch = self.collect(end);
        self.taken = end;
        self.work.open(end + AHEAD * self.batch_size);
        Some(batch)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.work.next.store(self.work.order.len(), Ordering::Relaxed);
        self.work.open(usize::MAX);
        for worker in self.workers.drain(..) {
            // A worker's panics were sent on as faults.
            let _ = worker.join();
        }
    }
}
