//! Decodes every file once, on all cores, in bounded memory.

use super::budget::Budget;
use super::meter::Meter;
use super::{ImportError, ImportedSample, Rejected};
use protocol::sample::Split;
use rayon::prelude::*;
use std::path::Path;
use vision::DecodeError;

/// Files up to this size, and images up to so many pixels, are read without asking for room: the many small
/// images of a usual data set need none.
const SMALL_FILE_BYTES: u64 = 4 << 20;
const SMALL_IMAGE_PIXELS: u64 = 2_000_000;

/// What the larger files, and the larger images once decoded, may take on all cores together.
const FILES_BYTES: u64 = 256 << 20;
const IMAGES_BYTES: u64 = 512 << 20;

/// What decoding is taken to cost: eight bytes for the worst that a file may hold (four channels of 16 bits).
const BYTES_PER_PIXEL: u64 = 8;

/// What was found in the files, each part in the order of the paths.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Decoded; class and split are not known yet.
    pub(super) images: Vec<ImportedSample>,
    /// Images, but of no use.
    pub(super) damaged: Vec<Rejected>,
    /// Something else.
    pub(super) others: Vec<Rejected>,
}

/// Decodes every one of `files`, paths relative to `root`.
pub(super) fn read(
    root: &Path,
    files: Vec<String>,
    limits: &vision::Limits,
    meter: &Meter,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Contents, ImportError> {
    let reader = Reader { limits, files: Budget::new(FILES_BYTES), images: Budget::new(IMAGES_BYTES) };
    let outcomes: Vec<Result<ImportedSample, (String, DecodeError)>> = files
        .into_par_iter()
        .map(|path| {
            if cancelled() {
                return Err(ImportError::Cancelled);
            }
            let outcome = reader.read(&root.join(&path), &path).map_err(|error| (path, error));
            meter.add_one();
            Ok(outcome)
        })
        .collect::<Result<_, _>>()?;
    let mut contents = Contents::default();
    for outcome in outcomes {
        match outcome {
            Ok(image) => contents.images.push(image),
            Err((path, error)) => {
                let is_other =
                    matches!(error, DecodeError::Empty | DecodeError::NotAnImage | DecodeError::Read(_));
                let list = if is_other { &mut contents.others } else { &mut contents.damaged };
                list.push(Rejected { path, reason: error.to_string() });
            }
        }
    }
    Ok(contents)
}

struct Reader<'a> {
    limits: &'a vision::Limits,
    files: Budget,
    images: Budget,
}

impl Reader<'_> {
    fn read(&self, file: &Path, path: &str) -> Result<ImportedSample, DecodeError> {
        let bytes = std::fs::metadata(file)?.len();
        if bytes > self.limits.max_bytes {
            return Err(DecodeError::TooLarge(self.limits.max_bytes >> 20));
        }
        // Room for the file is always taken before room for the image, so no two can wait for each other.
        let _file = (bytes > SMALL_FILE_BYTES).then(|| self.files.take(bytes));
        let content = std::fs::read(file)?;
        let decoded = self.decode(&content)?;
        Ok(ImportedSample {
            path: path.to_owned(),
            class: 0,
            split: Split::Train,
            width: decoded.image.width(),
            height: decoded.image.height(),
            bytes: content.len() as u64,
            format: decoded.format,
            orientation: decoded.orientation,
            hash: blake3::hash(&content).to_hex()[..32].to_owned(),
            features: vision::features(&decoded.image),
            metadata: None,
        })
    }

    /// What is small on disk may be vast in memory, and only its header tells: so it is tried within small limits
    /// first, and whatever passes them waits for room.
    fn decode(&self, content: &[u8]) -> Result<vision::Decoded, DecodeError> {
        let small = vision::Limits {
            max_pixels: self.limits.max_pixels.min(SMALL_IMAGE_PIXELS),
            max_bytes: self.limits.max_bytes.min(SMALL_IMAGE_PIXELS * BYTES_PER_PIXEL),
        };
        let room = match vision::decode(content, &small) {
            Err(DecodeError::TooManyPixels { width, height, .. }) => {
                (u64::from(width) * u64::from(height)).saturating_mul(BYTES_PER_PIXEL)
            }
            Err(DecodeError::TooLarge(_)) => IMAGES_BYTES,
            small => return small,
        };
        let _image = self.images.take(room);
        vision::decode(content, self.limits)
    }
}
