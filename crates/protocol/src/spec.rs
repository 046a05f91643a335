//! A run, as data: all that is needed to do it again.

use crate::transform::Pipeline;
use serde::{Deserialize, Serialize};

/// What a trainer is told to do. Written once, by the server, as `spec.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// The data set's name, for people.
    pub dataset: String,
    /// Its fingerprint: a hash of every path, label, split and picture.
    pub fingerprint: String,
    /// Class names by label.
    pub classes: Vec<String>,
    /// The architecture.
    pub model: Model,
    /// A safetensors file to start from, absolute; `None`: drawn from `seed`.
    pub weights: Option<String>,
    /// Side of the square input, pixels.
    pub image_size: u32,
    /// Passes over the training split. 0: judge the starting weights, train nothing.
    pub epochs: u32,
    /// Samples an optimiser step. The last batch of an epoch may be smaller.
    pub batch_size: u32,
    /// How weights are updated.
    pub optimizer: Optimizer,
    /// The peak learning rate.
    pub learning_rate: f64,
    /// SGD: added to the gradient (L2). AdamW: decoupled. Applied to every parameter, as in PyTorch.
    pub weight_decay: f64,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// Epochs (fractions allowed) of linear rise from 0 before the schedule takes over.
    pub warmup_epochs: f64,
    /// How a training picture is loaded.
    pub train_transforms: Pipeline,
    /// What is mixed within a training batch, once its pictures are loaded.
    #[serde(default)]
    pub mixing: Mixing,
    /// How a judged picture is loaded.
    pub eval_transforms: Pipeline,
    /// Keys every random draw, together with epoch and sample.
    pub seed: u64,
    /// Where to compute.
    pub device: Device,
    /// The arithmetic of convolutions and products.
    pub precision: Precision,
    /// Threads that compute; 0: as many as there are cores.
    pub threads: u32,
    /// A batch is captured at the first step and then every this many steps; 0: only the first.
    pub capture_every_steps: u32,
    /// Which splits are judged when `epochs` is 0; otherwise val each epoch and test at the end.
    pub evaluate_splits: Vec<crate::sample::Split>,
}

/// What is mixed within a training batch. Where both are on, each batch gets one of the two, by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixing {
    /// Parameter of the Beta distribution of MixUp's shares (Zhang et al. 2018); 0: off.
    pub mixup: f64,
    /// Of CutMix's (Yun et al. 2019); 0: off.
    pub cutmix: f64,
}

/// The architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Three or four stages of convolution, batch normalisation, ReLU and pooling; about 0.3 million parameters.
    SmallCnn,
    /// He et al. 2015 for CIFAR, 20 layers, shortcut option A.
    Resnet20Cifar,
    /// The same with 56 layers.
    Resnet56Cifar,
    /// He et al. 2015 with torchvision's parameter names; below 65 pixels a 3 × 3 stem without pooling.
    Resnet18,
}

impl Model {
    /// Every architecture there is.
    pub const ALL: [Model; 4] =
        [Model::SmallCnn, Model::Resnet20Cifar, Model::Resnet56Cifar, Model::Resnet18];

    /// The least side of an input image, pixels: below it the last feature map would be a single pixel, over
    /// which a batch of one sample cannot be normalised.
    pub const fn min_image_size(self) -> u32 {
        match self {
            Model::SmallCnn | Model::Resnet20Cifar | Model::Resnet56Cifar | Model::Resnet18 => 16,
        }
    }
}

/// The optimisers, as PyTorch defines them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent, momentum 0.9, Nesterov.
    Sgd,
    /// Adam with decoupled weight decay, betas 0.9 and 0.999, epsilon 1e-8.
    Adamw,
}

/// The learning-rate schedules, applied at every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The peak, all along.
    Constant,
    /// Half a cosine from the peak to 0.
    Cosine,
    /// Smith's one cycle: a cosine up from 1/25 over the first 30 % of the steps, a cosine down to 1/250,000 of
    /// the peak (`torch.optim.lr_scheduler.OneCycleLR`'s defaults; momentum stays).
    OneCycle,
}

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A GPU where libtorch can use one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The first CUDA device; an error where there is none.
    Cuda,
}

/// The arithmetic of convolutions and matrix products; weights, batch normalisation and losses stay f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Whichever of the two is quicker, measured at the start and written down for resumes.
    Auto,
    /// 32-bit floating point.
    F32,
    /// bfloat16 with channels-last memory.
    Bf16,
}
