//! From a file's bytes to an upright RGB image. Owns every decision about what an image file means, and trusts
//! no file: a hostile one costs an error, never a panic, nor more memory than the limits allow.
//!
//! What is read follows Pillow's `convert("RGB")`, which people's other tools use:
//!
//! * alpha is dropped, not laid over a colour: a transparent pixel shows the colour stored under it;
//! * grey is repeated, palettes are looked up, CMYK is converted without a colour profile;
//! * of an animation the first frame is taken; where a GIF's frame leaves its canvas bare, that is black;
//! * a JPEG that is cut off is refused, be it by one byte: half of it would be grey, and a model would learn from it.
//!
//! It differs where Pillow is no model: 16 bits are rounded to 8 (Pillow cuts the colours' lower half off, and turns
//! most of 16-bit grey white), and the EXIF orientation is applied (as `ImageOps.exif_transpose` does).

use crate::sniff::{Sniffed, jpeg_is_complete, name_of, sniff};
use image::error::{ImageError, LimitErrorKind};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use std::error::Error as _;
use std::io::{Cursor, ErrorKind, Read as _};
use std::path::Path;

/// No photograph is as large, and the decoders keep a copy.
const MAX_FILE_BYTES: u64 = 128 << 20;

/// What an image may cost before it is refused.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Width × height that a header may claim.
    pub max_pixels: u64,
    /// Bytes that a decoder may allocate; also the greatest size of a file that is read, which is never above 128 MiB.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_pixels: 50_000_000, max_bytes: 384 << 20 }
    }
}

impl Limits {
    fn max_file_bytes(&self) -> u64 {
        self.max_bytes.min(MAX_FILE_BYTES)
    }

    fn check_image(&self, decoder: &impl ImageDecoder) -> Result<(), DecodeError> {
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(DecodeError::TooManyPixels { width, height, limit: self.max_pixels });
        }
        if decoder.total_bytes() > self.max_bytes {
            return Err(DecodeError::TooLarge(self.max_bytes >> 20));
        }
        Ok(())
    }
}

/// An image as a person would see it.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// Upright: the EXIF orientation is applied.
    pub image: RgbImage,
    /// `jpeg`, `png` …
    pub format: &'static str,
    /// The EXIF orientation that was applied, 1 to 8; 1 where there is none.
    pub orientation: u8,
}

/// Why a file is no use, in words that follow the file's name.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// Its content is of no known image format.
    #[error("not an image: its content is of no known image format")]
    NotAnImage,
    /// The file is larger than the limit.
    #[error("the file has {} MiB, more than the limit of {} MiB", .bytes.div_ceil(1 << 20), .limit >> 20)]
    FileTooLarge {
        /// Size of the file, bytes.
        bytes: u64,
        /// The most that is allowed, bytes.
        limit: u64,
    },
    /// Its header claims more than the limit.
    #[error("its header claims {width} × {height} pixels, more than the limit of {limit} in all")]
    TooManyPixels {
        /// Claimed width, pixels.
        width: u32,
        /// Claimed height, pixels.
        height: u32,
        /// The most pixels that are allowed in all.
        limit: u64,
    },
    /// It would take more memory than the limit, in MiB.
    #[error("decoding it would take more than the limit of {0} MiB")]
    TooLarge(u64),
    /// An image of a format, or of a variety of one, that can't be decoded here.
    #[error("a {format} image that can't be read here: {why}")]
    Unsupported {
        /// The format, such as `jpeg`.
        format: &'static str,
        /// The decoder's words, or what to do.
        why: String,
    },
    /// It is damaged or cut off.
    #[error("a damaged {format} file: {why}")]
    Broken {
        /// The format, such as `jpeg`.
        format: &'static str,
        /// The decoder's words.
        why: String,
    },
    /// The file can't be read.
    #[error("can't be read: {0}")]
    Read(#[from] std::io::Error),
}

/// Decodes a file. One that is too large is refused before it is read.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_file(path: &Path, limits: &Limits) -> Result<Decoded, DecodeError> {
    let file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    check_size(length, limits.max_file_bytes())?;
    let mut bytes = Vec::with_capacity(length as usize);
    // One byte beyond the limit is enough to see that a file has grown meanwhile, or is a device.
    file.take(limits.max_file_bytes() + 1).read_to_end(&mut bytes)?;
    check_size(bytes.len() as u64, limits.max_file_bytes())?;
    decode(&bytes, limits)
}

