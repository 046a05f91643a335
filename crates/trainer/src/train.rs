//! The training loop. It must not know how images are loaded, how layers compute, or where events go.

use crate::averages::Averages;
use crate::checkpoint::{self, Best, Learned, Progress};
use crate::dials::{Meter, Phase};
use crate::directory::{Directory, Samples};
use crate::fault::Fault;
use crate::features::Features;
use crate::find_learning_rate::Search;
use crate::gradients;
use crate::layers::Network;
use crate::loader::Loader;
use crate::loss::LossFunction;
use crate::optimizer::Optimizer;
use crate::rates::Rates;
use crate::report::Report;
use crate::{sampling, selection};
use protocol::event::{ClassDial, Dials, Event, Values, finite};
use protocol::files::PREDICTIONS;
use protocol::sample::Split;
use protocol::schedule;
use protocol::spec::RunSpec;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tch::Kind;

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
    /// What is minimised.
    pub loss: LossFunction,
    /// The average of the weights, where it is on.
    pub averages: Option<Averages>,
    /// The number format of convolutions.
    pub dtype: Kind,
    /// Where the time goes.
    pub meter: Meter,
    /// A search for a learning rate, where that is the task.
    pub search: Option<Search>,
    /// How far the run has come.
    pub progress: Progress,
    /// Set when the run is asked to stop.
    pub stop: &'a AtomicBool,
}

impl Trainer<'_> {
    /// Trains what is left of the epochs, evaluating the validation split after each, then evaluates the test split.
    pub fn train(&mut self) -> Result<End, Fault> {
        if self.prepare_features(&[Split::Train, Split::Val])? == End::Stopped {
            return self.stopped();
        }
        while self.progress.epochs < self.spec.epochs && !self.is_patience_spent() {
            let epoch = self.progress.epochs + 1;
            if self.train_epoch(epoch)? == End::Stopped || self.end_epoch(epoch)? == End::Stopped {
                return self.stopped();
            }
            if self.spec.pause_after_epoch == Some(epoch) && epoch < self.spec.epochs {
                self.report.append(Event::Stopped { step: self.progress.step })?;
                return Ok(End::Stopped);
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

    /// Takes the steps of an epoch; a resumed one goes on where its checkpoint was taken.
    pub(crate) fn train_epoch(&mut self, epoch: u32) -> Result<End, Fault> {
        let training = self.samples.of(Split::Train);
        let batch_size = self.spec.batch_size as usize;
        let step_size = batch_size * self.batches_per_step();
        let rates = Rates::of(self.network, self.spec.training, epoch, self.steps_per_epoch());
        let order = sampling::order(self.spec.sampling, &self.training_labels(), self.spec.seed, epoch);
        let taken = (self.progress.step - self.steps_per_epoch() * u64::from(epoch - 1)) as usize;
        let rest = &order[(taken * step_size).min(order.len())..];
        let positions: Vec<usize> = rest.iter().map(|draw| draw.position).collect();
        let places: Vec<usize> = positions.iter().map(|&position| training[position]).collect();
        let mut images = self.features.is_none().then(|| {
            let repeats = rest.iter().map(|draw| draw.repeat).collect();
            let transforms = &self.spec.train_transforms;
            let pass = self.loader.pass_repeated(&places, repeats, transforms, epoch, batch_size);
            pass.mixed(self.spec.mixing)
        });
        let mut clock = Instant::now();
        self.meter.restart();
        for (positions, places) in positions.chunks(step_size).zip(places.chunks(step_size)) {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(End::Stopped);
            }
            let mut step = self.begin_step(epoch, &rates);
            for (positions, places) in positions.chunks(batch_size).zip(places.chunks(batch_size)) {
                let batch = match (&mut images, &self.features) {
                    (None, Some(features)) => features.batch(epoch, positions, places),
                    (images, _) => match images.as_mut().and_then(Iterator::next) {
                        Some(batch) => batch?,
                        None => return Err(Fault::new("The threads that load images ended too early.")),
                    },
                };
                self.meter.lap(Phase::Data);
                self.take_batch(&mut step, &batch)?;
            }
            self.end_step(step, &mut clock)?;
            self.tell_of_search()?;
            if self.search.as_ref().is_some_and(Search::is_over) {
                break;
            }
        }
        Ok(End::Completed)
    }

    fn is_patience_spent(&self) -> bool {
        selection::is_patience_spent(self.spec.selection, &self.progress)
    }

    /// The labels of the training samples.
    fn training_labels(&self) -> Vec<u32> {
        let places = self.samples.of(Split::Train).iter();
        places.map(|&place| self.samples.all[place].label).collect()
    }

    /// Batches whose gradients make one step.
    fn batches_per_step(&self) -> usize {
        self.spec.updates.accumulate.max(1) as usize
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
        let mut best = Best { epoch, loss: None, accuracy: None };
        let mut is_best = true;
        if !validation.is_empty() {
            let Some(evaluation) = self.evaluate_average(Split::Val)? else { return Ok(End::Stopped) };
            values.insert("val/loss".to_owned(), finite(evaluation.loss));
            values.insert("val/accuracy".to_owned(), finite(evaluation.accuracy));
            (best.loss, best.accuracy) = (finite(evaluation.loss), finite(evaluation.accuracy));
            is_best = selection::is_better(self.spec.selection.best_by, best, self.progress.best);
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
            patience_from: self.progress.patience_from,
            ..Progress::default()
        };
        if epoch < self.spec.epochs && self.is_patience_spent() {
            let text = selection::stopped_early(self.spec.selection, &self.progress, self.spec.epochs);
            self.report.append(Event::Note { text })?;
        }
        self.checkpoint(is_best)?;
        Ok(End::Completed)
    }

    /// Ends the run where it is, so that it can go on from there.
    fn stopped(&mut self) -> Result<End, Fault> {
        self.check()?;
        self.checkpoint(false)?;
        self.report.append(Event::Stopped { step: self.progress.step })?;
        Ok(End::Stopped)
    }

    fn checkpoint(&mut self, best: bool) -> Result<(), Fault> {
        let learned =
            Learned { network: self.network, optimizer: self.optimizer, averages: self.averages.as_mut() };
        checkpoint::save(self.directory, learned, &self.progress, best)?;
        self.report.append(Event::Checkpoint { step: self.progress.step, epoch: self.progress.epochs })
    }

    /// Refuses to keep or evaluate weights that are not finite.
    fn check(&self) -> Result<(), Fault> {
        let last = self.progress.step.saturating_sub(1);
        gradients::check(self.network, last, self.learning_rate(last))
    }

    /// The learning rate of a step, by the schedule of all epochs of the spec.
    pub fn learning_rate(&self, step: u64) -> f64 {
        if let Some(search) = &self.search {
            return search.rate(step);
        }
        let warmup =
            schedule::warmup_steps(self.spec.warmup_epochs, self.steps_per_epoch(), self.total_steps());
        schedule::learning_rate(self.spec.schedule, self.spec.learning_rate, step, self.total_steps(), warmup)
    }

    /// Optimiser steps an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        let batches = self.samples.of(Split::Train).len().div_ceil(self.spec.batch_size as usize);
        batches.div_ceil(self.batches_per_step()) as u64
    }

    pub(crate) fn total_steps(&self) -> u64 {
        self.steps_per_epoch() * u64::from(self.spec.epochs)
    }
}
