//! What a person may choose for a run: one table of fields, from which the form, the command line and the API are
//! made; one function that turns values into a run's spec, or says which field is wrong and why; one for the way back.

mod check;
mod choices;
mod counts;
mod defaults;
mod field_type;
mod fields;
#[cfg(test)]
mod learning_tests;
mod presets;
mod spec;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod when;

pub use check::{REPLACED, fitting_image_size};
pub use counts::{counts, list_changed, usual_beside};
pub use defaults::{defaults, defaults_beside};
pub use field_type::FieldType;
pub use fields::{Field, Group};
pub use presets::{Normalization, Preset};
pub use spec::{Recipe, recipe_from_values, standard_evaluation};
pub use table::FIELDS;
pub use values::values_from_spec;

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Values by field name, as in the body of `POST /api/v1/runs`.
pub type Values = Map<String, Value>;

/// What is wrong, by field name.
pub type FieldErrors = BTreeMap<String, String>;

/// Values from text, as a browser's form or a command line gives it. An empty text means: not given.
///
/// # Errors
/// Names each field whose text is not of its type, or that does not exist.
pub fn values_from_text<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Values, FieldErrors) {
    let mut values = Values::new();
    let mut errors = FieldErrors::new();
    for (name, text) in pairs {
        let text = text.trim();
        let Some(field) = Field::find(name) else {
            errors.insert(name.to_owned(), format!("There is no field “{name}”"));
            continue;
        };
        if text.is_empty() {
            continue;
        }
        match field.field_type.value_from_text(text) {
            Ok(value) => {
                values.insert(field.name.to_owned(), value);
            }
            Err(why) => {
                errors.insert(name.to_owned(), why);
            }
        }
    }
    (values, errors)
}
