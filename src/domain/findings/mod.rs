//! Findings: each states a problem in words and figures, how sure that is, how much hangs on it, where its evidence is seen and what
//! helps. Pages, JSON, lists and the marks of a rail all read the same ones.
//!
//! A detector is a file here and a pure function of [`Evidence`]; to add one, write it and name it in [`DETECTORS`]. It must be quiet
//! on healthy runs: each threshold has its reason beside it, and `bench/alarms.py` tries them all on real runs.

mod class_never_predicted;
pub mod evidence;
mod exploding_gradients;
mod layer_not_learning;
mod learning_rate;
mod loss_not_finite;
mod overfitting;
mod slow_loading;
pub mod split_figures;
mod split_gap;
mod underfitting;
mod vanishing_gradients;
mod words;

pub use evidence::Evidence;

use super::ids::SampleId;
use protocol::event::LayerDial;
use protocol::sample::Split;
use serde::{Deserialize, Serialize};

/// Raised whenever the detectors would say something else of the same evidence: kept findings are then made anew.
pub const VERSION: i64 = 3;

/// The most samples that a finding shows.
pub const MOST_SAMPLES: usize = 200;

/// A problem, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What sort of problem it is.
    pub kind: Kind,
    /// Its own name within a run, such as `learning_rate_too_high`; by it a person dismisses it.
    pub alarm: String,
    /// In a few words.
    pub title: String,
    /// With its figures.
    pub sentence: String,
    /// How much hangs on it: 0 to 1, where 1 spoils the whole run.
    pub stake: f64,
    /// How sure it is, 0 to 1.
    pub certainty: f64,
    /// Where it is seen.
    pub evidence: Place,
    /// What helps, where that is known.
    pub fix: Option<Fix>,
    /// The images that show it, most telling first.
    #[serde(default)]
    pub samples: Vec<SampleId>,
}

/// The sorts of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Training itself goes wrong.
    TrainingAlarm,
    /// The training images are learned by heart.
    Overfitting,
    /// Hardly anything is learned.
    Underfitting,
    /// The network never names a class.
    ClassNeverPredicted,
    /// The network waits for images.
    SlowLoading,
    /// Validation differs from training by how the two were made.
    SplitGap,
}

impl Kind {
    /// As in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::TrainingAlarm => "training_alarm",
            Kind::Overfitting => "overfitting",
            Kind::Underfitting => "underfitting",
            Kind::ClassNeverPredicted => "class_never_predicted",
            Kind::SlowLoading => "slow_loading",
            Kind::SplitGap => "split_gap",
        }
    }
}

/// Where evidence is seen; pages know the address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum Place {
    /// A chart of the run's page, by its name there.
    Chart {
        /// Such as `loss`.
        chart: String,
    },
    /// A dial of the layers.
    Layers {
        /// Which.
        dial: LayerDial,
    },
    /// Where the time goes.
    Time,
    /// Predictions of images of a class.
    Predictions {
        /// Of this split.
        split: Split,
        /// The true class.
        actual: String,
    },
    /// Images of the data set.
    Images {
        /// Of this class, else of all.
        class: Option<String>,
        /// Of this split, else of all.
        split: Option<Split>,
    },
    /// How a figure of the images is spread, by the word of [`super::measure::Measure`].
    Spread {
        /// Such as `brightness`.
        measure: String,
    },
}

/// The stage of a run that a finding is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its images.
    Data,
    /// How it learns.
    Training,
    /// What it predicts.
    Predictions,
}

impl Place {
    /// The stage of the run that shows it.
    pub fn stage(&self) -> Stage {
        match self {
            Place::Chart { .. } | Place::Layers { .. } | Place::Time => Stage::Training,
            Place::Predictions { .. } => Stage::Predictions,
            Place::Images { .. } | Place::Spread { .. } => Stage::Data,
        }
    }
}

/// What helps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// As a link says it.
    pub label: String,
    /// What is done.
    pub action: Action,
}

/// What is done about a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Another run with its settings but for these fields.
    NewRun {
        /// Names and values of the form's fields.
        fields: Vec<(String, String)>,
    },
    /// A look at images, to edit them.
    EditImages {
        /// Of this class, else of all.
        class: Option<String>,
        /// Of this split, else of all.
        split: Option<Split>,
    },
}

