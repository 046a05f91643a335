//! A data set and a run, as they come from an import and from the form.

use protocol::sample::Split;
use protocol::spec::RunSpec;
use serde_json::{Value, json};
use tintype::domain::ids::DatasetId;
use tintype::domain::imported::{ImportRequest, Imported, ImportedSample, Rejected};
use tintype::import::DatasetFormat;
use tintype::store::Store;

pub(crate) const CLASSES: [&str; 3] = ["cat", "dog", "wolf"];

/// Twelve images of three classes: each has two to learn from, one for validation, one for the test. They get brighter, and
/// each is named after its class and number.
pub(crate) fn imported() -> Imported {
    let splits = [Split::Train, Split::Train, Split::Val, Split::Test];
    let samples = (0..12_u32).map(|at| {
        let image =
            image::RgbImage::from_fn(40, 20 + at, |x, y| image::Rgb([(at * 20 + (x + y) % 8) as u8; 3]));
        let metadata = json!({"age": at, "camera": if at % 2 == 0 { "A" } else { "B" }});
        ImportedSample {
            path: format!("{}/{at}.png", CLASSES[(at / 4) as usize]),
            class: at / 4,
            split: splits[(at % 4) as usize],
            width: 40,
            height: 20 + at,
            bytes: u64::from(1000 + at),
            format: if at == 11 { "jpeg" } else { "png" },
            orientation: 1,
            hash: format!("{at:032}"),
            features: vision::features(&image),
            metadata: (at < 8).then(|| metadata.as_object().unwrap().clone()),
        }
    });
    Imported {
        format: "folder",
        evidence: "images lie in 3 folders".into(),
        readings: vec![DatasetFormat::ALL[0]],
        root: "/photos".into(),
        classes: CLASSES.map(str::to_owned).to_vec(),
        samples: samples.collect(),
        rejected: ["a.txt", "b.txt"]
            .map(|path| Rejected { path: path.into(), reason: "no image".into() })
            .to_vec(),
        fingerprint: "f00".into(),
        split_note: "as the folders say".into(),
    }
}

/// A data set of these images under this name.
pub(crate) async fn import(store: &Store, name: &str) -> DatasetId {
    let request = ImportRequest { name: name.into(), ..ImportRequest::default() };
    let id = store.insert_dataset(&format!("/source/{name}"), &request).await.unwrap().unwrap();
    assert!(!store.set_dataset_ready(id, &imported(), None).await.unwrap());
    id
}

pub(crate) fn spec(changes: &Value) -> RunSpec {
    let mut spec = json!({
        "dataset": "pets", "fingerprint": "f00", "classes": CLASSES, "model": "small-cnn", "weights": null,
        "image_size": 32, "epochs": 2, "batch_size": 2, "optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.0,
        "schedule": "constant", "warmup_epochs": 0.0, "train_transforms": [{"name": "resize_exact", "size": 32}],
        "eval_transforms": [{"name": "resize_exact", "size": 32}], "seed": 0, "device": "cpu", "precision": "f32",
        "threads": 1, "capture_every_steps": 0, "evaluate_splits": ["val", "test"],
    });
    spec.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    serde_json::from_value(spec).unwrap()
}
