//! The table of fields.

use super::when::When;
use super::{Field, FieldType, Group, Normalization};
use protocol::model::{MODELS, Model};
use protocol::optimizer::OPTIMIZERS;
use protocol::schedule::SCHEDULES;

const fn field(
    name: &'static str,
    label: &'static str,
    group: Group,
    field_type: FieldType,
    help: &'static str,
) -> Field {
    Field { name, label, help, group, field_type, when: When::Always }
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

const OPTIMIZER_CHOICES: [(&str, &str); OPTIMIZERS.len()] = {
    let mut choices = [("", ""); OPTIMIZERS.len()];
    let mut at = 0;
    while at < OPTIMIZERS.len() {
        choices[at] = (OPTIMIZERS[at].name, OPTIMIZERS[at].label);
        at += 1;
    }
    choices
};

const SCHEDULE_CHOICES: [(&str, &str); SCHEDULES.len()] = {
    let mut choices = [("", ""); SCHEDULES.len()];
    let mut at = 0;
    while at < SCHEDULES.len() {
        choices[at] = (SCHEDULES[at].name, SCHEDULES[at].label);
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
    )
    .when(When::FromWeights),
    field("model", "Model", Group::Basics, FieldType::Choice(&MODEL_CHOICES), "The network's architecture.")
        .when(When::ModelOpen),
    field(
        "epochs",
        "Epochs",
        Group::Basics,
        FieldType::Integer { min: 0, max: 1000 },
        "Passes over the training set.",
    )
    .when(When::Learning),
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
        FieldType::Choice(&OPTIMIZER_CHOICES),
        "How gradients change the weights. Another one brings its usual learning rate and weight decay.",
    )
    .when(When::Learning),
    field(
        "learning_rate",
        "Learning rate",
        Group::Recipe,
        FieldType::Number { min: 1e-8, max: 1e7 },
        "The highest step size of the optimiser.",
    )
    .when(When::Learning),
    field(
        "schedule",
        "Schedule",
        Group::Recipe,
        FieldType::Choice(&SCHEDULE_CHOICES),
        "How the learning rate changes during the run.",
    )
    .when(When::Learning),
    field(
        "warmup_epochs",
        "Warm-up epochs",
        Group::Recipe,
        FieldType::Number { min: 0.0, max: 100.0 },
        "Epochs of linear rise before the schedule. One-cycle has its own warm-up: leave it out there.",
    )
    .when(When::Learning),
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
    )
    .when(When::Learning),
    field(
        "decay_scope",
        "Weight decay of",
        Group::Recipe,
        FieldType::Choice(&[
            ("weights", "Weights (normalisations and biases are spared)"),
            ("all", "Everything"),
        ]),
        "What weight decay pulls at. Pulling normalisations and biases towards zero seldom helps.",
    )
    .when(When::Decaying),
    field(
        "draws",
        "Draws of each image",
        Group::Recipe,
        FieldType::Integer { min: 0, max: 100 },
        "Last layer only: how many times each training image is drawn with the augmentation below; all draws are computed once.",
    )
    .when(When::HeadAlone),
    field(
        "head_epochs",
        "Epochs of the last layer alone",
        Group::Recipe,
        FieldType::Integer { min: 0, max: 999 },
        "Fine-tuning: the other layers begin to learn after so many epochs, when the last one no longer pulls them about.",
    )
    .when(When::FineTuning),
    field(
        "unfreeze_epochs",
        "Epochs of unfreezing",
        Group::Recipe,
        FieldType::Integer { min: 0, max: 999 },
        "Fine-tuning: over so many epochs more the other layers begin to learn, the last ones first.",
    )
    .when(When::FineTuning),
    field(
        "rate_decay",
        "Learning rate by depth",
        Group::Recipe,
        FieldType::Number { min: 0.1, max: 1.0 },
        "Fine-tuning: each block learns at the rate of the one behind it times this; 1: all at one rate.",
    )
    .when(When::FineTuning),
    field(
        "norm_statistics",
        "Statistics of normalisation layers",
        Group::Recipe,
        FieldType::Choice(&[("keep", "Keep those of the weights"), ("learn", "Learn")]),
        "Fine-tuning: small batches and small data sets give poor means and variances, so keeping them is often better.",
    )
    .when(When::FineTuning),
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
    )
    .when(When::Augmenting),
    field(
        "crop_padding",
        "Crop with padding",
        Group::Augmentation,
        FieldType::Integer { min: 0, max: 128 },
        "Pixels of black padding around the image before a random square is cut.",
    )
    .when(When::Augmenting),
    field(
        "random_resized_crop",
        "Random resized crop",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 1.0 },
        "The smallest share of the image's area that a random crop keeps, such as 0.35.",
    )
    .when(When::Augmenting),
    field(
        "rotation",
        "Rotation",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 180.0 },
        "Rotated at random by up to this many degrees either way.",
    )
    .when(When::Augmenting),
    field(
        "color_jitter",
        "Colour jitter",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 1.0 },
        "How far brightness, contrast and saturation may change, such as 0.3; hue by up to a quarter of it.",
    )
    .when(When::Augmenting),
    field(
        "mixup",
        "MixUp",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 10.0 },
        "Each image and its label are blended with another of the batch. The parameter of the Beta distribution that the shares come from, such as 0.2.",
    )
    .when(When::Mixing),
    field(
        "cutmix",
        "CutMix",
        Group::Augmentation,
        FieldType::Number { min: 0.0, max: 10.0 },
        "A rectangle of each image comes from another of the batch, and its label in proportion; such as 1. With MixUp on too, each batch gets one of the two.",
    )
    .when(When::Mixing),
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
    )
    .when(When::Evaluating),
    field(
        "capture_every",
        "Keep input batches",
        Group::Advanced,
        FieldType::Integer { min: 0, max: 1_000_000 },
        "The batch of network inputs is kept at the first step and then every this many steps.",
    )
    .when(When::Learning),
];
