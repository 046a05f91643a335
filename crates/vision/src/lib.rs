//! Images in, tensors out: the one imaging code of Tintype. Knows nothing of libtorch, SQL or HTTP.
//!
//! The loader of the trainer, the captured batches and every preview call the same functions, so what a page
//! shows is what the network gets, to the bit.

mod apply_transform;
mod check;
mod color;
mod decode;
mod encode;
mod erase;
mod features;
mod filter;
mod geometry;
mod histogram;
mod inspect;
mod jpeg_artifacts;
mod mean;
mod mix;
mod mix_batch;
mod noise;
mod order;
mod padding;
#[cfg(test)]
mod parity;
mod pipeline;
mod policy;
mod random_stream;
mod resize;
mod sampling;
mod sniff;
mod warp;

pub use check::{PipelineError, check, check_transforms};
pub use decode::{DecodeError, Decoded, Limits, decode, decode_file};
pub use encode::{Thumbnail, channel_image, image_from_tensor, png, quick_png, thumbnail};
pub use features::{Features, FeaturesError, Percentiles, features};
pub use image::RgbImage;
pub use inspect::{Stats, channel_stats, histogram};
pub use mean::MeanImage;
pub use mix::{CutBox, cutmix, mixup, sample_cut_box, sample_lambda};
pub use mix_batch::{Mix, mix_batch, partner};
pub use order::shuffled;
pub use pipeline::{Tensor, apply, output_side};
pub use random_stream::RandomStream;
pub use sniff::is_image;
