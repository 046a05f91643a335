//! Applies one transform of a pipeline: samples its random parameters, in a fixed order, and returns them.

use crate::geometry::{Area, center_crop, padded, shorter_side, window};
use crate::padding::Padding;
use crate::policy::{self, Space};
use crate::resize::{Kernel, resized};
use crate::warp::{Matrix, perspective, rotated, transformed};
use crate::{RandomStream, color, erase, filter, histogram, jpeg_artifacts, sampling};
use image::{RgbImage, imageops};
use protocol::transform::TransformSpec;
use std::borrow::Cow;

/// Names and values of sampled parameters.
pub(crate) type Values = Vec<(&'static str, f64)>;

/// Changes the image. Returns what was sampled; `None` where the transform has no random parameter. `Normalize` works on
/// tensors, and changes nothing here.
pub(crate) fn apply_transform(
    transform: &TransformSpec,
    image: &mut Cow<RgbImage>,
    random: &mut RandomStream,
) -> Option<Values> {
    use TransformSpec;
    let values = match *transform {
        TransformSpec::Resize { size, interpolation, antialias } => {
            let (width, height) = shorter_side(image.width(), image.height(), size);
            resize(image, width, height, Kernel { interpolation, antialias });
            return None;
        }
        TransformSpec::ResizeExact { size, interpolation, antialias } => {
            resize(image, size, size, Kernel { interpolation, antialias });
            return None;
        }
        TransformSpec::CenterCrop { size } => {
            if image.dimensions() != (size, size) {
                *image = Cow::Owned(center_crop(image, size));
            }
            return None;
        }
        TransformSpec::Pad { padding, padding_mode, fill } => {
            *image = Cow::Owned(padded(image, padding, Padding { mode: padding_mode, fill }));
            return None;
        }
        TransformSpec::Normalize { .. } => return None,
        TransformSpec::RandomCrop { size, padding, padding_mode, fill } => {
            let mut place = |length: u32| {
                let spare = i64::from(length) + 2 * i64::from(padding) - i64::from(size);
                let chosen = if spare > 0 { i64::from(random.below(spare as u32 + 1)) } else { spare / 2 };
                chosen - i64::from(padding)
            };
            let (left, top) = (place(image.width()), place(image.height()));
            *image = Cow::Owned(window(image, left, top, size, size, Padding { mode: padding_mode, fill }));
            vec![("left", left as f64), ("top", top as f64)]
        }
        TransformSpec::RandomResizedCrop { size, scale, ratio, interpolation, antialias } => {
            let area = sampling::inception_area(image.width(), image.height(), scale, ratio, random);
            *image = Cow::Owned(resized(image, area, size, size, Kernel { interpolation, antialias }));
            place(area).to_vec()
        }
        TransformSpec::HorizontalFlip { probability } => {
            flip(image, random, probability, imageops::flip_horizontal_in_place)
        }
        TransformSpec::VerticalFlip { probability } => {
            flip(image, random, probability, imageops::flip_vertical_in_place)
        }
        TransformSpec::Rotation { degrees, padding_mode, fill, expand } => {
            let angle = random.uniform(degrees[0], degrees[1]);
            *image = Cow::Owned(rotated(image, angle, Padding { mode: padding_mode, fill }, expand));
            vec![("degrees", angle)]
        }
        TransformSpec::Affine {
            degrees,
            translate_x,
            translate_y,
            scale,
            shear_x,
            shear_y,
            padding_mode,
            fill,
        } => {
            let (size, translate, shear) =
                (image.dimensions(), [translate_x, translate_y], [shear_x, shear_y]);
            let pose = sampling::pose(size, degrees, translate, scale, shear, random);
            let (matrix, padding) = (Matrix::inverse_of(pose), Padding { mode: padding_mode, fill });
            *image = Cow::Owned(transformed(image, size.0, size.1, matrix, padding));
            vec![
                ("degrees", pose.degrees),
                ("translate_x", pose.translate[0]),
                ("translate_y", pose.translate[1]),
                ("scale", pose.scale),
                ("shear_x", pose.shear[0]),
                ("shear_y", pose.shear[1]),
            ]
        }
        TransformSpec::Perspective { distortion, probability, padding_mode, fill } => {
            let applied = random.chance(probability);
            let corners = sampling::corners(image.width(), image.height(), distortion, random);
            if applied {
                *image = Cow::Owned(perspective(image, &corners, Padding { mode: padding_mode, fill }));
            }
            let [upper_left, upper_right, lower_right, lower_left] = corners;
            vec![
                ("applied", flag(applied)),
                ("upper_left_x", upper_left[0]),
                ("upper_left_y", upper_left[1]),
                ("upper_right_x", upper_right[0]),
                ("upper_right_y", upper_right[1]),
                ("lower_right_x", lower_right[0]),
                ("lower_right_y", lower_right[1]),
                ("lower_left_x", lower_left[0]),
                ("lower_left_y", lower_left[1]),
            ]
        }
        TransformSpec::ColorJitter { brightness, contrast, saturation, hue } => {
            jitter(image.to_mut(), [brightness, contrast, saturation, hue], random).to_vec()
        }
        TransformSpec::Brightness { factor, probability } => {
            by_amount(image, random, probability, ("factor", factor), color::brightness)
        }
        TransformSpec::Contrast { factor, probability } => {
            by_amount(image, random, probability, ("factor", factor), color::contrast)
        }
        TransformSpec::Saturation { factor, probability } => {
            by_amount(image, random, probability, ("factor", factor), color::saturation)
        }
        TransformSpec::Hue { turn, probability } => {
            by_amount(image, random, probability, ("turn", turn), color::hue)
        }
        TransformSpec::Grayscale { probability } => perhaps(image, random, probability, color::grayscale),
        TransformSpec::Solarize { threshold, probability } => {
            perhaps(image, random, probability, |image| histogram::solarize(image, f32::from(threshold)))
        }
        TransformSpec::Posterize { bits, probability } => {
            perhaps(image, random, probability, |image| histogram::posterize(image, bits))
        }
        TransformSpec::Equalize { probability } => perhaps(image, random, probability, histogram::equalize),
        TransformSpec::Autocontrast { probability } => {
            perhaps(image, random, probability, histogram::autocontrast)
        }
        TransformSpec::Sharpness { factor, probability } => {
            by_amount(image, random, probability, ("factor", factor), filter::sharpness)
        }
        TransformSpec::GaussianBlur { kernel_size, sigma, probability } => {
            let blur = |image: &mut RgbImage, sigma| filter::gaussian_blur(image, kernel_size, sigma);
            by_amount(image, random, probability, ("sigma", sigma), blur)
        }
        TransformSpec::GaussianNoise { sigma, probability } => {
            let applied = random.chance(probability);
            let std = random.uniform(sigma[0], sigma[1]);
            let mut noise = random.branch();
            if applied {
                filter::gaussian_noise(image.to_mut(), std, &mut noise);
            }
            vec![("applied", flag(applied)), ("sigma", std)]
        }
        TransformSpec::Jpeg { quality: [low, high], probability } => {
            let applied = random.chance(probability);
            let quality = low + random.below(high - low + 1);
            if applied {
                *image = Cow::Owned(jpeg_artifacts::round_trip(image, quality));
            }
            vec![("applied", flag(applied)), ("quality", f64::from(quality))]
        }
        TransformSpec::RandomErasing { scale, ratio, with, fill, probability } => {
            let chosen = random.chance(probability);
            let area = sampling::erased_area(image.width(), image.height(), scale, ratio, random);
            let mut noise = random.branch();
            let applied = chosen && area.is_some();
            let area = area.unwrap_or(Area { left: 0, top: 0, width: 0, height: 0 });
            if applied {
                erase::erase(image.to_mut(), area, with, fill, &mut noise);
            }
            [("applied", flag(applied))].into_iter().chain(place(area)).collect()
        }
        TransformSpec::RandAugment { operations, magnitude, fill } => (0..operations)
            .map(|_| policy::apply_random_operation(image, Space::Usual, Some(magnitude), fill, random))
            .collect(),
        TransformSpec::TrivialAugment { fill } => {
            vec![policy::apply_random_operation(image, Space::Wide, None, fill, random)]
        }
    };
    Some(values)
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn place(area: Area) -> [(&'static str, f64); 4] {
    [("left", area.left), ("top", area.top), ("width", area.width), ("height", area.height)]
        .map(|(name, pixels)| (name, f64::from(pixels)))
}

fn resize(image: &mut Cow<RgbImage>, width: u32, height: u32, kernel: Kernel) {
    if image.dimensions() != (width, height) {
        *image = Cow::Owned(resized(image, Area::whole(image), width, height, kernel));
    }
}

fn flip(
    image: &mut Cow<RgbImage>,
    random: &mut RandomStream,
    probability: f64,
    change: impl FnOnce(&mut RgbImage),
) -> Values {
    let values = perhaps(image, random, probability, change);
    values.into_iter().map(|(_, value)| ("flipped", value)).collect()
}

/// A change without parameters.
fn perhaps(
    image: &mut Cow<RgbImage>,
    random: &mut RandomStream,
    probability: f64,
    change: impl FnOnce(&mut RgbImage),
) -> Values {
    let applied = random.chance(probability);
    if applied {
        change(image.to_mut());
    }
    vec![("applied", flag(applied))]
}

/// A change by an amount that is sampled uniformly, also where the change is not applied: so what later transforms
/// sample does not depend on it.
fn by_amount(
    image: &mut Cow<RgbImage>,
    random: &mut RandomStream,
    probability: f64,
    (name, [low, high]): (&'static str, [f64; 2]),
    change: impl FnOnce(&mut RgbImage, f64),
) -> Values {
    let applied = random.chance(probability);
    let amount = random.uniform(low, high);
    if applied {
        change(image.to_mut(), amount);
    }
    vec![("applied", flag(applied)), (name, amount)]
}

/// Applies the four changes in a random order; returns the amount of each.
fn jitter(image: &mut RgbImage, strengths: [f64; 4], random: &mut RandomStream) -> [(&'static str, f64); 4] {
    const NAMES: [&str; 4] = ["brightness", "contrast", "saturation", "hue"];
    let order = sampling::order(random);
    let values: [f64; 4] = std::array::from_fn(|which| match (which, strengths[which]) {
        (3, turn) => random.uniform(-turn, turn),
        (_, strength) => random.uniform((1.0 - strength).max(0.0), 1.0 + strength),
    });
    for which in order {
        match (which, strengths[which] > 0.0) {
            (0, true) => color::brightness(image, values[0]),
            (1, true) => color::contrast(image, values[1]),
            (2, true) => color::saturation(image, values[2]),
            (3, true) => color::hue(image, values[3]),
            _ => {}
        }
    }
    std::array::from_fn(|which| (NAMES[which], values[which]))
}
