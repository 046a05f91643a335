//! The cells of a confusion matrix that hold something: what pages draw matrices and lists of mistakes from. Every
//! figure costs time by the cells that are there, not by the square of the classes.

/// Images of one class that were predicted as another, or as their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Their class.
    pub actual: usize,
    /// The class that the network gave them.
    pub predicted: usize,
    /// How many; never 0.
    pub count: u64,
}

/// A confusion matrix without its empty cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionCells {
    cells: Vec<Cell>,
    row_sums: Vec<u64>,
    column_sums: Vec<u64>,
    diagonal: Vec<u64>,
}

impl ConfusionCells {
    /// Of counted cells; those beyond the classes are left out.
    pub fn new(classes: usize, cells: impl IntoIterator<Item = Cell>) -> ConfusionCells {
        let cells: Vec<Cell> = cells
            .into_iter()
            .filter(|cell| cell.actual < classes && cell.predicted < classes && cell.count > 0)
            .collect();
        let (mut row_sums, mut column_sums) = (vec![0; classes], vec![0; classes]);
        let mut diagonal = vec![0; classes];
        for cell in &cells {
            row_sums[cell.actual] += cell.count;
            column_sums[cell.predicted] += cell.count;
            if cell.actual == cell.predicted {
                diagonal[cell.actual] += cell.count;
            }
        }
        ConfusionCells { cells, row_sums, column_sums, diagonal }
    }

    /// Rows, and columns.
    pub fn classes(&self) -> usize {
        self.row_sums.len()
    }

    /// The cells, in the order in which they came.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Images of a class.
    pub fn row_sum(&self, class: usize) -> u64 {
        self.row_sums[class]
    }

    /// Images predicted as a class.
    pub fn column_sum(&self, class: usize) -> u64 {
        self.column_sums[class]
    }

    /// Images of a class that were predicted as another one.
    pub fn wrong(&self, class: usize) -> u64 {
        self.row_sums[class] - self.diagonal[class]
    }

    /// All images.
    pub fn total(&self) -> u64 {
        self.row_sums.iter().sum()
    }

    /// The largest number of images in one cell off the diagonal.
    pub fn greatest_mistake(&self) -> u64 {
        self.mistakes().map(|cell| cell.count).max().unwrap_or(0)
    }

    /// The most frequent kinds of mistake, greatest first; equal ones by class.
    pub fn most_frequent(&self, limit: usize) -> Vec<Cell> {
        let mut mistakes: Vec<Cell> = self.mistakes().collect();
        mistakes.sort_by_key(|cell| (std::cmp::Reverse(cell.count), cell.actual, cell.predicted));
        mistakes.truncate(limit);
        mistakes
    }

    /// The classes in an order that puts those side by side that the network mixes up most: pairs are joined from the
    /// most confused down, each class to two neighbours at most (the greedy heuristic for a shortest path).
    pub fn order_by_similarity(&self) -> Vec<usize> {
        let mut shares: std::collections::BTreeMap<(usize, usize), f64> = Default::default();
        for cell in self.mistakes() {
            let pair = (cell.actual.min(cell.predicted), cell.actual.max(cell.predicted));
            *shares.entry(pair).or_default() += cell.count as f64 / self.row_sums[cell.actual] as f64;
        }
        let mut pairs: Vec<((usize, usize), f64)> = shares.into_iter().collect();
        pairs.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut chains = Chains::new(self.classes());
        for ((a, b), _) in pairs {
            chains.join(a, b);
        }
        chains.order()
    }

    fn mistakes(&self) -> impl Iterator<Item = Cell> + '_ {
        self.cells.iter().copied().filter(|cell| cell.actual != cell.predicted)
    }
}

/// Classes that are being strung together.
struct Chains {
    neighbours: Vec<Vec<usize>>,
    /// Leads to the representative of a class's chain.
    parent: Vec<usize>,
}

