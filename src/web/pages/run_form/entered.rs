//! What a person entered, as values. A form sends every field, also those that nobody touched and those that have no say; which these
//! are is told here, with a script and without one.
//!
//! The hidden field `basis` says beside which values the defaults were that the form showed: what is still as by these was not
//! touched, and follows when something else is chosen to learn.

use super::{Typed, sweep};
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{
    FIELDS, Field, FieldErrors, FieldType, Values, counts, defaults_beside, values_from_text,
};
use protocol::transform::Pipeline;
use serde_json::{Value, json};

/// What the defaults go by.
const BASIS: [&str; 5] = ["training", "weights", "model", "draws", "optimizer"];
/// Fields of the form that are none of a run.
const OTHERS: [&str; 3] = ["dataset", "basis", "weights_file"];
/// The choice of weights that are named beside it.
pub(super) const FILE: &str = "file";

/// The fields as they were entered.
pub(super) struct Entered {
    /// What was asked for: neither what is as by default nor what has no say.
    pub(super) values: Values,
    /// The value of every field.
    pub(super) all: Values,
    /// What could not be read, by field.
    pub(super) errors: FieldErrors,
    defaults: Values,
    /// What was typed and stays as it is.
    kept: Typed,
}

impl Entered {
    pub(super) fn read(typed: &Typed, facts: &DatasetFacts) -> Entered {
        let mut pairs = typed.clone();
        let mut errors = FieldErrors::new();
        if pairs.get("weights").is_some_and(|chosen| chosen == FILE) {
            let path = pairs.get("weights_file").map(|path| path.trim().to_owned()).unwrap_or_default();
            if path.is_empty() {
                errors.insert("weights".into(), "Name the file, or choose published weights".into());
            }
            pairs.insert("weights".into(), path);
        }
        pairs.retain(|name, _| !OTHERS.contains(&name.as_str()) && !name.starts_with(sweep::PREFIX));
        let (given, unread) =
            values_from_text(pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        errors.extend(unread);
        let basis = typed.get("basis").and_then(|text| serde_json::from_str::<Values>(text).ok());
        let shown = defaults_beside(basis.as_ref().unwrap_or(&given), facts);
        // These two are always chosen: in a form what learns does not follow from the weights.
        let is_touched = |name: &String, value: &Value| {
            ["training", "weights"].contains(&name.as_str()) || shown.get(name) != Some(value)
        };
        let touched: Values = given.into_iter().filter(|(name, value)| is_touched(name, value)).collect();
        let beside = with_defaults(&touched, facts);
        let has_say = |name: &str| Field::find(name).is_none_or(|field| counts(field, &beside));
        let values: Values = touched
            .iter()
            .filter(|(name, _)| has_say(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let defaults = defaults_beside(&values, facts);
        let values: Values = values
            .into_iter()
            // What the defaults go by would take them away if it went.
            .filter(|(name, value)| BASIS.contains(&name.as_str()) || defaults.get(name) != Some(value))
            .collect();
        errors.retain(|name, _| has_say(name));
        pairs.retain(|name, _| touched.contains_key(name) || errors.contains_key(name));
        let all = with_defaults(&values, facts);
        Entered { values, all, errors, defaults, kept: pairs }
    }

    /// Whether a field has a say.
    pub(super) fn counts(&self, field: &Field) -> bool {
        counts(field, &self.all)
    }

    /// What stands in a field.
    pub(super) fn text(&self, field: &Field) -> String {
        self.kept.get(field.name).cloned().unwrap_or_else(|| self.default_text(field))
    }

    /// What stands in a field that nobody touched.
    pub(super) fn default_text(&self, field: &Field) -> String {
        self.defaults.get(field.name).map_or_else(String::new, |value| text_of(field.name, value))
    }

    /// A word among the values.
    pub(super) fn word(&self, name: &str) -> &str {
        self.all.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// For the hidden field.
    pub(super) fn basis(&self) -> String {
        let of = |name: &str| Some((name.to_owned(), self.all.get(name)?.clone()));
        Value::Object(BASIS.iter().filter_map(|name| of(name)).collect()).to_string()
    }

    /// For the script: of each field, what stands in it untouched and whether it has a say.
    pub(super) fn state(&self) -> String {
        let of = |field: &Field| {
            (
                field.name.to_owned(),
                json!({"default": self.default_text(field), "counts": self.counts(field)}),
            )
        };
        Value::Object(FIELDS.iter().map(of).collect()).to_string()
    }
}

/// A value as it stands in its field.
pub(super) fn text_of(name: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // By way of the pipeline, so that its 32-bit numbers are as short as they were written.
        Value::Array(_) if Field::find(name).is_some_and(|field| field.field_type == FieldType::Json) => {
            serde_json::from_value::<Pipeline>(value.clone())
                .ok()
                .and_then(|steps| serde_json::to_string(&steps).ok())
                .unwrap_or_else(|| value.to_string())
        }
        other => other.to_string().trim_end_matches(".0").to_owned(),
    }
}

fn with_defaults(values: &Values, facts: &DatasetFacts) -> Values {
    let mut all = defaults_beside(values, facts);
    all.extend(values.clone());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dataset::ClassCount;

    fn photos() -> DatasetFacts {
        DatasetFacts {
            name: "pets".into(),
            fingerprint: String::new(),
            classes: vec![ClassCount { label: 0, name: "cat".into(), by_split: [800, 200, 0] }],
            median_side: 400,
            channels: None,
            weights: vec!["efficientnet-lite0-imagenet"],
        }
    }

    fn read(pairs: &[(&str, &str)]) -> Entered {
        let typed = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Entered::read(&typed, &photos())
    }

    /// The form as it is sent where nobody touched it.
    fn untouched() -> Typed {
        let form = read(&[]);
        let mut typed: Typed = FIELDS.iter().map(|field| (field.name.to_owned(), form.text(field))).collect();
        typed.insert("basis".into(), form.basis());
        typed
    }

    #[test]
    fn an_untouched_form_asks_for_the_defaults() {
        let form = Entered::read(&untouched(), &photos());
        let asked = json!({"training": "head", "weights": "efficientnet-lite0-imagenet"});
        assert_eq!(form.values, asked.as_object().unwrap().clone());
        assert_eq!(
            (form.word("weights"), form.word("model")),
            ("efficientnet-lite0-imagenet", "efficientnet-lite0")
        );
        assert!(form.errors.is_empty());
    }

    #[test]
    fn what_nobody_touched_follows_what_learns_and_what_was_typed_stays() {
        let mut typed = untouched();
        typed.insert("learning_rate".into(), "0.5".into());
        typed.insert("training".into(), "scratch".into());
        let form = Entered::read(&typed, &photos());
        assert_eq!(
            form.values,
            json!({"training": "scratch", "learning_rate": 0.5}).as_object().unwrap().clone()
        );
        let text = |name: &str| form.text(Field::find(name).unwrap());
        assert_eq!(
            (text("image_size"), text("model"), text("epochs")),
            ("64".into(), "small-cnn".into(), "40".into())
        );
        assert_eq!(text("learning_rate"), "0.5");
        // And back again.
        typed.insert("basis".into(), form.basis());
        for field in FIELDS.iter().filter(|field| field.name != "weights") {
            typed.insert(field.name.into(), form.text(field));
        }
        typed.insert("training".into(), "head".into());
        let back = Entered::read(&typed, &photos());
        assert_eq!(back.values["learning_rate"], 0.5);
        assert!(
            !back.values.contains_key("epochs") && !back.values.contains_key("model"),
            "{:?}",
            back.values
        );
        assert_eq!(back.text(Field::find("image_size").unwrap()), "224");
    }

    #[test]
    fn another_optimiser_brings_its_learning_rate_unless_one_was_typed() {
        let mut typed = untouched();
        typed.insert("optimizer".into(), "sgd".into());
        let form = Entered::read(&typed, &photos());
        let text = |name: &str| form.text(Field::find(name).unwrap());
        assert_eq!((text("learning_rate"), text("weight_decay")), ("0.05".into(), "0.0005".into()));
        typed.insert("learning_rate".into(), "0.02".into());
        let form = Entered::read(&typed, &photos());
        assert_eq!(form.text(Field::find("learning_rate").unwrap()), "0.02");
    }

    #[test]
    fn other_weights_bring_their_model_and_image_size() {
        let mut typed = untouched();
        typed.insert("weights".into(), "efficientnet-lite1-imagenet".into());
        let form = Entered::read(&typed, &photos());
        assert_eq!((form.word("training"), form.word("model")), ("head", "efficientnet-lite1"));
        assert_eq!(form.text(Field::find("image_size").unwrap()), "240");
    }

    #[test]
    fn what_has_no_say_is_kept_but_not_asked_for() {
        let form =
            read(&[("training", "scratch"), ("weights", "efficientnet-lite1-imagenet"), ("draws", "oops")]);
        assert!(!form.values.contains_key("weights") && form.errors.is_empty());
        assert_eq!(form.text(Field::find("weights").unwrap()), "efficientnet-lite1-imagenet");
        let form = read(&[("training", "fine-tune"), ("weights", FILE), ("weights_file", " ")]);
        assert!(form.errors["weights"].starts_with("Name the file"));
        let form = read(&[("training", "fine-tune"), ("weights", FILE), ("weights_file", " /w.pth ")]);
        assert_eq!(form.word("weights"), "/w.pth");
    }

    #[test]
    fn numbers_stand_in_fields_as_they_are_written() {
        assert_eq!(text_of("rotation", &Value::from(5.0)), "5");
        assert_eq!(text_of("learning_rate", &Value::from(0.003)), "0.003");
        let steps: Pipeline = crate::domain::recipe::Preset::None.pipeline(32);
        let value = serde_json::to_value(steps).expect("a pipeline is JSON");
        assert!(text_of("train_transforms", &value).contains("0.485"), "{value}");
        assert!(!text_of("train_transforms", &value).contains("0.48500"));
    }
}
