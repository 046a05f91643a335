//! Building a network: layers are added from input to output, each with its first numbers.

use super::activation::Activation;
use super::attention::Attention;
use super::batch_norm::{BatchNorm, BatchNormSettings};
use super::conv_norm::{ConvNorm, Pair};
use super::convolution::{Conv, ConvShape};
use super::dropout::{Dropout, StochasticDepth};
use super::first_numbers::{FirstNumbers, LinearStart};
use super::layer_norm::LayerNorm;
use super::linear::Linear;
use super::network::{Body, Layer, Network, Parameter};
use super::numbers::Numbers;
use super::squeeze_excite::SqueezeExcite;
use tch::{Device, Kind, Tensor};

/// Collects layers while an architecture is being built, from input to output, with their first numbers.
///
/// Draws come from libtorch's CPU generator, whatever the device: `tch::manual_seed` first.
pub struct Builder {
    device: Device,
    parameters: Vec<Parameter>,
    first: Vec<Tensor>,
    layers: Vec<Layer>,
    buffers: Vec<(String, Tensor)>,
    pairs: Vec<Pair>,
    length: i64,
    depth: u32,
    /// Layers that draw, so far: their number keys their draws.
    random: i64,
}

impl Builder {
    /// An empty one; the network will live on `device`.
    pub fn new(device: Device) -> Self {
        Self {
            device,
            parameters: Vec::new(),
            first: Vec::new(),
            layers: Vec::new(),
            buffers: Vec::new(),
            pairs: Vec::new(),
            length: 0,
            depth: 0,
            random: 0,
        }
    }

    /// What is added from here on lies one block deeper.
    pub fn deeper(&mut self) {
        self.depth += 1;
    }

    /// A convolution and the batch normalisation behind it, each with its own name.
    pub fn conv_norm(
        &mut self,
        conv: &str,
        shape: ConvShape,
        norm: &str,
        settings: BatchNormSettings,
    ) -> ConvNorm {
        let conv = self.conv(conv, shape);
        let norm = self.batch_norm(norm, shape.outputs(), settings);
        self.pairs.push(Pair {
            conv_weight: conv.weight,
            weight: norm.weight,
            bias: norm.bias,
            mean: norm.mean.shallow_clone(),
            variance: norm.variance.shallow_clone(),
            epsilon: settings.epsilon,
        });
        ConvNorm { conv, norm, index: self.pairs.len() - 1 }
    }

    /// A convolution without bias, its weights sampled from a normal distribution of variance 2 ÷ fan
    /// (He et al. 2015, *Delving deep into rectifiers*).
    fn conv(&mut self, name: &str, shape: ConvShape) -> Conv {
        self.layer(name);
        let weight =
            self.parameter("weight", FirstNumbers::Normal(shape.kaiming()).draw(&shape.weight()), true);
        Conv { name: name.to_owned(), weight, bias: None, shape }
    }

    /// A convolution with a bias and no normalisation behind it.
    pub fn conv_with_bias(&mut self, name: &str, shape: ConvShape, first: LinearStart) -> Conv {
        self.layer(name);
        let weight = self.parameter("weight", first.weight.draw(&shape.weight()), true);
        let bias = self.parameter("bias", first.bias.draw(&[shape.outputs()]), false);
        Conv { name: name.to_owned(), weight, bias: Some(bias), shape }
    }

    /// Scales each of `channels` channels by a number between 0 and 1, found by way of `inner` numbers; see [`SqueezeExcite`].
    pub fn squeeze_excite(
        &mut self,
        name: &str,
        (channels, inner): (i64, i64),
        (activation, gate): (Activation, Activation),
    ) -> SqueezeExcite {
        let mut part = |part: &str, from: i64, to: i64| {
            let shape = ConvShape::new(from, to, 1);
            let first = LinearStart::without_bias(FirstNumbers::Normal(shape.kaiming()));
            self.conv_with_bias(&format!("{name}.{part}"), shape, first)
        };
        let squeeze = part("fc1", channels, inner);
        let excite = part("fc2", inner, channels);
        SqueezeExcite { squeeze, excite, activation, gate }
    }

    /// A product with bias, from `inputs` to `outputs` numbers.
    pub fn linear(&mut self, name: &str, inputs: i64, outputs: i64, first: LinearStart) -> Linear {
        self.layer(name);
        let weight = self.parameter("weight", first.weight.draw(&[outputs, inputs]), true);
        let bias = self.parameter("bias", first.bias.draw(&[outputs]), false);
        Linear { name: name.to_owned(), weight, bias }
    }

