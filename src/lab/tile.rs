//! NetworkInput tensors as images to look at.

use super::NetworkInput;
use protocol::transform::{SampledTransform, TransformSpec};
use vision::{RgbImage, Tensor};

/// Up to this side a tile is exact, as it is shown enlarged; a larger one is shown reduced, where a JPEG a tenth the size
/// looks the same.
const EXACT_SIDE: u32 = 96;
/// Pixels of the longer side of a reduced one.
const SIDE: u32 = 160;

/// A small image of what a network would be given.
#[derive(Clone, Debug)]
pub struct Tile {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub mime: &'static str,
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
pub fn small(image: &RgbImage) -> (Vec<u8>, &'static str) {
    if image.width().max(image.height()) <= EXACT_SIDE {
        return (vision::quick_png(image), "image/png");
    }
    let reduced = vision::thumbnail(image, SIDE);
    (reduced.bytes, reduced.mime)
}

pub(super) fn tile(inputs: NetworkInput, pipeline: &[TransformSpec], channel: Option<usize>) -> Tile {
    let (bytes, mime) = small(&image(&inputs.tensor, pipeline, channel));
    Tile { bytes, mime, width: inputs.tensor.width, height: inputs.tensor.height, sampled: inputs.sampled }
}
