//! Our formulas and networks against PyTorch's figures (`tests/reference/make.py`).

use protocol::model::MODELS;
use protocol::schedule;
use protocol::spec::{Model, Schedule};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use tch::{Device, Kind, Tensor};
use tintype_trainer::layers::{Mode, Network, Tap};
use tintype_trainer::weights::OtherHead;
use tintype_trainer::{models, weights};

pub(crate) fn reference<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// `sin(1.7 i + phase)` for i from 0.
pub(crate) fn wave(count: usize, phase: f64) -> Tensor {
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
    load_formulas(&network, &theirs.tensors, wave, 4.0);
    let logits = tch::no_grad(|| network.forward(&images(2, 80), Kind::Float, Mode::Evaluate).logits);
    assert_close(&logits, &theirs.logits, 1e-4);
}

/// Loads the weights of `with_formulas` in `make.py` by name, after a look at all names and shapes.
fn load_formulas(
    network: &Network,
    theirs: &[(String, Vec<i64>)],
    formula: fn(usize, f64) -> Tensor,
    gain: f64,
) {
    let mut ours: Vec<_> =
        network.named_tensors().iter().map(|(name, tensor)| (name.clone(), tensor.size())).collect();
    let mut expected = theirs.to_vec();
    ours.sort();
    expected.sort();
    assert_eq!(ours, expected);

    let tensors: Vec<(String, Tensor)> = theirs
        .iter()
        .enumerate()
        .map(|(index, (name, shape))| {
            let count = shape.iter().product::<i64>();
            let values = formula(count as usize, index as f64);
            let values = if shape.len() > 1 {
                values * (gain * shape[0] as f64 / count as f64).sqrt()
            } else if name.ends_with("bias") || name.ends_with("running_mean") {
                values * 0.1
            } else {
                values * 0.1 + 1.0
            };
            (name.clone(), values.to_kind(Kind::Float).view(shape.as_slice()))
        })
        .collect();
    if network.flat.numel() > 20_000_000 {
        // Files are read in other tests; one of this size would take longer than the rest.
        let own: BTreeMap<String, Tensor> = network.named_tensors().into_iter().collect();
        for (name, tensor) in &tensors {
            own[name].shallow_clone().copy_(tensor);
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    std::fs::write(&path, weights::to_bytes(&tensors).unwrap()).unwrap();
    assert_eq!(weights::load(network, &path, OtherHead::Refuse), Ok(None));
}

/// As good as random; see `make.py`.
fn scatter(count: usize, phase: f64) -> Tensor {
    let index = Tensor::arange_start(1, count as i64 + 1, (Kind::Double, Device::Cpu));
    let values = (index * 12.9898 + phase).sin() * 43_758.545_3;
    (&values - values.floor() - 0.5) * 12.0_f64.sqrt()
}

#[derive(Deserialize)]
struct WithGradients {
    model: Model,
    /// Of the images, pixels.
    side: i64,
    /// Of the input.
    phase: f64,
    tensors: Vec<(String, Vec<i64>)>,
    logits: Vec<Vec<f32>>,
    gradients: BTreeMap<String, Gradient>,
    /// Of the first normalisation after a training pass.
    statistics: BTreeMap<String, Vec<f32>>,
    /// Of the logits after a training pass without random layers; none where that is no different from evaluating.
    #[serde(default)]
    train_logits: Option<Vec<Vec<f32>>>,
    #[serde(default)]
    train_gradients: BTreeMap<String, Gradient>,
    /// By parameter, [mean, standard deviation] of its first numbers.
    #[serde(default)]
    first: BTreeMap<String, [f64; 2]>,
}

/// Of one parameter.
#[derive(Deserialize)]
struct Gradient {
    norm: f64,
    largest: f64,
    /// Up to four, spread over it.
    values: Vec<f64>,
}

#[test]
fn efficientnet_lite_has_the_references_names_logits_gradients_and_statistics() {
    // 40 pixels: “same” padding meets even and odd sides.
    assert_as_reference("efficientnet-lite.json");
}

#[test]
fn deeper_resnets_have_torchvisions_names_logits_gradients_and_statistics() {
    assert_as_reference("resnets.json");
}

#[test]
fn mobilenets_have_torchvisions_names_logits_gradients_and_statistics() {
    assert_as_reference("mobilenets.json");
}

#[test]
fn efficientnet_b0_has_torchvisions_names_logits_gradients_and_statistics() {
    assert_as_reference("efficientnet-b0.json");
}

#[test]
fn convnext_has_torchvisions_names_logits_and_gradients() {
    assert_as_reference("convnext.json");
}

#[test]
fn vision_transformers_have_torchvisions_names_logits_and_gradients() {
    assert_as_reference("vits.json");
}

#[test]
fn positions_of_another_image_size_are_interpolated_as_torchvision_does() {
    #[derive(Deserialize)]
    struct Case {
        side: u32,
        positions: Vec<Vec<f32>>,
    }
    const POSITIONS: &str = "encoder.pos_embedding";
    // Of images of 16 pixels; a whole file as torchvision before 0.14 wrote it.
    let from = models::build(Model::VitTiny, 16, 3, Device::Cpu).unwrap();
    let given = scatter(17 * 192, 7.0).to_kind(Kind::Float).view([1, 17, 192]);
    let tensors: Vec<(String, Tensor)> = from
        .named_tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let tensor = if name == POSITIONS { given.shallow_clone() } else { tensor };
            (name.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2."), tensor)
        })
        .collect();
    assert!(tensors.iter().any(|(name, _)| name.ends_with("mlp.linear_2.bias")));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    std::fs::write(&path, weights::to_bytes(&tensors).unwrap()).unwrap();
    for case in reference::<Vec<Case>>("vit-positions.json") {
        let network = models::build(Model::VitTiny, case.side, 2, Device::Cpu).unwrap();
        let said = weights::load(&network, &path, OtherHead::Replace).unwrap().unwrap();
        assert!(
            said.contains("were learned on images of 4 × 4 patches")
                && said.contains("(heads.head) starts afresh"),
            "{said}"
        );
        let (_, ours) = network.named_tensors().into_iter().find(|(name, _)| name == POSITIONS).unwrap();
        assert_close(&ours.squeeze_dim(0).narrow(1, 0, 5), &case.positions, 1e-5);
        let side = i64::from(case.side) / 4;
        assert_eq!(ours.size(), [1, side * side + 1, 192]);
    }
}

#[test]
fn an_image_that_patches_do_not_fill_is_refused_in_words() {
    let fault = models::build(Model::VitB16, 100, 2, Device::Cpu).err().unwrap();
    let failure = fault.into_failure();
    assert!(failure.reason.contains("vit-b16 cuts images in patches of 16 pixels, and 100 is no multiple"));
    assert_eq!(failure.advice.as_deref(), Some("Use an image size of 96 or 112 pixels."));
}

#[test]
fn the_catalogue_has_the_number_of_parameters_of_each_model() {
    for entry in &MODELS {
        let network = models::build(entry.model, entry.usual_image_size, 2, Device::Cpu).unwrap();
        assert_eq!(network.flat.numel() as u64, entry.parameters, "{}", entry.name);
    }
}

/// First numbers have torchvision's mean and standard deviation, as nearly as so many draws tell.
fn assert_first_numbers(network: &Network, theirs: &BTreeMap<String, [f64; 2]>) {
    for parameter in network.parameters.iter().filter(|parameter| theirs.contains_key(&parameter.name)) {
        let [mean, deviation] = theirs[&parameter.name];
        let count = parameter.range.end - parameter.range.start;
        let own = network.flat.detach().narrow(0, parameter.range.start, count).to_kind(Kind::Double);
        let off = 8.0 * deviation / (count as f64).sqrt() + 1e-6 * mean.abs();
        let (own_mean, own_deviation) =
            (own.mean(Kind::Double).double_value(&[]), own.std(false).double_value(&[]));
        let name = &parameter.name;
        assert!((own_mean - mean).abs() <= off, "{name}: mean {own_mean}, {mean}");
        assert!((own_deviation - deviation).abs() <= off, "{name}: deviation {own_deviation}, {deviation}");
    }
}

/// The gradient of the cross-entropy of `logits` is `theirs`.
fn assert_gradients(network: &Network, logits: &Tensor, theirs: &BTreeMap<String, Gradient>) {
    let loss = logits.cross_entropy_for_logits(&Tensor::from_slice(&[0_i64, 3]));
    let gradient = network.gradient(&loss);
    let whole = theirs.values().map(|of| of.norm * of.norm).sum::<f64>().sqrt();
    for parameter in &network.parameters {
        let expected = &theirs[&parameter.name];
        let length = parameter.range.end - parameter.range.start;
        let own = gradient.narrow(0, parameter.range.start, length);
        let norm = own.norm().double_value(&[]);
        // Where the next normalisation takes away what a bias adds, its gradient is 0 but for rounding.
        let rounding = 1e-6 * whole;
        let off = (norm - expected.norm).abs();
        assert!(off < 1e-3 * expected.norm + rounding, "{}: {norm} {}", parameter.name, expected.norm);
        for (part, value) in (0..).zip(&expected.values) {
            let ours = own.double_value(&[length * part / 4]);
            let off = (ours - value).abs();
            assert!(off < 1e-3 * expected.largest + rounding, "{}: {ours} {value}", parameter.name);
        }
    }
}

fn assert_as_reference(file: &str) {
    for theirs in reference::<Vec<WithGradients>>(file) {
        let side = theirs.side;
        let network = models::build(theirs.model, side as u32, 4, Device::Cpu).unwrap();
        assert_first_numbers(&network, &theirs.first);
        load_formulas(&network, &theirs.tensors, scatter, 2.0);
        let input = scatter((2 * 3 * side * side) as usize, theirs.phase)
            .to_kind(Kind::Float)
            .view([2, 3, side, side]);
        let logits = network.forward(&input, Kind::Float, Mode::Evaluate).logits;
        assert_close(&logits.detach(), &theirs.logits, 1e-4);
        assert_eq!(network.parameters.len(), theirs.gradients.len());
        assert_gradients(&network, &logits, &theirs.gradients);
        let logits = network.forward(&input, Kind::Float, Mode::Steady).logits;
        if let Some(expected) = &theirs.train_logits {
            assert_close(&logits.detach(), expected, 1e-4);
            assert_gradients(&network, &logits, &theirs.train_gradients);
        }
        for (name, expected) in &theirs.statistics {
            let (_, ours) = network.buffers.iter().find(|(buffer, _)| buffer == name).unwrap();
            assert_close(&ours.unsqueeze(0), std::slice::from_ref(expected), 1e-5);
        }
    }
}

#[test]
#[ignore = "needs the published weights: cargo xtask weights"]
fn efficientnet_lite0_gives_the_references_logits_for_the_published_weights() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/weights/efficientnet-lite0-imagenet.pth");
    assert!(path.is_file(), "the published weights are not there; get them with `cargo xtask weights`");
    #[derive(Deserialize)]
    struct Published {
        classes: Vec<Vec<i64>>,
        logits: Vec<Vec<f32>>,
    }
    let theirs: Published = reference("efficientnet-lite0-published.json");
    let network = models::build(Model::EfficientnetLite0, 224, 1000, Device::Cpu).unwrap();
    assert_eq!(weights::load(&network, &path, OtherHead::Refuse), Ok(None));
    let logits = tch::no_grad(|| network.forward(&images(2, 224), Kind::Float, Mode::Evaluate).logits);
    let (highest, classes) = logits.topk(10, 1, true, true);
    assert_eq!(Vec::<Vec<i64>>::try_from(&classes).unwrap(), theirs.classes);
    assert_close(&highest, &theirs.logits, 1e-4);
}

