//! Beside which other values a field has a say. Each row of the table of fields names one of these; the form and the checks go by it.

use super::Values;
use protocol::weights::WeightsEntry;
use serde_json::Value;

/// When a field has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// Where something learns.
    Learning,
    /// Where nothing does.
    Evaluating,
    /// Where the last layer learns alone.
    HeadAlone,
    /// Where all layers learn from weights.
    FineTuning,
    /// Where there can be weights to start from.
    FromWeights,
    /// Where the architecture is open: published weights are those of one.
    ModelOpen,
    /// Where images are drawn with random transforms.
    Augmenting,
    /// Where whole images are learned from: the last layer alone learns from them one by one.
    Mixing,
    /// Where there is weight decay.
    Decaying,
}

impl When {
    /// Whether it is so beside these values of all fields.
    pub fn holds(self, values: &Values) -> bool {
        let text = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| values.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let training = text("training");
        let learns = training != "none";
        match self {
            When::Always => true,
            When::Learning => learns,
            When::Evaluating => !learns,
            When::HeadAlone => training == "head",
            When::FineTuning => training == "fine-tune",
            When::FromWeights => training != "scratch",
            When::ModelOpen => training == "scratch" || WeightsEntry::find(text("weights")).is_none(),
            When::Augmenting => {
                let is_taken_once = values.get("draws").and_then(Value::as_u64) == Some(0);
                learns && !(training == "head" && is_taken_once)
            }
            When::Mixing => learns && training != "head",
            When::Decaying => learns && number("weight_decay") > 0.0,
        }
    }

    /// Where a field that has no say is refused: where it would have one. `None`: it is let pass, or another check has better words.
    pub(super) const fn place(self) -> Option<&'static str> {
        match self {
            When::HeadAlone => Some("where the last layer learns alone"),
            When::FineTuning => Some("in fine-tuning"),
            When::Decaying => Some("beside weight decay"),
            When::Always
            | When::Learning
            | When::Evaluating
            | When::FromWeights
            | When::ModelOpen
            | When::Augmenting
            | When::Mixing => None,
        }
    }
}
