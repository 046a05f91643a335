//! Carries out a pipeline of transforms.

use crate::color;
use crate::draw::Draw;
use crate::geometry::{Area, center_crop, resized, rotated, shorter_side, window};
use image::{RgbImage, imageops};
use protocol::transform::{Drawn, TransformSpec};
use std::borrow::Cow;

/// What goes into a network for one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// `[3, height, width]`: all of red, all of green, all of blue, row by row.
    pub data: Vec<f32>,
    /// Pixels.
    pub height: u32,
    /// Pixels.
    pub width: u32,
}

/// What is wrong with a pipeline.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("transform {number} ({name}): {why}")]
pub struct PipelineError {
    /// Which step, from 1.
    pub number: usize,
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// Checks every parameter against its range, and the order.
///
/// # Errors
/// The first step that is wrong.
pub fn check(pipeline: &[TransformSpec]) -> Result<(), PipelineError> {
    for (at, step) in pipeline.iter().enumerate() {
        let mut verdict = check_step(step);
        if matches!(step, TransformSpec::Normalize { .. }) && at + 1 != pipeline.len() {
            verdict = Err("must be the last".into());
        }
        verdict.map_err(|why| PipelineError { number: at + 1, name: name(step), why })?;
    }
    Ok(())
}

/// The side of the square that every picture ends as; `None` where pictures end in different shapes.
pub fn output_side(pipeline: &[TransformSpec]) -> Option<u32> {
    pipeline.iter().fold(None, |side, step| match step {
        TransformSpec::ResizeExact { size }
        | TransformSpec::CenterCrop { size }
        | TransformSpec::RandomCrop { size, .. }
        | TransformSpec::RandomResizedCrop { size, .. } => Some(*size),
        // A square stays a square when its shorter side changes.
        TransformSpec::Resize { size } => side.map(|_| *size),
        TransformSpec::HorizontalFlip { .. }
        | TransformSpec::Rotation { .. }
        | TransformSpec::ColorJitter { .. }
        | TransformSpec::Normalize { .. } => side,
    })
}

/// Runs a picture through a checked pipeline; with what its random steps drew, in order.
pub fn apply(pipeline: &[TransformSpec], image: &RgbImage, draw: &mut Draw) -> (Tensor, Vec<Drawn>) {
    let mut picture = Cow::Borrowed(image);
    let mut drawn = Vec::new();
    let mut normalize = ([0.0; 3], [1.0; 3]);
    for step in pipeline {
        let mut note = |values: &[(&str, f64)]| {
            let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            drawn.push(Drawn { transform: name(step).to_owned(), values });
        };
        match step {
            TransformSpec::Resize { size } => {
                let (width, height) = shorter_side(picture.width(), picture.height(), *size);
                if picture.dimensions() != (width, height) {
                    picture = Cow::Owned(resized(&picture, Area::whole(&picture), width, height));
                }
            }
            TransformSpec::ResizeExact { size } => {
                if picture.dimensions() != (*size, *size) {
                    picture = Cow::Owned(resized(&picture, Area::whole(&picture), *size, *size));
                }
            }
            TransformSpec::CenterCrop { size } => {
                if picture.dimensions() != (*size, *size) {
                    picture = Cow::Owned(center_crop(&picture, *size));
                }
            }
            TransformSpec::HorizontalFlip { probability } => {
                let flipped = draw.chance(*probability);
                if flipped {
                    imageops::flip_horizontal_in_place(picture.to_mut());
                }
                note(&[("flipped", f64::from(u8::from(flipped)))]);
            }
            TransformSpec::RandomCrop { size, padding } => {
                let mut place = |length: u32| {
                    let spare = i64::from(length) + 2 * i64::from(*padding) - i64::from(*size);
                    let chosen = if spare > 0 { i64::from(draw.below(spare as u32 + 1)) } else { spare / 2 };
                    chosen - i64::from(*padding)
                };
                let (left, top) = (place(picture.width()), place(picture.height()));
                picture = Cow::Owned(window(&picture, left, top, *size, *size));
                note(&[("left", left as f64), ("top", top as f64)]);
            }
            TransformSpec::RandomResizedCrop { size, scale, ratio } => {
                let area = inception_area(picture.width(), picture.height(), *scale, *ratio, draw);
                picture = Cow::Owned(resized(&picture, area, *size, *size));
                note(&[
                    ("left", f64::from(area.left)),
                    ("top", f64::from(area.top)),
                    ("width", f64::from(area.width)),
                    ("height", f64::from(area.height)),
                ]);
            }
            TransformSpec::Rotation { degrees } => {
                let angle = draw.uniform(-degrees, *degrees);
                picture = Cow::Owned(rotated(&picture, angle));
                note(&[("degrees", angle)]);
            }
            TransformSpec::ColorJitter { brightness, contrast, saturation, hue } => {
                let values = jitter(picture.to_mut(), [*brightness, *contrast, *saturation, *hue], draw);
                note(&values);
            }
            TransformSpec::Normalize { mean, std } => normalize = (*mean, *std),
        }
    }
    (tensor(&picture, normalize), drawn)
}

/// `(level / 255 - mean) / std`, channel by channel, in the layout of a network's input.
fn tensor(image: &RgbImage, (mean, std): ([f32; 3], [f32; 3])) -> Tensor {
    let (pixels, _) = image.as_raw().as_chunks::<3>();
    let mut data = Vec::with_capacity(3 * pixels.len());
    for channel in 0..3 {
        // The 256 values there can be: the same arithmetic as pixel by pixel, done once.
        let levels: [f32; 256] =
            std::array::from_fn(|level| (level as f32 / 255.0 - mean[channel]) / std[channel]);
        data.extend(pixels.iter().map(|pixel| levels[usize::from(pixel[channel])]));
    }
    Tensor { data, height: image.height(), width: image.width() }
}

/// The area of torchvision's `RandomResizedCrop`: ten tries at a share of the area and a log-uniform aspect ratio,
/// then the largest middle part whose ratio is allowed.
fn inception_area(width: u32, height: u32, scale: [f64; 2], ratio: [f64; 2], draw: &mut Draw) -> Area {
    let pixels = f64::from(width) * f64::from(height);
    for _ in 0..10 {
        let target = pixels * draw.uniform(scale[0], scale[1]);
        let aspect = draw.uniform(ratio[0].ln(), ratio[1].ln()).exp();
        let wide = (target * aspect).sqrt().round_ties_even() as u32;
        let high = (target / aspect).sqrt().round_ties_even() as u32;
        if (1..=width).contains(&wide) && (1..=height).contains(&high) {
            let top = draw.below(height - high + 1);
            let left = draw.below(width - wide + 1);
            return Area { left, top, width: wide, height: high };
        }
    }
    let aspect = f64::from(width) / f64::from(height);
    let (wide, high) = if aspect < ratio[0] {
        (width, ((f64::from(width) / ratio[0]).round() as u32).clamp(1, height))
    } else if aspect > ratio[1] {
        (((f64::from(height) * ratio[1]).round() as u32).clamp(1, width), height)
    } else {
        (width, height)
    };
    Area { left: (width - wide) / 2, top: (height - high) / 2, width: wide, height: high }
}

/// Applies the four changes in a random order, and says by how much.
fn jitter(image: &mut RgbImage, strengths: [f64; 4], draw: &mut Draw) -> [(&'static str, f64); 4] {
    const NAMES: [&str; 4] = ["brightness", "contrast", "saturation", "hue"];
    let mut order = [0_usize, 1, 2, 3];
    for at in (1..4).rev() {
        order.swap(at, draw.below(at as u32 + 1) as usize);
    }
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

fn name(step: &TransformSpec) -> &'static str {
    match step {
        TransformSpec::Resize { .. } => "resize",
        TransformSpec::ResizeExact { .. } => "resize_exact",
        TransformSpec::CenterCrop { .. } => "center_crop",
        TransformSpec::HorizontalFlip { .. } => "horizontal_flip",
        TransformSpec::RandomCrop { .. } => "random_crop",
        TransformSpec::RandomResizedCrop { .. } => "random_resized_crop",
        TransformSpec::Rotation { .. } => "rotation",
        TransformSpec::ColorJitter { .. } => "color_jitter",
        TransformSpec::Normalize { .. } => "normalize",
    }
}

fn check_step(step: &TransformSpec) -> Result<(), String> {
    let within = |name: &str, value: f64, low: f64, high: f64| {
        if (low..=high).contains(&value) {
            Ok(())
        } else {
            Err(format!("{name} is {value}, not from {low} to {high}"))
        }
    };
    let side = |size: u32| within("size", f64::from(size), 1.0, 1024.0);
    match step {
        TransformSpec::Resize { size }
        | TransformSpec::ResizeExact { size }
        | TransformSpec::CenterCrop { size } => side(*size),
        TransformSpec::HorizontalFlip { probability } => within("probability", *probability, 0.0, 1.0),
        TransformSpec::RandomCrop { size, padding } => {
            side(*size)?;
            within("padding", f64::from(*padding), 0.0, 128.0)
        }
        TransformSpec::RandomResizedCrop { size, scale, ratio } => {
            side(*size)?;
            within("the least scale", scale[0], 0.0, scale[1])?;
            within("the greatest scale", scale[1], 1e-4, 1.0)?;
            within("the least ratio", ratio[0], 0.01, ratio[1])?;
            within("the greatest ratio", ratio[1], 0.01, 100.0)
        }
        TransformSpec::Rotation { degrees } => within("degrees", *degrees, 0.0, 180.0),
        TransformSpec::ColorJitter { brightness, contrast, saturation, hue } => {
            within("brightness", *brightness, 0.0, 10.0)?;
            within("contrast", *contrast, 0.0, 10.0)?;
            within("saturation", *saturation, 0.0, 10.0)?;
            within("hue", *hue, 0.0, 0.5)
        }
        TransformSpec::Normalize { mean, std } => {
            let sound = mean.iter().all(|value| value.is_finite())
                && std.iter().all(|value| *value > 0.0 && value.is_finite());
            if sound { Ok(()) } else { Err("every mean must be finite and every std above 0".into()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]))
    }

    fn run(pipeline: &[TransformSpec], image: &RgbImage, seed: u64) -> (Tensor, Vec<Drawn>) {
        check(pipeline).unwrap();
        apply(pipeline, image, &mut Draw::new(seed, 1, 1))
    }

    #[test]
    fn without_interpolation_every_value_is_exact() {
        let image = picture(6, 4);
        let normalize = TransformSpec::Normalize { mean: [0.5; 3], std: [0.25; 3] };
        let (tensor, _) = run(&[TransformSpec::CenterCrop { size: 2 }, normalize], &image, 0);
        assert_eq!((tensor.height, tensor.width), (2, 2));
        let red_of = |x: u32| (x as f32 * 7.0 / 255.0 - 0.5) / 0.25;
        assert_eq!(tensor.data[..4], [red_of(2), red_of(3), red_of(2), red_of(3)]);
    }

    #[test]
    fn the_same_draw_gives_the_same_tensor_and_says_what_it_was() {
        let pipeline = [
            TransformSpec::RandomResizedCrop { size: 16, scale: [0.3, 1.0], ratio: [0.75, 1.33] },
            TransformSpec::HorizontalFlip { probability: 0.5 },
            TransformSpec::Rotation { degrees: 20.0 },
            TransformSpec::ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
        ];
        let image = picture(40, 30);
        let once = run(&pipeline, &image, 5);
        assert_eq!(once, run(&pipeline, &image, 5));
        assert_ne!(once.0, run(&pipeline, &image, 6).0);
        let names: Vec<&str> = once.1.iter().map(|drawn| drawn.transform.as_str()).collect();
        assert_eq!(names, ["random_resized_crop", "horizontal_flip", "rotation", "color_jitter"]);
        assert!(once.1[2].values[0].1.abs() <= 20.0);
        assert_eq!(output_side(&pipeline), Some(16));
    }

    #[test]
    fn a_flip_that_is_certain_mirrors_and_one_that_cannot_be_does_not() {
        let image = picture(5, 5);
        let (plain, _) = run(&[TransformSpec::HorizontalFlip { probability: 0.0 }], &image, 0);
        let (flipped, drawn) = run(&[TransformSpec::HorizontalFlip { probability: 1.0 }], &image, 0);
        assert_eq!(flipped.data[0], plain.data[4]);
        assert_eq!(drawn[0].values, [("flipped".to_owned(), 1.0)]);
    }

    #[test]
    fn crops_beyond_the_edge_are_black_and_fit() {
        let white = RgbImage::from_pixel(8, 8, image::Rgb([255; 3]));
        let (tensor, _) = run(&[TransformSpec::RandomCrop { size: 16, padding: 4 }], &white, 0);
        assert_eq!(tensor.data.iter().sum::<f32>(), 3.0 * 64.0);
        let (tensor, _) = run(&[TransformSpec::CenterCrop { size: 12 }], &white, 0);
        assert_eq!(tensor.data.iter().sum::<f32>(), 3.0 * 64.0);
    }

    #[test]
    fn a_turn_by_a_quarter_moves_the_right_side_up() {
        let mut image = RgbImage::new(5, 5);
        image.put_pixel(4, 2, image::Rgb([200, 0, 0]));
        let turned = rotated(&image, 90.0);
        assert_eq!(turned.get_pixel(2, 0).0, [200, 0, 0]);
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let wrong = [TransformSpec::Resize { size: 32 }, TransformSpec::Rotation { degrees: 181.0 }];
        assert_eq!(
            check(&wrong).unwrap_err().to_string(),
            "transform 2 (rotation): degrees is 181, not from 0 to 180"
        );
        let normalize = TransformSpec::Normalize { mean: [0.0; 3], std: [1.0; 3] };
        assert!(check(&[normalize.clone(), TransformSpec::Resize { size: 8 }]).is_err());
        assert!(check(&[TransformSpec::Normalize { mean: [0.0; 3], std: [0.0; 3] }]).is_err());
        assert_eq!(output_side(&[TransformSpec::Resize { size: 8 }]), None);
    }
}
