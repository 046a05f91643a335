//! Runs that end in every way there is, with the trainer that plays scripts (`tests/replay_trainer`): what the server makes of
//! a journal, an exit and a silence; and a server that has no trainer at all.

use crate::support::{Server, draw_images, wait_until};
use serde_json::{Value, json};
use std::path::Path;

/// Names the scripts of a run, or of a further job of it (`run-job`), one for each attempt.
pub(crate) fn play(data: &Path, run: impl std::fmt::Display, scripts: &[&str]) {
    std::fs::create_dir_all(data.join("replay")).unwrap();
    std::fs::write(data.join(format!("replay/{run}")), scripts.join("\n")).unwrap();
}

pub(crate) fn with_data(data: &Path) -> Server {
    let server = Server::start_with_replay(data);
    let images = data.join("images");
    draw_images(&images);
    server.import("light", &images);
    server
}

pub(crate) fn start(server: &Server, epochs: u32) -> Value {
    let body = json!({"dataset": "light", "model": "small-cnn", "epochs": epochs, "batch_size": 16, "image_size": 32});
    let (status, run) = server.post("/api/v1/runs", &body);
    assert_eq!(status, 201, "{run}");
    run
}

fn path(run: &Value) -> String {
    format!("/api/v1/runs/{}", run["id"])
}

pub(crate) fn until(server: &Server, run: &Value, state: &str) -> Value {
    let ended = ["completed", "failed", "interrupted", "cancelled", "paused"];
    let run = server.wait(&path(run), |run| {
        run["state"] == state || (state != "running" && ended.contains(&run["state"].as_str().unwrap()))
    });
    assert_eq!(run["state"], state, "{run}");
    run
}

/// As a page writes it.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('\'', "&#39;")
}

/// A page that is whole.
pub(crate) fn page(server: &Server, path: &str) -> String {
    let text = server.get_text(path);
    assert!(text.contains("</html>") && !text.contains("class=\"error\""), "{path}: {text}");
    text
}

/// All pages of a run, the list and home answer.
fn pages_answer(server: &Server, run: &Value) {
    let parts = ["", "/inputs", "/gradients", "/predictions", "/evaluation", "/settings", "/log"];
    let own = parts.map(|part| format!("/runs/{}{part}", run["id"]));
    for path in own.iter().map(String::as_str).chain(["/", "/runs", "/datasets/1", "/datasets/1/runs"]) {
        page(server, path);
    }
}

#[test]
fn a_run_that_goes_well_has_figures_predictions_and_every_page() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let run = until(&server, &start(&server, 3), "completed");
    assert_eq!((&run["epoch"], &run["step"]), (&json!(3), &json!(12)), "{run}");
    assert_eq!(run["summary"]["val_accuracy"], 0.75);
    assert_eq!(run["environment"]["trainer"], "replay");
    let series = server.get(&format!("{}/series?keys=train/loss,val/loss", path(&run)));
    let points = |at: usize| series["series"][at]["points"].as_array().unwrap().len();
    assert_eq!((points(0), points(1)), (12, 3), "{series}");
    let layers = server.get(&format!("{}/series?keys=gradient/head,weight/head", path(&run)));
    for at in 0..2 {
        assert_eq!(layers["series"][at]["points"].as_array().unwrap().len(), 12, "{layers}");
    }
    for dial in ["", "?dial=weight", "?dial=update", "?dial=dead"] {
        page(&server, &format!("/runs/{}/gradients{dial}", run["id"]));
    }
    let histograms = |query: &str| server.status(&format!("{}/histograms?{query}", path(&run)));
    assert_eq!(histograms("dial=gradient&layer=head"), 200);
    assert_eq!(histograms("dial=gradient&layer=none"), 422);
    let wrong = server.get(&format!("{}/predictions?correct=false", path(&run)));
    assert_eq!(wrong["total"], 4, "every fourth of 16");
    pages_answer(&server, &run);
    // More epochs go on from the checkpoint.
    let (status, answer) = server.post(&format!("{}/epochs", path(&run)), &json!({"epochs": 5}));
    assert_eq!(status, 200, "{answer}");
    let run = server.wait(&path(&run), |run| run["state"] == "completed" && run["epoch"] == 5);
    let series = server.get(&format!("{}/series?keys=train/loss", path(&run)));
    assert_eq!(series["series"][0]["points"].as_array().unwrap().len(), 20);
}

