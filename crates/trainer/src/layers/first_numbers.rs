//! The numbers that weights begin with.

use tch::{Device, Kind, Tensor};

/// How the first numbers of a weight are found. Draws come from libtorch's generator.
#[derive(Clone, Copy, Debug)]
pub enum FirstNumbers {
    /// All the same.
    All(f64),
    /// From a normal distribution around 0 with this standard deviation. Where others cut it off at ±2, as torchvision does,
    /// that is many deviations away.
    Normal(f64),
    /// Evenly between this on either side of 0.
    Uniform(f64),
}

impl FirstNumbers {
    /// Glorot and Bengio 2010, for a matrix of this shape.
    pub fn xavier(inputs: i64, outputs: i64) -> Self {
        Self::Uniform((6.0 / (inputs + outputs) as f64).sqrt())
    }

    pub(super) fn draw(self, shape: &[i64]) -> Tensor {
        let mut numbers = Tensor::empty(shape, (Kind::Float, Device::Cpu));
        match self {
            FirstNumbers::All(number) => numbers.fill_(number),
            FirstNumbers::Normal(deviation) => numbers.normal_(0.0, deviation),
            FirstNumbers::Uniform(bound) => numbers.uniform_(-bound, bound),
        }
    }
}

/// The first numbers of a product with bias.
#[derive(Clone, Copy, Debug)]
pub struct LinearStart {
    /// Of the matrix.
    pub weight: FirstNumbers,
    /// Of what is added.
    pub bias: FirstNumbers,
}

impl LinearStart {
    /// As `torch.nn.Linear` has them: everything within ±1 ÷ √inputs.
    pub fn pytorch(inputs: i64) -> Self {
        let numbers = FirstNumbers::Uniform(1.0 / (inputs as f64).sqrt());
        Self { weight: numbers, bias: numbers }
    }

    /// With nothing to add.
    pub fn without_bias(weight: FirstNumbers) -> Self {
        Self { weight, bias: FirstNumbers::All(0.0) }
    }
}
