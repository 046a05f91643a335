//! Functions behind a layer, without numbers of their own.

use tch::Tensor;

/// A function behind a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing below 0.
    Relu,
    /// Nothing below 0 or above 6.
    Relu6,
    /// The number times its [`Activation::HardSigmoid`].
    HardSwish,
    /// 0 up to −3, 1 from 3 on, and a straight line between them.
    HardSigmoid,
    /// The number times its [`Activation::Sigmoid`].
    Silu,
    /// Between 0 and 1, never quite there.
    Sigmoid,
    /// The number times the share of a normal distribution that lies below it.
    Gelu,
}

impl Activation {
    /// Of each number of `input`, whose first side is images and which may be overwritten.
    pub(super) fn apply(self, mut input: Tensor) -> Tensor {
        // ReLUs need only what they gave to go backward. The others need what came in: to overwrite it, libtorch would copy it.
        let learns = input.requires_grad();
        match self {
            Activation::Relu => input.relu_(),
            Activation::Relu6 => input.relu6_(),
            Activation::HardSwish if learns => input.hardswish(),
            Activation::HardSwish => input.hardswish_(),
            Activation::HardSigmoid if learns => input.hardsigmoid(),
            Activation::HardSigmoid => input.hardsigmoid_(),
            Activation::Silu if learns => input.silu(),
            Activation::Silu => one_by_one(input, |image| image.silu_()),
            Activation::Sigmoid if learns => input.sigmoid(),
            Activation::Sigmoid => one_by_one(input, |image| image.sigmoid_()),
            Activation::Gelu if learns => input.gelu("none"),
            Activation::Gelu => one_by_one(input, |image| image.gelu_("none")),
        }
    }

    /// Whether it gives exactly 0 to a range of numbers, and no gradient there: a channel that is 0 for every image learns nothing.
    pub fn can_be_dead(self) -> bool {
        match self {
            Activation::Relu | Activation::Relu6 | Activation::HardSwish | Activation::HardSigmoid => true,
            Activation::Silu | Activation::Sigmoid | Activation::Gelu => false,
        }
    }
}

/// Overwrites each image alone: libtorch takes numbers many at a time and the rest singly, which gives other last bits where a
/// function is no plain arithmetic. This way they don't depend on where an image stands in its batch.
fn one_by_one(input: Tensor, overwrite: impl Fn(&mut Tensor) -> Tensor) -> Tensor {
    for mut image in input.unbind(0) {
        let _ = overwrite(&mut image);
    }
    input
}