/// Each way to end badly: the state, what is said, and whether it went on to the end when it was resumed.
#[test]
fn a_run_that_ends_badly_says_why_and_the_next_one_starts() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let cases = [
        (
            "nan",
            "failed",
            "The loss is not finite at step 1: layer head gave infinity.",
            "Lower the learning rate.",
        ),
        (
            "crash",
            "failed",
            "exit status 101. The end of its log: thread 'main' panicked: no space left for <tensors>",
            "Resume to try again from the last checkpoint.",
        ),
        ("killed", "interrupted", "The training process was killed (signal 9)", "Resume to continue"),
        ("half a line", "interrupted", "The training process was killed (signal 9)", "Resume to continue"),
        ("gone", "interrupted", "The training process is gone without an error", "Resume to continue"),
    ];
    // All are queued at once, with one behind them: each must make room for the next.
    for (number, (script, ..)) in (1..).zip(cases) {
        play(folder.path(), number, &[script, "happy"]);
    }
    let mut runs: Vec<Value> = (0..=cases.len()).map(|_| start(&server, 3)).collect();
    until(&server, &runs.pop().unwrap(), "completed");

    for (run, (script, state, reason, advice)) in runs.iter().zip(cases) {
        let run = until(&server, run, state);
        let (said, advised) = (run["failure"]["reason"].as_str(), run["failure"]["advice"].as_str());
        let (Some(said), Some(advised)) = (said, advised) else { panic!("{script}: {run}") };
        assert!(said.contains(reason) && advised.contains(advice), "{script}: {run}");
        let text = page(&server, &format!("/runs/{}", run["id"]));
        assert!(text.contains(&escaped(reason)) && text.contains(&escaped(advice)), "{script}: {text}");
        pages_answer(&server, &run);

        assert_eq!(server.post(&format!("{}/resume", path(&run)), &json!({})).0, 200, "{script}");
        let run = until(&server, &run, "completed");
        assert_eq!((&run["epoch"], &run["failure"]), (&json!(3), &Value::Null), "{script}: {run}");
        let points = server.get(&format!("{}/series?keys=train/loss", path(&run)));
        assert_eq!(points["series"][0]["points"].as_array().unwrap().len(), 12, "{script}: each step once");
    }
    let list = server.get("/api/v1/runs");
    assert_eq!(list["items"].as_array().unwrap().len(), cases.len() + 1);
}

#[test]
fn lines_that_cannot_be_read_are_told_and_the_rest_counts() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    play(folder.path(), 1, &["garbage"]);
    let run = until(&server, &start(&server, 2), "completed");
    assert_eq!(run["epoch"], 2);
    let text = page(&server, "/runs/1");
    assert_eq!(text.matches("A line of the journal could not be read and was skipped").count(), 3, "{text}");
    assert!(!text.contains("<b>no</b>"), "what stands in a journal is no markup");
    pages_answer(&server, &run);
    // The stream gives what can be read.
    let points = server.get("/api/v1/runs/1/series?keys=train/loss");
    assert_eq!(points["series"][0]["points"].as_array().unwrap().len(), 8);
}

#[test]
fn predictions_that_do_not_fit_are_told_and_take_no_page_down() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    play(folder.path(), 1, &["wide predictions"]);
    play(folder.path(), 2, &["no predictions"]);
    let runs = [start(&server, 1), start(&server, 1)];
    for run in &runs {
        let run = until(&server, run, "completed");
        pages_answer(&server, &run);
        let text = page(&server, &format!("/runs/{}", run["id"]));
        assert!(text.contains("could not be read"), "{text}");
        for sample in server.samples_of(&server.get("/api/v1/datasets/1"), "dark") {
            let text = server.get_text(&format!("/runs/{}/samples/{sample}", run["id"]));
            assert!(text.contains("</html>"), "sample {sample}: {text}");
        }
    }
}

#[test]
fn a_silent_trainer_is_paused_resumed_and_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    play(folder.path(), 1, &["silence", "silence", "happy"]);
    play(folder.path(), 2, &["mute"]);
    let (first, second) = (start(&server, 3), start(&server, 3));
    server.wait(&path(&first), |run| run["step"] == 1);
    assert_eq!(server.get(&path(&second))["state"], "queued", "one at a time");
    pages_answer(&server, &first);

    // A server that dies meanwhile leaves the trainer at work; the next one takes it up.
    server.kill();
    let server = Server::start_with_replay(folder.path());
    assert_eq!(server.get(&path(&first))["state"], "running");
    assert_eq!(server.post(&format!("{}/pause", path(&first)), &json!({})).0, 200);
    until(&server, &first, "paused");

    // The next one has said nothing at all, not even who it is.
    server.wait(&path(&second), |run| run["state"] == "running");
    pages_answer(&server, &second);
    assert_eq!(server.post(&format!("{}/resume", path(&first)), &json!({})).0, 200);
    assert_eq!(server.get(&path(&first))["state"], "queued");
    assert_eq!(server.post(&format!("{}/cancel", path(&second)), &json!({})).0, 200);
    until(&server, &second, "cancelled");

    server.wait(&path(&first), |run| run["state"] == "running" && run["stopping"].is_null());
    wait_until("the second attempt to say hello", || {
        let journal = String::from_utf8(server.run_file(&first, "journal.jsonl")).unwrap();
        if journal.matches("\"started\"").count() == 2 { Ok(()) } else { Err(journal) }
    });
    assert_eq!(server.post(&format!("{}/pause", path(&first)), &json!({})).0, 200);
    until(&server, &first, "paused");
    assert_eq!(server.post(&format!("{}/resume", path(&first)), &json!({})).0, 200);
    let run = until(&server, &first, "completed");
    assert_eq!(run["epoch"], 3, "{run}");
}

