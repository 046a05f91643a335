//! From a file's bytes to an upright RGB picture.
//!
//! The kind of file is told by its content, never by its name. As in Pillow's `convert("RGB")`, alpha is dropped, grey is repeated
//! and palettes are looked up; 16 bits are rounded to 8; of an animation the first frame is taken.

use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageReader, RgbImage};
use std::io::{Cursor, Read as _};
use std::path::Path;

/// What a picture may cost before it is refused.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Width × height that a header may claim.
    pub max_pixels: u64,
    /// Bytes that a decoder may allocate; also the greatest size of a file.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_pixels: 50_000_000, max_bytes: 384 << 20 }
    }
}

/// A picture as a person would see it.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// Upright: the EXIF orientation is applied.
    pub image: RgbImage,
    /// `jpeg`, `png` …
    pub format: &'static str,
    /// The EXIF orientation that was applied, 1 to 8; 1 where there is none.
    pub orientation: u8,
}

/// Why a file is no use, in words.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// Its content is of no kind of picture that is known.
    #[error("not a picture: its content is of no known image format")]
    NotAPicture,
    /// Its header claims more than the limit.
    #[error("its header claims {width} × {height} pixels, more than the limit of {limit} in all")]
    TooManyPixels {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Pixels in all.
        limit: u64,
    },
    /// It would take more memory than the limit.
    #[error("decoding it would take more than the limit of {0} MiB")]
    TooLarge(u64),
    /// A kind of picture that is known, in a variety that is not.
    #[error("an unsupported variety of {format}: {why}")]
    Unsupported {
        /// The kind.
        format: &'static str,
        /// The decoder's words.
        why: String,
    },
    /// It is damaged or cut off.
    #[error("a damaged {format} file: {why}")]
    Broken {
        /// The kind.
        format: &'static str,
        /// The decoder's words.
        why: String,
    },
    /// The file can't be read.
    #[error("can't be read: {0}")]
    Read(#[from] std::io::Error),
}

/// Decodes a file.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_file(path: &Path, limits: &Limits) -> Result<Decoded, DecodeError> {
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    if file.take(limits.max_bytes + 1).read_to_end(&mut bytes)? as u64 > limits.max_bytes {
        return Err(DecodeError::TooLarge(limits.max_bytes >> 20));
    }
    decode(&bytes, limits)
}

/// Decodes a file's content.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let format = image::guess_format(bytes).map_err(|_| DecodeError::NotAPicture)?;
    let name = format_name(format);
    // A decoder that meets a hostile file may panic; that must cost one picture, not the import.
    let decoded = std::panic::catch_unwind(|| {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut allowed = image::Limits::default();
        allowed.max_alloc = Some(limits.max_bytes);
        reader.limits(allowed);
        let mut decoder = reader.into_decoder().map_err(|error| in_words(name, error, limits))?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > limits.max_pixels {
            return Err(DecodeError::TooManyPixels { width, height, limit: limits.max_pixels });
        }
        if decoder.total_bytes() > limits.max_bytes {
            return Err(DecodeError::TooLarge(limits.max_bytes >> 20));
        }
        // Damaged metadata does not make a good picture bad.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let image = DynamicImage::from_decoder(decoder).map_err(|error| in_words(name, error, limits))?;
        Ok((image, orientation))
    });
    let (mut image, orientation) = match decoded {
        Ok(result) => result?,
        Err(_) => return Err(DecodeError::Broken { format: name, why: "the decoder gave up on it".into() }),
    };
    if image.width() == 0 || image.height() == 0 {
        return Err(DecodeError::Broken { format: name, why: "it has no pixels".into() });
    }
    image.apply_orientation(orientation);
    Ok(Decoded { image: image.into_rgb8(), format: name, orientation: orientation.to_exif() })
}

fn format_name(format: image::ImageFormat) -> &'static str {
    format.extensions_str().first().map_or("unknown", |name| if *name == "jpg" { "jpeg" } else { name })
}

fn in_words(format: &'static str, error: ImageError, limits: &Limits) -> DecodeError {
    match error {
        ImageError::Limits(limit) if limit.kind() == LimitErrorKind::InsufficientMemory => {
            DecodeError::TooLarge(limits.max_bytes >> 20)
        }
        ImageError::Unsupported(why) => DecodeError::Unsupported { format, why: why.to_string() },
        other => DecodeError::Broken { format, why: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageFormat;

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn grey_alpha_and_sixteen_bits_become_rgb() {
        let grey = image::GrayImage::from_pixel(3, 2, image::Luma([9]));
        let alpha = image::RgbaImage::from_pixel(3, 2, image::Rgba([1, 2, 3, 0]));
        let deep = image::ImageBuffer::from_pixel(3, 2, image::Rgb([65535_u16, 257, 0]));
        for (bytes, pixel) in [
            (encoded(grey, ImageFormat::Png), [9, 9, 9]),
            (encoded(alpha, ImageFormat::Png), [1, 2, 3]),
            (encoded(deep, ImageFormat::Png), [255, 1, 0]),
        ] {
            let decoded = decode(&bytes, &Limits::default()).unwrap();
            assert_eq!(decoded.image.dimensions(), (3, 2));
            assert_eq!(decoded.image.get_pixel(2, 1).0, pixel);
            assert_eq!((decoded.format, decoded.orientation), ("png", 1));
        }
    }

    #[test]
    fn what_is_no_use_says_why() {
        let limits = Limits::default();
        let png = encoded(RgbImage::new(40, 40), ImageFormat::Png);
        assert!(matches!(decode(b"", &limits), Err(DecodeError::Empty)));
        assert!(matches!(decode(b"hello, this is text", &limits), Err(DecodeError::NotAPicture)));
        assert!(matches!(decode(&png[..50], &limits), Err(DecodeError::Broken { format: "png", .. })));
        let small = Limits { max_pixels: 1599, ..Limits::default() };
        assert_eq!(
            decode(&png, &small).unwrap_err().to_string(),
            "its header claims 40 × 40 pixels, more than the limit of 1599 in all"
        );
    }
}
