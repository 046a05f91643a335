//! Pictures in, tensors out: the one imaging code of Tintype. Knows nothing of libtorch, SQL or HTTP.
//!
//! The loader of the trainer, the captured batches and every preview call the same functions, so what a page
//! shows is what the network gets, to the bit.

mod check;
mod color;
mod decode;
mod draw;
mod features;
mod geometry;
mod inspect;
mod kind;
#[cfg(test)]
mod parity;
mod picture;
mod pipeline;

pub use check::{PipelineError, check, check_steps};
pub use decode::{DecodeError, Decoded, Limits, decode, decode_file};
pub use draw::Draw;
pub use features::{Features, FeaturesError, Percentiles, features};
pub use image::RgbImage;
pub use inspect::{Stats, channel_picture, channel_stats, histogram, quick_png};
pub use picture::{Thumbnail, picture_from_tensor, png, thumbnail};
pub use pipeline::{Tensor, apply, output_side};
