//! Squeeze and excitation (Hu et al. 2018): each channel of an image is scaled by a number that is found from the means of all.

use super::activation::Activation;
use super::convolution::Conv;
use super::pass::Pass;
use tch::{Kind, Tensor};

/// Two products with an activation between them, and a gate behind them. They are small and stay in f32.
pub struct SqueezeExcite {
    pub(super) squeeze: Conv,
    pub(super) excite: Conv,
    pub(super) activation: Activation,
    pub(super) gate: Activation,
}

impl SqueezeExcite {
    /// `[n, c, h, w]` to the same.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let means = input.mean_dim([2_i64, 3].as_slice(), false, input.kind()).to_kind(Kind::Float);
        let squeezed = self.activation.apply(self.squeeze.forward_pixel(pass, &means));
        pass.show_activation(&self.squeeze.name, self.activation, &squeezed);
        let gates = self.gate.apply(self.excite.forward_pixel(pass, &squeezed));
        pass.show_activation(&self.excite.name, self.gate, &gates);
        let size = gates.size();
        input * gates.to_kind(input.kind()).view([size[0], size[1], 1, 1])
    }
}
