//! Ways of loading an image, as data. `tintype-vision` applies them; [`catalogue`] describes them to people.

pub mod catalogue;
pub mod parameter_type;
mod read;

use serde::{Deserialize, Serialize};

/// What is done to an image on its way to the network, in order. The result is a tensor of shape
/// `[3, height, width]`, channels red, green, blue, values in `0..=1` unless a [`TransformSpec::Normalize`] follows.
pub type Pipeline = Vec<TransformSpec>;

/// One transform of a [`Pipeline`]. In JSON an object with its `name` and its parameters; a parameter that is left
/// out has the default of [`catalogue::TRANSFORMS`], and a value outside its range is refused.
///
/// Names, parameters and meaning follow `torchvision.transforms.v2` where it has the transform. `probability` is
/// always that of the transform being applied at all, 0 to 1. Ranges are sampled from uniformly. `fill` is a grey level,
/// 0 to 255.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields, remote = "Self")]
pub enum TransformSpec {
    /// The shorter side becomes `size` pixels, the aspect ratio stays.
    Resize {
        /// Length of the shorter side, pixels.
        size: u32,
        /// How levels between pixels are interpolated.
        interpolation: Interpolation,
        /// Whether the kernel grows as the image shrinks, so that nothing is skipped.
        antialias: bool,
    },
    /// Both sides become `size` pixels, whatever the aspect ratio was.
    ResizeExact {
        /// Length of both sides, pixels.
        size: u32,
        /// How levels between pixels are interpolated.
        interpolation: Interpolation,
        /// Whether the kernel grows as the image shrinks.
        antialias: bool,
    },
    /// The middle square of `size` pixels; a smaller image is padded with black.
    CenterCrop {
        /// Side of the resulting square, pixels.
        size: u32,
    },
    /// More pixels on every side.
    Pad {
        /// Pixels added on each side.
        padding: u32,
        /// How the added pixels are filled.
        padding_mode: PaddingMode,
        /// Grey level of [`PaddingMode::Constant`].
        fill: u8,
    },
    /// A square of `size` pixels from a random place, after `padding` pixels were put on each side.
    RandomCrop {
        /// Side of the resulting square, pixels.
        size: u32,
        /// Pixels added on each side.
        padding: u32,
        /// How the added pixels are filled.
        padding_mode: PaddingMode,
        /// Grey level of [`PaddingMode::Constant`].
        fill: u8,
    },
    /// A random part of the image, resized to a square of `size` pixels (the Inception crop).
    RandomResizedCrop {
        /// Side of the resulting square, pixels.
        size: u32,
        /// Range of the share of the area.
        scale: [f64; 2],
        /// Range of width ÷ height.
        ratio: [f64; 2],
        /// How levels between pixels are interpolated.
        interpolation: Interpolation,
        /// Whether the kernel grows as the image shrinks.
        antialias: bool,
    },
    /// Left and right exchanged.
    HorizontalFlip {
        /// That the image is flipped, 0 to 1.
        probability: f64,
    },
    /// Top and bottom exchanged.
    VerticalFlip {
        /// That the image is flipped, 0 to 1.
        probability: f64,
    },
    /// Turned counter-clockwise about the centre, bilinear. In JSON one number `d` stands for `[-d, d]`.
    Rotation {
        /// Range of the angle, degrees counter-clockwise.
        degrees: [f64; 2],
        /// How places outside the image are filled.
        padding_mode: PaddingMode,
        /// Grey level of [`PaddingMode::Constant`].
        fill: u8,
        /// Whether the image grows to hold all of the turned one.
        expand: bool,
    },
    /// Turned, shifted, scaled and sheared about the centre at once, bilinear.
    Affine {
        /// Range of the angle, degrees counter-clockwise; torchvision's `RandomAffine` turns clockwise.
        degrees: [f64; 2],
        /// Greatest shift either way, as a share of the width.
        translate_x: f64,
        /// Greatest shift either way, as a share of the height.
        translate_y: f64,
        /// Range of the factor.
        scale: [f64; 2],
        /// Range of the horizontal shear, degrees.
        shear_x: [f64; 2],
        /// Range of the vertical shear, degrees.
        shear_y: [f64; 2],
        /// How places outside the image are filled.
        padding_mode: PaddingMode,
        /// Grey level of [`PaddingMode::Constant`].
        fill: u8,
    },
    /// Seen from an angle: each corner moves inwards at random, by up to half of `distortion` × the side; bilinear.
    Perspective {
        /// Strength, 0 to 1.
        distortion: f64,
        /// That the transform is applied, 0 to 1.
        probability: f64,
        /// How places outside the image are filled.
        padding_mode: PaddingMode,
        /// Grey level of [`PaddingMode::Constant`].
        fill: u8,
    },
    /// Brightness, contrast, saturation and hue changed by uniformly sampled amounts, in a random order.
    ColorJitter {
        /// Factor sampled from `max(0, 1 - b)..=1 + b`.
        brightness: f64,
        /// Factor sampled from `max(0, 1 - c)..=1 + c`.
        contrast: f64,
        /// Factor sampled from `max(0, 1 - s)..=1 + s`.
        saturation: f64,
        /// Turn of the colour wheel sampled from `-h..=h`, 0 to 0.5 (a half turn).
        hue: f64,
    },
    /// Blended with black (below 1) or away from it (above 1).
    Brightness {
        /// Range of the factor.
        factor: [f64; 2],
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Blended with its mean grey, or away from it.
    Contrast {
        /// Range of the factor.
        factor: [f64; 2],
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Blended with its own grey, or away from it.
    Saturation {
        /// Range of the factor.
        factor: [f64; 2],
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// The colour wheel turned.
    Hue {
        /// Range of the turn: 1 is all the way round. In JSON one number `h` stands for `[-h, h]`.
        turn: [f64; 2],
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Colour taken away; three equal channels remain.
    Grayscale {
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Levels at or above `threshold` inverted.
    Solarize {
        /// Grey level, 0 to 255.
        threshold: u8,
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Only the highest bits of each level kept.
    Posterize {
        /// Bits kept of each level, 1 to 8.
        bits: u8,
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Each channel's histogram made flat.
    Equalize {
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Each channel stretched from its minimum and maximum to 0 and 255.
    Autocontrast {
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Blended with its smoothed self (below 1) or away from it (above 1).
    Sharpness {
        /// Range of the factor.
        factor: [f64; 2],
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Convolved with a Gaussian.
    GaussianBlur {
        /// Side of the kernel in pixels, odd.
        kernel_size: u32,
        /// Range of the standard deviation, pixels.
        sigma: [f64; 2],
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Independent noise added to every level.
    GaussianNoise {
        /// Range of the standard deviation, as a share of the full range of levels.
        sigma: [f64; 2],
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// Saved as JPEG and read again.
    Jpeg {
        /// Range of libjpeg's quality, 1 to 100.
        quality: [u32; 2],
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// A random rectangle replaced (Zhong et al. 2017).
    RandomErasing {
        /// Range of the share of the area.
        scale: [f64; 2],
        /// Range of height ÷ width, as torchvision has it.
        ratio: [f64; 2],
        /// What takes its place.
        with: Erasure,
        /// Grey level of [`Erasure::Constant`].
        fill: u8,
        /// That the transform is applied, 0 to 1.
        probability: f64,
    },
    /// `operations` random operations of one strength (Cubuk et al. 2019).
    RandAugment {
        /// How many, one after another.
        operations: u32,
        /// Strength, 0 to 30.
        magnitude: u32,
        /// Grey level of places outside the image.
        fill: u8,
    },
    /// One random operation of random strength, from the wide space (Müller and Hutter 2021).
    TrivialAugment {
        /// Grey level of places outside the image.
        fill: u8,
    },
    /// `(value - mean) / std`, channel by channel; always the last transform.
    Normalize {
        /// Of red, green, blue, values in 0 to 1.
        mean: [f32; 3],
        /// Standard deviation of red, green, blue; each above 0.
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

/// How places outside an image are filled; torchvision's padding modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaddingMode {
    /// One level.
    #[default]
    Constant,
    /// The image mirrored, its outermost pixels not repeated.
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
    /// Levels sampled independently.
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
        Self::RandomCrop { size, padding, padding_mode: PaddingMode::Constant, fill: 0 }
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
            padding_mode: PaddingMode::Constant,
            fill: 0,
            expand: false,
        }
    }
}

/// The parameters that one random transform sampled for one image, in words and numbers a person can check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampledTransform {
    /// The transform's name, as in [`TransformSpec`].
    pub transform: String,
    /// Name and value, such as `("degrees", -12.5)`, in the order of the transform's parameters.
    pub values: Vec<(String, f64)>,
}
