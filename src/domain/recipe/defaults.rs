//! What stands in the form before anybody has typed.

use super::{Normalization, Values};
use crate::domain::dataset::DatasetFacts;
use protocol::model::Model;
use protocol::sample::Split;
use protocol::transform::TransformSpec;
use serde_json::{Value, json};

/// Values with which *Start* at once gives a sensible run on this data set, for every field that has one.
pub fn defaults(facts: &DatasetFacts) -> Values {
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
        "model": "small-cnn",
        "weights": "",
        "image_size": image_size,
        "normalization": Normalization::ImageNet.as_str(),
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": "adamw",
        "learning_rate": 0.003,
        "weight_decay": 0.05,
        "schedule": "one-cycle",
        "warmup_epochs": 0.0,
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

/// [`defaults`], where what is given may change them: weights of a model bring the image size and the normalisation that
/// its published weights were learned with.
pub fn defaults_beside(given: &Values, facts: &DatasetFacts) -> Values {
    let mut values = defaults(facts);
    if given.get("weights").is_some_and(|weights| weights != "")
        && let Some(Ok(model)) = given.get("model").cloned().map(serde_json::from_value::<Model>)
        && let Some(input) = model.entry().published
    {
        values.insert("image_size".into(), json!(input.image_size));
        let step = TransformSpec::Normalize { mean: input.mean, std: input.std };
        let named = Normalization::ALL.into_iter().find(|by| by.step(None).as_ref() == Some(&step));
        if let Some(named) = named {
            values.insert("normalization".into(), json!(named.as_str()));
        }
    }
    values
}
