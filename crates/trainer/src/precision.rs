//! The choice between f32 and bfloat16: measured on the model and the image size that will be used, because no table of
//! processors gives the speed of a given one at a given network.
//!
//! The answer must be the same on a busy machine as on a quiet one, since other arithmetic gives other bits. So on a
//! processor one thread computes, and its own processor time counts, not the clock on the wall; the two formats take
//! turns; the quickest turn of each counts; and bfloat16 must be clearly quicker.

use crate::fault::Fault;
use crate::layers::{Mode, Network};
use crate::models;
use protocol::event::Dtype;
use protocol::spec::Model;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use tch::{Device, Kind, Tensor};

/// Turns of each format, after a first one that is not counted; fewer where the answer is clear.
const TURNS: usize = 7;
/// Turns after which a clear answer counts.
const FEW: usize = 2;
/// A turn is repeated so often that it takes at least this long: shorter ones measure the clock.
const TURN: Duration = Duration::from_millis(40);
/// No more pixels than this are measured, so that large models don't take minutes …
const PIXELS: u32 = 8 * 64 * 64;
/// … but at least so many images.
const IMAGES: u32 = 4;
/// How much quicker bfloat16 must be to be worth its 8 bits.
const WORTH: f64 = 1.25;
/// The answer is clear where bfloat16 is less than this times as quick as f32 …
const CLEARLY_NOT: f64 = 1.0;
/// … or more than this.
const CLEARLY: f64 = 1.6;

/// What was measured: the time of a batch, milliseconds, the quickest of several.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Images in the batch.
    pub images: u32,
    /// Side of the square images, pixels.
    pub image_size: u32,
    /// With f32.
    pub f32_ms: f64,
    /// With bfloat16.
    pub bf16_ms: f64,
}

impl Measured {
    /// The number format to use: f32 unless bfloat16 is clearly quicker.
    pub fn precision(&self) -> Dtype {
        if self.f32_ms >= WORTH * self.bf16_ms { Dtype::Bf16 } else { Dtype::F32 }
    }

    /// The choice and its figures, in a sentence.
    pub fn reason(&self) -> String {
        let choice = match self.precision() {
            Dtype::Bf16 => "bf16, clearly the quicker one here",
            Dtype::F32 => "f32, the exact one, as bf16 is not clearly quicker here",
        };
        let Measured { images, image_size, f32_ms, bf16_ms } = self;
        format!(
            "{choice}: a batch of {images} × 3 × {image_size} × {image_size} took {f32_ms:.1} ms with f32 and {bf16_ms:.1} ms \
             with bf16, measured once for this machine, model, image size and batch size."
        )
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// A forward and backward pass, as in training all layers.
    #[default]
    Train,
    /// A forward pass of a network that does not change, as for a last layer that learns alone.
    Embed,
}

/// The images of a batch that are enough to measure.
pub fn enough_of(batch_size: u32, image_size: u32) -> u32 {
    batch_size.min((PIXELS / (image_size * image_size).max(1)).max(IMAGES))
}

/// Measures a model's work on a batch with both formats. On a processor this process must compute on one thread.
pub fn measure(
    model: Model,
    image_size: u32,
    images: u32,
    work: Work,
    device: Device,
) -> Result<Measured, Fault> {
    let network = models::build(model, image_size, 2, device)?;
    let side = i64::from(image_size);
    let input = Tensor::randn([i64::from(images), 3, side, side], (Kind::Float, device));
    let step = |network: &Network, input: &Tensor, dtype: Kind| match work {
        Work::Train => step(network, input, dtype),
        Work::Embed => embed(network, input, dtype),
    };
    // The first pass of each prepares memory and kernels.
    let first = [Kind::Float, Kind::BFloat16].map(|dtype| {
        step(&network, &input, dtype);
        step(&network, &input, dtype)
    });
    let repeats =
        first.map(|time| (TURN.as_secs_f64() / time.as_secs_f64().max(1e-6)).ceil().clamp(1.0, 1e3) as u32);
    let mut best = first;
    for turn in 0..TURNS {
        let ratio = best[0].as_secs_f64() / best[1].as_secs_f64();
        if turn >= FEW && !(CLEARLY_NOT..CLEARLY).contains(&ratio) {
            break;
        }
        for (at, dtype) in [Kind::Float, Kind::BFloat16].into_iter().enumerate() {
            let time: Duration = (0..repeats[at]).map(|_| step(&network, &input, dtype)).sum();
            best[at] = best[at].min(time / repeats[at]);
        }
    }
    let [f32_ms, bf16_ms] = best.map(|time| time.as_secs_f64() * 1e3);
    Ok(Measured { images, image_size, f32_ms, bf16_ms })
}

/// The time of one forward and backward pass.
fn step(network: &Network, input: &Tensor, dtype: Kind) -> Duration {
    let clock = Clock::start(network.device());
    let labels = Tensor::zeros([input.size()[0]], (Kind::Int64, network.device()));
    let mode = Mode::Train { seed: 0, step: 0, keep_statistics: false };
    let loss = network.forward(input, dtype, mode).logits.cross_entropy_for_logits(&labels);
    // Reading a number waits for a device that works on its own.
    let _ = network.gradient(&loss).sum(Kind::Float).double_value(&[]);
    clock.elapsed()
}

/// The time of one forward pass.
fn embed(network: &Network, input: &Tensor, dtype: Kind) -> Duration {
    let frozen = network.freeze(dtype);
    let clock = Clock::start(network.device());
    let _ = frozen.embed(input).sum(Kind::Float).double_value(&[]);
    clock.elapsed()
}

/// Processor time of this thread; beside a GPU, which works on its own, the clock on the wall.
enum Clock {
    Thread(Duration),
    Wall(Instant),
}

impl Clock {
    fn start(device: Device) -> Clock {
        if device.is_cuda() { Clock::Wall(Instant::now()) } else { Clock::Thread(thread_time()) }
    }

    fn elapsed(&self) -> Duration {
        match self {
            Clock::Thread(start) => thread_time().saturating_sub(*start),
            Clock::Wall(start) => start.elapsed(),
        }
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bfloat16_is_chosen_only_with_a_clear_margin() {
        let measured = |f32_ms, bf16_ms| Measured { images: 16, image_size: 64, f32_ms, bf16_ms };
        for (f32_ms, bf16_ms, expected) in [
            (10.0, 5.0, Dtype::Bf16),
            (10.0, 8.0, Dtype::Bf16),
            (10.0, 8.1, Dtype::F32),
            (10.0, 10.0, Dtype::F32),
            (10.0, 50.0, Dtype::F32),
        ] {
            assert_eq!(measured(f32_ms, bf16_ms).precision(), expected, "{f32_ms} {bf16_ms}");
        }
    }
}
