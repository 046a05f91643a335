//! The command line from outside: every command and option, what it prints where, and how it ends.

use crate::replay::play;
use crate::support::{Server, draw_images, first_line, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How a command ended, and what it printed.
struct Outcome {
    line: String,
    code: Option<i32>,
    out: String,
    err: String,
}

impl Outcome {
    /// The one object that `--json` prints, and nothing else.
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}: {}", self.line, self.err);
        assert_eq!(self.out.lines().count(), 1, "{}: {}", self.line, self.out);
        let value: Value = serde_json::from_str(&self.out).unwrap();
        assert!(value.is_object(), "{}: {value}", self.line);
        value
    }

    /// What a person reads.
    fn text(&self) -> &str {
        assert_eq!(self.code, Some(0), "{}: {}", self.line, self.err);
        self.out.trim_end()
    }

    /// It must have failed: nothing on standard output, and on standard error a sentence with these words.
    fn fails(&self, words: &[&str]) {
        self.ends_badly(1, words);
        assert!(self.err.lines().any(|line| line.starts_with("tintype: ")), "{}: {}", self.line, self.err);
    }

    /// It must have been called wrongly.
    fn is_wrong_usage(&self, words: &[&str]) {
        self.ends_badly(2, words);
    }

    fn ends_badly(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}: {}", self.line, self.err);
        for word in words {
            assert!(self.err.contains(word), "{}: “{word}” is missing in: {}", self.line, self.err);
        }
    }
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command
        .args(arguments)
        .env("TINTYPE_DATA", data)
        .env("TINTYPE_TRAINER", env!("CARGO_BIN_EXE_replay-trainer"))
        .env_remove("TINTYPE_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
fn tintype(data: &Path, arguments: &[&str]) -> Outcome {
    finish(command(data, arguments).spawn().unwrap(), arguments)
}

fn finish(mut child: Child, arguments: &[&str]) -> Outcome {
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text).unwrap()
    });
    let read_errors = std::thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).map(|_| text).unwrap()
    });
    let line = format!("tintype {}", arguments.join(" "));
    let status = wait_until(&line, || child.try_wait().unwrap().ok_or("it still runs"));
    Outcome { line, code: status.code(), out: read.join().unwrap(), err: read_errors.join().unwrap() }
}

