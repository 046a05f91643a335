//! Where pixels go: resizing, cropping, turning. Semantics follow `torchvision.transforms.v2` on 8-bit pictures.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

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

/// Bilinear with a support that grows as the picture shrinks (antialiased).
pub(crate) fn resized(image: &RgbImage, area: Area, width: u32, height: u32) -> RgbImage {
    if area == Area::whole(image) && image.dimensions() == (width, height) {
        return image.clone();
    }
    let source = ImageRef::new(image.width(), image.height(), image.as_raw(), PixelType::U8x3)
        .expect("an RgbImage's buffer fits its size");
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).crop(
        f64::from(area.left),
        f64::from(area.top),
        f64::from(area.width),
        f64::from(area.height),
    );
    Resizer::new()
        .resize(&source, &mut target, &options)
        .expect("the area lies within the picture and both are 8-bit RGB");
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

/// Turned counter-clockwise about the centre, bilinear, the size kept, corners black.
pub(crate) fn rotated(image: &RgbImage, degrees: f64) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    let (middle_x, middle_y) = ((width - 1) as f64 / 2.0, (height - 1) as f64 / 2.0);
    let pixel = |x: i64, y: i64| {
        let inside = (0..width).contains(&x) && (0..height).contains(&y);
        if inside { image.get_pixel(x as u32, y as u32).0.map(f64::from) } else { [0.0; 3] }
    };
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let (dx, dy) = (f64::from(x) - middle_x, f64::from(y) - middle_y);
        let (from_x, from_y) = (cos * dx - sin * dy + middle_x, sin * dx + cos * dy + middle_y);
        let (left, top) = (from_x.floor(), from_y.floor());
        let (right_share, lower_share) = (from_x - left, from_y - top);
        let (left, top) = (left as i64, top as i64);
        let [a, b, c, d] =
            [(left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)].map(|(x, y)| pixel(x, y));
        image::Rgb(std::array::from_fn(|channel| {
            let upper = a[channel] * (1.0 - right_share) + b[channel] * right_share;
            let lower = c[channel] * (1.0 - right_share) + d[channel] * right_share;
            (upper * (1.0 - lower_share) + lower * lower_share).round() as u8
        }))
    })
}
