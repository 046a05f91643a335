//! The optimisers, by PyTorch's formulas, on the flat vector of all weights at once.
//! They must not know which layer a number belongs to, only how fast it learns.

use crate::fault::Fault;
use crate::rates::ByDepth;
use protocol::spec;
use tch::Tensor;

const MOMENTUM: f64 = 0.9;
const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// An optimiser with its state.
pub struct Optimizer {
    algorithm: spec::Optimizer,
    weight_decay: f64,
    /// By PyTorch's names, each as long as the weights.
    state: Vec<(&'static str, Tensor)>,
    /// Steps taken: AdamW corrects its averages by it.
    steps: u64,
}

impl Optimizer {
    /// A fresh one for `weights`: its state is zero.
    pub fn new(algorithm: spec::Optimizer, weight_decay: f64, weights: &Tensor) -> Self {
        let names: &[_] = match algorithm {
            spec::Optimizer::Sgd => &["momentum_buffer"],
            spec::Optimizer::Adamw => &["exp_avg", "exp_avg_sq"],
        };
        let state = names.iter().map(|&name| (name, weights.detach().zeros_like())).collect();
        Self { algorithm, weight_decay, state, steps: 0 }
    }

    /// Moves `weights` by one step against `gradient`, each number at its own rate where rates differ. It is then as if each block had
    /// an optimiser of its own, made when it began to learn, as with PyTorch's groups of parameters.
    pub fn step(
        &mut self,
        weights: &Tensor,
        gradient: &Tensor,
        learning_rate: f64,
        by_depth: Option<&ByDepth>,
    ) {
        self.steps += 1;
        tch::no_grad(|| {
            let mut weights = weights.detach();
            let before = by_depth.map(|_rates| weights.copy());
            match self.algorithm {
                spec::Optimizer::Sgd => self.sgd(weights.shallow_clone(), gradient, learning_rate),
                spec::Optimizer::Adamw => {
                    self.adamw(weights.shallow_clone(), gradient, learning_rate, by_depth);
                }
            }
            if let (Some(ByDepth { shares, .. }), Some(before)) = (by_depth, before) {
                // Both move a weight in proportion to the learning rate.
                let moved = (&weights - &before) * shares;
                weights.copy_(&(before + moved));
                // What does not learn yet leaves no trace in the averages.
                let learns = shares.gt(0.0);
                for (_, state) in &mut self.state {
                    let _ = state.g_mul_(&learns);
                }
            }
        });
    }

    /// `torch.optim.SGD(momentum=0.9, nesterov=True)`; a buffer of zeros gives its first step too.
    fn sgd(&mut self, mut weights: Tensor, gradient: &Tensor, learning_rate: f64) {
        let buffer = &mut self.state[0].1;
        let gradient = if self.weight_decay == 0.0 {
            gradient.shallow_clone()
        } else {
            gradient + &weights * self.weight_decay
        };
        let _ = buffer.g_mul_scalar_(MOMENTUM).g_add_(&gradient);
        let _ = weights.g_sub_(&((gradient + &*buffer * MOMENTUM) * learning_rate));
    }

    /// `torch.optim.AdamW(betas=(0.9, 0.999), eps=1e-8)`: Loshchilov and Hutter 2019, *Decoupled weight decay regularization*.
    fn adamw(
        &mut self,
        mut weights: Tensor,
        gradient: &Tensor,
        learning_rate: f64,
        by_depth: Option<&ByDepth>,
    ) {
        let _ = weights.g_mul_scalar_(1.0 - learning_rate * self.weight_decay);
        let _ = self.state[0].1.lerp_(gradient, 1.0 - BETA1);
        let _ = self.state[1].1.g_mul_scalar_(BETA2).g_add_(&(gradient * (1.0 - BETA2) * gradient));
        let everything = [(weights.size()[0], 0)];
        let mut start = 0;
        for &(length, begun) in by_depth.map_or(&everything[..], |rates| &rates.begun) {
            let of = |tensor: &Tensor| tensor.narrow(0, start, length);
            let steps = i32::try_from(self.steps.saturating_sub(begun).max(1)).unwrap_or(i32::MAX);
            let correction1 = 1.0 - BETA1.powi(steps);
            let correction2 = 1.0 - BETA2.powi(steps);
            let mut denominator = of(&self.state[1].1).sqrt() / correction2.sqrt();
            let _ = denominator.g_add_scalar_(EPSILON);
            let moved = of(&self.state[0].1) * (learning_rate / correction1) / denominator;
            let _ = of(&weights).g_sub_(&moved);
            start += length;
        }
    }

    /// The state, by PyTorch's names.
    pub fn state(&self) -> &[(&'static str, Tensor)] {
        &self.state
    }

    /// Takes up a state that [`Optimizer::state`] gave after `steps` steps; `read` finds a tensor by its name.
    pub fn restore(
        &mut self,
        steps: u64,
        mut read: impl FnMut(&str) -> Result<Tensor, Fault>,
    ) -> Result<(), Fault> {
        self.steps = steps;
        for (name, tensor) in &mut self.state {
            tensor.copy_(&read(name)?);
        }
        Ok(())
    }
}
