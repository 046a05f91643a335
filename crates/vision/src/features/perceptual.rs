//! A hash that stays nearly the same when an image is saved again or resized: pHash (Zauner 2010, "Implementation and
//! benchmarking of perceptual image hash functions"), the signs of the lowest frequencies of the discrete cosine
//! transform. Where pHash takes the lowest 8 × 8 and the constant term, this takes the 64 that are lowest by sum of
//! both frequencies, the constant left out.

use super::grid::{Grid, SIDE, luma};
use std::f32::consts::PI;
use std::sync::LazyLock;

const BITS: usize = 64;
/// One more than the highest frequency of those taken.
const FREQUENCIES: usize = 11;

/// `COSINES[u][x]`: frequency `u` at the middle of cell `x` (DCT-II).
static COSINES: LazyLock<[[f32; SIDE]; FREQUENCIES]> = LazyLock::new(|| {
    let cosine = |u: usize, x: usize| (PI * u as f32 * (x as f32 + 0.5) / SIDE as f32).cos();
    std::array::from_fn(|u| std::array::from_fn(|x| cosine(u, x)))
});

/// The frequencies (across, down) behind the bits, lowest first.
static TAKEN: LazyLock<Vec<(usize, usize)>> = LazyLock::new(|| {
    (1..FREQUENCIES).flat_map(|sum| (0..=sum).map(move |across| (across, sum - across))).take(BITS).collect()
});

/// Bit `i` is set where the `i`-th frequency is above the median of all 64.
pub(super) fn hash(grid: &Grid) -> u64 {
    let rows: [[f32; SIDE]; SIDE] = std::array::from_fn(|y| std::array::from_fn(|x| luma(grid.at(x, y))));
    // By frequency across: its strength in each row.
    let across: [[f32; SIDE]; FREQUENCIES] =
        std::array::from_fn(|u| std::array::from_fn(|y| dot(&COSINES[u], &rows[y])));
    let mut coefficients = [0.0; BITS];
    for (coefficient, &(u, v)) in coefficients.iter_mut().zip(TAKEN.iter()) {
        *coefficient = dot(&COSINES[v], &across[u]);
    }
    let mut sorted = coefficients;
    sorted.sort_by(f32::total_cmp);
    let median = (sorted[BITS / 2 - 1] + sorted[BITS / 2]) / 2.0;
    (0..BITS).fold(0, |hash, bit| hash | u64::from(coefficients[bit] > median) << bit)
}

fn dot(a: &[f32; SIDE], b: &[f32; SIDE]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
