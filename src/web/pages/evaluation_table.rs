//! The table of an evaluation by class: its rows, and the column that it is sorted by.

use super::format::{link, percent};
use super::gallery::class_color;
use crate::domain::metrics::{ClassFigures, wilson};
use crate::web::{Error, Result};
use std::cmp::Ordering;

/// What the table can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Class,
    Images,
    Precision,
    Recall,
    F1,
    Correct,
    Predicted,
}

impl Column {
    const ALL: [Column; 7] = [
        Column::Class,
        Column::Images,
        Column::Precision,
        Column::Recall,
        Column::F1,
        Column::Correct,
        Column::Predicted,
    ];

    fn word(self) -> &'static str {
        match self {
            Column::Class => "class",
            Column::Images => "images",
            Column::Precision => "precision",
            Column::Recall => "recall",
            Column::F1 => "f1",
            Column::Correct => "correct",
            Column::Predicted => "predicted",
        }
    }

    /// Whether its head sorts the greatest first when it is chosen; shares begin with the worst.
    fn begins_descending(self) -> bool {
        matches!(self, Column::Images | Column::Correct | Column::Predicted)
    }
}

/// By which column, and whether the greatest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    column: Column,
    descending: bool,
}

impl Sort {
    /// Reads `recall`, or `-recall` for the greatest first; `None` is the data set's order.
    pub(crate) fn read(text: &str) -> Result<Option<Sort>> {
        if text.is_empty() {
            return Ok(None);
        }
        let (word, descending) = text.strip_prefix('-').map_or((text, false), |word| (word, true));
        let column = Column::ALL.into_iter().find(|column| column.word() == word).ok_or_else(|| {
            let words = Column::ALL.map(Column::word).join(", ");
            Error::field("sort", format!("“{text}” is none of {words}, with or without - before it"))
        })?;
        Ok(Some(Sort { column, descending }))
    }

    fn text(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.column.word())
    }
}

/// A class.
pub(crate) struct Row {
    pub(crate) class: String,
    pub(crate) colour: String,
    pub(crate) figures: ClassFigures,
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) href_actual: String,
    pub(crate) href_predicted: String,
    pub(crate) href_correct: String,
}

impl Row {
    /// `gallery` opens the images of the split that pairs ask for.
    pub(crate) fn new(
        label: usize,
        class: &str,
        figures: ClassFigures,
        gallery: impl Fn(&[(&str, &str)]) -> String,
    ) -> Row {
        Row {
            class: class.to_owned(),
            colour: class_color(label),
            figures,
            interval: wilson(figures.correct, figures.support),
            href_actual: gallery(&[("actual", class)]),
            href_predicted: gallery(&[("predicted", class)]),
            href_correct: gallery(&[("actual", class), ("predicted", class)]),
        }
    }

    /// `recall 85.0 %, 95 % interval 64–95 %`.
    pub(crate) fn interval_label(&self) -> String {
        self.interval.map_or_else(
            || format!("{}: no images", self.class),
            |(lower, upper)| {
                format!(
                    "{}: recall {}, 95\u{a0}% interval {:.0}–{:.0}\u{a0}%",
                    self.class,
                    percent(self.figures.recall),
                    lower * 100.0,
                    upper * 100.0
                )
            },
        )
    }

    /// The bar's width, as a style.
    pub(crate) fn bar(&self) -> String {
        let width = self.figures.recall.unwrap_or(0.0) * 100.0;
        format!("width: {width:.2}%; background: {}", self.colour)
    }

    /// The interval's place on the same scale, as a style.
    pub(crate) fn interval_box(&self) -> String {
        let (lower, upper) = self.interval.unwrap_or((0.0, 0.0));
        format!("left: {:.2}%; width: {:.2}%", lower * 100.0, (upper - lower) * 100.0)
    }
}

/// A column's head.
pub(crate) struct Head {
    pub(crate) label: &'static str,
    pub(crate) help: &'static str,
    pub(crate) href: String,
    /// `ascending`, `descending` or `none`, as `aria-sort` says it.
    pub(crate) sorted: &'static str,
    /// Whether its values are numbers.
    pub(crate) is_figure: bool,
    /// Whether the bars with their scale stand beside it.
    pub(crate) has_bars: bool,
}

impl Head {
    pub(crate) fn arrow(&self) -> &'static str {
        match self.sorted {
            "ascending" => " ↑",
            "descending" => " ↓",
            _ => "",
        }
    }
}

