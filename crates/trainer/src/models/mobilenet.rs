//! MobileNetV3 (Howard et al. 2019), small and large, with torchvision's parameter names and first numbers.

use super::inverted_residual::{Block, Shape, conv_norm, multiple_of_8};
use crate::layers::{
    Activation, BatchNormSettings, Body, Builder, ConvNorm, ConvShape, Dropout, FirstNumbers, Linear,
    LinearStart, Network, Pass, global_average,
};
use Activation::{HardSwish, Relu};
use tch::Tensor;

const NORM: BatchNormSettings = BatchNormSettings { momentum: 0.01, epsilon: 1e-3 };
/// Channels of the stem.
const STEM: i64 = 16;
const DROPOUT: f64 = 0.2;
/// Of the matrices at the end, and nothing to add to them.
const START: LinearStart = LinearStart { weight: FirstNumbers::Normal(0.01), bias: FirstNumbers::All(0.0) };

/// Kernel, channels in the middle and at the end, whether channels are scaled, activation, stride.
type Row = (i64, i64, i64, bool, Activation, i64);

/// What tells the sizes from each other.
#[derive(Clone, Copy)]
pub(super) struct Size {
    blocks: &'static [Row],
    features: i64,
}

/// 1.5 million parameters and 1024 × `classes`.
pub(super) const SMALL: Size = Size {
    blocks: &[
        (3, 16, 16, true, Relu, 2),
        (3, 72, 24, false, Relu, 2),
        (3, 88, 24, false, Relu, 1),
        (5, 96, 40, true, HardSwish, 2),
        (5, 240, 40, true, HardSwish, 1),
        (5, 240, 40, true, HardSwish, 1),
        (5, 120, 48, true, HardSwish, 1),
        (5, 144, 48, true, HardSwish, 1),
        (5, 288, 96, true, HardSwish, 2),
        (5, 576, 96, true, HardSwish, 1),
        (5, 576, 96, true, HardSwish, 1),
    ],
    features: 1024,
};

/// 4.2 million parameters and 1280 × `classes`.
pub(super) const LARGE: Size = Size {
    blocks: &[
        (3, 16, 16, false, Relu, 1),
        (3, 64, 24, false, Relu, 2),
        (3, 72, 24, false, Relu, 1),
        (5, 72, 40, true, Relu, 2),
        (5, 120, 40, true, Relu, 1),
        (5, 120, 40, true, Relu, 1),
        (3, 240, 80, false, HardSwish, 2),
        (3, 200, 80, false, HardSwish, 1),
        (3, 184, 80, false, HardSwish, 1),
        (3, 184, 80, false, HardSwish, 1),
        (3, 480, 112, true, HardSwish, 1),
        (3, 672, 112, true, HardSwish, 1),
        (5, 672, 160, true, HardSwish, 2),
        (5, 960, 160, true, HardSwish, 1),
        (5, 960, 160, true, HardSwish, 1),
    ],
    features: 1280,
};

struct MobileNet {
    stem: ConvNorm,
    blocks: Vec<Block>,
    last: ConvNorm,
    before_head: Linear,
    dropout: Dropout,
}

pub(super) fn build(mut builder: Builder, size: Size, classes: i64) -> Network {
    let stem = conv_norm(&mut builder, "features.0", ConvShape::new(3, STEM, 3).stride(2), NORM);
    let mut from = STEM;
    let mut blocks = Vec::with_capacity(size.blocks.len());
    for (number, &(kernel, inner, to, scales, activation, stride)) in (1..).zip(size.blocks) {
        let numbers = multiple_of_8((inner / 4) as f64);
        let squeeze = scales.then_some((numbers, [Relu, Activation::HardSigmoid]));
        let shape = Shape { kernel, stride, from, inner, to, squeeze, activation, norm: NORM, rate: 0.0 };
        blocks.push(Block::build(&mut builder, &format!("features.{number}"), &shape));
        from = to;
    }
    builder.deeper();
    let name = format!("features.{}", size.blocks.len() + 1);
    let last = conv_norm(&mut builder, &name, ConvShape::new(from, 6 * from, 1), NORM);
    let before_head = builder.linear("classifier.0", 6 * from, size.features, START);
    let dropout = builder.dropout("classifier.2", DROPOUT);
    let body = MobileNet { stem, blocks, last, before_head, dropout };
    builder.finish(body, "classifier.3", size.features, classes, START)
}

impl Body for MobileNet {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = self.stem.activated(pass, input, HardSwish);
        for block in &self.blocks {
            x = block.forward(pass, &x);
        }
        let x = global_average(&self.last.activated(pass, &x, HardSwish));
        let x = self.before_head.forward_exact(pass, &x);
        self.dropout.forward(pass, &self.before_head.activate(pass, x, HardSwish))
    }
}
