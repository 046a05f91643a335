//! Batch normalisation.

use super::pass::Pass;
use tch::Tensor;

/// How a batch normalisation counts.
#[derive(Clone, Copy)]
pub struct BatchNormSettings {
    /// The share of a batch's statistics in the running ones.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
}

impl BatchNormSettings {
    /// PyTorch's defaults.
    pub const PYTORCH: Self = Self { momentum: 0.1, epsilon: 1e-5 };
}

/// Batch normalisation with running statistics, as `torch.nn.BatchNorm2d`.
pub(super) struct BatchNorm {
    pub(super) name: String,
    pub(super) weight: usize,
    pub(super) bias: usize,
    pub(super) mean: Tensor,
    pub(super) variance: Tensor,
    pub(super) settings: BatchNormSettings,
}

impl BatchNorm {
    /// Statistics and parameters are f32 whatever the input is.
    pub(super) fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let output = input.batch_norm(
            Some(&pass.weights[self.weight]),
            Some(&pass.weights[self.bias]),
            Some(&self.mean),
            Some(&self.variance),
            pass.mode.counts_batches(),
            self.settings.momentum,
            self.settings.epsilon,
            true,
        );
        pass.show(&self.name, &output);
        output
    }
}
