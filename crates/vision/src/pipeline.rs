//! Carries out a pipeline of transforms, with the semantics of `torchvision.transforms.v2` on 8-bit pictures: the
//! picture stays 8-bit from step to step, and becomes floating point once, at the end. Knows nothing of files.

use crate::color;
use crate::draw::Draw;
use crate::geometry::{Area, center_crop, resized, rotated, shorter_side, window};
use image::{RgbImage, imageops};
use protocol::transform::{Drawn, Interpolation, Outside, TransformSpec};
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

/// The side of the square that every picture ends as; `None` where pictures end in different shapes.
pub fn output_side(pipeline: &[TransformSpec]) -> Option<u32> {
    pipeline.iter().fold(None, |side, step| match step {
        TransformSpec::ResizeExact { size, .. }
        | TransformSpec::CenterCrop { size }
        | TransformSpec::RandomCrop { size, .. }
        | TransformSpec::RandomResizedCrop { size, .. } => Some(*size),
        // A square stays a square when its shorter side changes.
        TransformSpec::Resize { size, .. } => side.map(|_| *size),
        TransformSpec::Pad { padding, .. } => side.map(|side| side + 2 * padding),
        TransformSpec::Rotation { expand: true, .. } => None,
        _ => side,
    })
}

/// Whether [`apply`] knows this step with these parameters.
pub(crate) fn is_carried_out(step: &TransformSpec) -> bool {
    use TransformSpec::{
        CenterCrop, ColorJitter, HorizontalFlip, Normalize, RandomCrop, RandomResizedCrop, Resize,
        ResizeExact, Rotation,
    };
    match step {
        Resize { interpolation, antialias, .. }
        | ResizeExact { interpolation, antialias, .. }
        | RandomResizedCrop { interpolation, antialias, .. } => {
            *interpolation == Interpolation::Bilinear && *antialias
        }
        RandomCrop { outside, fill, .. } => (*outside, *fill) == (Outside::Constant, 0),
        Rotation { outside, fill, expand, .. } => (*outside, *fill, *expand) == (Outside::Constant, 0, false),
        CenterCrop { .. } | HorizontalFlip { .. } | ColorJitter { .. } | Normalize { .. } => true,
        _ => false,
    }
}

