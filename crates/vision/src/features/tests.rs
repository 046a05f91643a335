//! On drawn images: plain formulas, and what stays when an image is saved again or resized.

use super::*;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};

/// Waves and a hard edge at random, different for every seed.
fn sampled(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut random = crate::RandomStream::new(seed, 0, 0);
    let waves: [[f32; 3]; 4] =
        std::array::from_fn(|_| [18.0, 14.0, 6.3].map(|most| random.uniform(0.0, most) as f32));
    let [slope, place] = [(-1.0, 1.0), (0.2, 0.8)].map(|(low, high)| random.uniform(low, high) as f32);
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let wave = |k: usize| (waves[k][0] * u + waves[k][1] * v + waves[k][2]).sin();
        let edge = if u + slope * (v - 0.5) > place { 40.0 } else { -40.0 };
        let level = |k: usize| (120.0 + edge + 35.0 * wave(k) + 20.0 * wave(k + 1)).clamp(0.0, 255.0) as u8;
        image::Rgb([level(0), level(1), level(2)])
    })
}

fn saved_again(image: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(image).unwrap();
    crate::decode(&bytes, &crate::Limits::default()).unwrap().image
}

fn bits(a: &Features, b: &Features) -> u32 {
    (a.perceptual_hash ^ b.perceptual_hash).count_ones()
}

