//! What goes into the last layer, computed once for each image: the last layer then learns in a moment. What was computed is kept
//! for further runs.

use crate::decisions;
use crate::directory::Samples;
use crate::environment::TORCH;
use crate::fault::Fault;
use crate::feature_cache::{FeatureCache, Key, key};
use crate::layers::{Frozen, Network};
use crate::loader::{Batch, Loader};
use crate::report::Report;
use protocol::event::{Event, Stage};
use protocol::sample::Split;
use protocol::spec::{RunSpec, Training};
use protocol::transform::Pipeline;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tch::{Kind, Tensor};

/// Images a pass. Always so many, the last ones filled up: another number could give other last bits. More at a time are slower
/// on a processor, as its caches don't hold them.
pub const BATCH: usize = 16;
/// How often the journal is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// The features of a run's images.
pub struct Features<'a> {
    spec: &'a RunSpec,
    loader: &'a Loader,
    network: Frozen<'a>,
    cache: Option<FeatureCache>,
    /// How often each training image is drawn; 0: taken as in evaluation.
    draws: u32,
    /// Of the images of a split, in their order, in one draw: `[n, features]`. Draw 0 is loaded as in evaluation.
    computed: HashMap<(Split, u32), Tensor>,
}

/// How far a computation over several passes is, for the journal.
struct Progress<'a> {
    report: &'a mut Report,
    stop: &'a AtomicBool,
    done: u64,
    total: u64,
    told: Instant,
}

impl<'a> Progress<'a> {
    /// None of `total` images are done yet.
    fn begin(report: &'a mut Report, stop: &'a AtomicBool, total: usize) -> Result<Self, Fault> {
        let mut progress = Self { report, stop, done: 0, total: total as u64, told: Instant::now() };
        progress.tell()?;
        Ok(progress)
    }

    fn add(&mut self, images: usize) -> Result<(), Fault> {
        self.done += images as u64;
        if self.done == self.total || self.told.elapsed() >= TELL_EVERY { self.tell() } else { Ok(()) }
    }

    fn tell(&mut self) -> Result<(), Fault> {
        self.told = Instant::now();
        self.report.append(Event::Progress { stage: Stage::Embed, done: self.done, total: self.total })
    }
}

impl<'a> Features<'a> {
    /// None yet. What is computed is kept in `folder`, by all that it depends on.
    pub fn new(
        spec: &'a RunSpec,
        loader: &'a Loader,
        network: &'a Network,
        dtype: Kind,
        folder: Option<&Path>,
    ) -> Self {
        let draws = match spec.training {
            Training::Head { draws } => draws,
            Training::FineTune(_) | Training::Scratch => 0,
        };
        let cache = folder.map(|folder| {
            let setting = serde_json::json!({
                "weights": network.hash_without_head(), "model": spec.model, "image_size": spec.image_size,
                "device": spec.device, "precision": spec.precision, "threads": spec.threads,
                "processor": decisions::processor_here(), "torch": TORCH, "trainer": env!("CARGO_PKG_VERSION"),
                // To be raised whenever images are loaded, or networks compute, in another way.
                "version": 1,
            });
            FeatureCache::new(folder, &setting.to_string(), network.features() as usize)
        });
        Self { spec, loader, network: network.freeze(dtype), cache, draws, computed: HashMap::new() }
    }

    /// Of the images at `places`, loaded as in evaluation, without keeping them: `[n, features]`. `None`: asked to stop.
    pub fn compute_once(
        &self,
        places: &[usize],
        report: &mut Report,
        stop: &AtomicBool,
    ) -> Result<Option<Tensor>, Fault> {
        let mut progress = Progress::begin(report, stop, places.len())?;
        self.compute(places, 0, None, &mut progress)
    }

    /// Computes what is not there yet of these splits: of training images for learning, of others for evaluating. False: asked to
    /// stop; what was computed is kept.
    pub fn prepare(
        &mut self,
        splits: &[Split],
        samples: &Samples,
        report: &mut Report,
        stop: &AtomicBool,
    ) -> Result<bool, Fault> {
        let mut work = Vec::new();
        for &split in splits.iter().filter(|&&split| !samples.of(split).is_empty()) {
            let draws = if split == Split::Train && self.draws > 0 { 1..=self.draws } else { 0..=0 };
            work.extend(draws.map(|draw| (split, draw)).filter(|of| !self.computed.contains_key(of)));
        }
        if work.is_empty() {
            return Ok(true);
        }
        let total = work.iter().map(|(split, _)| samples.of(*split).len()).sum();
        let mut progress = Progress::begin(report, stop, total)?;
        for (split, draw) in work {
            let Some(features) = self.compute(samples.of(split), draw, self.cache.as_ref(), &mut progress)?
            else {
                return Ok(false);
            };
            self.computed.insert((split, draw), features);
        }
        Ok(true)
    }

