//! *Type or tint?* in words: what gives the classes away without looking at what is shown.

use super::super::format::{number, percent};
use super::checks::SetAside;
use crate::domain::health::{Severity, Shortcut, ShortcutFeature};
use crate::store::measures::StoredReport;

/// From so many times chance on, a cue that is more than chance is marked.
const MARKED: f64 = 1.3;

/// All cues, on one scale.
pub(super) struct Shortcuts {
    pub(super) cues: Vec<Cue>,
    /// What guessing gives.
    pub(super) chance: f64,
    /// What all of them together come to.
    pub(super) conclusion: String,
}

impl Shortcuts {
    /// A place on the scale, percent of its width.
    pub(super) fn at(&self, share: f64) -> String {
        place(share)
    }

    /// From where on a cue is marked.
    pub(super) fn marked(&self) -> f64 {
        MARKED * self.chance
    }

    /// From where on a cue is called strong: half of the way from chance to perfect.
    pub(super) fn strong(&self) -> f64 {
        f64::midpoint(self.chance, 1.0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cues.is_empty()
    }
}

/// The test of one cue.
pub(super) struct Cue {
    pub(super) finding: String,
    pub(super) title: &'static str,
    /// `none`, `slight`, `weak` or `strong`.
    pub(super) severity: &'static str,
    pub(super) sentence: String,
    pub(super) accuracy: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) rows: Vec<Evidence>,
    pub(super) columns: Vec<String>,
}

impl Cue {
    pub(super) fn fill(&self) -> String {
        place(self.accuracy)
    }

    pub(super) fn from(&self) -> String {
        place(self.lower)
    }

    pub(super) fn width(&self) -> String {
        place(self.upper - self.lower)
    }

    pub(super) fn is_strong(&self) -> bool {
        self.severity == "strong"
    }
}

/// What the cue looks like in one class.
pub(super) struct Evidence {
    pub(super) class: String,
    pub(super) recall: String,
    pub(super) means: Vec<String>,
    /// The class's mean colour, where that is what the cue is.
    pub(super) swatch: Option<String>,
}

fn place(share: f64) -> String {
    format!("{:.1}", share.clamp(0.0, 1.0) * 100.0)
}

/// The cues that count, and those that are ignored.
pub(super) fn describe(kept: &StoredReport) -> (Shortcuts, SetAside) {
    let (aside, counted): (Vec<&Shortcut>, Vec<&Shortcut>) =
        kept.report.shortcuts.iter().partition(|shortcut| kept.ignored.contains(&shortcut.finding()));
    let chance = kept.report.shortcuts.first().map_or(0.0, |shortcut| shortcut.chance);
    let conclusion = conclude(&counted, aside.len());
    let cues = counted.into_iter().map(describe_cue).collect();
    let aside = aside.into_iter().map(|shortcut| {
        let accuracy = percent(shortcut.balanced_accuracy);
        (shortcut.finding(), format!("{}: balanced accuracy {accuracy}", title(shortcut.feature)))
    });
    (Shortcuts { cues, chance, conclusion }, aside.collect())
}

fn title(feature: ShortcutFeature) -> &'static str {
    match feature {
        ShortcutFeature::Colour => "Mean colour",
        ShortcutFeature::Brightness => "Brightness",
        ShortcutFeature::Size => "Size and shape",
        ShortcutFeature::File => "File size and type",
        ShortcutFeature::Border => "Border pixels",
    }
}

/// What the cues come to, in plain words.
fn conclude(cues: &[&Shortcut], ignored: usize) -> String {
    let best = |word: &str| {
        let of_word = cues.iter().filter(|cue| severity(cue) == word);
        of_word.max_by(|a, b| a.balanced_accuracy.total_cmp(&b.balanced_accuracy))
    };
    let words = if let Some(cue) = best("strong") {
        let name = title(cue.feature);
        let what = match cue.classes.iter().max_by(|a, b| a.recall.total_cmp(&b.recall)) {
            Some(most) => format!("“{}” in {} of its images", most.class, percent(most.recall)),
            None => "the classes apart".to_owned(),
        };
        format!("{name} alone tells {what}. A network may learn that in place of what is shown.")
    } else if let Some(cue) = best("weak") {
        format!(
            "No single cue tells the classes apart. {} helps most: {} correct where chance gives {}.",
            title(cue.feature),
            percent(cue.balanced_accuracy),
            percent(cue.chance)
        )
    } else {
        "No single cue tells the classes apart: none is much better than chance.".to_owned()
    };
    match ignored {
        0 => words,
        _ => format!("{words} Ignored cues are left out."),
    }
}

