//! One step of the optimiser: the gradients of its batches, and what they do to the weights.

use crate::capture;
use crate::dials::{self, Activations, Depth, Phase};
use crate::fault::Fault;
use crate::gradients;
use crate::layers::Mode;
use crate::loader::Batch;
use crate::loss::partners;
use crate::rates::Rates;
use crate::train::Trainer;
use protocol::event::{Event, Values, finite};
use protocol::spec::Training;
use std::time::Instant;
use tch::{Device, Kind, Tensor};

/// A step under way.
pub(crate) struct Step<'a> {
    epoch: u32,
    rates: &'a Rates,
    depth: Option<Depth>,
    /// What the layers of its first batch gave, where that is read.
    activations: Option<Activations>,
    batches: Vec<Part>,
    /// The sum of the gradients, each by the weight of its batch where there are several.
    gradient: Option<Tensor>,
    samples: usize,
}

/// What is kept of a batch.
struct Part {
    /// Its mean loss, its weight, and how many of it were predicted correctly: numbers where the network computes.
    loss: Tensor,
    weight: Tensor,
    correct: Tensor,
    /// To look for what is to blame when the loss is not finite.
    input: Tensor,
    logits: Tensor,
    labels: Tensor,
    places: Vec<usize>,
    mode: Mode,
}

