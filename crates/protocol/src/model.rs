//! The catalogue of architectures. The form, the command line, the API, the checks and the trainer go by it.

use serde::{Deserialize, Serialize};

/// The architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Four stages of convolution, batch normalisation, ReLU and pooling; about 0.24 million parameters.
    SmallCnn,
    /// He et al. 2015 for CIFAR, 20 layers, shortcut option A.
    Resnet20Cifar,
    /// The same with 56 layers.
    Resnet56Cifar,
    /// He et al. 2015 with torchvision's parameter names; below 65 pixels a 3 × 3 stem without pooling.
    Resnet18,
    /// The same with 34 layers.
    Resnet34,
    /// With 50 layers, in blocks of three.
    Resnet50,
    /// EfficientNet-Lite0 with the parameter names of `efficientnet-lite-pytorch`; 3.4 million parameters without the last layer.
    EfficientnetLite0,
    /// Deeper: 4.1 million.
    EfficientnetLite1,
    /// Deeper and wider: 4.8 million.
    EfficientnetLite2,
    /// Howard et al. 2019 with torchvision's parameter names.
    MobilenetV3Small,
    /// Deeper and wider.
    MobilenetV3Large,
    /// Tan and Le 2019 with torchvision's parameter names.
    EfficientnetB0,
    /// Liu et al. 2022 with torchvision's parameter names.
    ConvnextTiny,
    /// A small transformer on patches of 4 pixels, with torchvision's parameter names.
    VitTiny,
    /// Dosovitskiy et al. 2020 with torchvision's parameter names.
    VitB16,
}

/// What is to be known of an architecture without building it.
#[derive(Clone, Copy, Debug)]
pub struct ModelEntry {
    /// Which.
    pub model: Model,
    /// Its name in JSON and on the command line.
    pub name: &'static str,
    /// Its name on the page, with what it is good for and its parameters in millions.
    pub label: &'static str,
    /// The least side of an input image, pixels: below it the last feature map would be a single pixel, over
    /// which a batch of one sample cannot be normalised.
    pub min_image_size: u32,
    /// The side of an input image is a multiple of this: of a patch, where an image is cut in patches.
    pub image_size_step: u32,
    /// The side of the images that it was made for, pixels.
    pub usual_image_size: u32,
    /// How many numbers learn, with two classes and at the usual image size.
    pub parameters: u64,
}

const fn entry(
    model: Model,
    name: &'static str,
    label: &'static str,
    (min_image_size, usual_image_size): (u32, u32),
    parameters: u64,
) -> ModelEntry {
    ModelEntry { model, name, label, min_image_size, image_size_step: 1, usual_image_size, parameters }
}

const fn in_patches(side: u32, entry: ModelEntry) -> ModelEntry {
    ModelEntry { image_size_step: side, ..entry }
}

/// The least image where feature maps end as a 32nd of it, rounded up.
const TWO_PIXELS: u32 = 33;

/// Every architecture, in the order of the form.
pub const MODELS: [ModelEntry; 15] = [
    entry(Model::SmallCnn, "small-cnn", "Small CNN (quick, a good first try; 0.2 M)", (16, 64), 241_442),
    entry(
        Model::Resnet20Cifar,
        "resnet20-cifar",
        "ResNet-20 for CIFAR (small images; 0.3 M)",
        (16, 32),
        269_202,
    ),
    entry(
        Model::Resnet56Cifar,
        "resnet56-cifar",
        "ResNet-56 for CIFAR (deeper, slower; 0.9 M)",
        (16, 32),
        852_498,
    ),
    entry(Model::Resnet18, "resnet18", "ResNet-18 (larger images; 11.2 M)", (16, 224), 11_177_538),
    entry(Model::Resnet34, "resnet34", "ResNet-34 (deeper, slower; 21.3 M)", (16, 224), 21_285_698),
    entry(Model::Resnet50, "resnet50", "ResNet-50 (deeper, slower still; 23.5 M)", (16, 224), 23_512_130),
    entry(
        Model::EfficientnetLite0,
        "efficientnet-lite0",
        "EfficientNet-Lite0 (photos, from weights; 3.4 M)",
        (TWO_PIXELS, 224),
        3_373_570,
    ),
    entry(
        Model::EfficientnetLite1,
        "efficientnet-lite1",
        "EfficientNet-Lite1 (deeper, slower; 4.1 M)",
        (TWO_PIXELS, 240),
        4_138_242,
    ),
    entry(
        Model::EfficientnetLite2,
        "efficientnet-lite2",
        "EfficientNet-Lite2 (wider, slower still; 4.8 M)",
        (TWO_PIXELS, 260),
        4_813_634,
    ),
    entry(
        Model::MobilenetV3Small,
        "mobilenet-v3-small",
        "MobileNetV3-small (photos, quickest; 1.5 M)",
        (TWO_PIXELS, 224),
        1_519_906,
    ),
    entry(
        Model::MobilenetV3Large,
        "mobilenet-v3-large",
        "MobileNetV3-large (photos, quick; 4.2 M)",
        (TWO_PIXELS, 224),
        4_204_594,
    ),
    entry(
        Model::EfficientnetB0,
        "efficientnet-b0",
        "EfficientNet-B0 (photos, slower; 4.0 M)",
        (TWO_PIXELS, 224),
        4_010_110,
    ),
    entry(
        Model::ConvnextTiny,
        "convnext-tiny",
        "ConvNeXt-tiny (photos, from weights; 27.8 M)",
        (32, 224),
        27_821_666,
    ),
    in_patches(
        4,
        entry(Model::VitTiny, "vit-tiny", "ViT-tiny (transformer, small images; 2.7 M)", (16, 32), 2_692_034),
    ),
    in_patches(
        16,
        entry(Model::VitB16, "vit-b16", "ViT-B/16 (photos, from weights; 85.8 M)", (32, 224), 85_800_194),
    ),
];

impl Model {
    /// Every architecture there is.
    pub const ALL: [Model; MODELS.len()] = {
        let mut all = [Model::SmallCnn; MODELS.len()];
        let mut at = 0;
        while at < MODELS.len() {
            all[at] = MODELS[at].model;
            at += 1;
        }
        all
    };

    /// What the catalogue has of it.
    pub const fn entry(self) -> &'static ModelEntry {
        // The catalogue has the order of the variants; a test holds it.
        &MODELS[self as usize]
    }

    /// The least side of an input image, pixels.
    pub const fn min_image_size(self) -> u32 {
        self.entry().min_image_size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_the_order_of_the_variants_and_has_their_names() {
        for entry in &MODELS {
            assert_eq!(entry.model.entry().name, entry.name);
            assert_eq!(serde_json::to_value(entry.model).unwrap(), entry.name);
        }
    }

    #[test]
    fn a_label_says_how_many_parameters_there_are() {
        for entry in &MODELS {
            let said = format!("; {:.1} M)", entry.parameters as f64 / 1e6);
            assert!(entry.label.ends_with(&said), "{}: {said}", entry.label);
            assert!(entry.min_image_size <= entry.usual_image_size, "{}", entry.name);
            for size in [entry.min_image_size, entry.usual_image_size] {
                assert!(size.is_multiple_of(entry.image_size_step), "{}: {size}", entry.name);
            }
        }
    }
}
