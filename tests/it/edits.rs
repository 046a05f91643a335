//! Edits of a data set over HTTP: health, edits, undo, versions, manifests.

use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::path::Path;

/// Drawn images with faults: a copy across classes, copies within one, and a blank one.
fn with_faults(data: &Path) -> (Server, Value) {
    let images = data.join("images");
    draw_images(&images);
    std::fs::copy(images.join("bright/00.png"), images.join("dark/copy.png")).unwrap();
    for at in 0..4 {
        std::fs::copy(images.join("bright/01.png"), images.join(format!("bright/same-{at}.png"))).unwrap();
    }
    image::RgbImage::from_pixel(32, 32, image::Rgb([120; 3])).save(images.join("dark/blank.png")).unwrap();
    let server = Server::start(data);
    let dataset = server.import("light", &images);
    assert_eq!(dataset["state"], "ready", "{dataset}");
    (server, dataset)
}

fn health(server: &Server, dataset: &Value) -> Value {
    let path = format!("/api/v1/datasets/{}/health", dataset["id"]);
    server.wait(&path, |answer| answer.get("report").is_some())
}

fn groups(report: &Value) -> Vec<&Value> {
    report["report"]["groups"].as_array().unwrap().iter().collect()
}

#[test]
fn what_is_found_is_edited_undone_and_told_by_version() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_faults(folder.path());
    let base = format!("/api/v1/datasets/{}", dataset["id"]);
    let edit = |body: Value| server.post(&format!("{base}/edits"), &body);
    let fingerprint = || server.get(&base)["fingerprint"].clone();
    let count = || {
        let splits = server.get(&base)["splits"].clone();
        ["train", "val", "test"].iter().map(|split| splits[split].as_i64().unwrap()).sum::<i64>()
    };
    let imported = fingerprint();
    assert_eq!(count(), 86);

    let report = health(&server, &dataset);
    let exact: Vec<&Value> =
        groups(&report).into_iter().filter(|group| group["kind"] == "exact_duplicate").collect();
    let sizes: Vec<usize> = exact.iter().map(|group| group["ids"].as_array().unwrap().len()).collect();
    assert!(sizes.contains(&2) && sizes.contains(&5), "{exact:?}");
    assert_eq!(exact.iter().filter(|group| group["across_classes"] == true).count(), 1);

    // Four copies of one image go; the pair whose labels disagree is left for a person.
    let (status, version) = edit(json!({"action": "drop_duplicates", "kind": "exact_duplicate"}));
    assert_eq!((status, &version["number"], &version["changed"]), (201, &json!(2), &json!(4)), "{version}");
    assert_eq!(count(), 82);
    assert_ne!(fingerprint(), imported);
    let again = health(&server, &dataset);
    assert_eq!(again["version"], 2);
    let left: Vec<&Value> =
        groups(&again).into_iter().filter(|group| group["kind"] == "exact_duplicate").collect();
    assert_eq!(left.len(), 1, "{left:?}");

    // A wrong label, told by its version, as a new class too.
    let wrong = left[0]["ids"][1].as_i64().unwrap();
    let (_, version) =
        edit(json!({"action": "relabel", "samples": [wrong], "class": "odd", "note": "looks odd"}));
    let told = server.get(&format!("{base}/versions/{}", version["number"]));
    assert_eq!((&told["note"], &told["changes"][0]["after"]["class"]), (&json!("looks odd"), &json!("odd")));
    let classes = server.get(&base)["classes"].clone();
    assert_eq!(classes.as_array().unwrap().len(), 3, "{classes}");

    // Merged, moved; then all of it undone, step by step.
    assert_eq!(edit(json!({"action": "rename_class", "class": "odd", "name": "bright"})).0, 201);
    assert_eq!(edit(json!({"action": "rename_class", "class": "bright", "name": "light"})).0, 201);
    assert_eq!(edit(json!({"action": "move", "samples": [wrong], "split": "test"})).0, 201);
    assert_eq!(server.get(&base)["splits"]["test"], 1);
    let names: Vec<String> = server.get(&base)["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|class| class["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["light", "dark"]);
    for _ in 0..5 {
        let (status, version) = edit(json!({"action": "undo"}));
        assert_eq!(status, 201, "{version}");
    }
    assert_eq!(fingerprint(), imported, "undone to the last change");
    let (status, nothing) = edit(json!({"action": "undo"}));
    assert_eq!((status, &nothing["error"]["code"]), (409, &json!("conflict")));

    // Every version is a manifest: the second one lacks the copies still.
    let rows = |version: i64| {
        server.get_text(&format!("{base}/versions/{version}/manifest.csv")).lines().count() - 1
    };
    assert_eq!((rows(1), rows(2), rows(3)), (86, 82, 82));
    let merged = server.get_text(&format!("{base}/versions/5/manifest.jsonl"));
    assert!(merged.contains("\"label\":\"light\"") && !merged.contains("\"label\":\"bright\""), "{merged}");
}

