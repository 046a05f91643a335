//! The fields as the form shows them: what stands in each, what is wrong with it, and whether its group is open.

use super::super::describe_pipeline::describe_pipeline;
use super::super::format::{counted, link, thousands};
use super::Typed;
use super::entered::Entered;
use super::sweep::PREFIX;
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{
    FIELDS, Field, FieldErrors, FieldType, Group, Preset, REPLACED, fitting_image_size,
};
use crate::store::datasets::Dataset;
use crate::store::pipelines::SavedPipeline;
use protocol::sample::Split;
use protocol::transform::Pipeline;

/// The data set that the form is for.
pub(super) struct Chosen {
    pub(super) dataset: Dataset,
    pub(super) facts: DatasetFacts,
    /// What should be known before a network learns from it.
    pub(super) warnings: Vec<String>,
}

impl Chosen {
    pub(super) fn summary(&self) -> String {
        summary(&self.facts)
    }
}

fn summary(facts: &DatasetFacts) -> String {
    let count = |split| facts.count(split);
    let (train, val, test) = (count(Split::Train), count(Split::Val), count(Split::Test));
    let val_words = match val {
        0 => "a tenth of these held out for validation".to_owned(),
        val => format!("{} for validation", thousands(val)),
    };
    let test_words = match test {
        0 => "no test split".to_owned(),
        test => format!("{} for testing", thousands(test)),
    };
    format!(
        "{} in {}: {} for training, {val_words}, {test_words}.",
        counted(train + val + test, "image", "images"),
        counted(facts.classes.len() as i64, "class", "classes"),
        thousands(train),
    )
}

/// A field that needs attention, for the summary beside *Start*.
pub(super) struct Problem {
    /// The field's name in the markup; empty where there is no such field.
    pub(super) anchor: String,
    pub(super) label: String,
    pub(super) why: String,
}

pub(super) fn problems(errors: &FieldErrors) -> Vec<Problem> {
    // In the order of the form, then what belongs to no field of it.
    let of_fields = FIELDS.iter().filter_map(|field| {
        let why = errors.get(field.name)?.clone();
        Some(Problem { anchor: field.name.to_owned(), label: field.label.to_owned(), why })
    });
    let others = errors.iter().filter(|(name, _)| Field::find(name).is_none()).map(|(name, why)| {
        let (anchor, label) = match name.as_str() {
            "dataset" => ("dataset", "Data set"),
            name if name.starts_with(PREFIX) => (name, "Several values"),
            name => ("", name),
        };
        Problem { anchor: anchor.to_owned(), label: label.to_owned(), why: why.clone() }
    });
    of_fields.chain(others).collect()
}

/// A way of loading that takes the place of the augmentation's fields.
pub(super) struct Loading {
    /// Step by step.
    pub(super) steps: Vec<String>,
    /// The preset or saved pipeline that it is.
    pub(super) origin: Option<String>,
    /// Where it can be looked at and changed.
    pub(super) lab: String,
    /// The form without it.
    pub(super) without: String,
}

impl Loading {
    pub(super) fn read(typed: &Typed, dataset: &Dataset, saved: &[SavedPipeline]) -> Option<Loading> {
        let text = typed.get("train_transforms").filter(|text| !text.trim().is_empty())?;
        let steps: Pipeline = serde_json::from_str(text).ok()?;
        let rest: Vec<(&str, &str)> = typed
            .iter()
            .filter(|(name, _)| *name != "train_transforms")
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        Some(Loading {
            steps: describe_pipeline(&steps),
            origin: origin(&steps, saved),
            lab: link(&format!("/datasets/{}/lab", dataset.id), &[("b", text)]),
            without: link("/runs/new", &rest),
        })
    }
}

/// What a person calls a pipeline, where it is one that has a name.
fn origin(steps: &Pipeline, saved: &[SavedPipeline]) -> Option<String> {
    if let Some(saved) = saved.iter().find(|saved| saved.steps == *steps) {
        return Some(format!("your saved pipeline “{}”", saved.name));
    }
    Preset::matching(steps).map(|preset| format!("the preset “{}”", preset.as_str()))
}

/// Fields that stand apart, at the top.
const APART: [&str; 2] = ["training", "weights"];

/// Fields under one heading.
pub(super) struct Fieldset {
    pub(super) group: Group,
    pub(super) is_open: bool,
    pub(super) inputs: Vec<Input>,
    /// A way of loading that was brought along, usually from the loading lab; in the group that it belongs to.
    pub(super) loading: Option<Loading>,
}