    /// Batch normalisation of `channels`: weight 1, bias 0, running mean 0 and variance 1.
    fn batch_norm(&mut self, name: &str, channels: i64, settings: BatchNormSettings) -> BatchNorm {
        let of = |value: f64, device| Tensor::full([channels], value, (Kind::Float, device));
        self.layer(name);
        let weight = self.parameter("weight", of(1.0, Device::Cpu), false);
        let bias = self.parameter("bias", of(0.0, Device::Cpu), false);
        let (mean, variance) = (of(0.0, self.device), of(1.0, self.device));
        self.buffers.push((format!("{name}.running_mean"), mean.shallow_clone()));
        self.buffers.push((format!("{name}.running_var"), variance.shallow_clone()));
        BatchNorm { name: name.to_owned(), weight, bias, mean, variance, settings }
    }

    /// Normalisation of each image over its `channels`: weight 1, bias 0.
    pub fn layer_norm(&mut self, name: &str, channels: i64, epsilon: f64) -> LayerNorm {
        self.layer(name);
        let weight = self.parameter("weight", FirstNumbers::All(1.0).draw(&[channels]), false);
        let bias = self.parameter("bias", FirstNumbers::All(0.0).draw(&[channels]), false);
        LayerNorm { name: name.to_owned(), weight, bias, epsilon }
    }

    /// Attention between tokens of `channels` numbers, which each head looks at a part of. First numbers are those of
    /// `torch.nn.MultiheadAttention`.
    pub fn attention(&mut self, name: &str, channels: i64, heads: i64) -> Attention {
        self.layer(name);
        let first = FirstNumbers::xavier(channels, 3 * channels);
        let weight = self.parameter("in_proj_weight", first.draw(&[3 * channels, channels]), true);
        let bias = self.parameter("in_proj_bias", FirstNumbers::All(0.0).draw(&[3 * channels]), false);
        let first = LinearStart::without_bias(LinearStart::pytorch(channels).weight);
        let out = self.linear(&format!("{name}.out_proj"), channels, channels, first);
        Attention { name: name.to_owned(), weight, bias, out, heads }
    }

    /// Numbers that belong to no other layer, with a name of their own. Weight decay is not meant for them.
    pub fn numbers(&mut self, name: &str, shape: &[i64], first: FirstNumbers) -> Numbers {
        self.layer(name);
        Numbers { name: name.to_owned(), index: self.parameter("", first.draw(shape), false) }
    }

    /// A layer that leaves out single numbers at this rate.
    pub fn dropout(&mut self, name: &str, rate: f64) -> Dropout {
        Dropout { name: name.to_owned(), key: self.random_key(), rate }
    }

    /// A layer that leaves out whole images at this rate.
    pub fn stochastic_depth(&mut self, name: &str, rate: f64) -> StochasticDepth {
        StochasticDepth { name: name.to_owned(), key: self.random_key(), rate }
    }

    /// Adds the last layer, `features` to `classes`, and closes the network.
    pub fn finish(
        mut self,
        body: impl Body + 'static,
        head: &str,
        features: i64,
        classes: i64,
        first: LinearStart,
    ) -> Network {
        self.deeper();
        let head = self.linear(head, features, classes, first);
        let first: Vec<Tensor> = self.first.iter().map(|tensor| tensor.reshape([-1])).collect();
        let flat = Tensor::cat(&first, 0).to_device(self.device).set_requires_grad(true);
        Network {
            body: Box::new(body),
            head,
            parameters: self.parameters,
            layers: self.layers,
            buffers: self.buffers,
            pairs: self.pairs,
            learning: 0..self.length,
            leaf: flat.shallow_clone(),
            flat,
        }
    }

    fn layer(&mut self, name: &str) {
        self.layers.push(Layer { name: name.to_owned(), range: self.length..self.length });
    }

    /// Adds a parameter to the layer begun last; gives its index. Without a name it has the layer's.
    fn parameter(&mut self, name: &str, first: Tensor, decays: bool) -> usize {
        let layer = self.layers.last_mut().expect("a layer is begun before its parameters are added");
        let range = self.length..self.length + first.numel() as i64;
        self.length = range.end;
        layer.range.end = range.end;
        self.parameters.push(Parameter {
            name: if name.is_empty() { layer.name.clone() } else { format!("{}.{name}", layer.name) },
            shape: first.size(),
            range,
            decays,
            depth: self.depth,
        });
        self.first.push(first);
        self.parameters.len() - 1
    }

    fn random_key(&mut self) -> i64 {
        self.random += 1;
        self.random - 1
    }
}
