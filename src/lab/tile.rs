//! Tensors as images to look at.

use super::NetworkInput;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use protocol::transform::{SampledTransform, TransformSpec};
use std::sync::Arc;
use vision::{RgbImage, Tensor};

/// Up to this side a tile is exact, as it is shown enlarged; a larger one is shown reduced, where a JPEG a tenth the size
/// looks the same.
pub const EXACT_SIDE: u32 = 96;
/// Pixels of the longer side of a reduced one.
const SIDE: u32 = 160;

/// An image file.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub mime: &'static str,
}

/// A small image of what a network would be given.
#[derive(Clone, Debug)]
pub struct Tile {
    /// What it looks like.
    pub image: Arc<Encoded>,
    /// Names the content of `image`: [`super::Lab::image`] has it for as long as it is looked at.
    pub key: String,
    /// Of the tensor.
    pub width: u32,
    /// Of the tensor.
    pub height: u32,
    /// What the random transforms sampled.
    pub sampled: Vec<SampledTransform>,
}

/// The tensor as an image: all channels with the pipeline's normalisation undone, or one channel as grey.
pub fn image(tensor: &Tensor, pipeline: &[TransformSpec], channel: Option<usize>) -> RgbImage {
    let normalize = pipeline.iter().find_map(|step| match step {
        TransformSpec::Normalize { mean, std } => Some((*mean, *std)),
        _ => None,
    });
    match channel {
        None => vision::image_from_tensor(&tensor.data, tensor.height, tensor.width, normalize),
        Some(channel) => vision::channel_image(tensor, channel),
    }
}

/// An image to be shown small: exact where it is, reduced where it is large.
pub(super) fn small(image: &RgbImage) -> Encoded {
    if image.width().max(image.height()) <= EXACT_SIDE {
        return exact(image);
    }
    let reduced = vision::thumbnail(image, SIDE);
    Encoded { bytes: reduced.bytes, mime: reduced.mime }
}

/// An image to the level: a pixel a tensor element.
pub(super) fn exact(image: &RgbImage) -> Encoded {
    let mut bytes = Vec::new();
    let (width, height) = image.dimensions();
    WebPEncoder::new_lossless(&mut bytes)
        .write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8)
        .expect("writing to memory does not fail, and no side is near the format's limit");
    Encoded { bytes, mime: "image/webp" }
}

pub(super) fn tile(input: NetworkInput, pipeline: &[TransformSpec], channel: Option<usize>) -> Tile {
    let image = small(&image(&input.tensor, pipeline, channel));
    let key = key_of(&image);
    Tile {
        image: Arc::new(image),
        key,
        width: input.tensor.width,
        height: input.tensor.height,
        sampled: input.sampled,
    }
}

/// Half of a hash: enough never to be met twice.
pub(super) fn key_of(image: &Encoded) -> String {
    blake3::hash(&image.bytes).to_hex()[..32].to_owned()
}