#[test]
fn a_run_names_its_version_and_bad_edits_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_faults(folder.path());
    let base = format!("/api/v1/datasets/{}", dataset["id"]);
    let edit = |body: Value| server.post(&format!("{base}/edits"), &body);
    for (body, field) in [
        (json!({"action": "relabel", "samples": [1], "class": " "}), "class"),
        (json!({"action": "move", "samples": [1], "split": "holdout"}), "split"),
        (json!({"action": "rename_class", "class": "cat", "name": "x"}), "class"),
        (json!({"action": "explode"}), "body"),
    ] {
        let (status, answer) = edit(body);
        assert_eq!((status, &answer["error"]["field"]), (422, &json!(field)), "{answer}");
    }
    for samples in [json!([987_654]), json!([])] {
        let (status, answer) = edit(json!({"action": "exclude", "samples": samples}));
        assert_eq!((status, &answer["error"]["field"]), (422, &json!("samples")), "{answer}");
    }
    // An undo that names another version than the newest leaves all as it is.
    assert_eq!(edit(json!({"action": "undo", "version": 7})).0, 409);
    assert_eq!(server.get(&format!("{base}/versions"))["items"].as_array().unwrap().len(), 1);

    // A class whose images are all excluded keeps its name, so that it can be asked for and restored.
    let bright: Vec<i64> = server.samples_of(&dataset, "bright");
    assert_eq!(edit(json!({"action": "exclude", "samples": bright})).0, 201);
    let gone = server.get(&format!("{base}/samples?class=bright&excluded=1&limit=1"));
    assert_eq!(
        (&gone["total"], &gone["items"][0]["class"]),
        (&json!(bright.len()), &json!("bright")),
        "{gone}"
    );
    assert_eq!(edit(json!({"action": "undo", "version": 2})).0, 201);

    // A class that is emptied is no output of the network; the labels of the rest close up.
    let dark: Vec<i64> = server.samples_of(&dataset, "dark");
    let (_, _) = edit(json!({"action": "relabel", "samples": &dark[..20], "class": "dusk"}));
    let (_, version) = edit(json!({"action": "relabel", "samples": &dark[20..], "class": "night"}));
    let (status, run) = server.post(
        "/api/v1/runs",
        &json!({"dataset": "light", "epochs": 1, "image_size": 32, "batch_size": 16, "precision": "f32"}),
    );
    assert_eq!(status, 201, "{run}");
    assert_eq!(run["spec"]["classes"], json!(["bright", "dusk", "night"]));
    assert_eq!((&run["dataset_version"], &version["number"]), (&json!(5), &json!(5)));
    let run = server.wait(&format!("/api/v1/runs/{}", run["id"]), |run| {
        run["state"] != "queued" && run["state"] != "running"
    });
    assert_eq!(run["state"], "completed", "{run}");
}

#[test]
fn a_version_tells_what_it_did_and_its_note_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_faults(folder.path());
    let base = format!("/api/v1/datasets/{}", dataset["id"]);
    let edit = |body: Value| server.post(&format!("{base}/edits"), &body);
    let version = |number: i64| server.get(&format!("{base}/versions/{number}"));
    let dark = server.samples_of(&dataset, "dark");
    edit(json!({"action": "relabel", "samples": &dark[..3], "class": "bright", "note": "blurry"}));
    let told = version(2);
    assert_eq!(
        (&told["action"], &told["note"]),
        (&json!("3 images: dark → bright"), &json!("blurry")),
        "{told}"
    );
    edit(json!({"action": "exclude", "samples": &dark[..1]}));
    assert_eq!(version(3)["action"], "1 image excluded");
    // Another note; and none.
    let (status, told) = server.put(&format!("{base}/versions/2/note"), &json!({"note": "out of focus"}));
    assert_eq!((status, &told["note"]), (200, &json!("out of focus")), "{told}");
    let (_, told) = server.put(&format!("{base}/versions/2/note"), &json!({"note": ""}));
    assert_eq!((&told["note"], &told["action"]), (&told["action"], &json!("3 images: dark → bright")));
    // What would change nothing says why, and makes no version.
    let (status, refused) = edit(json!({"action": "relabel", "samples": &dark[1..3], "class": "bright"}));
    assert_eq!(
        (status, &refused["error"]["message"]),
        (409, &json!("Nothing to change: they already have that label."))
    );
    assert_eq!(server.get(&format!("{base}/versions"))["items"].as_array().unwrap().len(), 3);
}

