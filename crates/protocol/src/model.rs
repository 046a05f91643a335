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
}

/// What is to be known of an architecture without building it.
#[derive(Clone, Copy, Debug)]
pub struct ModelEntry {
    /// Which.
    pub model: Model,
    /// Its name in JSON and on the command line.
    pub name: &'static str,
    /// Its name on the page, with what it is good for.
    pub label: &'static str,
    /// The least side of an input image, pixels: below it the last feature map would be a single pixel, over
    /// which a batch of one sample cannot be normalised.
    pub min_image_size: u32,
}

const fn entry(model: Model, name: &'static str, label: &'static str, min_image_size: u32) -> ModelEntry {
    ModelEntry { model, name, label, min_image_size }
}

const fn lite(model: Model, name: &'static str, label: &'static str) -> ModelEntry {
    // Its feature maps are a 32nd of the image, rounded up.
    entry(model, name, label, 33)
}

/// Every architecture, in the order of the form.
pub const MODELS: [ModelEntry; 9] = [
    entry(Model::SmallCnn, "small-cnn", "Small CNN (quick, a good first try)", 16),
    entry(Model::Resnet20Cifar, "resnet20-cifar", "ResNet-20 for CIFAR (small images)", 16),
    entry(Model::Resnet56Cifar, "resnet56-cifar", "ResNet-56 for CIFAR (deeper, slower)", 16),
    entry(Model::Resnet18, "resnet18", "ResNet-18 (larger images, larger data sets)", 16),
    entry(Model::Resnet34, "resnet34", "ResNet-34 (deeper, slower)", 16),
    entry(Model::Resnet50, "resnet50", "ResNet-50 (deeper, slower still)", 16),
    lite(
        Model::EfficientnetLite0,
        "efficientnet-lite0",
        "EfficientNet-Lite0 (photos, from published weights)",
    ),
    lite(Model::EfficientnetLite1, "efficientnet-lite1", "EfficientNet-Lite1 (deeper, slower)"),
    lite(Model::EfficientnetLite2, "efficientnet-lite2", "EfficientNet-Lite2 (wider, slower still)"),
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
}
