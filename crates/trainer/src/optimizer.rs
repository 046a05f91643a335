//! The optimisers, by PyTorch's formulas, on the flat vector of all weights at once.
//! They must not know which layer a number belongs to, only how fast it learns and of what shape its parameter is.

use crate::fault::Fault;
use crate::layers::Network;
use crate::rates::ByDepth;
use protocol::spec::{self, DecayScope};
use tch::Tensor;

const MOMENTUM: f64 = 0.9;
const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
const RMSPROP_SMOOTHING: f64 = 0.99;
const LAMB_EPSILON: f64 = 1e-6;
const MUON_MOMENTUM: f64 = 0.95;
/// Of the Newton–Schulz iteration, as Jordan et al. chose them.
const NEWTON_SCHULZ: [f64; 3] = [3.4445, -4.775, 2.0315];
const NEWTON_SCHULZ_STEPS: usize = 5;

const MOMENTUM_BUFFER: &str = "momentum_buffer";
const AVERAGE: &str = "exp_avg";
const SQUARES: &str = "exp_avg_sq";

/// One parameter among the weights, in their order.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its shape.
    pub shape: Vec<i64>,
    /// Whether weight decay is meant for it: a weight that something is multiplied by.
    pub decays: bool,
}

impl Part {
    /// Those of a network that learn.
    pub fn all_of(network: &Network) -> Vec<Part> {
        network
            .learning_parameters()
            .map(|parameter| Part { shape: parameter.shape.clone(), decays: parameter.decays })
            .collect()
    }

    fn length(&self) -> i64 {
        self.shape.iter().product()
    }

    /// Whether it is a matrix, or can be read as one: a convolution's output channels by all else.
    fn is_matrix(&self) -> bool {
        self.decays && self.shape.len() > 1
    }
}

/// How strongly numbers are pulled towards 0.
enum Decay {
    /// All alike.
    Even(f64),
    /// Each by its own.
    Each(Tensor),
}

impl Decay {
    fn new(amount: f64, scope: DecayScope, weights: &Tensor, parts: &[Part]) -> Self {
        if scope == DecayScope::All || amount == 0.0 {
            return Decay::Even(amount);
        }
        let options = (weights.kind(), weights.device());
        let amount = |part: &Part| if part.decays { amount } else { 0.0 };
        let each: Vec<Tensor> =
            parts.iter().map(|part| Tensor::full([part.length()], amount(part), options)).collect();
        Decay::Each(Tensor::cat(&each, 0))
    }

    /// Of a range.
    fn of(&self, start: i64, length: i64) -> Decay {
        match self {
            Decay::Even(amount) => Decay::Even(*amount),
            Decay::Each(amounts) => Decay::Each(amounts.narrow(0, start, length)),
        }
    }

    /// L2: what is added to the gradient.
    fn added_to(&self, gradient: &Tensor, weights: &Tensor) -> Tensor {
        match self {
            Decay::Even(0.0) => gradient.shallow_clone(),
            Decay::Even(amount) => gradient + weights * *amount,
            Decay::Each(amounts) => gradient + weights * amounts,
        }
    }

    /// Decoupled: what is taken from the weights.
    fn shrink(&self, weights: &mut Tensor, learning_rate: f64) {
        let _ = match self {
            Decay::Even(amount) => weights.g_mul_scalar_(1.0 - learning_rate * amount),
            Decay::Each(amounts) => weights.g_mul_(&(amounts * -learning_rate + 1.0)),
        };
    }
}

/// Numbers next to each other that began to learn together.
struct Segment {
    start: i64,
    length: i64,
    /// The step of each of them, from 1.
    steps: i32,
    /// The parameter that it is, where it is one.
    part: Option<usize>,
}

impl Segment {
    fn of(&self, tensor: &Tensor) -> Tensor {
        tensor.narrow(0, self.start, self.length)
    }
}

/// An optimiser with its state.
pub struct Optimizer {
    algorithm: spec::Optimizer,
    decay: Decay,
    parts: Vec<Part>,
    /// By PyTorch's names, each as long as the weights.
    state: Vec<(&'static str, Tensor)>,
    /// Steps taken: Adam and those like it correct their averages by it.
    steps: u64,
}

impl Optimizer {
    /// A fresh one for `weights`, which are these parts: its state is zero.
    pub fn new(
        algorithm: spec::Optimizer,
        weight_decay: f64,
        scope: DecayScope,
        weights: &Tensor,
        parts: Vec<Part>,
    ) -> Self {
        let names: &[_] = match algorithm {
            spec::Optimizer::Sgd | spec::Optimizer::SgdMomentum => &[MOMENTUM_BUFFER],
            spec::Optimizer::Adamw | spec::Optimizer::Adam | spec::Optimizer::Lamb => &[AVERAGE, SQUARES],
            spec::Optimizer::Rmsprop => &["square_avg"],
            spec::Optimizer::Muon => &[AVERAGE, SQUARES, MOMENTUM_BUFFER],
        };
        let state = names.iter().map(|&name| (name, weights.detach().zeros_like())).collect();
        let decay = Decay::new(weight_decay, scope, weights, &parts);
        Self { algorithm, decay, parts, state, steps: 0 }
    }

