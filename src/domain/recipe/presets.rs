//! Ways of loading that are a click: from nothing added to all that is usual.

use protocol::transform::{Erasure, Pipeline, TransformSpec};

/// ImageNet's channel means and deviations, the field's custom for every architecture here.
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// A way of loading by strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The middle of the picture, nothing at random: also how pictures are judged.
    None,
    /// Mirrored, and a little aside.
    Light,
    /// Parts of the picture, mirrored, in other light.
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

    /// The steps that end at a square of `size` pixels.
    pub fn pipeline(self, size: u32) -> Pipeline {
        let flip = TransformSpec::HorizontalFlip { probability: 0.5 };
        let crop = |least| TransformSpec::random_resized_crop(size, [least, 1.0], [0.75, 4.0 / 3.0]);
        let mut steps = match self {
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
        };
        steps.push(normalize());
        steps
    }
}

/// By ImageNet's figures.
pub(super) fn normalize() -> TransformSpec {
    TransformSpec::Normalize { mean: IMAGENET_MEAN, std: IMAGENET_STD }
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
        }
    }
}