#[test]
fn a_trainer_of_another_protocol_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let later = protocol::PROTOCOL + 1;
    let scripts =
        [("another protocol", later), ("unknown hello", later), ("earlier protocol", protocol::PROTOCOL - 1)];
    for (number, (script, theirs)) in (1..).zip(scripts) {
        play(folder.path(), number, &[script, "happy"]);
        let run = until(&server, &start(&server, 2), "failed");
        let reason = run["failure"]["reason"].as_str().unwrap_or_default().to_owned();
        let ours = protocol::PROTOCOL;
        for word in ["protocol", &theirs.to_string(), &ours.to_string()] {
            assert!(reason.contains(word), "{script}: {run}");
        }
        let text = page(&server, &format!("/runs/{number}"));
        assert!(text.contains(&escaped(&reason)), "{script}: {text}");
        pages_answer(&server, &run);
        // Its process is gone: the run's lock is free, and a trainer that fits goes on.
        assert_eq!(server.post(&format!("{}/resume", path(&run)), &json!({})).0, 200);
        until(&server, &run, "completed");
    }
}

#[test]
fn without_a_trainer_images_are_looked_at_and_a_run_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("trainer");
    let server = Server::start_with_trainer(folder.path(), &program);
    let images = folder.path().join("images");
    draw_images(&images);
    let dataset = server.import("light", &images);
    assert_eq!(dataset["state"], "ready");
    for path in ["/", "/runs", "/datasets/1", "/datasets/1/health", "/datasets/1/lab", "/datasets/1/overview"]
    {
        page(&server, path);
    }
    let form = page(&server, "/runs/new");
    assert!(form.contains("id=\"missing-trainer\"") && form.contains("cargo build"), "{form}");

    // Both say so; the first does not keep the second waiting.
    for run in [start(&server, 2), start(&server, 2)] {
        let run = until(&server, &run, "failed");
        let reason = run["failure"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(program.to_str().unwrap()) && reason.contains("is missing"), "{run}");
        pages_answer(&server, &run);
    }

    // One that is built meanwhile is found without another start of the server.
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_replay-trainer"), &program).unwrap();
    assert!(!page(&server, "/runs/new").contains("id=\"missing-trainer\""));
    assert_eq!(server.post("/api/v1/runs/1/resume", &json!({})).0, 200);
    until(&server, &json!({"id": 1}), "completed");
}

#[test]
fn runs_at_once_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    for run in 1..=3 {
        play(folder.path(), run, &["silence", "happy"]);
    }
    let runs: Vec<Value> = (0..3).map(|_| start(&server, 1)).collect();
    let states = || -> Vec<String> {
        runs.iter().map(|run| server.get(&path(run))["state"].as_str().unwrap().to_owned()).collect()
    };
    for place in 0..3 {
        let mut wanted = ["queued"; 3];
        wanted[..place].fill("paused");
        wanted[place] = "running";
        wait_until("the queue to move on", || {
            let found = states();
            if found == wanted { Ok(()) } else { Err(found.join(", ")) }
        });
        server.wait(&path(&runs[place]), |run| run["step"] == 1);
        assert_eq!(server.post(&format!("{}/pause", path(&runs[place])), &json!({})).0, 200);
    }
    until(&server, &runs[2], "paused");
}

#[test]
fn the_inputs_of_a_batch_are_read_by_one_statement_however_many_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let trainer = env!("CARGO_BIN_EXE_replay-trainer");
    let server = Server::start_logged(
        folder.path(),
        &[("TINTYPE_TRAINER", trainer), ("TINTYPE_LOG", "info,sqlx::query=debug")],
    );
    server.import("light", &images);
    let body = json!({"dataset": "light", "epochs": 1, "batch_size": 16, "image_size": 32});
    assert_eq!(server.post("/api/v1/runs", &body).0, 201);
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    let count = |statement: &str| {
        let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap();
        log.lines().filter(|line| line.contains(statement)).count()
    };
    let statements = [
        "select record from batches where run_id = ? and step = ?",
        "select * from samples where id in",
        "select * from samples where id = ",
    ];
    let before = statements.map(count);
    let page = server.get_text("/runs/1/inputs");
    assert!(page.matches("class=\"pair-images\"").count() > 1, "{page}");
    let after = statements.map(count);
    let asked: Vec<usize> = before.iter().zip(after).map(|(before, after)| after - before).collect();
    assert_eq!(asked, [1, 1, 0], "the batch, its images, and none of them alone");
}
