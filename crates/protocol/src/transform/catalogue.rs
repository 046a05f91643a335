//! Every transform described once: the loading lab's controls, `/api/v1/transforms`, what pages show of a
//! pipeline and the checks of values are all made from [`TRANSFORMS`].

use super::parameter_type::ParameterType;
use serde::Serialize;

/// A transform as people choose it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Transform {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name on a page.
    pub label: &'static str,
    /// What family it belongs to.
    pub group: Group,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// In the order of its fields.
    pub parameters: &'static [Parameter],
}

/// Families of transforms, in the order in which a list shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Which pixels, and how many.
    Size,
    /// Where they go.
    Geometry,
    /// What they are.
    Colour,
    /// What a camera or a codec does to them.
    Damage,
    /// Several at random.
    Policy,
    /// Numbers for the network.
    Tensor,
}

impl Group {
    /// All of them.
    pub const ALL: [Group; 6] =
        [Group::Size, Group::Geometry, Group::Colour, Group::Damage, Group::Policy, Group::Tensor];

    /// The heading.
    pub fn label(self) -> &'static str {
        match self {
            Group::Size => "Size and crop",
            Group::Geometry => "Geometry",
            Group::Colour => "Colour",
            Group::Damage => "Damage",
            Group::Policy => "Policies",
            Group::Tensor => "Tensor",
        }
    }
}

/// One thing about a transform that may be chosen.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Parameter {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name on a page.
    pub label: &'static str,
    /// Its unit, or nothing: `px`, `°`, `×`.
    pub unit: &'static str,
    /// Its type, range and default; `kind` in JSON.
    #[serde(rename = "kind")]
    pub value_type: ParameterType,
}

/// The transform of this name.
pub fn find(name: &str) -> Option<&'static Transform> {
    TRANSFORMS.iter().find(|transform| transform.name == name)
}

const fn transform(
    name: &'static str,
    label: &'static str,
    group: Group,
    help: &'static str,
    parameters: &'static [Parameter],
) -> Transform {
    Transform { name, label, group, help, parameters }
}

const fn parameter(
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    value_type: ParameterType,
) -> Parameter {
    Parameter { name, label, unit, value_type }
}

const fn number(min: f64, max: f64, step: f64, default: f64) -> ParameterType {
    ParameterType::Number { min, max, step, default }
}

const fn range(min: f64, max: f64, step: f64, default: [f64; 2]) -> ParameterType {
    ParameterType::Range { min, max, step, default, symmetric: false }
}

/// A range for which one number `d` stands for `[-d, d]`.
const fn symmetric(most: f64, step: f64, default: f64) -> ParameterType {
    ParameterType::Range { min: -most, max: most, step, default: [-default, default], symmetric: true }
}

const fn integer(min: u32, max: u32, default: u32) -> ParameterType {
    ParameterType::Integer { min, max, step: 1, default }
}

const SIZE: Parameter = parameter("size", "Size", "px", integer(1, 1024, 224));
const PADDING: Parameter = parameter("padding", "Padding", "px", integer(0, 128, 4));
const FILL: Parameter = parameter("fill", "Fill", "", integer(0, 255, 0));
const ANTIALIAS: Parameter = parameter("antialias", "Antialias", "", ParameterType::Flag { default: true });
const INTERPOLATION: Parameter = parameter(
    "interpolation",
    "Interpolation",
    "",
    ParameterType::Choice {
        choices: &[
            ("nearest", "Nearest"),
            ("bilinear", "Bilinear"),
            ("bicubic", "Bicubic"),
            ("lanczos", "Lanczos"),
        ],
        default: "bilinear",
    },
);
const PADDING_MODE: Parameter = parameter(
    "padding_mode",
    "Padding mode",
    "",
    ParameterType::Choice {
        choices: &[("constant", "One grey"), ("reflect", "Mirrored"), ("edge", "Edge repeated")],
        default: "constant",
    },
);
const ALWAYS: Parameter = parameter("probability", "Probability", "", number(0.0, 1.0, 0.05, 1.0));
const HALF: Parameter = parameter("probability", "Probability", "", number(0.0, 1.0, 0.05, 0.5));
const FACTOR: Parameter = parameter("factor", "Factor", "×", range(0.0, 3.0, 0.05, [0.6, 1.4]));

