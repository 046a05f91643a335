//! A convolution and the batch normalisation behind it. Where nothing is trained the two are one convolution with a bias.

use super::activation::Activation;
use super::batch_norm::BatchNorm;
use super::convolution::Conv;
use super::pass::Pass;
use tch::{Kind, Tensor};

/// A convolution whose output is normalised.
pub struct ConvNorm {
    pub(super) conv: Conv,
    pub(super) norm: BatchNorm,
    /// Its place among those of the network.
    pub(super) index: usize,
}

impl ConvNorm {
    /// The convolution, then the normalisation; in one where the pass has both folded.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        match pass.folded.get(self.index) {
            None => self.norm.forward(pass, &self.conv.forward(pass, input)),
            Some(folded) => {
                let output = self.conv.compute(input, &folded.weight, Some(&folded.bias));
                pass.show(&self.norm.name, &output);
                output
            }
        }
    }
}

impl ConvNorm {
    /// As [`ConvNorm::forward`], with an activation behind it.
    pub fn activated(&self, pass: &Pass, input: &Tensor, activation: Activation) -> Tensor {
        self.activate(pass, self.forward(pass, input), activation)
    }

    /// The activation of what this layer gave, maybe with a shortcut added, which is overwritten.
    pub fn activate(&self, pass: &Pass, output: Tensor, activation: Activation) -> Tensor {
        let output = activation.apply(output);
        pass.show_image_activation(&self.norm.name, activation, &output);
        output
    }
}

/// What makes up a [`ConvNorm`]: the normalisation with the index of its convolution's weight.
pub(super) struct Pair {
    pub(super) conv_weight: usize,
    pub(super) weight: usize,
    pub(super) bias: usize,
    pub(super) mean: Tensor,
    pub(super) variance: Tensor,
    pub(super) epsilon: f64,
}

/// Weight and bias of the one convolution that both come to.
pub(super) struct Folded {
    weight: Tensor,
    bias: Tensor,
}

impl Pair {
    /// Jacob et al. 2018, *Quantization and training of neural networks for efficient integer-arithmetic-only inference*, section 3.2.
    pub(super) fn fold(&self, weights: &[Tensor], dtype: Kind) -> Folded {
        let scale = &weights[self.weight] / (&self.variance + self.epsilon).sqrt();
        let weight = &weights[self.conv_weight] * scale.view([-1, 1, 1, 1]);
        let bias = &weights[self.bias] - &self.mean * scale;
        Folded { weight: weight.to_kind(dtype), bias: bias.to_kind(dtype) }
    }
}
