//! Ways of loading a picture, as data. `tintype-vision` carries them out; [`catalogue`] describes them to people.

pub mod catalogue;
pub mod kind;
mod read;

use serde::{Deserialize, Serialize};

/// What is done to a picture on its way to the network, in order. The result is a tensor of shape
/// `[3, height, width]`, channels red, green, blue, values in `0..=1` unless a [`TransformSpec::Normalize`] follows.
pub type Pipeline = Vec<TransformSpec>;

/// One step of a [`Pipeline`]. In JSON an object with the step's `name` and its parameters; a parameter that is left
/// out has the default of [`catalogue::TRANSFORMS`], and a value outside its range is refused.
///
/// Names, parameters and meaning follow `torchvision.transforms.v2` where it has the step. `probability` is always
/// that of the step being carried out at all, 0 to 1. Ranges are drawn from uniformly. `fill` is a grey level, 0 to 255.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields, remote = "Self")]
pub enum TransformSpec {
    /// The shorter side becomes `size` pixels, the aspect ratio stays.
    Resize {
        /// Pixels.
        size: u32,
        /// How levels between pixels are made.
        interpolation: Interpolation,
        /// Whether the kernel grows as the picture shrinks, so that nothing is skipped.
        antialias: bool,
    },
    /// Both sides become `size` pixels, whatever the aspect ratio was.
    ResizeExact {
        /// Pixels.
        size: u32,
        /// How levels between pixels are made.
        interpolation: Interpolation,
        /// Whether the kernel grows as the picture shrinks.
        antialias: bool,
    },
    /// The middle square of `size` pixels; a smaller picture is padded with black.
    CenterCrop {
        /// Pixels.
        size: u32,
    },
    /// More pixels on every side.
    Pad {
        /// Pixels a side.
        padding: u32,
        /// What they are.
        outside: PaddingMode,
        /// The level of a constant outside.
        fill: u8,
    },
    /// A square of `size` pixels from a random place, after `padding` pixels were put on each side.
    RandomCrop {
        /// Pixels.
        size: u32,
        /// Pixels a side.
        padding: u32,
        /// What they are.
        outside: PaddingMode,
        /// The level of a constant outside.
        fill: u8,
    },
    /// A random part of the picture, resized to a square of `size` pixels (the Inception crop).
    RandomResizedCrop {
        /// Pixels.
        size: u32,
        /// Least and most share of the area.
        scale: [f64; 2],
        /// Least and most width ÷ height.
        ratio: [f64; 2],
        /// How levels between pixels are made.
        interpolation: Interpolation,
        /// Whether the kernel grows as the picture shrinks.
        antialias: bool,
    },
    /// Left and right exchanged.
    HorizontalFlip {
        /// Of the flip.
        probability: f64,
    },
    /// Top and bottom exchanged.
    VerticalFlip {
        /// Of the flip.
        probability: f64,
    },
    /// Turned counter-clockwise about the centre, bilinear. In JSON one number `d` stands for `[-d, d]`.
    Rotation {
        /// Least and most angle.
        degrees: [f64; 2],
        /// What comes into the corners.
        outside: PaddingMode,
        /// The level of a constant outside.
        fill: u8,
        /// Whether the picture grows to hold all of the turned one.
        expand: bool,
    },
    /// Turned, shifted, scaled and sheared about the centre at once, bilinear.
    Affine {
        /// Least and most angle, counter-clockwise; torchvision's `RandomAffine` turns clockwise.
        degrees: [f64; 2],
        /// Greatest shift either way, as a share of the width.
        translate_x: f64,
        /// Greatest shift either way, as a share of the height.
        translate_y: f64,
        /// Least and most factor.
        scale: [f64; 2],
        /// Least and most angle, degrees.
        shear_x: [f64; 2],
        /// Least and most angle, degrees.
        shear_y: [f64; 2],
        /// What comes in from beyond the edge.
        outside: PaddingMode,
        /// The level of a constant outside.
        fill: u8,
    },
    /// Seen from an angle: each corner moves inwards at random, by up to half of `distortion` × the side; bilinear.
    Perspective {
        /// 0 to 1.
        distortion: f64,
        /// Of the step.
        probability: f64,
        /// What comes in from beyond the edge.
        outside: PaddingMode,
        /// The level of a constant outside.
        fill: u8,
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
    /// Blended with black (below 1) or away from it (above 1).
    Brightness {
        /// Least and most factor.
        factor: [f64; 2],
        /// Of the step.
        probability: f64,
    },
    /// Blended with its mean grey, or away from it.
    Contrast {
        /// Least and most factor.
        factor: [f64; 2],
        /// Of the step.
        probability: f64,
    },
    /// Blended with its own grey, or away from it.
    Saturation {
        /// Least and most factor.
        factor: [f64; 2],
        /// Of the step.
        probability: f64,
    },
    /// The colour wheel turned.
    Hue {
        /// Least and most turn: 1 is all the way round. In JSON one number `h` stands for `[-h, h]`.
        turn: [f64; 2],
        /// Of the step.
        probability: f64,
    },
    /// Colour taken away; three equal channels remain.
    Grayscale {
        /// Of the step.
        probability: f64,
    },
    /// Levels at or above `threshold` inverted.
    Solarize {
        /// 0 to 255.
        threshold: u8,
        /// Of the step.
        probability: f64,
    },
    /// Only the highest bits of each level kept.
    Posterize {
        /// 1 to 8.
        bits: u8,
        /// Of the step.
        probability: f64,
    },
    /// Each channel's histogram made flat.
    Equalize {
        /// Of the step.
        probability: f64,
    },
    /// Each channel stretched from its least and greatest level to 0 and 255.
    Autocontrast {
        /// Of the step.
        probability: f64,
    },
    /// Blended with its smoothed self (below 1) or away from it (above 1).
    Sharpness {
        /// Least and most factor.
        factor: [f64; 2],
        /// Of the step.
        probability: f64,
    },
    /// Convolved with a Gaussian.
    GaussianBlur {
        /// Side of the kernel in pixels, odd.
        kernel_size: u32,
        /// Least and most deviation, pixels.
        sigma: [f64; 2],
        /// Of the step.
        probability: f64,
    },
    /// Independent noise added to every level.
    GaussianNoise {
        /// Least and most deviation, as a share of the full range of levels.
        sigma: [f64; 2],
        /// Of the step.
        probability: f64,
    },
    /// Saved as JPEG and read again.
    Jpeg {
        /// Least and most quality.
        quality: [u32; 2],
        /// Of the step.
        probability: f64,
    },
    /// A random rectangle replaced (Zhong et al. 2017).
    RandomErasing {
        /// Least and most share of the area.
        scale: [f64; 2],
        /// Least and most height ÷ width, as torchvision has it.
        ratio: [f64; 2],
        /// What takes its place.
        with: Erasure,
        /// The level of a constant.
        fill: u8,
        /// Of the step.
        probability: f64,
    },
    /// `operations` random operations of one strength (Cubuk et al. 2019).
    RandAugment {
        /// How many, one after another.
        operations: u32,
        /// Strength, 0 to 30.
        magnitude: u32,
        /// The level that comes in from beyond the edge.
        fill: u8,
    },
    /// One random operation of random strength, from the wide space (Müller and Hutter 2021).
    TrivialAugment {
        /// The level that comes in from beyond the edge.
        fill: u8,
    },
    /// `(value - mean) / std`, channel by channel; the last step where it occurs.
    Normalize {
        /// Red, green, blue.
        mean: [f32; 3],
        /// Red, green, blue; each above 0.
        std: [f32; 3],
    },
}

/// How levels between pixels are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// A triangle, two pixels wide.
    #[default]
    Bilinear,
    /// A cubic, four pixels wide (a = -0.5 antialiased, as Pillow and torchvision have it).
    Bicubic,
    /// A windowed sinc, six pixels wide; always antialiased.
    Lanczos,
}

