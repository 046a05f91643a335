//! RandAugment and TrivialAugmentWide: random operations from one list, each with its own scale of magnitudes, as
//! `torchvision.transforms.v2` has them (31 levels of strength; what is warped is looked up at the nearest pixel).

use crate::warp::{Matrix, Pose, nearest};
use crate::{RandomStream, color, filter, histogram};
use image::RgbImage;
use std::borrow::Cow;

/// Levels of strength.
pub(crate) const STRENGTHS: u32 = 31;

/// What may be done to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Identity,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
    Rotate,
    Brightness,
    Color,
    Contrast,
    Sharpness,
    Posterize,
    Solarize,
    Autocontrast,
    Equalize,
}

/// How far the greatest strength goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// RandAugment's.
    Usual,
    /// TrivialAugment's, wider.
    Wide,
}

impl Operation {
    /// In torchvision's order.
    pub(crate) const ALL: [Operation; 14] = [
        Operation::Identity,
        Operation::ShearX,
        Operation::ShearY,
        Operation::TranslateX,
        Operation::TranslateY,
        Operation::Rotate,
        Operation::Brightness,
        Operation::Color,
        Operation::Contrast,
        Operation::Sharpness,
        Operation::Posterize,
        Operation::Solarize,
        Operation::Autocontrast,
        Operation::Equalize,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Identity => "identity",
            Operation::ShearX => "shear_x",
            Operation::ShearY => "shear_y",
            Operation::TranslateX => "translate_x",
            Operation::TranslateY => "translate_y",
            Operation::Rotate => "rotate",
            Operation::Brightness => "brightness",
            Operation::Color => "color",
            Operation::Contrast => "contrast",
            Operation::Sharpness => "sharpness",
            Operation::Posterize => "posterize",
            Operation::Solarize => "solarize",
            Operation::Autocontrast => "autocontrast",
            Operation::Equalize => "equalize",
        }
    }

    /// What `strength` (0 to 30) means for an image of this size, and whether its sign is random; 0 where the
    /// operation has no magnitude.
    pub(crate) fn magnitude(self, space: Space, strength: u32, (width, height): (u32, u32)) -> (f64, bool) {
        let wide = space == Space::Wide;
        let up_to = |usual: f64, most: f64| linspace(0.0, if wide { most } else { usual }, strength);
        let share_of = |length: u32| up_to(150.0 / 331.0 * f64::from(length), 32.0);
        match self {
            Operation::ShearX | Operation::ShearY => (up_to(0.3, 0.99), true),
            Operation::TranslateX => (share_of(width), true),
            Operation::TranslateY => (share_of(height), true),
            Operation::Rotate => (up_to(30.0, 135.0), true),
            Operation::Brightness | Operation::Color | Operation::Contrast | Operation::Sharpness => {
                (up_to(0.9, 0.99), true)
            }
            Operation::Posterize => {
                // Bits that are kept.
                let lost = strength as f32 / if wide { 5.0 } else { 7.5 };
                (f64::from((8.0 - lost).round_ties_even()), false)
            }
            Operation::Solarize => (linspace(1.0, 0.0, strength), false),
            Operation::Identity | Operation::Autocontrast | Operation::Equalize => (0.0, false),
        }
    }

    /// Applies the operation with the magnitude as torchvision's table has it: a tangent for shears, pixels for translations,
    /// degrees counter-clockwise, the factor less 1 for colour and sharpness, bits, the threshold's share of 255.
    pub(crate) fn apply(self, image: &mut Cow<RgbImage>, magnitude: f64, fill: u8) {
        let (width, height) = image.dimensions();
        let corner = [width, height].map(|length| -0.5 * f64::from(length));
        let angle = magnitude.atan().to_degrees();
        let mut posed = |pose: Pose| {
            *image = Cow::Owned(nearest(image, Matrix::inverse_of(pose), fill));
        };
        match self {
            Operation::ShearX => posed(Pose { shear: [angle, 0.0], center: corner, ..Pose::default() }),
            Operation::ShearY => posed(Pose { shear: [0.0, angle], center: corner, ..Pose::default() }),
            Operation::TranslateX => posed(Pose { translate: [magnitude.trunc(), 0.0], ..Pose::default() }),
            Operation::TranslateY => posed(Pose { translate: [0.0, magnitude.trunc()], ..Pose::default() }),
            Operation::Rotate => posed(Pose { degrees: magnitude, ..Pose::default() }),
            Operation::Brightness => color::brightness(image.to_mut(), 1.0 + magnitude),
            Operation::Color => color::saturation(image.to_mut(), 1.0 + magnitude),
            Operation::Contrast => color::contrast(image.to_mut(), 1.0 + magnitude),
            Operation::Sharpness => filter::sharpness(image.to_mut(), 1.0 + magnitude),
            Operation::Posterize => histogram::posterize(image.to_mut(), magnitude as u8),
            Operation::Solarize => histogram::solarize(image.to_mut(), (255.0 * magnitude) as f32),
            Operation::Autocontrast => histogram::autocontrast(image.to_mut()),
            Operation::Equalize => histogram::equalize(image.to_mut()),
            Operation::Identity => {}
        }
    }
}

/// `torch.linspace(first, last, 31)[at]`: in 32 bits, counted from the nearer end, and rounded once where torch fuses
/// the product and the sum. To the bit, for thresholds fall on whole levels.
fn linspace(first: f64, last: f64, at: u32) -> f64 {
    let (first, last) = (first as f32, last as f32);
    let spacing = f64::from((last - first) / (STRENGTHS - 1) as f32);
    let value = if at < STRENGTHS / 2 {
        f64::from(first) + spacing * f64::from(at)
    } else {
        f64::from(last) - spacing * f64::from(STRENGTHS - 1 - at)
    };
    f64::from(value as f32)
}

/// Applies one random operation, of this strength or, where none is given, of a random one. Returns its name and magnitude.
///
/// Which it is, its strength and its sign are sampled in this order, whether they are used or not.
pub(crate) fn apply_random_operation(
    image: &mut Cow<RgbImage>,
    space: Space,
    strength: Option<u32>,
    fill: u8,
    random: &mut RandomStream,
) -> (&'static str, f64) {
    let operation = Operation::ALL[random.below(Operation::ALL.len() as u32) as usize];
    let strength = strength.unwrap_or_else(|| random.below(STRENGTHS));
    let is_negative = random.chance(0.5);
    let (magnitude, is_signed) = operation.magnitude(space, strength, image.dimensions());
    let magnitude = if is_signed && is_negative { -magnitude } else { magnitude };
    operation.apply(image, magnitude, fill);
    // Adding 0 takes the sign from a zero, which people would see.
    (operation.name(), magnitude + 0.0)
}
