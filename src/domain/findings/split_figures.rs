//! What the images of training and validation are like, in figures small enough to keep with a run.

use serde::{Deserialize, Serialize};

/// Quantiles that are kept of a figure: a distance between two splits is exact to 2 %.
const QUANTILES: usize = 51;

/// Of the two splits that have to be alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitFigures {
    /// What is learned from.
    pub train: OfSplit,
    /// What epochs are evaluated on.
    pub val: OfSplit,
    /// Whether brightness was measured of every image.
    pub is_measured: bool,
}

/// Of one split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfSplit {
    /// Images of each class, in the order of the run's classes.
    pub classes: Vec<u64>,
    /// Width × height.
    pub pixels: Spread,
    /// Median luma, levels.
    pub brightness: Spread,
}

/// How a figure is spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Of so many images.
    pub count: u64,
    /// Evenly apart, least to greatest; empty of no images.
    pub quantiles: Vec<f64>,
}

impl Spread {
    /// Of these numbers.
    pub fn of(mut numbers: Vec<f64>) -> Spread {
        numbers.retain(|number| number.is_finite());
        numbers.sort_by(f64::total_cmp);
        let Some(last) = numbers.len().checked_sub(1) else { return Spread::default() };
        let at = |place: usize| numbers[(place * last + (QUANTILES - 1) / 2) / (QUANTILES - 1)];
        Spread { count: numbers.len() as u64, quantiles: (0..QUANTILES).map(at).collect() }
    }

    /// The middle.
    pub fn median(&self) -> Option<f64> {
        self.quantiles.get(QUANTILES / 2).copied()
    }

    /// The greatest difference between the shares of images below any value (Kolmogorov and Smirnov): 0 where both are spread alike,
    /// 1 where they have no value in common.
    pub fn distance(&self, other: &Spread) -> f64 {
        let below = |spread: &Spread, value: f64| {
            spread.quantiles.partition_point(|quantile| *quantile <= value) as f64
                / spread.quantiles.len().max(1) as f64
        };
        let values = self.quantiles.iter().chain(&other.quantiles);
        values.map(|value| (below(self, *value) - below(other, *value)).abs()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_is_that_of_the_numbers_themselves() {
        let spread = |from: u32, to: u32| Spread::of((from..to).map(f64::from).collect());
        let first = spread(0, 1000);
        assert_eq!(first.median(), Some(500.0));
        assert!(first.distance(&spread(0, 1000)) < 1e-9);
        assert!((first.distance(&spread(300, 1300)) - 0.3).abs() < 0.03);
        assert!((first.distance(&spread(2000, 2010)) - 1.0).abs() < 1e-9);
        let alike = Spread::of(vec![1024.0; 30]);
        assert_eq!((alike.distance(&Spread::of(vec![1024.0; 5])), alike.count), (0.0, 30));
        assert_eq!(Spread::of(vec![f64::NAN]), Spread::default());
    }
}
