//! What of a network learns, and from which weights: the first choices of the form.

use super::super::format::{bytes, percent};
use super::super::weights::WeightsState;
use super::entered::{Entered, FILE};
use crate::domain::dataset::DatasetFacts;
use crate::domain::recipe::{Field, FieldErrors, FieldType};
use crate::runs::directory::run_of_weights;
use crate::web::AppState;
use protocol::weights::{WEIGHTS, WeightsEntry};

/// A way to learn.
pub(super) struct Way {
    pub(super) word: &'static str,
    pub(super) label: &'static str,
    pub(super) about: &'static str,
    pub(super) is_chosen: bool,
}

/// What each way is for, in a sentence or two.
const ABOUT: [(&str, &str); 4] = [
    (
        "head",
        "The other layers keep what they learned from other images; only what tells your classes apart is learned. Takes seconds, and is where to start with photos.",
    ),
    (
        "fine-tune",
        "Begins with weights and lets every layer adapt to your images in small steps. Takes longer, and is often a little better.",
    ),
    (
        "scratch",
        "Begins with random numbers and learns from your images alone. For small or unusual images, and to see a network learn.",
    ),
    ("none", "Evaluates weights on your images and changes nothing."),
];

/// Weights to choose from.
pub(super) struct WeightsChoice {
    /// What the form sends.
    pub(super) value: String,
    pub(super) label: String,
    /// What they are, in a line.
    pub(super) about: String,
    pub(super) is_chosen: bool,
    /// Of published ones.
    pub(super) state: Option<WeightsState>,
}

/// The first part of the form.
pub(super) struct Learn {
    pub(super) ways: Vec<Way>,
    pub(super) weights: Vec<WeightsChoice>,
    /// Whether weights are named by the path of their file.
    pub(super) is_file: bool,
    pub(super) path: String,
    /// Whether weights have a say.
    pub(super) has_weights: bool,
    pub(super) training_error: Option<String>,
    pub(super) weights_error: Option<String>,
    pub(super) default_training: String,
}

impl Learn {
    pub(super) fn new(
        app: &AppState,
        facts: &DatasetFacts,
        entered: &Entered,
        errors: &FieldErrors,
    ) -> Learn {
        let field = |name: &str| Field::find(name);
        let text = |name: &str| field(name).map_or_else(String::new, |field| entered.text(field));
        let chosen = entered.word("training");
        let choices = match field("training").map(|field| field.field_type) {
            Some(FieldType::Choice(choices)) => choices,
            _ => &[],
        };
        let way = |(word, label): &(&'static str, &'static str)| Way {
            word,
            label: label.split(" (").next().unwrap_or(label),
            about: ABOUT.iter().find(|(other, _)| other == word).map_or("", |(_, about)| *about),
            is_chosen: *word == chosen,
        };
        // Where none are needed now, those that the other ways begin with are chosen in advance.
        let weights = Some(text("weights")).filter(|weights| !weights.is_empty());
        let weights =
            weights.unwrap_or_else(|| if chosen == "none" { String::new() } else { WEIGHTS[0].name.into() });
        let of_run = run_of_weights(&app.data, &weights);
        let own = of_run.map(|run| WeightsChoice {
            value: weights.clone(),
            label: format!("Run {run}’s best epoch"),
            about: "What that run learned, with its last layer.".into(),
            is_chosen: true,
            state: None,
        });
        let published = WEIGHTS.iter().map(|entry| WeightsChoice {
            value: entry.name.into(),
            label: entry.label.into(),
            about: about(entry),
            is_chosen: entry.name == weights,
            state: Some(WeightsState::new(app, entry, &facts.weights)),
        });
        let weights_error = errors.get("weights").cloned();
        let is_known = of_run.is_some() || WeightsEntry::find(&weights).is_some();
        // Nothing typed and complained about: the choice of a file stays.
        let is_file = !is_known && (!weights.is_empty() || weights_error.is_some());
        Learn {
            ways: choices.iter().map(way).collect(),
            weights: own.into_iter().chain(published).collect(),
            is_file,
            path: if is_file { weights } else { String::new() },
            has_weights: field("weights").is_some_and(|field| entered.counts(field)),
            training_error: errors.get("training").cloned(),
            weights_error,
            default_training: crate::domain::recipe::defaults(facts)["training"]
                .as_str()
                .unwrap_or_default()
                .into(),
        }
    }

    pub(super) fn file_choice(&self) -> &'static str {
        FILE
    }
}

/// `ImageNet: 1.28 million photos of 1,000 classes; 75.1 % of its validation photos correct. …`
fn about(entry: &WeightsEntry) -> String {
    let size = bytes(i64::try_from(entry.bytes).unwrap_or(i64::MAX));
    let right = percent(Some(entry.imagenet_top1));
    format!(
        "{}; {right} of its validation photos correct. {} pixels, {size}, {}.",
        entry.learned, entry.input.image_size, entry.licence
    )
}

/// What weights would bring, where photos are to be learned from nothing.
pub(super) fn gain(facts: &DatasetFacts, entered: &Entered) -> Option<&'static str> {
    let is_photos_from_nothing = facts.has_photos() && entered.word("training") == "scratch";
    let is_here = facts.weights.contains(&WEIGHTS[0].name);
    is_photos_from_nothing.then_some(if is_here {
        "These are photos. With 1,000 photos of cats and dogs we measured 99 % correct with the last layer of EfficientNet-Lite0 and 81 % from nothing; its weights are on this machine: choose “The last layer” above."
    } else {
        "These are photos. With 1,000 photos of cats and dogs we measured 99 % correct with the last layer of EfficientNet-Lite0 and 81 % from nothing. Fetch its weights, then choose “The last layer” above."
    })
}
