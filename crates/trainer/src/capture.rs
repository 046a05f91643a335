//! Capturing an input batch exactly as the network got it, for people to look at.

use crate::directory::Directory;
use crate::fault::Fault;
use crate::loader::{Batch, Loader};
use crate::weights;
use protocol::event::{self, BatchItem, ChannelStats, Mixed, finite};
use protocol::files::BATCHES;
use tch::Kind;

/// The most samples of a batch that are kept.
const KEEP: usize = 32;

/// Whether the batch of `step` is captured: the first one, and then every `every` steps (0: no more).
pub fn is_due(step: u64, every: u32) -> bool {
    step == 0 || (every > 0 && step.is_multiple_of(u64::from(every)))
}

/// Writes the first samples of `batch` to a file and describes it, with statistics of the whole batch.
pub fn capture(
    directory: &Directory,
    loader: &Loader,
    batch: &Batch,
    step: u64,
    epoch: u32,
) -> Result<event::Batch, Fault> {
    let size = batch.places.len();
    let kept = size.min(KEEP);
    let path = format!("{BATCHES}/step-{step:08}.safetensors");
    directory.write(&path, &weights::to_bytes(&[("input", batch.input.narrow(0, 0, kept as i64))])?)?;
    let items =
        batch.places.iter().zip(&batch.sampled).take(kept).enumerate().map(|(at, (&place, sampled))| {
            let sample = &loader.samples[place];
            let mixed = batch.mix.as_ref().map(|mix| {
                let partner = &loader.samples[batch.places[vision::partner(at, size)]];
                Mixed {
                    method: mix.method,
                    sample_id: partner.id,
                    label: partner.label,
                    share: 1.0 - mix.lambda,
                }
            });
            BatchItem { sample_id: sample.id, label: sample.label, sampled: sampled.clone(), mixed }
        });
    Ok(event::Batch {
        step,
        epoch,
        path,
        size: size as u32,
        channels: [0, 1, 2].map(|channel| {
            let values = batch.input.select(1, channel).to_kind(Kind::Double);
            let number = |tensor: tch::Tensor| finite(tensor.double_value(&[]));
            ChannelStats {
                mean: number(values.mean(Kind::Double)),
                std: number(values.std(false)),
                min: number(values.min()),
                max: number(values.max()),
            }
        }),
        items: items.collect(),
    })
}
