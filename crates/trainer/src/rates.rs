//! At which share of the learning rate each number of a network learns while weights are fine-tuned: less the nearer a block
//! lies to the input, and nothing before its time (Howard and Ruder 2018, *Universal language model fine-tuning*).

use crate::layers::Network;
use protocol::spec::{FineTune, Training};
use tch::Tensor;

/// What learns in an epoch, and how fast.
pub enum Rates {
    /// Everything that learns does so at one rate.
    Even,
    /// The last layer alone; with a share of the rate for each number, 1 in the last layer and 0 elsewhere.
    Head(Tensor),
    /// Each number at its share of the rate.
    ByDepth(Tensor),
}

impl Rates {
    /// Those of an epoch, which counts from 1.
    pub fn of(network: &Network, training: Training, epoch: u32) -> Rates {
        let Training::FineTune(how) = training else { return Rates::Even };
        let deepest = network.parameters.iter().map(|parameter| parameter.depth).max().unwrap_or(0);
        let shares: Vec<f64> =
            network.parameters.iter().map(|parameter| share(how, parameter.depth, deepest, epoch)).collect();
        if shares.iter().all(|share| *share == 1.0) {
            return Rates::Even;
        }
        let parts: Vec<Tensor> = network
            .parameters
            .iter()
            .zip(&shares)
            .map(|(parameter, share)| {
                let length = parameter.range.end - parameter.range.start;
                Tensor::full([length], *share, (network.flat.kind(), network.device()))
            })
            .collect();
        let all = Tensor::cat(&parts, 0);
        if epoch <= how.head_epochs { Rates::Head(all) } else { Rates::ByDepth(all) }
    }

    /// The share for each number; `None`: 1 for all.
    pub fn shares(&self) -> Option<&Tensor> {
        match self {
            Rates::Even => None,
            Rates::Head(shares) | Rates::ByDepth(shares) => Some(shares),
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
