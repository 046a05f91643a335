//! An architecture with its numbers.

use super::linear::Linear;
use super::pass::{Mode, Pass, Tap};
use std::ops::Range;
use tch::{Device, Kind, Tensor};

/// The part of a network that differs between architectures: from the input to what goes into the last layer.
pub trait Body {
    /// `[n, 3, height, width]` to `[n, features]`, f32.
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor;
}

/// One named, trainable tensor: a range of the flat one.
pub struct Parameter {
    /// PyTorch's name, such as `layer1.0.conv1.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<i64>,
    /// Where it lies in the flat tensor.
    pub range: Range<i64>,
    /// Whether weight decay is meant for it: a weight that something is multiplied by, not a bias or a normalisation's.
    pub decays: bool,
    /// The block that it belongs to: 0 is the one at the input, the last layer's is the highest.
    pub depth: u32,
}

/// A module with parameters, such as `layer1.0.conv1`.
pub struct Layer {
    /// The name, such as `layer1.0.conv1`.
    pub name: String,
    /// Where its parameters lie in the flat tensor.
    pub range: Range<i64>,
}

/// An architecture with its numbers.
pub struct Network {
    pub(super) body: Box<dyn Body>,
    pub(super) head: Linear,
    /// From input to output.
    pub parameters: Vec<Parameter>,
    /// From input to output.
    pub layers: Vec<Layer>,
    /// Running statistics by name: saved with the weights, not trained.
    pub buffers: Vec<(String, Tensor)>,
    /// Every trainable number, f32; the leaf of the graph.
    pub flat: Tensor,
}

/// What a forward pass gives, both f32.
pub struct Output {
    /// `[n, features]`: what goes into the last layer.
    pub embedding: Tensor,
    /// `[n, classes]`.
    pub logits: Tensor,
}

impl Network {
    /// The forward pass. `input` is f32 `[n, 3, height, width]`; convolutions compute in `dtype`.
    pub fn forward(&self, input: &Tensor, dtype: Kind, mode: Mode) -> Output {
        self.run(&Pass { weights: self.views(), dtype, mode, tap: None }, input)
    }

    /// The forward pass, with what each layer gives shown to `tap`.
    pub fn forward_with(&self, tap: &dyn Tap, input: &Tensor, dtype: Kind, mode: Mode) -> Output {
        self.run(&Pass { weights: self.views(), dtype, mode, tap: Some(tap) }, input)
    }

    fn run(&self, pass: &Pass, input: &Tensor) -> Output {
        // Channels last is how oneDNN and cuDNN like their images; the layout travels through every layer.
        let input = input.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
        let embedding = self.body.embed(pass, &input);
        let logits = self.head.forward(pass, &embedding);
        Output { embedding, logits }
    }

    /// The gradient of `loss` with respect to [`Network::flat`], and as long.
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        Tensor::run_backward(&[loss], &[&self.flat], false, false).swap_remove(0)
    }

    /// Every parameter as a view of the flat tensor, in order.
    pub fn views(&self) -> Vec<Tensor> {
        let sizes: Vec<i64> =
            self.parameters.iter().map(|parameter| parameter.range.end - parameter.range.start).collect();
        let parts = self.flat.split_with_sizes(&sizes, 0);
        parts
            .iter()
            .zip(&self.parameters)
            .map(|(part, parameter)| part.view(parameter.shape.as_slice()))
            .collect()
    }

    /// Parameters and buffers by name, as a checkpoint holds them; they share memory with the network.
    pub fn named_tensors(&self) -> Vec<(String, Tensor)> {
        let flat = self.flat.detach();
        let parameters = self.parameters.iter().map(|parameter| {
            let length = parameter.range.end - parameter.range.start;
            let view = flat.narrow(0, parameter.range.start, length).view(parameter.shape.as_slice());
            (parameter.name.clone(), view)
        });
        let buffers = self.buffers.iter().map(|(name, buffer)| (name.clone(), buffer.shallow_clone()));
        parameters.chain(buffers).collect()
    }

    /// Name prefix of the last layer.
    pub fn head(&self) -> &str {
        &self.head.name
    }

    /// Where the network computes.
    pub fn device(&self) -> Device {
        self.flat.device()
    }

    /// The first layer, from the input on, whose weights are not finite.
    pub fn first_bad_weights(&self) -> Option<&str> {
        let flat = self.flat.detach();
        if is_finite(&flat) {
            return None;
        }
        let bad = |layer: &&Layer| {
            !is_finite(&flat.narrow(0, layer.range.start, layer.range.end - layer.range.start))
        };
        self.layers.iter().find(bad).map(|layer| layer.name.as_str())
    }

    /// The first layer, from the input on, whose running statistics are not finite.
    pub fn first_bad_statistics(&self) -> Option<&str> {
        let (name, _) = self.buffers.iter().find(|(_, buffer)| !is_finite(buffer))?;
        Some(name.rsplit_once('.').map_or(name.as_str(), |(layer, _)| layer))
    }
}

/// Whether every number of a tensor is finite.
pub fn is_finite(tensor: &Tensor) -> bool {
    tensor.isfinite().all().int64_value(&[]) == 1
}