/// Decodes a file's content.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, DecodeError> {
    check_size(bytes.len() as u64, MAX_FILE_BYTES)?;
    let format = match sniff(bytes) {
        Sniffed::Format(format) => format,
        Sniffed::Empty => return Err(DecodeError::Empty),
        Sniffed::Unknown => return Err(DecodeError::NotAnImage),
        Sniffed::Unsupported(format) => {
            let why = "convert it to JPEG or PNG first".into();
            return Err(DecodeError::Unsupported { format, why });
        }
    };
    let name = name_of(format);
    // A decoder that meets a hostile file may panic; that must cost one image, not the import.
    let decoded = std::panic::catch_unwind(|| decode_as(format, bytes, limits)).unwrap_or_else(|panic| {
        let words =
            panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let why = format!("the decoder gave up on it ({})", words.unwrap_or("no reason given"));
        Err(DecodeError::Broken { format: name, why })
    });
    let (image, orientation) = decoded?;
    Ok(Decoded { image, format: name, orientation: orientation.to_exif() })
}

fn check_size(bytes: u64, limit: u64) -> Result<(), DecodeError> {
    if bytes <= limit { Ok(()) } else { Err(DecodeError::FileTooLarge { bytes, limit }) }
}

fn decode_as(
    format: ImageFormat,
    bytes: &[u8],
    limits: &Limits,
) -> Result<(RgbImage, Orientation), DecodeError> {
    let name = name_of(format);
    let broken = |why: &str| DecodeError::Broken { format: name, why: why.into() };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut allowed = image::Limits::default();
    allowed.max_alloc = Some(limits.max_bytes);
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(|error| in_words(name, error, limits))?;
    limits.check_image(&decoder)?;
    // The decoder would fill what is missing with grey.
    if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
        return Err(broken("it is cut off, its end marker is missing"));
    }
    let orientation = orientation(&mut decoder);
    let image = DynamicImage::from_decoder(decoder).map_err(|error| in_words(name, error, limits))?;
    if image.width() == 0 || image.height() == 0 {
        return Err(broken("it has no pixels"));
    }
    // Turned as RGB, which is the least to hold twice.
    let mut upright = DynamicImage::ImageRgb8(image.into_rgb8());
    upright.apply_orientation(orientation);
    Ok((upright.into_rgb8(), orientation))
}

/// Damaged metadata does not make a good image bad: it counts as none.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    let from_exif = |chunk: Vec<u8>| {
        // Some programs put JPEG's prefix into files of other formats too.
        Orientation::from_exif_chunk(chunk.strip_prefix(b"Exif\0\0").unwrap_or(&chunk))
    };
    let exif = decoder.exif_metadata().ok().flatten().and_then(from_exif);
    // TIFF keeps it elsewhere, which its decoder knows.
    exif.or_else(|| decoder.orientation().ok()).unwrap_or(Orientation::NoTransforms)
}

