//! A run, as data: all that is needed to do it again.

pub use crate::learning::{BestBy, ClassWeights, Loss, Sampling, Selection, Updates};
pub use crate::model::Model;
pub use crate::optimizer::{DecayScope, Optimizer};
use crate::sample::Split;
pub use crate::schedule::Schedule;
use crate::transform::Pipeline;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// What a trainer has to do. Written by the server as `spec.json`; written anew by the trainer where it leaves device,
/// threads or precision open, and by the server to raise the number of epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct RunSpec {
    /// What is to be done with the network. The fields about learning count where it is to be trained.
    pub task: Task,
    /// The data set's name, for people.
    pub dataset: String,
    /// Its fingerprint: a hash of every path, label, split and image.
    pub fingerprint: String,
    /// Class names by label.
    pub classes: Vec<String>,
    /// The network's architecture.
    pub model: Model,
    /// What to start from: a name of [`crate::weights::WEIGHTS`], or the absolute path of a safetensors file or of a state dict
    /// of PyTorch's; `None`: random, from `seed`.
    pub weights: Option<String>,
    /// What of the network learns.
    pub training: Training,
    /// Side of the square input, pixels.
    pub image_size: u32,
    /// Passes over the training split; 0 where nothing is trained.
    pub epochs: u32,
    /// The run pauses itself at the end of this epoch; `None`: it goes through. Whoever resumes it then lets it go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_after_epoch: Option<u32>,
    /// Samples a batch. The last one of an epoch may be smaller.
    pub batch_size: u32,
    /// How weights are updated.
    pub optimizer: Optimizer,
    /// The peak learning rate.
    pub learning_rate: f64,
    /// How strongly weights are pulled towards 0, as the optimiser has it.
    pub weight_decay: f64,
    /// Which; runs of earlier versions don't say it.
    #[serde(default)]
    pub decay_scope: DecayScope,
    /// What is minimised.
    #[serde(default)]
    pub loss: Loss,
    /// Which training images make an epoch.
    #[serde(default)]
    pub sampling: Sampling,
    /// How steps are made of gradients.
    #[serde(default)]
    pub updates: Updates,
    /// Which epoch is the best, and when there is no use in more.
    #[serde(default)]
    pub selection: Selection,
    /// How the learning rate moves.
    pub schedule: Schedule,
    /// Epochs (fractions allowed) of linear rise from 0 before the schedule takes over.
    pub warmup_epochs: f64,
    /// How a training image is loaded.
    pub train_transforms: Pipeline,
    /// What is mixed within a training batch, once its images are loaded.
    #[serde(default)]
    pub mixing: Mixing,
    /// How an image of the validation or test split is loaded.
    pub eval_transforms: Pipeline,
    /// Keys all randomness, together with epoch and sample.
    pub seed: u64,
    /// What a sample's draws are keyed by; runs of earlier versions don't say it.
    #[serde(default)]
    pub sample_keys: SampleKeys,
    /// Where to compute.
    pub device: Device,
    /// The arithmetic of convolutions and products.
    pub precision: Precision,
    /// Threads that compute; 0: as many as there are cores, replaced by their number when the run first starts.
    pub threads: u32,
    /// A batch is captured at the first step and then every this many steps; 0: only the first.
    pub capture_every_steps: u32,
}

impl RunSpec {
    /// Whether the network is to learn.
    pub fn trains(&self) -> bool {
        self.task == Task::Train
    }

    /// Whether weights change, be it to be kept or not.
    pub fn learns(&self) -> bool {
        matches!(self.task, Task::Train | Task::FindLearningRate { .. })
    }
}

impl Serialize for RunSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RunSpec::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for RunSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        update(&mut fields);
        RunSpec::deserialize(Value::Object(fields)).map_err(D::Error::custom)
    }
}

/// A spec of an earlier version as one of today. Then 0 epochs meant to evaluate, and given weights learned in all layers at one
/// rate.
fn update(fields: &mut Map<String, Value>) {
    let splits = fields.remove("evaluate_splits");
    if !fields.contains_key("task") {
        let evaluates = fields.get("epochs").and_then(Value::as_u64) == Some(0);
        let task =
            if evaluates { json!({"name": "evaluate", "splits": splits}) } else { json!({"name": "train"}) };
        fields.insert("task".into(), task);
    }
    if !fields.contains_key("training") {
        let scratch = fields.get("weights").is_none_or(Value::is_null);
        let training = if scratch { Training::Scratch } else { Training::FineTune(FineTune::ALL_LAYERS) };
        fields.insert("training".into(), json!(training));
    }
}

/// What a trainer does with a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Task {
    /// Let it learn, evaluate the validation split after each epoch and the test split at the end.
    Train,
    /// Evaluate these splits.
    Evaluate {
        /// In this order.
        splits: Vec<Split>,
    },
    /// Let it learn for so many steps while the learning rate rises (see [`crate::learning_rates`]); nothing of it is kept but the losses.
    FindLearningRate {
        /// At most so many.
        steps: u32,
    },
    /// Say of each image in `samples.jsonl` what it shows; nothing is known of them, so their labels and splits don't count.
    Predict,
}

