//! The journal: what a trainer reports, one [`Record`] a line.

use crate::sample::Split;
use crate::spec::{self, RunSpec};
use crate::transform::SampledTransform;
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
    /// How far a stage of the work has come that is not counted in steps; now and then while it lasts, and at its end.
    Progress {
        /// What is being done.
        stage: Stage,
        /// Images done …
        done: u64,
        /// … of so many.
        total: u64,
    },
    /// Scalars of one optimiser step, or of the steps since the last such event: `train/loss`, `train/accuracy`,
    /// `learning_rate`, `images_per_second`.
    Step {
        /// The step just taken; the values belong to it.
        step: u64,
        /// The epoch it is in.
        epoch: u32,
        /// Numbers by key, as listed above.
        values: Values,
    },
    /// What the dials read at one step: some at every report, some at every fifth, those of classes at the end of an epoch.
    Dials(Dials),
    /// L2 norms of the gradient of each layer's parameters at one step: in journals of protocol 1, where newer ones have
    /// [`Event::Dials`].
    Gradients {
        /// The optimiser step that the gradient belongs to.
        step: u64,
        /// In the order of [`Started::layers`].
        norms: Vec<MaybeFinite>,
    },
    /// An input batch was captured.
    Batch(Batch),
    /// An epoch ended and was evaluated: `val/loss`, `val/accuracy`, `epoch/train_loss`, `epoch/train_accuracy`.
    Epoch {
        /// The epoch, from 1.
        epoch: u32,
        /// The last step taken.
        step: u64,
        /// Numbers by key, as listed above.
        values: Values,
        /// Whether this is the best epoch so far (lowest validation loss), so that its weights and predictions are kept.
        best: bool,
    },
    /// A predictions file is whole (see [`crate::files::PREDICTIONS`]).
    Predictions {
        /// Which split was evaluated.
        split: Split,
        /// After which epoch; 0: the starting weights.
        epoch: u32,
        /// Relative to the run directory.
        path: String,
        /// Whether these are of the best checkpoint so far: what galleries show.
        best: bool,
    },
    /// A file of predictions of images of which nothing is known is whole (see [`crate::files::PREDICTIONS`]).
    Predicted {
        /// Relative to the directory of the job.
        path: String,
    },
    /// The losses of a search for a learning rate, in the order of its steps.
    LearningRates {
        /// Learning rate, and the loss before the step at it; `null`: not finite.
        points: Vec<(f64, MaybeFinite)>,
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

/// Work that is counted in images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Computing what goes into the last layer.
    Embed,
    /// Evaluating a split.
    Evaluate,
    /// Learning for a while, to find a learning rate.
    FindLearningRate,
}

/// The trainer that writes the journal, and what it computes with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL`] of the trainer.
    pub protocol: u32,
    /// The trainer's own version.
    pub trainer: String,
    /// libtorch's version.
    pub torch: String,
    /// Where it computes.
    pub device: ComputeDevice,
    /// Threads that compute.
    pub threads: u32,
    /// The arithmetic of convolutions and products: what `auto` came to.
    pub precision: Dtype,
    /// How the precision was chosen, in a sentence with the figures measured.
    pub precision_reason: String,
    /// The process, for signals; valid for as long as the lock is held.
    pub pid: u32,
}

impl Hello {
    /// The spec with what it leaves open filled in: device, threads and precision as they are in this trainer.
    pub fn resolve(&self, spec: &RunSpec) -> RunSpec {
        RunSpec {
            device: match self.device {
                ComputeDevice::Cpu => spec::Device::Cpu,
                ComputeDevice::Cuda => spec::Device::Cuda,
            },
            threads: self.threads,
            precision: match self.precision {
                Dtype::F32 => spec::Precision::F32,
                Dtype::Bf16 => spec::Precision::Bf16,
            },
            ..spec.clone()
        }
    }
}

/// A device that a trainer computes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComputeDevice {
    /// The processor.
    #[serde(rename = "cpu")]
    Cpu,
    /// The first CUDA device.
    #[serde(rename = "cuda:0")]
    Cuda,
}

impl std::fmt::Display for ComputeDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ComputeDevice::Cpu => "cpu",
            ComputeDevice::Cuda => "cuda:0",
        })
    }
}

/// A number format of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32-bit floating point.
    F32,
    /// bfloat16: 8 bits of exponent, 8 of precision.
    Bf16,
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