/// Runs a picture through a pipeline that passed [`check`](crate::check); with what its random steps drew, in order.
///
/// Every random step is reported, also where what it drew changed nothing:
///
/// | step | values |
/// |---|---|
/// | `horizontal_flip` | `flipped`: 0 or 1 |
/// | `random_crop` | `left`, `top`: of the window in the picture, pixels; negative in the padding |
/// | `random_resized_crop` | `left`, `top`, `width`, `height` of the part in the picture, pixels |
/// | `rotation` | `degrees`, counter-clockwise |
/// | `color_jitter` | the factors `brightness`, `contrast`, `saturation`; `hue`, in turns |
///
/// A `random_crop` of a picture that is smaller than the crop even with its padding takes all of it, in the middle of
/// more black (torchvision raises an error there).
pub fn apply(pipeline: &[TransformSpec], image: &RgbImage, draw: &mut Draw) -> (Tensor, Vec<Drawn>) {
    let mut picture = Cow::Borrowed(image);
    let mut drawn = Vec::new();
    let mut normalize = ([0.0; 3], [1.0; 3]);
    for step in pipeline {
        let mut note = |values: &[(&str, f64)]| {
            let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            drawn.push(Drawn { transform: step.name().to_owned(), values });
        };
        match step {
            TransformSpec::Resize { size, .. } => {
                let (width, height) = shorter_side(picture.width(), picture.height(), *size);
                if picture.dimensions() != (width, height) {
                    picture = Cow::Owned(resized(&picture, Area::whole(&picture), width, height));
                }
            }
            TransformSpec::ResizeExact { size, .. } => {
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
            TransformSpec::RandomCrop { size, padding, .. } => {
                let mut place = |length: u32| {
                    let spare = i64::from(length) + 2 * i64::from(*padding) - i64::from(*size);
                    let chosen = if spare > 0 { i64::from(draw.below(spare as u32 + 1)) } else { spare / 2 };
                    chosen - i64::from(*padding)
                };
                let (left, top) = (place(picture.width()), place(picture.height()));
                picture = Cow::Owned(window(&picture, left, top, *size, *size));
                note(&[("left", left as f64), ("top", top as f64)]);
            }
            TransformSpec::RandomResizedCrop { size, scale, ratio, .. } => {
                let area = inception_area(picture.width(), picture.height(), *scale, *ratio, draw);
                picture = Cow::Owned(resized(&picture, area, *size, *size));
                note(&[
                    ("left", f64::from(area.left)),
                    ("top", f64::from(area.top)),
                    ("width", f64::from(area.width)),
                    ("height", f64::from(area.height)),
                ]);
            }
            TransformSpec::Rotation { degrees, .. } => {
                let angle = draw.uniform(degrees[0], degrees[1]);
                picture = Cow::Owned(rotated(&picture, angle));
                note(&[("degrees", angle)]);
            }
            TransformSpec::ColorJitter { brightness, contrast, saturation, hue } => {
                let values = jitter(picture.to_mut(), [*brightness, *contrast, *saturation, *hue], draw);
                note(&values);
            }
            TransformSpec::Normalize { mean, std } => normalize = (*mean, *std),
            other => unreachable!("{} passed no check", other.name()),
        }
    }
    (tensor(&picture, normalize), drawn)
}

/// `(level / 255 - mean) / std`, channel by channel, in the layout of a network's input.
fn tensor(image: &RgbImage, (mean, std): ([f32; 3], [f32; 3])) -> Tensor {
    // Of the 256 values there can be, each is worked out once, by the same arithmetic as pixel by pixel.
    let levels: [[f32; 256]; 3] = std::array::from_fn(|channel| {
        std::array::from_fn(|level| (level as f32 / 255.0 - mean[channel]) / std[channel])
    });
    let (pixels, _) = image.as_chunks::<3>();
    let mut data = vec![0.0; 3 * pixels.len()];
    let (red, others) = data.split_at_mut(pixels.len());
    let (green, blue) = others.split_at_mut(pixels.len());
    for (((pixel, red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
        *red = levels[0][usize::from(pixel[0])];
        *green = levels[1][usize::from(pixel[1])];
        *blue = levels[2][usize::from(pixel[2])];
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
        (width, ((f64::from(width) / ratio[0]).round_ties_even() as u32).clamp(1, height))
    } else if aspect > ratio[1] {
        (((f64::from(height) * ratio[1]).round_ties_even() as u32).clamp(1, width), height)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]))
    }

    fn run(pipeline: &[TransformSpec], image: &RgbImage, seed: u64) -> (Tensor, Vec<Drawn>) {
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
            TransformSpec::random_resized_crop(16, [0.3, 1.0], [0.75, 1.33]),
            TransformSpec::HorizontalFlip { probability: 0.5 },
            TransformSpec::rotation(20.0),
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
        let (tensor, _) = run(&[TransformSpec::random_crop(16, 4)], &white, 0);
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

    /// What the only step of a pipeline draws for a picture, sample by sample.
    fn draws(step: TransformSpec, image: &RgbImage) -> impl Iterator<Item = Vec<f64>> {
        (0..500).map(move |sample| {
            let (_, drawn) = apply(std::slice::from_ref(&step), image, &mut Draw::new(3, 1, sample));
            drawn[0].values.iter().map(|(_, value)| *value).collect()
        })
    }

    #[test]
    fn random_resized_crops_keep_to_their_scale_and_ratio() {
        let image = picture(60, 40);
        let (scale, ratio) = ([0.2, 0.9], [0.75, 1.5]);
        for drawn in draws(TransformSpec::random_resized_crop(4, scale, ratio), &image) {
            let [left, top, width, height] = drawn[..] else { panic!("{drawn:?}") };
            assert!(left >= 0.0 && top >= 0.0 && left + width <= 60.0 && top + height <= 40.0, "{drawn:?}");
            // Whole pixels: half a pixel a side is lost or won.
            let (least, most) = ((width - 0.5) * (height - 0.5), (width + 0.5) * (height + 0.5));
            assert!(most >= 0.2 * 2400.0 && least <= 0.9 * 2400.0, "{drawn:?}");
            let (least, most) = ((width - 0.5) / (height + 0.5), (width + 0.5) / (height - 0.5));
            assert!(most >= 0.75 && least <= 1.5, "{drawn:?}");
        }
    }

    #[test]
    fn a_crop_that_cannot_be_is_the_largest_middle_part_of_an_allowed_ratio() {
        for (width, height, area) in [(100, 4, [48.0, 0.0, 4.0, 4.0]), (4, 100, [0.0, 48.0, 4.0, 4.0])] {
            let image = picture(width, height);
            let step = TransformSpec::random_resized_crop(4, [1.0, 1.0], [1.0, 1.0]);
            assert!(draws(step, &image).all(|drawn| drawn == area));
        }
    }

    #[test]
    fn draws_keep_to_their_ranges_and_use_them() {
        let image = picture(20, 10);
        let jitter = TransformSpec::ColorJitter { brightness: 0.4, contrast: 2.0, saturation: 0.0, hue: 0.1 };
        let cases = [
            (TransformSpec::random_crop(8, 2), vec![(-2.0, 14.0), (-2.0, 4.0)]),
            (TransformSpec::random_crop(16, 1), vec![(-1.0, 5.0), (-3.0, -3.0)]),
            (TransformSpec::rotation(30.0), vec![(-30.0, 30.0)]),
            (jitter, vec![(0.6, 1.4), (0.0, 3.0), (1.0, 1.0), (-0.1, 0.1)]),
        ];
        for (step, ranges) in cases {
            let drawn: Vec<Vec<f64>> = draws(step.clone(), &image).collect();
            for (at, (low, high)) in ranges.into_iter().enumerate() {
                let values = || drawn.iter().map(|values| values[at]);
                assert!(values().all(|value| (low..=high).contains(&value)), "{step:?} {at}");
                let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
                assert!(most - least >= 0.9 * (high - low), "{step:?} {at}: {least} to {most}");
            }
        }
        let flips = draws(TransformSpec::HorizontalFlip { probability: 0.3 }, &image).map(|drawn| drawn[0]);
        // The deviation of the count is 10.
        assert!((flips.sum::<f64>() - 150.0).abs() < 40.0);
    }

    #[test]
    fn the_side_is_that_of_the_last_step_that_sets_it() {
        use TransformSpec::{CenterCrop, HorizontalFlip};
        for (pipeline, side) in [
            (vec![], None),
            (vec![TransformSpec::resize(8)], None),
            (vec![TransformSpec::resize(8), CenterCrop { size: 6 }], Some(6)),
            (vec![TransformSpec::resize_exact(9), TransformSpec::resize(8)], Some(8)),
            (vec![TransformSpec::random_crop(5, 4), HorizontalFlip { probability: 0.5 }], Some(5)),
        ] {
            assert_eq!(output_side(&pipeline), side, "{pipeline:?}");
        }
    }

    /// Over the bits of what 20 samples gave, FNV-1a.
    fn fingerprint(pipeline: &[TransformSpec], image: &RgbImage) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for sample in 0..20 {
            let (tensor, drawn) = apply(pipeline, image, &mut Draw::new(11, 2, sample));
            tensor.data.iter().for_each(|value| take(&value.to_bits().to_le_bytes()));
            for (_, value) in drawn.into_iter().flat_map(|drawn| drawn.values) {
                take(&value.to_bits().to_le_bytes());
            }
        }
        hash
    }

    #[test]
    fn pipelines_of_the_first_version_give_the_same_bits() {
        // Runs are repeated by seed, also by later versions of this program.
        let image = RgbImage::from_fn(90, 70, |x, y| {
            let mixed = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40503));
            let noise = (mixed.wrapping_mul(2_246_822_519) >> 27) as u8;
            image::Rgb([(x * 2) as u8 + noise, (y * 3) as u8 + noise, 200 - (x + y) as u8 + noise])
        });
        let jitter = TransformSpec::ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 };
        let everything = vec![
            TransformSpec::random_resized_crop(48, [0.35, 1.0], [0.75, 1.25]),
            TransformSpec::HorizontalFlip { probability: 0.5 },
            TransformSpec::rotation(12.5),
            jitter.clone(),
            TransformSpec::random_crop(48, 6),
            TransformSpec::Normalize { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
        ];
        for (pipeline, bits) in [
            (vec![TransformSpec::resize(40), TransformSpec::CenterCrop { size: 32 }], 0xe785_7231_84c6_2525),
            (vec![TransformSpec::resize_exact(120)], 0x36b6_4436_ea18_41b5),
            (vec![TransformSpec::random_crop(64, 4)], 0x15bf_3b80_d04c_a154),
            (
                vec![TransformSpec::random_resized_crop(48, [0.08, 1.0], [0.75, 4.0 / 3.0])],
                0x9403_d5d0_8e26_00c1,
            ),
            (vec![TransformSpec::HorizontalFlip { probability: 0.5 }], 0xdafa_d8ac_21aa_0830),
            (vec![TransformSpec::rotation(35.0)], 0x1dc0_6c54_db83_f11b),
            (vec![jitter], 0x203b_005f_cb74_f074),
            (everything, 0xabe5_dbf1_aa8b_3c7b),
        ] {
            assert_eq!(fingerprint(&pipeline, &image), bits, "{pipeline:?}");
        }
    }
}
