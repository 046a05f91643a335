//! A small network for small data: four stages of convolution, batch normalisation, ReLU and pooling.

use crate::layers::{
    Activation, BatchNormSettings, Body, Builder, ConvNorm, ConvShape, LinearStart, Network, Pass,
    global_average,
};
use tch::Tensor;

/// Channels after each stage.
const WIDTHS: [i64; 4] = [32, 64, 128, 128];

struct SmallCnn {
    stages: Vec<ConvNorm>,
}

/// About 0.24 million parameters.
pub(super) fn build(mut builder: Builder, classes: i64) -> Network {
    let mut from = 3;
    let mut stages = Vec::new();
    for (index, &to) in WIDTHS.iter().enumerate() {
        let stage = index + 1;
        if index > 0 {
            builder.deeper();
        }
        let [conv, norm] = ["conv", "bn"].map(|part| format!("stage{stage}.{part}"));
        let shape = ConvShape::new(from, to, 3);
        stages.push(builder.conv_norm(&conv, shape, &norm, BatchNormSettings::PYTORCH));
        from = to;
    }
    builder.finish(SmallCnn { stages }, "head", from, classes, LinearStart::pytorch(from))
}

impl Body for SmallCnn {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = input.shallow_clone();
        for (index, stage) in self.stages.iter().enumerate() {
            x = stage.activated(pass, &x, Activation::Relu);
            if index + 1 < self.stages.len() {
                x = x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
            }
        }
        global_average(&x)
    }
}
