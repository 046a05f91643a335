//! Sweeps over HTTP, with the trainer that plays scripts: from the form or as JSON to the table, and successive halving across a kill.

use crate::replay::{page, play, with_data};
use crate::support::{Server, wait_until};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt as _;

fn body(sweep: &Value, epochs: u32) -> Value {
    json!({"dataset": "light", "model": "small-cnn", "training": "scratch", "epochs": epochs, "batch_size": 16, "image_size": 32,
        "sweep": sweep})
}

fn trials(sweep: &Value) -> &Vec<Value> {
    sweep["trials"].as_array().unwrap()
}

/// Waits until no run of it waits, works or rests.
fn ended(server: &Server) -> Value {
    server.wait("/api/v1/sweeps/1", |sweep| {
        trials(sweep)
            .iter()
            .all(|trial| ["completed", "cancelled"].contains(&trial["run"]["state"].as_str().unwrap()))
    })
}

#[test]
fn a_grid_is_a_run_for_each_combination_and_a_page_that_compares_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let plan = json!({"method": "grid", "fields": {"learning_rate": [0.1, 0.2], "seed": [1, 2]}});
    for run in 1..=4 {
        play(folder.path(), run, &["better by rate"]);
    }
    let (status, sweep) = server.post("/api/v1/sweeps", &body(&plan, 2));
    assert_eq!((status, trials(&sweep).len()), (201, 4), "{sweep}");
    let sweep = ended(&server);
    let first = &trials(&sweep)[0];
    assert_eq!(first["settings"], json!({"learning_rate": 0.1, "seed": 1}));
    assert_eq!(
        (&first["run"]["spec"]["learning_rate"], &first["run"]["spec"]["seed"]),
        (&json!(0.1), &json!(1))
    );
    assert_eq!(first["run"]["name"], "small-cnn on light: learning rate 0.1, seed 1");
    // The list of samples is one file for all that have the same.
    let list = |run: i64| folder.path().join(format!("runs/{run}/samples.jsonl")).metadata().unwrap().ino();
    assert!(list(1) == list(3) && list(2) == list(4) && list(1) != list(2));

    let shown = page(&server, "/sweeps/1");
    assert!(shown.contains("4 of 4 runs ended.") && shown.contains("Parallel coordinates"), "{shown}");
    let best = shown.split_once("<tr class=\"best\">").expect("a best one").1;
    assert!(best.split_once("</tr>").unwrap().0.contains("70.0"), "{best}");
    let order = |query: &str| {
        let shown = page(&server, &format!("/sweeps/1?{query}"));
        let rows = shown.split("<th scope=\"row\"><a href=\"/runs/").skip(1);
        rows.map(|row| row.split_once('"').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order(""), ["3", "4", "1", "2"]);
    assert_eq!(order("sort=number"), ["1", "2", "3", "4"]);
    assert_eq!(
        order("sort=learning_rate&order=desc").first().map(String::as_str),
        order("").get(1).map(String::as_str)
    );
    assert!(page(&server, "/sweeps").contains("learning rate, seed"));
    assert!(page(&server, "/runs").contains("href=\"/sweeps\""));
    assert_eq!(server.get("/api/v1/sweeps")["items"].as_array().unwrap().len(), 1);

    // Its runs outlive it.
    assert_eq!(server.delete_status("/api/v1/sweeps/1"), 204);
    assert_eq!((server.status("/sweeps/1"), server.status("/runs/1")), (404, 200));
    assert!(page(&server, "/sweeps").contains("No sweep yet"));
}

#[test]
fn what_is_wrong_with_a_sweep_is_said_and_nothing_of_it_starts() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let refused = |fields: Value| {
        let (status, answer) =
            server.post("/api/v1/sweeps", &body(&json!({"method": "grid", "fields": fields}), 2));
        assert_eq!(status, 422, "{answer}");
        (
            answer["error"]["field"].as_str().unwrap().to_owned(),
            answer["error"]["message"].as_str().unwrap().to_owned(),
        )
    };
    let (field, why) = refused(json!({"rate_decay": [0.5, 0.9]}));
    assert_eq!(field, "rate_decay");
    assert!(why.contains("With learning rate by depth 0.5"), "{why}");
    assert_eq!(refused(json!({"image_size": [32, 5]})).0, "image_size");
    assert_eq!(refused(json!({})).0, "sweep");
    assert_eq!(server.get("/api/v1/runs")["items"], json!([]));
    assert!(!folder.path().join("runs/1").exists());
}

