//! Random parameters: those of whole pipelines against uniform distributions, and those with a shape of their own
//! against what torchvision samples (`distributions.json`).

use super::{fixtures, read};
use crate::apply_transform::{Values, apply_transform};
use crate::policy::{Operation, STRENGTHS, Space};
use crate::{RandomStream, RgbImage, sample_cut_box, sampling};
use protocol::transform::{PaddingMode, TransformSpec};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

const TRIALS: i64 = 20_000;

#[derive(Deserialize)]
struct Reference {
    random_resized_crop: Vec<ReferenceDistribution>,
    random_erasing: Vec<ReferenceDistribution>,
    affine: Vec<ReferenceDistribution>,
    perspective: Vec<ReferenceDistribution>,
    cutmix: Vec<ReferenceDistribution>,
    policies: BTreeMap<String, Vec<Magnitudes>>,
}

/// How torchvision's parameters are distributed for an image of this size.
#[derive(Deserialize)]
struct ReferenceDistribution {
    width: u32,
    height: u32,
    /// The share of trials that found no area.
    missing: f64,
    /// By parameter: values, each with the share of trials that are not above it.
    quantiles: BTreeMap<String, Vec<(f64, f64)>>,
}

#[derive(Deserialize)]
struct Magnitudes {
    operation: String,
    signed: bool,
    magnitudes: Vec<f64>,
}

fn stream(sample: i64) -> RandomStream {
    RandomStream::new(17, 1, sample)
}

/// Compares our distribution with torchvision's. Two shares of 20,000 trials differ by a standard deviation of up to 0.005.
fn compare(
    what: &str,
    reference: &[ReferenceDistribution],
    names: &[&str],
    sample: impl Fn(u32, u32, &mut RandomStream) -> Option<Vec<f64>>,
) {
    for ReferenceDistribution { width, height, missing, quantiles } in reference {
        let sampled: Vec<Vec<f64>> =
            (0..TRIALS).filter_map(|id| sample(*width, *height, &mut stream(id))).collect();
        let ours = 1.0 - sampled.len() as f64 / TRIALS as f64;
        assert!(
            (ours - missing).abs() < 0.02,
            "{what} {width} × {height}: {ours} give nothing, not {missing}"
        );
        assert_eq!(quantiles.len(), names.len());
        for (at, name) in names.iter().enumerate() {
            for (value, share) in &quantiles[*name] {
                // 32 bits there, 64 here.
                let below = sampled.iter().filter(|values| values[at] <= value + 1e-6).count();
                let ours = below as f64 / sampled.len() as f64;
                assert!(
                    (ours - share).abs() < 0.02,
                    "{what} {width} × {height}: {name} is up to {value} in {ours} of the trials, not {share}"
                );
            }
        }
    }
}

#[test]
fn parameters_are_distributed_as_in_torchvision() {
    let reference: Reference = read(&fixtures(), "distributions.json");
    let area = ["left", "top", "width", "height"];
    compare("random_resized_crop", &reference.random_resized_crop, &area, |width, height, random| {
        let area = sampling::inception_area(width, height, [0.08, 1.0], [3.0 / 4.0, 4.0 / 3.0], random);
        Some([area.left, area.top, area.width, area.height].map(f64::from).to_vec())
    });
    compare("random_erasing", &reference.random_erasing, &area, |width, height, random| {
        let area = sampling::erased_area(width, height, [0.02, 0.33], [0.3, 3.3], random)?;
        Some([area.left, area.top, area.width, area.height].map(f64::from).to_vec())
    });
    let pose = ["degrees", "translate_x", "translate_y", "scale", "shear_x", "shear_y"];
    compare("affine", &reference.affine, &pose, |width, height, random| {
        let shear = [[-10.0, 20.0], [-5.0, 5.0]];
        let pose = sampling::pose((width, height), [-30.0, 30.0], [0.1, 0.2], [0.5, 1.5], shear, random);
        let ([x, y], [across, down]) = (pose.translate, pose.shear);
        Some(vec![pose.degrees, x, y, pose.scale, across, down])
    });
    let corners = ["upper_left_x", "upper_left_y", "upper_right_x", "upper_right_y"];
    let corners =
        [&corners[..], &["lower_right_x", "lower_right_y", "lower_left_x", "lower_left_y"]].concat();
    compare("perspective", &reference.perspective, &corners, |width, height, random| {
        Some(sampling::corners(width, height, 0.6, random).concat())
    });
    let cut = ["left", "top", "right", "bottom", "lambda"];
    compare("cutmix", &reference.cutmix, &cut, |width, height, random| {
        let (cut, lambda) = sample_cut_box(0.7, height, width, random);
        let sides = [cut.left, cut.top, cut.right, cut.bottom].map(f64::from);
        Some([&sides[..], &[lambda]].concat())
    });
}

