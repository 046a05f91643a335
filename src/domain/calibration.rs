//! Whether a network is right as often as it says: samples in bins of their confidence.

use super::logits::SamplePrediction;

/// Bins of the calibration curve (Guo et al. 2017 use 15).
pub const CALIBRATION_BINS: usize = 15;

/// Samples whose confidence is in `(lower, upper]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Exclusive.
    pub lower: f64,
    /// Inclusive.
    pub upper: f64,
    /// Samples.
    pub count: u64,
    /// Mean probability of the predicted class.
    pub confidence: Option<f64>,
    /// Share of right answers.
    pub accuracy: Option<f64>,
}

/// The sums of one bin; kept as sums so that each mean is divided once.
#[derive(Clone, Copy, Default)]
pub(super) struct Bin {
    count: u64,
    correct: u64,
    confidence: f64,
}

impl Bin {
    pub(super) fn add(&mut self, prediction: &SamplePrediction) {
        self.count += 1;
        self.correct += u64::from(prediction.correct);
        self.confidence += prediction.confidence;
    }

    /// How far its accuracy is from its confidence, times its samples.
    pub(super) fn error(&self) -> f64 {
        (self.correct as f64 - self.confidence).abs()
    }

    pub(super) fn figures(&self, index: usize) -> CalibrationBin {
        CalibrationBin {
            lower: edge(index),
            upper: edge(index + 1),
            count: self.count,
            confidence: (self.count > 0).then(|| self.confidence / self.count as f64),
            accuracy: (self.count > 0).then(|| self.correct as f64 / self.count as f64),
        }
    }
}

fn edge(index: usize) -> f64 {
    index as f64 / CALIBRATION_BINS as f64
}

/// Compares with the edges themselves: `ceil(15 c) - 1` rounds some confidences that equal one into the next bin.
pub(super) fn bin_of(confidence: f64) -> Option<usize> {
    (0..CALIBRATION_BINS).find(|&bin| confidence <= edge(bin + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_on_an_edge_belongs_to_the_bin_below() {
        for bin in 0..CALIBRATION_BINS {
            assert_eq!(bin_of(edge(bin + 1)), Some(bin));
            assert_eq!(bin_of(edge(bin + 1).next_up()), (bin + 1 < CALIBRATION_BINS).then_some(bin + 1));
        }
        assert_eq!(bin_of(f64::NAN), None);
    }
}
