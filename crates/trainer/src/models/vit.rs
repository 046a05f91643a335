//! Vision transformers (Dosovitskiy et al. 2020) with torchvision's parameter names and first numbers.

use crate::layers::{
    Activation, Attention, Body, Builder, Conv, ConvShape, FirstNumbers, LayerNorm, Linear, LinearStart,
    Network, Numbers, Pass, StochasticDepth,
};
use tch::{Kind, Tensor};

const EPSILON: f64 = 1e-6;
const CLASS_TOKEN: &str = "class_token";
const POSITIONS: &str = "encoder.pos_embedding";

/// What tells the sizes from each other.
#[derive(Clone, Copy)]
pub(super) struct Size {
    /// Side of a patch, pixels.
    patch: i64,
    blocks: i64,
    heads: i64,
    /// Numbers of a token, …
    channels: i64,
    /// … and in the middle of a block's second half.
    inner: i64,
    /// The rate at which the deepest block would be left out; it falls to 0 towards the input.
    stochastic_depth: f64,
}

/// 85.8 million parameters and 768 × `classes`, for images of 224 pixels.
pub(super) const B16: Size =
    Size { patch: 16, blocks: 12, heads: 12, channels: 768, inner: 3072, stochastic_depth: 0.0 };
/// Made for small images and for trying: 2.7 million parameters and 192 × `classes`.
pub(super) const TINY: Size =
    Size { patch: 4, blocks: 6, heads: 3, channels: 192, inner: 768, stochastic_depth: 0.1 };

struct VisionTransformer {
    patches: Conv,
    class_token: Numbers,
    positions: Numbers,
    blocks: Vec<Block>,
    norm: LayerNorm,
}

struct Block {
    norm_1: LayerNorm,
    attention: Attention,
    norm_2: LayerNorm,
    wide: Linear,
    narrow: Linear,
    drops: [StochasticDepth; 2],
}

/// For images of `side` pixels, a multiple of the patch's.
pub(super) fn build(mut builder: Builder, size: Size, side: u32, classes: i64) -> Network {
    let (patch, channels) = (size.patch, size.channels);
    let shape = ConvShape::patches(3, channels, patch);
    let first = FirstNumbers::Normal(1.0 / ((3 * patch * patch) as f64).sqrt());
    let patches = builder.conv_with_bias("conv_proj", shape, LinearStart::without_bias(first));
    let class_token = builder.numbers(CLASS_TOKEN, &[1, 1, channels], FirstNumbers::All(0.0));
    let tokens = (i64::from(side) / patch).pow(2) + 1;
    let positions = builder.numbers(POSITIONS, &[1, tokens, channels], FirstNumbers::Normal(0.02));
    let blocks = (0..size.blocks).map(|number| Block::build(&mut builder, size, number)).collect();
    let norm = builder.layer_norm("encoder.ln", channels, EPSILON);
    let body = VisionTransformer { patches, class_token, positions, blocks, norm };
    let first = LinearStart::without_bias(FirstNumbers::All(0.0));
    builder.finish(body, "heads.head", channels, classes, first)
}

impl Body for VisionTransformer {
    fn embed(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let tokens = self.patches.forward(pass, input).flatten(2, 3).transpose(1, 2);
        let mut x = self.positions.add(pass, &self.class_token.before(pass, &tokens));
        for block in &self.blocks {
            x = block.forward(pass, &x);
        }
        // Only the class token is looked at from here on, and each token is normalised alone.
        self.norm.forward(pass, &x.select(1, 0))
    }

    /// Before version 0.14 torchvision numbered the products of a block's second half.
    fn renamed(&self, name: &str) -> Option<String> {
        let renamed = name.replace(".mlp.linear_1.", ".mlp.0.").replace(".mlp.linear_2.", ".mlp.3.");
        (renamed != name).then_some(renamed)
    }

    /// Positions of another image size are interpolated, as torchvision's `interpolate_embeddings` does.
    fn fitted(&self, name: &str, tensor: &Tensor, shape: &[i64]) -> Option<(Tensor, String)> {
        let &[1, tokens, channels] = tensor.size().as_slice() else { return None };
        let side = |tokens: i64| ((tokens - 1) as f64).sqrt().round() as i64;
        let is_square = |tokens: i64| tokens > 1 && side(tokens).pow(2) == tokens - 1;
        let &[1, wanted, same] = shape else { return None };
        if name != POSITIONS || same != channels || !is_square(tokens) || !is_square(wanted) {
            return None;
        }
        let (from, to) = (side(tokens), side(wanted));
        let of_patches = tensor.narrow(1, 1, tokens - 1).transpose(1, 2).reshape([1, channels, from, from]);
        let of_patches = of_patches.to_kind(Kind::Float).upsample_bicubic2d([to, to], true, None, None);
        let of_patches = of_patches.reshape([1, channels, wanted - 1]).transpose(1, 2);
        let fitted = Tensor::cat(&[tensor.narrow(1, 0, 1), of_patches], 1);
        let said = format!(
            "were learned on images of {from} × {from} patches and this network takes {to} × {to}: its positions are interpolated"
        );
        Some((fitted, said))
    }
}

impl Block {
    fn build(builder: &mut Builder, size: Size, number: i64) -> Self {
        builder.deeper();
        let name = |part: &str| format!("encoder.layers.encoder_layer_{number}.{part}");
        let (channels, inner) = (size.channels, size.inner);
        let first =
            LinearStart { weight: FirstNumbers::xavier(channels, inner), bias: FirstNumbers::Normal(1e-6) };
        let rate = size.stochastic_depth * number as f64 / size.blocks as f64;
        Block {
            norm_1: builder.layer_norm(&name("ln_1"), channels, EPSILON),
            attention: builder.attention(&name("self_attention"), channels, size.heads),
            norm_2: builder.layer_norm(&name("ln_2"), channels, EPSILON),
            wide: builder.linear(&name("mlp.0"), channels, inner, first),
            narrow: builder.linear(&name("mlp.3"), inner, channels, first),
            drops: ["attention", "mlp"]
                .map(|part| builder.stochastic_depth(&name(&format!("stochastic_depth.{part}")), rate)),
        }
    }

    fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let x = self.attention.forward(pass, &self.norm_1.forward(pass, input));
        let x = self.drops[0].forward(pass, &x) + input;
        let y = self.wide.activated(pass, &self.norm_2.forward(pass, &x), Activation::Gelu);
        let y = self.narrow.forward(pass, &y);
        self.drops[1].forward(pass, &y) + x
    }
}
