//! The confusion matrix as pages show it: a table whose cells open their images, or data for a heat map where there are
//! many classes; and beside either the most frequent mistakes.

use super::format::{link, thousands};
use crate::domain::confusion_cells::{Cell as Counted, ConfusionCells};
use crate::web::{Error, Result};
use serde_json::json;

/// Above this many classes a heat map stands in for the table.
pub(crate) const TABLE_CLASSES: usize = 30;
/// Up to this many classes the table's cells are large.
const LARGE_CELLS: usize = 15;
/// Most frequent mistakes that are listed beside a table, and beside a heat map.
const LISTED: (usize, usize) = (10, 25);

/// What a cell's figure is a part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CellFigure {
    /// Nothing: it is a count.
    #[default]
    Count,
    /// The images of its true class.
    RowShare,
    /// The images predicted as its class.
    ColumnShare,
}

/// How a matrix is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MatrixOptions {
    pub(crate) figure: CellFigure,
    /// Whether the diagonal is left out, so that the shades tell mistakes apart.
    pub(crate) hide_diagonal: bool,
    /// Whether classes that are mixed up stand side by side, in place of the data set's order.
    pub(crate) by_similarity: bool,
}

impl MatrixOptions {
    /// Reads the address's `cells`, `diagonal` and `classes`.
    pub(crate) fn read(cells: &str, diagonal: &str, classes: &str) -> Result<MatrixOptions> {
        let figure = match cells {
            "" | "count" => CellFigure::Count,
            "row" => CellFigure::RowShare,
            "column" => CellFigure::ColumnShare,
            other => return Err(Error::field("cells", format!("“{other}” is not count, row or column"))),
        };
        let hide_diagonal = match diagonal {
            "" | "show" => false,
            "hide" => true,
            other => return Err(Error::field("diagonal", format!("“{other}” is neither show nor hide"))),
        };
        let by_similarity = match classes {
            "" | "given" => false,
            "similar" => true,
            other => return Err(Error::field("classes", format!("“{other}” is neither given nor similar"))),
        };
        Ok(MatrixOptions { figure, hide_diagonal, by_similarity })
    }

    /// The address's pairs; what is usual is left out.
    pub(crate) fn pairs(self) -> [(&'static str, &'static str); 3] {
        let figure = match self.figure {
            CellFigure::Count => "",
            CellFigure::RowShare => "row",
            CellFigure::ColumnShare => "column",
        };
        [
            ("cells", figure),
            ("diagonal", if self.hide_diagonal { "hide" } else { "" }),
            ("classes", if self.by_similarity { "similar" } else { "" }),
        ]
    }
}

/// A confusion matrix.
pub(crate) struct Matrix {
    /// In the order shown.
    pub(crate) columns: Vec<Total>,
    /// Rows are true classes; none where a heat map stands in.
    pub(crate) rows: Vec<Row>,
    /// The most frequent mistakes, greatest first.
    pub(crate) confusions: Vec<Confused>,
    /// What the heat map is drawn from, as JSON that is safe within a page; empty where the table is shown.
    pub(crate) heat_map: String,
    /// The gallery that cells open: `actual` and `predicted` are added.
    pub(crate) gallery: String,
    /// Images.
    pub(crate) total: String,
    size: &'static str,
}

/// A class with all its images: of the true class where it is a row, predicted as it where it is a column.
pub(crate) struct Total {
    pub(crate) class: String,
    pub(crate) total: String,
}

/// A true class.
pub(crate) struct Row {
    pub(crate) head: Total,
    pub(crate) cells: Vec<Cell>,
}

/// A cell.
pub(crate) struct Cell {
    /// What stands in it; nothing where there are no images.
    pub(crate) text: String,
    pub(crate) href: String,
    pub(crate) label: String,
    /// 0 to 9, for the shade.
    pub(crate) shade: u64,
    pub(crate) diagonal: bool,
    pub(crate) chosen: bool,
}

impl Cell {
    pub(crate) fn css(&self) -> String {
        let kind = if self.diagonal { "right" } else { "wrong" };
        format!("{kind} shade-{}{}", self.shade, if self.chosen { " chosen" } else { "" })
    }
}

/// A kind of mistake.
pub(crate) struct Confused {
    pub(crate) actual: String,
    pub(crate) predicted: String,
    pub(crate) count: u64,
    /// Of the true class, in percent.
    pub(crate) share: f64,
    pub(crate) href: String,
}

impl Confused {
    /// `12 % of cat`.
    pub(crate) fn share_label(&self) -> String {
        format!("{:.0}\u{a0}% of {}", self.share, self.actual)
    }

    pub(crate) fn label(&self) -> String {
        format!("{} → {}", self.actual, self.predicted)
    }
}

