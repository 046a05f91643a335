//! The server's own tasks: what panics is said on the page and in the log, and the server goes on.

use crate::replay::play;
use crate::support::{Server, draw_images, wait_until};
use serde_json::{Value, json};
use std::path::Path;

/// A server that panics where it is told, with the trainer that plays scripts, and its log.
fn start(data: &Path, panics: &str) -> Server {
    let trainer = env!("CARGO_BIN_EXE_replay-trainer");
    Server::start_logged(data, &[("TINTYPE_TRAINER", trainer), ("TINTYPE_PANIC_IN", panics)])
}

fn log(data: &Path) -> String {
    std::fs::read_to_string(data.join("server.log")).unwrap()
}

fn run(server: &Server, data: &Path) -> Value {
    let images = data.join("images");
    draw_images(&images);
    let dataset = server.import("light", &images);
    assert_eq!(dataset["state"], "ready", "{dataset}");
    let body =
        json!({"dataset": "light", "model": "small-cnn", "epochs": 2, "batch_size": 16, "image_size": 32});
    let (status, run) = server.post("/api/v1/runs", &body);
    assert_eq!(status, 201, "{run}");
    run
}

/// Waits until everything that stopped works again.
fn incidents(server: &Server, count: usize) -> Vec<Value> {
    let status = server.wait("/api/v1/status", |status| {
        let incidents = status["incidents"].as_array().unwrap();
        incidents.len() == count && incidents.iter().all(|incident| !incident["restarted_at_ms"].is_null())
    });
    status["incidents"].as_array().unwrap().clone()
}

#[test]
fn a_handler_that_panics_ends_its_own_request_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), "handler,handler");
    let page = server.get_text("/runs");
    assert!(page.contains("Something failed") && page.contains("look for it in the log"), "{page}");
    let json = server.get("/api/v1/runs");
    assert_eq!(json["error"]["code"], "internal", "{json}");
    assert!(!json["error"]["message"].as_str().unwrap().contains("Nothing of yours"), "{json}");
    let id = json["error"]["request_id"].as_str().unwrap().to_owned();
    assert_eq!(server.get("/api/v1/runs")["items"], json!([]), "the next one is answered");
    let log = log(folder.path());
    let line =
        log.lines().find(|line| line.contains("panicked: TINTYPE_PANIC_IN asked for a panic in the handler"));
    assert!(
        line.is_some() && log.lines().any(|line| line.contains(&id) && line.contains("panicked")),
        "{log}"
    );
}

#[test]
fn tasks_that_panic_are_started_again_and_a_page_and_the_log_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), "queue,queue,changes,run,run");
    let told = incidents(&server, 3);
    let named = |what: &str| told.iter().filter(|incident| incident["what"] == what).count();
    assert_eq!((named("The queue of runs"), named("The task that keeps open pages up to date")), (2, 1));
    let page = server.get_text("/runs");
    assert!(page.contains("asked for a panic in the") && page.contains("and was started again."), "{page}");
    // The queue starts a run, whose own task panics twice.
    let run = run(&server, folder.path());
    let path = format!("/api/v1/runs/{}", run["id"]);
    let ended = server.wait(&path, |run| run["state"] != "queued" && run["state"] != "running");
    assert_eq!((&ended["state"], &ended["epoch"]), (&json!("completed"), &json!(2)), "{ended}");
    // Two panics in a row, with no work between them, are one incident.
    let told = incidents(&server, 4);
    assert_eq!(told[0]["what"], format!("What follows run {}", run["id"]));
    assert_eq!(server.get("/api/v1/status")["troubled_runs"], json!([]));
    let page = server.get_text(&format!("/runs/{}", run["id"]));
    assert!(
        page.contains("What follows run 1 stopped just now") && !page.contains("take in what this run"),
        "{page}"
    );
    let log = log(folder.path());
    for place in ["queue", "changes", "run"] {
        assert!(log.contains(&format!("asked for a panic in the {place}")), "{place}: {log}");
    }
}

#[test]
fn an_import_and_an_examination_that_panic_end_as_failed() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), "import,end of an import,end of an import,examination");
    let images = folder.path().join("images");
    draw_images(&images);
    for name in ["first", "second"] {
        let failed = server.import(name, &images);
        assert_eq!(failed["state"], "failed", "{failed}");
        assert!(failed["failure"].as_str().unwrap().contains("panic"), "{failed}");
    }
    let third = server.import("third", &images);
    assert_eq!(third["state"], "ready", "{third}");
    let health = server.wait("/api/v1/datasets/3/health", |health| !health["error"].is_null());
    assert!(health.to_string().contains("Tintype’s own fault"), "{health}");
    assert!(server.get_text("/datasets/3/health").contains("Tintype’s own fault"));
}

#[test]
fn a_run_that_can_t_be_followed_says_why_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), "");
    play(folder.path(), 1, &["silence", "happy"]);
    let run = run(&server, folder.path());
    let path = format!("/api/v1/runs/{}", run["id"]);
    server.wait(&path, |run| run["state"] == "running" && !run["environment"].is_null());
    let journal = folder.path().join("runs/1/journal.jsonl");
    let aside = folder.path().join("runs/1/aside");
    std::fs::rename(&journal, &aside).unwrap();
    std::fs::create_dir(&journal).unwrap();
    let status = server.wait("/api/v1/status", |status| status["troubled_runs"] != json!([]));
    assert!(status["troubled_runs"][0]["why"].as_str().unwrap().contains("journal.jsonl"), "{status}");
    let page = server.get_text("/runs/1");
    assert!(page.contains("take in what this run reports: reading"), "{page}");
    // It can be stopped all the same.
    assert_eq!(server.post(&format!("{path}/cancel"), &json!({})).0, 200);
    let trainer = Path::new("/proc").join(server.get(&path)["environment"]["pid"].to_string());
    wait_until("the trainer to end", || {
        if trainer.exists() { Err(trainer.display().to_string()) } else { Ok(()) }
    });
    std::fs::remove_dir(&journal).unwrap();
    std::fs::rename(&aside, &journal).unwrap();
    server.wait("/api/v1/status", |status| status["troubled_runs"] == json!([]));
    server.wait(&path, |run| run["state"] == "cancelled");
    wait_until("the page to forget it", || {
        let page = server.get_text("/runs/1");
        if page.contains("take in what this run") { Err(page) } else { Ok(()) }
    });
    let count = log(folder.path()).matches("following a journal failed").count();
    assert_eq!(count, 1, "what repeats is said once");
}
