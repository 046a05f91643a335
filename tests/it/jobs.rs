//! Further jobs of a run, with the trainer that plays scripts: what they give, every way to end badly, their place beside a training,
//! and a server that is killed meanwhile.

use crate::replay::{page, play, start, until, with_data};
use crate::support::{Server, wait_until};
use serde_json::{Value, json};
use std::process::Command;

fn path(job: &Value) -> String {
    format!("/api/v1/runs/{}/jobs/{}", job["run"], job["number"])
}

fn ask(server: &Server, body: &Value) -> Value {
    let (status, job) = server.post("/api/v1/runs/1/jobs", body);
    assert_eq!(status, 202, "{job}");
    job
}

fn evaluate(server: &Server) -> Value {
    ask(server, &json!({"task": "evaluate", "splits": ["train"]}))
}

fn wait_for(server: &Server, job: &Value, state: &str) -> Value {
    let ended = ["completed", "failed", "interrupted", "cancelled", "paused"];
    let job = server.wait(&path(job), |job| {
        job["state"] == state || (state != "running" && ended.contains(&job["state"].as_str().unwrap()))
    });
    assert_eq!(job["state"], state, "{job}");
    job
}

fn act(server: &Server, job: &Value, action: &str) -> u16 {
    server.post(&format!("{}/{action}", path(job)), &json!({})).0
}

#[test]
fn the_training_split_is_evaluated_and_stands_on_the_runs_pages() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let run = until(&server, &start(&server, 2), "completed");
    let before = server.get("/api/v1/runs/1/predictions?split=train");
    assert_eq!(before["total"], 0, "a run never evaluates what it learned from");
    let job = evaluate(&server);
    assert_eq!(
        (&job["number"], &job["task"], &job["splits"]),
        (&json!(1), &json!("evaluate"), &json!(["train"]))
    );
    let job = wait_for(&server, &job, "completed");
    let total = job["images"].as_i64().unwrap();
    let result = &job["results"][0];
    assert_eq!((&result["split"], &result["epoch"]), (&json!("train"), &run["best_epoch"]), "{job}");
    assert_eq!(result["total"], json!(total));
    let after = server.get("/api/v1/runs/1/predictions?split=train");
    assert_eq!(after["total"], json!(total));
    let evaluation = server.get(result["evaluation"].as_str().unwrap());
    assert_eq!(evaluation["correct"], result["correct"], "{evaluation}");
    for part in
        ["predictions?split=train", "evaluation?split=train", "category-to-predictions?split=train", ""]
    {
        page(&server, &format!("/runs/1/{part}"));
    }
    // What was evaluated before is as it was, and the run did not move.
    assert_eq!(server.get("/api/v1/runs/1"), run);
    assert_eq!(server.get("/api/v1/runs/1/predictions?split=val")["total"], 16);
    // Removed from the list, its predictions stay: the pages read them.
    assert_eq!(server.delete_status(&path(&job)), 204);
    assert_eq!(server.get("/api/v1/runs/1/jobs")["items"], json!([]));
    assert_eq!(server.get("/api/v1/runs/1/evaluation?split=train")["total"], json!(total));
}

