//! A [`RunSpec`] → the values of the fields that make it: the way back, for a run that is to be done again with one thing
//! changed.

use super::spec::{standard_evaluation, train_steps};
use super::{Normalization, Values};
use crate::domain::dataset::DatasetFacts;
use protocol::sample::Split;
use protocol::spec::{RunSpec, Task, Training};
use protocol::transform::{Pipeline, TransformSpec};
use serde_json::{Value, json};

/// The value of every field but the name. `recipe_from_values` makes the same spec of them again, on a data set whose
/// content is the same.
///
/// A pipeline that the fields can't make comes as the list that it is, and then the fields that it replaces are absent.
pub fn values_from_spec(spec: &RunSpec, facts: &DatasetFacts) -> Values {
    let mut values = Values::new();
    let mut set = |name: &str, value: Value| {
        values.insert(name.to_owned(), value);
    };
    set("training", json!(training_word(spec)));
    if let (true, Training::Head { draws }) = (spec.trains(), spec.training) {
        set("draws", json!(draws));
    }
    if let (true, Training::FineTune(fine_tune)) = (spec.trains(), spec.training) {
        set("head_epochs", json!(fine_tune.head_epochs));
        set("unfreeze_epochs", json!(fine_tune.unfreeze_epochs));
        set("rate_decay", json!(fine_tune.rate_decay));
        set("norm_statistics", json!(if fine_tune.keep_norm_statistics { "keep" } else { "learn" }));
    }
    set("model", json!(spec.model));
    set("weights", json!(spec.weights.as_deref().unwrap_or_default()));
    set("image_size", json!(spec.image_size));
    if spec.trains() {
        set("epochs", json!(spec.epochs));
    }
    set("batch_size", json!(spec.batch_size));
    set("optimizer", json!(spec.optimizer));
    set("learning_rate", json!(spec.learning_rate));
    set("weight_decay", json!(spec.weight_decay));
    if spec.weight_decay > 0.0 {
        set("decay_scope", json!(spec.decay_scope));
    }
    set("label_smoothing", json!(spec.loss.label_smoothing));
    set("focal_gamma", json!(spec.loss.focal_gamma));
    set("class_weights", json!(spec.loss.class_weights));
    set("sampling", json!(spec.sampling));
    set("accumulate", json!(spec.updates.accumulate));
    set("clip_norm", json!(spec.updates.clip_norm));
    set("average_decay", json!(spec.updates.average_decay));
    set("best_by", json!(spec.selection.best_by));
    set("patience", json!(spec.selection.patience));
    set("schedule", json!(spec.schedule));
    set("warmup_epochs", json!(spec.warmup_epochs));
    set("mixup", json!(spec.mixing.mixup));
    set("cutmix", json!(spec.mixing.cutmix));
    set("seed", json!(spec.seed));
    set("device", json!(spec.device));
    set("precision", json!(spec.precision));
    set("threads", json!(spec.threads));
    set("capture_every", json!(spec.capture_every_steps));
    set("evaluate_on", json!(evaluate_on(spec)));
    // Without draws there is one way of loading, that of evaluation.
    let is_drawn = spec.training != (Training::Head { draws: 0 });
    let loading = if is_drawn { &spec.train_transforms } else { &spec.eval_transforms };
    match fields_of_pipeline(loading, spec.image_size, facts) {
        Some(fields) => values.extend(fields),
        None if !is_drawn => {
            values.insert("eval_transforms".into(), json!(spec.eval_transforms));
        }
        None => {
            values.insert("train_transforms".into(), json!(spec.train_transforms));
        }
    }
    if spec.eval_transforms != standard_evaluation(spec.image_size, loading) {
        values.insert("eval_transforms".into(), json!(spec.eval_transforms));
    }
    values
}

fn training_word(spec: &RunSpec) -> &'static str {
    match spec.training {
        _ if !spec.trains() => "none",
        Training::Scratch => "scratch",
        Training::FineTune(_) => "fine-tune",
        Training::Head { .. } => "head",
    }
}

fn evaluate_on(spec: &RunSpec) -> &'static str {
    let Task::Evaluate { splits } = &spec.task else { return "val-test" };
    match splits.as_slice() {
        [Split::Train] => "train",
        [Split::Val] => "val",
        [Split::Test] => "test",
        _ => "val-test",
    }
}

/// The fields that make just this pipeline, if there are any: read off its steps, and then tried.
fn fields_of_pipeline(steps: &[TransformSpec], image_size: u32, facts: &DatasetFacts) -> Option<Values> {
    let mut fields = Values::new();
    let mut set = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    for (name, off) in [
        ("flip", json!("off")),
        ("crop_padding", json!(0)),
        ("random_resized_crop", json!(0.0)),
        ("rotation", json!(0.0)),
        ("color_jitter", json!(0.0)),
    ] {
        set(name, off);
    }
    let mut normalization = None;
    for step in steps {
        match step {
            TransformSpec::RandomCrop { padding, .. } => set("crop_padding", json!(padding)),
            TransformSpec::RandomResizedCrop { scale, .. } => set("random_resized_crop", json!(scale[0])),
            TransformSpec::HorizontalFlip { .. } => set("flip", json!("on")),
            TransformSpec::Rotation { degrees, .. } => set("rotation", json!(degrees[1])),
            TransformSpec::ColorJitter { brightness, .. } => set("color_jitter", json!(brightness)),
            TransformSpec::Normalize { .. } => {
                normalization =
                    Normalization::ALL.into_iter().find(|by| by.step(facts.channels).as_ref() == Some(step));
            }
            _ => {}
        }
    }
    let normalization = normalization?;
    set("normalization", json!(normalization.as_str()));
    let mut with_size = fields.clone();
    with_size.insert("image_size".into(), json!(image_size));
    let mut made: Pipeline = train_steps(&with_size).ok()?;
    made.extend(normalization.step(facts.channels));
    (made == steps).then_some(fields)
}
