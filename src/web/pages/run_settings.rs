//! A run's settings as its page shows them: in the words and the order of the form, what differs from the defaults first.

use super::describe_pipeline::describe_pipeline;
use super::format::thousands;
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{FIELDS, Field, FieldType, Values, counts, list_changed, values_from_spec};
use crate::runs::directory::run_of_weights;
use crate::store::runs::Run;
use crate::web::api::{dataset_facts, find_dataset};
use crate::web::{AppState, Result};
use protocol::weights::WeightsEntry;
use serde_json::Value;
use std::path::Path;

/// One setting.
pub(crate) struct Setting {
    pub(crate) label: String,
    pub(crate) value: String,
    /// In place of a value: what is done, step by step.
    pub(crate) steps: Vec<String>,
}

/// The settings in three parts.
pub(crate) struct Settings {
    /// What differs from the defaults of its data set.
    pub(crate) changed: Vec<Setting>,
    /// What doesn't.
    pub(crate) defaults: Vec<Setting>,
    /// What was found at the start: where it was computed, and of what size the network is.
    pub(crate) found: Vec<Setting>,
}

impl Settings {
    /// Under their headings.
    pub(crate) fn parts(&self) -> [(&'static str, &[Setting]); 3] {
        [
            ("Changed from the defaults", self.changed.as_slice()),
            ("As by default for this data set", self.defaults.as_slice()),
            ("Found at the start", self.found.as_slice()),
        ]
    }

    pub(crate) async fn load(app: &AppState, run: &Run) -> Result<Settings> {
        let dataset = find_dataset(app, run.dataset_id.0).await?;
        Ok(Settings::new(run, &dataset_facts(app, &dataset).await?, &app.data))
    }

    fn new(run: &Run, facts: &DatasetFacts, data: &Path) -> Settings {
        let values = values_from_spec(&run.spec, facts);
        let list: Vec<&str> = list_changed(&values, facts).iter().map(|field| field.name).collect();
        let has_say: Vec<&str> =
            FIELDS.iter().filter(|field| counts(field, &values)).map(|field| field.name).collect();
        let values = name_weights(data, values);
        let (mut changed, mut same) = (Vec::new(), Vec::new());
        let listed = |field: &&Field| {
            !matches!(field.field_type, FieldType::Json)
                // What these came to stands below, with its reason.
                && (run.hello.is_none() || !["device", "precision", "threads"].contains(&field.name))
        };
        for field in FIELDS.iter().filter(listed) {
            // What has no say is no setting, but for the model, which goes without saying only where it is chosen.
            if !has_say.contains(&field.name) && field.name != "model" {
                continue;
            }
            let Some(value) = values.get(field.name) else { continue };
            // One of the two crops at most is made; where it is the resized one, the other has nothing to say.
            let is_resized =
                values.get("random_resized_crop").and_then(Value::as_f64).is_some_and(|from| from > 0.0);
            if field.name == "crop_padding" && is_resized {
                continue;
            }
            let setting =
                Setting { label: field.label.to_owned(), value: shown(field, value), steps: Vec::new() };
            if list.contains(&field.name) { changed.push(setting) } else { same.push(setting) }
        }
        let pipeline = |label: &str, steps| Setting {
            label: label.to_owned(),
            value: String::new(),
            steps: describe_pipeline(steps),
        };
        let own = values.contains_key("train_transforms");
        let images = pipeline("Training images", &run.spec.train_transforms);
        if own {
            changed.push(images)
        } else {
            same.push(images)
        }
        same.push(pipeline("Evaluated images", &run.spec.eval_transforms));
        Settings { changed, defaults: same, found: found(run) }
    }
}

pub(super) fn found(run: &Run) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut push = |label: &str, value: String| {
        found.push(Setting { label: label.to_owned(), value, steps: Vec::new() });
    };
    if let Some(hello) = &run.hello {
        push("Computed on", format!("{}, {} threads, libtorch {}", hello.device, hello.threads, hello.torch));
        push("Precision chosen", hello.precision_reason.clone());
    }
    if let Some(started) = &run.started {
        push("Parameters", thousands(started.parameters));
        push("Steps per epoch", thousands(started.steps_per_epoch));
    }
    if run.event_origin.is_some() {
        return found;
    }
    push("Data fingerprint", run.spec.fingerprint.chars().take(16).collect());
    found
}

/// The values with weights as a person calls them: by their label, or by the run whose best epoch they are.
pub(crate) fn name_weights(data: &Path, mut values: Values) -> Values {
    if let Some(weights) = values.get("weights").and_then(Value::as_str) {
        let of_run = || run_of_weights(data, weights).map(|run| format!("run {run}’s best epoch"));
        let name = WeightsEntry::find(weights).map(|entry| entry.label.to_owned()).or_else(of_run);
        if let Some(name) = name {
            values.insert("weights".into(), name.into());
        }
    }
    values
}

/// A value as the form words it.
pub(crate) fn shown(field: &Field, value: &Value) -> String {
    match (field.field_type, value) {
        (FieldType::Choice(choices), Value::String(word)) => choices
            .iter()
            .find(|(name, _)| name == word)
            .map_or(word.clone(), |(_, label)| (*label).to_owned()),
        (_, Value::String(text)) if text.is_empty() => "none".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Number(number)) if number.as_f64() == Some(0.0) && field.zero().is_some() => {
            field.zero().unwrap_or_default().to_owned()
        }
        (_, Value::Number(number)) => number.as_f64().map_or_else(|| number.to_string(), plain),
        (_, other) => other.to_string(),
    }
}

/// A number without the noise of binary fractions: six digits, no more than are needed.
fn plain(number: f64) -> String {
    let rounded: f64 = format!("{number:.5e}").parse().unwrap_or(number);
    if number.fract() == 0.0 { format!("{number:.0}") } else { format!("{rounded}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_worded_as_in_the_form() {
        let word = |name: &str, value: Value| shown(Field::find(name).unwrap(), &value);
        assert_eq!(word("learning_rate", json!(0.003)), "0.003");
        assert_eq!(word("learning_rate", json!(0.485_000_014_305_114_75)), "0.485");
        assert_eq!(word("epochs", json!(20)), "20");
        assert_eq!(word("rotation", json!(0.0)), "off");
        assert_eq!(word("threads", json!(0)), "one per core");
        assert_eq!(word("warmup_epochs", json!(0.0)), "none");
        assert_eq!(word("seed", json!(0)), "0");
        assert_eq!(word("weights", json!("")), "none");
        assert!(word("optimizer", json!("adamw")).starts_with("AdamW"));
    }
}
