//! A data directory of the first release opens, and loses nothing: its database, its run's files and the names in them.

use crate::support::Server;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use std::path::Path;

/// The newest migration of the first release.
const FIRST_RELEASE: i64 = 9;

/// A run's specification as the first release wrote it: `outside` is now called `padding_mode`.
const SPEC: &str = r#"{"dataset":"old","fingerprint":"f00","classes":["cat","dog"],"model":"small-cnn","weights":null,
    "image_size":32,"epochs":2,"batch_size":16,"optimizer":"adamw","learning_rate":0.003,"weight_decay":0.05,
    "schedule":"one-cycle","warmup_epochs":0.0,"train_transforms":[
        {"name":"resize","size":32,"interpolation":"bilinear","antialias":true},
        {"name":"random_crop","size":32,"padding":4,"outside":"reflect","fill":0},
        {"name":"rotation","degrees":[-10.0,10.0],"outside":"constant","fill":0,"expand":false},
        {"name":"center_crop","size":32},
        {"name":"normalize","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]}],
    "mixing":{"mixup":0.0,"cutmix":0.0},"eval_transforms":[
        {"name":"resize","size":32,"interpolation":"bilinear","antialias":true},{"name":"center_crop","size":32},
        {"name":"normalize","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]}],
    "seed":0,"device":"auto","precision":"auto","threads":0,"capture_every_steps":20,"evaluate_splits":["val","test"]}"#;

const HELLO: &str = r#"{"protocol":1,"trainer":"0.1.0","torch":"2.11.0","device":"cpu","threads":2,"precision":"f32","precision_reason":"f32, the exact one","pid":1}"#;
const STARTED: &str = r#"{"step":0,"steps_per_epoch":4,"parameters":100,"layers":["stage1.conv","head"]}"#;
const SUMMARY: &str = r#"{"best/val/accuracy":0.5,"best/val/loss":0.6,"images_per_second":100.0,"train/loss":0.6,"val/accuracy":0.75,"val/loss":0.65}"#;
const BATCH: &str = r#"{"step":0,"epoch":1,"path":"batches/step-00000000.safetensors","size":16,
    "channels":[{"mean":0.1,"std":1.0,"min":-2.0,"max":2.0},{"mean":0.1,"std":1.0,"min":-2.0,"max":2.0},{"mean":0.1,"std":1.0,"min":-2.0,"max":2.0}],
    "items":[{"sample_id":1,"label":0,"drawn":[{"transform":"rotation","values":[["degrees",-3.5]]}]}]}"#;
const PIPELINE: &str =
    r#"[{"name":"pad","padding":4,"outside":"edge","fill":0},{"name":"center_crop","size":32}]"#;

/// The predictions of the last epoch on the two validation images.
fn predictions() -> Vec<u8> {
    let numbers = |numbers: [i64; 2]| numbers.map(i64::to_le_bytes).concat();
    let (ids, labels) = (numbers([2, 4]), numbers([0, 1]));
    let logits = [2.0_f32, 0.0, 1.4, 0.0].map(f32::to_le_bytes).concat();
    let view = |dtype, shape: &[usize], data| TensorView::new(dtype, shape.to_vec(), data).unwrap();
    let tensors = [
        ("sample_id", view(Dtype::I64, &[2], &ids)),
        ("label", view(Dtype::I64, &[2], &labels)),
        ("logits", view(Dtype::F32, &[2, 2], &logits)),
    ];
    safetensors::serialize(tensors, None).unwrap()
}

/// Makes the directory as the first release would have left it.
fn first_release(data: &Path) {
    let images = data.join("photos");
    for (at, class) in ["cat", "cat", "dog", "dog"].into_iter().enumerate() {
        let folder = images.join(class);
        std::fs::create_dir_all(&folder).unwrap();
        let level = (at * 60) as u8;
        image::RgbImage::from_pixel(32, 32, image::Rgb([level, 80, 120]))
            .save(folder.join(format!("{at}.png")))
            .unwrap();
    }
    let run = data.join("runs/1");
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("spec.json"), SPEC).unwrap();
    std::fs::write(run.join("journal.jsonl"), "").unwrap();
    std::fs::create_dir_all(run.join("predictions")).unwrap();
    std::fs::write(run.join("predictions/val-0002.safetensors"), predictions()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("tintype.db")).create_if_missing(true);
        let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let all = Migrator::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).await.unwrap();
        let first = all.iter().filter(|step| step.version <= FIRST_RELEASE).cloned().collect();
        Migrator::with_migrations(first).run(&pool).await.unwrap();
        let statements = format!(
            "insert into datasets (id, name, state, source, format, root, fingerprint, split_note, created_at_ms)
             values (1, 'old', 'ready', '{root}', 'folder', '{root}', 'f00', 'as the folders say', 5);
             insert into classes (dataset_id, label, name) values (1, 0, 'cat'), (1, 1, 'dog');
             insert into samples (id, dataset_id, path, label, split, width, height, bytes, format, orientation, hash, metadata)
             values (1, 1, 'cat/0.png', 0, 'train', 32, 32, 100, 'png', 1, '00000000000000000000000000000001', '{{\"age\":3}}'),
                    (2, 1, 'cat/1.png', 0, 'val', 32, 32, 100, 'png', 1, '00000000000000000000000000000002', null),
                    (3, 1, 'dog/2.png', 1, 'train', 32, 32, 100, 'png', 1, '00000000000000000000000000000003', null),
                    (4, 1, 'dog/3.png', 1, 'val', 32, 32, 100, 'png', 1, '00000000000000000000000000000004', null);
             insert into rejected (dataset_id, path, reason) values (1, 'cat/x.txt', 'not a picture');
             insert into versions (dataset_id, number, created_at_ms, note, fingerprint)
             values (1, 1, 5, 'Imported', 'f00'), (1, 2, 6, '1 sample relabelled as “cat”', 'f01');
             insert into changes values (1, 2, 2, 1, 0, 'val', 'val', 0, 0);
             insert into pipelines (name, steps, created_at_ms) values ('mine', '{PIPELINE}', 5);
             insert into runs (id, dataset_id, name, state, queued_at_ms, created_at_ms, started_at_ms, ended_at_ms, spec,
                 held_out, journal_offset, hello, started, epoch, step, best_epoch, summary, dataset_version)
             values (1, 1, 'first', 'completed', 10, 10, 20, 30, '{SPEC}', null, 0, '{HELLO}', '{STARTED}', 2, 8, 2, '{SUMMARY}', 1);
             insert into series (id, run_id, key) values (1, 1, 'val/accuracy'), (2, 1, 'val/loss'), (3, 1, 'epoch/train_loss');
             insert into points (series_id, step, value) values (1, 3, 0.75), (1, 7, 0.5), (2, 3, 0.65), (2, 7, 0.6), (3, 3, null), (3, 7, 0.6);
             insert into batches (run_id, step, record) values (1, 0, '{BATCH}');
             insert into notes (run_id, journal_offset, at_ms, warning, text) values (1, 0, 5, 1, 'An old note.');
             insert into prediction_files (run_id, split, epoch, path, best) values (1, 'val', 2, 'predictions/val-0002.safetensors', 1);
             insert into predictions (run_id, split, sample_id, row, actual, predicted, confidence, loss)
             values (1, 'val', 2, 0, 0, 0, 0.9, 0.1), (1, 'val', 4, 1, 1, 0, 0.8, 1.6);",
            root = images.canonicalize().unwrap().display(),
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&pool).await.unwrap();
        pool.close().await;
    });
}

