//! An architecture with its numbers.

use super::conv_norm::Pair;
use super::linear::Linear;
use super::pass::{Mode, Pass, Tap};
use std::ops::Range;
use tch::{Device, Kind, Tensor};

/// The part of a network that differs between architectures: from the input to what goes into the last layer.
pub trait Body {
    /// `[n, 3, height, width]` to `[n, features]`, f32.
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor;

    /// The name here of a parameter that files of earlier versions of its home call `name`.
    fn renamed(&self, _name: &str) -> Option<String> {
        None
    }

    /// A parameter that was learned at another image size, as it is for `shape`, and what to say of the weights.
    fn fitted(&self, _name: &str, _tensor: &Tensor, _shape: &[i64]) -> Option<(Tensor, String)> {
        None
    }
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
    pub(super) pairs: Vec<Pair>,
    /// Every number, f32.
    pub flat: Tensor,
    /// The part of [`Network::flat`] that learns.
    pub learning: Range<i64>,
    /// That part: what gradients are of. It shares memory with [`Network::flat`].
    pub leaf: Tensor,
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
        self.run(&Pass { weights: self.views(), folded: Vec::new(), dtype, mode, tap: None }, input)
    }

    /// The forward pass, with what each layer gives shown to `tap`.
    pub fn forward_with(&self, tap: &dyn Tap, input: &Tensor, dtype: Kind, mode: Mode) -> Output {
        self.run(&Pass { weights: self.views(), folded: Vec::new(), dtype, mode, tap: Some(tap) }, input)
    }

    fn run(&self, pass: &Pass, input: &Tensor) -> Output {
        let embedding = self.body.embed(pass, &channels_last(input));
        let logits = self.head.forward_exact(pass, &embedding);
        Output { embedding, logits }
    }

    /// The last layer alone: `[n, features]` to logits `[n, classes]`, f32.
    pub fn classify(&self, embedding: &Tensor) -> Tensor {
        let (weights, mode) = (self.views(), Mode::Evaluate);
        self.head.forward_exact(
            &Pass { weights, folded: Vec::new(), dtype: Kind::Float, mode, tap: None },
            embedding,
        )
    }

    /// Prepares the network for passes of one kind between which its numbers stay as they are.
    pub fn freeze(&self, dtype: Kind) -> Frozen<'_> {
        let weights: Vec<Tensor> = tch::no_grad(|| self.views());
        let folded = tch::no_grad(|| self.pairs.iter().map(|pair| pair.fold(&weights, dtype)).collect());
        Frozen { network: self, pass: Pass { weights, folded, dtype, mode: Mode::Evaluate, tap: None } }
    }

    /// From here on only the last layer learns.
    pub fn learn_head_only(&mut self) {
        self.flat = self.flat.detach();
        self.learning.start = self.parameters[self.head.weight].range.start;
        let length = self.learning.end - self.learning.start;
        self.leaf = self.flat.narrow(0, self.learning.start, length).set_requires_grad(true);
    }

    /// The gradient of `loss` with respect to [`Network::leaf`], and as long.
    pub fn gradient(&self, loss: &Tensor) -> Tensor {
        Tensor::run_backward(&[loss], &[&self.leaf], false, false).swap_remove(0)
    }

    /// Every parameter as a view, in order: of the leaf where it learns, else of the flat tensor.
    pub fn views(&self) -> Vec<Tensor> {
        let fixed =
            self.parameters.iter().take_while(|parameter| parameter.range.start < self.learning.start);
        let fixed = fixed.count();
        let views = |tensor: &Tensor, parameters: &[Parameter]| -> Vec<Tensor> {
            let sizes: Vec<i64> =
                parameters.iter().map(|parameter| parameter.range.end - parameter.range.start).collect();
            let parts = tensor.split_with_sizes(&sizes, 0);
            parts.iter().zip(parameters).map(|(part, of)| part.view(of.shape.as_slice())).collect()
        };
        let mut all = Vec::new();
        if fixed > 0 {
            all = views(&self.flat.narrow(0, 0, self.learning.start), &self.parameters[..fixed]);
        }
        all.extend(views(&self.leaf, &self.parameters[fixed..]));
        all
    }

    /// The layers that learn, from input to output.
    pub fn learning_layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(|layer| layer.range.start >= self.learning.start)
    }

    /// The parameters that learn, from input to output.
    pub fn learning_parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.range.start >= self.learning.start)
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

    /// The name here of a parameter that a file calls `name`.
    pub fn name_here(&self, name: &str) -> String {
        self.body.renamed(name).unwrap_or_else(|| name.to_owned())
    }

    /// A parameter that was learned at another image size, as it is for `shape`, and what to say of the weights; see [`Body::fitted`].
    pub fn fitted(&self, name: &str, tensor: &Tensor, shape: &[i64]) -> Option<(Tensor, String)> {
        self.body.fitted(name, tensor, shape)
    }

    /// Name prefix of the last layer.
    pub fn head(&self) -> &str {
        &self.head.name
    }

    /// A hash of every number but those of the last layer, in hexadecimal.
    pub fn hash_without_head(&self) -> String {
        let head = format!("{}.", self.head.name);
        let mut hasher = blake3::Hasher::new();
        for (name, tensor) in self.named_tensors().iter().filter(|(name, _)| !name.starts_with(&head)) {
            let tensor = tensor.to_device(Device::Cpu).contiguous();
            let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
            tensor.copy_data_u8(&mut bytes, tensor.numel());
            hasher.update(name.as_bytes()).update(&bytes);
        }
        hasher.finalize().to_hex().to_string()
    }

    /// How many numbers go into the last layer.
    pub fn features(&self) -> i64 {
        self.parameters[self.head.weight].shape[1]
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

/// A network whose numbers stay as they are, prepared for many passes: normalisations are folded into convolutions.
pub struct Frozen<'a> {
    network: &'a Network,
    pass: Pass<'static>,
}

impl Frozen<'_> {
    /// Where the network computes.
    pub fn device(&self) -> Device {
        self.network.device()
    }

    /// What goes into the last layer: `[n, 3, height, width]` to `[n, features]`, f32.
    pub fn embed(&self, input: &Tensor) -> Tensor {
        tch::no_grad(|| self.network.body.embed(&self.pass, &channels_last(input)))
    }
}

/// How oneDNN and cuDNN like their images; the layout travels through every layer.
fn channels_last(input: &Tensor) -> Tensor {
    input.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}

/// Whether every number of a tensor is finite.
pub fn is_finite(tensor: &Tensor) -> bool {
    tensor.isfinite().all().int64_value(&[]) == 1
}
