//! Layers that leave something out by chance, in training only. What is left is scaled up, so that the mean stays.
//!
//! Draws are keyed by seed, step and layer: they don't depend on the device, nor on what was drawn before, and a step
//! that is computed again draws the same.

use super::pass::{Mode, Pass};
use tch::Tensor;
use vision::RandomStream;

/// Leaves out single numbers (Srivastava et al. 2014).
pub struct Dropout {
    pub(super) name: String,
    pub(super) key: i64,
    pub(super) rate: f64,
}

impl Dropout {
    /// Each number of `input` is 0 with this layer's rate.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        drop(pass, &self.name, self.key, self.rate, input, &input.size())
    }
}

/// Leaves out a block's own part of whole images, so that only its shortcut is left (Huang et al. 2016).
pub struct StochasticDepth {
    pub(super) name: String,
    pub(super) key: i64,
    pub(super) rate: f64,
}

impl StochasticDepth {
    /// Each image of `input` is 0 with this layer's rate.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut shape = vec![1; input.dim()];
        shape[0] = input.size()[0];
        drop(pass, &self.name, self.key, self.rate, input, &shape)
    }
}

/// Draws once for each number of `shape`, which `input`'s can be spread from.
fn drop(pass: &Pass, name: &str, key: i64, rate: f64, input: &Tensor, shape: &[i64]) -> Tensor {
    let Mode::Train { seed, step, .. } = pass.mode else { return input.shallow_clone() };
    if rate == 0.0 {
        return input.shallow_clone();
    }
    // Keys of samples are not negative, so no image draws from the same stream.
    let mut random = RandomStream::new(seed, u32::try_from(step).unwrap_or(u32::MAX), -1 - key);
    let kept = (1.0 / (1.0 - rate)) as f32;
    let scale: Vec<f32> =
        (0..shape.iter().product()).map(|_: i64| if random.chance(rate) { 0.0 } else { kept }).collect();
    let scale = Tensor::from_slice(&scale).view(shape).to_device(input.device()).to_kind(input.kind());
    let output = input * scale;
    pass.show(name, &output);
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    fn pass(mode: Mode) -> Pass<'static> {
        Pass { weights: Vec::new(), folded: Vec::new(), dtype: Kind::Float, mode, tap: None }
    }

    #[test]
    fn what_is_left_out_depends_on_seed_step_and_layer_alone_and_the_mean_stays() {
        let input = Tensor::ones([200, 50], (Kind::Float, tch::Device::Cpu));
        let layer = |key| Dropout { name: "dropout".to_owned(), key, rate: 0.2 };
        let output = |key, seed, step| {
            layer(key).forward(&pass(Mode::Train { seed, step, keep_statistics: false }), &input)
        };
        let first = output(0, 7, 3);
        assert_eq!(first, output(0, 7, 3));
        for other in [output(1, 7, 3), output(0, 8, 3), output(0, 7, 4)] {
            assert_ne!(first, other);
        }
        let dropped = first.eq(0.0).to_kind(Kind::Float).mean(Kind::Float).double_value(&[]);
        assert!((dropped - 0.2).abs() < 0.02, "{dropped}");
        assert_eq!(first.max().double_value(&[]), 1.25);
        assert_eq!(layer(0).forward(&pass(Mode::Evaluate), &input), input);
    }

    #[test]
    fn stochastic_depth_leaves_out_whole_images() {
        let input = Tensor::ones([400, 3, 2, 2], (Kind::Float, tch::Device::Cpu));
        let layer = StochasticDepth { name: "drop".to_owned(), key: 0, rate: 0.5 };
        let sums = layer
            .forward(&pass(Mode::Train { seed: 1, step: 0, keep_statistics: false }), &input)
            .sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Float);
        let (none, all) = (sums.eq(0.0), sums.eq(24.0));
        assert!(none.logical_or(&all).all().int64_value(&[]) == 1);
        let left_out = none.to_kind(Kind::Float).mean(Kind::Float).double_value(&[]);
        assert!((left_out - 0.5).abs() < 0.1, "{left_out}");
    }
}
