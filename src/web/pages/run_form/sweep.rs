//! *Try several values*: the part of the form that makes a sweep of the run.

use super::Typed;
use crate::actions::sweeps::find_trials;
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{Field, FieldErrors, Values};
use crate::domain::sweep::{Method, SweepPlan, SweptValues, fields_that_vary};
use crate::web::Result;
use std::collections::BTreeMap;

/// Names of this part's fields begin so.
pub(super) const PREFIX: &str = "sweep_";
/// Fields that may vary at a time, in the form.
const ROWS: usize = 4;

/// As it was typed.
#[derive(Clone, Default)]
pub(super) struct SweepForm {
    method: Option<Method>,
    runs: String,
    pub(super) rows: Vec<SweepRow>,
    /// What is wrong with no row alone.
    pub(super) error: Option<String>,
}

/// A field that varies.
#[derive(Clone, Default)]
pub(super) struct SweepRow {
    /// From 1.
    pub(super) number: usize,
    field: String,
    pub(super) values: String,
    pub(super) error: Option<String>,
}

impl SweepRow {
    /// Name, label, whether it is chosen.
    pub(super) fn choices(&self) -> Vec<(&'static str, &'static str, bool)> {
        fields_that_vary().map(|field| (field.name, field.label, field.name == self.field)).collect()
    }
}

impl SweepForm {
    /// What stands in the form, with what is wrong under the names of its fields.
    pub(super) fn read(typed: &Typed, errors: &FieldErrors) -> SweepForm {
        let text = |name: &str| typed.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
        let method = text("sweep_method");
        let row = |number: usize| SweepRow {
            number,
            field: text(&format!("sweep_field_{number}")),
            values: text(&format!("sweep_values_{number}")),
            error: errors.get(&format!("sweep_values_{number}")).cloned(),
        };
        SweepForm {
            method: Method::ALL.into_iter().find(|known| known.as_str() == method),
            runs: text("sweep_runs"),
            rows: (1..=ROWS).map(row).collect(),
            error: errors.get("sweep_method").cloned(),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.method.is_some()
    }

    pub(super) fn is_drawn(&self) -> bool {
        matches!(self.method, Some(Method::Random | Method::Halving))
    }

    pub(super) fn runs(&self) -> &str {
        if self.runs.is_empty() { "12" } else { &self.runs }
    }

    /// Word, label, whether it is chosen.
    pub(super) fn methods(&self) -> Vec<(&'static str, &'static str, bool)> {
        let mut all = vec![("", "One run", self.method.is_none())];
        all.extend(Method::ALL.map(|method| (method.as_str(), method.label(), Some(method) == self.method)));
        all
    }

    /// The plan, where a sweep is asked for, or what is wrong with it, under the names of this part's fields.
    pub(super) fn plan(&self) -> Option<std::result::Result<SweepPlan, FieldErrors>> {
        let method = self.method?;
        let mut errors = FieldErrors::new();
        let mut fields = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !row.field.is_empty() || !row.values.is_empty()) {
            let name = format!("sweep_values_{}", row.number);
            let read = match Field::find(&row.field) {
                None => Err("Choose the field that has these values".to_owned()),
                Some(_) if fields.contains_key(&row.field) => Err("This field varies already".to_owned()),
                Some(field) => SweptValues::from_text(field, &row.values),
            };
            match read {
                Ok(values) => drop(fields.insert(row.field.clone(), values)),
                Err(why) => drop(errors.insert(name, why)),
            }
        }
        let runs = match (self.is_drawn(), self.runs().parse::<u32>()) {
            (false, _) => None,
            (true, Ok(runs)) => Some(runs),
            (true, Err(_)) => {
                errors.insert("sweep_method".into(), "The number of runs is a whole number".into());
                None
            }
        };
        let plan = SweepPlan { method, runs, seed: 0, fields };
        if errors.is_empty()
            && let Err(more) = plan.check()
        {
            errors = self.under_rows(more);
        }
        Some(if errors.is_empty() { Ok(plan) } else { Err(errors) })
    }