/// What the dials read at one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dials {
    /// The optimiser step; of classes the last one of the epoch.
    pub step: u64,
    /// A number a layer, in the order of [`Started::layers`]; `null`: not finite, or the layer has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<LayerDial, Vec<MaybeFinite>>,
    /// For each layer, in the same order, what share of its numbers is of which size (see [`HISTOGRAM_EDGES`]); empty where the
    /// layer has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histograms: BTreeMap<HistogramDial, Vec<Vec<f64>>>,
    /// A number a class, in the order of [`RunSpec::classes`]; `null`: the validation split has no image of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<ClassDial, Vec<MaybeFinite>>,
    /// Numbers of the whole run since the report before. Shares of the time of training steps: `time/data` (waiting for images),
    /// `time/forward`, `time/backward`, `time/optimizer`, `time/other`. The trainer's process: `process/memory_bytes` (resident),
    /// `process/processors` (kept busy, on average), where the system says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: Values,
}

/// A dial that has a number a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerDial {
    /// L2 norm of the gradient.
    Gradient,
    /// L2 norm of the weights before the step.
    Weight,
    /// L2 norm of what the step changed, divided by that of the weights before it.
    Update,
    /// Share of channels whose ReLU gave 0 for the whole batch; 0 to 1. Of layers whose output goes through one.
    Dead,
}

impl LayerDial {
    /// Every one.
    pub const ALL: [LayerDial; 4] =
        [LayerDial::Gradient, LayerDial::Weight, LayerDial::Update, LayerDial::Dead];

    /// As in JSON; the series of a layer is called `gradient/<layer>`.
    pub fn as_str(self) -> &'static str {
        match self {
            LayerDial::Gradient => "gradient",
            LayerDial::Weight => "weight",
            LayerDial::Update => "update",
            LayerDial::Dead => "dead",
        }
    }
}

/// A dial that has a histogram a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistogramDial {
    /// Of the gradient's numbers.
    Gradient,
    /// Of the numbers behind the layer's ReLU; of the last layer its logits. Other layers have none.
    Activation,
}

impl HistogramDial {
    /// Every one.
    pub const ALL: [HistogramDial; 2] = [HistogramDial::Gradient, HistogramDial::Activation];

    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            HistogramDial::Gradient => "gradient",
            HistogramDial::Activation => "activation",
        }
    }
}

/// Powers of ten between the bins of a histogram, which are of sizes without sign: the first bin holds what is smaller than 10^-9
/// (0 too), the last one what is 10^2 or larger, or not finite.
pub const HISTOGRAM_EDGES: [i32; 12] = [-9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2];

/// A dial that has a number a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassDial {
    /// Share of the class's validation images that are predicted as it; 0 to 1.
    Recall,
}

impl ClassDial {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ClassDial::Recall => "recall",
        }
    }
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
    /// Of the whole batch, for red, green, blue, of the network input.
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
    /// Minimum.
    pub min: MaybeFinite,
    /// Maximum.
    pub max: MaybeFinite,
}

/// One sample of a captured batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchItem {
    /// The server's number of the sample.
    pub sample_id: i64,
    /// The label it was trained with.
    pub label: u32,
    /// What each random transform sampled. Journals of earlier versions have `drawn`.
    #[serde(alias = "drawn")]
    pub sampled: Vec<SampledTransform>,
    /// What it was mixed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixed: Option<Mixed>,
}

/// The other sample that a sample was mixed with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixed {
    /// How the two were mixed; `by` in JSON.
    #[serde(rename = "by")]
    pub method: MixMethod,
    /// The other sample.
    pub sample_id: i64,
    /// The other sample's label.
    pub label: u32,
    /// The share of it: of every value (MixUp), or of the area (CutMix); 0 to 1.
    pub share: f64,
}

/// How samples of a batch are mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MixMethod {
    /// Every value a weighted mean of two samples (Zhang et al. 2018).
    Mixup,
    /// A rectangle replaced by that of another sample (Yun et al. 2019).
    Cutmix,
}

impl MixMethod {
    /// The name, as its authors write it.
    pub fn label(self) -> &'static str {
        match self {
            MixMethod::Mixup => "MixUp",
            MixMethod::Cutmix => "CutMix",
        }
    }
}