fn images(folder: &Path) -> String {
    let images = folder.join("images");
    draw_images(&images);
    images.to_str().unwrap().to_owned()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn every_command_explains_itself_and_refuses_what_it_does_not_know() {
    fn walk(command: &clap::Command, path: &[&str], data: &Path, seen: &mut BTreeSet<String>) {
        let help = tintype(data, &[path, &["--help"]].concat());
        let text = help.text();
        assert!(help.err.is_empty() && text.contains("Usage: tintype"), "{path:?}: {text}{}", help.err);
        assert!(text.contains(&command.get_about().unwrap().to_string()), "{path:?}: {text}");
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long() else { continue };
            assert!(text.contains(&format!("--{long}")), "{path:?} keeps --{long} to itself");
            seen.insert(format!("--{long}"));
        }
        tintype(data, &[path, &["--no-such-option"]].concat())
            .is_wrong_usage(&["--no-such-option", "--help"]);
        for further in command.get_subcommands() {
            seen.insert(further.get_name().to_owned());
            walk(further, &[path, &[further.get_name()]].concat(), data, seen);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut seen = BTreeSet::new();
    walk(&tintype::cli::command(), &[], &data, &mut seen);
    assert!(!data.exists(), "help makes no data directory");
    assert!(tintype(&data, &["--version"]).text().starts_with("tintype 0."));

    // Every command and option has a test: one in this folder names it, or it is a field and then set by a loop below.
    let fields =
        tintype::domain::recipe::FIELDS.iter().map(|field| format!("--{}", field.name.replace('_', "-")));
    let fields: BTreeSet<String> = fields.collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let source: String =
        files.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for name in seen.difference(&fields) {
        assert!(source.contains(&format!("\"{name}\"")), "no test uses {name}");
    }

    for (arguments, words) in [
        (&[][..], &["Usage: tintype"][..]),
        (&["paint"], &["unrecognized subcommand", "paint"]),
        (&["import"], &["--name", "PATH"]),
        (&["import", "x", "--name", "n", "--format", "jpeg2000"], &["jpeg2000", "webdataset"]),
        (&["import", "x", "--name", "n", "--val", "many"], &["--val", "many"]),
        (&["import", "x", "--name", "n", "--catalogue", "mnist"], &["cannot be used with"]),
        (&["import", "--name", "n", "--catalogue", "imagenet"], &["imagenet", "cifar10"]),
        (&["train"], &["DATASET"]),
        (&["train", "--like", "first"], &["--like", "first"]),
        (&["evaluate", "set", "--split", "all"], &["all", "train"]),
        (&["predict", "1"], &["PATH"]),
        (&["predict", "one", "x.png"], &["one"]),
        (&["export", "1", "category-to-dogs"], &["category-to-dogs", "category-to-paths"]),
        (&["export", "1", "category-to-paths", "--format", "xml"], &["xml", "csv"]),
        (&["runs", "delete"], &["RUN"]),
        (&["serve", "--address", "here"], &["--address", "here"]),
        (&["serve", "--runs-at-once", "-1"], &["-1"]),
    ] {
        tintype(&data, arguments).is_wrong_usage(words);
    }
    assert!(!data.exists(), "a wrong call makes no data directory");
}

#[test]
fn a_script_imports_trains_evaluates_predicts_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let source = images(folder.path());

    let made =
        tintype(data, &["import", &source, "--name", "light", "--val", "0.25", "--test", "0.25", "--json"])
            .json();
    assert_eq!(
        (&made["state"], &made["splits"]),
        (&json!("ready"), &json!({"train": 40, "val": 20, "test": 20}))
    );
    let other =
        tintype(data, &["import", &source, "--name", "other", "--format", "folder", "--split-seed", "9"]);
    assert_eq!(
        other.text(),
        "“other” is ready: 64 for training, 16 for validation, 0 for the test; 0 files were skipped."
    );
    tintype(data, &["import", &source, "--name", "light"]).fails(&["light"]);
    tintype(data, &["import", "/nowhere/at/all", "--name", "n"]).fails(&["/nowhere/at/all can't be read"]);
    tintype(data, &["import", &source, "--name", "n", "--val", "0.9", "--test", "0.9"]).fails(&["val"]);
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    tintype(data, &["import", empty.to_str().unwrap(), "--name", "n"]).fails(&["image"]);

    let run = tintype(data, &["train", "light", "--epochs", "2", "--json"]).json();
    assert_eq!(
        (&run["id"], &run["state"], &run["spec"]["epochs"]),
        (&json!(1), &json!("completed"), &json!(2))
    );
    let run = tintype(data, &["train", "--like", "1", "--learning-rate", "0.001", "--json"]).json();
    assert_eq!(
        (&run["dataset_id"], &run["spec"]["epochs"]),
        (&json!(1), &json!(2)),
        "as run 1 but for one setting"
    );
    assert_eq!(run["spec"]["learning_rate"], 0.001);
    let words = tintype(data, &["train", "other", "--epochs", "1", "--name", "third"]);
    assert_eq!(words.text(), "Run 3 is completed: validation accuracy 75.0 %.");
    tintype(data, &["train", "cats"]).fails(&["cats"]);
    tintype(data, &["train", "light", "--epochs", "many"]).fails(&["--epochs: ", "many"]);
    tintype(data, &["train", "light", "--epochs", "1001"]).fails(&["1000"]);
    tintype(data, &["train", "--like", "99"]).fails(&["run"]);
    play(data, 4, &["nan"]);
    tintype(data, &["train", "light", "--json"])
        .fails(&["run 4 is failed: The loss is not finite at step 1"]);

    let weights = data.join("runs/1/checkpoints/best.safetensors");
    let weights = weights.to_str().unwrap();
    let evaluated = tintype(data, &["evaluate", "light", "--weights", weights, "--json"]).json();
    assert_eq!(
        (&evaluated["correct"], &evaluated["total"]),
        (&json!(15), &json!(20)),
        "the test split by itself"
    );
    let words = tintype(data, &["evaluate", "light", "--weights", weights, "--split", "train"]);
    assert_eq!(words.text(), "30 of 40 right (75.0 %).");
    tintype(data, &["evaluate", "light"]).fails(&["weights"]);
    tintype(data, &["evaluate", "light", "--weights", "/none.safetensors"])
        .fails(&["/none.safetensors can't be read"]);
    tintype(data, &["evaluate", "other", "--weights", weights, "--split", "test"]).fails(&["no images"]);

    let (bright, dark) = (format!("{source}/bright/00.png"), format!("{source}/dark/00.png"));
    let said = tintype(data, &["predict", "1", &bright, &dark, "--json"]).json();
    assert_eq!((&said["run"], &said["items"][1]["path"]), (&json!(1), &json!(dark)));
    let shares = said["items"][0]["probabilities"].as_object().unwrap();
    assert_eq!(shares.keys().collect::<Vec<_>>(), ["bright", "dark"]);
    let words = tintype(data, &["predict", "1", &bright, &dark]);
    let lines: Vec<Vec<&str>> = words.text().lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((lines.len(), lines[0][0], lines[0][1]), (2, bright.as_str(), "bright"));
    tintype(data, &["predict", "9", &bright]).fails(&["There is no such run"]);
    tintype(data, &["predict", "4", &bright]).fails(&["no weights yet"]);
    tintype(data, &["predict", "1", "/none.png"]).fails(&["/none.png can't be read"]);

    let map = tintype(data, &["export", "1", "category-to-predictions", "--split", "val"]).json();
    assert_eq!(map["bright"].as_array().unwrap().len(), 10, "{map}");
    let paths = tintype(data, &["export", "1", "category-to-paths"]).json();
    assert_eq!(paths["dark"].as_array().map(Vec::len), Some(10), "the test split leads");
    let table = tintype(
        data,
        &["export", "1", "category-to-correct-predictions", "--format", "csv", "--split", "val"],
    );
    assert_eq!(table.text().lines().count(), 1 + 15, "a head and those that are correct: {}", table.out);
    tintype(data, &["export", "99", "category-to-paths"]).fails(&["run"]);

    let list = tintype(data, &["runs", "--json"]).json();
    let ids: Vec<i64> =
        list["items"].as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [6, 5, 4, 3, 2, 1], "newest first");
    let line = tintype(data, &["runs", "--state", "failed"]);
    assert_eq!(line.text(), "4\tfailed\t-\t-\tsmall-cnn on light");
    assert_eq!(tintype(data, &["runs", "--tag", "none"]).text(), "");
    tintype(data, &["runs", "--state", "asleep"]).fails(&["asleep"]);
    tintype(data, &["runs", "delete", "3", "4"]).fails(&["third", "small-cnn on light", "Add --yes"]);
    tintype(data, &["runs", "delete", "3", "44", "--yes"]).fails(&["44"]);
    assert_eq!(tintype(data, &["runs"]).text().lines().count(), 6, "neither has removed anything");
    assert_eq!(
        tintype(data, &["runs", "delete", "3", "4", "--yes", "--json"]).json(),
        json!({"deleted": [3, 4]})
    );
    assert!(!data.join("runs/3").exists() && data.join("runs/1").exists());
}

