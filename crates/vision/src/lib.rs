//! Pictures in, tensors out: the one imaging code of Tintype. Knows nothing of libtorch, SQL or HTTP.
//!
//! The loader of the trainer, the captured batches and every preview call the same functions, so what a page
//! shows is what the network gets, to the bit.

mod beyond;
mod check;
mod color;
mod decode;
mod draw;
mod erase;
mod features;
mod filter;
mod geometry;
mod histogram;
mod inspect;
mod jpeg;
mod kind;
mod mean;
mod mix;
mod noise;
#[cfg(test)]
mod parity;
mod picture;
mod pipeline;
mod policy;
mod random;
mod resize;
mod step;
mod warp;

pub use check::{PipelineError, check, check_steps};
pub use decode::{DecodeError, Decoded, Limits, decode, decode_file};
pub use draw::Draw;
pub use features::{Features, FeaturesError, Percentiles, features};
pub use image::RgbImage;
pub use inspect::{Stats, channel_stats, histogram};
pub use kind::is_image;
pub use mean::MeanImage;
pub use mix::{CutBox, cutmix, draw_cut_box, draw_lambda, mixup};
pub use picture::{Thumbnail, channel_image, image_from_tensor, png, quick_png, thumbnail};
pub use pipeline::{Tensor, apply, output_side};