impl Chains {
    fn new(classes: usize) -> Chains {
        Chains { neighbours: vec![Vec::new(); classes], parent: (0..classes).collect() }
    }

    fn root(&mut self, mut class: usize) -> usize {
        while self.parent[class] != class {
            self.parent[class] = self.parent[self.parent[class]];
            class = self.parent[class];
        }
        class
    }

    /// Joins two chains by their ends; not where one is no end, nor where it would close a ring.
    fn join(&mut self, a: usize, b: usize) {
        let (from, to) = (self.root(a), self.root(b));
        if from == to || self.neighbours[a].len() > 1 || self.neighbours[b].len() > 1 {
            return;
        }
        self.neighbours[a].push(b);
        self.neighbours[b].push(a);
        self.parent[to] = from;
    }

    /// One chain after the other, each from the end with the lower class.
    fn order(&self) -> Vec<usize> {
        let mut seen = vec![false; self.neighbours.len()];
        let mut order = Vec::new();
        for start in 0..self.neighbours.len() {
            if seen[start] || self.neighbours[start].len() > 1 {
                continue;
            }
            let mut next = Some(start);
            while let Some(class) = next {
                seen[class] = true;
                order.push(class);
                next = self.neighbours[class].iter().copied().find(|other| !seen[*other]);
            }
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(classes: usize, counts: &[(usize, usize, u64)]) -> ConfusionCells {
        let cells = counts.iter().map(|&(actual, predicted, count)| Cell { actual, predicted, count });
        ConfusionCells::new(classes, cells)
    }

    #[test]
    fn sums_and_mistakes_are_those_of_the_cells() {
        let matrix = cells(3, &[(0, 0, 8), (0, 1, 2), (1, 1, 5), (2, 0, 2), (7, 0, 9), (1, 2, 0)]);
        assert_eq!((matrix.row_sum(0), matrix.row_sum(2), matrix.column_sum(0)), (10, 2, 10));
        assert_eq!((matrix.wrong(0), matrix.wrong(1), matrix.wrong(2)), (2, 0, 2));
        assert_eq!((matrix.total(), matrix.greatest_mistake()), (17, 2));
        let most: Vec<_> = matrix.most_frequent(9).iter().map(|cell| (cell.actual, cell.predicted)).collect();
        assert_eq!(most, [(0, 1), (2, 0)]);
        assert_eq!(matrix.most_frequent(1).len(), 1);
    }

    #[test]
    fn classes_that_are_mixed_up_stand_side_by_side() {
        // 0 with 3, 3 with 1; 2 with 4: the others not at all.
        let matrix = cells(
            6,
            &[(0, 0, 5), (0, 3, 5), (3, 1, 3), (1, 1, 10), (2, 4, 9), (4, 4, 10), (5, 5, 1), (3, 3, 7)],
        );
        assert_eq!(matrix.order_by_similarity(), [0, 3, 1, 2, 4, 5]);
    }

    #[test]
    fn every_class_is_in_the_order_once_whatever_is_mixed_up() {
        let all: Vec<(usize, usize, u64)> =
            (0..40).flat_map(|a| (0..40).map(move |b| (a, b, ((a * 7 + b * 13) % 5) as u64))).collect();
        let mut order = cells(40, &all).order_by_similarity();
        order.sort_unstable();
        assert_eq!(order, (0..40).collect::<Vec<_>>());
        assert_eq!(cells(0, &[]).order_by_similarity(), Vec::<usize>::new());
    }

    /// A thousand classes cost what their few cells cost: a dense matrix here would be a million cells a figure.
    #[test]
    fn a_thousand_classes_are_few_cells() {
        let few: Vec<(usize, usize, u64)> = (0..1000).map(|class| (class, (class * 3) % 1000, 1)).collect();
        let matrix = cells(1000, &few);
        assert_eq!(matrix.cells().len(), 1000);
        assert_eq!(matrix.order_by_similarity().len(), 1000);
    }
}
