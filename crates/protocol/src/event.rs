//! The journal: what a trainer says, one [`Record`] a line.

use crate::sample::Split;
use crate::transform::Drawn;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A number that may be infinite or not a number; JSON has neither, so both are `null`.
pub type MaybeFinite = Option<f64>;

/// Named numbers, such as `{"train/loss": 0.71, "learning_rate": 0.1}`.
pub type Values = BTreeMap<String, MaybeFinite>;

/// `Some` where `value` is finite: the way every number enters the journal.
pub fn finite(value: f64) -> MaybeFinite {
    value.is_finite().then_some(value)
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen in a run. In JSON an object with its `event` name.
///
/// `step` counts optimiser steps from 0 at the start of the run; `epoch` counts from 1 as a person does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Always first, also after a resume.
    Hello(Hello),
    /// The work is laid out; once for each start.
    Started(Started),
    /// Something a person should know, such as a head that was replaced.
    Note {
        /// One or two sentences.
        text: String,
    },
    /// Scalars of one optimiser step, or of the steps since the last such event: `train/loss`, `train/accuracy`,
    /// `learning_rate`, `images_per_second`.
    Step {
        /// The step just taken; the values belong to it.
        step: u64,
        /// The epoch it is in.
        epoch: u32,
        /// By key.
        values: Values,
    },
    /// L2 norms of the gradient of each layer's parameters at one step.
    Gradients {
        /// The step.
        step: u64,
        /// In the order of [`Started::layers`].
        norms: Vec<MaybeFinite>,
    },
    /// An input batch was captured.
    Batch(Batch),
    /// An epoch ended and was judged: `val/loss`, `val/accuracy`, `epoch/train_loss`, `epoch/train_accuracy`.
    Epoch {
        /// From 1.
        epoch: u32,
        /// The last step taken.
        step: u64,
        /// By key.
        values: Values,
        /// Whether this is the best epoch so far (lowest validation loss), so that its weights and predictions are kept.
        best: bool,
    },
    /// A predictions file is whole (see [`crate::files::PREDICTIONS`]).
    Predictions {
        /// Which split was judged.
        split: Split,
        /// After which epoch; 0: the starting weights.
        epoch: u32,
        /// Relative to the run directory.
        path: String,
        /// Whether these are of the best checkpoint so far: what galleries show.
        best: bool,
    },
    /// A checkpoint is whole, and a resume would start here.
    Checkpoint {
        /// Steps taken.
        step: u64,
        /// Epochs finished.
        epoch: u32,
    },
    /// Ended early, on request; a checkpoint precedes it.
    Stopped {
        /// Steps taken.
        step: u64,
    },
    /// Ended by a fault.
    Failed(Failure),
    /// Ended well.
    Completed {
        /// Steps taken.
        step: u64,
        /// The best epoch; 0: nothing was trained.
        best_epoch: u32,
    },
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL`] of the trainer.
    pub protocol: u32,
    /// The trainer's own version.
    pub trainer: String,
    /// libtorch's version.
    pub torch: String,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// Threads that compute.
    pub threads: u32,
    /// `f32` or `bf16`: what `auto` came to.
    pub precision: String,
    /// How the precision was chosen, in a sentence with the figures measured.
    pub precision_reason: String,
    /// The process, for signals; valid for as long as the lock is held.
    pub pid: u32,
}

/// The work laid out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The step to begin with: 0, or where the checkpoint was taken.
    pub step: u64,
    /// Optimiser steps an epoch.
    pub steps_per_epoch: u64,
    /// Trainable numbers in the model.
    pub parameters: u64,
    /// Layers that have parameters, from input to output.
    pub layers: Vec<String>,
}

/// A captured input batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The step that it was used in.
    pub step: u64,
    /// The epoch of that step.
    pub epoch: u32,
    /// The safetensors file, relative to the run directory; holds the first [`Batch::items`] of the batch.
    pub path: String,
    /// How many samples the whole batch had.
    pub size: u32,
    /// Of the whole batch, for red, green, blue, as fed.
    pub channels: [ChannelStats; 3],
    /// The captured samples, in the file's order.
    pub items: Vec<BatchItem>,
}

/// Statistics of one channel of an input tensor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelStats {
    /// Arithmetic mean.
    pub mean: MaybeFinite,
    /// Population standard deviation.
    pub std: MaybeFinite,
    /// Least value.
    pub min: MaybeFinite,
    /// Greatest value.
    pub max: MaybeFinite,
}

/// One sample of a captured batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchItem {
    /// Which.
    pub sample_id: i64,
    /// The label it was fed with.
    pub label: u32,
    /// What each random transform drew.
    pub drawn: Vec<Drawn>,
    /// What it was mixed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixed: Option<Mixed>,
}

/// The other sample in a mixed one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixed {
    /// `mixup` or `cutmix`.
    pub by: String,
    /// The other sample.
    pub sample_id: i64,
    /// Its label.
    pub label: u32,
    /// The share of it: of every value (MixUp), or of the area (CutMix); 0 to 1.
    pub share: f64,
}

/// Why a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened, to what, in words.
    pub reason: String,
    /// What to try.
    pub advice: Option<String>,
    /// The step, where one was under way.
    pub step: Option<u64>,
    /// The layer, where one is to blame.
    pub layer: Option<String>,
}
