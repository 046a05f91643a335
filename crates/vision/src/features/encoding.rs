//! [`Features`] as bytes of a fixed length, to be kept in a database.

use super::{COLOUR_SIDE, Features, GREY_SIDE, Percentiles};

/// Raised whenever a field, its order or its meaning changes: what was written before is then measured again.
const VERSION: u8 = 2;

/// Why bytes are no features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeaturesError {
    /// Written by another version of this program; the image has to be measured again.
    #[error("features of version {0}, not of version {VERSION}")]
    Version(u8),
    /// Cut off, or not features at all.
    #[error("{0} bytes are no features, which have {length}", length = Features::BYTES)]
    Length(usize),
}

impl Features {
    /// Length of [`Features::to_bytes`].
    pub const BYTES: usize =
        1 + 4 * 12 + 5 + 1 + 8 + GREY_SIDE * GREY_SIDE + 3 * COLOUR_SIDE * COLOUR_SIDE + 16;

    /// All of it: a version byte, then the numbers in little-endian order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.push(VERSION);
        let single = [self.luma_std, self.entropy, self.sharpness];
        for number in self.mean.iter().chain(&self.square).chain(&self.border).chain(&single) {
            bytes.extend(number.to_le_bytes());
        }
        let Percentiles { p1, p5, p50, p95, p99 } = self.luma;
        bytes.extend([p1, p5, p50, p95, p99, self.channel_range]);
        bytes.extend(self.perceptual_hash.to_le_bytes());
        bytes.extend(self.grey);
        bytes.extend(self.colour.as_flattened());
        bytes.extend(self.pixel_hash);
        bytes
    }

    /// The inverse of [`Features::to_bytes`].
    ///
    /// # Errors
    /// Bytes of another length or version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Features, FeaturesError> {
        let (&version, rest) = bytes.split_first().ok_or(FeaturesError::Length(0))?;
        if version != VERSION {
            return Err(FeaturesError::Version(version));
        }
        read(rest).ok_or(FeaturesError::Length(bytes.len()))
    }
}

/// What follows the version; `None` where it is too short or too long.
fn read(mut bytes: &[u8]) -> Option<Features> {
    let rest = &mut bytes;
    let (mean, square, border) = (three(rest)?, three(rest)?, three(rest)?);
    let [luma_std, entropy, sharpness] = three(rest)?;
    let [p1, p5, p50, p95, p99, channel_range] = take(rest)?;
    let perceptual_hash = u64::from_le_bytes(take(rest)?);
    let grey = take(rest)?;
    let levels: [u8; 3 * COLOUR_SIDE * COLOUR_SIDE] = take(rest)?;
    let pixel_hash = take(rest)?;
    let features = Features {
        mean,
        square,
        border,
        luma_std,
        luma: Percentiles { p1, p5, p50, p95, p99 },
        entropy,
        sharpness,
        channel_range,
        perceptual_hash,
        grey,
        colour: std::array::from_fn(|cell| std::array::from_fn(|channel| levels[3 * cell + channel])),
        pixel_hash,
    };
    rest.is_empty().then_some(features)
}

fn take<const COUNT: usize>(rest: &mut &[u8]) -> Option<[u8; COUNT]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn three(rest: &mut &[u8]) -> Option<[f32; 3]> {
    let bytes: [u8; 12] = take(rest)?;
    Some(std::array::from_fn(|at| f32::from_le_bytes(std::array::from_fn(|byte| bytes[4 * at + byte]))))
}
