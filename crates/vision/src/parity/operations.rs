//! This crate's side of `tests/reference/operations.py`.

use super::{Case, Distance};
use crate::beyond::Beyond;
use crate::geometry::{Area, window};
use crate::policy::Operation;
use crate::resize::{Kernel, resized};
use crate::warp::{Matrix, Pose, perspective, rotated, transformed};
use crate::{Draw, RgbImage, apply, color, erase, filter, image_from_tensor, jpeg};
use protocol::transform::{Erasure, Interpolation, PaddingMode, TransformSpec as Step};
use std::borrow::Cow;

/// Where the definition leaves no room.
const EXACT: Distance = Distance { mean: 0.0, most: 0 };
/// Where intermediate results are rounded: by one, and for few of the levels.
const ROUNDED: Distance = Distance { mean: 0.15, most: 1 };

/// Where two passes are rounded, with weights of other precision.
const RESAMPLED: Distance = Distance { mean: 0.25, most: 1 };
/// Where the kernel has negative weights besides, and overshoots.
const SHARPENED: Distance = Distance { mean: 0.1, most: 2 };

/// Our result, and how far it may be off.
pub(super) fn carried_out(case: &Case, image: &RgbImage) -> (RgbImage, Distance) {
    let number = |at: usize| case.numbers[at];
    let whole = |at: usize| number(at) as u32;
    let area = || Area { left: whole(0), top: whole(1), width: whole(2), height: whole(3) };
    let constant = |fill: u32| Beyond { outside: PaddingMode::Constant, fill: fill as u8 };
    let beyond = |outside| Beyond { outside, fill: 0 };
    let changed = |change: &dyn Fn(&mut RgbImage)| {
        let mut image = image.clone();
        change(&mut image);
        image
    };
    let always = |step: Step| {
        let (tensor, _) = apply(&[step], image, &mut Draw::new(0, 1, 1));
        image_from_tensor(&tensor.data, tensor.height, tensor.width, None)
    };
    let resize =
        |interpolation, antialias| always(Step::ResizeExact { size: whole(0), interpolation, antialias });
    let posed = |beyond| {
        let shear = [number(4), number(5)];
        let (degrees, translate, scale) = (number(0), [number(1), number(2)], number(3));
        let pose = Pose { degrees, translate, scale, shear, ..Pose::default() };
        let (width, height) = image.dimensions();
        transformed(image, width, height, Matrix::inverse_of(pose), beyond)
    };
    let corners = || std::array::from_fn(|at| [number(2 * at), number(2 * at + 1)]);
    match case.operation.as_str() {
        "resize" => (always(Step::resize(whole(0))), RESAMPLED),
        "resize_exact" => (always(Step::resize_exact(whole(0))), RESAMPLED),
        "resize_nearest" => (resize(Interpolation::Nearest, true), EXACT),
        "resize_bilinear_aliased" => (resize(Interpolation::Bilinear, false), ROUNDED),
        "resize_bicubic" => (resize(Interpolation::Bicubic, true), SHARPENED),
        "resize_bicubic_aliased" => (resize(Interpolation::Bicubic, false), SHARPENED),
        "resize_lanczos" => (resize(Interpolation::Lanczos, true), SHARPENED),
        "center_crop" => (always(Step::CenterCrop { size: whole(0) }), EXACT),
        "pad" => {
            let (padding, fill) = (whole(0), whole(1) as u8);
            (always(Step::Pad { padding, outside: PaddingMode::Constant, fill }), EXACT)
        }
        "pad_reflect" => {
            (always(Step::Pad { padding: whole(0), outside: PaddingMode::Reflect, fill: 0 }), EXACT)
        }
        "pad_edge" => (always(Step::Pad { padding: whole(0), outside: PaddingMode::Edge, fill: 0 }), EXACT),
        "horizontal_flip" => (always(Step::HorizontalFlip { probability: 1.0 }), EXACT),
        "vertical_flip" => (always(Step::VerticalFlip { probability: 1.0 }), EXACT),
        "window" => {
            let (left, top) = (number(0) as i64, number(1) as i64);
            (window(image, left, top, whole(2), whole(2), Beyond::BLACK), EXACT)
        }
        "resized_crop" => (resized(image, area(), whole(4), whole(4), Kernel::SMOOTH), RESAMPLED),
        "resized_crop_bicubic_aliased" => {
            let kernel = Kernel { interpolation: Interpolation::Bicubic, antialias: false };
            (resized(image, area(), whole(4), whole(4), kernel), SHARPENED)
        }
        "rotation" => {
            let allowed = if number(0) % 180.0 == 0.0 { EXACT } else { ROUNDED };
            (rotated(image, number(0), Beyond::BLACK, false), allowed)
        }
        "rotation_fill" => (rotated(image, number(0), constant(whole(1)), false), ROUNDED),
        "rotation_expand" => {
            let allowed = if number(0) % 90.0 == 0.0 { EXACT } else { ROUNDED };
            (rotated(image, number(0), Beyond::BLACK, true), allowed)
        }
        "rotation_reflect" => (rotated(image, number(0), beyond(PaddingMode::Reflect), false), ROUNDED),
        "rotation_edge" => (rotated(image, number(0), beyond(PaddingMode::Edge), false), ROUNDED),
        "affine" => (posed(Beyond::BLACK), ROUNDED),
        "affine_fill" => (posed(constant(whole(6))), ROUNDED),
        "affine_reflect" => (posed(beyond(PaddingMode::Reflect)), ROUNDED),
        "affine_edge" => (posed(beyond(PaddingMode::Edge)), ROUNDED),
        "perspective" => (perspective(image, &corners(), Beyond::BLACK), ROUNDED),
        "perspective_fill" => (perspective(image, &corners(), constant(whole(8))), ROUNDED),
        "brightness" => (changed(&|image| color::brightness(image, number(0))), EXACT),
        "contrast" => (changed(&|image| color::contrast(image, number(0))), ROUNDED),
        "saturation" => (changed(&|image| color::saturation(image, number(0))), ROUNDED),
        "hue" => (changed(&|image| color::hue(image, number(0))), ROUNDED),
        "grayscale" => (always(Step::Grayscale { probability: 1.0 }), ROUNDED),
        "solarize" => (always(Step::Solarize { threshold: whole(0) as u8, probability: 1.0 }), EXACT),
        "posterize" => (always(Step::Posterize { bits: whole(0) as u8, probability: 1.0 }), EXACT),
        "equalize" => (always(Step::Equalize { probability: 1.0 }), EXACT),
        "autocontrast" => (always(Step::Autocontrast { probability: 1.0 }), EXACT),
        "sharpness" => (changed(&|image| filter::sharpness(image, number(0))), ROUNDED),
        "gaussian_blur" => (changed(&|image| filter::gaussian_blur(image, whole(0), number(1))), ROUNDED),
        "jpeg" => (jpeg::round_trip(image, whole(0)), ROUNDED),
        "erase" => {
            let mut draw = Draw::new(0, 1, 1);
            let mut image = image.clone();
            erase::erase(&mut image, area(), Erasure::Constant, whole(4) as u8, &mut draw);
            (image, EXACT)
        }
        operation => by_policy(operation, image, case.numbers.first().copied().unwrap_or(0.0)),
    }
}

fn by_policy(operation: &str, image: &RgbImage, magnitude: f64) -> (RgbImage, Distance) {
    let name = operation.strip_prefix("policy_");
    let known = Operation::ALL.into_iter().find(|known| Some(known.name()) == name);
    let known = known.unwrap_or_else(|| panic!("an operation that is not known: {operation}"));
    let mut picture = Cow::Borrowed(image);
    known.carry_out(&mut picture, magnitude, 7);
    let allowed = match known {
        Operation::Color | Operation::Contrast | Operation::Sharpness => ROUNDED,
        _ => EXACT,
    };
    (picture.into_owned(), allowed)
}
