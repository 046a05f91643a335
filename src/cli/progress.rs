//! Waiting for the server's work, and telling a person how far it is.
#![expect(clippy::print_stderr, reason = "a command line speaks by printing")]

use super::client::Client;
use anyhow::bail;
use serde_json::Value;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// How often the server is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Waits for an import; the data set, or why it failed.
pub(super) fn wait_for_import(client: &Client, id: &Value) -> anyhow::Result<Value> {
    let mut progress = Progress::default();
    let dataset = wait(client, &format!("/api/v1/datasets/{id}"), |dataset| {
        let under_way = &dataset["progress"];
        let share = under_way["done"]
            .as_f64()
            .zip(under_way["total"].as_f64())
            .map(|(done, total)| done / total.max(1.0));
        progress.show(
            under_way["stage"].as_str().unwrap_or("importing"),
            share,
            under_way["seconds_left"].as_f64(),
        );
        dataset["state"] != "importing"
    })?;
    progress.end();
    if dataset["state"] == "failed" {
        bail!("{}", dataset["failure"].as_str().unwrap_or("the import failed"));
    }
    Ok(dataset)
}

/// Waits until weights are there; what the list says of them, or why they did not come.
pub(super) fn wait_for_weights(client: &Client, name: &str) -> anyhow::Result<Value> {
    let find = |list: &Value| {
        list["items"].as_array().into_iter().flatten().find(|item| item["name"] == name).cloned()
    };
    let mut progress = Progress::default();
    let list = wait(client, "/api/v1/weights", |list| {
        let Some(fetching) = find(list).map(|item| item["fetching"].clone()).filter(Value::is_object) else {
            return true;
        };
        let megabytes = |key: &str| fetching[key].as_f64().unwrap_or(0.0) / 1e6;
        let (done, total) = (megabytes("done"), megabytes("total"));
        let words = format!("fetching {name}: {done:.1} of {total:.1} MB");
        progress.show(&words, Some(done / total.max(1e-6)), fetching["seconds_left"].as_f64());
        false
    })?;
    progress.end();
    match find(&list) {
        Some(item) if item["present"] == true => Ok(item),
        Some(item) => bail!("{}", item["failure"].as_str().unwrap_or("the fetch was cancelled")),
        None => bail!("there are no weights called {name}"),
    }
}

/// Waits for a run; an error where it did not end well.
pub(super) fn finish(client: &Client, run: &Value) -> anyhow::Result<Value> {
    let mut progress = Progress::default();
    let begun = Instant::now();
    let run = wait(client, &format!("/api/v1/runs/{}", run["id"]), |run| {
        let stage = &run["stage"];
        if let Some((done, total)) = stage["done"].as_f64().zip(stage["total"].as_f64()) {
            let words = if stage["name"] == "embed" { "computing features" } else { "evaluating" };
            progress.show(words, Some(done / total.max(1.0)), stage["seconds_left"].as_f64());
            return false;
        }
        let share = run["step"]
            .as_f64()
            .zip(run["steps"].as_f64())
            .filter(|(_, steps)| *steps > 0.0)
            .map(|(step, steps)| step / steps);
        let left = share
            .filter(|share| *share > 0.02)
            .map(|share| begun.elapsed().as_secs_f64() * (1.0 - share) / share);
        let words =
            format!("{} epoch {}/{}", run["state"].as_str().unwrap_or_default(), run["epoch"], run["epochs"]);
        progress.show(&words, share, left);
        !["queued", "running"].contains(&run["state"].as_str().unwrap_or_default())
    })?;
    progress.end();
    if run["state"] != "completed" {
        let why = run["failure"]["reason"].as_str().unwrap_or("it was stopped");
        bail!("run {} is {}: {why}", run["id"], run["state"].as_str().unwrap_or_default());
    }
    Ok(run)
}

/// Waits for a further job of a run; an error where it did not end well.
pub(super) fn finish_job(client: &Client, job: &Value) -> anyhow::Result<Value> {
    let mut progress = Progress::default();
    let begun = Instant::now();
    let job = wait(client, &format!("/api/v1/runs/{}/jobs/{}", job["run"], job["number"]), |job| {
        let under_way = &job["progress"];
        let share = (under_way["done"].as_f64().zip(under_way["total"].as_f64()))
            .filter(|(_, total)| *total > 0.0)
            .map(|(done, total)| done / total);
        let left = share
            .filter(|share| *share > 0.02)
            .map(|share| begun.elapsed().as_secs_f64() * (1.0 - share) / share);
        let state = job["state"].as_str().unwrap_or_default();
        progress.show(state, share, left);
        !["queued", "running"].contains(&state)
    })?;
    progress.end();
    if job["state"] != "completed" {
        let why = job["failure"]["reason"].as_str().unwrap_or("it was stopped");
        bail!(
            "job {} of run {} is {}: {why}",
            job["number"],
            job["run"],
            job["state"].as_str().unwrap_or_default()
        );
    }
    Ok(job)
}

/// Asks again and again until `done` says so.
fn wait(client: &Client, path: &str, mut done: impl FnMut(&Value) -> bool) -> anyhow::Result<Value> {
    loop {
        let thing = client.get(path)?;
        if done(&thing) {
            return Ok(thing);
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// A line that is rewritten on a terminal, and printed now and then elsewhere. On standard error.
#[derive(Default)]
pub(super) struct Progress {
    printed: Option<Instant>,
}

impl Progress {
    pub(super) fn show(&mut self, words: &str, share: Option<f64>, seconds_left: Option<f64>) {
        let mut line = words.to_owned();
        if let Some(share) = share {
            line.push_str(&format!(", {:.0} %", share * 100.0));
        }
        if let Some(seconds) = seconds_left {
            line.push_str(&format!(", {seconds:.0} s left"));
        }
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K{line}");
        } else if self.printed.is_none_or(|at| at.elapsed() > LINE_EVERY) {
            eprintln!("{line}");
            self.printed = Some(Instant::now());
        }
    }

    pub(super) fn end(&self) {
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}
