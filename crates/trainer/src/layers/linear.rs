//! Products with a matrix.

use super::pass::Pass;
use tch::Tensor;

/// A product with bias. It is small and stays in f32: confidences keep all their digits.
pub struct Linear {
    pub(super) name: String,
    pub(super) weight: usize,
    pub(super) bias: usize,
}

impl Linear {
    /// `[n, inputs]` to `[n, outputs]`, f32.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let output = input.linear(&pass.weights[self.weight], Some(&pass.weights[self.bias]));
        pass.show(&self.name, &output);
        output
    }
}
