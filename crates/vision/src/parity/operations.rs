//! This crate's side of `tests/reference/operations.py`.

use super::{Case, Distance};
use crate::geometry::{Area, window};
use crate::padding::Padding;
use crate::policy::Operation;
use crate::resize::{Kernel, resized};
use crate::warp::{Matrix, Pose, perspective, rotated, transformed};
use crate::{RandomStream, RgbImage, apply, color, erase, filter, image_from_tensor, jpeg_artifacts};
use protocol::transform::{Erasure, Interpolation, PaddingMode, TransformSpec};
use std::borrow::Cow;

/// Where the definition leaves no room.
const EXACT: Distance = Distance { mean: 0.0, most: 0 };
/// Where intermediate results are rounded: by one, and for few of the levels.
const ROUNDED: Distance = Distance { mean: 0.15, most: 1 };

/// Where two passes are rounded, with weights of other precision.
const RESAMPLED: Distance = Distance { mean: 0.25, most: 1 };
/// Where the kernel has negative weights besides, and overshoots.
const SHARPENED: Distance = Distance { mean: 0.1, most: 2 };

/// Our result of a case, and how far it may be off.
pub(super) fn result(case: &Case, image: &RgbImage) -> (RgbImage, Distance) {
    let number = |at: usize| case.numbers[at];
    let whole = |at: usize| number(at) as u32;
    let area = || Area { left: whole(0), top: whole(1), width: whole(2), height: whole(3) };
    let constant = |fill: u32| Padding { mode: PaddingMode::Constant, fill: fill as u8 };
    let padding = |mode| Padding { mode, fill: 0 };
    let changed = |change: &dyn Fn(&mut RgbImage)| {
        let mut image = image.clone();
        change(&mut image);
        image
    };
    let always = |transform: TransformSpec| {
        let (tensor, _) = apply(&[transform], image, &mut RandomStream::new(0, 1, 1));
        image_from_tensor(&tensor.data, tensor.height, tensor.width, None)
    };
    let resize = |interpolation, antialias| {
        always(TransformSpec::ResizeExact { size: whole(0), interpolation, antialias })
    };
    let posed = |padding| {
        let shear = [number(4), number(5)];
        let (degrees, translate, scale) = (number(0), [number(1), number(2)], number(3));
        let pose = Pose { degrees, translate, scale, shear, ..Pose::default() };
        let (width, height) = image.dimensions();
        transformed(image, width, height, Matrix::inverse_of(pose), padding)
    };
    let corners = || std::array::from_fn(|at| [number(2 * at), number(2 * at + 1)]);
    match case.operation.as_str() {
        "resize" => (always(TransformSpec::resize(whole(0))), RESAMPLED),
        "resize_exact" => (always(TransformSpec::resize_exact(whole(0))), RESAMPLED),
        "resize_nearest" => (resize(Interpolation::Nearest, true), EXACT),
        "resize_bilinear_aliased" => (resize(Interpolation::Bilinear, false), ROUNDED),
        "resize_bicubic" => (resize(Interpolation::Bicubic, true), SHARPENED),
        "resize_bicubic_aliased" => (resize(Interpolation::Bicubic, false), SHARPENED),
        "resize_lanczos" => (resize(Interpolation::Lanczos, true), SHARPENED),
        "center_crop" => (always(TransformSpec::CenterCrop { size: whole(0) }), EXACT),
        "pad" => {
            let (padding, fill) = (whole(0), whole(1) as u8);
            (always(TransformSpec::Pad { padding, padding_mode: PaddingMode::Constant, fill }), EXACT)
        }
        "pad_reflect" => (
            always(TransformSpec::Pad { padding: whole(0), padding_mode: PaddingMode::Reflect, fill: 0 }),
            EXACT,
        ),
        "pad_edge" => (
            always(TransformSpec::Pad { padding: whole(0), padding_mode: PaddingMode::Edge, fill: 0 }),
            EXACT,
        ),
        "horizontal_flip" => (always(TransformSpec::HorizontalFlip { probability: 1.0 }), EXACT),
        "vertical_flip" => (always(TransformSpec::VerticalFlip { probability: 1.0 }), EXACT),
        "window" => {
            let (left, top) = (number(0) as i64, number(1) as i64);
            (window(image, left, top, whole(2), whole(2), Padding::BLACK), EXACT)
        }
        "resized_crop" => (resized(image, area(), whole(4), whole(4), Kernel::SMOOTH), RESAMPLED),
        "resized_crop_bicubic_aliased" => {
            let kernel = Kernel { interpolation: Interpolation::Bicubic, antialias: false };
            (resized(image, area(), whole(4), whole(4), kernel), SHARPENED)
        }
        "rotation" => {
            let allowed = if number(0) % 180.0 == 0.0 { EXACT } else { ROUNDED };
            (rotated(image, number(0), Padding::BLACK, false), allowed)
        }
        "rotation_fill" => (rotated(image, number(0), constant(whole(1)), false), ROUNDED),
        "rotation_expand" => {
            let allowed = if number(0) % 90.0 == 0.0 { EXACT } else { ROUNDED };
            (rotated(image, number(0), Padding::BLACK, true), allowed)
        }
        "rotation_reflect" => (rotated(image, number(0), padding(PaddingMode::Reflect), false), ROUNDED),
        "rotation_edge" => (rotated(image, number(0), padding(PaddingMode::Edge), false), ROUNDED),
        "affine" => (posed(Padding::BLACK), ROUNDED),
        "affine_fill" => (posed(constant(whole(6))), ROUNDED),
        "affine_reflect" => (posed(padding(PaddingMode::Reflect)), ROUNDED),
        "affine_edge" => (posed(padding(PaddingMode::Edge)), ROUNDED),
        "perspective" => (perspective(image, &corners(), Padding::BLACK), ROUNDED),
        "perspective_fill" => (perspective(image, &corners(), constant(whole(8))), ROUNDED),
        "brightness" => (changed(&|image| color::brightness(image, number(0))), EXACT),
        "contrast" => (changed(&|image| color::contrast(image, number(0))), ROUNDED),
        "saturation" => (changed(&|image| color::saturation(image, number(0))), ROUNDED),
        "hue" => (changed(&|image| color::hue(image, number(0))), ROUNDED),
        "grayscale" => (always(TransformSpec::Grayscale { probability: 1.0 }), ROUNDED),
        "solarize" => {
            (always(TransformSpec::Solarize { threshold: whole(0) as u8, probability: 1.0 }), EXACT)
        }
        "posterize" => (always(TransformSpec::Posterize { bits: whole(0) as u8, probability: 1.0 }), EXACT),
        "equalize" => (always(TransformSpec::Equalize { probability: 1.0 }), EXACT),
        "autocontrast" => (always(TransformSpec::Autocontrast { probability: 1.0 }), EXACT),
        "sharpness" => (changed(&|image| filter::sharpness(image, number(0))), ROUNDED),
        "gaussian_blur" => (changed(&|image| filter::gaussian_blur(image, whole(0), number(1))), ROUNDED),
        "jpeg" => (jpeg_artifacts::round_trip(image, whole(0)), ROUNDED),
        "erase" => {
            let mut random = RandomStream::new(0, 1, 1);
            let mut image = image.clone();
            erase::erase(&mut image, area(), Erasure::Constant, whole(4) as u8, &mut random);
            (image, EXACT)
        }
        operation => by_policy(operation, image, case.numbers.first().copied().unwrap_or(0.0)),
    }
}

fn by_policy(operation: &str, image: &RgbImage, magnitude: f64) -> (RgbImage, Distance) {
    let name = operation.strip_prefix("policy_");
    let known = Operation::ALL.into_iter().find(|known| Some(known.name()) == name);
    let known = known.unwrap_or_else(|| panic!("an operation that is not known: {operation}"));
    let mut image = Cow::Borrowed(image);
    known.apply(&mut image, magnitude, 7);
    let allowed = match known {
        Operation::Color | Operation::Contrast | Operation::Sharpness => ROUNDED,
        _ => EXACT,
    };
    (image.into_owned(), allowed)
}
