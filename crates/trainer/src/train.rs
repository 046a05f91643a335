//! The training loop. It must not know how images are loaded, how layers compute, or where events go.

use crate::capture;
use crate::checkpoint::{self, Best, Progress};
use crate::dials::{self, Activations, Depth, Meter, Phase};
use crate::directory::{Directory, Samples};
use crate::evaluate::{Evaluation, Evaluator};
use crate::fault::Fault;
use crate::features::Features;
use crate::gradients;
use crate::layers::{Mode, Network};
use crate::loader::{Batch, Loader};
use crate::optimizer::Optimizer;
use crate::rates::Rates;
use crate::report::Report;
use protocol::event::{ClassDial, Dials, Event, Stage, Values, finite};
use protocol::files::PREDICTIONS;
use protocol::sample::Split;
use protocol::schedule;
use protocol::spec::{RunSpec, Training};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tch::{Device, Kind, Tensor};

/// How often an evaluation that takes long says how far it is.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// How the work ended, where it did not fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All of it was done.
    Completed,
    /// It was asked to stop.
    Stopped,
}

/// Everything that a run works with.
pub struct Trainer<'a> {
    /// What to do.
    pub spec: &'a RunSpec,
    /// Where to.
    pub directory: &'a Directory,
    /// The journal.
    pub report: &'a mut Report,
    /// Which images.
    pub samples: &'a Samples,
    /// Where batches come from.
    pub loader: &'a Loader,
    /// What goes into the last layer, where that learns alone.
    pub features: Option<Features<'a>>,
    /// What is trained.
    pub network: &'a Network,
    /// How.
    pub optimizer: &'a mut Optimizer,
    /// The number format of convolutions.
    pub dtype: Kind,
    /// Where the time goes.
    pub meter: Meter,
    /// How far the run has come.
    pub progress: Progress,
    /// Set when the run is asked to stop.
    pub stop: &'a AtomicBool,
}

