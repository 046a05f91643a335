//! Evaluating a split: logits, losses and embeddings of every sample, and the file that keeps them.

use crate::fault::Fault;
use crate::layers::{Mode, Network};
use crate::loader::Loader;
use crate::weights;
use protocol::transform::Pipeline;
use std::sync::atomic::{AtomicBool, Ordering};
use tch::{Kind, Reduction, Tensor};

/// What a network made of a split; rows are in the order of the samples.
pub struct Evaluation {
    /// Mean cross-entropy, nats.
    pub loss: f64,
    /// Share of samples whose highest logit is their label's.
    pub accuracy: f64,
    tensors: Vec<(&'static str, Tensor)>,
}

impl Evaluation {
    /// The bytes of a predictions file ([`protocol::files::PREDICTIONS`]).
    pub fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        weights::to_bytes(&self.tensors)
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
    pub fn evaluate(&self, network: &Network, places: &[usize]) -> Result<Option<Evaluation>, Fault> {
        let mut parts: [Vec<Tensor>; 3] = Default::default();
        let mut correct = 0;
        for batch in self.loader.pass(places, self.transforms, 0, self.batch_size) {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let batch = batch?;
            let labels = batch.labels.to_device(network.device());
            let output = tch::no_grad(|| {
                network.forward(&batch.input.to_device(network.device()), self.dtype, Mode::Evaluate)
            });
            let losses =
                output.logits.cross_entropy_loss(&labels, None::<&Tensor>, Reduction::None, -100, 0.0);
            correct += output.logits.argmax(1, false).eq_tensor(&labels).sum(Kind::Int64).int64_value(&[]);
            for (part, tensor) in parts.iter_mut().zip([output.logits, losses, output.embedding]) {
                part.push(tensor.to_device(tch::Device::Cpu));
            }
        }
        let [logits, loss, embedding] = parts.map(|part| Tensor::cat(&part, 0));
        let samples = places.iter().map(|&place| &self.loader.samples[place]);
        let ids: Vec<i64> = samples.clone().map(|sample| sample.id).collect();
        let labels: Vec<i64> = samples.map(|sample| i64::from(sample.label)).collect();
        Ok(Some(Evaluation {
            loss: loss.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]),
            accuracy: correct as f64 / places.len() as f64,
            tensors: vec![
                ("sample_id", Tensor::from_slice(&ids)),
                ("label", Tensor::from_slice(&labels)),
                ("logits", logits),
                ("loss", loss),
                ("embedding", embedding),
            ],
        }))
    }
}
