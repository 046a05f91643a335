//! He et al. 2015, *Deep residual learning for image recognition*, section 4.2: the networks for CIFAR, with
//! shortcut option A, which has no parameters: every second pixel, missing channels filled with zero.

use crate::layers::{
    BatchNorm, BatchNormSettings, Body, Builder, Conv, ConvShape, Fan, Network, Pass, global_average,
};
use tch::Tensor;

struct ResnetCifar {
    conv1: Conv,
    bn1: BatchNorm,
    blocks: Vec<Block>,
}

struct Block {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    /// Zero channels that the shortcut adds on either side; above 0 it also halves the image.
    fill: i64,
}

/// Three stages of `blocks` blocks: 6 × `blocks` + 2 layers.
pub(super) fn build(mut builder: Builder, blocks: usize, classes: i64) -> Network {
    let conv1 = builder.conv("conv1", ConvShape::new(3, 16, 3).fan(Fan::In));
    let bn1 = builder.batch_norm("bn1", 16, BatchNormSettings::PYTORCH);
    let mut from = 16;
    let mut all = Vec::new();
    for (stage, to) in [(1, 16), (2, 32), (3, 64)] {
        for index in 0..blocks {
            let name = |part: &str| format!("layer{stage}.{index}.{part}");
            let stride = if to == from { 1 } else { 2 };
            builder.deeper();
            all.push(Block {
                conv1: builder.conv(&name("conv1"), ConvShape::new(from, to, 3).stride(stride).fan(Fan::In)),
                bn1: builder.batch_norm(&name("bn1"), to, BatchNormSettings::PYTORCH),
                conv2: builder.conv(&name("conv2"), ConvShape::new(to, to, 3).fan(Fan::In)),
                bn2: builder.batch_norm(&name("bn2"), to, BatchNormSettings::PYTORCH),
                fill: (to - from) / 2,
            });
            from = to;
        }
    }
    builder.finish(ResnetCifar { conv1, bn1, blocks: all }, "linear", from, classes, true)
}

impl Body for ResnetCifar {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = self.bn1.forward(pass, &self.conv1.forward(pass, input)).relu_();
        for block in &self.blocks {
            x = block.forward(pass, &x);
        }
        global_average(&x)
    }
}

impl Block {
    fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let x = self.bn1.forward(pass, &self.conv1.forward(pass, input)).relu_();
        let x = self.bn2.forward(pass, &self.conv2.forward(pass, &x));
        let shortcut = if self.fill == 0 {
            input.shallow_clone()
        } else {
            let halved = input.slice(2, None, None, 2).slice(3, None, None, 2);
            halved.constant_pad_nd([0, 0, 0, 0, self.fill, self.fill])
        };
        (x + shortcut).relu_()
    }
}