#[test]
fn images_of_no_data_set_are_predicted_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    until(&server, &start(&server, 1), "completed");
    let images: Vec<String> =
        [3, 1, 2].iter().map(|at| format!("{}/images/dark/{at:02}.png", folder.path().display())).collect();
    let job = wait_for(&server, &ask(&server, &json!({"task": "predict", "images": images})), "completed");
    let items = job["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|item| item["path"].as_str().unwrap()).collect::<Vec<_>>(), images, "{job}");
    let first = items[0]["probabilities"]["bright"].as_f64().unwrap()
        + items[0]["probabilities"]["dark"].as_f64().unwrap();
    assert!((first - 1.0).abs() < 1e-9 && items[2]["predicted"] == "dark", "{job}");

    // Sent as a browser does it; they are kept with the job.
    let bytes = std::fs::read(&images[0]).unwrap();
    let sent = [("a.png", &bytes[..]), ("b ü.png", &bytes[..])];
    let (status, text) = server.upload("/api/v1/runs/1/jobs", &[("task", "predict")], &sent);
    assert_eq!(status, 202, "{text}");
    let job = wait_for(&server, &serde_json::from_str(&text).unwrap(), "completed");
    let names: Vec<&str> = job["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["path"].as_str()?.rsplit('/').next())
        .collect();
    assert_eq!(names, ["a.png", "b ü.png"], "{job}");
    assert!(folder.path().join("runs/1/jobs/2/images/0/a.png").is_file());
    assert_eq!(server.delete_status(&path(&job)), 204);
    assert!(!folder.path().join("runs/1/jobs/2").exists());

    // The command says the same, with one line an image.
    let told = Command::new(env!("CARGO_BIN_EXE_tintype"))
        .args(["predict", "1", &images[0], "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    let line = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success() && line.lines().count() == 1, "{line}");
    assert!(line.starts_with(&format!("{}\t", images[0])), "{line}");
}

#[test]
fn what_can_not_be_done_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    play(folder.path(), 2, &["mute"]);
    until(&server, &start(&server, 1), "completed");
    start(&server, 1);
    std::fs::write(folder.path().join("no.png"), "no image").unwrap();
    let here = |name: &str| folder.path().join(name).display().to_string();
    let cases = [
        (1, json!({"task": "evaluate", "splits": []}), 422, "at least one split"),
        (1, json!({"task": "evaluate", "splits": ["all"]}), 422, "is not a split"),
        (1, json!({"task": "evaluate", "splits": ["test"]}), 409, "no images in the test split"),
        (1, json!({"task": "predict", "images": []}), 422, "at least one image"),
        (1, json!({"task": "predict", "images": ["a.png"]}), 422, "no absolute path"),
        (1, json!({"task": "predict", "images": [here("gone.png")]}), 422, "gone.png” can't be read"),
        (1, json!({"task": "predict", "images": [here("no.png")]}), 422, "no.png” is no image"),
        (1, json!({"task": "predict", "images": [here("images")]}), 422, "is a folder"),
        (1, json!({"task": "levitate"}), 422, "levitate"),
        (2, json!({"task": "evaluate", "splits": ["val"]}), 409, "is not done yet"),
        (9, json!({"task": "evaluate", "splits": ["val"]}), 404, "run"),
    ];
    for (run, body, wanted, words) in cases {
        let (status, answer) = server.post(&format!("/api/v1/runs/{run}/jobs"), &body);
        assert!(status == wanted && answer.to_string().contains(words), "{body}: {status} {answer}");
    }
    assert_eq!(server.get("/api/v1/runs/1/jobs")["items"], json!([]), "nothing was begun");
    let (status, text) = server.upload("/api/v1/runs/1/jobs", &[], &[("no.png", b"no image")]);
    assert!(status == 422 && text.contains("no.png” is no image") && !text.contains("uploads"), "{text}");
    assert_eq!(server.post("/api/v1/runs/1/jobs/7/cancel", &json!({})).0, 404);
}

/// Each way to end badly, by the same code as runs; then it is tried again.
#[test]
fn a_job_that_ends_badly_says_why_and_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    until(&server, &start(&server, 1), "completed");
    let cases = [
        ("crash", "failed", "exit status 101. The end of its log: thread 'main' panicked"),
        ("killed", "interrupted", "The process was killed (signal 9)"),
        ("half a line", "interrupted", "The process was killed (signal 9)"),
        ("gone", "interrupted", "The process is gone without an error"),
        ("another protocol", "failed", "speaks protocol"),
        ("unknown hello", "failed", "speaks protocol"),
    ];
    for (number, (script, ..)) in (1..).zip(cases) {
        play(folder.path(), format!("1-{number}"), &[script, "happy"]);
    }
    // All at once: each must make room for the next.
    let jobs: Vec<Value> = cases.iter().map(|_| evaluate(&server)).collect();
    for (job, (script, state, reason)) in jobs.iter().zip(cases) {
        let job = wait_for(&server, job, state);
        let said = job["failure"]["reason"].as_str().unwrap_or_default();
        let advice = job["failure"]["advice"].as_str().unwrap_or_default().to_lowercase();
        assert!(said.contains(reason) && advice.contains("try again"), "{script}: {job}");
        assert_eq!(act(&server, &job, "resume"), 200, "{script}");
        wait_for(&server, &job, "completed");
    }
    assert_eq!(server.get("/api/v1/runs/1")["state"], "completed", "the run itself is as it was");

    play(folder.path(), "1-7", &["garbage"]);
    let job = wait_for(&server, &evaluate(&server), "completed");
    assert_eq!(job["results"][0]["split"], "train");
}

#[test]
fn a_short_job_does_not_wait_for_a_training_and_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    until(&server, &start(&server, 1), "completed");
    play(folder.path(), 2, &["silence"]);
    play(folder.path(), "1-1", &["silence"]);
    let training = until(&server, &start(&server, 3), "running");
    let (first, second) = (evaluate(&server), evaluate(&server));
    server.wait(&path(&first), |job| job["progress"]["done"] == 1);
    assert_eq!(server.get(&path(&second))["state"], "queued", "one at a time");
    let (status, answer) = server.delete("/api/v1/runs/1");
    assert!(status == 409 && answer.contains("a job of this run is under way"), "{answer}");
    assert_eq!(server.delete_status(&path(&first)), 409);

    // A server that dies meanwhile leaves its trainer at work; the next one takes it up.
    server.kill();
    let server = Server::start_with_replay(folder.path());
    let job = server.get(&path(&first));
    assert_eq!((&job["state"], &job["progress"]["done"]), (&json!("running"), &json!(1)), "{job}");
    assert_eq!(server.get(&path(&second))["state"], "queued");
    assert_eq!(act(&server, &first, "cancel"), 200);
    wait_for(&server, &first, "cancelled");
    wait_for(&server, &second, "completed");
    assert_eq!(act(&server, &first, "resume"), 409, "what was cancelled is over");
    assert_eq!(server.get(&format!("/api/v1/runs/{}", training["id"]))["state"], "running");

    // With the run its jobs go.
    assert_eq!(server.delete_status("/api/v1/runs/1"), 204);
    wait_until("the run's folder to go", || {
        let is_there = folder.path().join("runs/1").exists();
        if is_there { Err("it is there") } else { Ok(()) }
    });
    assert_eq!(server.status("/api/v1/runs/1/jobs"), 404);
}

