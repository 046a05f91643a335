//! What pixels are: brightness, contrast, saturation, hue, grey, with the formulas of `torchvision.transforms.v2` on
//! 8-bit images (a blend of the image with black, with its mean grey, with its grey; results cut to whole levels).

use image::RgbImage;

/// Rec. 601 luma with torchvision's factors, cut to a whole level.
fn grey([red, green, blue]: [u8; 3]) -> u8 {
    (0.2989 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)) as u8
}

/// `factor` × level + (1 - factor) × other, within 0 to 255. The cast cuts and saturates.
fn blend(level: u8, other: f32, factor: f32) -> u8 {
    (factor * f32::from(level) + (1.0 - factor) * other) as u8
}

/// Blends every pixel with the same grey: there are but 256 levels, so each is worked out once.
fn blend_with_level(image: &mut RgbImage, other: f32, factor: f32) {
    let levels: [u8; 256] = std::array::from_fn(|level| blend(level as u8, other, factor));
    for level in image.as_mut() {
        *level = levels[usize::from(*level)];
    }
}

pub(crate) fn brightness(image: &mut RgbImage, factor: f64) {
    blend_with_level(image, 0.0, factor as f32);
}

pub(crate) fn contrast(image: &mut RgbImage, factor: f64) {
    let (pixels, _) = image.as_raw().as_chunks::<3>();
    let sum: u64 = pixels.iter().map(|pixel| u64::from(grey(*pixel))).sum();
    let mean = sum as f64 / pixels.len().max(1) as f64;
    blend_with_level(image, mean as f32, factor as f32);
}

pub(crate) fn saturation(image: &mut RgbImage, factor: f64) {
    let (pixels, _) = image.as_chunks_mut::<3>();
    for pixel in pixels {
        let grey = f32::from(grey(*pixel));
        *pixel = pixel.map(|level| blend(level, grey, factor as f32));
    }
}

/// Each pixel's grey in all three channels.
pub(crate) fn grayscale(image: &mut RgbImage) {
    let (pixels, _) = image.as_chunks_mut::<3>();
    for pixel in pixels {
        *pixel = [grey(*pixel); 3];
    }
}

/// Turns the colour wheel by `turn` (1: all the way round; within -1 to 1).
pub(crate) fn hue(image: &mut RgbImage, turn: f64) {
    let sixths = turn as f32 * 6.0;
    // Sums and differences within ±6 come back into 0 to 6 by one addition; a remainder would take longer than all else.
    let wrapped = |sixth: f32| match sixth {
        below if below < 0.0 => below + 6.0,
        above if above >= 6.0 => above - 6.0,
        within => within,
    };
    let (pixels, _) = image.as_chunks_mut::<3>();
    for pixel in pixels {
        let [red, green, blue] = pixel.map(|level| f32::from(level) / 255.0);
        let greatest = red.max(green).max(blue);
        let range = greatest - red.min(green).min(blue);
        if range == 0.0 {
            continue;
        }
        let sixth = if greatest == red {
            wrapped((green - blue) / range)
        } else if greatest == green {
            2.0 + (blue - red) / range
        } else {
            4.0 + (red - green) / range
        };
        let turned = wrapped(sixth + sixths);
        // f(n) = v - v s max(0, min(k, 4 - k, 1)) with k = (n + h / 60°) mod 6, the usual way back from HSV.
        let level = |n: f32| {
            let k = wrapped(n + turned);
            greatest - range * k.min(4.0 - k).clamp(0.0, 1.0)
        };
        // torchvision's conversion back to 8 bits.
        *pixel = [level(5.0), level(3.0), level(1.0)].map(|value| (value * 255.999) as u8);
    }
}
