//! A sweep: runs that differ in a few fields alone, to see which values of them serve best.

mod draw;
mod halving;

pub use draw::trials;
pub use halving::{AtRung, Decision, decide, rung_epochs, trials_at};

use super::recipe::{FIELDS, Field, FieldErrors, FieldType, Values};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The most runs that one sweep may have.
pub const MOST_RUNS: usize = 500;
/// Runs where a number is needed and none is said.
const USUAL_RUNS: u32 = 12;

/// Which runs a sweep has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepPlan {
    /// How values are combined.
    pub method: Method,
    /// How many runs, where they are drawn; a grid has as many as there are combinations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u32>,
    /// Keys the draws.
    #[serde(default)]
    pub seed: u64,
    /// The fields that vary, by name.
    pub fields: BTreeMap<String, SweptValues>,
}

/// How the values of a sweep's fields are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Every combination.
    Grid,
    /// Drawn at random (Bergstra and Bengio 2012, *Random search for hyper-parameter optimization*).
    Random,
    /// Drawn at random; all begin, and time after time the better third goes on (Jamieson and Talwalkar 2016, *Non-stochastic best arm
    /// identification and hyperparameter optimization*).
    Halving,
}

impl Method {
    /// Every one, in the order of the form.
    pub const ALL: [Method; 3] = [Method::Grid, Method::Random, Method::Halving];

    /// The word in JSON and in the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Grid => "grid",
            Method::Random => "random",
            Method::Halving => "halving",
        }
    }

    /// What a person reads.
    pub fn label(self) -> &'static str {
        match self {
            Method::Grid => "Every combination",
            Method::Random => "Combinations drawn at random",
            Method::Halving => "Drawn at random, the better third goes on (successive halving)",
        }
    }
}

/// What a field may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SweptValues {
    /// One of these.
    List(Vec<Value>),
    /// A number between these, both included; drawn on a logarithmic scale where they are far apart.
    Range {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
}

impl SweptValues {
    /// Reads what a person typed: `0.001, 0.01, 0.1`, or `0.001 to 0.1`.
    ///
    /// # Errors
    /// What can't be read, in words.
    pub fn from_text(field: &Field, text: &str) -> Result<SweptValues, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Enter the values to try, such as 0.001, 0.01, 0.1".into());
        }
        let ends = text.split_once(" to ").or_else(|| text.split_once("..")).or_else(|| text.split_once('…'));
        if let (Some((min, max)), false) = (ends, matches!(field.field_type, FieldType::Choice(_))) {
            let read = |end: &str| {
                end.trim().parse::<f64>().map_err(|_| format!("“{}” is not a number", end.trim()))
            };
            return Ok(SweptValues::Range { min: read(min)?, max: read(max)? });
        }
        let values = text.split(',').map(str::trim).filter(|value| !value.is_empty());
        let read = |value: &str| field.field_type.value_from_text(value);
        Ok(SweptValues::List(values.map(read).collect::<Result<_, _>>()?))
    }

    /// As a person would type it.
    pub fn to_text(&self) -> String {
        match self {
            SweptValues::List(values) => values.iter().map(value_text).collect::<Vec<_>>().join(", "),
            SweptValues::Range { min, max } => format!("{min} to {max}"),
        }
    }
}

/// A value as a person writes it.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether runs of a sweep may differ in this field: one whose value is a number or a choice, and that decides how a network learns.
pub fn can_vary(field: &Field) -> bool {
    let is_simple = !matches!(field.field_type, FieldType::Text | FieldType::Json);
    is_simple && !["training", "evaluate_on", "device", "threads"].contains(&field.name)
}

/// The fields that may vary, in the order of the form.
pub fn fields_that_vary() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| can_vary(field))
}

impl SweepPlan {
    /// The fields that vary, in the order of the form.
    pub fn fields_in_order(&self) -> impl Iterator<Item = (&'static Field, &SweptValues)> {
        FIELDS.iter().filter_map(|field| Some((field, self.fields.get(field.name)?)))
    }

    /// How many runs are asked for where they are drawn.
    pub(super) fn drawn_runs(&self) -> usize {
        self.runs.unwrap_or(USUAL_RUNS) as usize
    }