#[test]
fn every_field_of_a_run_is_an_option() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let source = images(folder.path());
    tintype(data, &["import", &source, "--name", "light"]).text();
    let weights = folder.path().join("w.safetensors");
    std::fs::write(&weights, b"not read by a replay").unwrap();
    let steps = r#"[{"name":"resize_exact","size":48},{"name":"grayscale"}]"#;
    // Some exclude each other, so they are told apart in four runs. An option, and where the spec has what it sets.
    let runs: [&[(&str, &str, &str, Value)]; 4] = [
        &[
            ("--model", "resnet20-cifar", "/spec/model", json!("resnet20-cifar")),
            ("--epochs", "3", "/spec/epochs", json!(3)),
            ("--name", "mine", "/name", json!("mine")),
            ("--optimizer", "sgd", "/spec/optimizer", json!("sgd")),
            ("--learning-rate", "0.25", "/spec/learning_rate", json!(0.25)),
            ("--schedule", "cosine", "/spec/schedule", json!("cosine")),
            ("--warmup-epochs", "0.5", "/spec/warmup_epochs", json!(0.5)),
            ("--batch-size", "8", "/spec/batch_size", json!(8)),
            ("--weight-decay", "0.125", "/spec/weight_decay", json!(0.125)),
            ("--decay-scope", "all", "/spec/decay_scope", json!("all")),
            ("--label-smoothing", "0.1", "/spec/loss/label_smoothing", json!(0.1)),
            ("--focal-gamma", "2", "/spec/loss/focal_gamma", json!(2.0)),
            ("--class-weights", "inverse", "/spec/loss/class_weights", json!("inverse")),
            ("--accumulate", "2", "/spec/updates/accumulate", json!(2)),
            ("--clip-norm", "1", "/spec/updates/clip_norm", json!(1.0)),
            ("--average-decay", "0.9", "/spec/updates/average_decay", json!(0.9)),
            ("--best-by", "accuracy", "/spec/selection/best_by", json!("accuracy")),
            ("--patience", "2", "/spec/selection/patience", json!(2)),
            ("--weights", "w.safetensors", "/spec/weights", json!(weights.canonicalize().unwrap())),
            ("--image-size", "40", "/spec/image_size", json!(40)),
            ("--normalization", "minus-one-to-one", "/spec/eval_transforms/2/std/0", json!(0.5)),
            ("--flip", "off", "/spec/train_transforms/2/name", json!("rotation")),
            ("--crop-padding", "3", "/spec/train_transforms/1/padding", json!(3)),
            ("--rotation", "15", "/spec/train_transforms/2/degrees/1", json!(15.0)),
            ("--color-jitter", "0.25", "/spec/train_transforms/3/brightness", json!(0.25)),
            ("--mixup", "0.5", "/spec/mixing/mixup", json!(0.5)),
            ("--cutmix", "1", "/spec/mixing/cutmix", json!(1.0)),
            ("--seed", "7", "/spec/seed", json!(7)),
            ("--device", "cpu", "/spec/device", json!("cpu")),
            ("--precision", "f32", "/spec/precision", json!("f32")),
            ("--threads", "1", "/spec/threads", json!(1)),
            ("--capture-every", "5", "/spec/capture_every_steps", json!(5)),
            ("--training", "fine-tune", "/spec/training/name", json!("fine-tune")),
            ("--head-epochs", "1", "/spec/training/head_epochs", json!(1)),
            ("--unfreeze-epochs", "1", "/spec/training/unfreeze_epochs", json!(1)),
            ("--rate-decay", "0.5", "/spec/training/rate_decay", json!(0.5)),
            ("--norm-statistics", "learn", "/spec/training/keep_norm_statistics", json!(false)),
        ],
        &[
            ("--training", "head", "/spec/training/name", json!("head")),
            ("--weights", "w.safetensors", "/spec/weights", json!(weights.canonicalize().unwrap())),
            ("--draws", "2", "/spec/training/draws", json!(2)),
            ("--epochs", "1", "/spec/epochs", json!(1)),
        ],
        &[
            ("--random-resized-crop", "0.5", "/spec/train_transforms/0/scale/0", json!(0.5)),
            ("--sampling", "balanced", "/spec/sampling", json!("balanced")),
            ("--epochs", "1", "/spec/epochs", json!(1)),
        ],
        &[
            ("--train-transforms", steps, "/spec/train_transforms/1/name", json!("grayscale")),
            ("--eval-transforms", steps, "/spec/eval_transforms/1/name", json!("grayscale")),
            ("--image-size", "48", "/spec/image_size", json!(48)),
            ("--epochs", "0", "/spec/epochs", json!(0)),
            ("--weights", "w.safetensors", "/spec/weights", json!(weights.canonicalize().unwrap())),
            ("--evaluate-on", "val", "/spec/task/splits", json!(["val"])),
        ],
    ];
    let mut set = BTreeSet::new();
    for options in runs {
        let mut arguments = vec!["train", "light", "--json"];
        for (option, value, ..) in options {
            set.insert((*option).to_owned());
            arguments.extend([*option, *value]);
        }
        let child = command(data, &arguments).current_dir(folder.path()).spawn().unwrap();
        let run = finish(child, &arguments).json();
        for (option, _, place, wanted) in options {
            assert_eq!(run.pointer(place), Some(wanted), "{option}: {run}");
        }
    }
    let fields =
        tintype::domain::recipe::FIELDS.iter().map(|field| format!("--{}", field.name.replace('_', "-")));
    assert_eq!(set, fields.collect(), "each field is set in one of the runs");
}