/// What lies beyond the edge of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaddingMode {
    /// One level.
    #[default]
    Constant,
    /// The picture mirrored, its outermost pixels not repeated.
    Reflect,
    /// The outermost pixels, repeated.
    Edge,
}

/// What takes the place of an erased rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Erasure {
    /// One level.
    #[default]
    Constant,
    /// Levels drawn independently.
    Noise,
}

impl TransformSpec {
    /// The name, as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Resize { .. } => "resize",
            Self::ResizeExact { .. } => "resize_exact",
            Self::CenterCrop { .. } => "center_crop",
            Self::Pad { .. } => "pad",
            Self::RandomCrop { .. } => "random_crop",
            Self::RandomResizedCrop { .. } => "random_resized_crop",
            Self::HorizontalFlip { .. } => "horizontal_flip",
            Self::VerticalFlip { .. } => "vertical_flip",
            Self::Rotation { .. } => "rotation",
            Self::Affine { .. } => "affine",
            Self::Perspective { .. } => "perspective",
            Self::ColorJitter { .. } => "color_jitter",
            Self::Brightness { .. } => "brightness",
            Self::Contrast { .. } => "contrast",
            Self::Saturation { .. } => "saturation",
            Self::Hue { .. } => "hue",
            Self::Grayscale { .. } => "grayscale",
            Self::Solarize { .. } => "solarize",
            Self::Posterize { .. } => "posterize",
            Self::Equalize { .. } => "equalize",
            Self::Autocontrast { .. } => "autocontrast",
            Self::Sharpness { .. } => "sharpness",
            Self::GaussianBlur { .. } => "gaussian_blur",
            Self::GaussianNoise { .. } => "gaussian_noise",
            Self::Jpeg { .. } => "jpeg",
            Self::RandomErasing { .. } => "random_erasing",
            Self::RandAugment { .. } => "rand_augment",
            Self::TrivialAugment { .. } => "trivial_augment",
            Self::Normalize { .. } => "normalize",
        }
    }

    /// Shorter side to `size` pixels, bilinear, antialiased.
    pub fn resize(size: u32) -> Self {
        Self::Resize { size, interpolation: Interpolation::Bilinear, antialias: true }
    }

    /// Both sides to `size` pixels, bilinear, antialiased.
    pub fn resize_exact(size: u32) -> Self {
        Self::ResizeExact { size, interpolation: Interpolation::Bilinear, antialias: true }
    }

    /// A square from a random place with `padding` black pixels around.
    pub fn random_crop(size: u32, padding: u32) -> Self {
        Self::RandomCrop { size, padding, outside: PaddingMode::Constant, fill: 0 }
    }

    /// The Inception crop, bilinear, antialiased.
    pub fn random_resized_crop(size: u32, scale: [f64; 2], ratio: [f64; 2]) -> Self {
        let interpolation = Interpolation::Bilinear;
        Self::RandomResizedCrop { size, scale, ratio, interpolation, antialias: true }
    }

    /// Turned by up to so many degrees either way, corners black.
    pub fn rotation(degrees: f64) -> Self {
        Self::Rotation {
            degrees: [-degrees, degrees],
            outside: PaddingMode::Constant,
            fill: 0,
            expand: false,
        }
    }
}

/// What one random step drew for one picture, in words and numbers a person can check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// The step's name, as in [`TransformSpec`].
    pub transform: String,
    /// Name and value, such as `("degrees", -12.5)`, in the order of the step's parameters.
    pub values: Vec<(String, f64)>,
}
