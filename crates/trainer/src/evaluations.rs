//! What a run evaluates: the splits, and images of which nothing is known.

use crate::averages::Averages;
use crate::checkpoint;
use crate::evaluate::{Evaluation, Evaluator};
use crate::fault::Fault;
use crate::train::{End, Trainer};
use protocol::event::{Event, Stage};
use protocol::files::PREDICTIONS;
use protocol::sample::Split;
use std::time::{Duration, Instant};

/// How often an evaluation that takes long says how far it is.
const TELL_EVERY: Duration = Duration::from_millis(500);

impl Trainer<'_> {
    /// Evaluates the test split, if there is one, with the weights of the best epoch.
    pub(crate) fn evaluate_test(&mut self) -> Result<End, Fault> {
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
    pub(crate) fn prepare_features(&mut self, splits: &[Split]) -> Result<End, Fault> {
        let Some(features) = &mut self.features else { return Ok(End::Completed) };
        let is_done = features.prepare(splits, self.samples, self.report, self.stop)?;
        Ok(if is_done { End::Completed } else { End::Stopped })
    }

    /// Evaluates a split with the average of the weights, where it is on.
    pub(crate) fn evaluate_average(&mut self, split: Split) -> Result<Option<Evaluation>, Fault> {
        self.averages.iter_mut().for_each(Averages::swap);
        let evaluation = self.evaluate(split);
        self.averages.iter_mut().for_each(Averages::swap);
        evaluation
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
}
