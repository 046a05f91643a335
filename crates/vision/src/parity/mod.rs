//! Holds every transform against what torchvision made of the same images, and every random parameter against
//! torchvision's distribution of it (`tests/reference/make_fixtures.py`).

mod distributions;
mod operations;

use crate::{CutBox, RandomStream, RgbImage, apply, cutmix, mixup};
use operations::result;
use protocol::transform::TransformSpec;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
    tensors: Option<Tensors>,
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

#[derive(Deserialize)]
struct Mixtures {
    batch: Vec<f32>,
    lambda: f64,
    mixed_up: Vec<f32>,
    #[serde(rename = "box")]
    cut_box: [u32; 4],
    cut: Vec<f32>,
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference")
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> T {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

fn read_image(folder: &Path, name: &str) -> RgbImage {
    image::open(folder.join(format!("{name}.png"))).unwrap().into_rgb8()
}

/// How far an image is from another of its size, in grey levels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Distance {
    mean: f64,
    most: u8,
}

impl Distance {
    fn between(one: &RgbImage, other: &RgbImage) -> Distance {
        let differences = one.iter().zip(other.iter()).map(|(a, b)| a.abs_diff(*b));
        let most = differences.clone().max().unwrap_or(0);
        Distance { mean: differences.map(f64::from).sum::<f64>() / one.len().max(1) as f64, most }
    }

    fn is_within(self, allowed: Distance) -> bool {
        self.mean <= allowed.mean && self.most <= allowed.most
    }
}

/// The distance of each case; those that are further off than they may be as a list.
fn compare(folder: &Path, cases: &[Case]) -> (Vec<(String, Distance)>, Vec<String>) {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for case in cases {
        let expected = read_image(folder, &case.name);
        let (ours, allowed) = result(case, &read_image(folder, &case.source));
        assert_eq!(ours.dimensions(), expected.dimensions(), "{}", case.name);
        let distance = Distance::between(&ours, &expected);
        if !distance.is_within(allowed) {
            wrong.push(format!("{}: {distance:?}, allowed {allowed:?}", case.name));
        }
        found.push((format!("{} {:?}", case.operation, case.numbers), distance));
    }
    (found, wrong)
}

#[test]
fn transforms_give_what_torchvision_gives() {
    let cases = read::<Reference>(&fixtures(), "cases.json").cases;
    assert!(cases.len() >= 90);
    let (found, wrong) = compare(&fixtures(), &cases);
    for (case, (_, Distance { mean, most })) in cases.iter().zip(found) {
        println!("{}: mean {mean:.4}, most {most}", case.name);
    }
    assert!(wrong.is_empty(), "too far from torchvision: {wrong:#?}");
}

#[test]
#[ignore = "needs TINTYPE_PHOTO_REFERENCE, a folder that compare_photos.py has written"]
fn photos_become_what_torchvision_makes_of_them() {
    let folder = std::env::var_os("TINTYPE_PHOTO_REFERENCE").map(PathBuf::from);
    let folder = folder.expect("TINTYPE_PHOTO_REFERENCE names a folder that compare_photos.py has written");
    let cases = read::<Reference>(&folder, "cases.json").cases;
    let (found, wrong) = compare(&folder, &cases);
    let mut by_operation: BTreeMap<String, Vec<Distance>> = BTreeMap::new();
    for (operation, distance) in found {
        by_operation.entry(operation).or_default().push(distance);
    }
    for (operation, distances) in &by_operation {
        let mean = distances.iter().map(|distance| distance.mean).sum::<f64>() / distances.len() as f64;
        let most = distances.iter().map(|distance| distance.most).max().unwrap();
        println!("{operation}: mean {mean:.4}, most {most}, of {} photos", distances.len());
    }
    assert!(wrong.is_empty(), "too far from torchvision: {wrong:#?}");
}

#[test]
fn tensors_are_those_of_torchvision() {
    let tensors = read::<Reference>(&fixtures(), "cases.json").tensors;
    let Tensors { size, mean, std, scaled, normalized } = tensors.unwrap();
    let crop = TransformSpec::CenterCrop { size };
    for (pipeline, expected) in
        [(vec![crop.clone()], scaled), (vec![crop, TransformSpec::Normalize { mean, std }], normalized)]
    {
        let (tensor, _) = apply(&pipeline, &read_image(&fixtures(), "wide"), &mut RandomStream::new(0, 1, 1));
        assert_eq!(tensor.data.len(), expected.len());
        // torch multiplies by 1/255 where this crate divides by 255, which may differ in the last bit.
        let off = tensor.data.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-6, "{off}");
    }
}

#[test]
fn batches_are_mixed_as_torchvision_mixes_them() {
    let Mixtures { batch, lambda, mixed_up, cut_box, cut } = read(&fixtures(), "mixtures.json");
    let [left, top, right, bottom] = cut_box;
    let mut ours = batch.clone();
    mixup(&mut ours, 24, lambda);
    // torch may fuse a product and a sum.
    let off = ours.iter().zip(&mixed_up).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-6, "{off}");
    let mut ours = batch;
    cutmix(&mut ours, [2, 3, 4], CutBox { left, top, right, bottom });
    assert_eq!(ours, cut);
}