impl Fix {
    /// Another run with these fields changed.
    fn new_run(label: impl Into<String>, fields: &[(&str, String)]) -> Fix {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Fix { label: label.into(), action: Action::NewRun { fields } }
    }

    /// Another run with this learning rate.
    fn learning_rate(rate: f64) -> Fix {
        let rate = words::short(rate);
        Fix::new_run(format!("Try learning rate {rate}"), &[("learning_rate", rate)])
    }
}

type Detector = fn(&Evidence) -> Vec<Finding>;

/// Every detector.
const DETECTORS: [Detector; 11] = [
    loss_not_finite::detect,
    learning_rate::too_high,
    learning_rate::too_low,
    exploding_gradients::detect,
    vanishing_gradients::detect,
    layer_not_learning::detect,
    overfitting::detect,
    underfitting::detect,
    class_never_predicted::detect,
    slow_loading::detect,
    split_gap::detect,
];

/// A cause, and what follows from it: told of the cause, nobody needs to hear of the rest.
const CONSEQUENCES: &[(&str, &[&str])] = &[
    (
        "learning_rate_too_high",
        &[
            "exploding_gradients",
            "vanishing_gradients",
            "layer_not_learning",
            "overfitting",
            "underfitting",
            "class_never_predicted",
        ],
    ),
    ("vanishing_gradients", &["learning_rate_too_low", "underfitting", "class_never_predicted"]),
    (
        "layer_not_learning",
        &["learning_rate_too_low", "vanishing_gradients", "underfitting", "class_never_predicted"],
    ),
    ("learning_rate_too_low", &["underfitting", "class_never_predicted"]),
    ("underfitting", &["class_never_predicted"]),
    // Where validation is far from training, a gap between the two says nothing of what was learned by heart.
    ("class_without_training", &["overfitting"]),
    ("image_sizes_differ", &["overfitting"]),
    ("brightness_differs", &["overfitting"]),
];

/// What wants a look, the most important first.
pub fn detect(evidence: &Evidence) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        DETECTORS.iter().flat_map(|detector| detector(evidence)).map(Finding::bounded).collect();
    let names: Vec<String> = findings.iter().map(|finding| finding.alarm.clone()).collect();
    let is_consequence = |alarm: &str| {
        let explains = |(cause, follow): &&(&str, &[&str])| {
            follow.contains(&alarm) && names.iter().any(|name| name == cause)
        };
        CONSEQUENCES.iter().any(|entry| explains(&entry))
    };
    findings.retain(|finding| !is_consequence(&finding.alarm));
    findings.sort_by(|one, other| other.weight().total_cmp(&one.weight()));
    findings
}

impl Finding {
    /// What it is ordered by.
    fn weight(&self) -> f64 {
        self.stake * self.certainty
    }

    fn bounded(mut self) -> Finding {
        self.samples.truncate(MOST_SAMPLES);
        (self.stake, self.certainty) = (self.stake.clamp(0.0, 1.0), self.certainty.clamp(0.0, 1.0));
        self
    }

    /// An alarm of training, which has a name of its own.
    fn training_alarm(alarm: &str, title: &str, sentence: String, evidence: Place) -> Finding {
        Finding {
            kind: Kind::TrainingAlarm,
            alarm: alarm.to_owned(),
            title: title.to_owned(),
            sentence,
            stake: 1.0,
            certainty: 0.9,
            evidence,
            fix: None,
            samples: Vec::new(),
        }
    }
}

fn chart(name: &str) -> Place {
    Place::Chart { chart: name.to_owned() }
}

/// The middle one of some numbers; `None` of none.
fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(numbers, 0.5)
}

/// The number that a share of them lies below.
fn quantile(numbers: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.into_iter().filter(|number| number.is_finite()).collect();
    numbers.sort_by(f64::total_cmp);
    let at = ((numbers.len().checked_sub(1)?) as f64 * share).round() as usize;
    numbers.get(at).copied()
}

#[cfg(test)]
mod drawn;
#[cfg(test)]
mod tests;
