//! Normalisation of each image, or each place of it, over its channels (Ba et al. 2016).

use super::pass::Pass;
use tch::{Kind, Tensor};

/// As `torch.nn.LayerNorm` over the last side. It knows no batches, and computes in f32 whatever the pass does.
pub struct LayerNorm {
    pub(super) name: String,
    pub(super) weight: usize,
    pub(super) bias: usize,
    pub(super) epsilon: f64,
}

impl LayerNorm {
    /// `[…, c]` to the same, f32.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let output = self.compute(pass, input);
        pass.show(&self.name, &output);
        output
    }

    /// `[n, c, h, w]` to the same, f32.
    pub fn forward_image(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let output = self.compute(pass, &input.permute([0, 2, 3, 1])).permute([0, 3, 1, 2]);
        pass.show(&self.name, &output);
        output
    }

    fn compute(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let [weight, bias] = [self.weight, self.bias].map(|index| &pass.weights[index]);
        input.to_kind(Kind::Float).layer_norm(weight.size(), Some(weight), Some(bias), self.epsilon, true)
    }
}
