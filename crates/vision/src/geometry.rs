//! Where pixels go without being mixed: crops, padding, and the sizes of images. Semantics follow
//! `torchvision.transforms.v2` on 8-bit images.

use crate::padding::Padding;
use image::RgbImage;

/// A rectangle of an image, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Area {
    pub(crate) fn whole(image: &RgbImage) -> Area {
        Area { left: 0, top: 0, width: image.width(), height: image.height() }
    }
}

/// Width and height when the shorter side becomes `size`; the longer one is cut to whole pixels.
pub(crate) fn shorter_side(width: u32, height: u32, size: u32) -> (u32, u32) {
    let scaled = |long: u32, short: u32| (u64::from(size) * u64::from(long) / u64::from(short)) as u32;
    if width <= height { (size, scaled(height, width)) } else { (scaled(width, height), size) }
}

/// A window that may reach beyond the image. `left` and `top` may be negative.
pub(crate) fn window(
    image: &RgbImage,
    left: i64,
    top: i64,
    width: u32,
    height: u32,
    padding: Padding,
) -> RgbImage {
    let mut target = RgbImage::from_pixel(width, height, image::Rgb([padding.fill; 3]));
    let columns: Vec<Option<u32>> =
        (0..width).map(|column| padding.source_index(left + i64::from(column), image.width())).collect();
    // What lies within the image is one piece of each row; only what is around it goes pixel by pixel.
    let from = (-left).clamp(0, i64::from(width)) as usize;
    let to = (i64::from(image.width()) - left).clamp(from as i64, i64::from(width)) as usize;
    let stride = image.width() as usize * 3;
    for (row, pixels) in target.chunks_exact_mut((width as usize * 3).max(1)).enumerate() {
        let Some(source_row) = padding.source_index(top + row as i64, image.height()) else { continue };
        let source = &image.as_raw()[source_row as usize * stride..][..stride];
        if from < to {
            let start = (left + from as i64) as usize * 3;
            pixels[from * 3..to * 3].copy_from_slice(&source[start..start + (to - from) * 3]);
        }
        for column in (0..from).chain(to..width as usize) {
            if let Some(place) = columns[column] {
                let place = place as usize * 3;
                pixels[column * 3..column * 3 + 3].copy_from_slice(&source[place..place + 3]);
            }
        }
    }
    target
}

/// `by` more pixels on every side.
pub(crate) fn padded(image: &RgbImage, by: u32, padding: Padding) -> RgbImage {
    let offset = -i64::from(by);
    window(image, offset, offset, image.width() + 2 * by, image.height() + 2 * by, padding)
}

/// The middle square, padded with black where the image is smaller.
pub(crate) fn center_crop(image: &RgbImage, size: u32) -> RgbImage {
    let offset = |length: u32| {
        let spare = i64::from(length) - i64::from(size);
        // torchvision pads the smaller half in front, and rounds half to even when it crops.
        if spare < 0 { -((-spare) / 2) } else { (spare as f64 / 2.0).round_ties_even() as i64 }
    };
    window(image, offset(image.width()), offset(image.height()), size, size, Padding::BLACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::transform::PaddingMode;

    #[test]
    fn the_window_shows_the_padding_also_far_away() {
        let image = RgbImage::from_fn(3, 2, |x, y| image::Rgb([(10 * y + x) as u8; 3]));
        let seen = |mode, left, top, width| {
            let padding = Padding { mode, fill: 99 };
            let window = window(&image, left, top, width, 2, padding);
            window.pixels().map(|pixel| pixel.0[0]).collect::<Vec<u8>>()
        };
        assert_eq!(seen(PaddingMode::Constant, -1, 1, 3), [99, 10, 11, 99, 99, 99]);
        assert_eq!(seen(PaddingMode::Constant, 7, 0, 2), [99; 4]);
        assert_eq!(seen(PaddingMode::Edge, -9, 1, 2), [10; 4]);
        assert_eq!(seen(PaddingMode::Edge, 9, -1, 2), [2; 4]);
        assert_eq!(seen(PaddingMode::Reflect, -2, 1, 7), [12, 11, 10, 11, 12, 11, 10, 2, 1, 0, 1, 2, 1, 0]);
        assert_eq!(seen(PaddingMode::Reflect, 4, 0, 1), [0, 10]);
        assert_eq!(padded(&image, 3, Padding { mode: PaddingMode::Reflect, fill: 0 }).dimensions(), (9, 8));
    }

    #[test]
    fn the_longer_side_is_cut_to_whole_pixels() {
        assert_eq!(shorter_side(445, 334, 224), (298, 224));
        assert_eq!(shorter_side(334, 445, 224), (224, 298));
        assert_eq!(shorter_side(7, 7, 3), (3, 3));
    }
}