    /// Moves `weights` by one step against `gradient`, each number at its own rate where rates differ. It is then as if each block had
    /// an optimiser of its own, made when it began to learn, as with PyTorch's groups of parameters.
    pub fn step(
        &mut self,
        weights: &Tensor,
        gradient: &Tensor,
        learning_rate: f64,
        by_depth: Option<&ByDepth>,
    ) {
        self.steps += 1;
        tch::no_grad(|| {
            let mut weights = weights.detach();
            let before = by_depth.map(|_rates| weights.copy());
            let moving = weights.shallow_clone();
            match self.algorithm {
                spec::Optimizer::Sgd => self.sgd(moving, gradient, learning_rate, true),
                spec::Optimizer::SgdMomentum => self.sgd(moving, gradient, learning_rate, false),
                spec::Optimizer::Adam => {
                    let gradient = self.decay.added_to(gradient, &moving);
                    self.adam(&moving, &gradient, learning_rate, &self.segments(by_depth));
                }
                spec::Optimizer::Adamw => {
                    self.decay.shrink(&mut moving.shallow_clone(), learning_rate);
                    self.adam(&moving, gradient, learning_rate, &self.segments(by_depth));
                }
                spec::Optimizer::Rmsprop => self.rmsprop(moving, gradient, learning_rate),
                spec::Optimizer::Lamb => self.lamb(&moving, gradient, learning_rate, by_depth),
                spec::Optimizer::Muon => self.muon(&moving, gradient, learning_rate, by_depth),
            }
            if let (Some(ByDepth { shares, .. }), Some(before)) = (by_depth, before) {
                // All of them move a weight in proportion to the learning rate.
                let moved = (&weights - &before) * shares;
                weights.copy_(&(before + moved));
                // What does not learn yet leaves no trace in the averages.
                let learns = shares.gt(0.0);
                for (_, state) in &mut self.state {
                    let _ = state.g_mul_(&learns);
                }
            }
        });
    }

    /// `torch.optim.SGD(momentum=0.9)`; a buffer of zeros gives its first step too.
    fn sgd(&mut self, mut weights: Tensor, gradient: &Tensor, learning_rate: f64, nesterov: bool) {
        let gradient = self.decay.added_to(gradient, &weights);
        let buffer = &mut self.state[0].1;
        let _ = buffer.g_mul_scalar_(MOMENTUM).g_add_(&gradient);
        let direction = if nesterov { gradient + &*buffer * MOMENTUM } else { buffer.shallow_clone() };
        let _ = weights.g_sub_(&(direction * learning_rate));
    }

    /// `torch.optim.RMSprop(alpha=0.99, eps=1e-8)`: Hinton 2012, lecture 6e.
    fn rmsprop(&mut self, mut weights: Tensor, gradient: &Tensor, learning_rate: f64) {
        let gradient = self.decay.added_to(gradient, &weights);
        let squares = &mut self.state[0].1;
        let _ = squares
            .g_mul_scalar_(RMSPROP_SMOOTHING)
            .g_add_(&(&gradient * (1.0 - RMSPROP_SMOOTHING) * &gradient));
        let mut denominator = squares.sqrt();
        let _ = denominator.g_add_scalar_(EPSILON);
        let _ = weights.g_sub_(&(gradient * learning_rate / denominator));
    }

    /// Adam's move (Kingma and Ba 2015) of these numbers; with decoupled weight decay it is AdamW's (Loshchilov and Hutter 2019).
    fn adam(&self, weights: &Tensor, gradient: &Tensor, learning_rate: f64, segments: &[Segment]) {
        for segment in segments {
            let (average, squares) = self.averages(segment, gradient);
            let (correction1, correction2) = corrections(segment.steps);
            let mut denominator = squares.sqrt() / correction2.sqrt();
            let _ = denominator.g_add_scalar_(EPSILON);
            let moved = average * (learning_rate / correction1) / denominator;
            let _ = segment.of(weights).g_sub_(&moved);
        }
    }

    /// Takes the gradient of a segment into the averages of it and of its square, and gives both.
    fn averages(&self, segment: &Segment, gradient: &Tensor) -> (Tensor, Tensor) {
        let gradient = segment.of(gradient);
        let (mut average, mut squares) = (segment.of(&self.state[0].1), segment.of(&self.state[1].1));
        let _ = average.lerp_(&gradient, 1.0 - BETA1);
        let _ = squares.g_mul_scalar_(BETA2).g_add_(&(&gradient * (1.0 - BETA2) * &gradient));
        (average, squares)
    }