    /// Of the images of a split, loaded as in evaluation: `[n, features]`; `None` where they were not prepared.
    pub fn evaluated(&self, split: Split) -> Option<&Tensor> {
        self.computed.get(&(split, 0))
    }

    /// A batch of an epoch: the training images at `positions` among them, which are at `places` among all.
    pub fn batch(&self, epoch: u32, positions: &[usize], places: &[usize]) -> Batch {
        let rows: Vec<i64> = positions.iter().map(|&position| position as i64).collect();
        let labels: Vec<i64> =
            places.iter().map(|&place| i64::from(self.loader.samples[place].label)).collect();
        let drawn = &self.computed[&(Split::Train, self.draw(epoch))];
        Batch {
            input: drawn.index_select(0, &Tensor::from_slice(&rows)),
            labels: Tensor::from_slice(&labels),
            places: places.to_vec(),
            sampled: Vec::new(),
            mix: None,
        }
    }

    /// The images of a batch of an epoch, as the network got them.
    pub fn images(&self, epoch: u32, places: &[usize]) -> Result<Batch, Fault> {
        let draw = self.draw(epoch);
        let mut batches = self.loader.pass(places, self.pipeline(draw), draw, places.len());
        batches.next().unwrap_or_else(|| Err(Fault::new("A batch has no images.")))
    }

    /// Which draw an epoch, from 1, takes.
    fn draw(&self, epoch: u32) -> u32 {
        if self.draws == 0 { 0 } else { (epoch - 1) % self.draws + 1 }
    }

    fn pipeline(&self, draw: u32) -> &'a Pipeline {
        if draw == 0 { &self.spec.eval_transforms } else { &self.spec.train_transforms }
    }

    /// What an image in one of its draws is kept by; `None` where its file can't be read.
    fn key(&self, place: usize, draw: u32) -> Option<Key> {
        let sample = &self.loader.samples[place];
        // Of the file as it is now, not as it was imported.
        let content = blake3::hash(&std::fs::read(&sample.path).ok()?);
        let transforms = serde_json::to_vec(self.pipeline(draw)).ok()?;
        let drawn = if draw == 0 {
            String::new()
        } else {
            format!("{} {draw} {}", self.spec.seed, sample.draw_key())
        };
        Some(key(&[content.as_bytes(), &transforms, drawn.as_bytes()]))
    }

    fn compute(
        &self,
        places: &[usize],
        draw: u32,
        cache: Option<&FeatureCache>,
        progress: &mut Progress,
    ) -> Result<Option<Tensor>, Fault> {
        let mut keys = vec![None; places.len()];
        let mut rows: HashMap<usize, Vec<f32>> = HashMap::new();
        if let Some(cache) = cache {
            keys = places.iter().map(|&place| self.key(place, draw)).collect();
            let mut kept = cache.read(&keys.iter().flatten().copied().collect());
            // Of two images that are the same, the second is computed again: it costs less than a copy of all.
            rows.extend(keys.iter().enumerate().filter_map(|(at, key)| Some((at, kept.remove(&(*key)?)?))));
        }
        progress.add(rows.len())?;
        let missing: Vec<usize> = (0..places.len()).filter(|at| !rows.contains_key(at)).collect();
        let order: Vec<usize> = missing.iter().map(|&at| places[at]).collect();
        let batches = self.loader.pass(&order, self.pipeline(draw), draw, BATCH);
        for (batch, part) in batches.zip(missing.chunks(BATCH)) {
            if progress.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let computed = self.embed(&batch?.input)?;
            if let Some(cache) = cache {
                let known =
                    part.iter().zip(&computed).filter_map(|(&at, row)| Some((keys[at]?, row.as_slice())));
                // A full disk costs the next run its head start, not this one its result.
                let _ = cache.append(&known.collect::<Vec<_>>());
            }
            rows.extend(part.iter().copied().zip(computed));
            progress.add(part.len())?;
        }
        let mut all = Vec::new();
        for at in 0..places.len() {
            all.extend(rows.remove(&at).unwrap_or_default());
        }
        Ok(Some(Tensor::from_slice(&all).view([places.len() as i64, -1])))
    }

    /// One row for each image of `input`.
    fn embed(&self, input: &Tensor) -> Result<Vec<Vec<f32>>, Fault> {
        let (size, device) = (input.size(), self.network.device());
        let missing = BATCH as i64 - size[0];
        let filled = if missing > 0 {
            Tensor::cat(
                &[input, &Tensor::zeros([missing, size[1], size[2], size[3]], (Kind::Float, input.device()))],
                0,
            )
        } else {
            input.shallow_clone()
        };
        let output = self.network.embed(&filled.to_device(device)).narrow(0, 0, size[0]);
        Vec::try_from(output.to_device(tch::Device::Cpu).contiguous())
            .map_err(|error| Fault::new(format!("What the network made of images can't be read: {error}.")))
    }
}
