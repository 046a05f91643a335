//! One forward pass: the weights as views, how to compute, and who looks on.

use tch::{Kind, Tensor};

/// What a pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Normalises by running statistics; nothing is random.
    Evaluate,
    /// Normalises by the batch's statistics, which move the running ones; random layers are at work.
    Train {
        /// The run's seed.
        seed: u64,
        /// The optimiser step: together with the seed and the layer it keys what is drawn, so that a resumed run draws
        /// the same.
        step: u64,
    },
}

/// Looks on while a pass goes through the layers.
pub trait Tap {
    /// `layer` gave `output`, which later layers may overwrite: copy what is kept.
    fn output(&self, layer: &str, output: &Tensor);
}

/// One forward pass.
pub struct Pass<'a> {
    pub(super) weights: Vec<Tensor>,
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
}