    /// You et al. 2020, algorithm 2, with φ the identity; see [`spec::Optimizer::Lamb`].
    fn lamb(&self, weights: &Tensor, gradient: &Tensor, learning_rate: f64, by_depth: Option<&ByDepth>) {
        for segment in self.parameters(by_depth) {
            let mut weights = segment.of(weights);
            let (average, squares) = self.averages(&segment, gradient);
            let (correction1, correction2) = corrections(segment.steps);
            let ratio = average / correction1 / ((squares / correction2).sqrt() + LAMB_EPSILON);
            let update = self.decay.of(segment.start, segment.length).added_to(&ratio, &weights);
            let is_adapted = segment.part.is_some_and(|part| self.parts[part].decays);
            let update = if is_adapted {
                let (size, length) = (weights.norm(), update.norm());
                let trust = (&size / &length)
                    .where_self(&size.gt(0.0).logical_and(&length.gt(0.0)), &size.ones_like());
                update * trust
            } else {
                update
            };
            let _ = weights.g_sub_(&(update * learning_rate));
        }
    }

    /// See [`spec::Optimizer::Muon`].
    fn muon(&self, weights: &Tensor, gradient: &Tensor, learning_rate: f64, by_depth: Option<&ByDepth>) {
        self.decay.shrink(&mut weights.shallow_clone(), learning_rate);
        let (matrices, others): (Vec<Segment>, Vec<Segment>) = self
            .parameters(by_depth)
            .into_iter()
            .partition(|segment| segment.part.is_some_and(|part| self.parts[part].is_matrix()));
        self.adam(weights, gradient, learning_rate, &others);
        for segment in matrices {
            let rows = segment.part.map_or(1, |part| self.parts[part].shape[0]);
            let gradient = segment.of(gradient);
            let mut buffer = segment.of(&self.state[2].1);
            let _ = buffer.lerp_(&gradient, 1.0 - MUON_MOMENTUM);
            let ahead = gradient.lerp(&buffer, MUON_MOMENTUM).view([rows, -1]);
            let columns = ahead.size()[1];
            let scale = 0.2 * (rows.max(columns) as f64).sqrt();
            let update = orthogonalize(&ahead).reshape([-1]) * (learning_rate * scale);
            let _ = segment.of(weights).g_sub_(&update);
        }
    }

    /// All numbers, parted by when they began to learn.
    fn segments(&self, by_depth: Option<&ByDepth>) -> Vec<Segment> {
        let everything = [(self.parts.iter().map(Part::length).sum(), 0)];
        let mut start = 0;
        let segment = |&(length, begun): &(i64, u64)| {
            let segment = Segment { start, length, steps: self.steps_since(begun), part: None };
            start += length;
            segment
        };
        by_depth.map_or(&everything[..], |rates| &rates.begun).iter().map(segment).collect()
    }

    /// Each parameter by itself.
    fn parameters(&self, by_depth: Option<&ByDepth>) -> Vec<Segment> {
        let begun = self.segments(by_depth);
        let mut start = 0;
        let segment = |(part, of): (usize, &Part)| {
            let own = begun.iter().find(|segment| start < segment.start + segment.length);
            let steps = own.map_or(1, |segment| segment.steps);
            let segment = Segment { start, length: of.length(), steps, part: Some(part) };
            start += segment.length;
            segment
        };
        self.parts.iter().enumerate().map(segment).collect()
    }

    fn steps_since(&self, begun: u64) -> i32 {
        i32::try_from(self.steps.saturating_sub(begun).max(1)).unwrap_or(i32::MAX)
    }

    /// The state, by PyTorch's names.
    pub fn state(&self) -> &[(&'static str, Tensor)] {
        &self.state
    }

    /// Takes up a state that [`Optimizer::state`] gave after `steps` steps; `read` finds a tensor by its name.
    pub fn restore(
        &mut self,
        steps: u64,
        mut read: impl FnMut(&str) -> Result<Tensor, Fault>,
    ) -> Result<(), Fault> {
        self.steps = steps;
        for (name, tensor) in &mut self.state {
            tensor.copy_(&read(name)?);
        }
        Ok(())
    }
}

/// By what the averages of so many steps, which began at 0, are too small.
fn corrections(steps: i32) -> (f64, f64) {
    (1.0 - BETA1.powi(steps), 1.0 - BETA2.powi(steps))
}

/// The nearest matrix, about, whose rows (or columns, where these are fewer) are orthonormal: Newton–Schulz.
fn orthogonalize(matrix: &Tensor) -> Tensor {
    let is_tall = matrix.size()[0] > matrix.size()[1];
    let mut matrix = if is_tall { matrix.transpose(0, 1) } else { matrix.shallow_clone() };
    matrix = &matrix / matrix.norm().clamp_min(1e-7);
    let [a, b, c] = NEWTON_SCHULZ;
    for _ in 0..NEWTON_SCHULZ_STEPS {
        let gram = matrix.matmul(&matrix.transpose(0, 1));
        let update = &gram * b + gram.matmul(&gram) * c;
        matrix = &matrix * a + update.matmul(&matrix);
    }
    if is_tall { matrix.transpose(0, 1) } else { matrix }
}
