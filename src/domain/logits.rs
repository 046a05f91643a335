//! From a row of logits to a prediction. Pure and in `f64`.
//!
//! Decisions that hold everywhere in here:
//! * Of equal logits the lowest class comes first, as in NumPy's and PyTorch's `argmax`; NaN is greater than every
//!   number, as there. So a network that diverged has predictions like any other, and they are the same ones that
//!   PyTorch counts.
//! * A row that holds NaN or plus infinity has no probabilities: its confidence and loss are NaN. Minus infinity
//!   is a probability of 0, and a loss of infinity where it stands at the label.

/// What one row of logits says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SamplePrediction {
    /// The class with the greatest logit.
    pub predicted: u32,
    /// That class's probability; NaN where there is none.
    pub confidence: f64,
    /// Cross-entropy in nats: minus the logarithm of the label's probability. It can be infinite or NaN.
    pub loss: f64,
    /// Whether `predicted` is the label.
    pub correct: bool,
    /// How far the greatest probability is ahead of the second; NaN where there are none, 1 with one class.
    pub margin: f64,
}

/// Evaluates one row of logits, a logit a class.
///
/// # Panics
/// Where `label` is not below `row.len()`.
pub fn predict(row: &[f32], label: u32) -> SamplePrediction {
    let at_label = f64::from(row[label as usize]);
    let predicted = argmax(row);
    let greatest = f64::from(row[predicted]);
    // The softmax's denominator, at least 1. The loss needs only its logarithm, not the label's probability, which may
    // have underflowed to 0. Where `greatest` is infinite or NaN, its difference to itself is NaN, and so is all below.
    let sum: f64 = row.iter().map(|&logit| (f64::from(logit) - greatest).exp()).sum();
    let second = row.iter().enumerate().filter(|(class, _)| *class != predicted).map(|(_, &logit)| logit);
    let second = f64::from(second.fold(f32::NEG_INFINITY, f32::max));
    SamplePrediction {
        predicted: u32::try_from(predicted).expect("a label that reaches as far is a u32"),
        confidence: 1.0 / sum,
        loss: sum.ln() - (at_label - greatest),
        correct: predicted == label as usize,
        margin: (1.0 - (second - greatest).exp()) / sum,
    }
}

/// The probability of every class: `exp(logit) / Σ exp(logit)`, from differences to the greatest logit so that
/// nothing overflows. All NaN where the row holds NaN or plus infinity, or nothing but minus infinity.
pub fn softmax(row: &[f32]) -> Vec<f64> {
    let greatest = row.iter().copied().map(f64::from).fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|&logit| (f64::from(logit) - greatest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// Whether `a` ranks strictly above `b`.
fn above(a: f32, b: f32) -> bool {
    a > b || (a.is_nan() && !b.is_nan())
}

fn argmax(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, class| if above(row[class], row[best]) { class } else { best })
}

/// How many classes come before `class` when they are ordered by logit, greatest first, and then by class.
pub(super) fn rank(row: &[f32], class: usize) -> usize {
    let before = |(other, &logit): (usize, &f32)| {
        above(logit, row[class]) || (other < class && !above(row[class], logit))
    };
    row.iter().enumerate().filter(|&entry| before(entry)).count()
}

#[cfg(test)]
mod tests {
    use super::softmax;

    #[test]
    fn softmax_is_stable_and_sums_to_one() {
        assert_eq!(softmax(&[0.0, 0.0]), [0.5, 0.5]);
        assert_eq!(softmax(&[f32::MAX, f32::MIN]), [1.0, 0.0]);
        assert_eq!(softmax(&[f32::NEG_INFINITY, -1000.0]), [0.0, 1.0]);
        let probabilities = softmax(&[1.0, 2.0, 3.0]);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((probabilities[2] / probabilities[1] - 1.0_f64.exp()).abs() < 1e-14);
        for row in [[f32::NAN, 0.0], [0.0, f32::NAN], [f32::INFINITY, 0.0], [f32::NEG_INFINITY; 2]] {
            assert!(softmax(&row).iter().all(|probability| probability.is_nan()), "{row:?}");
        }
    }
}