impl Fieldset {
    pub(super) fn all(
        entered: &Entered,
        errors: &FieldErrors,
        mut loading: Option<Loading>,
    ) -> Vec<Fieldset> {
        let has_pipeline = loading.is_some();
        let fitting = fitting_image_size(&entered.all);
        let groups = Group::ALL.into_iter().map(|group| {
            let mut inputs = Vec::new();
            for field in FIELDS.iter().filter(|field| field.group == group && !APART.contains(&field.name)) {
                let error = errors.get(field.name).cloned();
                // What a pipeline takes over is shown only where it is in its way.
                if has_pipeline && REPLACED.contains(&field.name) && error.is_none() {
                    continue;
                }
                let (value, default) = (entered.text(field), entered.default_text(field));
                let fitting = fitting.filter(|_| field.name == "image_size" && error.is_some());
                let counts = entered.counts(field);
                inputs.push(Input { field, value, default, error, fitting, counts });
            }
            Fieldset {
                group,
                is_open: inputs.iter().any(Input::wants_to_be_seen),
                inputs,
                loading: if group == Group::Augmentation { loading.take() } else { None },
            }
        });
        groups.collect()
    }
}

/// A field with what stands in it.
pub(super) struct Input {
    pub(super) field: &'static Field,
    pub(super) value: String,
    pub(super) default: String,
    pub(super) error: Option<String>,
    /// What would be right, where that can be told.
    pub(super) fitting: Option<u32>,
    /// Whether it has a say beside what else is chosen.
    pub(super) counts: bool,
}

impl Input {
    /// Value, label, whether it is chosen.
    pub(super) fn choices(&self) -> Vec<(&'static str, &'static str, bool)> {
        match self.field.field_type {
            FieldType::Choice(choices) => {
                choices.iter().map(|(value, label)| (*value, *label, *value == self.value)).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn is_choice(&self) -> bool {
        matches!(self.field.field_type, FieldType::Choice(_))
    }

    pub(super) fn is_json(&self) -> bool {
        matches!(self.field.field_type, FieldType::Json)
    }

    /// What a phone's keyboard should offer.
    pub(super) fn input_mode(&self) -> &'static str {
        match self.field.field_type {
            FieldType::Integer { .. } => "numeric",
            FieldType::Number { .. } => "decimal",
            _ => "text",
        }
    }

    /// The elements that describe it.
    pub(super) fn described_by(&self) -> String {
        let name = self.field.name;
        if self.error.is_some() { format!("{name}-error {name}-help") } else { format!("{name}-help") }
    }

    fn wants_to_be_seen(&self) -> bool {
        self.counts && (self.error.is_some() || self.value != self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dataset::ClassCount;

    fn facts(by_split: [u64; 3]) -> DatasetFacts {
        DatasetFacts {
            name: "pets".into(),
            fingerprint: String::new(),
            classes: vec![ClassCount { label: 0, name: "cat".into(), by_split }],
            median_side: 32,
            channels: None,
            weights: Vec::new(),
        }
    }

    #[test]
    fn a_data_set_is_summed_up_with_what_it_lacks() {
        assert_eq!(
            summary(&facts([1400, 240, 60])),
            "1,700 images in 1 class: 1,400 for training, 240 for validation, 60 for testing."
        );
        assert_eq!(
            summary(&facts([40, 0, 0])),
            "40 images in 1 class: 40 for training, a tenth of these held out for validation, no test split."
        );
    }

    #[test]
    fn a_group_opens_where_something_in_it_wants_to_be_seen() {
        let open = |typed: &[(&str, &str)], errors: &[(&str, &str)]| {
            let typed = typed.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
            let errors = errors.iter().map(|(name, why)| ((*name).into(), (*why).into())).collect();
            let groups = Fieldset::all(&Entered::read(&typed, &facts([400, 100, 0])), &errors, None);
            let open = groups.iter().filter(|set| set.group.is_folded() && set.is_open);
            open.map(|set| set.group.id()).collect::<Vec<_>>()
        };
        assert_eq!(open(&[("epochs", "3")], &[]), [""; 0]);
        assert_eq!(open(&[("mixup", "0.2")], &[]), ["augmentation"]);
        assert_eq!(open(&[], &[("threads", "wrong")]), ["advanced"]);
    }

    #[test]
    fn a_pipeline_is_called_what_it_comes_from() {
        let steps = Preset::Strong.pipeline(48);
        assert_eq!(origin(&steps, &[]).as_deref(), Some("the preset “strong”"));
        let saved = SavedPipeline { name: "mine".into(), steps: steps.clone() };
        assert_eq!(origin(&steps, &[saved]).as_deref(), Some("your saved pipeline “mine”"));
        assert_eq!(origin(&vec![protocol::transform::TransformSpec::resize(8)], &[]), None);
    }
}
