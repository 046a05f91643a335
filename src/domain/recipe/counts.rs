//! Which fields count: what of a network learns, and from what, leaves some without a say.

use super::{FIELDS, Field, Values, defaults, defaults_beside};
use crate::domain::dataset::DatasetFacts;
use serde_json::Value;

/// Whether a field has a say beside these values of all fields. One that has none is left out of a form, and what stands in it is kept.
pub fn counts(field: &Field, values: &Values) -> bool {
    field.when.holds(values)
}

/// What a person who had chosen no more than what learns would have got: what differs from it was chosen. What learns itself is
/// compared with what the data set suggests.
pub fn usual_beside(values: &Values, facts: &DatasetFacts) -> Values {
    let only = |names: &[&str]| -> Values {
        let given = names.iter().filter_map(|name| Some(((*name).to_owned(), values.get(*name)?.clone())));
        given.collect()
    };
    let mut usual = defaults_beside(
        &only(&["training", "weights", "model", "draws", "train_transforms", "optimizer"]),
        facts,
    );
    let by_training = defaults_beside(&only(&["training"]), facts);
    for name in ["weights", "model", "draws", "optimizer"] {
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
