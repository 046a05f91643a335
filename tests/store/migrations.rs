//! Every migration meets a database with data: one is made at each version there was, two rows are put into every table that it
//! has, and it is brought up to date. No row and no value may be lost, and the program has to read what it finds.

use crate::setup::spec;
use protocol::event::LayerDial;
use serde_json::json;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{Row as _, SqlitePool};
use std::collections::BTreeMap;
use std::path::Path;
use tintype::domain::ids::{DatasetId, RunId, SampleId};
use tintype::store::run_list::RunSelection;
use tintype::store::{MIGRATOR, Store};

/// What stands in a column of the first and the second row, where a number or a text that is made up would not do.
fn known(table: &str, column: &str) -> Option<[String; 2]> {
    let both = |text: &str| Some([text.to_owned(), text.to_owned()]);
    match (table, column) {
        ("datasets", "state") => both("ready"),
        ("datasets", "readings") => both("[]"),
        ("datasets", "request") => both(r#"{"name":"n"}"#),
        ("runs" | "jobs", "state") => both("completed"),
        ("jobs", "learning_rates") => both("[[0.1,0.5],[0.2,null]]"),
        ("jobs", "task") => both(r#"{"name":"predict"}"#),
        ("jobs", "asked_by") => both("api"),
        ("notes", "job") => both("0"),
        ("runs" | "jobs", "wish") => both("cancel"),
        ("runs", "spec") => both(&serde_json::to_string(&spec(&json!({}))).unwrap()),
        ("runs" | "jobs", "hello") => both(
            r#"{"protocol":1,"trainer":"0.1.0","torch":"2.11.0","device":"cpu","threads":2,"precision":"f32","precision_reason":"exact","pid":1}"#,
        ),
        ("runs", "started") => both(r#"{"step":0,"steps_per_epoch":4,"parameters":100,"layers":["head"]}"#),
        ("runs", "summary") => both(r#"{"best/val/accuracy":0.5,"best/val/loss":0.6,"val/accuracy":0.75}"#),
        ("runs" | "jobs", "failure") => both(r#"{"reason":"It broke.","advice":null,"step":1,"layer":null}"#),
        ("runs", "event_origin") => both(r#"{"source":"/runs"}"#),
        ("runs", "curve") => both("[[1,0.5]]"),
        ("series", "key") => Some(["val/accuracy", "gradient/head"].map(str::to_owned)),
        ("batches", "record") => both(
            r#"{"step":1,"epoch":1,"path":"b","size":1,"channels":[{"mean":0,"std":1,"min":0,"max":1},{"mean":0,"std":1,"min":0,"max":1},{"mean":0,"std":1,"min":0,"max":1}],"items":[]}"#,
        ),
        ("pipelines", "steps") => both(r#"[{"name":"center_crop","size":32}]"#),
        ("samples" | "predictions" | "prediction_files" | "evaluated_splits", "split") => both("val"),
        ("samples", "metadata") => both(r#"{"age":3}"#),
        ("changes", "split_before" | "split_after") => both("val"),
        ("versions", "renames") => both("[]"),
        ("health_reports", "report" | "overview") => both("{}"),
        ("run_findings", "findings") => both("[]"),
        ("run_findings", "splits") => both("null"),
        ("sweeps", "plan") => both(r#"{"method":"grid","fields":{"seed":[1,2]}}"#),
        ("sweeps", "base") | ("sweep_trials", "settings") => both("{}"),
        ("access_keys", "role") => both("full"),
        ("access_keys", "origin") => both("link"),
        _ => None,
    }
}

/// Columns whose value a later migration is to change.
const REWRITTEN: [(&str, &str); 4] =
    [("runs", "summary"), ("runs", "curve"), ("versions", "action"), ("versions", "note")];

async fn rows(pool: &SqlitePool, sql: String) -> Vec<sqlx::sqlite::SqliteRow> {
    sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await.unwrap()
}

async fn tables(pool: &SqlitePool) -> Vec<String> {
    // In the order in which they were made: what a table refers to comes before it.
    let sql = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name not like '_sqlx%' order by rowid";
    rows(pool, sql.into()).await.iter().map(|row| row.get(0)).collect()
}

/// Two rows in every table; what a table refers to by number is 1 or 2 everywhere.
async fn fill(pool: &SqlitePool) {
    for table in tables(pool).await {
        let columns = rows(pool, format!("select name, type from pragma_table_info('{table}')")).await;
        for row in 0..2 {
            let (mut names, mut values) = (Vec::new(), Vec::new());
            for column in &columns {
                let (name, kind): (String, String) = (column.get(0), column.get(1));
                let value = match (known(&table, &name), kind.to_lowercase().as_str()) {
                    (Some(texts), _) => format!("'{}'", texts[row].replace('\'', "''")),
                    (None, "integer")
                        if matches!(
                            name.as_str(),
                            "excluded"
                                | "excluded_before"
                                | "excluded_after"
                                | "starred"
                                | "archived"
                                | "warning"
                        ) =>
                    {
                        "0".into()
                    }
                    (None, "integer") if name == "undoes" => "null".into(),
                    (None, "integer") => (row + 1).to_string(),
                    (None, "real") => format!("{}.5", row),
                    (None, "blob") => "x'00'".into(),
                    (None, _) => format!("'{name} {}'", row + 1),
                };
                names.push(name);
                values.push(value);
            }
            let sql = format!(
                "insert or replace into {table} ({}) values ({})",
                names.join(", "),
                values.join(", ")
            );
            sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
                .execute(pool)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
}

/// Every row of every table, each value as SQLite would write it, by table.
async fn content(pool: &SqlitePool, of: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let mut content = BTreeMap::new();
    for (table, columns) in of {
        let quoted: Vec<String> = columns.iter().map(|column| format!("quote({column})")).collect();
        // Data set 0, that of runs without one, is there from the start.
        let which = if table == "datasets" { " where id > 0" } else { "" };
        let sql = format!("select {} from {table}{which}", quoted.join(" || ',' || "));
        let mut lines: Vec<String> = rows(pool, sql).await.iter().map(|row| row.get(0)).collect();
        lines.sort();
        content.insert(table.clone(), lines);
    }
    content
}

async fn columns(pool: &SqlitePool) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in tables(pool).await {
        let names = rows(pool, format!("select name from pragma_table_info('{table}')")).await;
        let names = names.iter().map(|row| row.get::<String, _>(0));
        let kept = names.filter(|name| !REWRITTEN.contains(&(table.as_str(), name.as_str()))).collect();
        all.insert(table, kept);
    }
    all
}

async fn connect(file: &Path) -> SqlitePool {
    // Nothing of these has to outlast a power cut.
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Off);
    SqlitePool::connect_with(options).await.unwrap()
}

#[tokio::test]
async fn a_database_of_every_version_there_was_keeps_every_row() {
    let versions: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    assert!(versions.len() > 10 && versions.is_sorted(), "{versions:?}");
    for (at, version) in versions.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tintype.db");
        let pool = connect(&file).await;
        let until = MIGRATOR.iter().take(at + 1).cloned().collect();
        Migrator::with_migrations(until).run(&pool).await.unwrap();
        fill(&pool).await;
        let columns = columns(&pool).await;
        let before = content(&pool, &columns).await;
        for (table, rows) in &before {
            assert_eq!(rows.len(), 2, "{table} at {version}: {rows:?}");
        }
        pool.close().await;

        let store = Store::open(&file).await.unwrap_or_else(|error| panic!("from {version}: {error:#}"));
        read_all(&store, *version).await;
        store.close().await;
        let pool = connect(&file).await;
        let after = content(&pool, &columns).await;
        for (table, rows) in before {
            for row in rows {
                assert!(
                    after[&table].contains(&row),
                    "from {version}, {table} has lost {row}: {:?}",
                    after[&table]
                );
            }
        }
        let broken = rows(&pool, "select * from pragma_foreign_key_check".into()).await;
        assert!(broken.is_empty(), "from {version}: a row refers to nothing");
    }
}

/// What pages ask for first.
async fn read_all(store: &Store, version: i64) {
    let id = DatasetId(1);
    let datasets = store.list_datasets().await.unwrap();
    assert_eq!(datasets.len(), 2, "from {version}");
    assert!(store.dataset_facts(&datasets[0], Vec::new()).await.unwrap().classes.len() <= 2);
    assert!(!store.list_versions(id).await.unwrap().is_empty(), "from {version}: the import is a version");
    assert_eq!(store.list_rejected(id, 9).await.unwrap().len(), 1);
    let sample = store.find_sample(SampleId(1)).await.unwrap().unwrap();
    assert_eq!((sample.split.as_str(), sample.excluded), ("val", false));
    store.list_measured(id).await.unwrap();
    store.find_report(id).await.unwrap();
    store.find_overview(id).await.unwrap();
    store.list_dataset_marks().await.unwrap();
    if version < 2 {
        return;
    }
    let list = store.list_run_rows(RunSelection::All).await.unwrap();
    assert!(list.runs.len() == 2 && list.unreadable.is_empty(), "from {version}: {:?}", list.unreadable);
    let run = store.find_run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(run.summary["val/accuracy"], Some(0.75), "from {version}: {:?}", run.summary);
    assert_eq!(store.list_points(RunId(1), "val/accuracy").await.unwrap(), [(1, Some(0.5))]);
    // Gradient norms of a run of before are shown as they were.
    assert_eq!(store.list_points(RunId(2), "gradient/head").await.unwrap(), [(2, Some(1.5))]);
    let layers = ["head".to_owned()];
    let summaries = store.summarize_dial(RunId(2), LayerDial::Gradient, &layers).await.unwrap();
    assert_eq!((summaries[0].first, summaries[0].max, summaries[0].not_finite), (Some(1.5), Some(1.5), 0));
    store.block_long_series().await.unwrap();
    assert_eq!(store.list_notes(RunId(1)).await.unwrap().len(), 1);
    assert_eq!(store.list_batches(RunId(1)).await.unwrap().len(), 1);
    let split = protocol::sample::Split::Val;
    assert_eq!(store.list_cells(RunId(1), split).await.unwrap().len(), 1);
    assert_eq!(store.list_prediction_files(RunId(1), split).await.unwrap().len(), 1);
    store.list_run_marks().await.unwrap();
    if version >= 21 {
        assert_eq!(store.list_jobs(RunId(1)).await.unwrap().len(), 1, "from {version}");
    }
    if version >= 27 {
        assert_eq!(store.list_sweeps().await.unwrap().len(), 2, "from {version}");
    }
    if version >= 4 {
        assert_eq!(store.list_pipelines().await.unwrap().len(), 2, "from {version}");
    }
}