/// What a transform samples, trial by trial.
fn sampled_values(
    transform: &TransformSpec,
    (width, height): (u32, u32),
    count: i64,
) -> impl Iterator<Item = Values> {
    let image = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
    (0..count).map(move |sample| {
        apply_transform(transform, &mut Cow::Borrowed(&image), &mut stream(sample))
            .expect("the transform is a random one")
    })
}

/// Kolmogorov and Smirnov's distance from the uniform distribution, times the root of the count: above 1.95 in one
/// of a thousand tests.
fn distance_from_uniform(mut values: Vec<f64>, [low, high]: [f64; 2]) -> f64 {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    let off = values.iter().enumerate().map(|(at, value)| {
        let share = (value - low) / (high - low);
        (share - at as f64 / count).abs().max((share - (at + 1) as f64 / count).abs())
    });
    off.fold(0.0, f64::max) * count.sqrt()
}

/// Pearson's statistic for equal counts less its expectation, in standard deviations: above 4 in one of ten thousand tests.
fn distance_from_equal(counts: &[u32]) -> f64 {
    let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    let statistic: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    let freedom = (counts.len() - 1) as f64;
    (statistic - freedom) / (2.0 * freedom).sqrt()
}

#[test]
fn amounts_are_uniform_and_chances_what_they_should_be() {
    let padding_mode = PaddingMode::Constant;
    let rotation = TransformSpec::Rotation { degrees: [-10.0, 70.0], padding_mode, fill: 0, expand: true };
    let cases = [
        (rotation, "degrees", [-10.0, 70.0]),
        (TransformSpec::Brightness { factor: [0.6, 1.4], probability: 0.3 }, "factor", [0.6, 1.4]),
        (TransformSpec::Contrast { factor: [0.0, 2.0], probability: 0.3 }, "factor", [0.0, 2.0]),
        (TransformSpec::Saturation { factor: [1.0, 1.5], probability: 0.3 }, "factor", [1.0, 1.5]),
        (TransformSpec::Hue { turn: [-0.5, 0.2], probability: 0.3 }, "turn", [-0.5, 0.2]),
        (TransformSpec::Sharpness { factor: [0.0, 5.0], probability: 0.3 }, "factor", [0.0, 5.0]),
        (
            TransformSpec::GaussianBlur { kernel_size: 3, sigma: [0.1, 2.0], probability: 0.3 },
            "sigma",
            [0.1, 2.0],
        ),
        (TransformSpec::GaussianNoise { sigma: [0.0, 0.1], probability: 0.3 }, "sigma", [0.0, 0.1]),
    ];
    for (transform, name, range) in cases {
        let sampled: Vec<Values> = sampled_values(&transform, (4, 3), 5000).collect();
        let value = |values: &Values, name| values.iter().find(|(other, _)| *other == name).map(|(_, v)| *v);
        let amounts = sampled.iter().filter_map(|values| value(values, name)).collect();
        let distance = distance_from_uniform(amounts, range);
        assert!(distance < 1.95, "{}: {distance}", transform.name());
        if let Some(applied) = sampled.iter().map(|values| value(values, "applied")).sum::<Option<f64>>() {
            // The standard deviation of the count is 32.
            assert!((applied - 1500.0).abs() < 130.0, "{}: {applied}", transform.name());
        }
    }
}

#[test]
fn whole_numbers_are_equally_likely() {
    let count = |transform: TransformSpec, at: usize, first: i64, count_of_values: usize| {
        let mut counts = vec![0; count_of_values];
        for values in sampled_values(&transform, (20, 10), 10_000) {
            counts[(values[at].1 as i64 - first) as usize] += 1;
        }
        let distance = distance_from_equal(&counts);
        assert!(distance < 4.0, "{}: {counts:?}", transform.name());
    };
    count(TransformSpec::Jpeg { quality: [40, 60], probability: 0.0 }, 1, 40, 21);
    count(TransformSpec::random_crop(8, 2), 0, -2, 17);
    count(TransformSpec::random_crop(8, 2), 1, -2, 7);
}

