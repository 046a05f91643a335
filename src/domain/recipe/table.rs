//! The table of fields.

use super::choices::{
    MIN_IMAGE_SIZE, MODEL_CHOICES, NORMALIZATIONS, ON_OFF, OPTIMIZER_CHOICES, SCHEDULE_CHOICES,
};
use super::when::When;
use super::{Field, FieldType, Group};

const fn field(
    name: &'static str,
    label: &'static str,
    group: Group,
    field_type: FieldType,
    help: &'static str,
) -> Field {
    Field { name, label, help, group, field_type, when: When::Always }
}

/// What is changed at random in one image.
pub(super) const AUGMENTATION: [&str; 5] =
    ["flip", "crop_padding", "random_resized_crop", "rotation", "color_jitter"];
/// What is mixed of several.
pub(super) const MIXING: [&str; 2] = ["mixup", "cutmix"];

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
    field("model", "Model", Group::Basics, FieldType::Choice(&MODEL_CHOICES), "The network's architecture, and how many million parameters (M) it has.")
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
        "label_smoothing",
        "Label smoothing",
        Group::Loss,
        FieldType::Number { min: 0.0, max: 0.9 },
        "The share of each label that is spread over all classes, such as 0.1: keeps a network from being too sure, and forgives some wrong labels.",
    )
    .when(When::Learning),
    field(
        "focal_gamma",
        "Focal loss",
        Group::Loss,
        FieldType::Number { min: 0.0, max: 10.0 },
        "The exponent gamma, such as 2: images that are already predicted surely count less, hard ones more.",
    )
    .when(When::Learning),
    field(
        "class_weights",
        "Class weights",
        Group::Loss,
        FieldType::Choice(&[("even", "All classes alike"), ("inverse", "Rare classes count more")]),
        "How much an image of each class counts in the loss. Rare classes more: by the inverse of their number of training images.",
    )
    .when(When::Learning),
    field(
        "sampling",
        "Images of an epoch",
        Group::Loss,
        FieldType::Choice(&[
            ("shuffled", "Each training image once"),
            ("balanced", "As many of each class"),
        ]),
        "As many of each class: images of rare classes come several times, drawn anew each time; of frequent ones some are left out, others in each epoch.",
    )
    .when(When::Learning),
    field(
        "accumulate",
        "Batches per step",
        Group::Loss,
        FieldType::Integer { min: 1, max: 256 },
        "Gradients of so many batches make one step: a larger batch than the memory holds. Normalisation layers still see one batch at a time.",
    )
    .when(When::Learning),
    field(
        "clip_norm",
        "Gradient clipping",
        Group::Loss,
        FieldType::Number { min: 0.0, max: 1e6 },
        "A gradient whose norm over all weights is larger is shrunk to this, such as 1: keeps single batches from throwing the network off.",
    )
    .when(When::Learning),
    field(
        "average_decay",
        "Average of the weights",
        Group::Loss,
        FieldType::Number { min: 0.0, max: 0.999_999 },
        "An exponential moving average (EMA) of the weights is evaluated and kept in place of the weights themselves. The share of it that each step keeps: such as 0.99 for some hundred steps, 0.999 for some thousand.",
    )
    .when(When::Learning),
    field(
        "best_by",
        "Best epoch by",
        Group::Loss,
        FieldType::Choice(&[
            ("loss", "Validation loss (lowest)"),
            ("accuracy", "Validation accuracy (highest)"),
        ]),
        "Which epoch's weights are kept, tested and shown. Of two that are alike, the earlier.",
    )
    .when(When::Learning),
    field(
        "patience",
        "Early stopping",
        Group::Loss,
        FieldType::Integer { min: 0, max: 999 },
        "The run ends after so many epochs in a row that brought no better one.",
    )
    .when(When::Learning),
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
        FieldType::Choice(&NORMALIZATIONS),
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