/// Why a run failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened, to what, in words.
    pub reason: String,
    /// What to do about it, in words.
    pub advice: Option<String>,
    /// The optimiser step, where one was under way.
    pub step: Option<u64>,
    /// The layer, where one is to blame.
    pub layer: Option<String>,
    /// The samples of the batch that was under way, where its loss is to blame; by the server's numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batch: Vec<i64>,
    /// Those of them whose own input or loss is not finite, where that tells them from the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_finite: Vec<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(line: &str) -> Event {
        serde_json::from_str::<Record>(line).unwrap().event
    }

    #[test]
    fn a_batch_of_an_earlier_journal_is_read_and_written_with_the_new_name() {
        let line = concat!(
            r#"{"at_ms":1700000000000,"event":"batch","step":0,"epoch":1,"path":"batches/step-00000000.safetensors","#,
            r#""size":12,"channels":[{"mean":0.1,"std":0.9,"min":-2.0,"max":2.0},{"mean":0.1,"std":0.9,"min":-2.0,"#,
            r#""max":2.0},{"mean":null,"std":null,"min":null,"max":null}],"items":[{"sample_id":7,"label":1,"drawn":"#,
            r#"[{"transform":"horizontal_flip","values":[["flipped",1.0]]}],"#,
            r#""mixed":{"by":"cutmix","sample_id":9,"label":0,"share":0.25}}]}"#
        );
        let Event::Batch(batch) = event(line) else { panic!("{line}") };
        let item = &batch.items[0];
        assert_eq!(item.sampled[0].values, [("flipped".to_owned(), 1.0)]);
        assert_eq!(item.mixed.as_ref().unwrap().method, MixMethod::Cutmix);
        let written = serde_json::to_value(item).unwrap();
        assert_eq!(written["sampled"][0]["transform"], "horizontal_flip");
        assert_eq!(written.get("drawn"), None);
        assert_eq!(written["mixed"]["by"], "cutmix");
    }

    #[test]
    fn dials_are_one_line_and_only_what_was_read_is_in_it() {
        let dials = Dials {
            step: 7,
            layers: BTreeMap::from([(LayerDial::Update, vec![Some(0.001), None])]),
            classes: BTreeMap::from([(ClassDial::Recall, vec![Some(0.5)])]),
            ..Dials::default()
        };
        let written = serde_json::to_value(Record { at_ms: 1, event: Event::Dials(dials.clone()) }).unwrap();
        let expected = json!({
            "at_ms": 1, "event": "dials", "step": 7, "layers": {"update": [0.001, null]}, "classes": {"recall": [0.5]},
        });
        assert_eq!(written, expected);
        assert_eq!(event(&written.to_string()), Event::Dials(dials));
        for dial in LayerDial::ALL {
            assert_eq!(json!(dial), json!(dial.as_str()));
        }
        for dial in HistogramDial::ALL {
            assert_eq!(json!(dial), json!(dial.as_str()));
        }
        assert_eq!(json!(ClassDial::Recall), json!(ClassDial::Recall.as_str()));
        let old = event(r#"{"at_ms":1,"event":"gradients","step":3,"norms":[0.5,null]}"#);
        assert_eq!(old, Event::Gradients { step: 3, norms: vec![Some(0.5), None] });
    }

    #[test]
    fn a_failure_of_an_earlier_journal_names_no_batch() {
        let line =
            r#"{"at_ms":1,"event":"failed","reason":"It broke.","advice":null,"step":3,"layer":"head"}"#;
        let Event::Failed(failure) = event(line) else { panic!("{line}") };
        assert_eq!((failure.step, failure.batch.len(), failure.not_finite.len()), (Some(3), 0, 0));
        let written = serde_json::to_value(Record { at_ms: 1, event: Event::Failed(failure) }).unwrap();
        assert_eq!(written, serde_json::from_str::<Value>(line).unwrap());
    }

    #[test]
    fn a_hello_keeps_the_words_of_earlier_journals() {
        let line = r#"{"at_ms":1,"event":"hello","protocol":1,"trainer":"0.1.0","torch":"2.11.0","device":"cuda:0",
            "threads":2,"precision":"bf16","precision_reason":"The run asks for bf16.","pid":42}"#;
        let Event::Hello(hello) = event(line) else { panic!("{line}") };
        assert_eq!((hello.device, hello.precision), (ComputeDevice::Cuda, Dtype::Bf16));
        let read: Value = serde_json::from_str(line).unwrap();
        let written = serde_json::to_value(Record { at_ms: 1, event: Event::Hello(hello) }).unwrap();
        assert_eq!(written, read);
        for (device, word) in [(ComputeDevice::Cpu, "cpu"), (ComputeDevice::Cuda, "cuda:0")] {
            assert_eq!((json!(device), device.to_string()), (json!(word), word.to_owned()));
        }
    }
}