/// The heads, whose links sort the table; `address` is the page with its other choices.
pub(crate) fn heads(sort: Option<Sort>, address: impl Fn(&str) -> String) -> Vec<Head> {
    let heads = Column::ALL.into_iter().map(|column| {
        let (label, help) = match column {
            Column::Class => ("Class", "The true class"),
            Column::Images => ("Images", "Images of this class"),
            Column::Precision => {
                ("Precision", "Of the images predicted as this class, the share that is of it")
            }
            Column::Recall => ("Recall", "Of the images of this class, the share that was predicted as it"),
            Column::F1 => ("F1", "Harmonic mean of precision and recall"),
            Column::Correct => ("Correct", "Images of this class predicted as it"),
            Column::Predicted => ("Predicted as this", "Images of any class predicted as this one"),
        };
        let current = sort.filter(|sort| sort.column == column);
        let descending = current.map_or(column.begins_descending(), |sort| !sort.descending);
        Head {
            label,
            help,
            href: address(&Sort { column, descending }.text()),
            sorted: match current {
                Some(Sort { descending: false, .. }) => "ascending",
                Some(_) => "descending",
                None => "none",
            },
            is_figure: column != Column::Class,
            has_bars: column == Column::Recall,
        }
    });
    heads.collect()
}

/// Puts the rows in order. A figure that there is not comes last either way; equal rows stay in the data set's order.
pub(crate) fn sort_rows(rows: &mut [Row], sort: Sort) {
    let value = |row: &Row| match sort.column {
        Column::Class => None,
        Column::Images => Some(row.figures.support as f64),
        Column::Precision => row.figures.precision,
        Column::Recall => row.figures.recall,
        Column::F1 => row.figures.f1,
        Column::Correct => Some(row.figures.correct as f64),
        Column::Predicted => Some(row.figures.predicted as f64),
    };
    let turned = |order: Ordering| if sort.descending { order.reverse() } else { order };
    rows.sort_by(|a, b| {
        if sort.column == Column::Class {
            return turned(a.class.to_lowercase().cmp(&b.class.to_lowercase()));
        }
        match (value(a), value(b)) {
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    });
}

/// The address of the page with these choices.
pub(crate) fn page_address(here: &str, pairs: &[(&str, &str)], anchor: &str) -> String {
    format!("{}#{anchor}", link(here, pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let figures = |support: u64, correct: u64| ClassFigures {
            precision: None,
            recall: (support > 0).then(|| correct as f64 / support as f64),
            f1: None,
            support,
            correct,
            predicted: correct,
        };
        [("b", figures(4, 3)), ("C", figures(0, 0)), ("a", figures(9, 1))]
            .into_iter()
            .enumerate()
            .map(|(label, (class, figures))| Row::new(label, class, figures, |_| String::new()))
            .collect()
    }

    fn sorted(text: &str) -> Vec<String> {
        let mut rows = rows();
        sort_rows(&mut rows, Sort::read(text).unwrap().unwrap());
        rows.into_iter().map(|row| row.class).collect()
    }

    #[test]
    fn the_table_sorts_by_any_column_and_what_is_missing_comes_last() {
        assert_eq!(sorted("class"), ["a", "b", "C"]);
        assert_eq!(sorted("-class"), ["C", "b", "a"]);
        assert_eq!(sorted("recall"), ["a", "b", "C"]);
        assert_eq!(sorted("-recall"), ["b", "a", "C"]);
        assert_eq!(sorted("-images"), ["a", "b", "C"]);
        assert_eq!(sorted("precision"), ["b", "C", "a"]);
        assert!(Sort::read("accuracy").is_err() && Sort::read("").unwrap().is_none());
    }

    #[test]
    fn a_head_turns_the_order_round() {
        let heads = heads(Sort::read("recall").unwrap(), |sort| sort.to_owned());
        let of = |label: &str| {
            let head = heads.iter().find(|head| head.label == label).unwrap();
            (head.href.as_str(), head.sorted)
        };
        assert_eq!(of("Recall"), ("-recall", "ascending"));
        assert_eq!((of("Images"), of("F1")), (("-images", "none"), ("f1", "none")));
    }

    #[test]
    fn the_bar_and_its_interval_are_shares_of_one_width() {
        let rows = rows();
        assert!(rows[0].bar().starts_with("width: 75.00%"), "{}", rows[0].bar());
        let (lower, upper) = wilson(3, 4).unwrap();
        let expected = format!("left: {:.2}%; width: {:.2}%", lower * 100.0, (upper - lower) * 100.0);
        assert_eq!(rows[0].interval_box(), expected);
    }
}
