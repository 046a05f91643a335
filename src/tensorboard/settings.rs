//! A run's settings as TensorBoard shows them: as hyper-parameters, beside what came of them, and as a text.

use super::messages::{
    Content, Dimension, Experiment, HyperParameterData, HyperParameters, Metadata, MetricInfo, MetricName,
    Plugin, SessionEnd, SessionOutcome, SessionStart, Setting, SettingInfo, SettingType, SettingValue, Shape,
    Tensor, Value, dtype,
};
use prost::Message as _;
use protocol::spec::RunSpec;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What a run is compared by.
const METRICS: [(&str, &str); 3] = [
    ("val/accuracy", "validation accuracy"),
    ("val/loss", "validation loss"),
    ("train/loss", "training loss"),
];
/// Settings that only some runs have. TensorBoard takes the list of settings from one run for all.
const OF_SOME: [&str; 5] = [
    "training.draws",
    "training.head_epochs",
    "training.keep_norm_statistics",
    "training.rate_decay",
    "training.unfreeze_epochs",
];
/// What says nothing for a comparison.
const LEFT_OUT: [&str; 3] = ["classes", "fingerprint", "sample_keys"];

/// The settings by name; a setting within another as `training.draws`.
fn settings(spec: &RunSpec) -> BTreeMap<String, SettingValue> {
    let mut found = BTreeMap::new();
    if let Ok(Json::Object(fields)) = serde_json::to_value(spec) {
        for (name, value) in fields.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())) {
            add(&mut found, name, value);
        }
    }
    found
}

fn add(found: &mut BTreeMap<String, SettingValue>, name: &str, value: &Json) {
    match value {
        Json::Null => {}
        Json::Bool(value) => drop(found.insert(name.to_owned(), SettingValue::Bool(*value))),
        Json::Number(number) => {
            found.insert(name.to_owned(), SettingValue::Number(number.as_f64().unwrap_or(f64::NAN)));
        }
        Json::String(text) => drop(found.insert(name.to_owned(), SettingValue::Text(text.clone()))),
        // A list of transforms or of splits, by their names.
        Json::Array(items) => {
            let names = items.iter().filter_map(|item| item.get("name").unwrap_or(item).as_str());
            found.insert(name.to_owned(), SettingValue::Text(names.collect::<Vec<_>>().join(", ")));
        }
        Json::Object(fields) => {
            for (field, value) in fields {
                let whole = if field == "name" { name.to_owned() } else { format!("{name}.{field}") };
                add(found, &whole, value);
            }
        }
    }
}

/// Two values: which settings and figures there are, and what the settings of this run are.
pub(super) fn hyper_parameters(spec: &RunSpec, start_time: f64) -> Vec<Value> {
    let settings = settings(spec);
    let setting_type = |name: &str| match settings.get(name) {
        Some(SettingValue::Number(_)) => SettingType::Number,
        Some(SettingValue::Bool(_)) => SettingType::Bool,
        Some(SettingValue::Text(_)) => SettingType::Text,
        None if name.ends_with("_statistics") => SettingType::Bool,
        None if OF_SOME.contains(&name) => SettingType::Number,
        None => SettingType::Text,
    };
    // Weights may be none.
    let mut names: Vec<&str> =
        settings.keys().map(String::as_str).chain(OF_SOME).chain(["weights"]).collect();
    names.sort_unstable();
    names.dedup();
    let infos = names
        .into_iter()
        .map(|name| SettingInfo { name: name.to_owned(), setting_type: setting_type(name).into() })
        .collect();
    let metric = |(tag, name): (&str, &str)| MetricInfo {
        name: Some(MetricName { tag: tag.to_owned() }),
        display_name: name.to_owned(),
    };
    let experiment = Experiment { settings: infos, metrics: METRICS.map(metric).to_vec() };
    let settings = settings.into_iter().map(|(name, value)| (name, Setting { value: Some(value) })).collect();
    vec![
        value("_hparams_/experiment", HyperParameterData::Experiment(experiment)),
        value(
            "_hparams_/session_start_info",
            HyperParameterData::Start(SessionStart { settings, start_time }),
        ),
    ]
}

/// That the run ended well.
pub(super) fn completed(end_time: f64) -> Value {
    let end = SessionEnd { status: SessionOutcome::Success.into(), end_time };
    value("_hparams_/session_end_info", HyperParameterData::End(end))
}

fn value(tag: &str, data: HyperParameterData) -> Value {
    let content = HyperParameters { data: Some(data) }.encode_to_vec();
    Value {
        tag: tag.to_owned(),
        metadata: Some(Metadata {
            plugin: Some(Plugin { name: "hparams".to_owned(), content }),
            ..Metadata::default()
        }),
        // All is in the metadata; a value must have a content all the same.
        content: Some(Content::Tensor(Tensor {
            dtype: dtype::FLOAT,
            shape: Some(Shape { dimensions: vec![Dimension { size: 0 }] }),
            ..Tensor::default()
        })),
    }
}

/// A text, as Markdown.
pub(super) fn text(tag: &str, markdown: String) -> Value {
    Value {
        tag: tag.to_owned(),
        metadata: Some(Metadata {
            plugin: Some(Plugin { name: "text".to_owned(), content: Vec::new() }),
            ..Metadata::default()
        }),
        content: Some(Content::Tensor(Tensor {
            dtype: dtype::STRING,
            shape: Some(Shape { dimensions: vec![Dimension { size: 1 }] }),
            strings: vec![markdown.into_bytes()],
            ..Tensor::default()
        })),
    }
}

/// The whole specification.
pub(super) fn specification(spec: &RunSpec) -> Value {
    let json = serde_json::to_string_pretty(spec).unwrap_or_default();
    text("specification", format!("```json\n{json}\n```"))
}
