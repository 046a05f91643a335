//! Ways of loading that are a click: from nothing added to all that is usual; and by which figures values are normalised.

use crate::domain::overview::ChannelFigures;
use protocol::transform::{Erasure, Pipeline, TransformSpec};

/// By which means and deviations the values of an image are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    /// ImageNet's, the field's custom for every architecture here.
    ImageNet,
    /// Those that EfficientNet-Lite's published weights were learned with: 127 and 128 of 255.
    EfficientNetLite,
    /// Those of the data set's own training images.
    Dataset,
    /// So that black is −1 and white 1.
    MinusOneToOne,
    /// Black is 0 and white 1, as values come.
    ZeroToOne,
}

impl Normalization {
    /// All, in the order of a form.
    pub const ALL: [Normalization; 5] = [
        Normalization::ImageNet,
        Normalization::EfficientNetLite,
        Normalization::Dataset,
        Normalization::MinusOneToOne,
        Normalization::ZeroToOne,
    ];

    /// The word in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Normalization::ImageNet => "imagenet",
            Normalization::EfficientNetLite => "efficientnet-lite",
            Normalization::Dataset => "dataset",
            Normalization::MinusOneToOne => "minus-one-to-one",
            Normalization::ZeroToOne => "zero-to-one",
        }
    }

    /// What a person calls it.
    pub const fn label(self) -> &'static str {
        match self {
            Normalization::ImageNet => "ImageNet’s",
            Normalization::EfficientNetLite => "EfficientNet-Lite’s",
            Normalization::Dataset => "The data set’s own",
            Normalization::MinusOneToOne => "−1 to 1",
            Normalization::ZeroToOne => "0 to 1",
        }
    }

    /// The inverse of [`Normalization::as_str`].
    pub fn from_word(word: &str) -> Option<Normalization> {
        Self::ALL.into_iter().find(|normalization| normalization.as_str() == word)
    }

    /// As a transform; `None` where it is the data set's own and `own` is not known. Its figures are rounded to the four
    /// decimals that papers print, so that they can be read, kept and typed again.
    pub fn step(self, own: Option<ChannelFigures>) -> Option<TransformSpec> {
        let (mean, std) = match self {
            Normalization::ImageNet => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            Normalization::EfficientNetLite => ([0.498; 3], [0.502; 3]),
            Normalization::Dataset => {
                let own = own?;
                let rounded = |value: f64| ((value * 1e4).round() / 1e4) as f32;
                // Where all images are of one colour, nothing is to be divided by.
                (own.mean.map(rounded), own.std.map(|std| rounded(std.max(1e-4))))
            }
            Normalization::MinusOneToOne => ([0.5; 3], [0.5; 3]),
            Normalization::ZeroToOne => ([0.0; 3], [1.0; 3]),
        };
        Some(TransformSpec::Normalize { mean, std })
    }
}

/// A way of loading by strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The middle of the image, no random transforms: also how images are evaluated.
    None,
    /// Mirrored, and a little aside.
    Light,
    /// Parts of the image, mirrored, in other light.
    Standard,
    /// Small parts, one strong operation, a piece covered.
    Strong,
}

impl Preset {
    /// All, from weak to strong.
    pub const ALL: [Preset; 4] = [Preset::None, Preset::Light, Preset::Standard, Preset::Strong];

    /// The word in addresses and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Preset::None => "none",
            Preset::Light => "light",
            Preset::Standard => "standard",
            Preset::Strong => "strong",
        }
    }

    /// The steps that end at a square of `size` pixels, normalised by ImageNet's figures.
    pub fn pipeline(self, size: u32) -> Pipeline {
        let mut steps = self.steps(size);
        steps.extend(Normalization::ImageNet.step(None));
        steps
    }

    /// The preset that a pipeline is, whatever it is normalised by.
    pub fn matching(pipeline: &[TransformSpec]) -> Option<Preset> {
        let is_normalize = |step: &TransformSpec| matches!(step, TransformSpec::Normalize { .. });
        let steps = match pipeline.split_last() {
            Some((last, steps)) if is_normalize(last) => steps,
            _ => pipeline,
        };
        let size = vision::output_side(steps)?;
        Self::ALL.into_iter().find(|preset| preset.steps(size) == steps)
    }

    /// The steps that end at a square of `size` pixels, without a normalisation.
    pub(super) fn steps(self, size: u32) -> Pipeline {
        let flip = TransformSpec::HorizontalFlip { probability: 0.5 };
        let crop = |least| TransformSpec::random_resized_crop(size, [least, 1.0], [0.75, 4.0 / 3.0]);
        match self {
            Preset::None => vec![TransformSpec::resize(size), TransformSpec::CenterCrop { size }],
            Preset::Light => {
                vec![TransformSpec::resize(size), TransformSpec::random_crop(size, size.div_ceil(8)), flip]
            }
            Preset::Standard => vec![
                crop(0.35),
                flip,
                TransformSpec::ColorJitter { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.0 },
            ],
            Preset::Strong => vec![
                crop(0.2),
                flip,
                TransformSpec::TrivialAugment { fill: 0 },
                TransformSpec::RandomErasing {
                    scale: [0.02, 0.33],
                    ratio: [0.3, 3.3],
                    with: Erasure::Constant,
                    fill: 0,
                    probability: 0.25,
                },
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_fed_to_a_network() {
        for preset in Preset::ALL {
            let pipeline = preset.pipeline(64);
            assert_eq!(vision::check(&pipeline), Ok(()), "{}", preset.as_str());
            assert_eq!(vision::output_side(&pipeline), Some(64));
            assert_eq!(Preset::matching(&pipeline), Some(preset));
            assert_eq!(Preset::matching(&preset.steps(48)), Some(preset));
        }
    }

    #[test]
    fn the_data_sets_own_figures_are_rounded_and_never_divide_by_nothing() {
        let own = ChannelFigures { mean: [0.491_44, 0.48, 1.0], std: [0.246_96, 0.0, 0.1], samples: 9 };
        assert_eq!(
            Normalization::Dataset.step(Some(own)),
            Some(TransformSpec::Normalize { mean: [0.4914, 0.48, 1.0], std: [0.247, 0.0001, 0.1] })
        );
        assert_eq!(Normalization::Dataset.step(None), None);
        for normalization in Normalization::ALL {
            assert_eq!(Normalization::from_word(normalization.as_str()), Some(normalization));
            let step = normalization.step(Some(own)).unwrap();
            assert_eq!(vision::check(&[TransformSpec::CenterCrop { size: 8 }, step]), Ok(()));
        }
    }
}
