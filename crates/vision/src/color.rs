//! What pixels are: brightness, contrast, saturation, hue, with the formulas of `torchvision.transforms.v2` on
//! 8-bit pictures (a blend of the picture with black, with its mean grey, with its grey; results cut to whole levels).

use image::RgbImage;

/// Rec. 601 luma, cut to a whole level.
fn grey(pixel: &[u8]) -> f32 {
    (0.2989 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])).floor()
}

/// `factor` × level + (1 - factor) × other, within 0 to 255. The cast cuts and saturates.
fn blend(level: u8, other: f32, factor: f32) -> u8 {
    (factor * f32::from(level) + (1.0 - factor) * other).clamp(0.0, 255.0) as u8
}

pub(crate) fn brightness(image: &mut RgbImage, factor: f64) {
    for level in image.as_mut() {
        *level = blend(*level, 0.0, factor as f32);
    }
}

pub(crate) fn contrast(image: &mut RgbImage, factor: f64) {
    let (pixels, _) = image.as_raw().as_chunks::<3>();
    let sum: f64 = pixels.iter().map(|pixel| f64::from(grey(pixel))).sum();
    let mean = (sum / pixels.len().max(1) as f64) as f32;
    for level in image.as_mut() {
        *level = blend(*level, mean, factor as f32);
    }
}

pub(crate) fn saturation(image: &mut RgbImage, factor: f64) {
    for pixel in image.pixels_mut() {
        let grey = grey(&pixel.0);
        pixel.0 = pixel.0.map(|level| blend(level, grey, factor as f32));
    }
}

/// Turns the colour wheel by `turn` (1: all the way round).
pub(crate) fn hue(image: &mut RgbImage, turn: f64) {
    for pixel in image.pixels_mut() {
        let [red, green, blue] = pixel.0.map(|level| f32::from(level) / 255.0);
        let greatest = red.max(green).max(blue);
        let range = greatest - red.min(green).min(blue);
        if range == 0.0 {
            continue;
        }
        let sixth = if greatest == red {
            (green - blue) / range
        } else if greatest == green {
            2.0 + (blue - red) / range
        } else {
            4.0 + (red - green) / range
        };
        let turned = (sixth / 6.0 + turn as f32).rem_euclid(1.0) * 6.0;
        // f(n) = v - v s max(0, min(k, 4 - k, 1)) with k = (n + h / 60°) mod 6, the usual way back from HSV.
        let level = |n: f32| {
            let k = (n + turned) % 6.0;
            greatest - range * k.min(4.0 - k).clamp(0.0, 1.0)
        };
        // torchvision's conversion back to 8 bits.
        pixel.0 = [level(5.0), level(3.0), level(1.0)].map(|value| (value * 255.999) as u8);
    }
}
