//! Evaluating a split: logits, losses and embeddings of every sample, and the file that keeps them.

use crate::fault::Fault;
use crate::layers::{Mode, Network};
use crate::loader::Loader;
use crate::weights;
use protocol::event::{MaybeFinite, finite};
use protocol::sample::Sample;
use protocol::transform::Pipeline;
use std::sync::atomic::{AtomicBool, Ordering};
use tch::{Kind, Reduction, Tensor};

/// What a network made of a split; rows are in the order of the samples.
pub struct Evaluation {
    /// Mean cross-entropy, nats.
    pub loss: f64,
    /// Share of samples whose highest logit is their label's.
    pub accuracy: f64,
    /// By class, the share of its samples that were predicted as it; `None` where there is none.
    pub recalls: Vec<MaybeFinite>,
    tensors: Vec<(&'static str, Tensor)>,
}

impl Evaluation {
    /// Of the samples at `places` of `samples`, whose logits are `[n, classes]` and whose embeddings are `[n, features]`.
    pub fn of(samples: &[Sample], places: &[usize], logits: &Tensor, embedding: &Tensor) -> Self {
        let evaluated = places.iter().map(|&place| &samples[place]);
        let ids: Vec<i64> = evaluated.clone().map(|sample| sample.id).collect();
        let labels = Tensor::from_slice(&evaluated.map(|sample| i64::from(sample.label)).collect::<Vec<_>>());
        let logits = logits.to_device(tch::Device::Cpu);
        let loss = logits.cross_entropy_loss(&labels, None::<&Tensor>, Reduction::None, -100, 0.0);
        let is_correct = logits.argmax(1, false).eq_tensor(&labels).to_kind(Kind::Int64);
        let correct = is_correct.sum(Kind::Int64).int64_value(&[]);
        // Of each class [how many, how many of them correct].
        let mut counts = vec![[0_u32; 2]; logits.size()[1] as usize];
        for (place, is_correct) in places.iter().zip(Vec::<i64>::try_from(&is_correct).unwrap_or_default()) {
            let [all, right] = &mut counts[samples[*place].label as usize];
            (*all, *right) = (*all + 1, *right + u32::from(is_correct == 1));
        }
        Evaluation {
            loss: loss.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]),
            accuracy: correct as f64 / places.len() as f64,
            recalls: counts.iter().map(|[all, right]| finite(f64::from(*right) / f64::from(*all))).collect(),
            tensors: vec![
                ("sample_id", Tensor::from_slice(&ids)),
                ("label", labels),
                ("logits", logits),
                ("loss", loss),
                ("embedding", embedding.to_device(tch::Device::Cpu)),
            ],
        }
    }

    /// The bytes of a predictions file ([`protocol::files::PREDICTIONS`]).
    pub fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        weights::to_bytes(&self.tensors)
    }

    /// The same of images of which nothing is known: without labels, and so without losses.
    pub fn to_bytes_without_labels(&self) -> Result<Vec<u8>, Fault> {
        let known = |name: &str| name != "label" && name != "loss";
        let tensors: Vec<(&'static str, Tensor)> = (self.tensors.iter())
            .filter(|(name, _)| known(name))
            .map(|(name, tensor)| (*name, tensor.shallow_clone()))
            .collect();
        weights::to_bytes(&tensors)
    }
}

/// How to evaluate.
pub struct Evaluator<'a> {
    /// Where the images come from.
    pub loader: &'a Loader,
    /// How an evaluated image is loaded.
    pub transforms: &'a Pipeline,
    /// Samples a batch.
    pub batch_size: usize,
    /// The arithmetic of convolutions.
    pub dtype: Kind,
    /// Set when the run is asked to stop.
    pub stop: &'a AtomicBool,
}

impl Evaluator<'_> {
    /// Evaluates the samples at `places`, at least one. `None`: asked to stop before the end; nothing has changed.
    /// `tell` hears after each batch how many are done.
    pub fn evaluate(
        &self,
        network: &Network,
        places: &[usize],
        mut tell: impl FnMut(usize) -> Result<(), Fault>,
    ) -> Result<Option<Evaluation>, Fault> {
        let mut parts: [Vec<Tensor>; 2] = Default::default();
        let mut done = 0;
        for batch in self.loader.pass(places, self.transforms, 0, self.batch_size) {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let batch = batch?;
            let output = tch::no_grad(|| {
                network.forward(&batch.input.to_device(network.device()), self.dtype, Mode::Evaluate)
            });
            for (part, tensor) in parts.iter_mut().zip([output.logits, output.embedding]) {
                part.push(tensor.to_device(tch::Device::Cpu));
            }
            done += batch.places.len();
            tell(done)?;
        }
        let [logits, embedding] = parts.map(|part| Tensor::cat(&part, 0));
        Ok(Some(Evaluation::of(&self.loader.samples, places, &logits, &embedding)))
    }
}
