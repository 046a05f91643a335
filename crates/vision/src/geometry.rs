//! Where pixels go: resizing, cropping, turning. Semantics follow `torchvision.transforms.v2` on 8-bit pictures.

use fast_image_resize::images::{CroppedImage, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use std::cell::RefCell;

/// A rectangle of a picture, pixels.
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

thread_local! {
    /// Keeps its buffers from one picture to the next.
    static RESIZER: RefCell<Resizer> = RefCell::default();
}

/// The area alone (pixels around it have no influence), resized: bilinear with a support that grows as the picture
/// shrinks (antialiased).
pub(crate) fn resized(image: &RgbImage, area: Area, width: u32, height: u32) -> RgbImage {
    let source = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3)
        .expect("an RgbImage's buffer fits its size");
    let source = CroppedImage::new(&source, area.left, area.top, area.width, area.height)
        .expect("the area lies within the picture");
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    RESIZER
        .with_borrow_mut(|resizer| resizer.resize(&source, &mut target, &options))
        .expect("both pictures are 8-bit RGB");
    RgbImage::from_raw(width, height, target.into_vec()).expect("the buffer was made for this size")
}

/// Width and height when the shorter side becomes `size`; the longer one is cut to whole pixels.
pub(crate) fn shorter_side(width: u32, height: u32, size: u32) -> (u32, u32) {
    let scaled = |long: u32, short: u32| (u64::from(size) * u64::from(long) / u64::from(short)) as u32;
    if width <= height { (size, scaled(height, width)) } else { (scaled(width, height), size) }
}

/// A window that may reach beyond the picture, where it is black. `left` and `top` may be negative.
pub(crate) fn window(image: &RgbImage, left: i64, top: i64, width: u32, height: u32) -> RgbImage {
    let mut target = RgbImage::new(width, height);
    let from = left.max(0);
    let to = (left + i64::from(width)).min(i64::from(image.width()));
    if from >= to {
        return target;
    }
    for row in 0..height {
        let source_row = top + i64::from(row);
        if !(0..i64::from(image.height())).contains(&source_row) {
            continue;
        }
        let source = (source_row as usize * image.width() as usize + from as usize) * 3;
        let place = (row as usize * width as usize + (from - left) as usize) * 3;
        let length = (to - from) as usize * 3;
        target.as_mut()[place..place + length].copy_from_slice(&image.as_raw()[source..source + length]);
    }
    target
}

/// The middle square, padded with black where the picture is smaller.
pub(crate) fn center_crop(image: &RgbImage, size: u32) -> RgbImage {
    let offset = |length: u32| {
        let spare = i64::from(length) - i64::from(size);
        // torchvision pads the smaller half in front, and rounds half to even when it crops.
        if spare < 0 { -((-spare) / 2) } else { (spare as f64 / 2.0).round_ties_even() as i64 }
    };
    window(image, offset(image.width()), offset(image.height()), size, size)
}

/// Binary places of the coordinates in [`rotated`]: of 1024 additions the error is below a millionth of a pixel.
const PLACE_BITS: u32 = 32;
/// Binary places of its weights: a product of two, times a level, fits 32 bits.
const WEIGHT_BITS: u32 = 11;
const ONE: i64 = 1 << WEIGHT_BITS;

/// Turned counter-clockwise about the centre, bilinear, the size kept, corners black.
///
/// Each target pixel is looked up where it comes from. In whole numbers, which is fast, and the same everywhere.
pub(crate) fn rotated(image: &RgbImage, degrees: f64) -> RgbImage {
    let fixed = |value: f64| (value * (1_u64 << PLACE_BITS) as f64).round() as i64;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    let (middle_x, middle_y) = ((width - 1) as f64 / 2.0, (height - 1) as f64 / 2.0);
    let (step_x, step_y) = (fixed(cos), fixed(sin));
    let stride = image.width() as usize * 3;
    let source = image.as_raw().as_slice();
    let mut target = RgbImage::new(image.width(), image.height());
    for (y, row) in target.chunks_exact_mut(stride.max(1)).enumerate() {
        let dy = y as f64 - middle_y;
        let mut from_x = fixed(middle_x - cos * middle_x - sin * dy);
        let mut from_y = fixed(middle_y - sin * middle_x + cos * dy);
        let (pixels, _) = row.as_chunks_mut::<3>();
        for pixel in pixels {
            let (left, top) = (from_x >> PLACE_BITS, from_y >> PLACE_BITS);
            let share = |place: i64| (place >> (PLACE_BITS - WEIGHT_BITS)) & (ONE - 1);
            let weights = Weights::new(share(from_x), share(from_y));
            if (0..width - 1).contains(&left) && (0..height - 1).contains(&top) {
                let upper = top as usize * stride + left as usize * 3;
                let lower = upper + stride;
                *pixel = weights.mixed_within(&source[upper..upper + 6], &source[lower..lower + 6]);
            } else if (-1..width).contains(&left) && (-1..height).contains(&top) {
                *pixel = weights.mixed_at_the_edge(image, left, top);
            }
            from_x += step_x;
            from_y += step_y;
        }
    }
    target
}

/// How much each of four neighbours counts, in [`ONE`]² parts: upper left, upper right, lower left, lower right.
struct Weights([u32; 4]);

impl Weights {
    fn new(right: i64, low: i64) -> Weights {
        let (left, high) = (ONE - right, ONE - low);
        Weights([left * high, right * high, left * low, right * low].map(|weight| weight as u32))
    }

    fn mixed_within(&self, upper: &[u8], lower: &[u8]) -> [u8; 3] {
        let [a, b, c, d] = self.0;
        std::array::from_fn(|channel| {
            let sum = a * u32::from(upper[channel])
                + b * u32::from(upper[channel + 3])
                + c * u32::from(lower[channel])
                + d * u32::from(lower[channel + 3]);
            ((sum + (1 << (2 * WEIGHT_BITS - 1))) >> (2 * WEIGHT_BITS)) as u8
        })
    }

    /// Neighbours outside are black, and what is mixed with black is darkened again by the share that is inside:
    /// torchvision blends with the fill colour after it has sampled zeros.
    fn mixed_at_the_edge(&self, image: &RgbImage, left: i64, top: i64) -> [u8; 3] {
        let (mut sums, mut inside) = ([0_u64; 3], 0_u64);
        for (weight, (dx, dy)) in self.0.into_iter().zip([(0, 0), (1, 0), (0, 1), (1, 1)]) {
            let place = (u32::try_from(left + dx), u32::try_from(top + dy));
            let neighbour = if let (Ok(x), Ok(y)) = place { image.get_pixel_checked(x, y) } else { None };
            if let Some(neighbour) = neighbour {
                inside += u64::from(weight);
                for (sum, level) in sums.iter_mut().zip(neighbour.0) {
                    *sum += u64::from(weight) * u64::from(level);
                }
            }
        }
        sums.map(|sum| ((sum * inside + (1 << (4 * WEIGHT_BITS - 1))) >> (4 * WEIGHT_BITS)) as u8)
    }
}
