//! Event files of other tools as runs to look at and compare.

use crate::replay::{page, start, until, with_data};
use crate::support::Server;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/events")
}

fn open(server: &Server, path: &Path) -> Vec<Value> {
    let (status, answer) = server.post("/api/v1/runs/events", &json!({"path": path}));
    assert_eq!(status, 201, "{answer}");
    let runs = answer["items"].as_array().unwrap().iter();
    runs.map(|run| until(server, run, "completed")).collect()
}

#[test]
fn files_that_pytorch_and_tensorboard_wrote_are_runs_with_the_values_that_tensorboard_reads() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with_replay(folder.path());
    let expected = std::fs::read(reference().with_extension("json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let runs = open(&server, &reference());
    assert_eq!(
        runs.iter().map(|run| run["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["events/tensorboard", "events/torch"]
    );
    for run in &runs {
        let expected = &expected[run["name"].as_str().unwrap().strip_prefix("events/").unwrap()];
        let series = server.get(&format!("/api/v1/runs/{}/series?points=10000", run["id"]));
        let series = series["series"].as_array().unwrap();
        assert_eq!(series.len(), expected.as_object().unwrap().len());
        for series in series {
            assert_eq!(series["points"], expected[series["key"].as_str().unwrap()], "{series}");
        }
        assert_eq!((&run["spec"], &run["dataset_id"]), (&Value::Null, &Value::Null));
        assert_eq!(run["event_origin"]["files"], 1);
    }
    assert_eq!(runs[1]["event_origin"]["others"], 3, "a histogram, an image and a text");
    // TensorBoard finds them below the data directory too.
    assert!(folder.path().join("runs/2/events-torch/events.out.tfevents.0").is_file());
}

#[test]
fn every_page_of_such_a_run_says_what_is_not_there_and_compares_its_curves() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let own = until(&server, &start(&server, 2), "completed");
    let run = open(&server, &reference().join("torch")).remove(0);
    let id = &run["id"];
    let text = page(&server, &format!("/runs/{id}"));
    assert!(
        text.contains("Loss/train") && text.contains("no network") && text.contains("/series.csv"),
        "{text}"
    );
    for word in ["/again", "/runs/new?like", "/pause", "/epochs", "Trainer’s log"] {
        assert!(!text.contains(word), "{word}");
    }
    let absent = [
        "inputs",
        "gradients",
        "predictions",
        "evaluation",
        "category-to-paths",
        "category-to-predictions",
        "log",
        "batches/0/0",
    ];
    for part in absent {
        let path = format!("/runs/{id}/{part}");
        let (status, text) = (server.status(&path), server.get_text(&path));
        assert!(status == 404, "{path}: {status}");
        assert!(
            text.contains("was read from event files") || text.contains("There is nothing"),
            "{path}: {text}"
        );
    }
    for part in [
        "evaluation",
        "predictions",
        "batches",
        "jobs",
        "histograms?dial=gradient&layer=a",
        "category-to-paths",
    ] {
        assert_eq!(server.status(&format!("/api/v1/runs/{id}/{part}")), 404, "{part}");
    }
    for part in ["series", "series.csv", "neighbours"] {
        assert_eq!(server.status(&format!("/api/v1/runs/{id}/{part}")), 200, "{part}");
    }
    for (part, body) in [
        ("epochs", json!({"epochs": 9})),
        ("resume", json!({})),
        ("cancel", json!({})),
        ("jobs", json!({"task": "evaluate", "splits": ["val"]})),
    ] {
        let (status, answer) = server.post(&format!("/api/v1/runs/{id}/{part}"), &body);
        assert!((400..500).contains(&status), "{part}: {answer}");
    }
    assert_eq!(server.post("/api/v1/runs", &json!({"like": id})).0, 422);
    assert_eq!(server.post("/api/v1/runs", &json!({"like": id, "dataset": "light"})).0, 422);
    assert_eq!(server.status(&format!("/runs/new?like={id}")), 404);
    for part in ["head?page=run", "notes", "about"] {
        assert_eq!(server.status(&format!("/live/runs/{id}/{part}")), 200, "{part}");
    }
    // Lists and comparisons have it beside the others; no list has the data set that it hasn't.
    for path in [
        "/",
        "/runs",
        "/runs?group=dataset",
        "/runs?columns=seed,epochs,speed",
        "/datasets",
        "/search?q=torch",
    ] {
        page(&server, path);
    }
    assert!(page(&server, "/runs").contains("no data set"));
    assert_eq!(server.get("/api/v1/datasets")["items"].as_array().unwrap().len(), 1);
    assert_eq!((server.status("/datasets/0"), server.status("/api/v1/datasets/0")), (404, 404));
    let compared = format!("/runs/compare?runs={},{id}", own["id"]);
    let text = page(&server, &compared);
    assert!(text.contains("Loss/train") && text.contains("curves only"), "{text}");
    page(&server, &format!("{compared}&settings=all"));
    let answer = server.get(&format!("/api/v1{compared}"));
    assert_eq!(answer["pair"], Value::Null, "{answer}");
    let (status, changed) =
        server.patch(&format!("/api/v1/runs/{id}"), &json!({"name": "theirs", "starred": true}));
    assert_eq!((status, &changed["name"]), (200, &json!("theirs")));
    assert_eq!(server.delete_status(&format!("/api/v1/runs/{id}")), 204);
    assert!(!folder.path().join(format!("runs/{id}")).exists());
}

#[test]
fn what_is_cut_off_or_no_event_file_is_said_and_what_is_whole_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with_replay(folder.path());
    let whole = std::fs::read(reference().join("torch/events.out.tfevents.0")).unwrap();
    let cut = folder.path().join("cut");
    std::fs::create_dir(&cut).unwrap();
    std::fs::write(cut.join("events.out.tfevents.1"), &whole[..whole.len() / 5]).unwrap();
    let run = open(&server, &cut).remove(0);
    let points = server.get(&format!("/api/v1/runs/{}/series?keys=Loss/train", run["id"]));
    let count = points["series"][0]["points"].as_array().unwrap().len();
    assert!((1..26).contains(&count), "{points}");
    let text = page(&server, &format!("/runs/{}", run["id"]));
    assert!(text.contains("can be read up to byte") && text.contains("events.out.tfevents.1"), "{text}");

    let refused = |path: &Path| {
        let (status, answer) = server.post("/api/v1/runs/events", &json!({"path": path}));
        assert_eq!(status, 422, "{answer}");
        answer["error"]["message"].as_str().unwrap().to_owned()
    };
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(refused(&empty).contains("no event files there"));
    std::fs::write(empty.join("notes.tfevents.txt"), "these are no events, however they are called").unwrap();
    assert!(refused(&empty).contains("is no event file"));
    assert!(refused(Path::new("/nowhere/at/all")).contains("can't be read"));
    assert!(refused(Path::new("here")).contains("beginning with /"));
    assert_eq!(
        server.get("/api/v1/runs")["items"].as_array().unwrap().len(),
        1,
        "nothing is left of what was refused"
    );
    let staged = std::fs::read_dir(folder.path().join("runs")).unwrap();
    assert_eq!(staged.count(), 1, "and no folder");
}

#[test]
fn files_are_sent_by_the_form_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with_replay(folder.path());
    assert!(page(&server, "/runs/events").contains("multipart/form-data"));
    let file = std::fs::read(reference().join("torch/events.out.tfevents.0")).unwrap();
    let (status, answer) =
        server.upload("/api/v1/runs/events", &[("name", "from torch")], &[("events.out.tfevents.0", &file)]);
    assert_eq!(status, 201, "{answer}");
    let run = server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    assert_eq!(
        (&run["name"], &run["event_origin"]["source"]),
        (&json!("from torch"), &json!("events.out.tfevents.0"))
    );
    let (status, text) = server.upload("/runs/events", &[], &[("tfevents", b"nonsense that is long enough")]);
    assert!(status == 422 && text.contains("is no event file"), "{text}");
    let (status, text) = server.upload("/runs/events", &[("path", ""), ("name", "")], &[]);
    assert!(status == 422 && text.contains("Choose files"), "{text}");
}

#[test]
fn a_command_opens_them_too() {
    let folder = tempfile::tempdir().unwrap();
    let command = |path: &Path| {
        std::process::Command::new(env!("CARGO_BIN_EXE_tintype"))
            .args(["open-events", "--json", "--name", "elsewhere", "--data"])
            .arg(folder.path())
            .arg(path)
            .output()
            .unwrap()
    };
    let done = command(&reference().join("torch"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let opened: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(opened.to_string().contains("elsewhere"), "{opened}");
    let missing = command(Path::new("/no/such/folder"));
    let said = String::from_utf8(missing.stderr).unwrap();
    assert!(missing.status.code() == Some(1) && said.contains("/no/such/folder"), "{said}");
}