/// What of a network learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Training {
    /// All layers, from random numbers.
    Scratch,
    /// All layers, from weights.
    FineTune(FineTune),
    /// The last layer alone, on what the others make of the images. That is computed once and kept.
    Head {
        /// How many times each training image is drawn with the training transforms. 0: taken once, as in evaluation.
        draws: u32,
    },
}

/// How a network with weights learns on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTune {
    /// For so many epochs the last layer learns alone.
    pub head_epochs: u32,
    /// Over so many epochs more the other layers begin to learn, those next to the last first; 0: all at once.
    pub unfreeze_epochs: u32,
    /// Each block learns at the rate of the one behind it times this (Howard and Ruder 2018, *Universal language model fine-tuning*).
    pub rate_decay: f64,
    /// Whether batch normalisations keep the means and variances that came with the weights.
    pub keep_norm_statistics: bool,
}

impl FineTune {
    /// All layers from the first step at one rate, as in runs of earlier versions.
    pub const ALL_LAYERS: FineTune =
        FineTune { head_epochs: 0, unfreeze_epochs: 0, rate_decay: 1.0, keep_norm_statistics: false };
}

/// What is mixed within a training batch. Where both are on, each batch gets one of the two, by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixing {
    /// Parameter of the Beta distribution of MixUp's shares (Zhang et al. 2018); 0: off.
    pub mixup: f64,
    /// Parameter of the Beta distribution of CutMix's shares (Yun et al. 2019); 0: off.
    pub cutmix: f64,
}

/// What keys the random draws of a sample, beside seed and epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleKeys {
    /// Its number in the server's database, as in runs of earlier versions: another number gives other draws.
    #[default]
    Id,
    /// Its path within the data set, hashed: the same in every database and folder. `samples.jsonl` has the key.
    Path,
}

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A GPU where libtorch can use one, else the CPU; replaced by what it came to when the run first starts.
    Auto,
    /// Always the CPU.
    Cpu,
    /// The first CUDA device; an error where there is none.
    Cuda,
}

/// The arithmetic of convolutions and matrix products; weights, batch normalisation and losses stay f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// bfloat16 where it is clearly quicker, measured once for a machine, model and shape; replaced by what it came to when
    /// the run first starts.
    Auto,
    /// 32-bit floating point.
    F32,
    /// bfloat16 with channels-last memory.
    Bf16,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::{PaddingMode, TransformSpec};

    #[test]
    fn a_spec_of_an_earlier_version_is_read() {
        let text = r#"{"dataset":"pets","fingerprint":"ab12","classes":["cat","dog"],"model":"small-cnn","weights":null,
            "image_size":32,"epochs":3,"batch_size":12,"optimizer":"adamw","learning_rate":0.002,"weight_decay":0.01,
            "schedule":"one-cycle","warmup_epochs":0.5,
            "train_transforms":[{"name":"random_crop","size":32,"padding":2,"outside":"reflect","fill":0},
                {"name":"normalize","mean":[0.5,0.5,0.5],"std":[0.25,0.25,0.25]}],
            "mixing":{"mixup":0.2,"cutmix":0.0},
            "eval_transforms":[{"name":"resize_exact","size":32,"interpolation":"bilinear","antialias":true}],
            "seed":7,"device":"cpu","precision":"auto","threads":2,"capture_every_steps":5,"evaluate_splits":["val"]}"#;
        let spec: RunSpec = serde_json::from_str(text).unwrap();
        assert!(matches!(
            spec.train_transforms[0],
            TransformSpec::RandomCrop { size: 32, padding: 2, padding_mode: PaddingMode::Reflect, fill: 0 }
        ));
        assert_eq!((spec.model, spec.schedule), (Model::SmallCnn, Schedule::OneCycle));
        assert_eq!((spec.task.clone(), spec.training), (Task::Train, Training::Scratch));
        assert_eq!((spec.decay_scope, spec.loss), (DecayScope::All, Loss::default()));
        assert_eq!((spec.sampling, spec.selection), (Sampling::Shuffled, Selection::default()));
        assert_eq!(spec.updates, Updates { accumulate: 1, clip_norm: 0.0, average_decay: 0.0 });
        let evaluated = text.replace("\"epochs\":3", "\"epochs\":0").replace("null", "\"/w.pth\"");
        let evaluated: RunSpec = serde_json::from_str(&evaluated).unwrap();
        assert_eq!(evaluated.task, Task::Evaluate { splits: vec![Split::Val] });
        assert_eq!(evaluated.training, Training::FineTune(FineTune::ALL_LAYERS));
        let written = serde_json::to_string(&spec).unwrap();
        assert!(written.contains(r#""padding_mode":"reflect""#) && !written.contains("outside"), "{written}");
        assert_eq!(serde_json::from_str::<RunSpec>(&written).unwrap(), spec);
    }
}
