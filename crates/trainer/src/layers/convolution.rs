//! Convolutions of images.

use super::pass::Pass;
use tch::Tensor;

/// Which side of a convolution Kaiming's initialisation keeps the variance of.
#[derive(Clone, Copy)]
pub enum Fan {
    /// The forward pass's.
    In,
    /// The backward pass's.
    Out,
    /// The backward pass's as PyTorch counts it: a channel with a kernel of its own counts as if all had one in common.
    OutOfAll,
}

/// What is put around an image.
#[derive(Clone, Copy)]
enum Padding {
    /// Half the kernel's size on every side.
    Half,
    /// As TensorFlow's “same”.
    Same,
    /// Nothing.
    None,
}

/// What a convolution is made of.
#[derive(Clone, Copy)]
pub struct ConvShape {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) kernel: i64,
    pub(super) stride: i64,
    pub(super) groups: i64,
    padding: Padding,
    pub(super) fan: Fan,
}

impl ConvShape {
    /// From `from` to `to` channels by a square kernel. Half the kernel's size is padded on every side, as PyTorch's
    /// models do, which keeps an image's size at stride 1.
    pub fn new(from: i64, to: i64, kernel: i64) -> Self {
        Self { from, to, kernel, stride: 1, groups: 1, padding: Padding::Half, fan: Fan::Out }
    }

    /// Moves by `stride` pixels.
    pub fn stride(self, stride: i64) -> Self {
        Self { stride, ..self }
    }

    /// Each of `channels` channels by a kernel of its own.
    pub fn depthwise(channels: i64, kernel: i64) -> Self {
        Self { groups: channels, ..Self::new(channels, channels, kernel) }
    }

    /// Pads as TensorFlow's “same” does: only as much as the stride leaves over, and more at the right and the bottom.
    pub fn same(self) -> Self {
        Self { padding: Padding::Same, ..self }
    }

    /// An image in patches of `side` pixels that don't overlap, with nothing around it.
    pub fn patches(from: i64, to: i64, side: i64) -> Self {
        Self { stride: side, padding: Padding::None, ..Self::new(from, to, side) }
    }

    /// By which fan the first weights are drawn; [`Fan::Out`] otherwise.
    pub fn fan(self, fan: Fan) -> Self {
        Self { fan, ..self }
    }

    /// The number of channels that come out.
    pub fn outputs(&self) -> i64 {
        self.to
    }

    /// The number of products that make up the sum whose variance is kept.
    fn fan_size(&self) -> i64 {
        let channels = match self.fan {
            Fan::In => self.from / self.groups,
            Fan::Out => self.to / self.groups,
            Fan::OutOfAll => self.to,
        };
        self.kernel * self.kernel * channels
    }

    /// Of the weight.
    pub(super) fn weight(&self) -> [i64; 4] {
        [self.to, self.from / self.groups, self.kernel, self.kernel]
    }

    /// The standard deviation of the first weights where what follows halves the variance, as ReLU does.
    pub(super) fn kaiming(&self) -> f64 {
        (2.0 / self.fan_size() as f64).sqrt()
    }

    /// Pixels that “same” pads before and after a side of `size` pixels.
    fn same_padding(&self, size: i64) -> (i64, i64) {
        let outputs = (size + self.stride - 1) / self.stride;
        let all = ((outputs - 1) * self.stride + self.kernel - size).max(0);
        (all / 2, all - all / 2)
    }
}

/// A convolution, with a bias or without.
pub struct Conv {
    pub(super) name: String,
    pub(super) weight: usize,
    pub(super) bias: Option<usize>,
    pub(super) shape: ConvShape,
}

impl Conv {
    /// In the arithmetic of the pass; weights stay f32 and are cast here, so that gradients arrive in f32.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let weight = pass.weights[self.weight].to_kind(pass.dtype);
        let bias = self.bias.map(|bias| pass.weights[bias].to_kind(pass.dtype));
        let output = self.compute(input, &weight, bias.as_ref());
        pass.show(&self.name, &output);
        output
    }

    /// Of images of one pixel by a kernel of one pixel, `[n, channels]`: a product with a matrix, in f32.
    pub(super) fn forward_pixel(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let weight = pass.weights[self.weight].view([self.shape.to, self.shape.from]);
        let output = input.linear(&weight, self.bias.map(|bias| &pass.weights[bias]));
        pass.show(&self.name, &output);
        output
    }

    /// In the arithmetic of `weight`.
    pub(super) fn compute(&self, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
        let input = input.to_kind(weight.kind());
        let (input, padding) = match self.shape.padding {
            Padding::None => (input, [0, 0]),
            Padding::Half => (input, [self.shape.kernel / 2; 2]),
            Padding::Same => {
                let size = input.size();
                let (top, bottom) = self.shape.same_padding(size[2]);
                let (left, right) = self.shape.same_padding(size[3]);
                if (top, left) == (bottom, right) {
                    (input, [top, left])
                } else {
                    (input.constant_pad_nd([left, right, top, bottom]), [0, 0])
                }
            }
        };
        input.conv2d(weight, bias, [self.shape.stride; 2], padding, [1, 1], self.shape.groups)
    }
}
