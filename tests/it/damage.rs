//! A database that was damaged, or that a newer program wrote: one row that can't be read takes no page and no list down.

use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::path::Path;

/// One damage each, at rows that other rows of the same list stand beside.
const DAMAGE: [&str; 17] = [
    "update datasets set state = 'elsewhere' where id = 2",
    "update datasets set readings = '{', request = '[' where id = 1",
    "update samples set metadata = '{', format = '', orientation = 99 where id = 1",
    "update versions set renames = '{' where dataset_id = 1 and number = 2",
    "update changes set split_after = 'elsewhere' where dataset_id = 1 and version = 2 and sample_id = 1",
    "update health_reports set report = '{\"version\": 1}', overview = '{\"classes\": [1]}' where dataset_id = 1",
    "insert into pipelines (name, steps, created_at_ms) values ('odd', '[{\"name\": \"fold\"}]', 0)",
    "update runs set summary = '{' where id = 1",
    "update runs set started = replace(started, '\"steps_per_epoch\":', '\"steps_per_epoch\":9223372036854775') where id = 2",
    // Not even JSON: SQLite's own functions must not be led to read it.
    "update health_reports set overview = '{' where dataset_id = 3",
    "update runs set spec = '{' where id = 4",
    "update runs set spec = '{', started = '{', state = 'running' where id = 5",
    "update batches set record = '{' where run_id = 2",
    "update predictions set predicted = 40, actual = 99 where run_id = 2 and sample_id = (select min(sample_id) from predictions where run_id = 2)",
    "update prediction_files set path = '../../../etc/passwd' where run_id = 2",
    "update runs set curve = '[[1, null], [0, 1e999]]', step = 9223372036854775807 where id = 3",
    "insert into series (run_id, key) values (2, 'gradient/'), (2, '')",
];

async fn damage(data: &Path) {
    let options = SqliteConnectOptions::new().filename(data.join("tintype.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("pragma ignore_check_constraints = on").execute(&mut *connection).await.unwrap();
    for statement in DAMAGE {
        let done = sqlx::query(statement).execute(&mut *connection).await;
        let done = done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        assert!(done.rows_affected() > 0, "nothing was damaged by: {statement}");
    }
    drop(connection);
    pool.close().await;
}

#[test]
fn one_unreadable_row_takes_no_list_down() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with_replay(folder.path());
    let images = folder.path().join("images");
    draw_images(&images);
    for name in ["light", "second", "third"] {
        server.import(name, &images);
    }
    let edits = json!({"action": "move", "samples": [1, 2], "split": "test"});
    assert_eq!(server.post("/api/v1/datasets/1/edits", &edits).0, 201);
    let relabel = json!({"action": "relabel", "samples": [3], "class": "dark"});
    assert_eq!(server.post("/api/v1/datasets/1/edits", &relabel).0, 201);
    for id in 1..=3 {
        server.wait(&format!("/api/v1/datasets/{id}/health"), |health| !health["report"].is_null());
    }
    for _ in 0..5 {
        let body = json!({"dataset": "light", "model": "small-cnn", "epochs": 2, "batch_size": 16, "image_size": 32});
        let (status, run) = server.post("/api/v1/runs", &body);
        assert_eq!(status, 201, "{run}");
        server.wait(&format!("/api/v1/runs/{}", run["id"]), |run| run["state"] == "completed");
    }
    server.kill();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(damage(folder.path()));

    let server = Server::start_logged(folder.path(), &[]);
    let mut wrong = Vec::new();
    let pages =
        ["/", "/datasets", "/runs", "/search?q=light", "/runs/new", "/runs/new?dataset=1", "/datasets/new"];
    let of_datasets = [
        "",
        "/overview",
        "/skipped",
        "/runs",
        "/lab",
        "/health",
        "/versions",
        "/versions/2",
        "/versions/compare?from=1&to=3",
        "/samples/1",
        "/samples/3",
        "?metadata=a%3Db",
    ];
    let of_runs = [
        "",
        "/inputs",
        "/gradients",
        "/predictions",
        "/predictions?split=val",
        "/evaluation",
        "/log",
        "/category-to-paths",
        "/category-to-predictions",
    ];
    let of_data_json = ["", "/samples", "/versions", "/versions/2", "/versions/compare?from=1&to=3"];
    let of_run_json =
        ["", "/series", "/predictions", "/evaluation", "/batches", "/category-to-paths", "/confusion.csv"];
    let mut paths: Vec<String> = pages.map(str::to_owned).to_vec();
    paths.extend(
        [
            "/api/v1/datasets",
            "/api/v1/runs",
            "/api/v1/pipelines",
            "/live/now",
            "/live/home",
            "/live/datasets",
            "/live/run-list",
        ]
        .map(str::to_owned),
    );
    for id in [1, 3] {
        paths.extend(of_datasets.map(|part| format!("/datasets/{id}{part}")));
        paths.extend(of_data_json.map(|part| format!("/api/v1/datasets/{id}{part}")));
    }
    for id in [2, 3] {
        paths.extend(of_runs.map(|part| format!("/runs/{id}{part}")));
        paths.extend(of_run_json.map(|part| format!("/api/v1/runs/{id}{part}")));
    }
    for path in &paths {
        let status = server.status(path);
        // What was damaged may be missing, but in words, and nothing fails.
        if status >= 500 {
            wrong.push(format!("{path}: {status}"));
        }
    }
    let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap();
    assert!(wrong.is_empty() && !log.contains("panicked"), "{wrong:#?}\n{log}");

    let names = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&server.get("/api/v1/datasets")),
        ["third", "light"],
        "the one that can't be read is left out"
    );
    assert!(log.contains("can't be read and is left out"), "and the log says so: {log}");
    assert_eq!(server.get("/api/v1/runs")["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.get("/api/v1/datasets/1/versions")["items"].as_array().unwrap().len(), 3);
    let edited = server.get("/api/v1/datasets/1/versions/2");
    assert_eq!(edited["changes"].as_array().unwrap().len(), 1, "{edited}");
    assert_eq!(server.get("/api/v1/runs/2/batches")["items"], json!([]));
}
