//! The classes of a data set as its pages list them: a colour, a count and a bar of the splits that there are.

use super::format::{link, thousands};
use super::gallery::class_color;
use crate::domain::dataset::ClassCount;
use crate::domain::edits::split_title;
use protocol::sample::Split;

/// A class of a list.
pub(super) struct ClassRow {
    pub(super) name: String,
    pub(super) colour: String,
    pub(super) total: u64,
    /// By split, in the order of [`Split::ALL`].
    counts: [u64; 3],
    /// Percent of the largest class, by split.
    pub(super) widths: [String; 3],
    /// The gallery of it alone.
    pub(super) href: String,
    /// The splits that some class has images in.
    used: Vec<Split>,
}

impl ClassRow {
    /// One for each class; `path` is the gallery's address.
    pub(super) fn list(classes: &[ClassCount], path: &str) -> Vec<ClassRow> {
        let most = classes.iter().map(ClassCount::total).max().unwrap_or(1).max(1) as f64;
        let used = used_splits(classes);
        let row = |class: &ClassCount| ClassRow {
            name: class.name.clone(),
            colour: class_color(usize::try_from(class.label).unwrap_or(0)),
            total: class.total(),
            counts: class.by_split,
            widths: class.by_split.map(|count| format!("{:.1}", count as f64 / most * 100.0)),
            href: link(path, &[("class", &class.name)]),
            used: used.clone(),
        };
        classes.iter().map(row).collect()
    }

    /// `cat: 64 training, 16 validation`.
    pub(super) fn title(&self) -> String {
        let parts = Split::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0);
        let parts: Vec<String> =
            parts.map(|(split, count)| format!("{} {}", thousands(count), split_title(split))).collect();
        format!("{}: {}", self.name, parts.join(", "))
    }

    /// `64 · 16`: a figure for each split of the legend.
    pub(super) fn figures(&self) -> String {
        let figures = self.used.iter().map(|split| thousands(self.counts[*split as usize]));
        figures.collect::<Vec<_>>().join(" · ")
    }
}

/// The splits that have images, for the legend of the bars: the word that colours each, and its name.
pub(super) fn legend(classes: &[ClassCount]) -> Vec<(&'static str, &'static str)> {
    used_splits(classes).into_iter().map(|split| (split.as_str(), split_title(split))).collect()
}

fn used_splits(classes: &[ClassCount]) -> Vec<Split> {
    Split::ALL.into_iter().filter(|split| classes.iter().any(|class| class.of(*split) > 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(label: i64, by_split: [u64; 3]) -> ClassCount {
        ClassCount { label, name: format!("class {label}"), by_split }
    }

    #[test]
    fn a_split_without_images_is_neither_in_the_legend_nor_among_the_figures() {
        let classes = [class(0, [1200, 300, 0]), class(1, [40, 0, 0])];
        assert_eq!(legend(&classes), [("train", "training"), ("val", "validation")]);
        let rows = ClassRow::list(&classes, "/datasets/1");
        assert_eq!(rows[0].figures(), "1,200 · 300");
        assert_eq!(rows[1].figures(), "40 · 0", "a split that others have is told as none");
        assert_eq!(rows[1].title(), "class 1: 40 training");
        assert_eq!(rows[0].href, "/datasets/1?class=class+0");
        assert_eq!(legend(&[class(0, [1, 1, 1])]).len(), 3);
    }
}
