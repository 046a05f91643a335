//! Applies a pipeline of transforms, with the semantics of `torchvision.transforms.v2` on 8-bit images: the
//! image stays 8-bit from transform to transform, and becomes floating point once, at the end. Knows nothing of files.

use crate::apply_transform::apply_transform;
use crate::random_stream::RandomStream;
use image::RgbImage;
use protocol::transform::{SampledTransform, TransformSpec};
use std::borrow::Cow;

/// What goes into a network for one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// `[3, height, width]`: all of red, all of green, all of blue, row by row.
    pub data: Vec<f32>,
    /// Rows of each channel.
    pub height: u32,
    /// Columns of each channel.
    pub width: u32,
}

/// The side of the square that every image ends as; `None` where images end in different shapes.
pub fn output_side(pipeline: &[TransformSpec]) -> Option<u32> {
    pipeline.iter().fold(None, |side, transform| match transform {
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

/// Runs an image through a pipeline that passed [`check`](crate::check); returns the tensor, and the sampled parameters
/// of each random transform, in order.
///
/// Every random transform is reported, also where it changed nothing. Transforms with a probability sample their
/// parameters even where they are not applied, so that what later transforms sample doesn't depend on it.
///
/// | transform | values |
/// |---|---|
/// | `random_crop` | `left`, `top`: of the window in the image, pixels; negative in the padding |
/// | `random_resized_crop` | `left`, `top`, `width`, `height` of the part in the image, pixels |
/// | `horizontal_flip`, `vertical_flip` | `flipped`: 0 or 1 |
/// | `rotation` | `degrees`, counter-clockwise |
/// | `affine` | `degrees`; `translate_x`, `translate_y`, whole pixels; `scale`; `shear_x`, `shear_y`, degrees |
/// | `perspective` | `applied`: 0 or 1; where each corner goes, pixels: `upper_left_x`, `upper_left_y`, `upper_right_x` … `lower_right_x` … `lower_left_y` |
/// | `color_jitter` | the factors `brightness`, `contrast`, `saturation`; `hue`, in turns |
/// | `brightness`, `contrast`, `saturation`, `sharpness` | `applied`, `factor` |
/// | `hue` | `applied`, `turn` |
/// | `grayscale`, `solarize`, `posterize`, `equalize`, `autocontrast` | `applied` |
/// | `gaussian_blur`, `gaussian_noise` | `applied`, `sigma` |
/// | `jpeg` | `applied`, `quality` |
/// | `random_erasing` | `applied` (0 also where ten tries found no rectangle that fits: then the others are 0), `left`, `top`, `width`, `height` |
/// | `rand_augment`, `trivial_augment` | each operation with its magnitude: `identity`, `autocontrast`, `equalize` (0); `shear_x`, `shear_y` (the tangent); `translate_x`, `translate_y` (pixels, cut to whole ones); `rotate` (degrees); `brightness`, `color`, `contrast`, `sharpness` (the factor less 1); `posterize` (bits); `solarize` (the threshold ÷ 255) |
///
/// A `random_crop` of an image that is smaller than the crop even with its padding takes all of it, in the middle of
/// more of the same padding (torchvision raises an error there).
pub fn apply(
    pipeline: &[TransformSpec],
    image: &RgbImage,
    random: &mut RandomStream,
) -> (Tensor, Vec<SampledTransform>) {
    let mut current = Cow::Borrowed(image);
    let mut sampled = Vec::new();
    let mut normalize = ([0.0; 3], [1.0; 3]);
    for transform in pipeline {
        if let TransformSpec::Normalize { mean, std } = transform {
            normalize = (*mean, *std);
        }
        if let Some(values) = apply_transform(transform, &mut current, random) {
            let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            sampled.push(SampledTransform { transform: transform.name().to_owned(), values });
        }
    }
    (tensor(&current, normalize), sampled)
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

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::transform::PaddingMode;
    use protocol::transform::catalogue::{TRANSFORMS, Transform};
    use protocol::transform::parameter_type::ParameterType;
    use serde_json::{Map, json};

    fn sample_image(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]))
    }

    fn run(pipeline: &[TransformSpec], image: &RgbImage, seed: u64) -> (Tensor, Vec<SampledTransform>) {
        apply(pipeline, image, &mut RandomStream::new(seed, 1, 1))
    }

    #[test]
    fn without_interpolation_every_value_is_exact() {
        let image = sample_image(6, 4);
        let normalize = TransformSpec::Normalize { mean: [0.5; 3], std: [0.25; 3] };
        let (tensor, _) = run(&[TransformSpec::CenterCrop { size: 2 }, normalize], &image, 0);
        assert_eq!((tensor.height, tensor.width), (2, 2));
        let red_of = |x: u32| (x as f32 * 7.0 / 255.0 - 0.5) / 0.25;
        assert_eq!(tensor.data[..4], [red_of(2), red_of(3), red_of(2), red_of(3)]);
    }

    #[test]
    fn the_same_stream_gives_the_same_tensor_and_parameters() {
        let pipeline = [
            TransformSpec::random_resized_crop(16, [0.3, 1.0], [0.75, 1.33]),
            TransformSpec::HorizontalFlip { probability: 0.5 },
            TransformSpec::rotation(20.0),
            TransformSpec::ColorJitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
        ];
        let image = sample_image(40, 30);
        let once = run(&pipeline, &image, 5);
        assert_eq!(once, run(&pipeline, &image, 5));
        assert_ne!(once.0, run(&pipeline, &image, 6).0);
        let names: Vec<&str> = once.1.iter().map(|sampled| sampled.transform.as_str()).collect();
        assert_eq!(names, ["random_resized_crop", "horizontal_flip", "rotation", "color_jitter"]);
        assert!(once.1[2].values[0].1.abs() <= 20.0);
        assert_eq!(output_side(&pipeline), Some(16));
    }

    #[test]
    fn a_flip_that_is_certain_mirrors_and_one_that_cannot_be_does_not() {
        let image = sample_image(5, 5);
        let (plain, _) = run(&[TransformSpec::HorizontalFlip { probability: 0.0 }], &image, 0);
        let (flipped, sampled) = run(&[TransformSpec::HorizontalFlip { probability: 1.0 }], &image, 0);
        assert_eq!(flipped.data[0], plain.data[4]);
        assert_eq!(sampled[0].values, [("flipped".to_owned(), 1.0)]);
    }

    #[test]
    fn crops_past_the_edge_are_black_and_fit() {
        let white = RgbImage::from_pixel(8, 8, image::Rgb([255; 3]));
        let (tensor, _) = run(&[TransformSpec::random_crop(16, 4)], &white, 0);
        assert_eq!(tensor.data.iter().sum::<f32>(), 3.0 * 64.0);
        let (tensor, _) = run(&[TransformSpec::CenterCrop { size: 12 }], &white, 0);
        assert_eq!(tensor.data.iter().sum::<f32>(), 3.0 * 64.0);
    }

    /// What the only transform of a pipeline samples for an image, by sample.
    fn sampled_values(transform: TransformSpec, image: &RgbImage) -> impl Iterator<Item = Vec<f64>> {
        (0..500).map(move |sample| {
            let (_, sampled) =
                apply(std::slice::from_ref(&transform), image, &mut RandomStream::new(3, 1, sample));
            sampled[0].values.iter().map(|(_, value)| *value).collect()
        })
    }

    #[test]
    fn random_resized_crops_keep_to_their_scale_and_ratio() {
        let image = sample_image(60, 40);
        let (scale, ratio) = ([0.2, 0.9], [0.75, 1.5]);
        for sampled in sampled_values(TransformSpec::random_resized_crop(4, scale, ratio), &image) {
            let [left, top, width, height] = sampled[..] else { panic!("{sampled:?}") };
            assert!(left >= 0.0 && top >= 0.0 && left + width <= 60.0 && top + height <= 40.0, "{sampled:?}");
            // Whole pixels: half a pixel a side is lost or won.
            let (least, most) = ((width - 0.5) * (height - 0.5), (width + 0.5) * (height + 0.5));
            assert!(most >= 0.2 * 2400.0 && least <= 0.9 * 2400.0, "{sampled:?}");
            let (least, most) = ((width - 0.5) / (height + 0.5), (width + 0.5) / (height - 0.5));
            assert!(most >= 0.75 && least <= 1.5, "{sampled:?}");
        }
    }

    #[test]
    fn a_crop_that_cannot_be_is_the_largest_middle_part_of_an_allowed_ratio() {
        for (width, height, area) in [(100, 4, [48.0, 0.0, 4.0, 4.0]), (4, 100, [0.0, 48.0, 4.0, 4.0])] {
            let image = sample_image(width, height);
            let transform = TransformSpec::random_resized_crop(4, [1.0, 1.0], [1.0, 1.0]);
            assert!(sampled_values(transform, &image).all(|sampled| sampled == area));
        }
    }

    #[test]
    fn sampled_parameters_keep_to_their_ranges_and_use_them() {
        let image = sample_image(20, 10);
        let jitter = TransformSpec::ColorJitter { brightness: 0.4, contrast: 2.0, saturation: 0.0, hue: 0.1 };
        let cases = [
            (TransformSpec::random_crop(8, 2), vec![(-2.0, 14.0), (-2.0, 4.0)]),
            (TransformSpec::random_crop(16, 1), vec![(-1.0, 5.0), (-3.0, -3.0)]),
            (TransformSpec::rotation(30.0), vec![(-30.0, 30.0)]),
            (jitter, vec![(0.6, 1.4), (0.0, 3.0), (1.0, 1.0), (-0.1, 0.1)]),
        ];
        for (transform, ranges) in cases {
            let sampled: Vec<Vec<f64>> = sampled_values(transform.clone(), &image).collect();
            for (at, (low, high)) in ranges.into_iter().enumerate() {
                let values = || sampled.iter().map(|values| values[at]);
                assert!(values().all(|value| (low..=high).contains(&value)), "{transform:?} {at}");
                let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
                assert!(most - least >= 0.9 * (high - low), "{transform:?} {at}: {least} to {most}");
            }
        }
        let flips = sampled_values(TransformSpec::HorizontalFlip { probability: 0.3 }, &image)
            .map(|sampled| sampled[0]);
        // The standard deviation of the count is 10.
        assert!((flips.sum::<f64>() - 150.0).abs() < 40.0);
    }

    /// Every transform with each of its parameters at both ends of its range, applied for certain.
    fn extremes() -> Vec<TransformSpec> {
        let mut specs = Vec::new();
        for transform in TRANSFORMS {
            let mut certain = Map::from_iter([("name".to_owned(), json!(transform.name))]);
            if transform.parameters.iter().any(|parameter| parameter.name == "probability") {
                certain.insert("probability".to_owned(), json!(1));
            }
            for parameter in transform.parameters {
                let values = match parameter.value_type {
                    ParameterType::Number { min, max, .. } => vec![json!(min), json!(max)],
                    ParameterType::Integer { min, max, .. } => vec![json!(min), json!(max)],
                    ParameterType::Range { min, max, .. } => {
                        vec![json!([min, min]), json!([max, max]), json!([min, max])]
                    }
                    ParameterType::IntegerRange { min, max, .. } => {
                        vec![json!([min, min]), json!([max, max])]
                    }
                    ParameterType::Channels { min, max, .. } => {
                        vec![json!([min, min, min]), json!([max, max, max])]
                    }
                    ParameterType::Choice { choices, .. } => {
                        choices.iter().map(|(choice, _)| json!(choice)).collect()
                    }
                    ParameterType::Flag { .. } => vec![json!(false), json!(true)],
                };
                for value in values {
                    let mut object = certain.clone();
                    object.insert(parameter.name.to_owned(), value);
                    specs.push(TransformSpec::from_object(object).unwrap());
                }
            }
        }
        specs
    }

    #[test]
    fn no_parameter_and_no_shape_is_too_much() {
        for image in [sample_image(1, 1), sample_image(1, 9), sample_image(8, 2), sample_image(25, 24)] {
            for transform in extremes() {
                let square = output_side(std::slice::from_ref(&transform));
                for sample in 0..3 {
                    let (tensor, sampled) =
                        apply(std::slice::from_ref(&transform), &image, &mut RandomStream::new(1, 1, sample));
                    assert_eq!(tensor.data.len(), 3 * tensor.height as usize * tensor.width as usize);
                    assert!(tensor.height > 0 && tensor.width > 0, "{transform:?}");
                    if let Some(side) = square {
                        assert_eq!((tensor.height, tensor.width), (side, side), "{transform:?}");
                    }
                    let values = sampled.iter().flat_map(|sampled| &sampled.values);
                    assert!(
                        values.into_iter().all(|(_, value)| value.is_finite()),
                        "{transform:?} {sampled:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_sampled_does_not_depend_on_whether_it_is_applied() {
        let image = sample_image(30, 20);
        let with = |probability: f64| -> Vec<TransformSpec> {
            let certain = |transform: &&Transform| {
                transform.parameters.iter().any(|parameter| parameter.name == "probability")
            };
            let spec_of = |transform: &Transform| {
                let object = json!({"name": transform.name, "probability": probability});
                TransformSpec::from_object(object.as_object().unwrap().clone()).unwrap()
            };
            TRANSFORMS.iter().filter(certain).map(spec_of).collect()
        };
        assert_eq!(with(1.0).len(), 17);
        let ((unchanged, never), (_, always)) = (run(&with(0.0), &image, 4), run(&with(1.0), &image, 4));
        assert_eq!(unchanged, run(&[], &image, 4).0);
        for (never, always) in never.iter().zip(&always) {
            assert_eq!((never.values[0].1, always.values[0].1), (0.0, 1.0), "{}", never.transform);
            assert_eq!(never.values[1..], always.values[1..], "{}", never.transform);
        }
    }

    #[test]
    fn the_side_is_that_of_the_last_transform_that_sets_it() {
        use TransformSpec::{CenterCrop, HorizontalFlip};
        let pad = TransformSpec::Pad { padding: 3, padding_mode: PaddingMode::Edge, fill: 0 };
        let (degrees, padding_mode) = ([0.0, 9.0], PaddingMode::Constant);
        let expand = TransformSpec::Rotation { degrees, padding_mode, fill: 0, expand: true };
        for (pipeline, side) in [
            (vec![], None),
            (vec![TransformSpec::resize(8)], None),
            (vec![TransformSpec::resize(8), CenterCrop { size: 6 }], Some(6)),
            (vec![TransformSpec::resize_exact(9), TransformSpec::resize(8)], Some(8)),
            (vec![TransformSpec::resize_exact(9), pad.clone()], Some(15)),
            (vec![pad], None),
            (vec![TransformSpec::resize_exact(9), expand.clone()], None),
            (vec![expand, TransformSpec::resize_exact(9)], Some(9)),
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
            let (tensor, sampled) = apply(pipeline, image, &mut RandomStream::new(11, 2, sample));
            tensor.data.iter().for_each(|value| take(&value.to_bits().to_le_bytes()));
            for (_, value) in sampled.into_iter().flat_map(|sampled| sampled.values) {
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