    /// Checks what can be told of it without a data set.
    ///
    /// # Errors
    /// What is wrong, under `sweep` or the name of a field that varies.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::new();
        if self.fields.is_empty() {
            errors.insert("sweep".into(), "Choose at least one field to vary".into());
        }
        for (name, values) in &self.fields {
            let checked = match Field::find(name) {
                Some(field) if field.name == name && can_vary(field) => self.check_values(field, values),
                _ => Err(format!("A sweep can't vary “{name}”")),
            };
            if let Err(why) = checked {
                errors.insert(name.clone(), why);
            }
        }
        let asked = self.runs.map_or(USUAL_RUNS as usize, |runs| runs as usize);
        if self.method != Method::Grid && !(2..=MOST_RUNS).contains(&asked) {
            errors.insert("sweep".into(), format!("A sweep draws 2 to {MOST_RUNS} runs, not {asked}"));
        }
        if self.method == Method::Grid && self.runs.is_some() {
            errors.insert("sweep".into(), "A grid has as many runs as there are combinations: leave their number out, or draw at random".into());
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn check_values(&self, field: &Field, values: &SweptValues) -> Result<(), String> {
        match values {
            SweptValues::List(values) => {
                if values.len() < 2 {
                    return Err("Give at least two values to try".into());
                }
                values.iter().try_for_each(|value| field.field_type.check(value))
            }
            SweptValues::Range { min, max } => {
                if !matches!(field.field_type, FieldType::Integer { .. } | FieldType::Number { .. }) {
                    return Err("Give a list of values to try".into());
                }
                if self.method == Method::Grid {
                    return Err(
                        "A grid needs a list of values, such as 0.001, 0.01; a range is for draws at random"
                            .into(),
                    );
                }
                if min >= max {
                    return Err(format!("The range ends at {max}, which is not above its start, {min}"));
                }
                [min, max].into_iter().try_for_each(|end| field.field_type.check(&draw::number(field, *end)))
            }
        }
    }
}

/// What tells a trial from the others, for a person: `learning rate 0.01, optimiser adamw`.
pub fn trial_title(settings: &Values) -> String {
    let words = FIELDS.iter().filter_map(|field| {
        let value = settings.get(field.name)?;
        Some(format!("{} {}", field.label.to_lowercase(), value_text(value)))
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(value: Value) -> SweepPlan {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_a_person_types_is_read_as_values_or_a_range() {
        let read = |name: &str, text: &str| SweptValues::from_text(Field::find(name).unwrap(), text);
        assert_eq!(
            read("learning_rate", "0.1, 0.01,").unwrap(),
            SweptValues::List(vec![json!(0.1), json!(0.01)])
        );
        assert_eq!(read("learning_rate", "1e-3 to 0.1").unwrap(), SweptValues::Range { min: 1e-3, max: 0.1 });
        assert_eq!(read("batch_size", "16..64").unwrap(), SweptValues::Range { min: 16.0, max: 64.0 });
        assert_eq!(read("flip", "on, off").unwrap(), SweptValues::List(vec![json!("on"), json!("off")]));
        assert!(read("learning_rate", "a to b").unwrap_err().contains("“a” is not a number"));
        assert!(read("learning_rate", " ").unwrap_err().contains("Enter the values to try"));
        for text in ["0.1, 0.01", "0.001 to 0.1"] {
            assert_eq!(read("learning_rate", text).unwrap().to_text(), text);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let wrong = |value: Value| plan(value).check().unwrap_err();
        assert!(wrong(json!({"method": "grid", "fields": {}})).contains_key("sweep"));
        let of = |fields: Value| wrong(json!({"method": "grid", "fields": fields}));
        assert!(of(json!({"name": ["a", "b"]}))["name"].contains("can't vary"));
        assert!(of(json!({"learning_rate": [0.1]}))["learning_rate"].contains("at least two"));
        assert!(of(json!({"learning_rate": [0.1, -1.0]}))["learning_rate"].contains("Enter a number from"));
        assert!(
            of(json!({"learning_rate": {"min": 0.1, "max": 1.0}}))["learning_rate"]
                .contains("list of values")
        );
        let random = |min: f64, max: f64| {
            wrong(json!({"method": "random", "fields": {"learning_rate": {"min": min, "max": max}}}))
        };
        assert!(random(1.0, 0.1)["learning_rate"].contains("not above"));
        assert!(random(-1.0, 0.1)["learning_rate"].contains("Enter a number from"));
        let many = wrong(json!({"method": "random", "runs": 501, "fields": {"learning_rate": [0.1, 0.2]}}));
        assert!(many["sweep"].contains("2 to 500"));
    }

    #[test]
    fn the_fields_that_vary_are_numbers_and_choices() {
        let names: Vec<&str> = fields_that_vary().map(|field| field.name).collect();
        assert!(names.contains(&"learning_rate") && names.contains(&"model") && names.contains(&"seed"));
        assert!(
            !names.contains(&"name") && !names.contains(&"train_transforms") && !names.contains(&"training")
        );
    }

    #[test]
    fn a_trial_is_named_by_what_it_varies() {
        let settings = json!({"optimizer": "adamw", "learning_rate": 0.01}).as_object().unwrap().clone();
        assert_eq!(trial_title(&settings), "optimiser adamw, learning rate 0.01");
    }
}
