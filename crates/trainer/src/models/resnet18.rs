//! He et al. 2015, ResNet-18, with torchvision's parameter names and first numbers, so that weights move freely
//! between the two. Small images get a 3 × 3 stem without pooling: the large one would leave them a 2 × 2 map.

use crate::layers::{
    BatchNorm, BatchNormSettings, Body, Builder, Conv, ConvShape, Network, Pass, global_average,
};
use tch::Tensor;

/// The largest image that gets the small stem, pixels.
const SMALL: u32 = 64;

struct Resnet18 {
    conv1: Conv,
    bn1: BatchNorm,
    pool: bool,
    blocks: Vec<Block>,
}

struct Block {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    downsample: Option<(Conv, BatchNorm)>,
}

/// 11.2 million parameters and 512 × `classes`.
pub(super) fn build(mut builder: Builder, image_size: u32, classes: i64) -> Network {
    let small = image_size <= SMALL;
    let (kernel, stride) = if small { (3, 1) } else { (7, 2) };
    let conv1 = builder.conv("conv1", ConvShape::new(3, 64, kernel).stride(stride));
    let bn1 = builder.batch_norm("bn1", 64, BatchNormSettings::PYTORCH);
    let mut from = 64;
    let mut blocks = Vec::new();
    for (stage, to) in [(1, 64), (2, 128), (3, 256), (4, 512)] {
        for index in 0..2 {
            builder.deeper();
            blocks.push(Block::build(&mut builder, &format!("layer{stage}.{index}"), from, to));
            from = to;
        }
    }
    builder.finish(Resnet18 { conv1, bn1, pool: !small, blocks }, "fc", from, classes, false)
}

impl Body for Resnet18 {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = self.bn1.forward(pass, &self.conv1.forward(pass, input)).relu_();
        if self.pool {
            x = x.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        }
        for block in &self.blocks {
            x = block.forward(pass, &x);
        }
        global_average(&x)
    }
}

impl Block {
    fn build(builder: &mut Builder, name: &str, from: i64, to: i64) -> Self {
        let stride = if to == from { 1 } else { 2 };
        let part = |part: &str| format!("{name}.{part}");
        Self {
            conv1: builder.conv(&part("conv1"), ConvShape::new(from, to, 3).stride(stride)),
            bn1: builder.batch_norm(&part("bn1"), to, BatchNormSettings::PYTORCH),
            conv2: builder.conv(&part("conv2"), ConvShape::new(to, to, 3)),
            bn2: builder.batch_norm(&part("bn2"), to, BatchNormSettings::PYTORCH),
            downsample: (to != from).then(|| {
                let conv = builder.conv(&part("downsample.0"), ConvShape::new(from, to, 1).stride(stride));
                (conv, builder.batch_norm(&part("downsample.1"), to, BatchNormSettings::PYTORCH))
            }),
        }
    }

    fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let x = self.bn1.forward(pass, &self.conv1.forward(pass, input)).relu_();
        let x = self.bn2.forward(pass, &self.conv2.forward(pass, &x));
        let shortcut = match &self.downsample {
            None => input.shallow_clone(),
            Some((conv, bn)) => bn.forward(pass, &conv.forward(pass, input)),
        };
        (x + shortcut).relu_()
    }
}