#[test]
fn a_data_directory_of_the_first_release_opens_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    first_release(folder.path());
    let server = Server::start(folder.path());

    let dataset = server.get("/api/v1/datasets/1");
    assert_eq!(
        (&dataset["name"], &dataset["splits"]),
        (&json!("old"), &json!({"train": 2, "val": 2, "test": 0}))
    );
    assert_eq!(dataset["rejected"][0]["path"], "cat/x.txt");
    let versions = server.get("/api/v1/datasets/1/versions");
    assert_eq!(versions["items"].as_array().map(Vec::len), Some(2), "{versions}");

    let run = server.get("/api/v1/runs/1");
    assert_eq!(
        (&run["name"], &run["state"], &run["epochs"]),
        (&json!("first"), &json!("completed"), &json!(2))
    );
    // The best of the series, whatever the checkpoint that was kept has.
    assert_eq!(run["summary"]["best_val_accuracy"], 0.75, "{}", run["summary"]);
    let crop = &run["spec"]["train_transforms"][1];
    assert_eq!((&crop["name"], &crop["padding_mode"]), (&json!("random_crop"), &json!("reflect")));
    // What that run's settings left open is known; its draws stay those of its images' numbers.
    let spec = &run["spec"];
    assert_eq!((&spec["device"], &spec["threads"]), (&json!("cpu"), &json!(2)), "{spec}");
    assert_eq!((&spec["precision"], &spec["sample_keys"]), (&json!("f32"), &json!("id")), "{spec}");
    // Nobody chose these: a list does not call them changed, and a form like that run leaves them open.
    let list = server.get_text("/runs");
    assert!(!list.contains("Device CPU") && !list.contains("Threads 2"), "{list}");
    let form = server.get_text("/runs/new?like=1");
    assert!(form.contains("Changed from the defaults") && form.contains("Epochs 2"), "{form}");
    assert!(!form.contains("Device CPU") && !form.contains("Threads 2"), "{form}");
    let series = server.get("/api/v1/runs/1/series?keys=epoch/train_loss");
    assert_eq!(series["series"][0]["points"], json!([[3, null], [7, 0.6]]));
    let predictions = server.get("/api/v1/runs/1/predictions?split=val&correct=false");
    assert_eq!((&predictions["total"], &predictions["items"][0]["path"]), (&json!(1), &json!("dog/3.png")));
    let pipelines: Value = server.get("/api/v1/pipelines");
    assert!(pipelines.to_string().contains("\"mine\""), "{pipelines}");

    for page in [
        "/",
        "/runs",
        "/runs/1",
        "/runs/1/inputs",
        "/runs/1/gradients",
        "/runs/1/predictions",
        "/runs/1/evaluation",
        "/runs/1/category-to-paths",
        "/runs/1/samples/4",
        "/runs/new?dataset=1",
        "/datasets/1",
        "/datasets/1/health",
        "/datasets/1/versions",
        "/datasets/1/versions/2",
        "/datasets/1/samples/1",
        "/datasets/1/lab",
    ] {
        // A page that failed has no such text.
        let text = server.get_text(page);
        assert!(text.contains("</html>") && !text.contains("failed to answer"), "{page}: {text}");
    }
    assert!(server.get_text("/runs/1").contains("An old note."));
}
