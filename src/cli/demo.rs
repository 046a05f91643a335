//! `tintype demo`: draws a data set with faults planted on purpose, trains on it, and says where they show. What is
//! there already is not done again.

use super::client::Client;
use super::progress::{Progress, finish, wait_for_import};
use anyhow::{Context as _, bail};
use demo::Manifest;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

/// What the data set is called.
const NAME: &str = "demo";
/// What its images are drawn from.
const SEED: u64 = 0;

/// Draws, imports, trains; a summary of how the network fares on each kind of test image.
///
/// # Errors
/// The data directory can't be written, or import or training fail.
pub(super) fn prepare(client: &Client, data: &Path) -> anyhow::Result<Value> {
    let folder = data.join("demo");
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let folder = folder.canonicalize()?;
    let progress = Mutex::new(Progress::default());
    let manifest = demo::draw(&folder, SEED, &|done, total| {
        // Told in order enough for a bar; whoever comes while another prints is skipped.
        if let Ok(mut progress) = progress.try_lock() {
            progress.show("drawing images", Some(done as f64 / total as f64), None);
        }
    })?;
    if let Ok(progress) = progress.into_inner() {
        progress.end();
    }
    let dataset = find_dataset(client, &folder.join(demo::FOLDER))?;
    let run = find_run(client, &dataset)?;
    let predictions =
        client.get(&format!("/api/v1/runs/{}/category-to-predictions?split=test", run["id"]))?;
    Ok(json!({
        "dataset": {
            "id": dataset["id"],
            "name": NAME,
            "splits": dataset["splits"],
            "rejected": dataset["rejected_count"],
        },
        "planted": {
            "green_persons": manifest.green_persons.len(),
            "lying_cats": manifest.lying_cats.len(),
            "wrong_labels": manifest.wrong_labels.len(),
            "duplicates": manifest.duplicates.len(),
            "broken": manifest.broken.len(),
        },
        "run": {
            "id": run["id"],
            "val_accuracy": run["summary"]["best_val_accuracy"],
            "seconds": (run["ended_at_ms"].as_f64().unwrap_or(0.0) - run["started_at_ms"].as_f64().unwrap_or(0.0)) / 1000.0,
        },
        "test": groups(&manifest, &predictions)?,
    }))
}

fn find_dataset(client: &Client, images: &Path) -> anyhow::Result<Value> {
    let all = client.get("/api/v1/datasets")?;
    let found = all["items"].as_array().into_iter().flatten().find(|dataset| dataset["name"] == NAME);
    let id = match found {
        Some(dataset) => dataset["id"].clone(),
        None => {
            client.post("/api/v1/datasets", &json!({"name": NAME, "source": {"path": images}}))?["id"].clone()
        }
    };
    wait_for_import(client, &id)
}

/// The data set's latest run that ended well, else a new one from the defaults.
fn find_run(client: &Client, dataset: &Value) -> anyhow::Result<Value> {
    let all = client.get("/api/v1/runs")?;
    let found = all["items"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|run| run["dataset_id"] == dataset["id"] && run["state"] == "completed");
    match found {
        Some(run) => Ok(run.clone()),
        None => {
            let body = json!({"dataset": dataset["id"], "name": "type or tint?"});
            finish(client, &client.post("/api/v1/runs", &body)?)
        }
    }
}

/// How many of each kind of test image are right, and what the planted ones were predicted as.
fn groups(manifest: &Manifest, predictions: &Value) -> anyhow::Result<Value> {
    let green: BTreeSet<&str> = manifest.green_persons.iter().map(String::as_str).collect();
    let lying: BTreeSet<&str> = manifest.lying_cats.iter().map(String::as_str).collect();
    let mut groups = json!({});
    for (actual, items) in predictions.as_object().context("the map of predictions is no object")? {
        for item in items.as_array().into_iter().flatten() {
            let path = item["path"].as_str().unwrap_or_default();
            let predicted = item["predicted"].as_str().unwrap_or_default();
            let group = match path {
                path if green.contains(path) => "green_persons",
                path if lying.contains(path) => "lying_cats",
                _ => "ordinary",
            };
            add(&mut groups[group]["total"]);
            if predicted == actual {
                add(&mut groups[group]["correct"]);
            } else {
                add(&mut groups[group]["predicted_as"][predicted]);
                // The former name, for scripts.
                groups[group]["taken_for"] = groups[group]["predicted_as"].clone();
            }
        }
    }
    if groups["ordinary"].is_null() {
        bail!("the run evaluated no test image of the demo");
    }
    Ok(groups)
}

fn add(count: &mut Value) {
    *count = json!(count.as_u64().unwrap_or(0) + 1);
}

/// The summary in words.
pub(super) fn words(summary: &Value, url: &str) -> String {
    let group = |name: &str| {
        let group = &summary["test"][name];
        (
            group["correct"].as_u64().unwrap_or(0),
            group["total"].as_u64().unwrap_or(0),
            group["predicted_as"].clone(),
        )
    };
    let (right, all, _) = group("ordinary");
    let (green_right, green, taken) = group("green_persons");
    let (lying_right, lying, _) = group("lying_cats");
    let run = &summary["run"]["id"];
    format!(
        "The network gets {right} of {all} ordinary test images right. Of {green} persons in green it gets \
         {green_right} ({plants} are predicted as plants); of {lying} cats that lie on their side, {lying_right}. \
         Type, or tint? Look:\n\
         {url}/runs/{run}/predictions?split=test&actual=person&correct=false\n\
         {url}/runs/{run}/predictions?split=test&actual=cat&correct=false",
        plants = taken["plant"].as_u64().unwrap_or(0),
    )
}