    /// Errors that name fields which vary, under the rows that say so.
    pub(super) fn under_rows(&self, errors: FieldErrors) -> FieldErrors {
        let under = |(name, why): (String, String)| {
            if name == "sweep" {
                return ("sweep_method".to_owned(), why);
            }
            match self.rows.iter().find(|row| row.field == name) {
                Some(row) => (format!("sweep_values_{}", row.number), why),
                None => (name, why),
            }
        };
        errors.into_iter().map(under).collect()
    }

    /// `9 runs: 3 × learning rate, 3 × seed`, or what is wrong.
    pub(super) async fn summary(&self, values: &Values, facts: &DatasetFacts) -> Result<Summary> {
        let plan = match self.plan() {
            None => return Ok(Summary::default()),
            Some(Err(errors)) => return Ok(Summary::wrong(errors)),
            Some(Ok(plan)) => plan,
        };
        let trials = match find_trials(values, &plan, facts).await? {
            Err(errors) => return Ok(Summary::wrong(errors)),
            Ok(trials) => trials,
        };
        let fields: Vec<String> = plan
            .fields_in_order()
            .map(|(field, values)| match values {
                SweptValues::List(values) => format!("{} × {}", values.len(), field.label.to_lowercase()),
                SweptValues::Range { .. } => format!("{} {}", field.label.to_lowercase(), values.to_text()),
            })
            .collect();
        Ok(Summary { runs: trials.len(), words: format!("{} runs: {}", trials.len(), fields.join(", ")) })
    }
}

/// What a sweep would come to.
#[derive(Clone)]
pub(super) struct Summary {
    pub(super) runs: usize,
    pub(super) words: String,
}

impl Default for Summary {
    fn default() -> Summary {
        Summary { runs: 1, words: "one run".into() }
    }
}

impl Summary {
    fn wrong(errors: FieldErrors) -> Summary {
        Summary { runs: 1, words: errors.into_values().next().unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> SweepForm {
        let typed = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        SweepForm::read(&typed, &FieldErrors::new())
    }

    #[test]
    fn without_a_method_there_is_no_sweep_whatever_stands_in_its_fields() {
        assert!(form(&[("sweep_field_1", "seed"), ("sweep_values_1", "oops")]).plan().is_none());
    }

    #[test]
    fn rows_become_a_plan_and_what_is_wrong_stands_at_its_row() {
        let pairs = [
            ("sweep_method", "random"),
            ("sweep_runs", "5"),
            ("sweep_field_1", "learning_rate"),
            ("sweep_values_1", "0.001 to 0.1"),
            ("sweep_field_3", "flip"),
            ("sweep_values_3", "on, off"),
        ];
        let plan = form(&pairs).plan().unwrap().unwrap();
        assert_eq!((plan.method, plan.runs, plan.fields.len()), (Method::Random, Some(5), 2));
        let wrong = |changes: &[(&str, &str)]| {
            let mut all = pairs.to_vec();
            all.extend(changes);
            form(&all).plan().unwrap().unwrap_err()
        };
        assert!(wrong(&[("sweep_values_1", "")])["sweep_values_1"].contains("Enter the values"));
        assert!(
            wrong(&[("sweep_field_2", "flip"), ("sweep_values_2", "on, off")])["sweep_values_3"]
                .contains("already")
        );
        assert!(wrong(&[("sweep_values_2", "1, 2")])["sweep_values_2"].contains("Choose the field"));
        assert!(wrong(&[("sweep_runs", "many")])["sweep_method"].contains("whole number"));
        assert!(wrong(&[("sweep_method", "grid")])["sweep_values_1"].contains("list of values"));
        assert!(
            form(&[("sweep_method", "grid")]).plan().unwrap().unwrap_err()["sweep_method"]
                .contains("at least one")
        );
    }
}
