//! Images for pages: thumbnails, PNG files, and tensors turned back into images.

use crate::geometry::Area;
use crate::pipeline::Tensor;
use crate::resize::{Kernel, resized};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _, ImageFormat, RgbImage};
use std::borrow::Cow;
use std::io::Cursor;

/// Up to this longer side an image is kept to the level: a page shows it enlarged.
const PIXEL_ART_SIDE: u32 = 64;
/// More is no thumbnail, and JPEG has a limit.
const MAX_SIDE: u32 = 4096;

/// A small image, encoded.
#[derive(Clone, Debug)]
pub struct Thumbnail {
    /// The encoded file.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub mime: &'static str,
    /// In pixels, as encoded.
    pub width: u32,
    /// In pixels, as encoded.
    pub height: u32,
}

/// An image whose longer side is at most `side` pixels (1 to 4096 count), never enlarged: lossless WebP where the
/// original has no side above 64 pixels, JPEG of quality 85 else.
pub fn thumbnail(image: &RgbImage, side: u32) -> Thumbnail {
    let longer = image.width().max(image.height());
    let side = side.clamp(1, MAX_SIDE);
    let small = if longer <= side {
        Cow::Borrowed(image)
    } else {
        let scaled = |length: u32| {
            let rounded = (u64::from(length) * u64::from(side) + u64::from(longer) / 2) / u64::from(longer);
            (rounded as u32).max(1)
        };
        let (width, height) = (scaled(image.width()), scaled(image.height()));
        Cow::Owned(resized(image, Area::whole(image), width, height, Kernel::SMOOTH))
    };
    let mut bytes = Vec::new();
    let (width, height) = small.dimensions();
    let (mime, written) = if longer <= PIXEL_ART_SIDE {
        let encoder = WebPEncoder::new_lossless(&mut bytes);
        ("image/webp", encoder.write_image(small.as_raw(), width, height, ExtendedColorType::Rgb8))
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 85);
        ("image/jpeg", encoder.write_image(small.as_raw(), width, height, ExtendedColorType::Rgb8))
    };
    written.expect("writing to memory does not fail, and no side is near a format's limit");
    Thumbnail { bytes, mime, width, height }
}

/// A tensor `[3, height, width]` as an image: the normalisation (mean, std) is undone, values are cut to 0 to 255.
pub fn image_from_tensor(
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

/// One channel of a tensor as grey: its minimum black, its maximum white.
pub fn channel_image(tensor: &Tensor, channel: usize) -> RgbImage {
    let plane = tensor.height as usize * tensor.width as usize;
    let values = &tensor.data[channel * plane..(channel + 1) * plane];
    let (min, max) = values
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), value| (min.min(*value), max.max(*value)));
    let spread = if max > min { max - min } else { 1.0 };
    let grey: Vec<f32> = values.iter().map(|value| (value - min) / spread).collect();
    image_from_tensor(&grey.repeat(3), tensor.height, tensor.width, None)
}

/// A PNG file made to be looked at once: quickly written rather than small.
pub fn quick_png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = image.dimensions();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Sub)
        .write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8)
        .expect("writing to memory does not fail");
    bytes
}

/// A PNG file.
pub fn png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).expect("writing to memory does not fail");
    bytes.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, RandomStream, apply, decode};
    use protocol::transform::TransformSpec;

    fn sample_image(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 3) as u8, (y * 5) as u8, (x ^ y) as u8]))
    }

    #[test]
    fn thumbnails_keep_their_shape_and_never_grow() {
        for (width, height, side, mime, size) in [
            (32, 32, 128, "image/webp", (32, 32)),
            (64, 20, 32, "image/webp", (32, 10)),
            (65, 20, 128, "image/jpeg", (65, 20)),
            (400, 300, 100, "image/jpeg", (100, 75)),
            (300, 400, 100, "image/jpeg", (75, 100)),
            (900, 1, 90, "image/jpeg", (90, 1)),
            (80, 80, 0, "image/jpeg", (1, 1)),
        ] {
            let thumbnail = thumbnail(&sample_image(width, height), side);
            let decoded = decode(&thumbnail.bytes, &Limits::default()).unwrap();
            assert_eq!((thumbnail.mime, (thumbnail.width, thumbnail.height)), (mime, size));
            assert_eq!(
                (format!("image/{}", decoded.format), decoded.image.dimensions()),
                (mime.into(), size)
            );
        }
    }

    #[test]
    fn what_is_small_is_kept_to_the_level() {
        let image = sample_image(32, 24);
        let limits = Limits::default();
        assert_eq!(decode(&thumbnail(&image, 64).bytes, &limits).unwrap().image, image);
        assert_eq!(decode(&png(&image), &limits).unwrap().image, image);
        assert_eq!(decode(&quick_png(&image), &limits).unwrap().image, image);
    }

    #[test]
    fn a_channel_is_stretched_from_black_to_white() {
        let data = vec![0.0, 1.0, 2.0, 3.0, -1.0, -1.0, -1.0, -1.0, 0.5, 0.25, 0.75, 0.5];
        let tensor = Tensor { data, height: 2, width: 2 };
        let red = channel_image(&tensor, 0);
        assert_eq!((red.get_pixel(0, 0).0, red.get_pixel(1, 1).0), ([0; 3], [255; 3]));
        assert_eq!(channel_image(&tensor, 1).as_raw(), &[0; 12]);
    }

    #[test]
    fn a_tensor_gives_back_the_image_that_it_was_made_of() {
        let image = sample_image(32, 32);
        let (mean, std) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        for (transform, normalize) in [
            (TransformSpec::CenterCrop { size: 32 }, None),
            (TransformSpec::Normalize { mean, std }, Some((mean, std))),
        ] {
            let (tensor, _) = apply(&[transform], &image, &mut RandomStream::new(0, 1, 1));
            assert_eq!(image_from_tensor(&tensor.data, 32, 32, normalize), image);
        }
        let wild = [-1.0, 2.0, f32::NAN];
        assert_eq!(image_from_tensor(&wild, 1, 1, None).as_raw(), &[0, 255, 0]);
    }
}
