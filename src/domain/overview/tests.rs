//! On drawn images.

use super::*;
use vision::{Features, RgbImage};

struct Sample {
    label: u32,
    split: Split,
    size: (u32, u32),
    bytes: u64,
    format: &'static str,
    features: Features,
}

fn sample(label: u32, split: Split, image: &RgbImage, bytes: u64, format: &'static str) -> Sample {
    Sample { label, split, size: image.dimensions(), bytes, format, features: vision::features(image) }
}

fn summed_up(samples: &[Sample], classes: &[&str]) -> Overview {
    let subjects: Vec<Subject> = samples
        .iter()
        .zip(0..)
        .map(|(sample, id)| Subject {
            id,
            path: "",
            label: sample.label,
            split: sample.split,
            width: sample.size.0,
            height: sample.size.1,
            bytes: sample.bytes,
            format: sample.format,
            orientation: 1,
            file_hash: "",
            features: &sample.features,
        })
        .collect();
    let classes: Vec<String> = classes.iter().map(|class| (*class).to_owned()).collect();
    overview(&subjects, &classes)
}

fn flat(width: u32, height: u32, levels: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, image::Rgb(levels))
}

#[test]
fn every_sample_is_in_one_bin_and_the_outer_ones_are_open() {
    let images = [flat(40, 10, [0; 3]), flat(1000, 100, [8; 3]), flat(20, 20, [255; 3]), flat(2, 2, [7; 3])];
    let samples: Vec<Sample> = images
        .iter()
        .zip([100, 101, 5_000_000, 1])
        .zip([0, 1, 1, 0])
        .map(|((image, bytes), label)| sample(label, Split::Train, image, bytes, "png"))
        .collect();
    let overview = summed_up(&samples, &["a", "b"]);
    for measure in Measure::ALL {
        let spread = overview.spread(measure).unwrap();
        assert!(spread.edges.is_sorted_by(|a, b| a < b), "{spread:?}");
        assert!(spread.edges.len() <= 34, "{spread:?}");
        assert!(spread.counts.iter().all(|counts| counts.len() + 1 == spread.edges.len()), "{spread:?}");
        // An image of two pixels a side is too small to tell its sharpness.
        let expected = if measure == Measure::Sharpness { 3 } else { 4 };
        assert_eq!(spread.totals().iter().sum::<u64>(), expected, "{spread:?}");
    }
    let brightness = overview.spread(Measure::Brightness).unwrap();
    assert_eq!((brightness.edges[1], brightness.edges[31]), (8.0, 248.0));
    // 0 and 7 lie below the second edge, 8 on it.
    assert_eq!((&brightness.totals()[..2], brightness.totals()[31]), ([2, 1].as_slice(), 1));
    // 4 : 1 and 10 : 1 are both in the open bin at the end; the squares in the middle one.
    let aspect = overview.spread(Measure::Aspect).unwrap().totals();
    assert_eq!((aspect[12], aspect[24], aspect.len()), (2, 2, 25));
}

#[test]
fn a_spread_of_equal_sizes_is_one_bin() {
    let samples = [0, 1].map(|label| sample(label, Split::Val, &flat(28, 28, [9; 3]), 500, "png"));
    let overview = summed_up(&samples, &["a", "b"]);
    let pixels = overview.spread(Measure::Pixels).unwrap();
    assert_eq!(
        (pixels.totals().as_slice(), pixels.counts.as_slice()),
        ([2].as_slice(), [vec![1], vec![1]].as_slice())
    );
    assert_eq!(pixels.edges, [784.0, 785.0]);
    // Sizes that differ by little are told apart all the same.
    let near = [(0, 375), (1, 374)]
        .map(|(label, height)| sample(label, Split::Val, &flat(500, height, [9; 3]), 50_000, "png"));
    let near = summed_up(&near, &["a", "b"]);
    let pixels = near.spread(Measure::Pixels).unwrap();
    assert_eq!(pixels.totals().iter().filter(|count| **count > 0).count(), 2, "{pixels:?}");
}

#[test]
fn of_no_images_there_is_nothing_to_say() {
    let overview = summed_up(&[], &["a"]);
    assert_eq!((overview.channels, overview.classes[0].mean, overview.formats.len()), (None, None, 0));
    assert!(overview.spreads.iter().all(|spread| spread.totals().iter().all(|count| *count == 0)));
}

#[test]
fn channel_figures_are_those_of_the_training_pixels() {
    let noise = |seed: u32| {
        RgbImage::from_fn(24, 24, |x, y| {
            image::Rgb(
                [x * 7 + seed * 40, y * 9 + x + seed, (x * y + seed * 90) % 256].map(|level| level as u8),
            )
        })
    };
    let train = [noise(0), noise(1), noise(2)];
    let mut samples: Vec<Sample> =
        train.iter().map(|image| sample(0, Split::Train, image, 9, "png")).collect();
    samples.push(sample(1, Split::Test, &flat(24, 24, [255; 3]), 9, "jpeg"));
    let overview = summed_up(&samples, &["a", "b"]);
    let figures = overview.channels.unwrap();
    assert_eq!(figures.samples, 3);
    for channel in 0..3 {
        let values: Vec<f64> = train
            .iter()
            .flat_map(|image| image.pixels().map(|pixel| f64::from(pixel.0[channel]) / 255.0))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!((figures.mean[channel] - mean).abs() < 1e-5, "{figures:?}");
        assert!((figures.std[channel] - variance.sqrt()).abs() < 1e-5, "{figures:?}");
    }
    assert_eq!(overview.classes[1].mean, Some([255.0; 3]));
    let formats: Vec<(&str, &[u32])> =
        overview.formats.iter().map(|format| (format.format.as_str(), format.counts.as_slice())).collect();
    assert_eq!(formats, [("png", [3, 0].as_slice()), ("jpeg", [0, 1].as_slice())]);
}

#[test]
fn an_overview_of_another_shape_or_version_is_not_drawn() {
    let image = flat(8, 8, [10, 20, 30]);
    let made = || summed_up(&[sample(0, Split::Train, &image, 10, "png")], &["a", "b"]);
    assert!(made().is_current());
    assert!(summed_up(&[], &[]).is_current(), "of nothing");
    let broken: [fn(&mut Overview); 5] = [
        |overview| overview.version = 0,
        |overview| overview.spreads[0].counts[1].clear(),
        |overview| overview.spreads[0].counts.truncate(1),
        |overview| overview.spreads[0].edges.clear(),
        |overview| overview.formats[0].counts.truncate(1),
    ];
    for (at, damage) in broken.iter().enumerate() {
        let mut overview = made();
        damage(&mut overview);
        assert!(!overview.is_current(), "{at}");
    }
    // As it was kept before there were versions.
    let mut kept = serde_json::to_value(made()).unwrap();
    kept.as_object_mut().unwrap().remove("version");
    assert!(!serde_json::from_value::<Overview>(kept).unwrap().is_current());
}
