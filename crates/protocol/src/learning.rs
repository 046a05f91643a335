//! What a network is taught with, beside its optimiser: the loss, how images are chosen, how steps are made, which epoch is the best.

use serde::{Deserialize, Serialize};

/// What is minimised. The losses that evaluations report stay plain cross-entropy, so that runs can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// The share of a label that is spread evenly over all classes (Szegedy et al. 2016); 0: none.
    pub label_smoothing: f64,
    /// How much each class counts.
    pub class_weights: ClassWeights,
    /// The exponent of the focal loss (Lin et al. 2017): the surer a class is, the less it counts; 0: plain cross-entropy.
    pub focal_gamma: f64,
}

/// How much each class counts in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All alike.
    #[default]
    Even,
    /// The rarer among the training images the more, so that all classes together count alike: training images / (classes × images
    /// of the class).
    Inverse,
}

/// Which training images make an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Each once.
    #[default]
    Shuffled,
    /// As many as there are, of each class the same number: images of rare classes come several times, of frequent ones some are
    /// left out, others in each epoch.
    Balanced,
}

/// How steps are made of gradients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// Batches whose gradients make one step.
    pub accumulate: u32,
    /// A gradient whose norm, over everything that learns, is larger is shrunk to it; 0: never.
    pub clip_norm: f64,
    /// How much of the average of the weights is kept at each step. The average is what is evaluated and kept as the best; 0: there
    /// is none.
    pub average_decay: f64,
}

impl Default for Updates {
    fn default() -> Self {
        Updates { accumulate: 1, clip_norm: 0.0, average_decay: 0.0 }
    }
}

/// Which epoch is the best, and when there is no use in more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// By what the best epoch is chosen.
    pub best_by: BestBy,
    /// The run ends after so many epochs in a row without a better one; 0: never early.
    pub patience: u32,
}

/// By what the best epoch is chosen, on the validation split. Of two that are alike the earlier one is the better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BestBy {
    /// The lowest loss.
    #[default]
    Loss,
    /// The highest accuracy.
    Accuracy,
}

impl BestBy {
    /// What a person calls it.
    pub const fn label(self) -> &'static str {
        match self {
            BestBy::Loss => "validation loss",
            BestBy::Accuracy => "validation accuracy",
        }
    }
}