fn in_words(format: &'static str, error: ImageError, limits: &Limits) -> DecodeError {
    match error {
        ImageError::Limits(limit) if limit.kind() == LimitErrorKind::InsufficientMemory => {
            DecodeError::TooLarge(limits.max_bytes >> 20)
        }
        ImageError::Unsupported(why) => DecodeError::Unsupported { format, why: why.to_string() },
        ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            DecodeError::Broken { format, why: "it is cut off".into() }
        }
        // The cause alone: what is around it only names the format again.
        ImageError::Decoding(error) => {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            DecodeError::Broken { format, why }
        }
        other => DecodeError::Broken { format, why: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageEncoder;
    use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Four quarters: red and green above, blue and white below.
    fn quarters() -> RgbImage {
        RgbImage::from_fn(32, 16, |x, y| match (x < 16, y < 8) {
            (true, true) => image::Rgb([255, 0, 0]),
            (false, true) => image::Rgb([0, 255, 0]),
            (true, false) => image::Rgb([0, 0, 255]),
            (false, false) => image::Rgb([255; 3]),
        })
    }

    /// An EXIF block that holds the orientation alone, little-endian.
    fn exif(orientation: u8) -> Vec<u8> {
        let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        block
    }

    fn write(mut encoder: impl ImageEncoder, exif: Vec<u8>) {
        encoder.set_exif_metadata(exif).unwrap();
        encoder.write_image(quarters().as_raw(), 32, 16, image::ExtendedColorType::Rgb8).unwrap();
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
    fn every_kind_that_keeps_pixels_gives_them_back() {
        use ImageFormat::{Bmp, Ico, Png, Pnm, Qoi, Tiff, WebP};
        for format in [Bmp, Ico, Png, Pnm, Qoi, Tiff, WebP] {
            let rgb = DynamicImage::ImageRgb8(quarters());
            // Icons hold images with alpha only.
            let stored = if format == Ico { rgb.to_rgba8().into() } else { rgb };
            let decoded = decode(&encoded(stored, format), &Limits::default()).unwrap();
            assert_eq!(decoded.image, quarters(), "{format:?}");
        }
    }

    #[test]
    fn orientation_is_applied_whatever_the_file() {
        // The corner that each orientation puts upper left, and whether it exchanges width and height.
        let cases = [
            (1, [255, 0, 0], false),
            (2, [0, 255, 0], false),
            (3, [255, 255, 255], false),
            (4, [0, 0, 255], false),
            (5, [255, 0, 0], true),
            (6, [0, 0, 255], true),
            (7, [255, 255, 255], true),
            (8, [0, 255, 0], true),
        ];
        for (orientation, corner, is_turned) in cases {
            let prefixed = [b"Exif\0\0".to_vec(), exif(orientation)].concat();
            let (mut jpeg, mut png, mut webp, mut odd_webp) = (vec![], vec![], vec![], vec![]);
            write(JpegEncoder::new_with_quality(&mut jpeg, 100), exif(orientation));
            write(PngEncoder::new(&mut png), exif(orientation));
            write(WebPEncoder::new_lossless(&mut webp), exif(orientation));
            write(WebPEncoder::new_lossless(&mut odd_webp), prefixed);
            for bytes in [jpeg, png, webp, odd_webp] {
                let decoded = decode(&bytes, &Limits::default()).unwrap();
                let size = if is_turned { (16, 32) } else { (32, 16) };
                assert_eq!(decoded.image.dimensions(), size, "{} {orientation}", decoded.format);
                assert_eq!(decoded.orientation, orientation, "{}", decoded.format);
                let far =
                    decoded.image.get_pixel(0, 0).0.iter().zip(corner).map(|(a, b)| a.abs_diff(b)).max();
                assert!(far < Some(8), "{} {orientation}: {far:?}", decoded.format);
            }
        }
    }

    #[test]
    fn damaged_metadata_does_not_spoil_an_image() {
        for block in [vec![], b"II*\0\xff\xff\xff\xff".to_vec(), b"MM".to_vec(), exif(0), exif(9)] {
            let mut bytes = Vec::new();
            write(JpegEncoder::new(&mut bytes), block);
            assert_eq!(decode(&bytes, &Limits::default()).unwrap().orientation, 1);
        }
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        use ImageFormat::{Bmp, Gif, Jpeg, Png, Pnm, Qoi, Tiff, WebP};
        for format in [Bmp, Gif, Jpeg, Png, Pnm, Qoi, Tiff, WebP] {
            let bytes = encoded(quarters(), format);
            decode(&bytes, &Limits::default()).unwrap();
            let half = decode(&bytes[..bytes.len() / 2], &Limits::default());
            assert!(matches!(half, Err(DecodeError::Broken { .. })), "{format:?}: {half:?}");
        }
        let jpeg = encoded(quarters(), ImageFormat::Jpeg);
        assert_eq!(
            decode(&jpeg[..jpeg.len() - 1], &Limits::default()).unwrap_err().to_string(),
            "a damaged jpeg file: it is cut off, its end marker is missing"
        );
    }

    #[test]
    fn what_is_no_use_says_why() {
        let limits = Limits::default();
        let png = encoded(RgbImage::new(40, 40), ImageFormat::Png);
        assert!(matches!(decode(b"", &limits), Err(DecodeError::Empty)));
        assert!(matches!(decode(b"hello, this is text", &limits), Err(DecodeError::NotAnImage)));
        assert_eq!(
            decode(b"\0\0\0\x18ftypheic\0\0", &limits).unwrap_err().to_string(),
            "a heic image that can't be read here: convert it to JPEG or PNG first"
        );
        let small = Limits { max_pixels: 1599, ..Limits::default() };
        assert_eq!(
            decode(&png, &small).unwrap_err().to_string(),
            "its header claims 40 × 40 pixels, more than the limit of 1599 in all"
        );
        let tight = Limits { max_bytes: 4799, ..Limits::default() };
        assert!(matches!(decode(&png, &tight), Err(DecodeError::TooLarge(0))));
        assert!(matches!(check_size(MAX_FILE_BYTES, MAX_FILE_BYTES), Ok(())));
        assert_eq!(
            check_size(MAX_FILE_BYTES + 1, MAX_FILE_BYTES).unwrap_err().to_string(),
            "the file has 129 MiB, more than the limit of 128 MiB"
        );
        let missing = decode_file(Path::new("no/such/file.png"), &limits);
        assert!(matches!(missing, Err(DecodeError::Read(_))));
    }
}
