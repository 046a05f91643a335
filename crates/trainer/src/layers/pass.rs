//! One forward pass: the weights as views, how to compute, and who looks on.

use super::activation::Activation;
use super::conv_norm::Folded;
use tch::{Kind, Tensor};

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalises by running statistics; nothing is random.
    Evaluate,
    /// Normalises by the batch's statistics, which move the running ones; nothing is random.
    Steady,
    /// Random layers are at work.
    Train {
        /// The run's seed.
        seed: u64,
        /// The optimiser step: together with the seed and the layer it keys what is drawn, so that a resumed run draws
        /// the same.
        step: u64,
        /// Whether it is normalised by running statistics, which stay as they are, and not by the batch's, which move
        /// them.
        keep_statistics: bool,
    },
}

impl Mode {
    /// Whether batches are normalised by their own statistics.
    pub(super) fn counts_batches(self) -> bool {
        matches!(self, Mode::Steady | Mode::Train { keep_statistics: false, .. })
    }
}

/// Looks on while a pass goes through the layers.
pub trait Tap {
    /// `layer` gave `output`, which later layers may overwrite: copy what is kept.
    fn output(&self, layer: &str, output: &Tensor);

    /// The activation behind `layer` gave `output`, of which the same holds. Its channels are its last side.
    fn activation(&self, _layer: &str, _activation: Activation, _output: &Tensor) {}
}

/// One forward pass.
pub struct Pass<'a> {
    pub(super) weights: Vec<Tensor>,
    /// By [`super::ConvNorm`]; empty where they compute one after the other.
    pub(super) folded: Vec<Folded>,
    pub(super) dtype: Kind,
    pub(super) mode: Mode,
    pub(super) tap: Option<&'a dyn Tap>,
}

impl Pass<'_> {
    /// Shows a layer's output to the tap, if there is one.
    pub(super) fn show(&self, layer: &str, output: &Tensor) {
        if let Some(tap) = self.tap {
            tap.output(layer, output);
        }
    }

    /// Shows what the activation behind a layer gave.
    pub(super) fn show_activation(&self, layer: &str, activation: Activation, output: &Tensor) {
        if let Some(tap) = self.tap {
            tap.activation(layer, activation, output);
        }
    }

    /// The same of images `[n, c, h, w]`.
    pub(super) fn show_image_activation(&self, layer: &str, activation: Activation, output: &Tensor) {
        self.show_activation(layer, activation, &output.permute([0, 2, 3, 1]));
    }
}
