//! He et al. 2015, ResNet-18, -34 and -50, with torchvision's parameter names and first numbers, so that weights move
//! freely between the two. Small images get a 3 × 3 stem without pooling: the large one would leave them a 2 × 2 map.

use crate::layers::{
    Activation, BatchNormSettings, Body, Builder, ConvNorm, ConvShape, LinearStart, Network, Pass,
    global_average,
};
use tch::Tensor;

/// The largest image that gets the small stem, pixels.
const SMALL: u32 = 64;
/// Inner channels of the stages.
const STAGES: [i64; 4] = [64, 128, 256, 512];

/// What tells the sizes from each other.
#[derive(Clone, Copy)]
pub(super) struct Size {
    /// Of each stage.
    blocks: [usize; 4],
    /// Whether a block's one convolution of 3 × 3 stands between two of 1 × 1, the last of which has four times the channels.
    bottleneck: bool,
}

/// 11.2 million parameters and 512 × `classes`.
pub(super) const RESNET18: Size = Size { blocks: [2, 2, 2, 2], bottleneck: false };
/// 21.3 million parameters and 512 × `classes`.
pub(super) const RESNET34: Size = Size { blocks: [3, 4, 6, 3], bottleneck: false };
/// 23.5 million parameters and 2048 × `classes`.
pub(super) const RESNET50: Size = Size { blocks: [3, 4, 6, 3], bottleneck: true };

struct Resnet {
    stem: ConvNorm,
    pool: bool,
    blocks: Vec<Block>,
}

struct Block {
    /// In their order, with a ReLU between them.
    convs: Vec<ConvNorm>,
    downsample: Option<ConvNorm>,
}

pub(super) fn build(mut builder: Builder, size: Size, image_size: u32, classes: i64) -> Network {
    let small = image_size <= SMALL;
    let (kernel, stride) = if small { (3, 1) } else { (7, 2) };
    let shape = ConvShape::new(3, 64, kernel).stride(stride);
    let stem = builder.conv_norm("conv1", shape, "bn1", BatchNormSettings::PYTORCH);
    let mut from = 64;
    let mut blocks = Vec::new();
    for (index, inner) in STAGES.into_iter().enumerate() {
        for block in 0..size.blocks[index] {
            let stride = if index > 0 && block == 0 { 2 } else { 1 };
            let to = if size.bottleneck { 4 * inner } else { inner };
            let shapes = if size.bottleneck {
                // The stride is the middle one's, as in torchvision; the paper has it in the first.
                vec![
                    ConvShape::new(from, inner, 1),
                    ConvShape::new(inner, inner, 3).stride(stride),
                    ConvShape::new(inner, to, 1),
                ]
            } else {
                vec![ConvShape::new(from, to, 3).stride(stride), ConvShape::new(to, to, 3)]
            };
            builder.deeper();
            let name = format!("layer{}.{block}", index + 1);
            let downsample = (stride != 1 || from != to).then(|| ConvShape::new(from, to, 1).stride(stride));
            blocks.push(Block::build(&mut builder, &name, &shapes, downsample));
            from = to;
        }
    }
    builder.finish(Resnet { stem, pool: !small, blocks }, "fc", from, classes, LinearStart::pytorch(from))
}

impl Body for Resnet {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = self.stem.activated(pass, input, Activation::Relu);
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
    fn build(builder: &mut Builder, name: &str, shapes: &[ConvShape], downsample: Option<ConvShape>) -> Self {
        let mut part = |conv: &str, norm: &str, shape: ConvShape| {
            let [conv, norm] = [conv, norm].map(|part| format!("{name}.{part}"));
            builder.conv_norm(&conv, shape, &norm, BatchNormSettings::PYTORCH)
        };
        let convs = (1..)
            .zip(shapes)
            .map(|(number, &shape)| part(&format!("conv{number}"), &format!("bn{number}"), shape))
            .collect();
        let downsample = downsample.map(|shape| part("downsample.0", "downsample.1", shape));
        Self { convs, downsample }
    }

    fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let mut x = input.shallow_clone();
        for (index, conv) in self.convs.iter().enumerate() {
            let is_last = index + 1 == self.convs.len();
            x = if is_last { conv.forward(pass, &x) } else { conv.activated(pass, &x, Activation::Relu) };
        }
        let shortcut = match &self.downsample {
            None => input.shallow_clone(),
            Some(downsample) => downsample.forward(pass, input),
        };
        let sum = x + shortcut;
        match self.convs.last() {
            Some(last) => last.activate(pass, sum, Activation::Relu),
            None => sum,
        }
    }
}
