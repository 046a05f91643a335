//! Levels exchanged for other levels, by a table a channel: solarise, posterise, equalise, auto-contrast, with the
//! formulas of `torchvision.transforms.v2` on 8-bit images.

use image::RgbImage;

/// Levels at or above the threshold inverted.
pub(crate) fn solarize(image: &mut RgbImage, threshold: f32) {
    let table = std::array::from_fn(|level| {
        let level = level as u8;
        if f32::from(level) >= threshold { 255 - level } else { level }
    });
    exchange(image, &[table; 3]);
}

/// The highest `bits` bits of each level kept.
pub(crate) fn posterize(image: &mut RgbImage, bits: u8) {
    let mask = 0xff00_u16 >> bits.min(8);
    for level in image.as_mut() {
        *level &= mask as u8;
    }
}

/// Each channel's histogram made flat, by Pillow's table: the pixels below a level, in units of 1/255 of all those
/// that are not of the greatest level. A channel with fewer than 255 of those stays.
pub(crate) fn equalize(image: &mut RgbImage) {
    let tables = counts(image).map(|counts| {
        let all: u32 = counts.iter().sum();
        let greatest = counts.iter().rev().find(|count| **count > 0).copied().unwrap_or(0);
        let per_level = (all - greatest) / 255;
        let mut below = 0;
        std::array::from_fn(|level| {
            let equalized = (below + per_level / 2).checked_div(per_level);
            below += counts[level];
            equalized.map_or(level as u8, |equalized| equalized.min(255) as u8)
        })
    });
    exchange(image, &tables);
}

/// Each channel stretched from its least and greatest level to 0 and 255. A channel of one level stays.
pub(crate) fn autocontrast(image: &mut RgbImage) {
    let tables = counts(image).map(|counts| {
        let used = |(_, count): &(usize, &u32)| **count > 0;
        let least = counts.iter().enumerate().find(used).map_or(0, |(level, _)| level as u8);
        let greatest = counts.iter().enumerate().rev().find(used).map_or(0, |(level, _)| level as u8);
        std::array::from_fn(|level| {
            if least == greatest {
                return level as u8;
            }
            // In 32 bits and cut, as torchvision does it. The cast saturates, for levels that don't occur.
            let unit = f32::from(greatest - least) * (1.0 / 255.0);
            ((level as f32 - f32::from(least)) / unit) as u8
        })
    });
    exchange(image, &tables);
}

/// How often each level occurs, channel by channel.
fn counts(image: &RgbImage) -> [[u32; 256]; 3] {
    let mut counts = [[0; 256]; 3];
    let (pixels, _) = image.as_raw().as_chunks::<3>();
    for pixel in pixels {
        for (counts, level) in counts.iter_mut().zip(pixel) {
            counts[usize::from(*level)] += 1;
        }
    }
    counts
}

fn exchange(image: &mut RgbImage, tables: &[[u8; 256]; 3]) {
    let (pixels, _) = image.as_chunks_mut::<3>();
    for pixel in pixels {
        for (level, table) in pixel.iter_mut().zip(tables) {
            *level = table[usize::from(*level)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every level of red once in a row, green constant, blue in two levels.
    fn ramp() -> RgbImage {
        RgbImage::from_fn(256, 4, |x, y| image::Rgb([x as u8, 9, if y < 2 { 100 } else { 120 }]))
    }

    #[test]
    fn tables_do_what_their_names_say() {
        let changed = |change: fn(&mut RgbImage), x, y| {
            let mut image = ramp();
            change(&mut image);
            image.get_pixel(x, y).0
        };
        assert_eq!(changed(|image| solarize(image, 128.0), 128, 0), [127, 9, 100]);
        assert_eq!(changed(|image| solarize(image, 128.0), 127, 0), [127, 9, 100]);
        assert_eq!(changed(|image| posterize(image, 3), 255, 3), [0xe0, 0, 0x60]);
        assert_eq!(changed(|image| posterize(image, 8), 255, 3), [255, 9, 120]);
        assert_eq!(changed(autocontrast, 77, 0), [77, 9, 0]);
        // 20 / (20 / 255) in 32 bits, cut.
        assert_eq!(changed(autocontrast, 77, 3), [77, 9, 254]);
        assert_eq!(changed(equalize, 200, 0), [200, 9, 0]);
        assert_eq!(changed(equalize, 200, 3), [200, 9, 255]);
    }

    #[test]
    fn a_flat_histogram_is_that_of_equal_shares() {
        // Levels squeezed into the dark half come back to the full range, each about as often as before.
        let mut image = RgbImage::from_fn(256, 64, |x, _| image::Rgb([x as u8 / 2; 3]));
        equalize(&mut image);
        let levels: Vec<u8> = image.pixels().take(256).map(|pixel| pixel.0[0]).collect();
        assert_eq!((levels[0], levels[255]), (0, 255));
        assert!(levels.is_sorted());
        assert!(
            levels.iter().enumerate().all(|(x, level)| x.abs_diff(usize::from(*level)) <= 4),
            "{levels:?}"
        );
    }
}