#[test]
fn any_version_is_restored_any_two_are_compared_and_an_undo_is_redone() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_faults(folder.path());
    let base = format!("/api/v1/datasets/{}", dataset["id"]);
    let edit = |body: Value| server.post(&format!("{base}/edits"), &body);
    let print = |number: i64| server.get(&format!("{base}/versions/{number}"))["fingerprint"].clone();
    let dark = server.samples_of(&dataset, "dark");
    edit(json!({"action": "relabel", "samples": &dark[..4], "class": "dusk"}));
    edit(json!({"action": "exclude", "samples": &dark[4..6]}));
    edit(json!({"action": "rename_class", "class": "dusk", "name": "evening"}));
    edit(json!({"action": "move", "samples": &dark[..1], "split": "test"}));

    // The second version, names of classes too; undone; and redone.
    let (status, restored) = edit(json!({"action": "restore_version", "version": 2}));
    assert_eq!(
        (status, &restored["number"], &restored["fingerprint"]),
        (201, &json!(6), &print(2)),
        "{restored}"
    );
    let names: Vec<Value> =
        server.get(&base)["classes"].as_array().unwrap().iter().map(|class| class["name"].clone()).collect();
    assert_eq!(names, ["bright", "dark", "dusk"]);
    assert_eq!(edit(json!({"action": "undo"})).1["fingerprint"], print(5));
    assert_eq!(edit(json!({"action": "redo"})).1["fingerprint"], print(2));
    assert_eq!(edit(json!({"action": "redo"})).0, 409, "there is nothing more to redo");
    assert_eq!(edit(json!({"action": "restore_version", "version": 8})).0, 409, "it is so already");
    assert_eq!(edit(json!({"action": "restore_version", "version": 80})).0, 404);

    // Between the first and the third: four relabelled, two excluded. In whichever order they are named.
    for (from, to) in [(1, 3), (3, 1)] {
        let told = server.get(&format!("{base}/versions/compare?from={from}&to={to}"));
        let changes = told["changes"].as_array().unwrap();
        assert_eq!((changes.len(), &told["from"]), (6, &json!(1)), "{told}");
        let relabelled = changes.iter().filter(|change| change["after"]["class"] == "dusk").count();
        let excluded = changes.iter().filter(|change| change["after"]["excluded"] == true).count();
        assert_eq!((relabelled, excluded), (4, 2), "{told}");
    }
    let same = server.get(&format!("{base}/versions/compare?from=2&to=8"));
    assert_eq!(same["changes"], json!([]), "restored is the same");
}

#[test]
fn an_address_for_forms_alone_is_a_page_that_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for path in ["/datasets/2/edits", "/runs/8/maps", "/datasets/2/delete"] {
        let page = server.get_text(path);
        assert!(page.contains("<h1>Page not found</h1>"), "{path}: {page}");
    }
    // A script is told what it did, not that there is nothing.
    assert_eq!(server.get("/api/v1/datasets/2/edits")["error"]["code"], "method_not_allowed");
    let (status, answer) = server.post("/api/v1/transforms", &json!({}));
    assert_eq!((status, &answer["error"]["code"]), (405, &json!("method_not_allowed")));
}

#[test]
fn findings_are_ignored_listed_and_called_by_their_old_names_too() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_faults(folder.path());
    let report = health(&server, &dataset);
    for shortcut in report["report"]["shortcuts"].as_array().unwrap() {
        assert_eq!(shortcut["cue"], shortcut["feature"], "what scripts of earlier versions ask for");
        assert_eq!(shortcut["grade"], shortcut["severity"]);
        assert!(shortcut["feature"].is_string() && shortcut["severity"].is_string(), "{shortcut}");
    }
    let conflicting = report["marks"]["conflicting_labels"].as_i64().unwrap();
    assert!(conflicting >= 2, "{}", report["marks"]);

    // Each finding as a table.
    let path = format!("/api/v1/datasets/{}/health", dataset["id"]);
    let table = server.get_text(&format!("{path}/exact_duplicate.csv"));
    let exact = groups(&report).into_iter().filter(|group| group["kind"] == "exact_duplicate");
    let members: usize = exact.map(|group| group["ids"].as_array().unwrap().len()).sum();
    assert_eq!(table.lines().count(), members + 1, "{table}");
    assert!(table.starts_with("sample_id,path,class,split,set,value\n"), "{table}");
    assert_eq!(server.get(&format!("{path}/nonsense.csv"))["error"]["code"], "not_found");

    // Ignored, they are no mark; brought back, they are.
    let ignored = format!("{path}/ignored");
    assert_eq!(server.post_status(&ignored, &json!({"finding": "mislabelled"})), 204);
    let after = health(&server, &dataset);
    assert_eq!(after["marks"]["conflicting_labels"], 0);
    assert_eq!(after["ignored"], json!(["mislabelled"]));
    assert_eq!(server.delete_status(&format!("{ignored}/mislabelled")), 204);
    assert_eq!(health(&server, &dataset)["marks"]["conflicting_labels"], conflicting);
    let (status, refused) = server.post(&ignored, &json!({"finding": "no such ' word"}));
    assert_eq!((status, &refused["error"]["field"]), (422, &json!("finding")));
}
