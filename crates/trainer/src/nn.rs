//! Layers, and the network that holds their numbers. It must not know which architectures there are.
//!
//! All trainable numbers lie in one flat f32 tensor, the only leaf that autograd sees: a forward pass begins by
//! splitting it into views, and the backward pass therefore leaves one flat gradient. An optimiser is then a
//! handful of operations on whole vectors, a checkpoint a few slices, and the norm of a layer's gradient the norm of a range.

use std::cell::RefCell;
use std::ops::Range;
use tch::{Device, Kind, Tensor};

/// PyTorch's defaults for batch normalisation.
const BATCH_NORM_MOMENTUM: f64 = 0.1;
const BATCH_NORM_EPSILON: f64 = 1e-5;

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
    body: Box<dyn Body>,
    head: Linear,
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
    pub fn forward(&self, input: &Tensor, dtype: Kind, train: bool) -> Output {
        self.run(&Pass { weights: self.views(), dtype, train, first_bad: None }, input)
    }

    /// The first layer, from the input on, whose output for `input` is not finite, in training mode.
    pub fn first_bad_layer(&self, input: &Tensor, dtype: Kind) -> Option<String> {
        let pass = Pass { weights: self.views(), dtype, train: true, first_bad: Some(RefCell::new(None)) };
        tch::no_grad(|| self.run(&pass, input));
        pass.first_bad.and_then(RefCell::into_inner)
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

fn is_finite(tensor: &Tensor) -> bool {
    tensor.isfinite().all().int64_value(&[]) == 1
}

/// One forward pass: the weights as views, and how to compute.
pub struct Pass {
    weights: Vec<Tensor>,
    dtype: Kind,
    train: bool,
    first_bad: Option<RefCell<Option<String>>>,
}

impl Pass {
    /// Looks at a layer's output where a culprit is being searched for.
    fn seen(&self, layer: &str, output: &Tensor) {
        if let Some(first) = &self.first_bad
            && first.borrow().is_none()
            && !is_finite(output)
        {
            *first.borrow_mut() = Some(layer.to_owned());
        }
    }
}

/// Which side of a convolution Kaiming's initialisation keeps the variance of.
#[derive(Clone, Copy)]
pub enum Fan {
    /// The forward pass's.
    In,
    /// The backward pass's.
    Out,
}

/// A convolution without bias; padding keeps the size at stride 1.
pub struct Conv {
    name: String,
    weight: usize,
    stride: i64,
    padding: i64,
}

impl Conv {
    /// In the arithmetic of the pass; weights stay f32 and are cast here, so that gradients arrive in f32.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let weight = pass.weights[self.weight].to_kind(pass.dtype);
        let (stride, padding) = ([self.stride; 2], [self.padding; 2]);
        let output = input.to_kind(pass.dtype).conv2d(&weight, None::<&Tensor>, stride, padding, [1, 1], 1);
        pass.seen(&self.name, &output);
        output
    }
}

/// Batch normalisation with running statistics, as `torch.nn.BatchNorm2d`.
pub struct BatchNorm {
    name: String,
    weight: usize,
    bias: usize,
    mean: Tensor,
    variance: Tensor,
}

impl BatchNorm {
    /// Statistics and parameters are f32 whatever the input is.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let output = input.batch_norm(
            Some(&pass.weights[self.weight]),
            Some(&pass.weights[self.bias]),
            Some(&self.mean),
            Some(&self.variance),
            pass.train,
            BATCH_NORM_MOMENTUM,
            BATCH_NORM_EPSILON,
            true,
        );
        pass.seen(&self.name, &output);
        output
    }
}

/// A product with bias. It is the last layer and tiny, and stays in f32: confidences keep all their digits.
struct Linear {
    name: String,
    weight: usize,
    bias: usize,
}

impl Linear {
    fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let output = input.linear(&pass.weights[self.weight], Some(&pass.weights[self.bias]));
        pass.seen(&self.name, &output);
        output
    }
}

