//! What a tensor holds, in numbers and pictures for people.

use crate::picture::picture_from_tensor;
use crate::pipeline::Tensor;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _, RgbImage};

/// Of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    /// Arithmetic mean.
    pub mean: f64,
    /// Population standard deviation.
    pub std: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

fn planes(tensor: &Tensor) -> [&[f32]; 3] {
    let plane = tensor.height as usize * tensor.width as usize;
    [0, 1, 2].map(|channel| &tensor.data[channel * plane..(channel + 1) * plane])
}

/// Of red, green, blue, summed in double precision.
pub fn channel_stats(tensor: &Tensor) -> [Stats; 3] {
    planes(tensor).map(|values| {
        let count = values.len().max(1) as f64;
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let squares = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>();
        let (min, max) = values
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), value| (min.min(*value), max.max(*value)));
        Stats { mean, std: (squares / count).sqrt(), min: f64::from(min), max: f64::from(max) }
    })
}

/// How many values of each channel fall into each of `bins` equal parts of `low..=high`; what lies outside counts in
/// the outermost part.
pub fn histogram(tensor: &Tensor, low: f64, high: f64, bins: usize) -> [Vec<u64>; 3] {
    let scale = bins as f64 / (high - low);
    planes(tensor).map(|values| {
        let mut counts = vec![0; bins];
        for value in values {
            // The cast saturates, also at NaN.
            let bin = ((f64::from(*value) - low) * scale) as usize;
            if let Some(count) = counts.get_mut(bin.min(bins.saturating_sub(1))) {
                *count += 1;
            }
        }
        counts
    })
}

/// One channel as grey: its least value black, its greatest white.
pub fn channel_picture(tensor: &Tensor, channel: usize) -> RgbImage {
    let values = planes(tensor)[channel];
    let (least, most) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), value| {
        (least.min(*value), most.max(*value))
    });
    let spread = if most > least { most - least } else { 1.0 };
    let grey: Vec<f32> = values.iter().map(|value| (value - least) / spread).collect();
    picture_from_tensor(&grey.repeat(3), tensor.height, tensor.width, None)
}

/// A PNG file made for looking at once: written five times as quickly as [`crate::png`], half as large again.
pub fn quick_png(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (width, height) = image.dimensions();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Sub)
        .write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8)
        .expect("writing to memory does not fail");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor() -> Tensor {
        let data = vec![0.0, 1.0, 2.0, 3.0, -1.0, -1.0, -1.0, -1.0, 0.5, 0.25, 0.75, 0.5];
        Tensor { data, height: 2, width: 2 }
    }

    #[test]
    fn statistics_are_those_of_each_channel() {
        let [red, green, blue] = channel_stats(&tensor());
        assert_eq!(red, Stats { mean: 1.5, std: 1.25_f64.sqrt(), min: 0.0, max: 3.0 });
        assert_eq!(green, Stats { mean: -1.0, std: 0.0, min: -1.0, max: -1.0 });
        assert_eq!((blue.mean, blue.std), (0.5, 0.03125_f64.sqrt()));
    }

    #[test]
    fn every_value_falls_into_one_part() {
        let [red, green, blue] = histogram(&tensor(), 0.0, 2.0, 4);
        assert_eq!(red, [1, 0, 1, 2]);
        assert_eq!(green, [4, 0, 0, 0]);
        assert_eq!(blue, [1, 3, 0, 0]);
    }

    #[test]
    fn a_channel_is_stretched_from_black_to_white() {
        let red = channel_picture(&tensor(), 0);
        assert_eq!((red.get_pixel(0, 0).0, red.get_pixel(1, 1).0), ([0; 3], [255; 3]));
        assert_eq!(channel_picture(&tensor(), 1).as_raw(), &[0; 12]);
    }

    #[test]
    fn a_quick_png_holds_the_same_picture() {
        let image =
            RgbImage::from_fn(30, 20, |x, y| image::Rgb([(x * 8) as u8, (y * 9) as u8, (x * y) as u8]));
        assert_eq!(crate::decode(&quick_png(&image), &crate::Limits::default()).unwrap().image, image);
    }
}
