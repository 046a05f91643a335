//! ConvNeXt (Liu et al. 2022), the smallest, with torchvision's parameter names and first numbers.

use crate::layers::{
    Activation, Body, Builder, Conv, ConvShape, FirstNumbers, LayerNorm, Linear, LinearStart, Network,
    Numbers, Pass, StochasticDepth, global_average,
};
use tch::Tensor;

const EPSILON: f64 = 1e-6;
/// Blocks and channels of each stage.
const STAGES: [(i64, i64); 4] = [(3, 96), (3, 192), (9, 384), (3, 768)];
/// The rate at which the deepest block is left out; it falls to 0 towards the input.
const STOCHASTIC_DEPTH: f64 = 0.1;
/// How much of what a block computes is added at first.
const LAYER_SCALE: f64 = 1e-6;
const START: LinearStart = LinearStart { weight: FirstNumbers::Normal(0.02), bias: FirstNumbers::All(0.0) };

struct ConvNext {
    patches: Conv,
    norm: LayerNorm,
    stages: Vec<Stage>,
    last_norm: LayerNorm,
}

struct Stage {
    /// Halves the image, except before the first one.
    halve: Option<(LayerNorm, Conv)>,
    blocks: Vec<Block>,
}

struct Block {
    depthwise: Conv,
    norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
    scale: Numbers,
    drop: StochasticDepth,
}

/// 27.8 million parameters and 768 × `classes`.
pub(super) fn build(mut builder: Builder, classes: i64) -> Network {
    let mut from = STAGES[0].1;
    let patches = builder.conv_with_bias("features.0.0", ConvShape::patches(3, from, 4), START);
    let norm = builder.layer_norm("features.0.1", from, EPSILON);
    let all: i64 = STAGES.iter().map(|(blocks, _)| blocks).sum();
    let (mut before, mut stages) = (0, Vec::new());
    for (index, (blocks, channels)) in (0..).zip(STAGES) {
        let halve = (index > 0).then(|| {
            builder.deeper();
            let name = |part: u32| format!("features.{}.{part}", 2 * index);
            let norm = builder.layer_norm(&name(0), from, EPSILON);
            (norm, builder.conv_with_bias(&name(1), ConvShape::patches(from, channels, 2), START))
        });
        let blocks: Vec<Block> = (0..blocks)
            .map(|block| {
                let rate = STOCHASTIC_DEPTH * (before + block) as f64 / (all - 1) as f64;
                Block::build(&mut builder, &format!("features.{}.{block}", 2 * index + 1), channels, rate)
            })
            .collect();
        before += blocks.len() as i64;
        from = channels;
        stages.push(Stage { halve, blocks });
    }
    let last_norm = builder.layer_norm("classifier.0", from, EPSILON);
    builder.finish(ConvNext { patches, norm, stages, last_norm }, "classifier.2", from, classes, START)
}

impl Body for ConvNext {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = self.norm.forward_image(pass, &self.patches.forward(pass, input));
        for stage in &self.stages {
            if let Some((norm, conv)) = &stage.halve {
                x = conv.forward(pass, &norm.forward_image(pass, &x));
            }
            for block in &stage.blocks {
                x = block.forward(pass, &x);
            }
        }
        self.last_norm.forward(pass, &global_average(&x))
    }
}

impl Block {
    fn build(builder: &mut Builder, name: &str, channels: i64, rate: f64) -> Self {
        builder.deeper();
        let part = |part: &str| format!("{name}.{part}");
        Block {
            depthwise: builder.conv_with_bias(&part("block.0"), ConvShape::depthwise(channels, 7), START),
            norm: builder.layer_norm(&part("block.2"), channels, EPSILON),
            wide: builder.linear(&part("block.3"), channels, 4 * channels, START),
            narrow: builder.linear(&part("block.5"), 4 * channels, channels, START),
            scale: builder.numbers(&part("layer_scale"), &[channels, 1, 1], FirstNumbers::All(LAYER_SCALE)),
            drop: builder.stochastic_depth(&part("stochastic_depth"), rate),
        }
    }

    fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let x = self.depthwise.forward(pass, input).permute([0, 2, 3, 1]);
        let x = self.wide.activated(pass, &self.norm.forward(pass, &x), Activation::Gelu);
        let x = self.narrow.forward(pass, &x).permute([0, 3, 1, 2]);
        self.drop.forward(pass, &self.scale.multiply(pass, &x)) + input
    }
}