fn grey_distance(a: &Features, b: &Features) -> u8 {
    a.grey.iter().zip(&b.grey).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn hash_and_signature_survive_saving_and_resizing() {
    for seed in 0..20 {
        let original = sampled(200, 150, seed);
        let features_of_original = features(&original);
        let smaller = imageops::resize(&original, 160, 120, FilterType::Triangle);
        let larger = imageops::resize(&original, 333, 250, FilterType::CatmullRom);
        for changed in [saved_again(&original, 60), smaller, larger] {
            let changed = features(&changed);
            assert!(bits(&features_of_original, &changed) <= 6, "seed {seed}: {changed:?}");
            assert!(grey_distance(&features_of_original, &changed) <= 12, "seed {seed}: {changed:?}");
            assert_ne!(features_of_original.pixel_hash, changed.pixel_hash);
        }
        let other = features(&sampled(200, 150, seed + 20));
        assert!(bits(&features_of_original, &other) > 8, "seed {seed}");
    }
}

#[test]
fn the_pixel_hash_knows_pixels_and_shape() {
    let image = sampled(12, 8, 3);
    let flat = RgbImage::from_raw(8, 12, image.as_raw().clone()).unwrap();
    let mut other = image.clone();
    other.get_pixel_mut(11, 7).0[2] ^= 1;
    assert_eq!(features(&image).pixel_hash, features(&image.clone()).pixel_hash);
    assert_ne!(features(&image).pixel_hash, features(&flat).pixel_hash);
    assert_ne!(features(&image).pixel_hash, features(&other).pixel_hash);
}

#[test]
fn means_are_those_of_the_pixels_at_any_size() {
    for (width, height) in [(1, 1), (3, 2), (28, 28), (32, 32), (33, 31), (97, 130), (300, 40), (1, 90)] {
        let image = sampled(width, height, 5);
        let measured = features(&image);
        let count = f64::from(width * height);
        for channel in 0..3 {
            let sum: f64 = image.pixels().map(|pixel| f64::from(pixel.0[channel])).sum();
            assert!((f64::from(measured.mean[channel]) - sum / count).abs() < 0.01, "{width} × {height}");
            let squares: f64 = image.pixels().map(|pixel| f64::from(pixel.0[channel]).powi(2)).sum();
            assert_eq!(measured.square[channel], (squares / count) as f32, "{width} × {height}");
        }
    }
}

#[test]
fn luma_is_summed_up_as_in_plain_formulas() {
    let image = sampled(60, 45, 2);
    let mut lumas: Vec<u32> = image
        .pixels()
        .map(|pixel| {
            (77 * u32::from(pixel[0]) + 150 * u32::from(pixel[1]) + 29 * u32::from(pixel[2]) + 128) >> 8
        })
        .collect();
    lumas.sort_unstable();
    let count = lumas.len() as f64;
    let mean = lumas.iter().sum::<u32>() as f64 / count;
    let variance = lumas.iter().map(|&luma| (f64::from(luma) - mean).powi(2)).sum::<f64>() / count;
    let share = |level: u32| lumas.iter().filter(|&&luma| luma == level).count() as f64 / count;
    let entropy: f64 =
        (0..256).map(share).filter(|&share| share > 0.0).map(|share| -share * share.log2()).sum();
    let rank = |percent: usize| lumas[(lumas.len() * percent).div_ceil(100) - 1] as u8;
    let measured = features(&image);
    assert!((f64::from(measured.luma_std) - variance.sqrt()).abs() < 1e-3);
    assert!((f64::from(measured.entropy) - entropy).abs() < 1e-5);
    let Percentiles { p1, p5, p50, p95, p99 } = measured.luma;
    assert_eq!([p1, p5, p50, p95, p99], [1, 5, 50, 95, 99].map(rank));
}

#[test]
fn the_border_is_the_outermost_thirty_second() {
    let image = RgbImage::from_fn(64, 96, |x, y| {
        let is_border = !(2..62).contains(&x) || !(3..93).contains(&y);
        image::Rgb(if is_border { [200, 10, 30] } else { [0, 90, 255] })
    });
    assert_eq!(features(&image).border.map(f32::round), [200.0, 10.0, 30.0]);
}

#[test]
fn signatures_are_means_of_cells() {
    let image =
        RgbImage::from_fn(
            64,
            32,
            |x, _| if x < 32 { image::Rgb([0, 0, 0]) } else { image::Rgb([255, 0, 100]) },
        );
    let measured = features(&image);
    // Luma: 0.299 × 255 + 0.114 × 100 = 87.6.
    assert_eq!((measured.grey[7], measured.grey[8], measured.grey[255]), (0, 88, 88));
    assert_eq!((measured.colour[3], measured.colour[4]), ([0, 0, 0], [255, 0, 100]));
    assert_eq!(measured.channel_range, 255);
}

#[test]
fn sharpness_falls_with_blur_and_not_with_light() {
    for (width, height) in [(400, 300), (32, 32), (120, 900)] {
        let sharp = sampled(width, height, 4);
        let sigma = (0.014 * width.max(height) as f32).max(1.0);
        let blurred = imageops::blur(&sharp, sigma);
        let darker = RgbImage::from_fn(width, height, |x, y| {
            image::Rgb(sharp.get_pixel(x, y).0.map(|level| level / 3))
        });
        let [sharp, blurred, darker] = [sharp, blurred, darker].map(|image| features(&image).sharpness);
        assert!(sharp > 1.4 * blurred, "{width} × {height}: {sharp}, {blurred}");
        assert!((darker / sharp - 1.0).abs() < 0.25, "{width} × {height}: {sharp}, {darker}");
    }
    // One line of full contrast, one pixel wide: 4 × 255 less its two neighbours on the line.
    let line = RgbImage::from_fn(10, 10, |x, _| image::Rgb([if x == 4 { 255 } else { 0 }; 3]));
    let measured = features(&line);
    assert!((measured.sharpness - (2.0 * 255.0 - 3.0) / measured.luma_std).abs() < 1e-3);
    assert_eq!(features(&RgbImage::new(2, 50)).sharpness, f32::INFINITY);
}

#[test]
fn a_flat_image_has_nothing() {
    let flat = features(&RgbImage::from_pixel(50, 40, image::Rgb([7; 3])));
    assert_eq!((flat.luma_std, flat.entropy, flat.sharpness, flat.channel_range), (0.0, 0.0, 0.0, 0));
    assert_eq!((flat.mean, flat.border), ([7.0; 3], [7.0; 3]));
    assert_eq!((flat.grey, flat.luma.p1, flat.luma.p99), ([7; 256], 7, 7));
}

#[test]
fn bytes_give_the_features_back() {
    let measured = features(&sampled(70, 50, 9));
    let bytes = measured.to_bytes();
    assert_eq!(bytes.len(), Features::BYTES);
    const { assert!(Features::BYTES < 1024) };
    assert_eq!(Features::from_bytes(&bytes), Ok(measured));
    assert_eq!(Features::from_bytes(&bytes[1..]), Err(FeaturesError::Version(bytes[1])));
    assert_eq!(Features::from_bytes(&bytes[..99]), Err(FeaturesError::Length(99)));
    assert_eq!(
        Features::from_bytes(&[bytes.clone(), vec![0]].concat()),
        Err(FeaturesError::Length(bytes.len() + 1))
    );
    assert_eq!(Features::from_bytes(&[]), Err(FeaturesError::Length(0)));
    let tiny = features(&RgbImage::new(1, 1));
    assert_eq!(Features::from_bytes(&tiny.to_bytes()), Ok(tiny));
}
