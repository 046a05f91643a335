//! The loading lab: what it shows is what a run feeds.

use crate::support::{Server, draw_images};
use safetensors::SafeTensors;
use serde_json::{Value, json};

fn input(bytes: &[u8]) -> (Vec<usize>, Vec<u8>) {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let tensor = file.tensor("input").unwrap();
    (tensor.shape().to_vec(), tensor.data().to_vec())
}

#[test]
fn the_lab_recomputes_a_captured_batch_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let images = folder.path().join("images");
    draw_images(&images);
    let dataset = server.import("light", &images);
    let transforms = json!([
        {"name": "random_resized_crop", "size": 28, "scale": [0.3, 1.0], "interpolation": "bicubic"},
        {"name": "horizontal_flip"},
        {"name": "vertical_flip"},
        {"name": "rotation", "degrees": 25, "padding_mode": "reflect"},
        {"name": "affine"},
        {"name": "perspective"},
        {"name": "color_jitter"},
        {"name": "hue"},
        {"name": "solarize"},
        {"name": "equalize"},
        {"name": "sharpness"},
        {"name": "gaussian_blur", "kernel_size": 3},
        {"name": "gaussian_noise"},
        {"name": "jpeg"},
        {"name": "rand_augment"},
        {"name": "trivial_augment"},
        {"name": "random_erasing", "with": "noise"},
        {"name": "random_crop", "size": 24, "padding": 2, "outside": "edge"},
        {"name": "normalize"},
    ]);
    let (status, run) = server.post(
        "/api/v1/runs",
        &json!({
            "dataset": "light", "model": "small-cnn", "epochs": 2, "batch_size": 8, "image_size": 24,
            "precision": "f32", "seed": 11, "capture_every": 5, "train_transforms": transforms,
        }),
    );
    assert_eq!(status, 201, "{run}");
    let run = server.wait(&format!("/api/v1/runs/{}", run["id"]), |run| {
        run["state"] != "queued" && run["state"] != "running"
    });
    assert_eq!(run["state"], "completed", "{run}");
    let batches = server.get(&format!("/api/v1/runs/{}/batches", run["id"]));
    let batches = batches["items"].as_array().unwrap();
    let epochs: Vec<&Value> = batches.iter().map(|batch| &batch["epoch"]).collect();
    assert!(epochs.contains(&&json!(1)) && epochs.contains(&&json!(2)), "{epochs:?}");
    for batch in batches {
        let samples: Vec<&Value> =
            batch["items"].as_array().unwrap().iter().map(|item| &item["sample_id"]).collect();
        let asked = json!({
            "pipeline": run["spec"]["train_transforms"], "samples": samples, "seed": run["spec"]["seed"],
            "epoch": batch["epoch"], "format": "safetensors",
        });
        let seen = server.post_for_bytes(&format!("/api/v1/datasets/{}/preview", dataset["id"]), &asked);
        let inputs = server.run_file(&run, batch["path"].as_str().unwrap());
        assert!(input(&seen) == input(&inputs), "the batch of step {} is another one", batch["step"]);
        // And what was drawn is told alike.
        let mut asked = asked;
        asked["format"] = json!("json");
        let (_, told) = server.post(&format!("/api/v1/datasets/{}/preview", dataset["id"]), &asked);
        for (seen, inputs) in told["items"].as_array().unwrap().iter().zip(batch["items"].as_array().unwrap())
        {
            assert_eq!(seen["sampled"], inputs["sampled"]);
            assert_eq!(seen["drawn"], inputs["sampled"]);
        }
    }
}

fn values(bytes: &[u8]) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().copied().map(f32::from_le_bytes).collect()
}