impl Matrix {
    /// `gallery` is the address of the predictions page with its split; `chosen` is the cell that is open.
    pub(crate) fn new(
        gallery: &str,
        split: &str,
        classes: &[String],
        counted: &ConfusionCells,
        options: MatrixOptions,
        chosen: (&str, &str),
    ) -> Matrix {
        let is_table = classes.len() <= TABLE_CLASSES;
        let order: Vec<usize> =
            if options.by_similarity { counted.order_by_similarity() } else { (0..classes.len()).collect() };
        let href = |cell: &Counted| {
            let (actual, predicted) = (classes[cell.actual].as_str(), classes[cell.predicted].as_str());
            link(gallery, &[("split", split), ("actual", actual), ("predicted", predicted)])
        };
        let total =
            |class: usize, total: u64| Total { class: classes[class].clone(), total: thousands(total) };
        let confusions = counted.most_frequent(if is_table { LISTED.0 } else { LISTED.1 });
        Matrix {
            columns: if is_table {
                order.iter().map(|&class| total(class, counted.column_sum(class))).collect()
            } else {
                Vec::new()
            },
            rows: if is_table { rows(classes, counted, options, &order, chosen, &href) } else { Vec::new() },
            confusions: confusions
                .iter()
                .map(|cell| Confused {
                    actual: classes[cell.actual].clone(),
                    predicted: classes[cell.predicted].clone(),
                    count: cell.count,
                    share: cell.count as f64 * 100.0 / counted.row_sum(cell.actual) as f64,
                    href: href(cell),
                })
                .collect(),
            heat_map: if is_table { String::new() } else { heat_map(classes, counted, options, &order) },
            gallery: link(gallery, &[("split", split)]),
            total: thousands(counted.total()),
            size: if classes.len() <= LARGE_CELLS { "large" } else { "middle" },
        }
    }

    /// How large its cells are.
    pub(crate) fn size(&self) -> &'static str {
        self.size
    }
}

/// The table's rows: a square of at most [`TABLE_CLASSES`], filled by the cells that are there.
fn rows(
    classes: &[String],
    counted: &ConfusionCells,
    options: MatrixOptions,
    order: &[usize],
    chosen: (&str, &str),
    href: &dyn Fn(&Counted) -> String,
) -> Vec<Row> {
    let mut place = vec![0; classes.len()];
    for (at, &class) in order.iter().enumerate() {
        place[class] = at;
    }
    let mut rows: Vec<Row> = order
        .iter()
        .map(|&class| Row {
            head: Total { class: classes[class].clone(), total: thousands(counted.row_sum(class)) },
            cells: order.iter().map(|&column| Cell::empty(class == column)).collect(),
        })
        .collect();
    for cell in counted.cells() {
        let (actual, predicted) = (&classes[cell.actual], &classes[cell.predicted]);
        let drawn = &mut rows[place[cell.actual]].cells[place[cell.predicted]];
        drawn.text = text(cell, counted, options.figure);
        drawn.href = href(cell);
        drawn.label = format!(
            "{} of {} {actual} predicted as {predicted}",
            thousands(cell.count),
            thousands(counted.row_sum(cell.actual))
        );
        drawn.shade = shade(cell, counted, options);
        drawn.chosen = chosen == (actual.as_str(), predicted.as_str());
    }
    rows
}

impl Cell {
    fn empty(diagonal: bool) -> Cell {
        Cell {
            text: String::new(),
            href: String::new(),
            label: String::new(),
            shade: 0,
            diagonal,
            chosen: false,
        }
    }
}

/// What a cell is shaded by: its share of what its figure is a part of.
fn share(cell: &Counted, counted: &ConfusionCells, figure: CellFigure) -> f64 {
    let whole = match figure {
        CellFigure::Count | CellFigure::RowShare => counted.row_sum(cell.actual),
        CellFigure::ColumnShare => counted.column_sum(cell.predicted),
    };
    cell.count as f64 / whole.max(1) as f64
}

fn text(cell: &Counted, counted: &ConfusionCells, figure: CellFigure) -> String {
    let percent = share(cell, counted, figure) * 100.0;
    match figure {
        CellFigure::Count => thousands(cell.count),
        _ if percent < 0.5 => "<1".to_owned(),
        _ => format!("{percent:.0}"),
    }
}

/// Where the diagonal is hidden, the scale ends with the most frequent mistake.
fn shade(cell: &Counted, counted: &ConfusionCells, options: MatrixOptions) -> u64 {
    let share = match (options.hide_diagonal, options.figure) {
        (true, _) if cell.actual == cell.predicted => return 0,
        (true, CellFigure::Count) => cell.count as f64 / counted.greatest_mistake().max(1) as f64,
        _ => share(cell, counted, options.figure),
    };
    ((share * 9.0) as u64).clamp(1, 9)
}

