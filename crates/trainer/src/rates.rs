//! At which share of the learning rate each number of a network learns while weights are fine-tuned: less the nearer a block
//! lies to the input, and nothing before its time (Howard and Ruder 2018, *Universal language model fine-tuning*).

use crate::layers::Network;
use protocol::spec::{FineTune, Training};
use tch::Tensor;

/// What learns in an epoch, and how fast.
pub enum Rates {
    /// Everything that learns does so at one rate, and has from the start.
    Even,
    /// The last layer alone.
    Head(ByDepth),
    /// Each block at its share of the rate.
    ByDepth(ByDepth),
}

/// Rates that differ.
pub struct ByDepth {
    /// The share of the learning rate, for each number of the network; 0: it does not learn yet.
    pub shares: Tensor,
    /// How many numbers of the flat tensor, in order, began to learn after how many steps.
    pub begun: Vec<(i64, u64)>,
}

impl Rates {
    /// Those of an epoch, which counts from 1.
    pub fn of(network: &Network, training: Training, epoch: u32, steps_per_epoch: u64) -> Rates {
        let Training::FineTune(how) = training else { return Rates::Even };
        if how.head_epochs == 0 && how.unfreeze_epochs == 0 && how.rate_decay == 1.0 {
            return Rates::Even;
        }
        let deepest = network.parameters.iter().map(|parameter| parameter.depth).max().unwrap_or(0);
        let (mut parts, mut begun) = (Vec::new(), Vec::new());
        for parameter in &network.parameters {
            let length = parameter.range.end - parameter.range.start;
            let share = share(how, parameter.depth, deepest, epoch);
            parts.push(Tensor::full([length], share, (network.flat.kind(), network.device())));
            let first = (1..=epoch).find(|&epoch| self::share(how, parameter.depth, deepest, epoch) > 0.0);
            let start = u64::from(first.unwrap_or(epoch) - 1) * steps_per_epoch;
            match begun.last_mut() {
                Some((run, same)) if *same == start => *run += length,
                _ => begun.push((length, start)),
            }
        }
        let by_depth = ByDepth { shares: Tensor::cat(&parts, 0), begun };
        if epoch <= how.head_epochs { Rates::Head(by_depth) } else { Rates::ByDepth(by_depth) }
    }

    /// The rates where they differ.
    pub fn by_depth(&self) -> Option<&ByDepth> {
        match self {
            Rates::Even => None,
            Rates::Head(by_depth) | Rates::ByDepth(by_depth) => Some(by_depth),
        }
    }
}

/// The share of a block `depth` in an epoch, where the last layer's depth is `deepest`.
fn share(how: FineTune, depth: u32, deepest: u32, epoch: u32) -> f64 {
    let from_the_end = deepest - depth;
    // Blocks that have begun, the last layer not counted: evenly more in each epoch of unfreezing, all in the one after.
    let begun = match epoch.checked_sub(how.head_epochs) {
        None | Some(0) => 0,
        Some(since) if since > how.unfreeze_epochs => deepest,
        Some(since) => (deepest * since).div_ceil(how.unfreeze_epochs + 1),
    };
    if from_the_end > begun { 0.0 } else { how.rate_decay.powi(from_the_end.cast_signed()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::{Optimizer, Part};
    use protocol::optimizer::OPTIMIZERS;
    use protocol::spec::DecayScope;

    #[test]
    fn a_block_that_begins_later_moves_as_with_an_optimiser_of_its_own() {
        // Two blocks of a matrix and a bias each.
        let block = || {
            let part = |shape: &[i64]| Part { shape: shape.to_vec(), decays: shape.len() > 1 };
            vec![part(&[2, 2]), part(&[2])]
        };
        let wave = |phase: f64| {
            let values: Vec<f32> = (0..12).map(|at| (1.7 * f64::from(at) + phase).sin() as f32).collect();
            Tensor::from_slice(&values)
        };
        for entry in &OPTIMIZERS {
            let make = |weights: &Tensor, parts| {
                Optimizer::new(entry.optimizer, 0.1, DecayScope::Weights, weights, parts)
            };
            let weights = wave(0.0);
            let mut together = make(&weights, [block(), block()].concat());
            let parts = [0, 6].map(|start| weights.narrow(0, start, 6).copy());
            let mut own = [&parts[0], &parts[1]].map(|part| make(part, block()));
            for step in 0..9 {
                let gradient = wave(f64::from(step) + 1.0);
                let begun = step >= 5;
                let share = if begun { 0.5 } else { 0.0 };
                let options = (tch::Kind::Float, tch::Device::Cpu);
                let shares = Tensor::cat(&[Tensor::full([6], share, options), Tensor::ones([6], options)], 0);
                let by_depth = ByDepth { shares, begun: vec![(6, 5), (6, 0)] };
                together.step(&weights, &gradient, 0.01, Some(&by_depth));
                if begun {
                    own[0].step(&parts[0], &gradient.narrow(0, 0, 6), 0.005, None);
                }
                own[1].step(&parts[1], &gradient.narrow(0, 6, 6), 0.01, None);
                let difference = (&weights - Tensor::cat(&parts, 0)).abs().max().double_value(&[]);
                assert!(difference < 1e-6, "{}, step {step}: {difference}", entry.name);
            }
        }
    }

    #[test]
    fn blocks_begin_from_the_end_and_learn_more_slowly_towards_the_input() {
        let how =
            FineTune { head_epochs: 1, unfreeze_epochs: 2, rate_decay: 0.5, keep_norm_statistics: true };
        let shares = |epoch| (0..=4).map(|depth| share(how, depth, 4, epoch)).collect::<Vec<_>>();
        assert_eq!(shares(1), [0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(shares(2), [0.0, 0.0, 0.25, 0.5, 1.0]);
        assert_eq!(shares(3), [0.0, 0.125, 0.25, 0.5, 1.0]);
        assert_eq!(shares(4), [0.0625, 0.125, 0.25, 0.5, 1.0]);
        let all = (0..=4).map(|depth| share(FineTune::ALL_LAYERS, depth, 4, 1));
        assert!(all.into_iter().all(|share| share == 1.0));
    }
}