#[test]
fn parameters_know_their_block_and_whether_they_decay() {
    for model in Model::ALL {
        let network = models::build(model, 64, 2, Device::Cpu).unwrap();
        let depths: Vec<u32> = network.parameters.iter().map(|parameter| parameter.depth).collect();
        assert!(depths.is_sorted() && depths[0] == 0, "{model:?}");
        let deepest = *depths.last().unwrap();
        for parameter in &network.parameters {
            let is_head = parameter.name.starts_with(&format!("{}.", network.head()));
            assert_eq!(parameter.depth == deepest, is_head, "{}", parameter.name);
            // Weights that something is multiplied by have two sides or more; biases and normalisations have one. Tokens and
            // scales have as many sides as what they are added to.
            let is_exception = ["class_token", "encoder.pos_embedding"].contains(&parameter.name.as_str())
                || parameter.name.ends_with(".layer_scale");
            assert_eq!(parameter.decays, parameter.shape.len() > 1 && !is_exception, "{}", parameter.name);
        }
    }
}

#[test]
fn a_tap_sees_every_layer_in_order() {
    struct Names(RefCell<Vec<String>>);
    impl Tap for Names {
        fn output(&self, layer: &str, _output: &Tensor) {
            self.0.borrow_mut().push(layer.to_owned());
        }
    }
    for model in Model::ALL {
        let network = models::build(model, 64, 2, Device::Cpu).unwrap();
        let (names, input) = (Names(RefCell::default()), images(1, 64));
        tch::no_grad(|| network.forward_with(&names, &input, Kind::Float, Mode::Evaluate));
        let mut seen = names.0.into_inner();
        let mut layers: Vec<String> = network.layers.iter().map(|layer| layer.name.clone()).collect();
        assert_eq!(seen.first(), layers.first());
        seen.sort();
        layers.sort();
        assert_eq!(seen, layers, "{model:?}");
    }
}

#[test]
fn small_images_get_the_small_stem() {
    for (side, stem) in [(64, 3), (65, 7)] {
        let network = models::build(Model::Resnet18, side, 2, Device::Cpu).unwrap();
        assert_eq!(network.parameters[0].shape, [64, 3, stem, stem]);
    }
}

#[test]
#[ignore = "needs TINTYPE_REAL_DATA"]
fn real_data_resnet20_gives_pytorchs_logits_for_trained_weights() {
    let data =
        std::env::var_os("TINTYPE_REAL_DATA").expect("TINTYPE_REAL_DATA names the folder with weights/");
    #[derive(Deserialize)]
    struct Resnet20 {
        logits: Vec<Vec<f32>>,
    }
    let theirs: Resnet20 = reference("resnet20.json");
    let network = models::build(Model::Resnet20Cifar, 32, 10, Device::Cpu).unwrap();
    let path = Path::new(&data).join("weights/resnet20-cifar10.safetensors");
    assert_eq!(weights::load(&network, &path, OtherHead::Refuse), Ok(None));
    let logits = |dtype| tch::no_grad(|| network.forward(&images(2, 32), dtype, Mode::Evaluate).logits);
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
