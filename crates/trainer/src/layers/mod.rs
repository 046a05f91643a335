//! Layers, and the network that holds their numbers. It must not know which architectures there are.
//!
//! All numbers lie in one flat f32 tensor. It, or the last layer's part of it, is the only leaf that autograd sees: a forward pass begins by
//! splitting it into views, and the backward pass therefore leaves one flat gradient. An optimiser is then a
//! handful of operations on whole vectors, a checkpoint a few slices, and the norm of a layer's gradient the norm of a range.
//!
//! A layer computes by a [`Pass`], which knows the weights, the arithmetic and whether this is training, and shows what
//! each layer gives to whoever asked for it. Activations without numbers of their own are libtorch's functions.

mod activation;
mod attention;
mod batch_norm;
mod builder;
mod conv_norm;
mod convolution;
mod dropout;
mod first_numbers;
mod layer_norm;
mod linear;
mod network;
mod numbers;
mod pass;
mod squeeze_excite;

pub use activation::Activation;
pub use attention::Attention;
pub use batch_norm::BatchNormSettings;
pub use builder::Builder;
pub use conv_norm::ConvNorm;
pub use convolution::{Conv, ConvShape, Fan};
pub use dropout::{Dropout, StochasticDepth};
pub use first_numbers::{FirstNumbers, LinearStart};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use network::{Body, Frozen, Layer, Network, Output, Parameter, is_finite};
pub use numbers::Numbers;
pub use pass::{Mode, Pass, Tap};
pub use squeeze_excite::SqueezeExcite;

use tch::{Kind, Tensor};

/// The mean over height and width, in f32: `[n, c, h, w]` to `[n, c]`.
pub fn global_average(input: &Tensor) -> Tensor {
    input.to_kind(Kind::Float).mean_dim([2_i64, 3].as_slice(), false, Kind::Float)
}
