//! Pictures for people: thumbnails, and tensors turned back into pictures.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _, ImageFormat, RgbImage};
use std::io::Cursor;

use crate::geometry::{Area, resized};

/// Up to this longer side a picture is kept to the pixel: a page shows it enlarged.
const PIXEL_ART_SIDE: u32 = 64;

/// A small picture, encoded.
#[derive(Clone, Debug)]
pub struct Thumbnail {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub mime: &'static str,
}

/// A picture whose longer side is at most `side` pixels, never enlarged: lossless WebP where it is small, JPEG else.
pub fn thumbnail(image: &RgbImage, side: u32) -> Thumbnail {
    let longer = image.width().max(image.height());
    let small = if longer <= side {
        image.clone()
    } else {
        let scaled = |length: u32| (u64::from(length) * u64::from(side) / u64::from(longer)).max(1) as u32;
        resized(image, Area::whole(image), scaled(image.width()), scaled(image.height()))
    };
    let mut bytes = Vec::new();
    let (width, height) = small.dimensions();
    if longer <= PIXEL_ART_SIDE {
        WebPEncoder::new_lossless(&mut bytes)
            .write_image(small.as_raw(), width, height, ExtendedColorType::Rgb8)
            .expect("writing to memory does not fail");
        Thumbnail { bytes, mime: "image/webp" }
    } else {
        JpegEncoder::new_with_quality(&mut bytes, 85)
            .write_image(small.as_raw(), width, height, ExtendedColorType::Rgb8)
            .expect("writing to memory does not fail");
        Thumbnail { bytes, mime: "image/jpeg" }
    }
}

/// A tensor `[3, height, width]` as a picture: the normalisation (mean, std) is undone, values are cut to 0 to 255.
pub fn picture_from_tensor(
    data: &[f32],
    height: u32,
    width: u32,
    normalize: Option<([f32; 3], [f32; 3])>,
) -> RgbImage {
    let (mean, std) = normalize.unwrap_or(([0.0; 3], [1.0; 3]));
    let plane = height as usize * width as usize;
    RgbImage::from_fn(width, height, |x, y| {
        let at = y as usize * width as usize + x as usize;
        image::Rgb(std::array::from_fn(|channel| {
            let value = data.get(channel * plane + at).copied().unwrap_or(0.0);
            ((value * std[channel] + mean[channel]) * 255.0).round() as u8
        }))
    })
}

/// A PNG file.
pub fn png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).expect("writing to memory does not fail");
    bytes.into_inner()
}
