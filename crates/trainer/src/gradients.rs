//! Looking at gradients: their size layer by layer, and who is to blame when a loss is no longer finite.

use crate::fault::Fault;
use crate::layers::{Mode, Network, Tap, is_finite};
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
