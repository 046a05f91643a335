//! The average of the weights over the steps: what is evaluated and kept as the best, where it is on.

use tch::Tensor;

/// Exponentially falling averages of some tensors: `torch.optim.swa_utils.AveragedModel` with
/// `get_ema_multi_avg_fn(decay)` and `use_buffers=True`. After the first step they are what was there then. Running statistics of
/// normalisations are averaged as weights are, since those of the last step belong to other weights.
pub struct Averages {
    decay: f64,
    /// They share memory with what learns.
    live: Vec<Tensor>,
    averages: Vec<Tensor>,
}

impl Averages {
    /// Of these tensors, from their next step on.
    pub fn new(decay: f64, live: Vec<Tensor>) -> Self {
        let averages = live.iter().map(Tensor::copy).collect();
        Self { decay, live, averages }
    }

    /// Takes in what the step made, which was the first one or not.
    pub fn update(&mut self, is_first: bool) {
        tch::no_grad(|| {
            for (average, live) in self.averages.iter_mut().zip(&self.live) {
                if is_first {
                    average.copy_(live);
                } else {
                    let _ = average.lerp_(live, 1.0 - self.decay);
                }
            }
        });
    }

    /// Puts the averages in the place of what learns, and that in theirs. Done twice it changes nothing.
    pub fn swap(&mut self) {
        tch::no_grad(|| {
            for (average, live) in self.averages.iter_mut().zip(&mut self.live) {
                let kept = live.copy();
                live.copy_(average);
                average.copy_(&kept);
            }
        });
    }
}
