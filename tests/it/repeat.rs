//! The same settings, seed and images give the same bits: in another folder, under other numbers, on a busy machine, and as a run
//! that is repeated after the data set was edited.

use crate::support::{Server, draw_images};
use safetensors::SafeTensors;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A data set with folders for training and test, but none for validation: a run holds out its own.
fn draw_splits(folder: &Path) {
    draw_images(&folder.join("train"));
    for class in ["bright", "dark"] {
        let (train, test) = (folder.join("train").join(class), folder.join("test").join(class));
        std::fs::create_dir_all(&test).unwrap();
        for at in 0..6 {
            std::fs::rename(train.join(format!("{at:02}.png")), test.join(format!("{at:02}.png"))).unwrap();
        }
    }
}

/// A server with a data set beside it, and what was done there.
struct Place {
    server: Server,
    dataset: Value,
    data: std::path::PathBuf,
}

impl Place {
    fn new(folder: &Path, before: impl FnOnce(&Server)) -> Place {
        let (images, data) = (folder.join("images"), folder.join("data"));
        draw_splits(&images);
        let server = Server::start(&data);
        before(&server);
        let dataset = server.import("light", &images);
        assert_eq!(dataset["state"], "ready", "{dataset}");
        Place { server, dataset, data }
    }

    fn train(&self, body: &Value) -> Value {
        let (status, run) = self.server.post("/api/v1/runs", body);
        assert_eq!(status, 201, "{run}");
        self.ended(&run["id"])
    }

    fn ended(&self, id: &Value) -> Value {
        let path = format!("/api/v1/runs/{id}");
        let run = self.server.wait(&path, |run| run["state"] != "queued" && run["state"] != "running");
        assert_eq!(run["state"], "completed", "{run}");
        run
    }

    /// What a run came to: every tensor that it left, and all that it reported but times and speeds. Images are named by their
    /// paths within the data set.
    fn bits(&self, run: &Value) -> BTreeMap<String, Vec<u8>> {
        let names = self.names(run);
        let root = self.data.join("runs").join(run["id"].to_string());
        let mut bits = BTreeMap::new();
        for folder in ["checkpoints", "predictions", "batches"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let file = path.strip_prefix(&root).unwrap().display().to_string();
                let content = std::fs::read(path).unwrap();
                if !file.ends_with(".safetensors") {
                    bits.insert(file, content);
                    continue;
                }
                for (tensor, view) in SafeTensors::deserialize(&content).unwrap().iter() {
                    let data = match tensor {
                        "sample_id" => named(view.data(), &names).into_bytes(),
                        _ => view.data().to_vec(),
                    };
                    bits.insert(format!("{file} {tensor}"), data);
                }
            }
        }
        assert!(bits.contains_key("checkpoints/last.safetensors head.weight"), "{:?}", bits.keys());
        assert!(bits.contains_key("predictions/test.safetensors logits"), "{:?}", bits.keys());
        let journal = String::from_utf8(self.server.run_file(run, "journal.jsonl")).unwrap();
        let events = journal.lines().map(|line| reported(line, &names));
        bits.insert("journal".to_owned(), events.collect::<Vec<_>>().join("\n").into_bytes());
        bits
    }

    /// The paths of a run's images within the data set, by number.
    fn names(&self, run: &Value) -> BTreeMap<i64, String> {
        let text = String::from_utf8(self.server.run_file(run, "samples.jsonl")).unwrap();
        let name = |line: &str| {
            let sample: Value = serde_json::from_str(line).unwrap();
            assert!(sample["key"].as_i64() >= Some(0), "{sample}");
            let path = sample["path"].as_str().unwrap().split_once("/images/").unwrap().1;
            (sample["id"].as_i64().unwrap(), path.to_owned())
        };
        text.lines().map(name).collect()
    }
}

fn named(ids: &[u8], names: &BTreeMap<i64, String>) -> String {
    let (ids, _) = ids.as_chunks::<8>();
    ids.iter().map(|id| names[&i64::from_le_bytes(*id)].as_str()).collect::<Vec<_>>().join("\n")
}

/// An event without what only this process has.
fn reported(line: &str, names: &BTreeMap<i64, String>) -> String {
    let mut event: Value = serde_json::from_str(line).unwrap();
    event.as_object_mut().unwrap().remove("at_ms").unwrap();
    match event["event"].as_str().unwrap() {
        "hello" => return String::new(),
        "step" => drop(event["values"].as_object_mut().unwrap().remove("images_per_second").unwrap()),
        // How long things took, and how much memory there was.
        "dials" => drop(event.as_object_mut().unwrap().remove("values")),
        "batch" => {
            for item in event["items"].as_array_mut().unwrap() {
                name_samples(item, names);
                name_samples(&mut item["mixed"], names);
            }
        }
        _ => {}
    }
    event.to_string()
}

fn name_samples(item: &mut Value, names: &BTreeMap<i64, String>) {
    if let Some(id) = item["sample_id"].as_i64() {
        item["sample_id"] = json!(names[&id]);
    }
}

fn assert_same(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, bits) in one {
        assert!(bits == &other[name], "{name} differs");
    }
}

/// Keeps two cores busy until it is dropped.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..2 {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Busy(stop)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn recipe() -> Value {
    json!({
        "dataset": "light", "epochs": 2, "image_size": 32, "batch_size": 16, "flip": "on", "rotation": 10, "mixup": 0.2,
        "capture_every": 3, "seed": 5,
    })
}

