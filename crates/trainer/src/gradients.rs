//! Looking at gradients: their size layer by layer, and who is to blame when a loss is no longer finite.

use crate::fault::Fault;
use crate::layers::{Mode, Network, Tap, is_finite};
use crate::rates::ByDepth;
use protocol::event::{MaybeFinite, finite};
use std::cell::RefCell;
use tch::{Device, Kind, Tensor};

/// About how many times in a run the norms are recorded.
const POINTS: u64 = 300;

/// Norms are recorded every this many steps: fixed by the length of the run, so that a resumed run records the same.
pub fn record_every(total_steps: u64) -> u64 {
    (total_steps / POINTS).max(1)
}

/// Of each flat tensor the L2 norm of each layer's part, in the order of [`Network::learning_layers`].
pub fn norms(network: &Network, flat: &[&Tensor]) -> Vec<Vec<MaybeFinite>> {
    let start = network.learning.start;
    let of_layers = |tensor: &&Tensor| -> Vec<Tensor> {
        let part = |layer: &crate::layers::Layer| {
            tensor.narrow(0, layer.range.start - start, layer.range.end - layer.range.start).norm()
        };
        network.learning_layers().map(part).collect()
    };
    let norms: Vec<Tensor> = flat.iter().flat_map(of_layers).collect();
    // One read for all layers: on a GPU each would wait for everything before it.
    let norms = Tensor::stack(&norms, 0).to_kind(Kind::Double).to_device(Device::Cpu);
    let norms: Vec<f64> = Vec::try_from(norms).unwrap_or_default();
    let layers = (norms.len() / flat.len().max(1)).max(1);
    norms.chunks(layers).map(|norms| norms.iter().map(|norm| finite(*norm)).collect()).collect()
}

/// A gradient that is no longer than it may be.
pub struct Clipped {
    /// The gradient.
    pub gradient: Tensor,
    /// How long it was before.
    pub norm: Tensor,
}

/// Shrinks a gradient to the norm `most` where it is longer, as `torch.nn.utils.clip_grad_norm_`. What does not learn yet has none.
pub fn clip(gradient: &Tensor, by_depth: Option<&ByDepth>, most: f64) -> Clipped {
    tch::no_grad(|| {
        let gradient = match by_depth {
            Some(rates) => gradient * rates.shares.gt(0.0),
            None => gradient.shallow_clone(),
        };
        let norm = gradient.norm();
        let factor = ((&norm + 1e-6).reciprocal() * most).clamp_max(1.0);
        Clipped { gradient: gradient * factor, norm }
    })
}

/// Remembers the first layer whose output is not finite.
#[derive(Default)]
struct FirstNotFinite(RefCell<Option<String>>);

impl Tap for FirstNotFinite {
    fn output(&self, layer: &str, output: &Tensor) {
        if self.0.borrow().is_none() && !is_finite(output) {
            *self.0.borrow_mut() = Some(layer.to_owned());
        }
    }
}

/// The first layer, from the input on, whose output for `input` is not finite; `mode` must be that of the step in question.
pub fn first_bad_layer(network: &Network, input: &Tensor, dtype: Kind, mode: Mode) -> Option<String> {
    let first = FirstNotFinite::default();
    tch::no_grad(|| network.forward_with(&first, input, dtype, mode));
    first.0.into_inner()
}

/// The rows of a batch that are to blame for a loss that is not finite: those whose input is not, or else those whose own loss is
/// not. None where that is every row, since then the network is to blame and no image.
pub fn bad_rows(input: &Tensor, logits: &Tensor, labels: &Tensor) -> Vec<usize> {
    let bad = |values: &Tensor| -> Vec<usize> {
        let flat = values.detach().reshape([values.size()[0], -1]);
        let finite: Vec<bool> =
            Vec::try_from(flat.isfinite().all_dim(1, false).to_device(Device::Cpu)).unwrap_or_default();
        let bad: Vec<usize> = (0..finite.len()).filter(|&row| !finite[row]).collect();
        if bad.len() == finite.len() { Vec::new() } else { bad }
    };
    let by_input = bad(input);
    if !by_input.is_empty() {
        return by_input;
    }
    bad(&logits.log_softmax(1, Kind::Float).gather(1, &labels.unsqueeze(1), false))
}

/// The fault for a loss that is no longer finite at `step`, naming the first layer from the input whose weights are not
/// finite either, or else the one that `bad_output` finds.
pub fn diverged(
    network: &Network,
    bad_output: impl FnOnce() -> Option<String>,
    step: u64,
    learning_rate: f64,
) -> Fault {
    let blamed = match network.first_bad_weights() {
        Some(layer) => Some(("weights", layer.to_owned())),
        None => bad_output().map(|layer| ("outputs", layer)),
    };
    fault(&format!("The loss became NaN or infinite at step {step}"), blamed, step, learning_rate)
}

/// An error where a number of `network` is not finite: such weights are of no use, so they are not to be kept.
pub fn check(network: &Network, step: u64, learning_rate: f64) -> Result<(), Fault> {
    let blamed = match network.first_bad_weights() {
        Some(layer) => ("weights", layer),
        None => match network.first_bad_statistics() {
            Some(layer) => ("running statistics", layer),
            None => return Ok(()),
        },
    };
    let blamed = Some((blamed.0, blamed.1.to_owned()));
    Err(fault(
        &format!("The network holds NaN or infinite numbers after step {step}"),
        blamed,
        step,
        learning_rate,
    ))
}

fn fault(what: &str, blamed: Option<(&str, String)>, step: u64, learning_rate: f64) -> Fault {
    let fault = match blamed {
        Some((part, layer)) => {
            Fault::new(format!("{what}. The first layer with non-finite {part} is {layer}.")).in_layer(layer)
        }
        None => Fault::new(format!("{what}. The output of every layer was still finite.")),
    };
    fault.at_step(step).advice(format!(
        "The steps were most likely too large: try a tenth of the learning rate (it was {learning_rate:.1e} at this step), \
         or a longer warm-up."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_to_blame_are_told_from_those_that_their_batch_spoiled() {
        let labels = Tensor::from_slice(&[0_i64, 1, 0]);
        let fine = Tensor::from_slice(&[0.5_f32, 0.1, 0.2, 0.3, 0.4, 0.9]).view([3, 2, 1]);
        let logits = fine.view([3, 2]);
        let spoiled = Tensor::full([3, 2], f64::NAN, (Kind::Float, Device::Cpu));
        assert!(bad_rows(&fine, &logits, &labels).is_empty());
        // Batch normalisation gives every row the NaN of one.
        let input = fine.copy();
        let _ = input.get(1).fill_(f64::INFINITY);
        assert_eq!(bad_rows(&input, &spoiled, &labels), [1]);
        // The loss of one alone is infinite: its own class is impossible.
        let impossible = Tensor::from_slice(&[0.0_f32, 0.0, 0.0, f32::NEG_INFINITY, 0.0, 0.0]).view([3, 2]);
        assert_eq!(bad_rows(&fine, &impossible, &labels), [1]);
        assert!(bad_rows(&fine, &spoiled, &labels).is_empty(), "every one: the network is to blame");
        assert!(bad_rows(&spoiled.view([3, 2, 1]), &spoiled, &labels).is_empty());
    }
}
