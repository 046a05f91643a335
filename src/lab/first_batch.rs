//! The beginning of a run's first batch, mixed as the run mixes it.

use super::{Lab, NetworkInput, Subject, Tile, tile};
use protocol::event::MixMethod;
use protocol::spec::Mixing;
use protocol::transform::Pipeline;
use std::sync::Arc;

/// What is to be fed.
#[derive(Clone, Debug)]
pub struct FirstBatch {
    /// The first samples of the batch. Where the batch is longer, its last one stands behind them: it is the partner that
    /// the first is mixed with.
    pub subjects: Vec<Subject>,
    /// How an image is loaded.
    pub pipeline: Pipeline,
    /// What is mixed within the batch.
    pub mixing: Mixing,
}

/// How the batch was mixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixed {
    /// How.
    pub method: MixMethod,
    /// The share of each image that is its partner's.
    pub share: f64,
}

impl FirstBatch {
    /// The place of the sample that the one at `at` is mixed with.
    pub fn partner(&self, at: usize) -> usize {
        vision::partner(at, self.subjects.len())
    }
}

impl Lab {
    /// Each sample as the network gets it, small; and how the batch was mixed, if it was.
    pub fn first_batch(&self, batch: &FirstBatch) -> (Vec<Result<Arc<Tile>, String>>, Option<Mixed>) {
        let Mixing { mixup, cutmix } = batch.mixing;
        if mixup <= 0.0 && cutmix <= 0.0 {
            return (self.tiles(&batch.subjects, &batch.pipeline, None), None);
        }
        let mut inputs = self.preprocess(&batch.subjects, &batch.pipeline);
        let mixed = mix(&mut inputs, batch);
        let tiles = inputs.into_iter().map(|input| {
            let tile = Arc::new(tile::tile(input?, &batch.pipeline, None));
            self.keep_image(&tile);
            Ok(tile)
        });
        (tiles.collect(), mixed)
    }
}

/// Mixes the inputs in their places; a batch with an image that can't be read would end the run, and stays as it is.
fn mix(inputs: &mut [Result<NetworkInput, String>], batch: &FirstBatch) -> Option<Mixed> {
    let first = batch.subjects.first()?;
    let side = inputs.first()?.as_ref().ok()?.tensor.height;
    let mut values = Vec::new();
    for input in inputs.iter() {
        values.extend_from_slice(&input.as_ref().ok()?.tensor.data);
    }
    let mix = vision::mix_batch(&mut values, side, batch.mixing, first.seed, first.epoch, first.key)?;
    let of_one = values.len() / inputs.len();
    for (input, mixed) in inputs.iter_mut().flatten().zip(values.chunks_exact(of_one)) {
        input.tensor.data.copy_from_slice(mixed);
    }
    Some(Mixed { method: mix.method, share: 1.0 - mix.lambda })
}
