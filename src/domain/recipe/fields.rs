//! The table of fields.

use super::{FieldType, Normalization};
use protocol::model::{MODELS, Model};

/// Where a field stands in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What everybody chooses; always in sight.
    Basics,
    /// How the network learns.
    Recipe,
    /// How an image is loaded, and what is changed at random in training.
    Augmentation,
    /// What hardly anybody changes.
    Advanced,
}

impl Group {
    /// All, in the order of the form.
    pub const ALL: [Group; 4] = [Group::Basics, Group::Recipe, Group::Augmentation, Group::Advanced];

    /// Its heading.
    pub const fn label(self) -> &'static str {
        match self {
            Group::Basics => "Basics",
            Group::Recipe => "Recipe",
            Group::Augmentation => "Image size and augmentation",
            Group::Advanced => "Advanced",
        }
    }

    /// Its name in the page's markup.
    pub const fn id(self) -> &'static str {
        match self {
            Group::Basics => "basics",
            Group::Recipe => "recipe",
            Group::Augmentation => "augmentation",
            Group::Advanced => "advanced",
        }
    }

    /// Whether it is a line to be unfolded, rather than fields at once.
    pub const fn is_folded(self) -> bool {
        !matches!(self, Group::Basics)
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

    /// What nought means in it, where it means more than the number.
    pub fn zero(&self) -> Option<&'static str> {
        match self.name {
            "threads" => Some("one per core"),
            "warmup_epochs" | "weight_decay" => Some("none"),
            "crop_padding" => Some("the centre square"),
            "random_resized_crop" | "rotation" | "color_jitter" | "mixup" | "cutmix" => Some("off"),
            "capture_every" => Some("only the first"),
            "draws" => Some("taken once, without augmentation"),
            "unfreeze_epochs" => Some("all at once"),
            _ => None,
        }
    }

    /// Its help, with what nought means.
    pub fn hint(&self) -> String {
        self.zero().map_or_else(|| self.help.to_owned(), |words| format!("{} 0: {words}.", self.help))
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

/// What is changed at random in one image.
pub(super) const AUGMENTATION: [&str; 5] =
    ["flip", "crop_padding", "random_resized_crop", "rotation", "color_jitter"];
/// What is mixed of several.
pub(super) const MIXING: [&str; 2] = ["mixup", "cutmix"];

const ON_OFF: FieldType = FieldType::Choice(&[("off", "Off"), ("on", "On")]);

/// The least image size that any model takes; what the chosen one takes is checked with all fields together.
const MIN_IMAGE_SIZE: u64 = {
    let (mut least, mut at) = (Model::ALL[0].min_image_size(), 1);
    while at < Model::ALL.len() {
        let own = Model::ALL[at].min_image_size();
        if own < least {
            least = own;
        }
        at += 1;
    }
    least as u64
};

const MODEL_CHOICES: [(&str, &str); MODELS.len()] = {
    let mut choices = [("", ""); MODELS.len()];
    let mut at = 0;
    while at < MODELS.len() {
        choices[at] = (MODELS[at].name, MODELS[at].label);
        at += 1;
    }
    choices
};

/// Every field of a run but its data set, in the order of the form.
pub const FIELDS: &[Field] = &[
    field(
        "training",
        "What learns",
        Group::Basics,
        FieldType::Choice(&[
            ("head", "The last layer (seconds; the rest keeps its weights)"),
            ("fine-tune", "All layers from weights"),
            ("scratch", "All layers from nothing"),
            ("none", "Nothing: evaluate weights"),
        ]),
        "What of the network learns. With photos and published weights, start with the last layer and fine-tune from there.",
    ),
    field(
        "weights",
        "Initial weights",
        Group::Basics,
        FieldType::Text,
        "Published weights by name, or the path of a safetensors file or of a state dict that PyTorch saved (.pth), on the server's machine. A last layer for another number of classes is replaced.",
    ),
    field("model", "Model", Group::Basics, FieldType::Choice(&MODEL_CHOICES), "The network's architecture."),
    field(
        "epochs",
        "Epochs",
        Group::Basics,
        FieldType::Integer { min: 0, max: 1000 },
        "Passes over the training set.",
    ),
    field(
        "name",
        "Name",
        Group::Basics,
        FieldType::Text,
        "Left empty, the run is named after its model and data set.",
    ),
    field(
        "optimizer",
        "Optimiser",
        Group::Recipe,
        FieldType::Choice(&[("sgd", "SGD, momentum 0.9, Nesterov"), ("adamw", "AdamW")]),
        "How gradients change the weights.",
    ),
    field(
        "learning_rate",
        "Learning rate",
        Group::Recipe,
        FieldType::Number { min: 1e-8, max: 1e7 },
        "The highest step size of the optimiser. Usual: 0.01 to 0.2 for SGD, 0.0003 to 0.003 for AdamW.",
    ),
    field(
        "schedule",
        "Schedule",
        Group::Recipe,
        FieldType::Choice(&[
            ("one-cycle", "One-cycle (warm up, then decay to 0)"),
            ("cosine", "Cosine (decay to 0)"),
            ("constant", "Constant"),
        ]),
        "How the learning rate changes during the run.",
    ),
    field(
        "warmup_epochs",
        "Warm-up epochs",
        Group::Recipe,
        FieldType::Number { min: 0.0, max: 100.0 },
        "Epochs of linear rise before the schedule. One-cycle has its own warm-up: leave it out there.",
    ),
    field(
        "batch_size",
        "Batch size",
        Group::Recipe,
        FieldType::Integer { min: 2, max: 2048 },
        "Images per step of the optimiser.",
    ),
    field(
        "weight_decay",
        "Weight decay",
        Group::Recipe,
        FieldType::Number { min: 0.0, max: 1.0 },
        "How strongly weights are pulled towards zero.",
    ),
    field(
        "draws",
        "Draws of each image",
        Group::Recipe,
        FieldType::Integer { min: 0, max: 100 },
        "Last layer only: how many times each training image is drawn with the augmentation below; all draws are computed once.",
    ),
    field(
        "head_epochs",
        "Epochs of the last layer alone",
        Group::Recipe,
        FieldType::Integer { min: 0, max: 999 },
        "Fine-tuning: the other layers begin to learn after so many epochs, when the last one no longer pulls them about.",
    ),
    field(
        "unfreeze_epochs",
        "Epochs of unfreezing",
        Group::Recipe,
        FieldType::Integer { min: 0, max: 999 },
        "Fine-tuning: over so many epochs more the other layers begin to learn, the last ones first.",
    ),
    field(
        "rate_decay",
        "Learning rate by depth",
        Group::Recipe,
        FieldType::Number { min: 0.1, max: 1.0 },
        "Fine-tuning: each block learns at the rate of the one behind it times this; 1: all at one rate.",
    ),
    field(
        "norm_statistics",
        "Statistics of normalisation layers",
        Group::Recipe,
        FieldType::Choice(&[("keep", "Keep those of the weights"), ("learn", "Learn")]),
        "Fine-tuning: small batches and small data sets give poor means and variances, so keeping them is often better.",
    ),
    field(
        "image_size",
        "Image size",
        Group::Augmentation,
        FieldType::Integer { min: MIN_IMAGE_SIZE, max: 512 },
        "Side, in pixels, of the square that the network sees.",
    ),
    field(
        "normalization",
        "Normalisation",
        Group::Augmentation,
        FieldType::Choice(&[
            normalization(Normalization::ImageNet),
            normalization(Normalization::EfficientNetLite),
            normalization(Normalization::Dataset),
            normalization(Normalization::MinusOneToOne),
            normalization(Normalization::ZeroToOne),
        ]),
        "Per-channel mean and std used to normalise images, in training and evaluation.",
    ),
    field(
        "flip",
        "Horizontal flip",
        Group::Augmentation,
        ON_OFF,
        "Half of the images, chosen at random, are mirrored left to right.",
    ),
    field(
        "crop_padding",
        "Crop with padding",
        Group::Augmentation,
        FieldType::Integer { min: 0, max: 128 },
        "Pixels of black padding around the image before a random square is cut.",
    ),
    field(
        "random_resized_crop",
        "Random resized crop",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 1.0 },
        "The smallest share of the image's area that a random crop keeps, such as 0.35.",
    ),
    field(
        "rotation",
        "Rotation",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 180.0 },
        "Rotated at random by up to this many degrees either way.",
    ),
    field(
        "color_jitter",
        "Colour jitter",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 1.0 },
        "How far brightness, contrast and saturation may change, such as 0.3; hue by up to a quarter of it.",
    ),
    field(
        "mixup",
        "MixUp",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 10.0 },
        "Each image and its label are blended with another of the batch. The parameter of the Beta distribution that the shares come from, such as 0.2.",
    ),
    field(
        "cutmix",
        "CutMix",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 10.0 },
        "A rectangle of each image comes from another of the batch, and its label in proportion; such as 1. With MixUp on too, each batch gets one of the two.",
    ),
    field(
        "train_transforms",
        "Training transforms",
        Group::Augmentation,
        FieldType::Json,
        "A list of transforms as JSON, in place of the fields above; the loading lab makes one.",
    ),
    field(
        "eval_transforms",
        "Evaluation transforms",
        Group::Augmentation,
        FieldType::Json,
        "A list of transforms as JSON, in place of resize, centre crop and normalise.",
    ),
    field(
        "seed",
        "Seed",
        Group::Advanced,
        FieldType::Integer { min: 0, max: 9_007_199_254_740_991 },
        "Random seed: the same settings and seed give the same run to the bit on the same machine.",
    ),
    field(
        "device",
        "Device",
        Group::Advanced,
        FieldType::Choice(&[("auto", "Automatic"), ("cpu", "CPU"), ("cuda", "GPU (CUDA)")]),
        "Where to compute. Automatic: a GPU where there is one. What it comes to is written into the run’s settings.",
    ),
    field(
        "precision",
        "Precision",
        Group::Advanced,
        FieldType::Choice(&[
            ("auto", "Automatic (measured once on this machine)"),
            ("f32", "32-bit"),
            ("bf16", "bfloat16"),
        ]),
        "The number format of convolutions and matrix products. Automatic: bfloat16 where it is clearly quicker, measured once for this machine, model, image size and batch size.",
    ),
    field(
        "threads",
        "Threads",
        Group::Advanced,
        FieldType::Integer { min: 0, max: 256 },
        "CPU threads that a run may use. Their number changes the last digits, so it is written into the run’s settings.",
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
        "Where nothing learns: the splits to evaluate. A training run evaluates validation after every epoch and test at the end.",
    ),
    field(
        "capture_every",
        "Keep input batches",
        Group::Advanced,
        FieldType::Integer { min: 0, max: 1_000_000 },
        "The batch of network inputs is kept at the first step and then every this many steps.",
    ),
];