impl Trainer<'_> {
    /// Trains what is left of the epochs, evaluating the validation split after each, then evaluates the test split.
    pub fn train(&mut self) -> Result<End, Fault> {
        let training = self.samples.of(Split::Train);
        if self.prepare_features(&[Split::Train, Split::Val])? == End::Stopped {
            return self.stopped();
        }
        let batch_size = self.spec.batch_size as usize;
        while self.progress.epochs < self.spec.epochs {
            let epoch = self.progress.epochs + 1;
            let rates = Rates::of(self.network, self.spec.training, epoch, self.steps_per_epoch());
            let order = vision::shuffled(training.len(), self.spec.seed, epoch);
            // A resumed epoch goes on where its checkpoint was taken.
            let taken = (self.progress.step - self.steps_per_epoch() * u64::from(epoch - 1)) as usize;
            let rest = &order[(taken * batch_size).min(order.len())..];
            let places: Vec<usize> = rest.iter().map(|&position| training[position]).collect();
            let mut images = self.features.is_none().then(|| {
                let pass = self.loader.pass(&places, &self.spec.train_transforms, epoch, batch_size);
                pass.mixed(self.spec.mixing)
            });
            let mut clock = Instant::now();
            self.meter.restart();
            for (positions, places) in rest.chunks(batch_size).zip(places.chunks(batch_size)) {
                if self.stop.load(Ordering::Relaxed) {
                    return self.stopped();
                }
                let batch = match (&mut images, &self.features) {
                    (None, Some(features)) => features.batch(epoch, positions, places),
                    (images, _) => match images.as_mut().and_then(Iterator::next) {
                        Some(batch) => batch?,
                        None => break,
                    },
                };
                self.meter.begin_step(dials::depth_at(self.progress.step, self.total_steps()).is_some());
                self.meter.lap(Phase::Data);
                self.step(&batch, epoch, &rates, &mut clock)?;
            }
            if self.end_epoch(epoch)? == End::Stopped {
                return self.stopped();
            }
        }
        if self.evaluate_test()? == End::Stopped {
            // The last epoch's checkpoint holds all there is; the network now holds the best epoch's weights.
            self.report.append(Event::Stopped { step: self.progress.step })?;
            return Ok(End::Stopped);
        }
        let best_epoch = self.progress.best.map_or(0, |best| best.epoch);
        self.report.append(Event::Completed { step: self.progress.step, best_epoch })?;
        Ok(End::Completed)
    }

    /// One optimiser step.
    fn step(&mut self, batch: &Batch, epoch: u32, rates: &Rates, clock: &mut Instant) -> Result<(), Fault> {
        let (step, size) = (self.progress.step, batch.places.len());
        if capture::is_due(step, self.spec.capture_every_steps) {
            let images = match &self.features {
                None => None,
                Some(features) => Some(features.images(epoch, &batch.places)?),
            };
            let images = images.as_ref().unwrap_or(batch);
            let captured = capture::capture(self.directory, self.loader, images, step, epoch)?;
            self.report.append(Event::Batch(captured))?;
        }
        let learning_rate = self.learning_rate(step);
        let device = self.network.device();
        let (input, labels) = (batch.input.to_device(device), batch.labels.to_device(device));

        let keep_statistics = match self.spec.training {
            Training::FineTune(how) => how.keep_norm_statistics || matches!(rates, Rates::Head(_)),
            Training::Scratch | Training::Head { .. } => false,
        };
        let mode = Mode::Train { seed: self.spec.seed, step, keep_statistics };
        let depth = dials::depth_at(step, self.total_steps());
        let activations = (depth == Some(Depth::Detailed)).then(|| Activations::of(self.network));
        let forward = || match &activations {
            Some(tap) => self.network.forward_with(tap, &input, self.dtype, mode),
            None => self.network.forward(&input, self.dtype, mode),
        };
        self.meter.lap(Phase::Other);
        let logits = match (&self.features, rates) {
            (Some(_), _) => self.network.classify(&input),
            (None, Rates::Head(_)) => self.network.classify(&tch::no_grad(|| forward().embedding)),
            (None, _) => forward().logits,
        };
        // Of a mixed sample both labels count by their share; the one with the larger share is the correct one.
        let (loss, labels) = match batch.mix {
            None => (logits.cross_entropy_for_logits(&labels), labels),
            Some(mix) => {
                let partners = labels.roll([1], [0]);
                let own = logits.cross_entropy_for_logits(&labels);
                let other = logits.cross_entropy_for_logits(&partners);
                let loss = own * mix.lambda + other * (1.0 - mix.lambda);
                (loss, if mix.lambda >= 0.5 { labels } else { partners })
            }
        };
        self.meter.lap(Phase::Forward);
        let gradient = self.network.gradient(&loss);

        // The one place in a step that waits for the device.
        let correct = tch::no_grad(|| logits.argmax(1, false).eq_tensor(&labels).sum(Kind::Double));
        let read = Tensor::stack(&[loss.detach().to_kind(Kind::Double), correct], 0).to_device(Device::Cpu);
        let (loss, correct) = (read.double_value(&[0]), read.double_value(&[1]));
        self.meter.lap(Phase::Backward);

        let values = Values::from([
            ("train/loss".to_owned(), finite(loss)),
            ("train/accuracy".to_owned(), finite(correct / size as f64)),
            ("learning_rate".to_owned(), finite(learning_rate)),
            ("images_per_second".to_owned(), finite(size as f64 / clock.elapsed().as_secs_f64())),
        ]);
        *clock = Instant::now();
        self.report.append(Event::Step { step, epoch, values })?;
        let before = depth.map(|_| dials::before(self.network, &gradient, step, activations.as_ref()));
        if !loss.is_finite() {
            let bad_output = || match self.features {
                Some(_) => Some(self.network.head().to_owned()),
                None => gradients::first_bad_layer(self.network, &input, self.dtype, mode),
            };
            if let Some(before) = before {
                self.report.append(Event::Dials(before.only()))?;
            }
            let id = |row: usize| self.loader.samples[batch.places[row]].id;
            let not_finite = gradients::bad_rows(&input, &logits, &labels).into_iter().map(id).collect();
            let fault = gradients::diverged(self.network, bad_output, step, learning_rate);
            return Err(fault.with_batch((0..size).map(id).collect(), not_finite));
        }
        self.meter.lap(Phase::Other);
        self.optimizer.step(&self.network.leaf, &gradient, learning_rate, rates.by_depth());
        self.meter.lap(Phase::Optimizer);
        if let Some(before) = before {
            let mut read = before.after(self.network);
            read.values = self.meter.read();
            self.report.append(Event::Dials(read))?;
        }
        self.progress.step += 1;
        self.progress.seen += size as u64;
        self.progress.correct += correct as u64;
        self.progress.loss += loss * size as f64;
        Ok(())
    }

    /// Evaluates the epoch and takes its checkpoint.
    fn end_epoch(&mut self, epoch: u32) -> Result<End, Fault> {
        self.check()?;
        let seen = self.progress.seen as f64;
        let mut values = Values::from([
            ("epoch/train_loss".to_owned(), finite(self.progress.loss / seen)),
            ("epoch/train_accuracy".to_owned(), finite(self.progress.correct as f64 / seen)),
        ]);
        let validation = self.samples.of(Split::Val);
        let mut best = Best { epoch, loss: None };
        let mut is_best = true;
        if !validation.is_empty() {
            let Some(evaluation) = self.evaluate(Split::Val)? else { return Ok(End::Stopped) };
            values.insert("val/loss".to_owned(), finite(evaluation.loss));
            values.insert("val/accuracy".to_owned(), finite(evaluation.accuracy));
            best.loss = finite(evaluation.loss);
            is_best = is_better(best, self.progress.best);
            let path = format!("{PREDICTIONS}/val-{epoch:04}.safetensors");
            self.directory.write(&path, &evaluation.to_bytes()?)?;
            self.report.append(Event::Epoch {
                epoch,
                step: self.progress.step - 1,
                values,
                best: is_best,
            })?;
            self.report.append(Event::Predictions { split: Split::Val, epoch, path, best: is_best })?;
            let classes = BTreeMap::from([(ClassDial::Recall, evaluation.recalls)]);
            let step = self.progress.step - 1;
            self.report.append(Event::Dials(Dials { step, classes, ..Dials::default() }))?;
        } else {
            self.report.append(Event::Epoch {
                epoch,
                step: self.progress.step - 1,
                values,
                best: is_best,
            })?;
        }
        self.progress = Progress {
            step: self.progress.step,
            epochs: epoch,
            best: if is_best { Some(best) } else { self.progress.best },
            planned_epochs: self.spec.epochs,
            ..Progress::default()
        };
        self.checkpoint(is_best)?;
        Ok(End::Completed)
    }

    /// Evaluates the test split, if there is one, with the weights of the best epoch.
    fn evaluate_test(&mut self) -> Result<End, Fault> {
        let test = self.samples.of(Split::Test);
        if test.is_empty() {
            return Ok(End::Completed);
        }
        checkpoint::load_best(self.directory, self.network)?;
        let Some(evaluation) = self.evaluate(Split::Test)? else { return Ok(End::Stopped) };
        let path = format!("{PREDICTIONS}/test.safetensors");
        self.directory.write(&path, &evaluation.to_bytes()?)?;
        let epoch = self.progress.best.map_or(0, |best| best.epoch);
        self.report.append(Event::Predictions { split: Split::Test, epoch, path, best: true })?;
        Ok(End::Completed)
    }

    /// Evaluates the starting weights on `splits`; nothing is trained.
    pub fn evaluate_only(&mut self, splits: &[Split]) -> Result<End, Fault> {
        for &split in splits {
            let places = self.samples.of(split);
            if places.is_empty() {
                return Err(Fault::new(format!("There is no image in the {split} split to evaluate."))
                    .advice("Choose a split that has images."));
            }
            let Some(evaluation) = self.evaluate(split)? else {
                self.report.append(Event::Stopped { step: 0 })?;
                return Ok(End::Stopped);
            };
            let path = match split {
                Split::Test => format!("{PREDICTIONS}/test.safetensors"),
                Split::Train | Split::Val => format!("{PREDICTIONS}/{split}-0000.safetensors"),
            };
            self.directory.write(&path, &evaluation.to_bytes()?)?;
            self.report.append(Event::Predictions { split, epoch: 0, path, best: true })?;
        }
        self.report.append(Event::Completed { step: 0, best_epoch: 0 })?;
        Ok(End::Completed)
    }

    /// Computes the features of these splits, where the last layer learns alone.
    fn prepare_features(&mut self, splits: &[Split]) -> Result<End, Fault> {
        let Some(features) = &mut self.features else { return Ok(End::Completed) };
        let is_done = features.prepare(splits, self.samples, self.report, self.stop)?;
        Ok(if is_done { End::Completed } else { End::Stopped })
    }

    fn evaluate(&mut self, split: Split) -> Result<Option<Evaluation>, Fault> {
        let places = self.samples.of(split);
        if self.prepare_features(&[split])? == End::Stopped {
            return Ok(None);
        }
        if let Some(embedding) = self.features.as_ref().and_then(|features| features.evaluated(split)) {
            let logits = tch::no_grad(|| self.network.classify(embedding));
            return Ok(Some(Evaluation::of(&self.loader.samples, places, &logits, embedding)));
        }
        self.evaluate_places(places)
    }

    /// Says what each image shows, of which nothing is known.
    pub fn predict(&mut self) -> Result<End, Fault> {
        let places: Vec<usize> = (0..self.samples.all.len()).collect();
        if places.is_empty() {
            return Err(Fault::new("There is no image to look at.").advice("Choose at least one."));
        }
        let Some(evaluation) = self.evaluate_places(&places)? else {
            self.report.append(Event::Stopped { step: 0 })?;
            return Ok(End::Stopped);
        };
        let path = format!("{PREDICTIONS}/images.safetensors");
        self.directory.write(&path, &evaluation.to_bytes_without_labels()?)?;
        self.report.append(Event::Predicted { path })?;
        self.report.append(Event::Completed { step: 0, best_epoch: 0 })?;
        Ok(End::Completed)
    }

    /// A short evaluation says nothing of how far it is.
    fn evaluate_places(&mut self, places: &[usize]) -> Result<Option<Evaluation>, Fault> {
        if let Some(features) = &self.features {
            let Some(embedding) = features.compute_once(places, self.report, self.stop)? else {
                return Ok(None);
            };
            let logits = tch::no_grad(|| self.network.classify(&embedding));
            return Ok(Some(Evaluation::of(&self.loader.samples, places, &logits, &embedding)));
        }
        let (mut clock, mut has_told) = (Instant::now(), false);
        let report = &mut *self.report;
        let tell = |done: usize| {
            let is_end = done == places.len();
            if (is_end && has_told) || (!is_end && clock.elapsed() >= TELL_EVERY) {
                (clock, has_told) = (Instant::now(), true);
                let (done, total) = (done as u64, places.len() as u64);
                report.append(Event::Progress { stage: Stage::Evaluate, done, total })?;
            }
            Ok(())
        };
        Evaluator {
            loader: self.loader,
            transforms: &self.spec.eval_transforms,
            batch_size: self.spec.batch_size as usize,
            dtype: self.dtype,
            stop: self.stop,
        }
        .evaluate(self.network, places, tell)
    }

    /// Ends the run where it is, so that it can go on from there.
    fn stopped(&mut self) -> Result<End, Fault> {
        self.check()?;
        self.checkpoint(false)?;
        self.report.append(Event::Stopped { step: self.progress.step })?;
        Ok(End::Stopped)
    }

    fn checkpoint(&mut self, best: bool) -> Result<(), Fault> {
        checkpoint::save(self.directory, self.network, self.optimizer, &self.progress, best)?;
        self.report.append(Event::Checkpoint { step: self.progress.step, epoch: self.progress.epochs })
    }

    /// Refuses to keep or evaluate weights that are not finite.
    fn check(&self) -> Result<(), Fault> {
        let last = self.progress.step.saturating_sub(1);
        gradients::check(self.network, last, self.learning_rate(last))
    }

    /// The learning rate of a step, by the schedule of all epochs of the spec.
    pub fn learning_rate(&self, step: u64) -> f64 {
        let warmup =
            schedule::warmup_steps(self.spec.warmup_epochs, self.steps_per_epoch(), self.total_steps());
        schedule::learning_rate(self.spec.schedule, self.spec.learning_rate, step, self.total_steps(), warmup)
    }

    /// Optimiser steps an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.samples.of(Split::Train).len().div_ceil(self.spec.batch_size as usize) as u64
    }

    fn total_steps(&self) -> u64 {
        self.steps_per_epoch() * u64::from(self.spec.epochs)
    }
}

/// Whether `new` has the lower validation loss; one that is not finite never does, but something must be kept.
fn is_better(new: Best, old: Option<Best>) -> bool {
    match old {
        None => true,
        Some(old) => new.loss.is_some_and(|new| old.loss.is_none_or(|old| new < old)),
    }
}
