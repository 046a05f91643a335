//! What of a data set's health must be known wherever its name stands: on its tabs, in a run's rail, in the form of a run.

use super::Report;
use crate::domain::dataset::ClassCount;
use protocol::sample::Split;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong, as counts and names. All empty: nothing that needs a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Images with a copy in another split; 0 while the data set is being examined.
    pub leaked: usize,
    /// Images with a copy in another class.
    pub conflicting_labels: usize,
    /// Classes without a training image.
    pub without_training: Vec<String>,
    /// Classes without a validation image, where others have some.
    pub without_validation: Vec<String>,
    /// Classes without a test image, where others have some.
    pub without_test: Vec<String>,
    /// Training or validation, where no class has an image in it.
    pub missing_splits: Vec<Split>,
    /// Names that differ in upper and lower case or in spaces alone, such as `Cat` and `cat`.
    pub similar_names: Vec<Vec<String>>,
}

impl Marks {
    /// What the class counts say, and what a report says where there is one; without what is `ignored`.
    pub fn new(classes: &[ClassCount], report: Option<&Report>, ignored: &BTreeSet<String>) -> Marks {
        let mut marks = Marks::all(classes, report);
        let of = |finding: &str| ignored.contains(finding);
        if of("leaked") {
            marks.leaked = 0;
        }
        if of("mislabelled") {
            marks.conflicting_labels = 0;
        }
        for (finding, split, names) in [
            ("no_training", Split::Train, &mut marks.without_training),
            ("no_validation", Split::Val, &mut marks.without_validation),
            ("no_test", Split::Test, &mut marks.without_test),
        ] {
            if of(finding) {
                names.clear();
                marks.missing_splits.retain(|missing| *missing != split);
            }
        }
        if of("similar_names") {
            marks.similar_names.clear();
        }
        marks
    }

    fn all(classes: &[ClassCount], report: Option<&Report>) -> Marks {
        let is_used = |split: Split| classes.iter().any(|class| class.of(split) > 0);
        let without = |split: Split| -> Vec<String> {
            let lacking = classes.iter().filter(|class| is_used(split) && class.of(split) == 0);
            lacking.map(|class| class.name.clone()).collect()
        };
        let missing = [Split::Train, Split::Val].into_iter().filter(|split| !is_used(*split));
        Marks {
            leaked: report.map_or(0, |report| report.leaked().len()),
            conflicting_labels: report.map_or(0, |report| report.mislabelled().len()),
            without_training: without(Split::Train),
            without_validation: without(Split::Val),
            without_test: without(Split::Test),
            missing_splits: if classes.is_empty() { Vec::new() } else { missing.collect() },
            similar_names: similar(classes.iter().map(|class| class.name.as_str())),
        }
    }

    /// How many things need a look before something is learned.
    pub fn count(&self) -> usize {
        [
            self.leaked > 0,
            self.conflicting_labels > 0,
            !self.without_training.is_empty(),
            !self.without_validation.is_empty(),
            !self.similar_names.is_empty(),
        ]
        .into_iter()
        .filter(|is_wrong| *is_wrong)
        .count()
    }

    /// The same as sentences, the most serious first: for the form of a run, or as the title of a mark.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        match self.leaked {
            0 => {}
            1 => sentences.push("1 image has a copy in another split.".to_owned()),
            leaked => sentences.push(format!("{leaked} images have a copy in another split.")),
        }
        match self.conflicting_labels {
            0 => {}
            1 => sentences.push("1 image has a copy in another class.".to_owned()),
            count => sentences.push(format!("{count} images have a copy in another class.")),
        }
        for (names, split) in [
            (&self.without_training, "training"),
            (&self.without_validation, "validation"),
            (&self.without_test, "test"),
        ] {
            if !names.is_empty() {
                sentences.push(format!("No {split} images of {}.", listed(names)));
            }
        }
        for split in &self.missing_splits {
            sentences.push(match split {
                Split::Train => "There are no training images.".to_owned(),
                _ => {
                    "There is no validation split: a run holds out a tenth of the training images.".to_owned()
                }
            });
        }
        for names in &self.similar_names {
            sentences.push(format!("{} may be the same class.", listed(names)));
        }
        sentences
    }
}

