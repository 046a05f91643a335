//! EfficientNet-Lite (Google 2020): EfficientNet (Tan and Le 2019) without squeeze-and-excitation and with ReLU6, so that
//! it also runs where numbers have 8 bits. Stem, last convolution and first and last stage are the same in all sizes.
//!
//! Parameter names, padding and normalisation are those of the Python package `efficientnet-lite-pytorch`, so that its
//! weights fit.

use super::efficientnet::{FEATURES, STAGES, STEM, STOCHASTIC_DEPTH, Stage};
use super::inverted_residual::multiple_of_8;
use crate::layers::{
    Activation, BatchNormSettings, Body, Builder, ConvNorm, ConvShape, Dropout, LinearStart, Network, Pass,
    StochasticDepth, global_average,
};
use tch::Tensor;

/// TensorFlow's momentum of 0.99 is PyTorch's of 0.01.
const NORM: BatchNormSettings = BatchNormSettings { momentum: 0.01, epsilon: 1e-3 };

/// What tells the sizes from each other.
#[derive(Clone, Copy)]
pub(super) struct Size {
    /// Factor of the channels of every stage.
    width: f64,
    /// Factor of the blocks of the inner stages.
    depth: f64,
    dropout: f64,
}

/// For images of 224 pixels.
pub(super) const LITE0: Size = Size { width: 1.0, depth: 1.0, dropout: 0.2 };
/// For images of 240 pixels.
pub(super) const LITE1: Size = Size { width: 1.0, depth: 1.1, dropout: 0.2 };
/// For images of 260 pixels.
pub(super) const LITE2: Size = Size { width: 1.1, depth: 1.2, dropout: 0.3 };

impl Size {
    /// Channels at this width.
    fn channels(self, base: i64) -> i64 {
        multiple_of_8(base as f64 * self.width)
    }

    fn blocks(self, stage: usize) -> usize {
        let base = STAGES[stage].blocks;
        if stage == 0 || stage + 1 == STAGES.len() {
            base
        } else {
            (base as f64 * self.depth).ceil() as usize
        }
    }
}

struct EfficientNetLite {
    stem: ConvNorm,
    blocks: Vec<Block>,
    last: ConvNorm,
    dropout: Dropout,
}

struct Block {
    expand: Option<ConvNorm>,
    depthwise: ConvNorm,
    project: ConvNorm,
    /// Where input and output have the same shape.
    shortcut: Option<StochasticDepth>,
}

/// Lite0: 3.4 million parameters and 1280 × `classes`.
pub(super) fn build(mut builder: Builder, size: Size, classes: i64) -> Network {
    let shape = ConvShape::new(3, STEM, 3).stride(2).same();
    let stem = builder.conv_norm("_conv_stem", shape, "_bn0", NORM);
    let all: usize = (0..STAGES.len()).map(|stage| size.blocks(stage)).sum();
    let mut from = STEM;
    let mut blocks = Vec::with_capacity(all);
    for (index, stage) in STAGES.iter().enumerate() {
        let to = size.channels(stage.channels);
        for first in (0..size.blocks(index)).map(|block| block == 0) {
            builder.deeper();
            let stride = if first { stage.stride } else { 1 };
            let rate = STOCHASTIC_DEPTH * blocks.len() as f64 / all as f64;
            blocks.push(Block::build(&mut builder, blocks.len(), stage, (from, to), stride, rate));
            from = to;
        }
    }
    builder.deeper();
    let last = builder.conv_norm("_conv_head", ConvShape::new(from, FEATURES, 1), "_bn1", NORM);
    let dropout = builder.dropout("_dropout", size.dropout);
    builder.finish(
        EfficientNetLite { stem, blocks, last, dropout },
        "_fc",
        FEATURES,
        classes,
        LinearStart::pytorch(FEATURES),
    )
}

impl Body for EfficientNetLite {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = self.stem.activated(pass, input, Activation::Relu6);
        for block in &self.blocks {
            x = block.forward(pass, &x);
        }
        let x = self.last.activated(pass, &x, Activation::Relu6);
        self.dropout.forward(pass, &global_average(&x))
    }
}

impl Block {
    fn build(
        builder: &mut Builder,
        number: usize,
        stage: &Stage,
        (from, to): (i64, i64),
        stride: i64,
        rate: f64,
    ) -> Self {
        let name = |part: &str| format!("_blocks.{number}.{part}");
        let mut part = |conv: &str, shape: ConvShape, norm: &str| {
            builder.conv_norm(&name(conv), shape, &name(norm), NORM)
        };
        let inner = from * stage.expand;
        let expand =
            (stage.expand != 1).then(|| part("_expand_conv", ConvShape::new(from, inner, 1), "_bn0"));
        let depthwise = ConvShape::depthwise(inner, stage.kernel).stride(stride).same();
        let depthwise = part("_depthwise_conv", depthwise, "_bn1");
        let project = part("_project_conv", ConvShape::new(inner, to, 1), "_bn2");
        let shortcut =
            (stride == 1 && from == to).then(|| builder.stochastic_depth(&name("_drop_connect"), rate));
        Self { expand, depthwise, project, shortcut }
    }

    fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let expanded = self.expand.as_ref().map(|expand| expand.activated(pass, input, Activation::Relu6));
        let x = self.depthwise.activated(pass, expanded.as_ref().unwrap_or(input), Activation::Relu6);
        let x = self.project.forward(pass, &x);
        match &self.shortcut {
            Some(drop) => drop.forward(pass, &x) + input,
            None => x,
        }
    }
}
