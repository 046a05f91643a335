//! An image, or a part of it, in another size. Antialiased as Pillow does it, by `fast_image_resize`; without, as
//! `torch.nn.functional.interpolate(align_corners=False)` does it on 8-bit images.

use crate::geometry::Area;
use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use protocol::transform::Interpolation;
use std::cell::RefCell;

/// How levels between pixels are made, and whether nothing is skipped as an image shrinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kernel {
    pub(crate) interpolation: Interpolation,
    pub(crate) antialias: bool,
}

impl Kernel {
    pub(crate) const SMOOTH: Kernel = Kernel { interpolation: Interpolation::Bilinear, antialias: true };
}

/// The area alone (pixels around it have no influence) in another size.
pub(crate) fn resized(image: &RgbImage, area: Area, width: u32, height: u32, kernel: Kernel) -> RgbImage {
    match (kernel.interpolation, kernel.antialias) {
        (Interpolation::Nearest, _) => nearest(image, area, width, height),
        (Interpolation::Bilinear, true) => convolved(image, area, width, height, FilterType::Bilinear),
        (Interpolation::Bilinear, false) => {
            interpolated(image, area, width, height, |share| [1.0 - share, share])
        }
        (Interpolation::Bicubic, true) => {
            across_then_down(image, area, width, height, FilterType::CatmullRom)
        }
        (Interpolation::Bicubic, false) => interpolated(image, area, width, height, cubic),
        (Interpolation::Lanczos, _) => across_then_down(image, area, width, height, FilterType::Lanczos3),
    }
}

thread_local! {
    /// Keeps its buffers from one image to the next.
    static RESIZER: RefCell<Resizer> = RefCell::default();
}

/// With a support that grows as the image shrinks.
fn convolved(image: &RgbImage, area: Area, width: u32, height: u32, filter: FilterType) -> RgbImage {
    let source = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3)
        .expect("an RgbImage's buffer fits its size");
    let source = CroppedImage::new(&source, area.left, area.top, area.width, area.height)
        .expect("the area lies within the image");
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize(&source, &mut target, &options))
        .expect("both images are 8-bit RGB");
    RgbImage::from_raw(width, height, target.into_vec()).expect("the buffer was made for this size")
}

/// In the order of torch, and of Pillow before version 13: where a kernel overshoots, levels are cut to 0 to 255 after each pass, and the other order
/// would cut others.
fn across_then_down(image: &RgbImage, area: Area, width: u32, height: u32, filter: FilterType) -> RgbImage {
    let across = convolved(image, area, width, area.height, filter);
    convolved(&across, Area::whole(&across), width, height, filter)
}

/// Pixel `i` comes from `floor(i × old ÷ new)`: torch's `nearest`, half a pixel off the middle.
fn nearest(image: &RgbImage, area: Area, width: u32, height: u32) -> RgbImage {
    let places = |first: u32, old: u32, new: u32| -> Vec<usize> {
        // In 32 bits, as torch has it, so that the same places are hit.
        let scale = old as f32 / new as f32;
        (0..new).map(|at| (first + ((at as f32 * scale) as u32).min(old - 1)) as usize).collect()
    };
    let columns = places(area.left, area.width, width);
    let rows = places(area.top, area.height, height);
    let stride = image.width() as usize * 3;
    let mut target = RgbImage::new(width, height);
    for (pixels, row) in target.chunks_exact_mut(width as usize * 3).zip(rows) {
        let (source, _) = image.as_raw()[row * stride..][..stride].as_chunks::<3>();
        let (pixels, _) = pixels.as_chunks_mut::<3>();
        for (pixel, column) in pixels.iter_mut().zip(&columns) {
            *pixel = source[*column];
        }
    }
    target
}

/// Keys's cubic with a = -0.75, at distances 1 + `share`, `share`, 1 - `share` and 2 - `share`.
fn cubic(share: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    [far(1.0 + share), near(share), near(1.0 - share), far(2.0 - share)]
}

/// Binary places of the weights of [`interpolated`].
const WEIGHT_BITS: u32 = 14;

/// Where one row or column comes from, and how much each of its neighbours counts.
struct Taps<const N: usize>([(usize, i32); N]);

impl<const N: usize> Taps<N> {
    /// For each of `new` rows or columns that are made of `old` ones, of which the first is `first`. Those beyond the
    /// edge are the outermost ones, repeated.
    fn all(first: u32, old: u32, new: u32, weights: impl Fn(f64) -> [f64; N]) -> Vec<Taps<N>> {
        let scale = f64::from(old) / f64::from(new);
        let taps = |at: u32| {
            let middle = (f64::from(at) + 0.5) * scale - 0.5;
            let weights = weights(middle - middle.floor());
            Taps(std::array::from_fn(|tap| {
                let place = middle.floor() as i64 + tap as i64 + 1 - N as i64 / 2;
                let place = place.clamp(0, i64::from(old) - 1) as usize + first as usize;
                (place, (weights[tap] * f64::from(1 << WEIGHT_BITS)).round() as i32)
            }))
        };
        (0..new).map(taps).collect()
    }

    fn mixed(&self, level: impl Fn(usize) -> u8) -> u8 {
        let sum: i32 = self.0.iter().map(|(place, weight)| weight * i32::from(level(*place))).sum();
        ((sum + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS).clamp(0, 255) as u8
    }
}

/// With a kernel of `N` pixels at any scale: across, rounded to levels, then down.
fn interpolated<const N: usize>(
    image: &RgbImage,
    area: Area,
    width: u32,
    height: u32,
    weights: impl Fn(f64) -> [f64; N],
) -> RgbImage {
    let columns = Taps::all(area.left, area.width, width, &weights);
    let rows = Taps::all(0, area.height, height, &weights);
    let (stride, new_stride) = (image.width() as usize * 3, width as usize * 3);
    let mut across = vec![0; area.height as usize * new_stride];
    let sources = image.as_raw().chunks_exact(stride).skip(area.top as usize);
    for (levels, source) in across.chunks_exact_mut(new_stride).zip(sources) {
        for (pixel, taps) in levels.chunks_exact_mut(3).zip(&columns) {
            for (channel, level) in pixel.iter_mut().enumerate() {
                *level = taps.mixed(|place| source[place * 3 + channel]);
            }
        }
    }
    let mut target = RgbImage::new(width, height);
    for (levels, taps) in target.chunks_exact_mut(new_stride).zip(&rows) {
        for (at, level) in levels.iter_mut().enumerate() {
            *level = taps.mixed(|place| across[place * new_stride + at]);
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_around_the_area_have_no_influence() {
        let inside = RgbImage::from_fn(9, 7, |x, y| image::Rgb([(x * 20) as u8, (y * 30) as u8, 5]));
        let mut framed = RgbImage::from_pixel(15, 12, image::Rgb([255; 3]));
        image::imageops::replace(&mut framed, &inside, 4, 2);
        let area = Area { left: 4, top: 2, width: 9, height: 7 };
        for interpolation in
            [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic, Interpolation::Lanczos]
        {
            for antialias in [false, true] {
                for side in [4, 21] {
                    let kernel = Kernel { interpolation, antialias };
                    let alone = resized(&inside, Area::whole(&inside), side, side, kernel);
                    assert_eq!(resized(&framed, area, side, side, kernel), alone, "{kernel:?} {side}");
                }
            }
        }
    }

    #[test]
    fn kernels_sum_to_one() {
        for share in [0.0, 0.2, 0.5, 0.99] {
            assert!((cubic(share).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert_eq!(cubic(0.0), [0.0, 1.0, 0.0, 0.0]);
    }
}
