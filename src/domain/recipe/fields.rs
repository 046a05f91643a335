//! The table of fields.

use super::Normalization;
use serde_json::Value;

/// Where a field stands in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Which images.
    Data,
    /// Which network.
    Model,
    /// How it learns.
    Recipe,
    /// What is done to a training image.
    Augmentation,
    /// Folded away.
    Advanced,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldType {
    /// One of these: value and label.
    Choice(&'static [(&'static str, &'static str)]),
    /// A whole number within bounds.
    Integer {
        /// Least.
        min: u64,
        /// Greatest.
        max: u64,
    },
    /// A number within bounds.
    Number {
        /// Least.
        min: f64,
        /// Greatest.
        max: f64,
    },
    /// Words.
    Text,
    /// JSON.
    Json,
}

impl FieldType {
    /// Reads what a person typed.
    pub(super) fn value_from_text(self, text: &str) -> Result<Value, String> {
        match self {
            FieldType::Choice(_) | FieldType::Text => Ok(Value::from(text)),
            FieldType::Integer { min, max } => text
                .parse::<u64>()
                .map(Value::from)
                .map_err(|_| format!("“{text}” is not a whole number from {min} to {max}")),
            FieldType::Number { min, max } => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(Value::from)
                .ok_or_else(|| format!("“{text}” is not a number from {min} to {max}")),
            FieldType::Json => {
                serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))
            }
        }
    }

    /// Checks type and bounds.
    pub(super) fn check(self, value: &Value) -> Result<(), String> {
        match self {
            FieldType::Choice(choices) => {
                let known =
                    value.as_str().is_some_and(|word| choices.iter().any(|(choice, _)| *choice == word));
                let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
                if known { Ok(()) } else { Err(format!("{value} is not one of {}", names.join(", "))) }
            }
            FieldType::Integer { min, max } => match value.as_u64() {
                Some(number) if (min..=max).contains(&number) => Ok(()),
                _ => Err(format!("{value} is not a whole number from {min} to {max}")),
            },
            FieldType::Number { min, max } => match value.as_f64() {
                Some(number) if (min..=max).contains(&number) => Ok(()),
                _ => Err(format!("{value} is not a number from {min} to {max}")),
            },
            FieldType::Text => value.as_str().map(drop).ok_or_else(|| format!("{value} is not text")),
            FieldType::Json => Ok(()),
        }
    }
}

/// One thing a person may choose.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in JSON; on the command line with `-` for `_`.
    pub name: &'static str,
    /// Its name on the page.
    pub label: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// Where it stands.
    pub group: Group,
    /// What it holds.
    pub field_type: FieldType,
}

/// Names that fields had before, and have now: scripts that use the old one still work.
const FORMER_NAMES: [(&str, &str); 1] = [("judge", "evaluate_on")];

impl Field {
    /// The field of this name, or of this former name.
    pub fn find(name: &str) -> Option<&'static Field> {
        let former = FORMER_NAMES.iter().find(|(former, _)| *former == name);
        let name = former.map_or(name, |(_, now)| now);
        FIELDS.iter().find(|field| field.name == name)
    }

    /// What it was called before.
    pub fn former_name(&self) -> Option<&'static str> {
        FORMER_NAMES.iter().find(|(_, now)| *now == self.name).map(|(former, _)| *former)
    }
}

const fn field(
    name: &'static str,
    label: &'static str,
    group: Group,
    field_type: FieldType,
    help: &'static str,
) -> Field {
    Field { name, label, help, group, field_type }
}

const fn normalization(normalization: Normalization) -> (&'static str, &'static str) {
    (normalization.as_str(), normalization.label())
}

const ON_OFF: FieldType = FieldType::Choice(&[("off", "Off"), ("on", "On")]);

