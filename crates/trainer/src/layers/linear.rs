//! Products with a matrix.

use super::activation::Activation;
use super::pass::Pass;
use tch::Tensor;

/// A product with bias.
pub struct Linear {
    pub(super) name: String,
    pub(super) weight: usize,
    pub(super) bias: usize,
}

impl Linear {
    /// The same over the last side, in the arithmetic of the pass: `[…, inputs]` to `[…, outputs]`.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let [weight, bias] = [self.weight, self.bias].map(|index| pass.weights[index].to_kind(pass.dtype));
        let output = input.to_kind(pass.dtype).linear(&weight, Some(&bias));
        pass.show(&self.name, &output);
        output
    }

    /// As [`Linear::forward`], with an activation behind it.
    pub fn activated(&self, pass: &Pass, input: &Tensor, activation: Activation) -> Tensor {
        self.activate(pass, self.forward(pass, input), activation)
    }

    /// The activation of what this layer gave, which is overwritten.
    pub fn activate(&self, pass: &Pass, output: Tensor, activation: Activation) -> Tensor {
        let output = activation.apply(output);
        pass.show_activation(&self.name, activation, &output);
        output
    }

    /// `[n, inputs]` to `[n, outputs]`, f32 whatever the pass computes in: near the end products are small, and confidences keep
    /// all their digits.
    pub fn forward_exact(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let output = input.linear(&pass.weights[self.weight], Some(&pass.weights[self.bias]));
        pass.show(&self.name, &output);
        output
    }
}
