//! EfficientNet-B0 (Tan and Le 2019) with torchvision's parameter names and first numbers.

use super::inverted_residual::{Block, Shape, conv_norm};
use crate::layers::{
    Activation, BatchNormSettings, Body, Builder, ConvNorm, ConvShape, Dropout, FirstNumbers, LinearStart,
    Network, Pass, global_average,
};
use tch::Tensor;

const NORM: BatchNormSettings = BatchNormSettings::PYTORCH;
/// The rate at which the deepest block would be left out; it falls to 0 towards the input.
pub(super) const STOCHASTIC_DEPTH: f64 = 0.2;
const DROPOUT: f64 = 0.2;
/// Channels of the stem and of the embedding.
pub(super) const STEM: i64 = 32;
pub(super) const FEATURES: i64 = 1280;

/// Blocks of one shape, but for the first, which may halve the image.
pub(super) struct Stage {
    pub(super) blocks: usize,
    pub(super) kernel: i64,
    pub(super) stride: i64,
    /// Factor of the channels inside a block.
    pub(super) expand: i64,
    pub(super) channels: i64,
}

const fn stage(blocks: usize, kernel: i64, stride: i64, expand: i64, channels: i64) -> Stage {
    Stage { blocks, kernel, stride, expand, channels }
}

pub(super) const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, 16),
    stage(2, 3, 2, 6, 24),
    stage(2, 5, 2, 6, 40),
    stage(3, 3, 2, 6, 80),
    stage(3, 5, 1, 6, 112),
    stage(4, 5, 2, 6, 192),
    stage(1, 3, 1, 6, 320),
];

struct EfficientNet {
    stem: ConvNorm,
    blocks: Vec<Block>,
    last: ConvNorm,
    dropout: Dropout,
}

/// 4.0 million parameters and 1280 × `classes`.
pub(super) fn build(mut builder: Builder, classes: i64) -> Network {
    let stem = conv_norm(&mut builder, "features.0", ConvShape::new(3, STEM, 3).stride(2), NORM);
    let all: usize = STAGES.iter().map(|stage| stage.blocks).sum();
    let mut from = STEM;
    let mut blocks = Vec::with_capacity(all);
    for (number, stage) in (1..).zip(&STAGES) {
        for block in 0..stage.blocks {
            let shape = Shape {
                kernel: stage.kernel,
                stride: if block == 0 { stage.stride } else { 1 },
                from,
                inner: from * stage.expand,
                to: stage.channels,
                squeeze: Some((from / 4, [Activation::Silu, Activation::Sigmoid])),
                activation: Activation::Silu,
                norm: NORM,
                rate: STOCHASTIC_DEPTH * blocks.len() as f64 / all as f64,
            };
            blocks.push(Block::build(&mut builder, &format!("features.{number}.{block}"), &shape));
            from = stage.channels;
        }
    }
    builder.deeper();
    let name = format!("features.{}", STAGES.len() + 1);
    let last = conv_norm(&mut builder, &name, ConvShape::new(from, FEATURES, 1), NORM);
    let dropout = builder.dropout("classifier.0", DROPOUT);
    let first = LinearStart::without_bias(FirstNumbers::Uniform(1.0 / (classes as f64).sqrt()));
    builder.finish(EfficientNet { stem, blocks, last, dropout }, "classifier.1", FEATURES, classes, first)
}

impl Body for EfficientNet {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = self.stem.activated(pass, input, Activation::Silu);
        for block in &self.blocks {
            x = block.forward(pass, &x);
        }
        let x = self.last.activated(pass, &x, Activation::Silu);
        self.dropout.forward(pass, &global_average(&x))
    }
}
