//! What a field is: its name, its words, what it holds and when it has a say.

use super::FieldType;
use super::table::FIELDS;
use super::when::When;
use protocol::optimizer::OPTIMIZERS;

/// Where a field stands in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What everybody chooses; always in sight.
    Basics,
    /// How the network learns.
    Recipe,
    /// What is minimised, how steps are made, which epoch counts and when the run ends.
    Loss,
    /// How an image is loaded, and what is changed at random in training.
    Augmentation,
    /// What hardly anybody changes.
    Advanced,
}

impl Group {
    /// All, in the order of the form.
    pub const ALL: [Group; 5] =
        [Group::Basics, Group::Recipe, Group::Loss, Group::Augmentation, Group::Advanced];

    /// Its heading.
    pub const fn label(self) -> &'static str {
        match self {
            Group::Basics => "Basics",
            Group::Recipe => "Recipe",
            Group::Loss => "Loss and stopping",
            Group::Augmentation => "Image size and augmentation",
            Group::Advanced => "Advanced",
        }
    }

    /// Its name in the page's markup.
    pub const fn id(self) -> &'static str {
        match self {
            Group::Basics => "basics",
            Group::Recipe => "recipe",
            Group::Loss => "loss",
            Group::Augmentation => "augmentation",
            Group::Advanced => "advanced",
        }
    }

    /// Whether it is a line to be unfolded, rather than fields at once.
    pub const fn is_folded(self) -> bool {
        !matches!(self, Group::Basics)
    }
}

/// One thing a person may choose.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in JSON; on the command line with `-` for `_`.
    pub name: &'static str,
    /// Its name on the page.
    pub label: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// Where it stands.
    pub group: Group,
    /// What it holds.
    pub field_type: FieldType,
    /// When it has a say.
    pub when: When,
}

/// Names that fields had before, and have now: scripts that use the old one still work.
const FORMER_NAMES: [(&str, &str); 1] = [("judge", "evaluate_on")];

impl Field {
    pub(super) const fn when(self, when: When) -> Field {
        Field { when, ..self }
    }

    /// The field of this name, or of this former name.
    pub fn find(name: &str) -> Option<&'static Field> {
        let former = FORMER_NAMES.iter().find(|(former, _)| *former == name);
        let name = former.map_or(name, |(_, now)| now);
        FIELDS.iter().find(|field| field.name == name)
    }

    /// What nought means in it, where it means more than the number.
    pub fn zero(&self) -> Option<&'static str> {
        match self.name {
            "threads" => Some("one per core"),
            "warmup_epochs" | "weight_decay" => Some("none"),
            "crop_padding" => Some("the centre square"),
            "random_resized_crop" | "rotation" | "color_jitter" | "mixup" | "cutmix" => Some("off"),
            "capture_every" => Some("only the first"),
            "draws" => Some("taken once, without augmentation"),
            "unfreeze_epochs" => Some("all at once"),
            "label_smoothing" => Some("none"),
            "focal_gamma" => Some("plain cross-entropy"),
            "clip_norm" | "average_decay" => Some("off"),
            "patience" => Some("never early"),
            _ => None,
        }
    }

    /// Its help, with what nought means.
    pub fn hint(&self) -> String {
        let zero = self.zero().map(|words| format!(" 0: {words}."));
        let usual = (self.name == "learning_rate").then(|| format!(" Usual: {}.", usual_rates()));
        [self.help.to_owned(), zero.unwrap_or_default(), usual.unwrap_or_default()].concat()
    }

    /// What it was called before.
    pub fn former_name(&self) -> Option<&'static str> {
        FORMER_NAMES.iter().find(|(_, now)| *now == self.name).map(|(former, _)| *former)
    }
}

/// `0.0003 to 0.003 for AdamW or Adam`, and so on, of every optimiser.
fn usual_rates() -> String {
    let mut ranges: Vec<([f64; 2], Vec<&str>)> = Vec::new();
    for entry in &OPTIMIZERS {
        match ranges.iter_mut().find(|(range, _)| *range == entry.usual_rates) {
            // Two kinds of SGD have one short name.
            Some((_, names)) if names.contains(&entry.short_label()) => {}
            Some((_, names)) => names.push(entry.short_label()),
            None => ranges.push((entry.usual_rates, vec![entry.short_label()])),
        }
    }
    let words =
        ranges.iter().map(|([least, most], names)| format!("{least} to {most} for {}", names.join(" or ")));
    words.collect::<Vec<_>>().join(", ")
}
