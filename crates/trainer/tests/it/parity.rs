//! Our formulas and networks against PyTorch's figures (`tests/reference/make.py`).

use protocol::spec::{Model, Optimizer, Schedule};
use serde::Deserialize;
use std::path::Path;
use tch::{Device, Kind, Tensor};
use tintype_trainer::weights::OtherHead;
use tintype_trainer::{models, optimizer, schedule, weights};

fn reference<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// `sin(1.7 i + phase)` for i from 0.
fn wave(count: usize, phase: f64) -> Tensor {
    let values: Vec<f64> = (0..count).map(|index| (1.7 * index as f64 + phase).sin()).collect();
    Tensor::from_slice(&values)
}

fn images(count: i64, side: i64) -> Tensor {
    wave((count * 3 * side * side) as usize, 0.5).to_kind(Kind::Float).view([count, 3, side, side])
}

fn assert_close(ours: &Tensor, theirs: &[Vec<f32>], tolerance: f64) {
    let theirs = Tensor::from_slice2(theirs);
    assert_eq!(ours.size(), theirs.size());
    let difference = (ours - &theirs).abs().max().double_value(&[]);
    let scale = theirs.abs().max().double_value(&[]);
    assert!(difference <= tolerance * scale, "{difference} of {scale}");
}

#[test]
fn optimisers_step_as_pytorchs_do() {
    #[derive(Deserialize)]
    struct Case {
        optimizer: Optimizer,
        weight_decay: f64,
        weights: Vec<Vec<f32>>,
    }
    for case in reference::<Vec<Case>>("optimizers.json") {
        let weights = wave(5, 0.0).to_kind(Kind::Float).set_requires_grad(true);
        let mut optimizer = optimizer::Optimizer::new(case.optimizer, case.weight_decay, &weights);
        for (step, expected) in case.weights.iter().enumerate() {
            let gradient = wave(5, step as f64 + 1.0).to_kind(Kind::Float);
            optimizer.step(&weights, &gradient, 0.1 / (step as f64 + 1.0));
            let difference = (weights.detach() - Tensor::from_slice(expected)).abs().max().double_value(&[]);
            // One unit in the last place of the largest weight, 1.2e-7, and a second for another order of products.
            assert!(difference < 2.5e-7, "{:?} step {step}: {difference}", case.optimizer);
        }
    }
}

#[test]
fn schedules_follow_pytorchs() {
    #[derive(Deserialize)]
    struct Case {
        schedule: Schedule,
        total: u64,
        rates: Vec<f64>,
    }
    for case in reference::<Vec<Case>>("schedules.json") {
        for (step, expected) in (0..).zip(&case.rates) {
            let ours = schedule::learning_rate(case.schedule, 0.4, step, case.total, 0);
            assert!(
                (ours - expected).abs() < 1e-12,
                "{:?} {step} of {}: {ours} {expected}",
                case.schedule,
                case.total
            );
            // After a warm-up the schedule is the same, only later.
            let later = schedule::learning_rate(case.schedule, 0.4, step + 5, case.total + 5, 5);
            assert!((later - expected).abs() < 1e-12);
        }
    }
}

#[derive(Deserialize)]
struct Resnet18 {
    tensors: Vec<(String, Vec<i64>)>,
    logits: Vec<Vec<f32>>,
}

#[test]
fn resnet18_has_torchvisions_names_shapes_and_logits() {
    let theirs: Resnet18 = reference("resnet18.json");
    let network = models::build(Model::Resnet18, 80, 4, Device::Cpu).unwrap();
    let mut ours: Vec<_> =
        network.named_tensors().iter().map(|(name, tensor)| (name.clone(), tensor.size())).collect();
    let mut expected = theirs.tensors.clone();
    ours.sort();
    expected.sort();
    assert_eq!(ours, expected);

    let tensors: Vec<(String, Tensor)> = theirs
        .tensors
        .iter()
        .enumerate()
        .map(|(index, (name, shape))| {
            let count = shape.iter().product::<i64>();
            let wave = wave(count as usize, index as f64);
            let values = if shape.len() > 1 {
                wave * (4.0 * shape[0] as f64 / count as f64).sqrt()
            } else if name.ends_with("bias") || name.ends_with("running_mean") {
                wave * 0.1
            } else {
                wave * 0.1 + 1.0
            };
            (name.clone(), values.to_kind(Kind::Float).view(shape.as_slice()))
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    std::fs::write(&path, weights::to_bytes(&tensors).unwrap()).unwrap();
    assert_eq!(weights::load(&network, &path, OtherHead::Refuse), Ok(None));
    let logits = tch::no_grad(|| network.forward(&images(2, 80), Kind::Float, false).logits);
    assert_close(&logits, &theirs.logits, 1e-4);
}

#[test]
fn small_images_get_the_small_stem() {
    for (side, stem) in [(64, 3), (65, 7)] {
        let network = models::build(Model::Resnet18, side, 2, Device::Cpu).unwrap();
        assert_eq!(network.parameters[0].shape, [64, 3, stem, stem]);
    }
}

#[test]
fn resnet20_gives_pytorchs_logits_for_trained_weights() {
    let Some(data) = std::env::var_os("TINTYPE_REAL_DATA") else {
        eprintln!("skipped: TINTYPE_REAL_DATA is not set");
        return;
    };
    #[derive(Deserialize)]
    struct Resnet20 {
        logits: Vec<Vec<f32>>,
    }
    let theirs: Resnet20 = reference("resnet20.json");
    let network = models::build(Model::Resnet20Cifar, 32, 10, Device::Cpu).unwrap();
    let path = Path::new(&data).join("weights/resnet20-cifar10.safetensors");
    assert_eq!(weights::load(&network, &path, OtherHead::Refuse), Ok(None));
    let logits = |dtype| tch::no_grad(|| network.forward(&images(2, 32), dtype, false).logits);
    assert_close(&logits(Kind::Float), &theirs.logits, 1e-5);
    assert_close(&logits(Kind::BFloat16), &theirs.logits, 3e-2);
}

#[test]
fn the_cifar_networks_have_the_published_sizes() {
    // He et al. 2015, table 6: 0.27 and 0.85 million.
    for (model, expected) in [(Model::Resnet20Cifar, 269_722), (Model::Resnet56Cifar, 853_018)] {
        let network = models::build(model, 32, 10, Device::Cpu).unwrap();
        assert_eq!(network.flat.numel(), expected);
    }
}
