//! Holds every transform against what torchvision made of the same pictures (`tests/reference/make_fixtures.py`).

use crate::beyond::Beyond;
use crate::geometry::{Area, window};
use crate::resize::{Kernel, resized};
use crate::{Draw, RgbImage, apply, color, warp};
use protocol::transform::TransformSpec;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
    tensors: Tensors,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    source: String,
    operation: String,
    numbers: Vec<f64>,
}

#[derive(Deserialize)]
struct Tensors {
    size: u32,
    mean: [f32; 3],
    std: [f32; 3],
    scaled: Vec<f32>,
    normalized: Vec<f32>,
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

fn reference() -> Reference {
    serde_json::from_slice(&std::fs::read(file("cases.json")).unwrap()).unwrap()
}

fn picture(name: &str) -> RgbImage {
    image::open(file(&format!("{name}.png"))).unwrap().into_rgb8()
}

/// Mean and greatest difference that a grey level may have.
type Tolerance = (f64, u8);

/// Where the definition leaves no room.
const EXACT: Tolerance = (0.0, 0);
/// Where intermediate results are rounded: by one, and for few of the levels.
const ROUNDED: Tolerance = (0.15, 1);

/// Our result, and how far it may be off.
fn ours(case: &Case, image: &RgbImage) -> (RgbImage, Tolerance) {
    let number = |at: usize| case.numbers[at];
    let whole = |at: usize| number(at) as u32;
    let recolored = |change: fn(&mut RgbImage, f64)| {
        let mut image = image.clone();
        change(&mut image, number(0));
        image
    };
    let carried_out = |step: TransformSpec| {
        let (tensor, _) = apply(&[step], image, &mut Draw::new(0, 1, 1));
        crate::picture_from_tensor(&tensor.data, tensor.height, tensor.width, None)
    };
    match case.operation.as_str() {
        "resize" => (carried_out(TransformSpec::resize(whole(0))), ROUNDED),
        "resize_exact" => (carried_out(TransformSpec::resize_exact(whole(0))), ROUNDED),
        "center_crop" => (carried_out(TransformSpec::CenterCrop { size: whole(0) }), EXACT),
        "horizontal_flip" => (carried_out(TransformSpec::HorizontalFlip { probability: 1.0 }), EXACT),
        "window" => {
            (window(image, number(0) as i64, number(1) as i64, whole(2), whole(2), Beyond::BLACK), EXACT)
        }
        "resized_crop" => {
            let area = Area { left: whole(0), top: whole(1), width: whole(2), height: whole(3) };
            (resized(image, area, whole(4), whole(4), Kernel::SMOOTH), ROUNDED)
        }
        "rotation" => {
            let exact = number(0) % 180.0 == 0.0;
            (warp::rotated(image, number(0), Beyond::BLACK, false), if exact { EXACT } else { ROUNDED })
        }
        "brightness" => (recolored(color::brightness), EXACT),
        "contrast" => (recolored(color::contrast), ROUNDED),
        "saturation" => (recolored(color::saturation), ROUNDED),
        "hue" => (recolored(color::hue), ROUNDED),
        other => panic!("an operation that is not known: {other}"),
    }
}

#[test]
fn transforms_give_what_torchvision_gives() {
    let cases = reference().cases;
    assert!(cases.len() >= 30);
    let mut wrong = Vec::new();
    for case in &cases {
        let expected = picture(&case.name);
        let (ours, (mean_allowed, most_allowed)) = ours(case, &picture(&case.source));
        assert_eq!(ours.dimensions(), expected.dimensions(), "{}", case.name);
        let differences = ours.iter().zip(expected.iter()).map(|(a, b)| a.abs_diff(*b));
        let most = differences.clone().max().unwrap();
        let mean = differences.map(f64::from).sum::<f64>() / ours.len() as f64;
        println!("{}: mean {mean:.4}, most {most}", case.name);
        if mean > mean_allowed || most > most_allowed {
            wrong.push(format!("{}: mean {mean:.4}, most {most}", case.name));
        }
    }
    assert!(wrong.is_empty(), "too far from torchvision: {wrong:#?}");
}

#[test]
fn tensors_are_those_of_torchvision() {
    let Tensors { size, mean, std, scaled, normalized } = reference().tensors;
    let crop = TransformSpec::CenterCrop { size };
    for (pipeline, expected) in
        [(vec![crop.clone()], scaled), (vec![crop, TransformSpec::Normalize { mean, std }], normalized)]
    {
        let (tensor, _) = apply(&pipeline, &picture("wide"), &mut Draw::new(0, 1, 1));
        assert_eq!(tensor.data.len(), expected.len());
        // torch multiplies by 1/255 where this crate divides by 255, which may differ in the last bit.
        let off = tensor.data.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-6, "{off}");
    }
}
