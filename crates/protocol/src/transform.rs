//! Ways of loading a picture, as data. `tintype-vision` carries them out.

use serde::{Deserialize, Serialize};

/// What is done to a picture on its way to the network, in order. The result is a tensor of shape
/// `[3, height, width]`, channels red, green, blue, values in `0..=1` unless a [`TransformSpec::Normalize`] follows.
pub type Pipeline = Vec<TransformSpec>;

/// One step of a [`Pipeline`]. In JSON an object with the step's `name` and its parameters.
///
/// Names, parameters and meaning follow `torchvision.transforms.v2`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum TransformSpec {
    /// Bilinear, antialiased: the shorter side becomes `size` pixels, the aspect ratio stays.
    Resize {
        /// Pixels, 1 to 1024.
        size: u32,
    },
    /// Bilinear, antialiased: both sides become `size` pixels, whatever the aspect ratio was.
    ResizeExact {
        /// Pixels, 1 to 1024.
        size: u32,
    },
    /// The middle square of `size` pixels; a smaller picture is padded with black.
    CenterCrop {
        /// Pixels, 1 to 1024.
        size: u32,
    },
    /// Left and right exchanged with this probability.
    HorizontalFlip {
        /// 0 to 1.
        probability: f64,
    },
    /// A square of `size` pixels from a random place, after `padding` black pixels were put on each side.
    RandomCrop {
        /// Pixels, 1 to 1024.
        size: u32,
        /// Pixels, 0 to 128.
        padding: u32,
    },
    /// A random part of the picture, resized to a square of `size` pixels (the Inception crop).
    RandomResizedCrop {
        /// Pixels, 1 to 1024.
        size: u32,
        /// Least and most share of the area, within 0 to 1.
        scale: [f64; 2],
        /// Least and most width ÷ height.
        ratio: [f64; 2],
    },
    /// Turned about the centre by a uniform draw from `-degrees..=degrees`, bilinear, corners filled with black.
    Rotation {
        /// 0 to 180.
        degrees: f64,
    },
    /// Brightness, contrast, saturation and hue changed by uniform draws, in a random order.
    ColorJitter {
        /// Factor drawn from `max(0, 1 - b)..=1 + b`.
        brightness: f64,
        /// Factor drawn from `max(0, 1 - c)..=1 + c`.
        contrast: f64,
        /// Factor drawn from `max(0, 1 - s)..=1 + s`.
        saturation: f64,
        /// Turn of the colour wheel drawn from `-h..=h`, 0 to 0.5 (a half turn).
        hue: f64,
    },
    /// `(value - mean) / std`, channel by channel; the last step where it occurs.
    Normalize {
        /// Red, green, blue.
        mean: [f32; 3],
        /// Red, green, blue; each above 0.
        std: [f32; 3],
    },
}

/// What one random step drew for one picture, in words and numbers a person can check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// The step's name, as in [`TransformSpec`].
    pub transform: String,
    /// Name and value, such as `("degrees", -12.5)`, in the order of the step's parameters.
    pub values: Vec<(String, f64)>,
}
