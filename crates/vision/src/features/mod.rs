//! What a health report needs to know of an image, measured once while its pixels are at hand.
//!
//! One pass over the rows feeds everything: a histogram of luma, a coarse [grid](grid) of colours from which means,
//! border, signatures and perceptual hash are taken, and a small [canvas](sharpness) for sharpness.

mod encoding;
mod grid;
mod histogram;
mod perceptual;
mod sharpness;
#[cfg(test)]
mod tests;

use crate::RgbImage;
use grid::{Grid, GridBuilder, luma};
use histogram::Histogram;
use sharpness::Canvas;

pub use encoding::FeaturesError;

/// Sides of [`Features::grey`] and [`Features::colour`], cells.
const GREY_SIDE: usize = 16;
const COLOUR_SIDE: usize = 8;

/// The 99th percentile of |Laplacian| where neighbours differ by nothing but rounding, levels: 2.6 standard deviations,
/// each `√(20 / 12)`.
const ROUNDING: f32 = 3.0;

/// What was measured of one image. A level is 0 to 255 as stored; luma is `0.299 R + 0.587 G + 0.114 B` (ITU-R
/// BT.601) of the levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Mean levels of red, green and blue.
    pub mean: [f32; 3],
    /// Mean of the squared levels of red, green and blue: with [`Features::mean`], what the standard deviation over many images is
    /// made of.
    pub square: [f32; 3],
    /// Mean levels of red, green and blue over the border: the outermost 32nd of width and height on all four sides.
    pub border: [f32; 3],
    /// Standard deviation of luma, levels.
    pub luma_std: f32,
    /// Percentiles of luma.
    pub luma: Percentiles,
    /// Shannon entropy of luma's histogram, bits: 0 for one level, 8 at most.
    pub entropy: f32,
    /// How sharp the sharpest hundredth is: the 99th percentile of |Laplacian| over the image reduced to at most
    /// 256 pixels, less 3 levels, which rounding alone may give, divided by `luma_std` (taken as at least 1 level).
    /// Photos have about 2, a Gaussian blur of 1.4 % of the longer side leaves 0.1. Infinite where a side has fewer than
    /// 3 pixels, which is too few to measure.
    pub sharpness: f32,
    /// The largest difference of two channels in any pixel, levels: 0 where all is grey.
    pub channel_range: u8,
    /// Signs of 64 low frequencies of luma, as in pHash (Zauner 2010): equal or nearly so for an image that was saved again,
    /// resized or slightly changed.
    pub perceptual_hash: u64,
    /// Mean luma levels of 16 × 16 equal cells, row by row: separates near-duplicates from images whose hashes happen to be alike.
    pub grey: [u8; GREY_SIDE * GREY_SIDE],
    /// Mean levels (R, G, B) of 8 × 8 equal cells, row by row.
    pub colour: [[u8; 3]; COLOUR_SIDE * COLOUR_SIDE],
    /// BLAKE3 of width, height (both u32, little-endian) and levels, cut to 16 bytes: equal for equal pixels, whatever
    /// file they were in.
    pub pixel_hash: [u8; 16],
}

/// Levels of luma that 1, 5, 50, 95 and 99 % of the pixels do not exceed (nearest rank; NumPy's `inverted_cdf`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// 1 %.
    pub p1: u8,
    /// 5 %.
    pub p5: u8,
    /// The median.
    pub p50: u8,
    /// 95 %.
    pub p95: u8,
    /// 99 %.
    pub p99: u8,
}

/// Measures an image.
///
/// # Panics
/// Where it has no pixels, which [`decode`](crate::decode) never returns.
pub fn features(image: &RgbImage) -> Features {
    let (width, height) = (image.width() as usize, image.height() as usize);
    assert!(width > 0 && height > 0, "an image without pixels");
    let mut grid = GridBuilder::new(width, height);
    let mut histogram = Histogram::default();
    let mut canvas = Canvas::new(width, height);
    let mut lumas = vec![0; width];
    let mut channel_range = 0;
    let mut squares = [0_u64; 3];
    for row in image.as_raw().chunks_exact(3 * width) {
        grid.add_row(row);
        channel_range = channel_range.max(luma_row(row, &mut lumas));
        for (sum, of_row) in squares.iter_mut().zip(squares_of_row(row)) {
            *sum += of_row;
        }
        histogram.add(&lumas);
        canvas.add_row(&lumas);
    }
    let grid = grid.finish();
    let luma_std = histogram.std();
    Features {
        mean: grid.mean(),
        square: squares.map(|sum| (sum as f64 / (width * height) as f64) as f32),
        border: grid.border(),
        luma_std: luma_std as f32,
        luma: Percentiles {
            p1: histogram.percentile(1),
            p5: histogram.percentile(5),
            p50: histogram.percentile(50),
            p95: histogram.percentile(95),
            p99: histogram.percentile(99),
        },
        entropy: histogram.entropy() as f32,
        sharpness: canvas
            .strong_laplacian()
            .map_or(f32::INFINITY, |levels| (levels - ROUNDING).max(0.0) / luma_std.max(1.0) as f32),
        channel_range,
        perceptual_hash: perceptual::hash(&grid),
        grey: cells(&grid, GREY_SIDE).map(|cell| luma(cell).round() as u8),
        colour: cells(&grid, COLOUR_SIDE).map(|cell| cell.map(|level| level.round() as u8)),
        pixel_hash: pixel_hash(image),
    }
}

/// Writes the luma of a row of RGB pixels; returns the largest difference between two channels of one pixel.
/// The weights are 256ths, so that sixteen bits hold every sum.
fn luma_row(row: &[u8], lumas: &mut [u8]) -> u8 {
    let mut widest = 0;
    for (pixel, luma) in row.chunks_exact(3).zip(lumas) {
        let (r, g, b) = (pixel[0], pixel[1], pixel[2]);
        let weighted = (77 * u32::from(r)).wrapping_add(150 * u32::from(g)).wrapping_add(29 * u32::from(b));
        *luma = (weighted.wrapping_add(128) >> 8) as u8;
        widest = widest.max(r.max(g).max(b).wrapping_sub(r.min(g).min(b)));
    }
    widest
}

/// Sums of the squared levels of a row of RGB pixels. Eight pixels at a time in as many sums as they have levels, which the
/// compiler keeps in registers; the row in pieces so short that no sum is more than 32 bits hold.
fn squares_of_row(row: &[u8]) -> [u64; 3] {
    const LANES: usize = 24;
    let mut sums = [0; 3];
    for piece in row.chunks(LANES * 65_536) {
        let mut lanes = [0_u32; LANES];
        let (chunks, rest) = piece.as_chunks::<LANES>();
        for chunk in chunks {
            for (sum, level) in lanes.iter_mut().zip(chunk) {
                // 65,536 × 255² is less than 2³².
                *sum = sum.wrapping_add(u32::from(u16::from(*level) * u16::from(*level)));
            }
        }
        for (at, sum) in lanes.iter().enumerate() {
            sums[at % 3] += u64::from(*sum);
        }
        for (at, level) in rest.iter().enumerate() {
            sums[at % 3] += u64::from(*level).pow(2);
        }
    }
    sums
}

/// The grid reduced to `side` × `side` cells, row by row.
fn cells<const COUNT: usize>(grid: &Grid, side: usize) -> [[f32; 3]; COUNT] {
    std::array::from_fn(|index| grid.reduced(side, index % side, index / side))
}

fn pixel_hash(image: &RgbImage) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&image.width().to_le_bytes());
    hasher.update(&image.height().to_le_bytes());
    hasher.update(image.as_raw());
    let mut first = [0; 16];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    first
}
