//! What is minimised: cross-entropy, with label smoothing, class weights and focusing.
//!
//! Of `N` samples and `C` classes, with `y` the shares of the classes in a sample (1 for its label; of a mixed sample λ for its own
//! label and 1 − λ for its partner's), label smoothing `ε`, class weights `w` and the focal exponent `γ`:
//!
//! ```text
//! y′ = (1 − ε) y + ε / C                                        p = softmax(logits)
//! loss = Σₙ Σ_c w_c y′ₙ_c (1 − pₙ_c)^γ (−log pₙ_c)  /  D
//! ```
//!
//! where `D` is the sum of the weights of the labels, or `N` for a mixed batch. With γ = 0 that is
//! `torch.nn.functional.cross_entropy`, given labels or, for a mixed batch, the shares; with one-hot `y` it is the focal loss of
//! Lin et al. 2017 for a softmax.

use protocol::spec::{ClassWeights, Loss};
use tch::{Device, Kind, Tensor};

/// The loss of a run.
pub struct LossFunction {
    spec: Loss,
    /// Of each class; `None`: all alike.
    weights: Option<Tensor>,
}

/// The loss of a batch.
pub struct BatchLoss {
    /// The mean, to be differentiated.
    pub mean: Tensor,
    /// What the sum was divided by, f32: by it means of several batches make the mean of all.
    pub weight: Tensor,
}

impl LossFunction {
    /// For training samples with these labels.
    pub fn new(spec: Loss, labels: impl Iterator<Item = u32>, classes: usize, device: Device) -> Self {
        let weights = match spec.class_weights {
            ClassWeights::Even => None,
            ClassWeights::Inverse => {
                let weights = inverse_frequencies(labels, classes);
                Some(Tensor::from_slice(&weights).to_device(device))
            }
        };
        Self { spec, weights }
    }

    /// Of logits `[n, classes]` for labels `[n]`; of a mixed batch `lambda` is the share of a sample's own label, and its partner is
    /// the sample before it.
    pub fn of(&self, logits: &Tensor, labels: &Tensor, lambda: Option<f64>) -> BatchLoss {
        let size = Tensor::from(labels.size()[0] as f32).to_device(labels.device());
        if self.weights.is_none() && self.spec.label_smoothing == 0.0 && self.spec.focal_gamma == 0.0 {
            let own = logits.cross_entropy_for_logits(labels);
            let mean = match lambda {
                None => own,
                Some(lambda) => {
                    let other = logits.cross_entropy_for_logits(&partners(labels));
                    own * lambda + other * (1.0 - lambda)
                }
            };
            return BatchLoss { mean, weight: size };
        }
        let classes = logits.size()[1];
        let one_hot = |labels: &Tensor| labels.one_hot(classes).to_kind(Kind::Float);
        let shares = match lambda {
            None => one_hot(labels),
            Some(lambda) => one_hot(labels) * lambda + one_hot(&partners(labels)) * (1.0 - lambda),
        };
        let smoothing = self.spec.label_smoothing;
        let shares = shares * (1.0 - smoothing) + smoothing / classes as f64;
        let log = logits.log_softmax(-1, Kind::Float);
        let mut terms = -(&log * shares);
        if self.spec.focal_gamma > 0.0 {
            // 1 − p, exact also next to 0; at 0 itself a power below 1 has no slope.
            let rest = (-log.expm1()).clamp_min(1e-12);
            terms = rest.pow_tensor_scalar(self.spec.focal_gamma) * terms;
        }
        if let Some(weights) = &self.weights {
            terms = weights * terms;
        }
        let weight = match (&self.weights, lambda) {
            (Some(weights), None) => weights.index_select(0, labels).sum(Kind::Float),
            _ => size,
        };
        BatchLoss { mean: terms.sum(Kind::Float) / &weight, weight }
    }
}

/// The labels that the samples of a mixed batch are mixed with.
pub fn partners(labels: &Tensor) -> Tensor {
    labels.roll([1], [0])
}

/// All samples / (classes that there are × samples of the class); 0 for a class that has none.
fn inverse_frequencies(labels: impl Iterator<Item = u32>, classes: usize) -> Vec<f32> {
    let mut counts = vec![0_u32; classes];
    for label in labels {
        counts[label as usize] += 1;
    }
    let all: u32 = counts.iter().sum();
    let present = counts.iter().filter(|count| **count > 0).count();
    let weight = |count: &u32| match count {
        0 => 0.0,
        count => (f64::from(all) / (present as f64 * f64::from(*count))) as f32,
    };
    counts.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_classes_together_count_alike() {
        let labels = [0, 0, 0, 0, 0, 0, 2, 2, 3];
        let weights = inverse_frequencies(labels.into_iter(), 4);
        assert_eq!(weights, [0.5, 0.0, 1.5, 3.0]);
    }

    #[test]
    fn means_of_batches_make_the_mean_of_all() {
        let spec = Loss { label_smoothing: 0.1, class_weights: ClassWeights::Inverse, focal_gamma: 1.5 };
        let labels = [0_u32, 1, 1, 2, 1, 0];
        let loss = LossFunction::new(spec, labels.into_iter(), 3, Device::Cpu);
        let logits: Vec<f32> = (0..18).map(|at| (1.7 * at as f32).sin() * 2.0).collect();
        let logits = Tensor::from_slice(&logits).view([6, 3]);
        let labels = Tensor::from_slice(&labels.map(i64::from));
        let part = |start, length| {
            let part = loss.of(&logits.narrow(0, start, length), &labels.narrow(0, start, length), None);
            (part.mean.double_value(&[]), part.weight.double_value(&[]))
        };
        let ((first, own), (second, other)) = (part(0, 4), part(4, 2));
        let whole = part(0, 6).0;
        assert!(((first * own + second * other) / (own + other) - whole).abs() < 1e-6);
    }

    #[test]
    fn a_sample_that_is_quite_sure_has_a_finite_gradient() {
        for focal_gamma in [0.5, 1.0, 2.0] {
            let spec = Loss { focal_gamma, ..Loss::default() };
            let loss = LossFunction::new(spec, [0, 1].into_iter(), 2, Device::Cpu);
            let logits = Tensor::from_slice2(&[[90.0_f32, -90.0], [90.0, -90.0]]).set_requires_grad(true);
            loss.of(&logits, &Tensor::from_slice(&[0_i64, 1]), None).mean.backward();
            assert_eq!(logits.grad().isfinite().all().int64_value(&[]), 1, "{focal_gamma}");
        }
    }
}