#[test]
fn commands_speak_to_the_server_that_holds_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let source = images(folder.path());
    let server = Server::start_with_replay(data);
    tintype(data, &["import", &source, "--name", "light"]).text();
    let run = tintype(data, &["train", "light", "--epochs", "1", "--json"]).json();
    assert_eq!(server.get("/api/v1/runs/1")["ended_at_ms"], run["ended_at_ms"], "the server knows of it");
    tintype(data, &["serve"]).fails(&["is already served, at http://127.0.0.1:"]);
    // Another data directory is another one.
    let other = folder.path().join("elsewhere");
    let list = tintype(data, &["runs", "--json", "--data", other.to_str().unwrap()]).json();
    assert_eq!(list["items"], json!([]));
    // An address that somebody has.
    tintype(&other, &["serve", "--address", server.host()]).fails(&["listening at", "--address"]);
}

#[test]
fn a_directory_that_cannot_be_had_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let lock = std::fs::File::create(data.join("lock")).unwrap();
    lock.lock().unwrap();
    tintype(&data, &["runs"]).fails(&["another Tintype holds", "try again in a moment"]);
    // The address of a server that is gone is not that of the one that is only starting.
    drop(lock);
    std::fs::write(data.join("server"), "http://127.0.0.1:9").unwrap();
    assert_eq!(tintype(&data, &["runs"]).text(), "");
    assert!(!data.join("server").exists(), "a command that served it is gone too");
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    tintype(&file, &["runs"]).fails(&["making the data directory", "file"]);
}