#[test]
fn a_search_for_a_learning_rate_suggests_one_and_the_form_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let run = until(&server, &start(&server, 1), "completed");
    let shown = page(&server, "/runs/1");
    assert!(shown.contains("action=\"/runs/1/jobs?task=find-learning-rate\""), "{shown}");
    let (status, job) = server.post("/api/v1/runs/1/jobs", &json!({"task": "find-learning-rate"}));
    assert_eq!(
        (status, &job["task"], &job["learning_rates"]),
        (202, &json!("find-learning-rate"), &json!(null)),
        "{job}"
    );
    assert_eq!(job["images"], 64, "what it learned from");
    let job = server.wait("/api/v1/runs/1/jobs/1", |job| job["state"] == "completed");
    let found = &job["learning_rates"];
    assert_eq!(found["points"].as_array().unwrap().len(), 100);
    let suggestion = found["suggestion"].as_f64().unwrap();
    assert!((0.005..0.1).contains(&suggestion), "{found}");
    let shown = page(&server, "/runs/1/jobs/1");
    let words = format!("Try a learning rate of {suggestion}");
    assert!(shown.contains(&words) && shown.contains("Learning rate (logarithmic)"), "{shown}");
    let form = page(&server, &format!("/runs/new?like=1&learning_rate={suggestion}"));
    assert!(form.contains(&format!("name=\"learning_rate\" value=\"{suggestion}\"")), "{form}");
    // The run itself is as it was.
    assert_eq!(server.get("/api/v1/runs/1")["summary"], run["summary"]);
    // A run that trains nothing has no learning rate.
    let (status, answer) = server.post("/api/v1/runs", &json!({"like": 1, "training": "none", "weights": folder.path().join("runs/1/checkpoints/best.safetensors")}));
    assert_eq!(status, 201, "{answer}");
    until(&server, &answer, "completed");
    let (status, answer) = server.post("/api/v1/runs/2/jobs", &json!({"task": "find-learning-rate"}));
    assert_eq!(status, 409, "{answer}");
}