#[test]
fn the_form_starts_a_sweep_or_says_at_its_row_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let form = |values: &str| {
        let fields = [
            ("dataset", "1"),
            ("training", "scratch"),
            ("epochs", "1"),
            ("sweep_method", "grid"),
            ("sweep_field_1", "batch_size"),
            ("sweep_values_1", values),
        ];
        server.post_form("/runs", &fields)
    };
    let (status, wrong) = form("8, many");
    assert_eq!(status, 422);
    assert!(wrong.contains("id=\"sweep_values_1\" name=\"sweep_values_1\" value=\"8, many\""), "{wrong}");
    assert!(wrong.contains("Several values") && wrong.contains("not “many”"), "{wrong}");
    let (status, shown) = form("8, 16");
    assert_eq!(status, 200);
    assert!(shown.contains("Every combination is a run."), "{shown}");
    assert_eq!(trials(&ended(&server)).len(), 2);
    let (_, preview) = server.post_form(
        "/runs/new/preview",
        &[
            ("dataset", "1"),
            ("sweep_method", "grid"),
            ("sweep_field_1", "seed"),
            ("sweep_values_1", "1, 2, 3"),
        ],
    );
    assert!(preview.contains("3 runs: 3 × seed") && preview.contains("Start 3 runs"), "{preview}");
}

#[test]
fn of_successive_halving_the_better_third_goes_on_also_with_the_next_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    for run in 1..=9 {
        play(folder.path(), run, &["better by rate"]);
    }
    let rates: Vec<f64> = (1..=9).map(|at| f64::from(at) / 100.0).collect();
    let plan = json!({"method": "halving", "runs": 9, "fields": {"learning_rate": rates}});
    let (status, sweep) = server.post("/api/v1/sweeps", &body(&plan, 9));
    assert_eq!((status, trials(&sweep).len()), (201, 9), "{sweep}");
    wait_until("a run that rests", || {
        let sweep = server.get("/api/v1/sweeps/1");
        let rests = trials(&sweep).iter().any(|trial| trial["run"]["state"] == "paused");
        if rests || trials(&sweep).iter().any(|trial| trial["run"]["state"] == "completed") {
            Ok(())
        } else {
            Err(sweep)
        }
    });
    server.kill();
    let server = Server::start_with_replay(folder.path());
    let sweep = ended(&server);
    let mut ends: Vec<(String, String, i64)> = trials(&sweep)
        .iter()
        .map(|trial| {
            let run = &trial["run"];
            let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (word(&trial["settings"]["learning_rate"]), word(&run["state"]), run["epoch"].as_i64().unwrap())
        })
        .collect();
    ends.sort();
    let ends: Vec<(&str, &str, i64)> =
        ends.iter().map(|(rate, state, epoch)| (rate.as_str(), state.as_str(), *epoch)).collect();
    let left = |rate, epoch| (rate, "cancelled", epoch);
    assert_eq!(
        ends,
        [
            left("0.01", 1),
            left("0.02", 1),
            left("0.03", 1),
            left("0.04", 1),
            left("0.05", 1),
            left("0.06", 1),
            left("0.07", 3),
            left("0.08", 3),
            ("0.09", "completed", 9)
        ]
    );
    let shown = page(&server, "/sweeps/1");
    assert_eq!(shown.matches("ended early").count(), 8, "{shown}");
    // Doing the best one again does not pause it.
    let best = ends.len();
    let run = trials(&sweep).iter().find(|trial| trial["run"]["state"] == "completed").unwrap()["run"]["id"]
        .clone();
    assert_eq!(best, 9);
    let (status, again) = server.post("/api/v1/runs", &json!({"like": run}));
    assert_eq!((status, again["spec"].get("pause_after_epoch")), (201, None), "{again}");
}
