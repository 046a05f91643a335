//! He et al. 2015, *Deep residual learning for image recognition*, section 4.2: the networks for CIFAR, with
//! shortcut option A, which has no parameters: every second pixel, missing channels filled with zero.

use crate::layers::{
    Activation, BatchNormSettings, Body, Builder, ConvNorm, ConvShape, Fan, FirstNumbers, LinearStart,
    Network, Pass, global_average,
};
use tch::Tensor;

struct ResnetCifar {
    stem: ConvNorm,
    blocks: Vec<Block>,
}

struct Block {
    first: ConvNorm,
    second: ConvNorm,
    /// Zero channels that the shortcut adds on either side; above 0 it also halves the image.
    fill: i64,
}

/// Three stages of `blocks` blocks: 6 × `blocks` + 2 layers.
pub(super) fn build(mut builder: Builder, blocks: usize, classes: i64) -> Network {
    let part = |builder: &mut Builder, conv: &str, norm: &str, shape: ConvShape| {
        builder.conv_norm(conv, shape.fan(Fan::In), norm, BatchNormSettings::PYTORCH)
    };
    let stem = part(&mut builder, "conv1", "bn1", ConvShape::new(3, 16, 3));
    let mut from = 16;
    let mut all = Vec::new();
    for (stage, to) in [(1, 16), (2, 32), (3, 64)] {
        for index in 0..blocks {
            let name = |part: &str| format!("layer{stage}.{index}.{part}");
            let stride = if to == from { 1 } else { 2 };
            builder.deeper();
            let shapes = [ConvShape::new(from, to, 3).stride(stride), ConvShape::new(to, to, 3)];
            all.push(Block {
                first: part(&mut builder, &name("conv1"), &name("bn1"), shapes[0]),
                second: part(&mut builder, &name("conv2"), &name("bn2"), shapes[1]),
                fill: (to - from) / 2,
            });
            from = to;
        }
    }
    let kaiming = FirstNumbers::Normal((2.0 / from as f64).sqrt());
    let first = LinearStart { weight: kaiming, ..LinearStart::pytorch(from) };
    builder.finish(ResnetCifar { stem, blocks: all }, "linear", from, classes, first)
}

impl Body for ResnetCifar {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = self.stem.activated(pass, input, Activation::Relu);
        for block in &self.blocks {
            x = block.forward(pass, &x);
        }
        global_average(&x)
    }
}

impl Block {
    fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let x = self.second.forward(pass, &self.first.activated(pass, input, Activation::Relu));
        let shortcut = if self.fill == 0 {
            input.shallow_clone()
        } else {
            let halved = input.slice(2, None, None, 2).slice(3, None, None, 2);
            halved.constant_pad_nd([0, 0, 0, 0, self.fill, self.fill])
        };
        self.second.activate(pass, x + shortcut, Activation::Relu)
    }
}