fn describe_cue(shortcut: &Shortcut) -> Cue {
    let severity = severity(shortcut);
    let mut sentence = match severity {
        "none" => "No better than chance.",
        "slight" => "A little better than chance, as is usual.",
        "weak" => "Clearly better than chance: a network can use it.",
        _ => "This alone tells the classes apart: a network may learn it and nothing else.",
    }
    .to_owned();
    if shortcut.severity == Severity::Strong
        && let Some(most) = shortcut.classes.iter().max_by(|a, b| a.recall.total_cmp(&b.recall))
    {
        sentence +=
            &format!(" Class “{}” is recognised from it in {} of cases.", most.class, percent(most.recall));
    }
    let is_colour = matches!(shortcut.feature, ShortcutFeature::Colour | ShortcutFeature::Border);
    let rows = shortcut.classes.iter().map(|class| Evidence {
        class: class.class.clone(),
        recall: percent(class.recall),
        means: class.means.iter().map(|mean| number(*mean)).collect(),
        swatch: (is_colour && class.means.len() >= 3)
            .then(|| format!("rgb({:.0} {:.0} {:.0})", class.means[0], class.means[1], class.means[2])),
    });
    Cue {
        finding: shortcut.finding(),
        title: title(shortcut.feature),
        severity,
        sentence,
        accuracy: shortcut.balanced_accuracy,
        lower: shortcut.lower,
        upper: shortcut.upper,
        rows: rows.collect(),
        columns: shortcut.columns.clone(),
    }
}

/// The word for how much a cue gives away. What is more than chance but not by much is so for any classes and alarms nobody.
fn severity(shortcut: &Shortcut) -> &'static str {
    match shortcut.severity {
        Severity::None => "none",
        Severity::Weak if shortcut.balanced_accuracy < MARKED * shortcut.chance => "slight",
        Severity::Weak => "weak",
        Severity::Strong => "strong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(severity: Severity, accuracy: f64) -> Shortcut {
        Shortcut {
            feature: ShortcutFeature::Colour,
            balanced_accuracy: accuracy,
            lower: accuracy - 0.02,
            upper: accuracy + 0.02,
            chance: 0.5,
            severity,
            samples: 100,
            columns: Vec::new(),
            classes: Vec::new(),
        }
    }

    fn evidence(class: &str, recall: f64) -> crate::domain::health::ClassEvidence {
        crate::domain::health::ClassEvidence {
            label: 0,
            class: class.to_owned(),
            samples: 20,
            recall,
            means: Vec::new(),
        }
    }

    #[test]
    fn the_cues_come_to_a_sentence() {
        let (none, weak) = (cue(Severity::None, 0.5), cue(Severity::Weak, 0.66));
        assert_eq!(
            conclude(&[&none, &cue(Severity::Weak, 0.6)], 0),
            "No single cue tells the classes apart: none is much better than chance."
        );
        assert_eq!(
            conclude(&[&none, &weak], 0),
            "No single cue tells the classes apart. Mean colour helps most: 66.0\u{a0}% correct where chance gives 50.0\u{a0}%."
        );
        let mut strong = cue(Severity::Strong, 0.9);
        strong.classes =
            [("plant", 0.95), ("rock", 0.85)].map(|(class, recall)| evidence(class, recall)).into();
        let words = conclude(&[&weak, &strong], 1);
        assert!(
            words.starts_with("Mean colour alone tells “plant” in 95.0\u{a0}% of its images."),
            "{words}"
        );
        assert!(words.ends_with("Ignored cues are left out."), "{words}");
    }

    #[test]
    fn a_cue_is_slight_up_to_a_third_above_chance() {
        assert_eq!(super::severity(&cue(Severity::None, 0.5)), "none");
        assert_eq!(super::severity(&cue(Severity::Weak, 0.64)), "slight");
        assert_eq!(super::severity(&cue(Severity::Weak, 0.66)), "weak");
        assert_eq!(super::severity(&cue(Severity::Strong, 0.8)), "strong");
        let shown = Shortcuts {
            cues: vec![describe_cue(&cue(Severity::Weak, 0.6))],
            chance: 0.5,
            conclusion: String::new(),
        };
        assert_eq!((shown.marked(), shown.strong()), (0.65, 0.75));
        assert_eq!(
            (shown.cues[0].from(), shown.cues[0].width(), shown.at(0.5)),
            ("58.0".into(), "4.0".into(), "50.0".into())
        );
    }
}
