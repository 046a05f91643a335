//! The confusion matrix: how many samples of each class were predicted as which. Counts only; the figures drawn
//! from them are in [`super::metrics`]. It knows neither class names nor where the predictions came from.

/// How many samples of each class were predicted as which: rows are actual classes, columns predicted ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// `[classes, classes]`, row-major.
    counts: Vec<u64>,
}

impl Confusion {
    /// A matrix of zeros.
    pub fn new(classes: usize) -> Confusion {
        Confusion { classes, counts: vec![0; classes * classes] }
    }

    /// Counts pairs of (actual, predicted).
    ///
    /// # Panics
    /// Where a class is not below `classes`.
    pub fn from_pairs(classes: usize, pairs: impl IntoIterator<Item = (u32, u32)>) -> Confusion {
        let mut confusion = Confusion::new(classes);
        for (actual, predicted) in pairs {
            confusion.add(actual, predicted);
        }
        confusion
    }

    /// Counts one more sample.
    ///
    /// # Panics
    /// Where a class is not below [`Confusion::classes`].
    pub fn add(&mut self, actual: u32, predicted: u32) {
        let cell = self.cell(actual, predicted);
        self.counts[cell] += 1;
    }

    /// Rows, and columns.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Samples of class `actual` that were predicted as `predicted`.
    ///
    /// # Panics
    /// Where a class is not below [`Confusion::classes`].
    pub fn count(&self, actual: u32, predicted: u32) -> u64 {
        self.counts[self.cell(actual, predicted)]
    }

    /// One slice of `classes` counts for each actual class, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        // A matrix without classes has no counts to chunk; 1 stands in for the size that must not be 0.
        self.counts.chunks_exact(self.classes.max(1))
    }

    /// Samples by actual class: what scikit-learn calls support.
    pub fn row_sums(&self) -> Vec<u64> {
        self.rows().map(|row| row.iter().sum()).collect()
    }

    /// Samples by predicted class.
    pub fn column_sums(&self) -> Vec<u64> {
        let mut sums = vec![0; self.classes];
        for row in self.rows() {
            for (sum, count) in sums.iter_mut().zip(row) {
                *sum += count;
            }
        }
        sums
    }

    /// The diagonal: right answers by class.
    pub fn diagonal(&self) -> Vec<u64> {
        self.rows().enumerate().map(|(class, row)| row[class]).collect()
    }

    /// All samples.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn cell(&self, actual: u32, predicted: u32) -> usize {
        let (row, column) = (actual as usize, predicted as usize);
        // Without this a column too far would silently be a cell of the next row.
        assert!(
            row < self.classes && column < self.classes,
            "({actual}, {predicted}) in {0} × {0}",
            self.classes
        );
        row * self.classes + column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_actual_and_columns_are_predicted() {
        let confusion = Confusion::from_pairs(3, [(0, 0), (0, 2), (0, 2), (1, 1), (2, 0)]);
        assert_eq!(confusion.count(0, 2), 2);
        assert_eq!(confusion.count(2, 0), 1);
        assert_eq!(confusion.rows().collect::<Vec<_>>(), [[1, 0, 2], [0, 1, 0], [1, 0, 0]]);
        assert_eq!(confusion.row_sums(), [3, 1, 1]);
        assert_eq!(confusion.column_sums(), [2, 1, 2]);
        assert_eq!(confusion.diagonal(), [1, 1, 0]);
        assert_eq!(confusion.total(), 5);
        assert_eq!(confusion.classes(), 3);
    }

    #[test]
    fn no_classes_is_an_empty_matrix() {
        let confusion = Confusion::from_pairs(0, []);
        assert_eq!(confusion.rows().len(), 0);
        assert_eq!((confusion.total(), confusion.row_sums(), confusion.column_sums()), (0, vec![], vec![]));
    }

    #[test]
    #[should_panic(expected = "(0, 2) in 2 × 2")]
    fn a_column_too_far_is_not_the_next_row() {
        Confusion::new(2).count(0, 2);
    }
}