/// Every field of a run but its data set, in the order of the form.
pub const FIELDS: &[Field] = &[
    field(
        "name",
        "Name",
        Group::Data,
        FieldType::Text,
        "What to call the run; left empty, it is named after model and data set.",
    ),
    field(
        "model",
        "Model",
        Group::Model,
        FieldType::Choice(&[
            ("small-cnn", "Small CNN: quick, a good first try"),
            ("resnet20-cifar", "ResNet-20 for CIFAR: small images"),
            ("resnet56-cifar", "ResNet-56 for CIFAR: deeper, slower"),
            ("resnet18", "ResNet-18: larger images, more to learn from"),
        ]),
        "The network's architecture.",
    ),
    field(
        "weights",
        "Starting weights",
        Group::Model,
        FieldType::Text,
        "Path of a safetensors file on the server's machine; left empty, the weights are drawn from the seed. A last layer made for another number of classes is replaced, and the run's page says so.",
    ),
    field(
        "image_size",
        "Image size",
        Group::Model,
        FieldType::Integer { min: 8, max: 512 },
        "Side in pixels of the square that the network sees.",
    ),
    field(
        "normalization",
        "Normalisation",
        Group::Model,
        FieldType::Choice(&[
            normalization(Normalization::ImageNet),
            normalization(Normalization::Dataset),
            normalization(Normalization::MinusOneToOne),
            normalization(Normalization::ZeroToOne),
        ]),
        "By which means and deviations of red, green and blue the values are brought to about −2 to 2, in training and in evaluation alike.",
    ),
    field(
        "epochs",
        "Epochs",
        Group::Recipe,
        FieldType::Integer { min: 0, max: 1000 },
        "How often the network sees every training image; 0 evaluates the starting weights and trains nothing.",
    ),
    field(
        "batch_size",
        "Batch size",
        Group::Recipe,
        FieldType::Integer { min: 2, max: 2048 },
        "Images per update of the weights.",
    ),
    field(
        "optimizer",
        "Optimiser",
        Group::Recipe,
        FieldType::Choice(&[("sgd", "SGD, momentum 0.9, Nesterov"), ("adamw", "AdamW")]),
        "How gradients become updates.",
    ),
    field(
        "learning_rate",
        "Learning rate",
        Group::Recipe,
        FieldType::Number { min: 1e-8, max: 1e7 },
        "The size of an update at its peak. SGD likes 0.01 to 0.2, AdamW 0.0003 to 0.003.",
    ),
    field(
        "weight_decay",
        "Weight decay",
        Group::Recipe,
        FieldType::Number { min: 0.0, max: 1.0 },
        "How strongly weights are pulled towards zero.",
    ),
    field(
        "schedule",
        "Schedule",
        Group::Recipe,
        FieldType::Choice(&[
            ("one-cycle", "One cycle: up, then down to nothing"),
            ("cosine", "Cosine: down to nothing"),
            ("constant", "Constant"),
        ]),
        "How the learning rate moves during the run.",
    ),
    field(
        "warmup_epochs",
        "Warm-up",
        Group::Recipe,
        FieldType::Number { min: 0.0, max: 100.0 },
        "Epochs of linear rise before the schedule; one cycle has its own, so leave 0 there.",
    ),
    field(
        "flip",
        "Flip",
        Group::Augmentation,
        ON_OFF,
        "Every other image is mirrored, left and right exchanged.",
    ),
    field(
        "crop_padding",
        "Crop with padding",
        Group::Augmentation,
        FieldType::Integer { min: 0, max: 128 },
        "Pixels of black put around the image before a random square is cut; 0: the middle square.",
    ),
    field(
        "random_resized_crop",
        "Random resized crop",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 1.0 },
        "The least share of the image's area that a random crop keeps, such as 0.35; 0: off.",
    ),
    field(
        "rotation",
        "Rotation",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 180.0 },
        "Turned at random by up to this many degrees either way.",
    ),
    field(
        "color_jitter",
        "Colour jitter",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 1.0 },
        "How far brightness, contrast and saturation may change, such as 0.3; the hue turns by up to a quarter of it. 0: off.",
    ),
    field(
        "mixup",
        "MixUp",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 10.0 },
        "Each image is blended with another of its batch, and so are their labels; such as 0.2, the parameter of the Beta distribution of the shares. 0: off.",
    ),
    field(
        "cutmix",
        "CutMix",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 10.0 },
        "A part of each image is taken from another of its batch, and so of its label; such as 1. 0: off. With MixUp on too, each batch gets one of the two.",
    ),
    field(
        "seed",
        "Seed",
        Group::Advanced,
        FieldType::Integer { min: 0, max: 9_007_199_254_740_991 },
        "Keys every random draw: the same seed gives the same run.",
    ),
    field(
        "device",
        "Device",
        Group::Advanced,
        FieldType::Choice(&[("auto", "Automatic"), ("cpu", "CPU"), ("cuda", "GPU (CUDA)")]),
        "Where to compute.",
    ),
    field(
        "precision",
        "Precision",
        Group::Advanced,
        FieldType::Choice(&[
            ("auto", "Automatic: measured at the start"),
            ("f32", "32-bit"),
            ("bf16", "bfloat16"),
        ]),
        "The arithmetic of convolutions and products.",
    ),
    field(
        "threads",
        "Threads",
        Group::Advanced,
        FieldType::Integer { min: 0, max: 256 },
        "Threads that compute; 0: one a core.",
    ),
    field(
        "evaluate_on",
        "Evaluate on",
        Group::Advanced,
        FieldType::Choice(&[
            ("val-test", "Validation and test"),
            ("train", "Training split only"),
            ("val", "Validation split only"),
            ("test", "Test split only"),
        ]),
        "With 0 epochs: which splits are evaluated. A training run evaluates validation after every epoch and test at the end.",
    ),
    field(
        "capture_every",
        "Keep input batches",
        Group::Advanced,
        FieldType::Integer { min: 0, max: 1_000_000 },
        "The input batch is kept at the first step and then every this many steps; 0: only the first.",
    ),
    field(
        "train_transforms",
        "Training transforms",
        Group::Advanced,
        FieldType::Json,
        "A list of transforms as JSON, in place of the augmentation above.",
    ),
    field(
        "eval_transforms",
        "Evaluation transforms",
        Group::Advanced,
        FieldType::Json,
        "A list of transforms as JSON, in place of resize, centre crop and normalise.",
    ),
];
