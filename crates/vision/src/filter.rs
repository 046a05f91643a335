//! What a camera does to an image: blur, sharpness, noise, as `torchvision.transforms.v2` does it
//! on 8-bit images.

use crate::RandomStream;
use crate::noise;
use crate::padding::Padding;
use image::RgbImage;
use protocol::transform::PaddingMode;

const MIRROR: Padding = Padding { mode: PaddingMode::Reflect, fill: 0 };

/// Convolved with a Gaussian of so many pixels a side (odd) and standard deviation `sigma`, the image mirrored at its edges.
///
/// As torchvision has it, the points of the kernel lie 1/√2 of a pixel apart in the exponent exp(-x²/σ²), which is
/// the usual exp(-x²/2σ²).
pub(crate) fn gaussian_blur(image: &mut RgbImage, kernel_size: u32, sigma: f64) {
    let kernel = gaussian(kernel_size, sigma);
    let radius = kernel.len() / 2;
    let (width, height) = (image.width(), image.height());
    let length = width as usize * 3;
    // Across, each row with what lies beyond its ends, then down; rounded once, at the end.
    let mut across = vec![0.0_f32; length * height as usize];
    let mut row = vec![0.0_f32; length + 6 * radius];
    for (sums, levels) in across.chunks_exact_mut(length).zip(image.chunks_exact(length)) {
        for (pixel, at) in row.chunks_exact_mut(3).zip(-(radius as i64)..) {
            let place =
                MIRROR.source_index(at, width).expect("a mirror shows something everywhere") as usize * 3;
            for (value, level) in pixel.iter_mut().zip(&levels[place..place + 3]) {
                *value = f32::from(*level);
            }
        }
        for (tap, weight) in kernel.iter().enumerate() {
            add_weighted(sums, &row[3 * tap..], *weight);
        }
    }
    let mut sums = vec![0.0_f32; length];
    for (levels, y) in image.chunks_exact_mut(length).zip(0_i64..) {
        sums.fill(0.5);
        for (weight, at) in kernel.iter().zip(y - radius as i64..) {
            let place =
                MIRROR.source_index(at, height).expect("a mirror shows something everywhere") as usize;
            add_weighted(&mut sums, &across[place * length..], *weight);
        }
        for (level, sum) in levels.iter_mut().zip(&sums) {
            *level = *sum as u8;
        }
    }
}

fn add_weighted(sums: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += weight * value;
    }
}

/// The kernel, which sums to 1.
fn gaussian(size: u32, sigma: f64) -> Vec<f32> {
    let middle = (f64::from(size) - 1.0) / 2.0;
    let height = |at: u32| (-0.5 * ((f64::from(at) - middle) / sigma).powi(2)).exp();
    let sum: f64 = (0..size).map(height).sum();
    (0..size).map(|at| (height(at) / sum) as f32).collect()
}

/// Each inner pixel blended with the mean of its neighbourhood, in which it counts five times as much as each of its
/// eight neighbours; the outermost pixels, and images of less than three pixels a side, stay.
pub(crate) fn sharpness(image: &mut RgbImage, factor: f64) {
    if image.width() < 3 || image.height() < 3 {
        return;
    }
    let share = f64::from((1.0 - factor) as f32);
    let length = image.width() as usize * 3;
    let height = image.height() as usize;
    let levels = image.as_mut();
    // The row above and the row itself as they were; the row below is not changed yet.
    let (mut above, mut here) = (levels[..length].to_vec(), levels[length..2 * length].to_vec());
    for y in 1..height - 1 {
        let (rows, below) = levels.split_at_mut((y + 1) * length);
        let row = &mut rows[y * length..];
        for at in 3..length - 3 {
            let around = |row: &[u8]| u32::from(row[at - 3]) + u32::from(row[at]) + u32::from(row[at + 3]);
            let level = u32::from(here[at]);
            // Thirteen parts in all; no sum of them ends in a half.
            let mean = (around(&above) + around(&here) + around(below) + 4 * level + 6) / 13;
            let blended = f64::from(level) + share * (f64::from(mean) - f64::from(level));
            row[at] = blended as f32 as u8;
        }
        std::mem::swap(&mut above, &mut here);
        here.copy_from_slice(&below[..length]);
    }
}

/// Normal noise of standard deviation `sigma` (1: the full range of levels) added to each level independently, cut to whole
/// levels towards 0 as torchvision does it.
pub(crate) fn gaussian_noise(image: &mut RgbImage, sigma: f64, random: &mut RandomStream) {
    let std = (sigma * 255.0) as f32;
    let length = image.width() as usize * 3;
    let mut values = vec![0.0; length];
    for levels in image.chunks_exact_mut(length) {
        noise::fill_with_normal(&mut values, random);
        for (level, value) in levels.iter_mut().zip(&values) {
            *level = (i32::from(*level) + (value * std) as i32).clamp(0, 255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_sums_to_one_and_has_its_std() {
        let kernel = gaussian(63, 5.0);
        assert!((kernel.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        let variance: f32 =
            kernel.iter().enumerate().map(|(at, weight)| weight * (at as f32 - 31.0).powi(2)).sum();
        assert!((variance.sqrt() - 5.0).abs() < 0.001, "{variance}");
        assert_eq!(gaussian(1, 0.01), [1.0]);
        assert_eq!(gaussian(3, 0.01), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn blur_and_sharpness_keep_an_image_of_one_level() {
        for size in [(1, 1), (2, 5), (20, 9)] {
            let plain = RgbImage::from_pixel(size.0, size.1, image::Rgb([200, 255, 0]));
            let mut image = plain.clone();
            gaussian_blur(&mut image, 63, 9.0);
            sharpness(&mut image, 3.7);
            assert_eq!(image, plain);
        }
    }

    #[test]
    fn noise_has_its_std_and_belongs_to_its_stream() {
        let plain = RgbImage::from_pixel(200, 100, image::Rgb([128; 3]));
        let noisy = |sample| {
            let mut image = plain.clone();
            gaussian_noise(&mut image, 0.1, &mut RandomStream::new(1, 1, sample));
            image
        };
        assert_eq!(noisy(1), noisy(1));
        assert_ne!(noisy(1), noisy(2));
        let image = noisy(1);
        let off = || image.iter().map(|level| f64::from(*level) - 128.0);
        let mean = off().sum::<f64>() / 60_000.0;
        let std = (off().map(|off| off * off).sum::<f64>() / 60_000.0).sqrt();
        // Cutting towards 0 takes a third of a level's variance and more off 25.5.
        assert!(mean.abs() < 0.5 && (24.7..25.5).contains(&std), "{mean} {std}");
    }
}
