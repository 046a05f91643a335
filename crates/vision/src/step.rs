//! Carries out one step of a pipeline: draws what is random, in a fixed order, and says what that was.

use crate::beyond::Beyond;
use crate::geometry::{Area, center_crop, padded, shorter_side, window};
use crate::policy::{self, Space};
use crate::resize::{Kernel, resized};
use crate::warp::{Matrix, perspective, rotated, transformed};
use crate::{Draw, color, erase, filter, histogram, jpeg, random};
use image::{RgbImage, imageops};
use protocol::transform::TransformSpec;
use std::borrow::Cow;

/// Names and values of what was drawn.
pub(crate) type Values = Vec<(&'static str, f64)>;

/// Changes the picture; what was drawn, where the step is a random one. Normalisation is not for a picture, and
/// changes nothing here.
pub(crate) fn carry_out(
    step: &TransformSpec,
    picture: &mut Cow<RgbImage>,
    draw: &mut Draw,
) -> Option<Values> {
    use TransformSpec as Step;
    let values = match *step {
        Step::Resize { size, interpolation, antialias } => {
            let (width, height) = shorter_side(picture.width(), picture.height(), size);
            resize(picture, width, height, Kernel { interpolation, antialias });
            return None;
        }
        Step::ResizeExact { size, interpolation, antialias } => {
            resize(picture, size, size, Kernel { interpolation, antialias });
            return None;
        }
        Step::CenterCrop { size } => {
            if picture.dimensions() != (size, size) {
                *picture = Cow::Owned(center_crop(picture, size));
            }
            return None;
        }
        Step::Pad { padding, outside, fill } => {
            *picture = Cow::Owned(padded(picture, padding, Beyond { outside, fill }));
            return None;
        }
        Step::Normalize { .. } => return None,
        Step::RandomCrop { size, padding, outside, fill } => {
            let mut place = |length: u32| {
                let spare = i64::from(length) + 2 * i64::from(padding) - i64::from(size);
                let chosen = if spare > 0 { i64::from(draw.below(spare as u32 + 1)) } else { spare / 2 };
                chosen - i64::from(padding)
            };
            let (left, top) = (place(picture.width()), place(picture.height()));
            *picture = Cow::Owned(window(picture, left, top, size, size, Beyond { outside, fill }));
            vec![("left", left as f64), ("top", top as f64)]
        }
        Step::RandomResizedCrop { size, scale, ratio, interpolation, antialias } => {
            let area = random::inception_area(picture.width(), picture.height(), scale, ratio, draw);
            *picture = Cow::Owned(resized(picture, area, size, size, Kernel { interpolation, antialias }));
            place(area).to_vec()
        }
        Step::HorizontalFlip { probability } => {
            flip(picture, draw, probability, imageops::flip_horizontal_in_place)
        }
        Step::VerticalFlip { probability } => {
            flip(picture, draw, probability, imageops::flip_vertical_in_place)
        }
        Step::Rotation { degrees, outside, fill, expand } => {
            let angle = draw.uniform(degrees[0], degrees[1]);
            *picture = Cow::Owned(rotated(picture, angle, Beyond { outside, fill }, expand));
            vec![("degrees", angle)]
        }
        Step::Affine { degrees, translate_x, translate_y, scale, shear_x, shear_y, outside, fill } => {
            let (size, translate, shear) =
                (picture.dimensions(), [translate_x, translate_y], [shear_x, shear_y]);
            let pose = random::pose(size, degrees, translate, scale, shear, draw);
            let (matrix, beyond) = (Matrix::inverse_of(pose), Beyond { outside, fill });
            *picture = Cow::Owned(transformed(picture, size.0, size.1, matrix, beyond));
            vec![
                ("degrees", pose.degrees),
                ("translate_x", pose.translate[0]),
                ("translate_y", pose.translate[1]),
                ("scale", pose.scale),
                ("shear_x", pose.shear[0]),
                ("shear_y", pose.shear[1]),
            ]
        }
        Step::Perspective { distortion, probability, outside, fill } => {
            let applied = draw.chance(probability);
            let corners = random::corners(picture.width(), picture.height(), distortion, draw);
            if applied {
                *picture = Cow::Owned(perspective(picture, &corners, Beyond { outside, fill }));
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
        Step::ColorJitter { brightness, contrast, saturation, hue } => {
            jitter(picture.to_mut(), [brightness, contrast, saturation, hue], draw).to_vec()
        }
        Step::Brightness { factor, probability } => {
            by_amount(picture, draw, probability, ("factor", factor), color::brightness)
        }
        Step::Contrast { factor, probability } => {
            by_amount(picture, draw, probability, ("factor", factor), color::contrast)
        }
        Step::Saturation { factor, probability } => {
            by_amount(picture, draw, probability, ("factor", factor), color::saturation)
        }
        Step::Hue { turn, probability } => by_amount(picture, draw, probability, ("turn", turn), color::hue),
        Step::Grayscale { probability } => perhaps(picture, draw, probability, color::grayscale),
        Step::Solarize { threshold, probability } => {
            perhaps(picture, draw, probability, |image| histogram::solarize(image, f32::from(threshold)))
        }
        Step::Posterize { bits, probability } => {
            perhaps(picture, draw, probability, |image| histogram::posterize(image, bits))
        }
        Step::Equalize { probability } => perhaps(picture, draw, probability, histogram::equalize),
        Step::Autocontrast { probability } => perhaps(picture, draw, probability, histogram::autocontrast),
        Step::Sharpness { factor, probability } => {
            by_amount(picture, draw, probability, ("factor", factor), filter::sharpness)
        }
        Step::GaussianBlur { kernel_size, sigma, probability } => {
            let blur = |image: &mut RgbImage, sigma| filter::gaussian_blur(image, kernel_size, sigma);
            by_amount(picture, draw, probability, ("sigma", sigma), blur)
        }
        Step::GaussianNoise { sigma, probability } => {
            let applied = draw.chance(probability);
            let deviation = draw.uniform(sigma[0], sigma[1]);
            let mut noise = draw.branch();
            if applied {
                filter::gaussian_noise(picture.to_mut(), deviation, &mut noise);
            }
            vec![("applied", flag(applied)), ("sigma", deviation)]
        }
        Step::Jpeg { quality: [low, high], probability } => {
            let applied = draw.chance(probability);
            let quality = low + draw.below(high - low + 1);
            if applied {
                *picture = Cow::Owned(jpeg::round_trip(picture, quality));
            }
            vec![("applied", flag(applied)), ("quality", f64::from(quality))]
        }
        Step::RandomErasing { scale, ratio, with, fill, probability } => {
            let chosen = draw.chance(probability);
            let area = random::erased_area(picture.width(), picture.height(), scale, ratio, draw);
            let mut noise = draw.branch();
            let applied = chosen && area.is_some();
            let area = area.unwrap_or(Area { left: 0, top: 0, width: 0, height: 0 });
            if applied {
                erase::erase(picture.to_mut(), area, with, fill, &mut noise);
            }
            [("applied", flag(applied))].into_iter().chain(place(area)).collect()
        }
        Step::RandAugment { operations, magnitude, fill } => {
            (0..operations).map(|_| policy::one(picture, Space::Usual, Some(magnitude), fill, draw)).collect()
        }
        Step::TrivialAugment { fill } => vec![policy::one(picture, Space::Wide, None, fill, draw)],
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

fn resize(picture: &mut Cow<RgbImage>, width: u32, height: u32, kernel: Kernel) {
    if picture.dimensions() != (width, height) {
        *picture = Cow::Owned(resized(picture, Area::whole(picture), width, height, kernel));
    }
}

fn flip(
    picture: &mut Cow<RgbImage>,
    draw: &mut Draw,
    probability: f64,
    change: impl FnOnce(&mut RgbImage),
) -> Values {
    let values = perhaps(picture, draw, probability, change);
    values.into_iter().map(|(_, value)| ("flipped", value)).collect()
}

/// A change without parameters.
fn perhaps(
    picture: &mut Cow<RgbImage>,
    draw: &mut Draw,
    probability: f64,
    change: impl FnOnce(&mut RgbImage),
) -> Values {
    let applied = draw.chance(probability);
    if applied {
        change(picture.to_mut());
    }
    vec![("applied", flag(applied))]
}

/// A change by an amount that is drawn uniformly, also where it is of no use: the draws of the steps behind this one
/// don't depend on the chance.
fn by_amount(
    picture: &mut Cow<RgbImage>,
    draw: &mut Draw,
    probability: f64,
    (name, [low, high]): (&'static str, [f64; 2]),
    change: impl FnOnce(&mut RgbImage, f64),
) -> Values {
    let applied = draw.chance(probability);
    let amount = draw.uniform(low, high);
    if applied {
        change(picture.to_mut(), amount);
    }
    vec![("applied", flag(applied)), (name, amount)]
}

/// Applies the four changes in a random order, and says by how much.
fn jitter(image: &mut RgbImage, strengths: [f64; 4], draw: &mut Draw) -> [(&'static str, f64); 4] {
    const NAMES: [&str; 4] = ["brightness", "contrast", "saturation", "hue"];
    let order = random::order(draw);
    let values: [f64; 4] = std::array::from_fn(|which| match (which, strengths[which]) {
        (3, turn) => draw.uniform(-turn, turn),
        (_, strength) => draw.uniform((1.0 - strength).max(0.0), 1.0 + strength),
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