impl Trainer<'_> {
    pub(crate) fn begin_step<'a>(&mut self, epoch: u32, rates: &'a Rates) -> Step<'a> {
        let depth = dials::depth_at(self.progress.step, self.total_steps());
        self.meter.begin_step(depth.is_some());
        Step {
            epoch,
            rates,
            depth,
            activations: (depth == Some(Depth::Detailed)).then(|| Activations::of(self.network)),
            batches: Vec::new(),
            gradient: None,
            samples: 0,
        }
    }

    /// Adds the gradient of a batch.
    pub(crate) fn take_batch(&mut self, step: &mut Step, batch: &Batch) -> Result<(), Fault> {
        let is_first = step.batches.is_empty();
        if is_first && capture::is_due(self.progress.step, self.spec.capture_every_steps) {
            self.capture(batch, step.epoch)?;
        }
        let device = self.network.device();
        let (input, labels) = (batch.input.to_device(device), batch.labels.to_device(device));
        let keep_statistics = match self.spec.training {
            Training::FineTune(how) => how.keep_norm_statistics || matches!(step.rates, Rates::Head(_)),
            Training::Scratch | Training::Head { .. } => false,
        };
        // Layers that draw by chance do so anew for each batch.
        let batches = u64::from(self.spec.updates.accumulate.max(1));
        let draw = self.progress.step * batches + step.batches.len() as u64;
        let mode = Mode::Train { seed: self.spec.seed, step: draw, keep_statistics };
        let tap = step.activations.as_ref().filter(|_| is_first);
        let forward = || match tap {
            Some(tap) => self.network.forward_with(tap, &input, self.dtype, mode),
            None => self.network.forward(&input, self.dtype, mode),
        };
        self.meter.lap(Phase::Other);
        let logits = match (&self.features, step.rates) {
            (Some(_), _) => self.network.classify(&input),
            (None, Rates::Head(_)) => self.network.classify(&tch::no_grad(|| forward().embedding)),
            (None, _) => forward().logits,
        };
        let lambda = batch.mix.as_ref().map(|mix| mix.lambda);
        let loss = self.loss.of(&logits, &labels, lambda);
        self.meter.lap(Phase::Forward);
        let gradient = self.network.gradient(&loss.mean);
        tch::no_grad(|| {
            // Of a mixed sample the label with the larger share is the correct one.
            let labels = if lambda.is_some_and(|own| own < 0.5) { partners(&labels) } else { labels };
            let correct = logits.argmax(1, false).eq_tensor(&labels).sum(Kind::Double);
            // A single batch is taken as it is, to the bit.
            let gradient = if batches == 1 { gradient } else { gradient * &loss.weight };
            step.gradient = Some(match step.gradient.take() {
                Some(sum) => sum + gradient,
                None => gradient,
            });
            let loss_read = loss.mean.detach().to_kind(Kind::Double);
            let (loss, weight, logits) = (loss_read, loss.weight, logits.detach());
            let places = batch.places.clone();
            step.batches.push(Part { loss, weight, correct, input, logits, labels, places, mode });
        });
        step.samples += batch.places.len();
        self.meter.lap(Phase::Backward);
        Ok(())
    }

    fn capture(&mut self, batch: &Batch, epoch: u32) -> Result<(), Fault> {
        let images = match &self.features {
            None => None,
            Some(features) => Some(features.images(epoch, &batch.places)?),
        };
        let images = images.as_ref().unwrap_or(batch);
        let captured = capture::capture(self.directory, self.loader, images, self.progress.step, epoch)?;
        self.report.append(Event::Batch(captured))
    }

    /// Takes the step, and says what came of it.
    pub(crate) fn end_step(&mut self, mut step: Step, clock: &mut Instant) -> Result<(), Fault> {
        let (number, size) = (self.progress.step, step.samples);
        let learning_rate = self.learning_rate(number);
        let Some(sum) = step.gradient.take() else { return Ok(()) };
        let weights: Vec<&Tensor> = step.batches.iter().map(|part| &part.weight).collect();
        let gradient = if self.spec.updates.accumulate > 1 {
            tch::no_grad(|| sum / Tensor::stack(&weights, 0).sum(Kind::Float))
        } else {
            sum
        };
        let clipped = (self.spec.updates.clip_norm > 0.0)
            .then(|| gradients::clip(&gradient, step.rates.by_depth(), self.spec.updates.clip_norm));

        // The one place in a step that waits for the device.
        let mut numbers: Vec<Tensor> = Vec::new();
        for part in &step.batches {
            numbers.extend([&part.loss, &part.correct].map(Tensor::shallow_clone));
            numbers.push(part.weight.to_kind(Kind::Double));
        }
        numbers.extend(clipped.as_ref().map(|clipped| clipped.norm.to_kind(Kind::Double)));
        let read = Tensor::stack(&numbers, 0).to_device(Device::Cpu);
        let read: Vec<f64> = Vec::try_from(read).unwrap_or_default();
        let parts = || read.chunks_exact(3).take(step.batches.len());
        let loss = match step.batches.len() {
            1 => read[0],
            _ => {
                parts().map(|part| part[0] * part[2]).sum::<f64>() / parts().map(|part| part[2]).sum::<f64>()
            }
        };
        let correct: f64 = parts().map(|part| part[1]).sum();
        self.meter.lap(Phase::Backward);

        let mut values = Values::from([
            ("train/loss".to_owned(), finite(loss)),
            ("train/accuracy".to_owned(), finite(correct / size as f64)),
            ("learning_rate".to_owned(), finite(learning_rate)),
            ("images_per_second".to_owned(), finite(size as f64 / clock.elapsed().as_secs_f64())),
        ]);
        if clipped.is_some() {
            values.insert("gradient_norm".to_owned(), read.last().copied().and_then(finite));
        }
        *clock = Instant::now();
        self.report.append(Event::Step { step: number, epoch: step.epoch, values })?;
        let before =
            step.depth.map(|_| dials::before(self.network, &gradient, number, step.activations.as_ref()));
        if let Some(search) = &mut self.search {
            search.note(number, loss);
            if !loss.is_finite() {
                // That is what it looks for, and no fault.
                self.progress.step += 1;
                return Ok(());
            }
        }
        if !loss.is_finite() {
            if let Some(before) = before {
                self.report.append(Event::Dials(before.only()))?;
            }
            let blamed = parts().position(|part| !part[0].is_finite()).unwrap_or_default();
            let part = &step.batches[blamed];
            let bad_output = || match self.features {
                Some(_) => Some(self.network.head().to_owned()),
                None => gradients::first_bad_layer(self.network, &part.input, self.dtype, part.mode),
            };
            let id = |row: usize| self.loader.samples[part.places[row]].id;
            let not_finite = gradients::bad_rows(&part.input, &part.logits, &part.labels);
            let fault = gradients::diverged(self.network, bad_output, number, learning_rate);
            let of_batch = (0..part.places.len()).map(id).collect();
            return Err(fault.with_batch(of_batch, not_finite.into_iter().map(id).collect()));
        }
        self.meter.lap(Phase::Other);
        let gradient = clipped.map_or(gradient, |clipped| clipped.gradient);
        self.optimizer.step(&self.network.leaf, &gradient, learning_rate, step.rates.by_depth());
        if let Some(averages) = &mut self.averages {
            averages.update(number == 0);
        }
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
}