#[test]
fn another_folder_other_numbers_and_a_busy_machine_give_the_same_bits() {
    let (near, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = Place::new(near.path(), |_| {});
    let deeper = far.path().join("a/folder that/lies deeper");
    let other = Place::new(&deeper, |server| {
        draw_images(&deeper.join("others"));
        server.import("others", &deeper.join("others"));
    });
    let first = one.train(&recipe());
    let busy = Busy::start();
    let second = other.train(&recipe());
    drop(busy);

    assert_eq!(first["spec"], second["spec"]);
    assert!(first["held_out"].as_str().unwrap().contains("6 of its training images"), "{first}");
    let (names, others) = (one.names(&first), other.names(&second));
    assert!(names.keys().all(|id| !others.contains_key(id)), "the numbers are others");
    assert_same(&one.bits(&first), &other.bits(&second));

    // What the settings left open is in them now, here as in the file, and what was measured is kept.
    let spec = &first["spec"];
    assert_eq!(spec["device"], "cpu", "{spec}");
    assert!(spec["precision"] == "f32" || spec["precision"] == "bf16", "{spec}");
    assert!(spec["threads"].as_u64() > Some(0), "{spec}");
    let file: Value = serde_json::from_slice(&one.server.run_file(&first, "spec.json")).unwrap();
    for key in ["device", "precision", "threads", "sample_keys"] {
        assert_eq!(file[key], spec[key], "{key}");
    }
    let reason = first["environment"]["precision_reason"].as_str().unwrap();
    if reason.contains(" ms with f32 and ") {
        let kept = std::fs::read_to_string(one.data.join("machine/precision.json")).unwrap();
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(kept["decisions"][0]["precision"], spec["precision"], "{kept}");
        assert_eq!(kept["decisions"][0]["batch_size"], 16, "{kept}");
    }
    assert!(one.server.get_text("/runs/1").contains(&reason[..20]), "the page says why");
}

#[test]
fn a_run_is_repeated_to_the_bit_also_when_its_data_set_was_edited_since() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path(), |_| {});
    let server = &place.server;
    let first = place.train(&recipe());
    let expected = place.bits(&first);
    let dark = server.samples_of(&place.dataset, "dark");
    let edits = format!("/api/v1/datasets/{}/edits", place.dataset["id"]);
    let (status, version) =
        server.post(&edits, &json!({"action": "relabel", "samples": &dark[..12], "class": "dusk"}));
    assert_eq!(status, 201, "{version}");
    let (status, version) = server.post(&edits, &json!({"action": "exclude", "samples": &dark[12..20]}));
    assert_eq!(status, 201, "{version}");

    let is_first = |run: &Value| {
        for key in ["spec", "held_out", "dataset_version", "name"] {
            assert_eq!(run[key], first[key], "{key}");
        }
        assert_same(&expected, &place.bits(run));
    };
    is_first(&place.train(&json!({"like": first["id"]})));

    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tintype"))
        .args(["train", "--like", &first["id"].to_string(), "--json", "--data"])
        .arg(&place.data)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    is_first(&serde_json::from_slice(&output.stdout).unwrap());

    // The button of the page.
    let page = server.get_text("/runs/1");
    assert!(page.contains(r#"action="/runs/1/again""#));
    // What it takes stands beside it, and so does the way to today's labels.
    assert!(page.contains("images and labels as then (version 1 of the data set)"), "{page}");
    assert!(page.contains("takes the images and labels as they are today"), "{page}");
    server.post_form("/runs/1/again", &[]);
    is_first(&place.ended(&json!(4)));

    // A form says which version it takes, and offers the other.
    let newest = server.get_text("/runs/new?like=1");
    assert!(newest.contains("this run will use version 3 (newest)"), "{newest}");
    assert!(newest.contains("/runs/new?like=1&amp;images_of=1") && !newest.contains(r#"name="images_of""#));
    let old = server.get_text("/runs/new?like=1&images_of=1");
    assert!(old.contains("This run will use version 1, as run 1 did"), "{old}");
    assert!(old.contains(r#"name="images_of" value="1""#), "{old}");
    let fields = [
        ("dataset", "1"),
        ("like", "1"),
        ("images_of", "1"),
        ("epochs", "2"),
        ("image_size", "32"),
        ("batch_size", "16"),
        ("flip", "on"),
        ("rotation", "10"),
        ("mixup", "0.2"),
        ("capture_every", "3"),
        ("seed", "5"),
        ("precision", first["spec"]["precision"].as_str().unwrap()),
    ];
    let (_, page) = server.post_form("/runs", &fields);
    assert!(page.contains("id=\"run-actions\""), "{page}");
    is_first(&place.ended(&json!(5)));

    // Another seed holds out other images of the same version; a data set that is named is taken as it is now.
    let reseeded = place.train(&json!({"like": 1, "seed": 6}));
    assert_eq!(
        (&reseeded["dataset_version"], &reseeded["spec"]["classes"]),
        (&json!(1), &first["spec"]["classes"])
    );
    assert!(reseeded["held_out"].as_str().unwrap().contains("seed 6"), "{reseeded}");
    assert_ne!(server.run_file(&reseeded, "samples.jsonl"), server.run_file(&first, "samples.jsonl"));
    let newest = place.train(&json!({"like": 1, "dataset": "light"}));
    assert_eq!(newest["dataset_version"], 3);
    assert_eq!(newest["spec"]["classes"], json!(["bright", "dark", "dusk"]));
}
