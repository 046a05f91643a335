//! What stands in the form before anybody has typed.

use super::table::{AUGMENTATION, MIXING};
use super::{Normalization, Values};
use crate::domain::dataset::DatasetFacts;
use protocol::model::MODELS;
use protocol::optimizer::OPTIMIZERS;
use protocol::sample::Split;
use protocol::schedule::SCHEDULES;
use protocol::transform::TransformSpec;
use protocol::weights::{WEIGHTS, WeightsEntry};
use serde_json::{Value, json};

/// A last layer learns in steps of a millisecond, so it is given enough of them.
const HEAD_EPOCHS: u64 = 30;
/// Weights that have learned need little more.
const FINE_TUNE_EPOCHS: u64 = 5;

/// Values with which *Start* at once gives a sensible run on this data set, for every field that has one.
///
/// Photos are given to a network that has learned from others, where its weights are at hand; its last layer learns.
pub fn defaults(facts: &DatasetFacts) -> Values {
    defaults_beside(&Values::new(), facts)
}

fn from_scratch(facts: &DatasetFacts) -> Values {
    let train = facts.count(Split::Train).max(1);
    let small = facts.median_side <= 40;
    let image_size = if small { 32 } else { 64 };
    // Enough passes for a small set to be learned, few enough for a large one to end: about 40,000 images.
    let epochs = (40_000 / train).clamp(4, 40);
    let batch_size = match train {
        0..2_000 => 32,
        2_000..20_000 => 64,
        _ => 128,
    };
    // The steps of an epoch, so that a few batches are kept from each.
    let steps = train.div_ceil(batch_size);
    let Value::Object(values) = json!({
        "name": "",
        "training": "scratch",
        "model": "small-cnn",
        "weights": "",
        "draws": 0,
        "head_epochs": 1,
        "unfreeze_epochs": 0,
        "rate_decay": 0.8,
        "norm_statistics": "keep",
        "image_size": image_size,
        "normalization": Normalization::ImageNet.as_str(),
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": OPTIMIZERS[0].name,
        "learning_rate": OPTIMIZERS[0].rate,
        "weight_decay": OPTIMIZERS[0].weight_decay,
        "decay_scope": "weights",
        "schedule": SCHEDULES[0].name,
        "warmup_epochs": 0.0,
        "label_smoothing": 0.0,
        "focal_gamma": 0.0,
        "class_weights": "even",
        "sampling": "shuffled",
        "accumulate": 1,
        "clip_norm": 0.0,
        "average_decay": 0.0,
        "best_by": "loss",
        "patience": 0,
        "flip": "on",
        "crop_padding": if small { 4 } else { 0 },
        "random_resized_crop": if small || facts.median_side < 100 { 0.0 } else { 0.35 },
        "rotation": 0.0,
        "color_jitter": 0.0,
        "mixup": 0.0,
        "cutmix": 0.0,
        "seed": 0,
        "device": "auto",
        "precision": "auto",
        "threads": 0,
        "evaluate_on": "val-test",
        "capture_every": steps.div_ceil(2).max(20),
    }) else {
        unreachable!("an object literal is an object")
    };
    values
}

/// [`defaults`], where what is given may change them: how to learn, model and weights bring each other, published weights bring
/// the image size and the normalisation that they were learned with, and an optimiser its learning rate and weight decay.
pub fn defaults_beside(given: &Values, facts: &DatasetFacts) -> Values {
    let mut values = from_scratch(facts);
    let mut set = |name: &str, value: Value| {
        values.insert(name.into(), value);
    };
    let said = |name: &str| given.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let training = said("training").unwrap_or_else(|| usual_training(given, facts));
    set("training", json!(training));
    let needs_weights = training == "head" || training == "fine-tune";
    let weights = match (said("weights"), said("model")) {
        (Some(name), _) => WeightsEntry::find(name),
        (None, Some(model)) => WEIGHTS.iter().find(|entry| entry.model.entry().name == model),
        (None, None) => Some(&WEIGHTS[0]),
    };
    let weights = weights.filter(|_| needs_weights || said("weights").is_some());
    if let Some(entry) = weights {
        set("model", json!(entry.model));
        set("weights", json!(entry.name));
    }
    // A file of somebody's own usually is of the published network that it was made from.
    let model = said("model").and_then(|model| MODELS.iter().find(|entry| entry.name == model));
    let own_file = said("weights").filter(|_| weights.is_none()).and(model);
    let input = weights.or_else(|| WeightsEntry::of(own_file?.model)).map(|entry| entry.input);
    if let Some(input) = input {
        set("image_size", json!(input.image_size));
        let step = TransformSpec::Normalize { mean: input.mean, std: input.std };
        let named = Normalization::ALL.into_iter().find(|by| by.step(None).as_ref() == Some(&step));
        if let Some(named) = named {
            set("normalization", json!(named.as_str()));
        }
    }
    let named = said("optimizer").and_then(|name| OPTIMIZERS.iter().find(|entry| entry.name == name));
    let optimizer = named.unwrap_or(&OPTIMIZERS[0]);
    set("optimizer", json!(optimizer.name));
    let is_fine_tuned = training == "fine-tune";
    set("learning_rate", json!(if is_fine_tuned { optimizer.fine_tune_rate } else { optimizer.rate }));
    set("weight_decay", json!(optimizer.weight_decay));
    match training {
        "head" => {
            set("epochs", json!(HEAD_EPOCHS));
            set("batch_size", json!(32));
            // Whoever asks for augmentation means images to be drawn.
            let is_drawn =
                given.get("train_transforms").is_some_and(Value::is_array) || asks_for(given, &AUGMENTATION);
            let usual_draws = u64::from(is_drawn);
            set("draws", json!(usual_draws));
            let draws = given.get("draws").and_then(Value::as_u64).unwrap_or(usual_draws);
            if draws == 0 {
                // Each image is taken once, as in evaluation.
                set("flip", json!("off"));
                set("crop_padding", json!(0));
                set("random_resized_crop", json!(0.0));
            }
            set("capture_every", json!(0));
        }
        "fine-tune" => {
            set("epochs", json!(FINE_TUNE_EPOCHS));
            if given.get("epochs").and_then(Value::as_u64) == Some(1) {
                // All layers are to learn.
                set("head_epochs", json!(0));
            }
        }
        _ => {}
    }
    values
}

/// Whether one of these fields is given and is not off.
pub(super) fn asks_for(given: &Values, fields: &[&str]) -> bool {
    fields.iter().filter_map(|name| given.get(*name)).any(|value| match value {
        Value::String(choice) => choice == "on",
        value => value.as_f64().is_some_and(|number| number > 0.0),
    })
}

/// How to learn where nobody says so.
fn usual_training(given: &Values, facts: &DatasetFacts) -> &'static str {
    if given.get("epochs").and_then(Value::as_u64) == Some(0) {
        return "none";
    }
    if given.get("weights").is_some_and(|weights| weights != "") {
        return "fine-tune";
    }
    // The last layer alone learns from images one by one.
    let is_open = !given.contains_key("model") && !given.contains_key("weights") && !asks_for(given, &MIXING);
    if is_open && facts.has_photos() && facts.weights.contains(&WEIGHTS[0].name) { "head" } else { "scratch" }
}