const fn strength(name: &'static str, label: &'static str) -> Parameter {
    parameter(name, label, "±", number(0.0, 10.0, 0.05, 0.4))
}

/// Every transform, in the order in which a list shows them.
pub const TRANSFORMS: &[Transform] = &[
    transform(
        "resize",
        "Resize",
        Group::Size,
        "The shorter side becomes this long; the aspect ratio stays.",
        &[SIZE, INTERPOLATION, ANTIALIAS],
    ),
    transform(
        "resize_exact",
        "Resize to a square",
        Group::Size,
        "Both sides become this long; other aspect ratios are squeezed.",
        &[SIZE, INTERPOLATION, ANTIALIAS],
    ),
    transform("center_crop", "Centre crop", Group::Size, "The middle square is kept.", &[SIZE]),
    transform("pad", "Pad", Group::Size, "More pixels on every side.", &[PADDING, PADDING_MODE, FILL]),
    transform(
        "random_crop",
        "Random crop",
        Group::Size,
        "A square from a random place, after padding.",
        &[SIZE, PADDING, PADDING_MODE, FILL],
    ),
    transform(
        "random_resized_crop",
        "Random resized crop",
        Group::Size,
        "A random part of the image, resized to a square.",
        &[
            SIZE,
            parameter("scale", "Share of the area", "", range(0.0, 1.0, 0.01, [0.08, 1.0])),
            parameter("ratio", "Width ÷ height", "", range(0.01, 100.0, 0.01, [0.75, 1.3333333333333333])),
            INTERPOLATION,
            ANTIALIAS,
        ],
    ),
    transform(
        "horizontal_flip",
        "Horizontal flip",
        Group::Geometry,
        "Left and right are exchanged.",
        &[HALF],
    ),
    transform("vertical_flip", "Vertical flip", Group::Geometry, "Top and bottom are exchanged.", &[HALF]),
    transform(
        "rotation",
        "Rotation",
        Group::Geometry,
        "Turned about the centre, counter-clockwise.",
        &[
            parameter("degrees", "Angle", "°", symmetric(180.0, 1.0, 15.0)),
            PADDING_MODE,
            FILL,
            parameter("expand", "Grow to hold all", "", ParameterType::Flag { default: false }),
        ],
    ),
    transform(
        "affine",
        "Affine",
        Group::Geometry,
        "Turned, shifted, scaled and sheared at once.",
        &[
            parameter("degrees", "Angle", "°", symmetric(180.0, 1.0, 10.0)),
            parameter("translate_x", "Shift across", "of width", number(0.0, 1.0, 0.01, 0.1)),
            parameter("translate_y", "Shift down", "of height", number(0.0, 1.0, 0.01, 0.1)),
            parameter("scale", "Scale", "×", range(0.1, 4.0, 0.05, [0.9, 1.1])),
            parameter("shear_x", "Shear across", "°", symmetric(60.0, 1.0, 0.0)),
            parameter("shear_y", "Shear down", "°", symmetric(60.0, 1.0, 0.0)),
            PADDING_MODE,
            FILL,
        ],
    ),
    transform(
        "perspective",
        "Perspective",
        Group::Geometry,
        "Seen from an angle: the corners move inwards.",
        &[parameter("distortion", "Distortion", "", number(0.0, 1.0, 0.05, 0.5)), HALF, PADDING_MODE, FILL],
    ),
    transform(
        "color_jitter",
        "Colour jitter",
        Group::Colour,
        "Brightness, contrast, saturation and hue change, in a random order.",
        &[
            strength("brightness", "Brightness"),
            strength("contrast", "Contrast"),
            strength("saturation", "Saturation"),
            parameter("hue", "Hue", "± turns", number(0.0, 0.5, 0.01, 0.1)),
        ],
    ),
    transform("brightness", "Brightness", Group::Colour, "Darker or brighter.", &[FACTOR, ALWAYS]),
    transform("contrast", "Contrast", Group::Colour, "Flatter or harder.", &[FACTOR, ALWAYS]),
    transform("saturation", "Saturation", Group::Colour, "Paler or more colourful.", &[FACTOR, ALWAYS]),
    transform(
        "hue",
        "Hue",
        Group::Colour,
        "The colour wheel turned: the whole image is tinted otherwise.",
        &[parameter("turn", "Turn", "turns", symmetric(0.5, 0.01, 0.1)), ALWAYS],
    ),
    transform(
        "grayscale",
        "Greyscale",
        Group::Colour,
        "Colour taken away: the test of “type or tint?”.",
        &[parameter("probability", "Probability", "", number(0.0, 1.0, 0.05, 0.1))],
    ),
    transform(
        "solarize",
        "Solarise",
        Group::Colour,
        "Levels at or above the threshold are inverted.",
        &[parameter("threshold", "Threshold", "", integer(0, 255, 128)), HALF],
    ),
    transform(
        "posterize",
        "Posterise",
        Group::Colour,
        "Fewer levels a channel.",
        &[parameter("bits", "Bits kept", "", integer(1, 8, 4)), HALF],
    ),
    transform("equalize", "Equalise", Group::Colour, "Each channel's histogram is made flat.", &[HALF]),
    transform(
        "autocontrast",
        "Auto-contrast",
        Group::Colour,
        "Each channel is stretched to the full range.",
        &[HALF],
    ),
    transform(
        "sharpness",
        "Sharpness",
        Group::Damage,
        "Softer or sharper.",
        &[parameter("factor", "Factor", "×", range(0.0, 5.0, 0.05, [0.0, 2.0])), HALF],
    ),
    transform(
        "gaussian_blur",
        "Gaussian blur",
        Group::Damage,
        "Out of focus.",
        &[
            parameter(
                "kernel_size",
                "Kernel",
                "px",
                ParameterType::Integer { min: 1, max: 63, step: 2, default: 9 },
            ),
            parameter("sigma", "Std", "px", range(0.01, 10.0, 0.05, [0.1, 2.0])),
            ALWAYS,
        ],
    ),
    transform(
        "gaussian_noise",
        "Noise",
        Group::Damage,
        "Independent noise on every level, as a small sensor has it.",
        &[parameter("sigma", "Std", "of full range", range(0.0, 1.0, 0.01, [0.0, 0.1])), ALWAYS],
    ),
    transform(
        "jpeg",
        "JPEG artefacts",
        Group::Damage,
        "Saved as JPEG and read again.",
        &[
            parameter(
                "quality",
                "Quality",
                "",
                ParameterType::IntegerRange { min: 1, max: 100, default: [25, 95] },
            ),
            ALWAYS,
        ],
    ),
    transform(
        "random_erasing",
        "Random erasing",
        Group::Damage,
        "A random rectangle is covered.",
        &[
            parameter("scale", "Share of the area", "", range(0.0, 1.0, 0.01, [0.02, 0.33])),
            parameter("ratio", "Height ÷ width", "", range(0.1, 10.0, 0.01, [0.3, 3.3])),
            parameter(
                "with",
                "Covered with",
                "",
                ParameterType::Choice {
                    choices: &[("constant", "One grey"), ("noise", "Noise")],
                    default: "constant",
                },
            ),
            FILL,
            HALF,
        ],
    ),
    transform(
        "rand_augment",
        "RandAugment",
        Group::Policy,
        "A number of random operations of one strength, one after another.",
        &[
            parameter("operations", "Operations", "", integer(0, 8, 2)),
            parameter("magnitude", "Strength", "of 30", integer(0, 30, 9)),
            FILL,
        ],
    ),
    transform(
        "trivial_augment",
        "TrivialAugment",
        Group::Policy,
        "One random operation of random strength: nothing to tune.",
        &[FILL],
    ),
    transform(
        "normalize",
        "Normalise",
        Group::Tensor,
        "(value − mean) ÷ std, channel by channel; always last.",
        &[
            parameter(
                "mean",
                "Mean",
                "",
                ParameterType::Channels { min: -1e6, max: 1e6, default: [0.485, 0.456, 0.406] },
            ),
            parameter(
                "std",
                "Std",
                "",
                ParameterType::Channels { min: 1e-6, max: 1e6, default: [0.229, 0.224, 0.225] },
            ),
        ],
    ),
];
