//! Pictures in, tensors out: the one imaging code of Tintype. Knows nothing of libtorch, SQL or HTTP.
//!
//! The loader of the trainer, the captured batches and every preview call the same functions, so what a page
//! shows is what the network gets, to the bit.

mod color;
mod decode;
mod draw;
mod geometry;
mod picture;
mod pipeline;

pub use decode::{DecodeError, Decoded, Limits, decode, decode_file};
pub use draw::Draw;
pub use image::RgbImage;
pub use picture::{Thumbnail, picture_from_tensor, png, thumbnail};
pub use pipeline::{PipelineError, Tensor, apply, check, output_side};
