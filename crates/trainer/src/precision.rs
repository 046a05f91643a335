//! The choice between f32 and bfloat16: measured on the model and the batch that will be used, because no table of
//! processors gives the speed of a given one at a given network.

use crate::nn::Network;
use protocol::event::Dtype;
use std::time::{Duration, Instant};
use tch::{Device, Kind, Tensor};

/// Time given to each of the two, after a first step that is not counted.
const PATIENCE: Duration = Duration::from_millis(400);
/// The most steps measured of each.
const STEPS: usize = 5;
/// Images of the trial run that keeps a processor without bfloat16 from being measured for minutes.
const TRIAL: i64 = 4;
/// What bfloat16 must save to be worth its 8 bits: this share of f32's time.
const WORTH: f64 = 0.2;
/// A trial slower than f32's by this factor settles it.
const HOPELESS: f64 = 4.0;

/// The number format to use, f32 unless bfloat16 is clearly quicker, with a sentence that gives the figures.
///
/// `network` is spent: its running statistics move. `shape` is that of a batch, `[n, 3, side, side]`.
pub fn measure(network: &Network, shape: [i64; 4]) -> (Dtype, String) {
    let [n, channels, height, width] = shape;
    let trial = |dtype| {
        let input = random([n.min(TRIAL), channels, height, width], network.device());
        step(network, &input, dtype);
        step(network, &input, dtype)
    };
    let (single, half) = (trial(Kind::Float), trial(Kind::BFloat16));
    if half.as_secs_f64() > HOPELESS * single.as_secs_f64() {
        return (
            Dtype::F32,
            format!(
                "f32: a step of {} images took {} with f32 and {} with bf16, so the processor is not made for bf16.",
                n.min(TRIAL),
                seconds(single),
                seconds(half)
            ),
        );
    }
    let input = random(shape, network.device());
    let (single, half) = (fastest(network, &input, Kind::Float), fastest(network, &input, Kind::BFloat16));
    let (dtype, summary) = if half.as_secs_f64() < (1.0 - WORTH) * single.as_secs_f64() {
        (Dtype::Bf16, "bf16, the quicker one here")
    } else {
        (Dtype::F32, "f32, the exact one, as bf16 is not much quicker here")
    };
    let figures = format!("{} with f32 and {} with bf16", seconds(single), seconds(half));
    (dtype, format!("{summary}: a step of {n} × {channels} × {height} × {width} took {figures}."))
}

fn fastest(network: &Network, input: &Tensor, dtype: Kind) -> Duration {
    step(network, input, dtype);
    let begin = Instant::now();
    let mut best = Duration::MAX;
    for _ in 0..STEPS {
        best = best.min(step(network, input, dtype));
        if begin.elapsed() > PATIENCE {
            break;
        }
    }
    best
}

/// One forward and backward pass.
fn step(network: &Network, input: &Tensor, dtype: Kind) -> Duration {
    let begin = Instant::now();
    let labels = Tensor::zeros([input.size()[0]], (Kind::Int64, network.device()));
    let loss = network.forward(input, dtype, true).logits.cross_entropy_for_logits(&labels);
    // Reading a number waits for a device that works on its own.
    let _ = network.gradient(&loss).sum(Kind::Float).double_value(&[]);
    begin.elapsed()
}

fn random(shape: [i64; 4], device: Device) -> Tensor {
    Tensor::randn(shape, (Kind::Float, device))
}

fn seconds(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    if milliseconds < 100.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}