#[test]
fn a_mixed_batch_is_made_of_what_the_lab_shows() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let images = folder.path().join("images");
    draw_images(&images);
    let dataset = server.import("light", &images);
    let (status, run) = server.post(
        "/api/v1/runs",
        &json!({
            "dataset": "light", "model": "small-cnn", "epochs": 3, "batch_size": 8, "image_size": 32,
            "precision": "f32", "seed": 4, "capture_every": 1, "mixup": 0.4, "cutmix": 1.0,
        }),
    );
    assert_eq!(status, 201, "{run}");
    let run = server.wait(&format!("/api/v1/runs/{}", run["id"]), |run| {
        run["state"] != "queued" && run["state"] != "running"
    });
    assert_eq!(run["state"], "completed", "{run}");
    let batches = server.get(&format!("/api/v1/runs/{}/batches", run["id"]));
    let mut kinds = Vec::new();
    for batch in batches["items"].as_array().unwrap() {
        let items = batch["items"].as_array().unwrap();
        let samples: Vec<&Value> = items.iter().map(|item| &item["sample_id"]).collect();
        let asked = json!({
            "pipeline": run["spec"]["train_transforms"], "samples": samples, "seed": run["spec"]["seed"],
            "epoch": batch["epoch"], "format": "safetensors",
        });
        let preview = format!("/api/v1/datasets/{}/preview", dataset["id"]);
        let plain = values(&input(&server.post_for_bytes(&preview, &asked)).1);
        let inputs = values(&input(&server.run_file(&run, batch["path"].as_str().unwrap())).1);
        let size = plain.len() / items.len();
        for (at, item) in items.iter().enumerate() {
            let before = (at + items.len() - 1) % items.len();
            let (mixed, by) = (&item["mixed"], item["mixed"]["by"].as_str().unwrap());
            assert_eq!(mixed["sample_id"], items[before]["sample_id"]);
            let share = mixed["share"].as_f64().unwrap();
            let of = |place: usize| &plain[place * size..(place + 1) * size];
            let pairs = of(at).iter().zip(of(before)).zip(&inputs[at * size..(at + 1) * size]);
            if by == "mixup" {
                let off = pairs.map(|((own, other), inputs)| {
                    (f64::from(*own) * (1.0 - share) + f64::from(*other) * share - f64::from(*inputs)).abs()
                });
                assert!(off.fold(0.0, f64::max) < 1e-5);
            } else {
                assert!(pairs.clone().all(|((own, other), inputs)| own == inputs || other == inputs));
                let kept = pairs.filter(|((own, _), inputs)| own == inputs).count() as f64 / size as f64;
                // What is the same in both counts as kept.
                assert!(kept >= 1.0 - share - 1e-9, "{kept} of {share}");
            }
        }
        kinds.push(items[0]["mixed"]["by"].as_str().unwrap().to_owned());
    }
    assert!(kinds.contains(&"mixup".to_owned()) && kinds.contains(&"cutmix".to_owned()), "{kinds:?}");
}

#[test]
fn a_pipeline_is_kept_by_name_and_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let images = folder.path().join("images");
    draw_images(&images);
    let dataset = server.import("light", &images);
    let (status, kept) = server.put("/api/v1/pipelines/mine", &json!([{"name": "center_crop", "size": 8}]));
    assert_eq!((status, &kept["steps"][0]["size"]), (200, &json!(8)), "{kept}");
    assert_eq!(server.get("/api/v1/pipelines")["items"][0]["name"], "mine");
    let (status, refused) =
        server.put("/api/v1/pipelines/mine", &json!([{"name": "center_crop", "size": 0}]));
    assert_eq!(status, 422);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("size is 0, not a whole number from 1 to 1024"), "{message}");
    let preview = format!("/api/v1/datasets/{}/preview", dataset["id"]);
    for (body, field) in [
        (json!({"pipeline": [], "samples": []}), "samples"),
        (json!({"pipeline": [], "samples": [999_999]}), "samples"),
        (json!({"pipeline": [{"name": "normalize"}, {"name": "center_crop"}], "samples": [1]}), "pipeline"),
    ] {
        let (status, answer) = server.post(&preview, &body);
        assert_eq!((status, &answer["error"]["field"]), (422, &json!(field)), "{answer}");
    }
    let known = server.get("/api/v1/transforms");
    assert!(known["items"].as_array().unwrap().iter().any(|transform| transform["name"] == "rotation"));
}