#[test]
fn transforms_without_parameters_are_applied_as_often_as_they_should_be() {
    for transform in [
        TransformSpec::HorizontalFlip { probability: 0.3 },
        TransformSpec::VerticalFlip { probability: 0.3 },
        TransformSpec::Grayscale { probability: 0.3 },
        TransformSpec::Solarize { threshold: 9, probability: 0.3 },
        TransformSpec::Posterize { bits: 2, probability: 0.3 },
        TransformSpec::Equalize { probability: 0.3 },
        TransformSpec::Autocontrast { probability: 0.3 },
    ] {
        let sampled: Vec<Values> = sampled_values(&transform, (4, 3), 5000).collect();
        let flips = transform.name().ends_with("flip");
        assert!(sampled.iter().all(|values| values[0].0 == if flips { "flipped" } else { "applied" }));
        let applied: f64 = sampled.iter().map(|values| values[0].1).sum();
        assert!((applied - 1500.0).abs() < 130.0, "{}: {applied}", transform.name());
    }
}

#[test]
fn the_order_of_the_jitter_is_any_of_all() {
    let mut counts = BTreeMap::new();
    for sample in 0..24_000 {
        *counts.entry(sampling::order(&mut stream(sample))).or_insert(0) += 1;
    }
    let counts: Vec<u32> = counts.into_values().collect();
    assert_eq!(counts.len(), 24);
    assert!(distance_from_equal(&counts) < 4.0, "{counts:?}");
}

/// `ShearX` → `shear_x`; `AutoContrast` is one word elsewhere.
fn snake_case(name: &str) -> String {
    if name == "AutoContrast" {
        return "autocontrast".into();
    }
    let parts = name.char_indices().map(|(at, letter)| {
        let gap = if at > 0 && letter.is_uppercase() { "_" } else { "" };
        format!("{gap}{}", letter.to_lowercase())
    });
    parts.collect()
}

#[test]
fn policies_have_torchvisions_operations_and_magnitudes() {
    let mut policies = read::<Reference>(&fixtures(), "distributions.json").policies;
    for (name, space) in [("rand_augment", Space::Usual), ("trivial_augment", Space::Wide)] {
        let reference = policies.remove(name).unwrap();
        assert_eq!(reference.len(), Operation::ALL.len());
        for (operation, Magnitudes { operation: name, signed, magnitudes }) in
            Operation::ALL.into_iter().zip(reference)
        {
            assert_eq!(operation.name(), snake_case(&name));
            for (strength, magnitude) in (0..STRENGTHS).zip(magnitudes) {
                let (ours, is_signed) = operation.magnitude(space, strength, (72, 54));
                // The numbers have 32 bits, and JSON is read to almost 64.
                assert_eq!((ours as f32, is_signed), (magnitude as f32, signed), "{name} {strength}");
            }
        }
    }
}

#[test]
fn policies_sample_operations_strengths_and_signs_evenly() {
    let mut counts = BTreeMap::new();
    let (mut negative, mut signed) = (0, 0);
    let mut count = |values: Values| {
        for (name, magnitude) in values {
            *counts.entry(name).or_insert(0) += 1;
            if magnitude != 0.0 && !["posterize", "solarize"].contains(&name) {
                signed += 1;
                negative += i32::from(magnitude < 0.0);
            }
        }
    };
    sampled_values(&TransformSpec::RandAugment { operations: 3, magnitude: 9, fill: 0 }, (6, 5), 5000)
        .for_each(&mut count);
    let mut bits = [0; 7];
    for values in sampled_values(&TransformSpec::TrivialAugment { fill: 0 }, (6, 5), 20_000) {
        if values[0].0 == "posterize" {
            bits[values[0].1 as usize - 2] += 1;
        }
        count(values);
    }
    let counts: Vec<u32> = counts.into_values().collect();
    assert_eq!(counts.len(), 14);
    assert!(distance_from_equal(&counts) < 4.0, "{counts:?}");
    assert!((f64::from(negative) / f64::from(signed) - 0.5).abs() < 0.02, "{negative} of {signed}");
    // Of the 31 strengths three leave all eight bits, three but two, and five each number between.
    let share = |at: usize| bits[at] as f64 / bits.iter().sum::<i32>() as f64 * 31.0;
    for (at, expected) in [3, 5, 5, 5, 5, 5, 3].into_iter().enumerate() {
        assert!((share(at) - f64::from(expected)).abs() < 1.2, "{bits:?}");
    }
}
