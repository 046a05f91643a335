//! Transforms and what they drew, as people read them.

use super::format::number;
use protocol::transform::catalogue::{self, Parameter};
use protocol::transform::{SampledTransform, TransformSpec};
use serde_json::Value;

/// One line a step: its label and whatever of its parameters is not the default.
pub(crate) fn describe_pipeline(pipeline: &[TransformSpec]) -> Vec<String> {
    pipeline.iter().map(describe_transform).collect()
}

fn describe_transform(spec: &TransformSpec) -> String {
    let Some(transform) = catalogue::find(spec.name()) else { return spec.name().to_owned() };
    let Ok(Value::Object(values)) = serde_json::to_value(spec) else { return transform.label.to_owned() };
    let parts: Vec<String> = transform
        .parameters
        .iter()
        .filter_map(|parameter| {
            let value = values.get(parameter.name)?;
            // A size or a strength is what a step is about; how it interpolates is worth a word where it is unusual.
            let usual =
                !value.is_number() && !value.is_array() && *value == parameter.value_type.default_value();
            (!usual).then(|| describe_parameter(parameter, value))
        })
        .collect();
    if parts.is_empty() {
        transform.label.to_owned()
    } else {
        format!("{}: {}", transform.label, parts.join(", "))
    }
}

fn describe_parameter(parameter: &Parameter, value: &Value) -> String {
    let text = match value {
        Value::Array(list) if list.len() == 2 => {
            format!("{} to {}", plain(&list[0]), plain(&list[1]))
        }
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Bool(flag) => (if *flag { "yes" } else { "no" }).to_owned(),
        other => plain(other),
    };
    let space = if parameter.unit.is_empty() || parameter.unit == "°" { "" } else { " " };
    format!("{} {text}{space}{}", parameter.label.to_lowercase(), parameter.unit)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => decimal(other.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Whole numbers without decimals.
fn decimal(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e6 { format!("{value:.0}") } else { number(Some(value)) }
}

/// `Horizontal flip: flipped yes`, `Rotation: degrees -12.5`.
pub(crate) fn describe_sampled(sampled: &SampledTransform) -> String {
    let label =
        catalogue::find(&sampled.transform).map_or(sampled.transform.as_str(), |transform| transform.label);
    if let [(name, value), ..] = sampled.values.as_slice()
        && name == "applied"
        && *value == 0.0
    {
        return format!("{label}: left out");
    }
    let values: Vec<String> = sampled
        .values
        .iter()
        .filter(|(name, _)| name != "applied")
        .map(|(name, value)| match name.as_str() {
            "flipped" => (if *value == 0.0 { "no" } else { "yes" }).to_owned(),
            name => format!("{} {}", name.replace('_', " "), decimal(*value)),
        })
        .collect();
    if values.is_empty() { format!("{label}: done") } else { format!("{label}: {}", values.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_by_what_they_are_about() {
        let words = describe_pipeline(&[
            TransformSpec::resize(64),
            TransformSpec::rotation(15.0),
            TransformSpec::HorizontalFlip { probability: 0.5 },
        ]);
        assert_eq!(
            words,
            [
                "Resize: size 64 px",
                "Rotation: angle -15 to 15°, fill 0",
                "Horizontal flip: probability 0.500"
            ]
        );
    }

    #[test]
    fn sampled_parameters_are_described_in_words() {
        let sampled = |transform: &str, values: &[(&str, f64)]| {
            let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            describe_sampled(&SampledTransform { transform: transform.to_owned(), values })
        };
        assert_eq!(sampled("horizontal_flip", &[("flipped", 1.0)]), "Horizontal flip: yes");
        assert_eq!(sampled("rotation", &[("degrees", -12.5)]), "Rotation: degrees -12.5");
        assert_eq!(sampled("hue", &[("applied", 0.0), ("turn", 0.1)]), "Hue: left out");
        assert_eq!(sampled("equalize", &[("applied", 1.0)]), "Equalise: done");
    }
}