/// `“a”`, `“a” and “b”`, `“a”, “b” and 3 more`.
pub fn listed(names: &[String]) -> String {
    const NAMED: usize = 5;
    let quoted: Vec<String> = names.iter().take(NAMED).map(|name| format!("“{name}”")).collect();
    match (&quoted[..], names.len().saturating_sub(NAMED)) {
        ([], _) => String::new(),
        ([only], 0) => only.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (all, more) => format!("{} and {more} more", all.join(", ")),
    }
}

/// Names that are one and the same but for case, spaces, hyphens and underscores.
fn similar<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Vec<String>> {
    let mut alike: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let plain: String = name.chars().filter(|letter| !" -_".contains(*letter)).collect();
        alike.entry(plain.to_lowercase()).or_default().push(name.to_owned());
    }
    alike.into_values().filter(|names| names.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(counts: &[(&str, [u64; 3])]) -> Vec<ClassCount> {
        (counts.iter().zip(0..))
            .map(|((name, by_split), label)| ClassCount {
                label,
                name: (*name).to_owned(),
                by_split: *by_split,
            })
            .collect()
    }

    #[test]
    fn a_sound_data_set_has_no_marks() {
        let marks = Marks::all(&classes(&[("cat", [8, 2, 1]), ("dog", [8, 2, 1])]), None);
        assert_eq!((marks.count(), marks), (0, Marks::default()));
        assert_eq!(Marks::all(&[], None), Marks::default(), "while it is being imported");
    }

    #[test]
    fn splits_that_lack_a_class_and_splits_that_nobody_has_are_told_apart() {
        let marks = Marks::all(&classes(&[("a", [8, 0, 0]), ("b", [8, 2, 0]), ("d", [0, 2, 0])]), None);
        assert_eq!(marks.without_training, ["d"]);
        assert_eq!(marks.without_validation, ["a"]);
        assert!(marks.without_test.is_empty() && marks.missing_splits.is_empty(), "no test split is usual");
        assert_eq!(marks.count(), 2);
        assert_eq!(marks.sentences(), ["No training images of “d”.", "No validation images of “a”."]);
        let marks = Marks::all(&classes(&[("a", [8, 0, 1]), ("b", [8, 0, 1])]), None);
        assert_eq!((marks.missing_splits, marks.without_validation.len()), (vec![Split::Val], 0));
    }

    #[test]
    fn names_that_differ_in_case_or_spaces_are_alike() {
        let marks = Marks::all(
            &classes(&[
                ("Cat", [1, 1, 0]),
                ("cat", [1, 1, 0]),
                ("grey_wolf", [1, 1, 0]),
                ("Grey Wolf", [1, 1, 0]),
            ]),
            None,
        );
        assert_eq!(marks.similar_names, [vec!["Cat", "cat"], vec!["grey_wolf", "Grey Wolf"]]);
        assert_eq!(marks.sentences()[0], "“Cat” and “cat” may be the same class.");
    }

    #[test]
    fn what_is_ignored_is_no_mark() {
        let classes = classes(&[("Cat", [8, 0, 0]), ("cat", [8, 2, 0])]);
        let ignored = BTreeSet::from(["no_validation".to_owned()]);
        let marks = Marks::new(&classes, None, &ignored);
        assert_eq!((marks.count(), marks.without_validation.len(), marks.similar_names.len()), (1, 0, 1));
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..43).map(|at| format!("c{at}")).collect();
        assert_eq!(listed(&names), "“c0”, “c1”, “c2”, “c3”, “c4” and 38 more");
        assert_eq!(listed(&names[..1]), "“c0”");
    }
}