/// Classes in the order shown and cells as `[row, column, count]`.
fn heat_map(classes: &[String], counted: &ConfusionCells, options: MatrixOptions, order: &[usize]) -> String {
    let mut place = vec![0; classes.len()];
    for (at, &class) in order.iter().enumerate() {
        place[class] = at;
    }
    let names: Vec<&str> = order.iter().map(|&class| classes[class].as_str()).collect();
    let cells: Vec<[u64; 3]> = counted
        .cells()
        .iter()
        .map(|cell| [place[cell.actual] as u64, place[cell.predicted] as u64, cell.count])
        .collect();
    let [(_, figure), ..] = options.pairs();
    let data = json!({
        "classes": names,
        "cells": cells,
        "figure": if figure.is_empty() { "count" } else { figure },
        "hideDiagonal": options.hide_diagonal,
    });
    // Within a script element only this could end it.
    data.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(classes: usize, cells: &[(usize, usize, u64)]) -> ConfusionCells {
        let cells = cells.iter().map(|&(actual, predicted, count)| Counted { actual, predicted, count });
        ConfusionCells::new(classes, cells)
    }

    fn matrix(options: MatrixOptions) -> Matrix {
        let classes = ["cat".to_owned(), "R&D".to_owned()];
        let cells = counted(2, &[(0, 0, 8), (0, 1, 2), (1, 1, 5)]);
        Matrix::new("/runs/3/predictions", "val", &classes, &cells, options, ("cat", "R&D"))
    }

    #[test]
    fn a_cell_opens_its_images() {
        let matrix = matrix(MatrixOptions::default());
        let cell = &matrix.rows[0].cells[1];
        assert_eq!(cell.href, "/runs/3/predictions?split=val&actual=cat&predicted=R%26D");
        assert_eq!((cell.text.as_str(), cell.css().as_str()), ("2", "wrong shade-1 chosen"));
        assert_eq!(cell.label, "2 of 10 cat predicted as R&D");
        let shades = matrix.rows.iter().flat_map(|row| row.cells.iter().map(|cell| cell.shade));
        assert_eq!(shades.collect::<Vec<_>>(), [7, 1, 0, 9]);
        assert_eq!(matrix.rows[1].cells[0].text, "");
        let first = &matrix.confusions[0];
        assert_eq!((first.label().as_str(), first.count, first.share), ("cat → R&D", 2, 20.0));
        assert_eq!(matrix.confusions.len(), 1);
        assert_eq!((matrix.columns[1].total.as_str(), matrix.rows[0].head.total.as_str()), ("7", "10"));
    }

    #[test]
    fn figures_are_counts_or_shares_of_the_row_or_the_column() {
        let texts = |figure| {
            let matrix = matrix(MatrixOptions { figure, ..MatrixOptions::default() });
            let cells = matrix.rows.into_iter().flat_map(|row| row.cells);
            cells.map(|cell| cell.text).collect::<Vec<_>>()
        };
        assert_eq!(texts(CellFigure::Count), ["8", "2", "", "5"]);
        assert_eq!(texts(CellFigure::RowShare), ["80", "20", "", "100"]);
        assert_eq!(texts(CellFigure::ColumnShare), ["100", "29", "", "71"]);
    }

    #[test]
    fn without_the_diagonal_the_greatest_mistake_is_darkest() {
        let matrix = matrix(MatrixOptions { hide_diagonal: true, ..MatrixOptions::default() });
        let shades = matrix.rows.iter().flat_map(|row| row.cells.iter().map(|cell| cell.shade));
        assert_eq!(shades.collect::<Vec<_>>(), [0, 9, 0, 0]);
    }

    #[test]
    fn many_classes_are_a_heat_map_that_can_not_end_its_script() {
        let mut classes: Vec<String> = (0..31).map(|at| format!("class {at}")).collect();
        classes[0] = "</script>".to_owned();
        let cells = counted(31, &[(0, 30, 3), (30, 30, 2)]);
        let options = MatrixOptions { by_similarity: true, ..MatrixOptions::default() };
        let matrix = Matrix::new("/p", "test", &classes, &cells, options, ("", ""));
        assert!(matrix.rows.is_empty() && !matrix.heat_map.contains('<'));
        let data: serde_json::Value = serde_json::from_str(&matrix.heat_map).unwrap();
        // 0 and 30 are mixed up, so they stand side by side.
        assert_eq!(data["classes"][1], "class 30");
        assert_eq!(data["cells"], json!([[0, 1, 3], [1, 1, 2]]));
    }

    #[test]
    fn options_are_read_from_an_address_and_written_to_it() {
        for text in [["", "", ""], ["row", "hide", ""], ["column", "", "similar"]] {
            let options = MatrixOptions::read(text[0], text[1], text[2]).unwrap();
            assert_eq!(options.pairs().map(|(_, value)| value), text);
        }
        assert!(MatrixOptions::read("rows", "", "").is_err());
        assert!(MatrixOptions::read("", "gone", "").is_err());
        assert!(MatrixOptions::read("", "", "alphabetical").is_err());
    }
}