#[test]
fn a_server_ends_by_ctrl_c_and_a_command_leaves_its_run_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let source = images(folder.path());
    for ending in [Signal::INT, Signal::TERM] {
        let arguments =
            ["serve", "--address", "127.0.0.1:0", "--runs-at-once", "2", "--host", "tint.example"];
        let mut child = command(data, &arguments).spawn().unwrap();
        let url = first_line(&mut child);
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let (address, _) = url.split_once("/?key=").expect("others come by the name, so a key is needed");
        assert_eq!(std::fs::read_to_string(data.join("server")).unwrap(), address);
        signal(&child, ending);
        let status = wait_until("the server to end", || child.try_wait().unwrap().ok_or("it still runs"));
        assert_eq!(status.code(), Some(0), "{ending:?}");
        assert!(!data.join("server").exists(), "nobody is there any more");
    }
    tintype(data, &["import", &source, "--name", "light"]).text();

    // The command is stopped; its trainer is not: the next server finds it at work.
    play(data, 1, &["silence"]);
    play(data, 2, &["silence"]);
    let child = command(data, &["train", "light"]).spawn().unwrap();
    wait_until("the trainer to begin", || {
        let journal = std::fs::read_to_string(data.join("runs/1/journal.jsonl")).unwrap_or_default();
        if journal.contains("\"step\"") { Ok(()) } else { Err(journal) }
    });
    signal(&child, Signal::INT);
    let ended = finish(child, &["train", "light"]);
    assert!(ended.code.is_none_or(|code| code != 0) && ended.out.is_empty(), "{}", ended.out);
    let trainer = ("TINTYPE_TRAINER", env!("CARGO_BIN_EXE_replay-trainer"));
    let server = Server::start_with(data, &["--runs-at-once", "2"], &[trainer]);
    let (status, second) = server.post("/api/v1/runs", &json!({"dataset": "light"}));
    assert_eq!(status, 201, "{second}");
    for run in [1, 2] {
        let path = format!("/api/v1/runs/{run}");
        server.wait(&path, |run| run["state"] == "running" && run["step"] == 1);
    }
    for run in [1, 2] {
        let path = format!("/api/v1/runs/{run}");
        assert_eq!(server.post(&format!("{path}/cancel"), &json!({})).0, 200);
        server.wait(&path, |run| run["state"] == "cancelled");
    }
}

#[test]
fn the_demo_is_prepared_once_and_told_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let data = &folder.path().join("data");
    let summary = tintype(data, &["demo", "--once", "--json"]).json();
    assert_eq!((&summary["run"]["id"], &summary["dataset"]["name"]), (&json!(1), &json!("demo")));
    assert!(summary["planted"]["wrong_labels"].as_u64() > Some(0), "{summary}");
    for group in ["green_persons", "lying_cats", "ordinary"] {
        assert!(summary["test"][group]["total"].as_u64() > Some(0), "{group}: {summary}");
    }
    let again = tintype(data, &["demo", "--once"]).json();
    assert_eq!(
        (&again["run"]["id"], &again["dataset"]["id"]),
        (&json!(1), &json!(1)),
        "nothing is done twice"
    );
}