/// Collects layers while an architecture is being built, from input to output, with their first numbers.
///
/// Draws come from libtorch's CPU generator, whatever the device: `tch::manual_seed` first.
pub struct Builder {
    device: Device,
    parameters: Vec<Parameter>,
    first: Vec<Tensor>,
    layers: Vec<Layer>,
    buffers: Vec<(String, Tensor)>,
    length: i64,
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
            length: 0,
        }
    }

    /// A square convolution without bias, its weights sampled from a normal distribution of variance 2 ÷ fan
    /// (He et al. 2015, *Delving deep into rectifiers*).
    pub fn conv(&mut self, name: &str, from: i64, to: i64, kernel: i64, stride: i64, fan: Fan) -> Conv {
        let fan = kernel * kernel * if matches!(fan, Fan::In) { from } else { to };
        let weight = Tensor::empty([to, from, kernel, kernel], (Kind::Float, Device::Cpu))
            .normal_(0.0, (2.0 / fan as f64).sqrt());
        self.layer(name);
        Conv { name: name.to_owned(), weight: self.parameter("weight", weight), stride, padding: kernel / 2 }
    }

    /// Batch normalisation of `channels`: weight 1, bias 0, running mean 0 and variance 1.
    pub fn batch_norm(&mut self, name: &str, channels: i64) -> BatchNorm {
        let of = |value: f64, device| Tensor::full([channels], value, (Kind::Float, device));
        self.layer(name);
        let weight = self.parameter("weight", of(1.0, Device::Cpu));
        let bias = self.parameter("bias", of(0.0, Device::Cpu));
        let (mean, variance) = (of(0.0, self.device), of(1.0, self.device));
        self.buffers.push((format!("{name}.running_mean"), mean.shallow_clone()));
        self.buffers.push((format!("{name}.running_var"), variance.shallow_clone()));
        BatchNorm { name: name.to_owned(), weight, bias, mean, variance }
    }

    /// Adds the last layer, `features` to `classes`, and closes the network. Weights are uniform within
    /// ±1 ÷ √features, as `torch.nn.Linear` initialises them, or as [`Builder::conv`] does where `kaiming` is set.
    pub fn finish(
        mut self,
        body: impl Body + 'static,
        head: &str,
        features: i64,
        classes: i64,
        kaiming: bool,
    ) -> Network {
        let bound = 1.0 / (features as f64).sqrt();
        let empty = |shape: &[i64]| Tensor::empty(shape, (Kind::Float, Device::Cpu));
        self.layer(head);
        let weight = if kaiming {
            empty(&[classes, features]).normal_(0.0, (2.0 / features as f64).sqrt())
        } else {
            empty(&[classes, features]).uniform_(-bound, bound)
        };
        let weight = self.parameter("weight", weight);
        let bias = self.parameter("bias", empty(&[classes]).uniform_(-bound, bound));
        let first: Vec<Tensor> = self.first.iter().map(|tensor| tensor.reshape([-1])).collect();
        Network {
            body: Box::new(body),
            head: Linear { name: head.to_owned(), weight, bias },
            parameters: self.parameters,
            layers: self.layers,
            buffers: self.buffers,
            flat: Tensor::cat(&first, 0).to_device(self.device).set_requires_grad(true),
        }
    }

    fn layer(&mut self, name: &str) {
        self.layers.push(Layer { name: name.to_owned(), range: self.length..self.length });
    }

    /// Adds a parameter to the layer begun last; gives its index.
    fn parameter(&mut self, name: &str, first: Tensor) -> usize {
        let layer = self.layers.last_mut().expect("a layer is begun before its parameters are added");
        let range = self.length..self.length + first.numel() as i64;
        self.length = range.end;
        layer.range.end = range.end;
        self.parameters.push(Parameter {
            name: format!("{}.{name}", layer.name),
            shape: first.size(),
            range,
        });
        self.first.push(first);
        self.parameters.len() - 1
    }
}

/// The mean over height and width, in f32: `[n, c, h, w]` to `[n, c]`.
pub fn global_average(input: &Tensor) -> Tensor {
    input.to_kind(Kind::Float).mean_dim([2_i64, 3].as_slice(), false, Kind::Float)
}
