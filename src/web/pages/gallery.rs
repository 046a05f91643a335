//! What galleries are made of: tiles, the confusion matrix that filters them, colours of classes.

use super::format::{link, thousands};
use crate::store::predictions::Prediction;

/// Above this many classes a matrix is no longer legible; the most frequent confusions are listed instead.
pub(crate) const MATRIX_CLASSES: usize = 30;

/// An image in a gallery.
#[derive(Default)]
pub(crate) struct Tile {
    pub(crate) href: String,
    /// The sample: `#tile-ID` leads to its tile.
    pub(crate) id: i64,
    /// Its number, where it can be selected.
    pub(crate) sample: Option<i64>,
    pub(crate) hash: String,
    pub(crate) width: i64,
    pub(crate) height: i64,
    /// In place of the image where it can't be seen.
    pub(crate) alt: String,
    /// Beneath the image: class, or prediction.
    pub(crate) caption: String,
    /// What the gallery is ordered by.
    pub(crate) value: Option<String>,
    /// Of its class.
    pub(crate) colour: Option<String>,
    /// Whether it is a mistake, in words and shape.
    pub(crate) wrong: bool,
}

impl Tile {
    /// A prediction of a run, opening its page; `query` is the gallery that it stands in.
    pub(crate) fn prediction(
        base: &str,
        query: &[(&str, &str)],
        classes: &[String],
        item: &Prediction,
    ) -> Tile {
        let wrong = item.actual != item.predicted;
        let (actual, predicted) = (class(classes, item.actual), class(classes, item.predicted));
        let caption = if wrong {
            format!("{actual} → {predicted} {:.2}", item.confidence)
        } else {
            format!("✓ {actual} {:.2}", item.confidence)
        };
        Tile {
            href: link(&format!("{base}/samples/{}", item.sample_id), query),
            id: item.sample_id.0,
            sample: None,
            hash: item.hash.clone(),
            width: item.width,
            height: item.height,
            alt: format!("{actual}, predicted as {predicted}: {}", item.path),
            caption,
            wrong,
            ..Tile::default()
        }
    }

    /// Whether it is enlarged pixel by pixel rather than smoothly.
    pub(crate) fn is_small(&self) -> bool {
        self.width.max(self.height) <= 64
    }
}

/// The name of a label.
pub(crate) fn class(classes: &[String], label: i64) -> &str {
    usize::try_from(label).ok().and_then(|label| classes.get(label)).map_or("?", String::as_str)
}

/// The colour of a class, the same in every image and chart: Okabe and Ito's eight (2008), told apart by
/// colour-blind eyes too, then even steps of hue at two lightnesses.
pub(crate) fn class_color(label: usize) -> String {
    const OKABE_ITO: [&str; 8] =
        ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8a8a8a"];
    match OKABE_ITO.get(label) {
        Some(colour) => (*colour).to_owned(),
        None => {
            let beyond = label - OKABE_ITO.len();
            // The golden angle keeps neighbours apart, however many there are.
            format!(
                "hsl({:.0} 55% {}%)",
                (beyond as f64 * 137.508) % 360.0,
                if beyond.is_multiple_of(2) { 45 } else { 65 }
            )
        }
    }
}

/// A confusion matrix whose cells open their images.
pub(crate) struct Matrix {
    pub(crate) classes: Vec<String>,
    /// Rows are actual classes.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// The most frequent mistakes, greatest first.
    pub(crate) confusions: Vec<Confused>,
}

/// A cell.
pub(crate) struct Cell {
    pub(crate) count: i64,
    pub(crate) href: String,
    pub(crate) label: String,
    /// 0 to 9: share of the row in tenths, for the shade.
    pub(crate) shade: i64,
    pub(crate) diagonal: bool,
    pub(crate) chosen: bool,
}

/// A kind of mistake.
pub(crate) struct Confused {
    pub(crate) actual: String,
    pub(crate) predicted: String,
    pub(crate) count: i64,
    /// Of the actual class, in percent.
    pub(crate) share: f64,
    pub(crate) href: String,
}

impl Matrix {
    /// From counted cells (actual, predicted, count).
    pub(crate) fn new(
        base: &str,
        split: &str,
        classes: &[String],
        cells: &[(i64, i64, i64)],
        chosen: (Option<&str>, Option<&str>),
    ) -> Matrix {
        let count = |actual: usize, predicted: usize| {
            cells
                .iter()
                .find(|cell| (cell.0, cell.1) == (actual as i64, predicted as i64))
                .map_or(0, |cell| cell.2)
        };
        let support =
            |actual: i64| cells.iter().filter(|cell| cell.0 == actual).map(|cell| cell.2).sum::<i64>();
        let href = |actual: &str, predicted: &str| {
            link(
                &format!("{base}/predictions"),
                &[("split", split), ("actual", actual), ("predicted", predicted)],
            )
        };
        let rows = if classes.len() > MATRIX_CLASSES {
            Vec::new()
        } else {
            (0..classes.len())
                .map(|actual| {
                    let total = support(actual as i64).max(1);
                    (0..classes.len())
                        .map(|predicted| {
                            let count = count(actual, predicted);
                            let (from, to) = (classes[actual].as_str(), classes[predicted].as_str());
                            Cell {
                                count,
                                href: href(from, to),
                                label: format!(
                                    "{} of {} {from} predicted as {to}",
                                    thousands(count),
                                    thousands(total)
                                ),
                                shade: if count == 0 { 0 } else { (count * 9 / total).max(1) },
                                diagonal: actual == predicted,
                                chosen: chosen == (Some(from), Some(to)),
                            }
                        })
                        .collect()
                })
                .collect()
        };
        let mut confusions: Vec<Confused> = cells
            .iter()
            .filter(|cell| cell.0 != cell.1)
            .map(|&(actual, predicted, count)| {
                let (from, to) = (class(classes, actual), class(classes, predicted));
                Confused {
                    actual: from.to_owned(),
                    predicted: to.to_owned(),
                    count,
                    share: count as f64 * 100.0 / support(actual).max(1) as f64,
                    href: href(from, to),
                }
            })
            .collect();
        confusions
            .sort_by(|a, b| (b.count, &a.actual, &a.predicted).cmp(&(a.count, &b.actual, &b.predicted)));
        confusions.truncate(10);
        Matrix { classes: classes.to_vec(), rows, confusions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_opens_its_images() {
        let classes = ["cat".to_owned(), "R&D".to_owned()];
        let matrix = Matrix::new(
            "/runs/3",
            "val",
            &classes,
            &[(0, 0, 8), (0, 1, 2), (1, 1, 5)],
            (Some("cat"), Some("R&D")),
        );
        let cell = &matrix.rows[0][1];
        assert_eq!(cell.href, "/runs/3/predictions?split=val&actual=cat&predicted=R%26D");
        assert_eq!((cell.count, cell.shade, cell.diagonal, cell.chosen), (2, 1, false, true));
        assert_eq!(cell.label, "2 of 10 cat predicted as R&D");
        assert_eq!((matrix.rows[0][0].shade, matrix.rows[1][0].shade, matrix.rows[1][1].shade), (7, 0, 9));
        let first = &matrix.confusions[0];
        assert_eq!((first.actual.as_str(), first.count, first.share), ("cat", 2, 20.0));
        assert_eq!(matrix.confusions.len(), 1);
    }

    #[test]
    fn colours_of_classes_stay_apart() {
        let colours: std::collections::BTreeSet<String> = (0..100).map(class_color).collect();
        assert!(colours.len() > 95, "{}", colours.len());
    }
}
