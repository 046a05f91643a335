//! Multinomial logistic regression, fitted to the end: the same optimum as scikit-learn's `LogisticRegression` (L2
//! penalty of `1 / (2 C)`, intercept free) with `class_weight="balanced"`.
//!
//! Böhning's method (1992, "Multinomial logistic regression algorithm"): the Hessian of the softmax is nowhere above
//! `½ (I - 11ᵀ/K) ⊗ XᵀX`, so one factor of `½ XᵀX + I/C`, a matrix of the columns alone, serves every step and every class,
//! each step is sure to improve, and there is neither a line search nor a learning rate. Nesterov's momentum,
//! restarted where it would lead astray, makes it quick.

const MAX_STEPS: usize = 300;
/// Steps end when no weight changes by more.
const TOLERANCE: f64 = 1e-4;

/// Strength of the penalty, `1 / C`; scikit-learn's default. With two classes it has one row of weights, the difference
/// of the two here, whose square is twice the sum of their squares.
fn penalty(classes: usize) -> f64 {
    if classes == 2 { 2.0 } else { 1.0 }
}

/// Samples as rows, all of the same number of columns.
pub(super) struct Table<'a> {
    /// Row by row; what is fitted on is best standardised.
    pub(super) values: &'a [f64],
    /// Columns.
    pub(super) columns: usize,
}

impl Table<'_> {
    /// One sample.
    pub(super) fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.columns..(index + 1) * self.columns]
    }
}

/// A fitted classifier.
pub(super) struct Logistic {
    /// Class by class: a weight a column, then the intercept.
    weights: Vec<f64>,
    classes: usize,
}

impl Logistic {
    /// Fits on the rows named by `rows`; `labels` holds a label for every row of the table.
    pub(super) fn fit(table: &Table, labels: &[usize], rows: &[usize], classes: usize) -> Logistic {
        let size = table.columns + 1;
        let importance = importance(labels, rows, classes);
        let factor = Cholesky::of(curvature(table, labels, rows, &importance, penalty(classes)), size);
        let mut model = Logistic { weights: vec![0.0; classes * size], classes };
        let (mut ahead, mut momentum) = (model.weights.clone(), 1.0_f64);
        for _ in 0..MAX_STEPS {
            let mut step =
                Logistic { weights: ahead.clone(), classes }.gradient(table, labels, rows, &importance);
            step.chunks_exact_mut(size).for_each(|class| factor.solve(class));
            let next: Vec<f64> = ahead.iter().zip(&step).map(|(at, step)| at - step).collect();
            let moved: Vec<f64> = next.iter().zip(&model.weights).map(|(next, at)| next - at).collect();
            // Restarted where the step points back (O'Donoghue, Candès 2015).
            let goes_back = step.iter().zip(&moved).map(|(step, moved)| step * moved).sum::<f64>() > 0.0;
            let next_momentum =
                if goes_back { 1.0 } else { (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0 };
            let carry = if goes_back { 0.0 } else { (momentum - 1.0) / next_momentum };
            ahead = next.iter().zip(&moved).map(|(next, moved)| next + carry * moved).collect();
            momentum = next_momentum;
            model.weights = next;
            if moved.iter().all(|moved| moved.abs() < TOLERANCE) {
                break;
            }
        }
        model
    }

    /// The most probable class; of equal ones the first.
    pub(super) fn predict(&self, row: &[f64]) -> usize {
        let scores = self.scores(row);
        (1..self.classes).fold(0, |best, class| if scores[class] > scores[best] { class } else { best })
    }

    fn scores(&self, row: &[f64]) -> Vec<f64> {
        let score = |class: &[f64]| class[row.len()] + dot(class, row);
        self.weights.chunks_exact(row.len() + 1).map(score).collect()
    }

    /// Of the penalised loss, laid out as the weights are.
    fn gradient(&self, table: &Table, labels: &[usize], rows: &[usize], importance: &[f64]) -> Vec<f64> {
        let size = table.columns + 1;
        let mut gradient = self.weights.clone();
        for class in gradient.chunks_exact_mut(size) {
            class.iter_mut().for_each(|weight| *weight *= penalty(self.classes));
            class[table.columns] = 0.0;
        }
        for &index in rows {
            let (row, label) = (table.row(index), labels[index]);
            let mut shares = self.scores(row);
            let greatest = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            shares.iter_mut().for_each(|score| *score = (*score - greatest).exp());
            let sum: f64 = shares.iter().sum();
            for (class, (share, gradient)) in shares.iter().zip(gradient.chunks_exact_mut(size)).enumerate() {
                let error = importance[label] * (share / sum - f64::from(u8::from(class == label)));
                for (gradient, value) in gradient.iter_mut().zip(row) {
                    *gradient += error * value;
                }
                gradient[table.columns] += error;
            }
        }
        gradient
    }
}

/// By class: so that each has the same say, however many samples it has.
fn importance(labels: &[usize], rows: &[usize], classes: usize) -> Vec<f64> {
    let mut counts = vec![0_usize; classes];
    for &row in rows {
        counts[labels[row]] += 1;
    }
    counts.iter().map(|&count| rows.len() as f64 / (classes * count.max(1)) as f64).collect()
}

/// `½ XᵀWX + I/C` with a column of ones for the intercept, which has no penalty but enough to be solved for.
fn curvature(table: &Table, labels: &[usize], rows: &[usize], importance: &[f64], penalty: f64) -> Vec<f64> {
    let size = table.columns + 1;
    let mut matrix = vec![0.0; size * size];
    let mut row = vec![1.0; size];
    for &index in rows {
        row[..table.columns].copy_from_slice(table.row(index));
        let weight = importance[labels[index]] / 2.0;
        for (line, &left) in matrix.chunks_exact_mut(size).zip(&row) {
            for (cell, &right) in line.iter_mut().zip(&row) {
                *cell += weight * left * right;
            }
        }
    }
    for column in 0..table.columns {
        matrix[column * size + column] += penalty;
    }
    matrix
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A symmetric positive definite matrix as `L Lᵀ`.
struct Cholesky {
    lower: Vec<f64>,
    size: usize,
}

impl Cholesky {
    fn of(mut matrix: Vec<f64>, size: usize) -> Cholesky {
        for i in 0..size {
            for j in 0..=i {
                let known = dot(&matrix[i * size..i * size + j], &matrix[j * size..j * size + j]);
                let rest = matrix[i * size + j] - known;
                matrix[i * size + j] = if i == j { rest.sqrt() } else { rest / matrix[j * size + j] };
            }
        }
        Cholesky { lower: matrix, size }
    }

    /// Replaces `b` by the solution of `L Lᵀ x = b`.
    fn solve(&self, b: &mut [f64]) {
        let (lower, size) = (&self.lower, self.size);
        for i in 0..size {
            b[i] = (b[i] - dot(&lower[i * size..i * size + i], &b[..i])) / lower[i * size + i];
        }
        for i in (0..size).rev() {
            let known: f64 = (i + 1..size).map(|k| lower[k * size + i] * b[k]).sum();
            b[i] = (b[i] - known) / lower[i * size + i];
        }
    }
}
