//! Which fields count: what of a network learns, and from what, leaves some without a say.

use super::fields::{AUGMENTATION, MIXING};
use super::{FIELDS, Field, Values, defaults, defaults_beside};
use crate::domain::dataset::DatasetFacts;
use protocol::weights::WeightsEntry;
use serde_json::Value;

/// What needs something to learn.
const OF_LEARNING: [&str; 7] =
    ["epochs", "optimizer", "learning_rate", "schedule", "warmup_epochs", "weight_decay", "capture_every"];
/// How the other layers are let go.
const OF_FINE_TUNING: [&str; 4] = ["head_epochs", "unfreeze_epochs", "rate_decay", "norm_statistics"];

/// Whether a field has a say beside these values of all fields. One that has none is left out of a form, and what stands in it is kept.
pub fn counts(field: &Field, values: &Values) -> bool {
    let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
    let training = text("training");
    let learns = training != "none";
    let is_in = |fields: &[&str]| fields.contains(&field.name);
    match field.name {
        "weights" => training != "scratch",
        // Published weights are those of one model.
        "model" => training == "scratch" || WeightsEntry::find(text("weights")).is_none(),
        "draws" => training == "head",
        "evaluate_on" => !learns,
        // The last layer alone learns from images one by one.
        _ if is_in(&MIXING) => learns && training != "head",
        _ if is_in(&OF_LEARNING) => learns,
        _ if is_in(&OF_FINE_TUNING) => training == "fine-tune",
        _ if is_in(&AUGMENTATION) => {
            let is_taken_once = values.get("draws").and_then(Value::as_u64) == Some(0);
            learns && !(training == "head" && is_taken_once)
        }
        _ => true,
    }
}

/// What a person who had chosen no more than what learns would have got: what differs from it was chosen. What learns itself is
/// compared with what the data set suggests.
pub fn usual_beside(values: &Values, facts: &DatasetFacts) -> Values {
    let only = |names: &[&str]| -> Values {
        let given = names.iter().filter_map(|name| Some(((*name).to_owned(), values.get(*name)?.clone())));
        given.collect()
    };
    let mut usual =
        defaults_beside(&only(&["training", "weights", "model", "draws", "train_transforms"]), facts);
    let by_training = defaults_beside(&only(&["training"]), facts);
    for name in ["weights", "model", "draws"] {
        if let Some(value) = by_training.get(name) {
            usual.insert(name.into(), value.clone());
        }
    }
    if let Some(training) = defaults(facts).remove("training") {
        usual.insert("training".into(), training);
    }
    usual
}

/// Whether two values are the same; numbers of a spec may have gone through 32 bits.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs().max(b.abs()),
        _ => a == b,
    }
}

/// The fields whose values were chosen, in the order of the form; a name is no setting.
pub fn list_changed(values: &Values, facts: &DatasetFacts) -> Vec<&'static Field> {
    let usual = usual_beside(values, facts);
    let is_changed = |field: &&Field| {
        let Some(value) = values.get(field.name).filter(|_| field.name != "name" && counts(field, values))
        else {
            return false;
        };
        !usual.get(field.name).is_some_and(|usual| is_same(value, usual))
    };
    FIELDS.iter().filter(is_changed).collect()
}
