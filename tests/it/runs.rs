//! Runs: from a folder of images to figures, undisturbed and disturbed.

use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::path::Path;

/// Long enough to be disturbed on a quick machine, short enough to wait for.
const EPOCHS: u32 = 40;
/// So long that it never ends by itself while a test is at it.
const ENDLESS: u32 = 1000;

fn recipe(epochs: u32) -> Value {
    json!({
        "dataset": "light", "model": "small-cnn", "epochs": epochs, "batch_size": 4, "image_size": 32,
        "precision": "f32", "threads": 1, "seed": 3,
    })
}

fn started(server: &Server, epochs: u32) -> Value {
    let (status, run) = server.post("/api/v1/runs", &recipe(epochs));
    assert_eq!(status, 201, "{run}");
    run
}

fn path(run: &Value) -> String {
    format!("/api/v1/runs/{}", run["id"])
}

/// Waits until a run has taken some steps and is still at it.
fn under_way(server: &Server, run: &Value) -> Value {
    let run = server.wait(&path(run), |run| run["step"].as_i64() > Some(30));
    assert_eq!(run["state"], "running", "the run is too short to be disturbed");
    run
}

fn completed(server: &Server, run: &Value) -> Value {
    let run = server.wait(&path(run), |run| run["state"] != "queued" && run["state"] != "running");
    assert_eq!(run["state"], "completed", "{run}");
    run
}

/// All that a run says of itself but how quick it was.
fn told(server: &Server, run: &Value) -> Value {
    let mut series = server.get(&format!("{}/series?points=10000", path(run)))["series"].take();
    series.as_array_mut().unwrap().retain(|series| {
        let key = series["key"].as_str().unwrap();
        !["images_per_second", "time/", "process/"].iter().any(|measured| key.starts_with(measured))
    });
    json!({
        "series": series,
        "predictions": server.get(&format!("{}/predictions?limit=1000", path(run))),
        "evaluation": server.get(&format!("{}/category-to-predictions", path(run))),
    })
}

fn with_data(data: &Path) -> Server {
    let server = Server::start(data);
    let images = data.join("images");
    draw_images(&images);
    let dataset = server.import("light", &images);
    assert_eq!(dataset["splits"], json!({"train": 64, "val": 16, "test": 0}), "{dataset}");
    server
}

#[test]
fn a_killed_server_loses_nothing_and_a_killed_trainer_resumes_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let undisturbed = completed(&server, &started(&server, EPOCHS));
    assert!(undisturbed["summary"]["val_accuracy"].as_f64() > Some(0.9), "{undisturbed}");

    // kill -9 of the server: the trainer goes on, and the next server misses nothing.
    let run = under_way(&server, &started(&server, EPOCHS));
    server.kill();
    let server = Server::start(folder.path());
    let run = completed(&server, &run);
    assert_eq!(told(&server, &run), told(&server, &undisturbed));

    // kill -9 of the trainer: interrupted, and resume ends at the same bits.
    let run = under_way(&server, &started(&server, EPOCHS));
    let pid = i32::try_from(run["environment"]["pid"].as_i64().unwrap()).unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    let interrupted = server.wait(&path(&run), |run| run["state"] != "running");
    assert_eq!(interrupted["state"], "interrupted");
    assert_eq!(server.post(&format!("{}/resume", path(&run)), &json!({})).0, 200);
    let run = completed(&server, &run);
    assert_eq!(told(&server, &run), told(&server, &undisturbed));
    for file in ["checkpoints/best.safetensors", "checkpoints/last.safetensors"] {
        assert_eq!(server.run_file(&run, file), server.run_file(&undisturbed, file), "{file}");
    }

    // Pause, resume, cancel: at whatever moment the cancel comes, it counts.
    let run = under_way(&server, &started(&server, ENDLESS));
    assert_eq!(server.post(&format!("{}/pause", path(&run)), &json!({})).0, 200);
    server.wait(&path(&run), |run| run["state"] == "paused");
    assert_eq!(server.post(&format!("{}/resume", path(&run)), &json!({})).0, 200);
    assert_eq!(server.post(&format!("{}/cancel", path(&run)), &json!({})).0, 200);
    server.wait(&path(&run), |run| run["state"] == "cancelled");
    let (status, answer) = server.post(&format!("{}/resume", path(&run)), &json!({}));
    assert_eq!((status, &answer["error"]["code"]), (409, &json!("conflict")), "{answer}");
}

#[test]
fn what_is_wrong_is_refused_with_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    for (field, value) in
        [("epochs", json!(-1)), ("model", json!("vgg")), ("speed", json!(1)), ("dataset", json!("none"))]
    {
        let mut body = recipe(EPOCHS);
        body[field] = value;
        let (status, answer) = server.post("/api/v1/runs", &body);
        assert_eq!((status, &answer["error"]["field"]), (422, &json!(field)), "{answer}");
    }
    let (status, answer) =
        server.post("/api/v1/datasets", &json!({"name": "light", "source": {"path": folder.path()}}));
    assert_eq!((status, &answer["error"]["field"]), (422, &json!("name")), "{answer}");
    assert_eq!(server.get("/api/v1/runs/99")["error"]["code"], "not_found");
}
