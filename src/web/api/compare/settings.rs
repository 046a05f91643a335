//! The settings of several runs side by side.

use crate::domain::dataset::DatasetFacts;
use crate::domain::ids::DatasetId;
use crate::domain::recipe::{FIELDS, Field, Values, values_from_spec};
use crate::store::run_list::ListedRun;
use crate::web::api::{dataset_facts, find_dataset};
use crate::web::{AppState, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A field of the form, with what each run has of it.
pub(crate) struct ComparedField {
    pub(crate) field: &'static Field,
    /// One a run; `None` where the run has no such setting.
    pub(crate) values: Vec<Option<Value>>,
    /// Whether a run has another than the first run.
    pub(crate) differs: Vec<bool>,
}

impl ComparedField {
    /// Whether it is not the same everywhere.
    pub(crate) fn is_different(&self) -> bool {
        self.differs.contains(&true)
    }
}

/// Every field of the form that some run has.
pub(crate) async fn compare_settings(app: &AppState, runs: &[ListedRun]) -> Result<Vec<ComparedField>> {
    let mut facts: HashMap<DatasetId, DatasetFacts> = HashMap::new();
    let mut all: Vec<[Values; 2]> = Vec::new();
    for listed in runs {
        if listed.run.event_origin.is_some() {
            all.push([Values::new(), Values::new()]);
            continue;
        }
        let facts = match facts.entry(listed.run.dataset_id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let dataset = find_dataset(app, listed.run.dataset_id.0).await?;
                entry.insert(dataset_facts(app, &dataset).await?)
            }
        };
        all.push([&listed.run.spec, &listed.run.asked].map(|spec| values_from_spec(spec, facts)));
    }
    Ok(FIELDS.iter().filter_map(|field| compare_field(field, &all)).collect())
}

fn compare_field(field: &'static Field, all: &[[Values; 2]]) -> Option<ComparedField> {
    let values: Vec<Option<Value>> =
        all.iter().map(|[resolved, _]| resolved.get(field.name).cloned()).collect();
    let asked: Vec<Option<&Value>> = all.iter().map(|[_, asked]| asked.get(field.name)).collect();
    values.iter().any(Option::is_some).then(|| ComparedField {
        field,
        // “Automatic” of the one may be what the other was told: that is the same, or not known yet.
        differs: (0..values.len()).map(|at| values[at] != values[0] && asked[at] != asked[0]).collect(),
        values,
    })
}
