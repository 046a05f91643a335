//! The block that MobileNets and EfficientNets are made of (Sandler et al. 2018, *MobileNetV2*): more channels, each by a kernel
//! of its own, and fewer channels again. Names, padding and first numbers are torchvision's.

use crate::layers::{
    Activation, BatchNormSettings, Builder, ConvNorm, ConvShape, Fan, Pass, SqueezeExcite, StochasticDepth,
};
use tch::Tensor;

/// What a block is made of.
pub(super) struct Shape {
    /// Side of the kernel in its middle.
    pub(super) kernel: i64,
    pub(super) stride: i64,
    /// Channels that come in, …
    pub(super) from: i64,
    /// … are in its middle, …
    pub(super) inner: i64,
    /// … and go out.
    pub(super) to: i64,
    /// Numbers by way of which channels are scaled, where they are, and what comes behind each of the two products.
    pub(super) squeeze: Option<(i64, [Activation; 2])>,
    pub(super) activation: Activation,
    pub(super) norm: BatchNormSettings,
    /// At which rate the block is left out, where it has a shortcut.
    pub(super) rate: f64,
}

pub(super) struct Block {
    expand: Option<ConvNorm>,
    depthwise: ConvNorm,
    squeeze: Option<SqueezeExcite>,
    project: ConvNorm,
    activation: Activation,
    /// Where input and output have the same shape.
    shortcut: Option<StochasticDepth>,
}

/// A convolution with its normalisation, as torchvision names and begins them.
pub(super) fn conv_norm(
    builder: &mut Builder,
    name: &str,
    shape: ConvShape,
    norm: BatchNormSettings,
) -> ConvNorm {
    builder.conv_norm(&format!("{name}.0"), shape.fan(Fan::OutOfAll), &format!("{name}.1"), norm)
}

/// The multiple of 8 nearest to a number of channels, but not more than a tenth below.
pub(super) fn multiple_of_8(wanted: f64) -> i64 {
    let nearest = ((wanted + 4.0) as i64 / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * wanted { nearest + 8 } else { nearest }
}

impl Block {
    /// The block whose parts are called `name.block.0`, `name.block.1`, … .
    pub(super) fn build(builder: &mut Builder, name: &str, shape: &Shape) -> Self {
        builder.deeper();
        let mut parts = (0..).map(|number| format!("{name}.block.{number}"));
        let mut part = || parts.next().unwrap_or_default();
        let Shape { from, inner, to, .. } = *shape;
        let expand =
            (inner != from).then(|| conv_norm(builder, &part(), ConvShape::new(from, inner, 1), shape.norm));
        let middle = ConvShape::depthwise(inner, shape.kernel).stride(shape.stride);
        let depthwise = conv_norm(builder, &part(), middle, shape.norm);
        let squeeze = shape.squeeze.map(|(numbers, [activation, gate])| {
            builder.squeeze_excite(&part(), (inner, numbers), (activation, gate))
        });
        let project = conv_norm(builder, &part(), ConvShape::new(inner, to, 1), shape.norm);
        let shortcut = (shape.stride == 1 && from == to)
            .then(|| builder.stochastic_depth(&format!("{name}.stochastic_depth"), shape.rate));
        Self { expand, depthwise, squeeze, project, activation: shape.activation, shortcut }
    }

    pub(super) fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let expanded = self.expand.as_ref().map(|expand| expand.activated(pass, input, self.activation));
        let mut x = self.depthwise.activated(pass, expanded.as_ref().unwrap_or(input), self.activation);
        if let Some(squeeze) = &self.squeeze {
            x = squeeze.forward(pass, &x);
        }
        let x = self.project.forward(pass, &x);
        match &self.shortcut {
            Some(drop) => drop.forward(pass, &x) + input,
            None => x,
        }
    }
}
