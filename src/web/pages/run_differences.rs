//! What makes a run differ from the one that it was cloned from, or from the defaults: a short line for lists.

use super::run_settings::{name_weights, shown};
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{FIELDS, Field, FieldType, Values, list_changed, values_from_spec};
use crate::store::runs::Run;
use protocol::spec::RunSpec;
use std::path::Path;

/// Differences that a line names.
const NAMED: usize = 3;

/// Another run's settings, which a run began with.
pub(crate) struct Origin {
    number: i64,
    asked: RunSpec,
    spec: RunSpec,
    dataset_version: i64,
}

impl Origin {
    pub(crate) fn of(run: &Run) -> Origin {
        Origin {
            number: run.id.0,
            asked: run.asked.clone(),
            spec: run.spec.clone(),
            dataset_version: run.dataset_version,
        }
    }

    /// `from #3: Epochs 20 → 5`.
    pub(crate) fn line(&self, run: &Run, facts: &DatasetFacts, data: &Path) -> String {
        let values = |spec| name_weights(data, values_from_spec(spec, facts));
        let asked = [&self.asked, &run.asked].map(values);
        let resolved = [&self.spec, &run.spec].map(values);
        let mut words = Vec::new();
        for field in FIELDS {
            let [was, is] = resolved.each_ref().map(|values| word(field, values));
            // “Automatic” of the one may be what the other was told: that is the same, or not known yet.
            let [was_asked, is_asked] = asked.each_ref().map(|values| word(field, values));
            if was != is && was_asked != is_asked {
                words.push(match field.field_type {
                    FieldType::Json => field.label.to_owned(),
                    _ => format!("{} {was} → {is}", field.label),
                });
            }
        }
        if self.spec.dataset != run.spec.dataset {
            words.push(format!("data set {} → {}", self.spec.dataset, run.spec.dataset));
        } else if self.dataset_version != run.dataset_version {
            words.push(format!("data version {} → {}", self.dataset_version, run.dataset_version));
        }
        match words.is_empty() {
            true => format!("same settings as #{}", self.number),
            false => format!("from #{}: {}", self.number, short(&words)),
        }
    }
}

/// `Epochs 5, MixUp 0.2`, of a run that began with the defaults.
pub(crate) fn from_defaults(run: &Run, facts: &DatasetFacts, data: &Path) -> String {
    let values = values_from_spec(&run.asked, facts);
    let changed = list_changed(&values, facts);
    let values = name_weights(data, values);
    let words: Vec<String> = changed.into_iter().map(|field| setting(field, &values)).collect();
    if words.is_empty() { "default settings".to_owned() } else { short(&words) }
}

/// `Epochs 5`; of a pipeline its label alone.
pub(super) fn setting(field: &Field, values: &Values) -> String {
    match field.field_type {
        FieldType::Json => field.label.to_owned(),
        _ => format!("{} {}", field.label, word(field, values)),
    }
}

/// The value of a field, as the form words it; empty where there is none.
pub(super) fn word(field: &Field, values: &Values) -> String {
    let word = values.get(field.name).map_or_else(String::new, |value| shown(field, value));
    // What is explained behind a choice is for its field.
    match field.field_type {
        FieldType::Choice(_) => word.split([',', '(']).next().unwrap_or_default().trim().to_owned(),
        _ => word,
    }
}

fn short(words: &[String]) -> String {
    let (named, others) = words.split_at(words.len().min(NAMED));
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    format!("{}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn of_many_differences_three_are_named() {
        let words = ["a", "b", "c", "d", "e"].map(str::to_owned);
        assert_eq!(short(&words[..2]), "a, b");
        assert_eq!(short(&words), "a, b, c and 2 more");
    }
}
