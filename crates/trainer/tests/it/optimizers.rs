//! Every optimiser against PyTorch's steps (`tests/reference/make.py`).

use crate::parity::{reference, wave};
use protocol::optimizer::OPTIMIZERS;
use protocol::spec::{DecayScope, Optimizer};
use serde::Deserialize;
use tch::{Kind, Tensor};
use tintype_trainer::optimizer::{self, Part};

/// Ten steps of three parameters: a convolution, a matrix and a bias.
#[derive(Deserialize)]
struct Case {
    optimizer: Optimizer,
    rate: f64,
    weight_decay: f64,
    decay_scope: DecayScope,
    /// After so many steps, one parameter behind the other.
    weights: Vec<(u32, Vec<f32>)>,
}

fn parts() -> Vec<Part> {
    let part = |shape: &[i64]| Part { shape: shape.to_vec(), decays: shape.len() > 1 };
    vec![part(&[4, 2, 3, 3]), part(&[5, 3]), part(&[5])]
}

const NUMBERS: usize = 4 * 2 * 3 * 3 + 5 * 3 + 5;

#[test]
fn optimisers_step_as_pytorchs_do() {
    let cases: Vec<Case> = reference("optimizers.json");
    for entry in &OPTIMIZERS {
        let own: Vec<&Case> = cases.iter().filter(|case| case.optimizer == entry.optimizer).collect();
        assert!(own.len() >= 3, "{}: without decay, with decay of everything, of weights alone", entry.name);
    }
    for case in cases {
        assert_eq!(case.weights.last().map(|(steps, _)| *steps), Some(10));
        let weights = wave(NUMBERS, 0.0).to_kind(Kind::Float).set_requires_grad(true);
        let mut optimizer =
            optimizer::Optimizer::new(case.optimizer, case.weight_decay, case.decay_scope, &weights, parts());
        let mut furthest: f64 = 0.0;
        for step in 1..=10 {
            let gradient = wave(NUMBERS, f64::from(step)).to_kind(Kind::Float);
            optimizer.step(&weights, &gradient, case.rate / f64::from(step), None);
            let Some((_, expected)) = case.weights.iter().find(|(steps, _)| *steps == step) else { continue };
            let difference = (weights.detach() - Tensor::from_slice(expected)).abs().max().double_value(&[]);
            furthest = furthest.max(difference);
        }
        println!("{:?} {} {:?}: {furthest:.1e}", case.optimizer, case.weight_decay, case.decay_scope);
        // Muon's iteration widens the last bits of its products.
        let tolerance = if case.optimizer == Optimizer::Muon { 1e-5 } else { 1e-6 };
        assert!(furthest < tolerance, "{:?} {:?}: {furthest}", case.optimizer, case.decay_scope);
    }
}
