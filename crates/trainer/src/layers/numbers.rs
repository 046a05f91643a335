//! Numbers that are added, multiplied by or put before others as they are.

use super::pass::Pass;
use tch::{Kind, Tensor};

/// A layer that is one parameter, by whose name it goes. It computes in f32.
pub struct Numbers {
    pub(super) name: String,
    pub(super) index: usize,
}

impl Numbers {
    /// Adds them to each image's.
    pub fn add(&self, pass: &Pass, input: &Tensor) -> Tensor {
        self.shown(pass, input + &pass.weights[self.index])
    }

    /// Multiplies each image's by them.
    pub fn multiply(&self, pass: &Pass, input: &Tensor) -> Tensor {
        self.shown(pass, input * &pass.weights[self.index])
    }

    /// Puts them, one token, before each image's tokens: `[n, tokens, c]` to `[n, tokens + 1, c]`.
    pub fn before(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let token = pass.weights[self.index].expand([input.size()[0], -1, -1], false);
        self.shown(pass, Tensor::cat(&[token, input.to_kind(Kind::Float)], 1))
    }

    fn shown(&self, pass: &Pass, output: Tensor) -> Tensor {
        pass.show(&self.name, &output);
        output
    }
}
