//! What is done with runs over HTTP: names, tags, stars, removal, a run like another, more epochs.

use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::path::Path;

fn with_data(data: &Path) -> (Server, Value) {
    let server = Server::start(data);
    let images = data.join("images");
    draw_images(&images);
    let dataset = server.import("light", &images);
    (server, dataset)
}

fn path(run: &Value) -> String {
    format!("/api/v1/runs/{}", run["id"])
}

fn completed(server: &Server, body: &Value) -> Value {
    let (status, run) = server.post("/api/v1/runs", body);
    assert_eq!(status, 201, "{run}");
    ended(server, &run)
}

fn ended(server: &Server, run: &Value) -> Value {
    let run = server.wait(&path(run), |run| run["state"] != "queued" && run["state"] != "running");
    assert_eq!(run["state"], "completed", "{run}");
    run
}

fn recipe(epochs: u32) -> Value {
    json!({
        "dataset": "light", "epochs": epochs, "batch_size": 16, "image_size": 32, "precision": "f32", "threads": 1,
        "seed": 3, "rotation": 12.5, "flip": "off", "learning_rate": 0.002,
    })
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect()
}

#[test]
fn runs_are_named_tagged_starred_archived_listed_and_deleted_with_their_files_and_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_data(folder.path());
    let first = completed(&server, &recipe(1));
    let second = completed(&server, &recipe(1));

    let change = json!({"name": " a  good  one ", "note": "look at dark", "tags": ["paper", "paper", "v2"], "starred": true});
    let (status, changed) = server.patch(&path(&first), &change);
    assert_eq!((status, &changed["name"]), (200, &json!("a good one")), "{changed}");
    assert_eq!(changed["tags"], json!(["paper", "v2"]));
    assert_eq!((&changed["note"], &changed["starred"]), (&json!("look at dark"), &json!(true)));
    for (field, value) in [("name", json!(" ")), ("tags", json!(["a,b"])), ("note", json!("x".repeat(2001)))]
    {
        let (status, refused) = server.patch(&path(&first), &json!({ field: value }));
        assert_eq!((status, &refused["error"]["field"]), (422, &json!(field)), "{refused}");
    }
    assert_eq!(server.get(&path(&first))["name"], "a good one");

    let list = |query: &str| server.get(&format!("/api/v1/runs?{query}"));
    let other = second["name"].as_str().unwrap();
    assert_eq!(names(&list("tag=paper")), ["a good one"]);
    assert_eq!(names(&list("starred=true")), ["a good one"]);
    assert_eq!(names(&list("q=DARK")), ["a good one"], "the note is searched too");
    assert_eq!(names(&list("sort=name")), ["a good one", other]);
    assert_eq!(names(&list("sort=name&order=desc")), [other, "a good one"]);
    assert_eq!(names(&list("state=failed")), Vec::<&str>::new());
    assert_eq!(list("sort=colour")["error"]["field"], "sort");
    server.patch(&path(&second), &json!({"archived": true}));
    assert_eq!(list("")["items"].as_array().unwrap().len(), 2, "scripts see all that they saw before");
    assert!(!server.get_text("/runs").contains(&format!("row-{}", second["id"])));
    assert!(server.get_text("/runs?archived=all").contains(&format!("row-{}", second["id"])));

    // Its files and rows go, its number does not come back, and then the data set can go too.
    let files = folder.path().join("runs").join(second["id"].to_string());
    assert!(files.join("journal.jsonl").is_file());
    assert_eq!(server.delete(&path(&second)).0, 204);
    assert!(!files.exists());
    assert_eq!(server.get(&path(&second))["error"]["code"], "not_found");
    assert_eq!(server.delete(&path(&second)).0, 404);
    let (_, endless) = server.post("/api/v1/runs", &recipe(1000));
    assert_eq!(endless["id"], 3, "the number of a deleted run is not given again");
    assert_eq!(server.delete(&path(&endless)).0, 409, "an active run stays");
    let base = format!("/api/v1/datasets/{}", dataset["id"]);
    assert_eq!(server.delete(&base).0, 409, "runs use it");
    assert_eq!(server.delete(&format!("{base}?runs=true")).0, 409, "one of them is at work");
    server.post(&format!("{}/cancel", path(&endless)), &json!({}));
    server.wait(&path(&endless), |run| run["state"] == "cancelled");
    assert_eq!(server.delete(&format!("{base}?runs=true")).0, 204);
    assert_eq!(list("")["items"], json!([]));
    assert_eq!(server.get(&base)["error"]["code"], "not_found");
}

#[test]
fn a_run_is_made_like_another_and_goes_on_for_more_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = with_data(folder.path());
    let first = completed(&server, &recipe(2));
    let second = completed(&server, &json!({"like": first["id"], "learning_rate": 0.001}));
    let mut expected = first["spec"].clone();
    expected["learning_rate"] = json!(0.001);
    assert_eq!(second["spec"], expected);
    let (status, refused) = server.post("/api/v1/runs", &json!({"like": 99}));
    assert_eq!((status, &refused["error"]["field"]), (422, &json!("like")), "{refused}");

    // What is called best is the best of its series.
    let series = server.get(&format!("{}/series?keys=val/accuracy", path(&first)));
    let points = series["series"][0]["points"].as_array().unwrap().clone();
    let best = points.iter().filter_map(|point| point[1].as_f64()).fold(0.0, f64::max);
    assert_eq!(first["summary"]["best_val_accuracy"].as_f64(), Some(best));
    let kept = first["summary"]["checkpoint_epoch"].as_i64().unwrap();
    assert_eq!(first["summary"]["checkpoint_val_accuracy"], points[usize::try_from(kept).unwrap() - 1][1]);
    assert!(first["worked_ms"].as_i64() > Some(0));

    let epochs = |epochs: u32| server.post(&format!("{}/epochs", path(&first)), &json!({"epochs": epochs}));
    let (status, refused) = epochs(2);
    assert_eq!((status, &refused["error"]["field"]), (422, &json!("epochs")), "{refused}");
    // The page draws what will follow; what follows is that.
    let page = |epochs: &str| server.get_text(&format!("/runs/{}/further?epochs={epochs}", first["id"]));
    assert!(page("2").contains("Enter a whole number from 3 to 1000"));
    let drawn = page("4");
    assert!(
        drawn.contains("2 epochs more. The schedule is then that of all 4, of which 2 are over"),
        "{drawn}"
    );
    assert!(drawn.contains("<path class=\"future\" d=\"M"), "{drawn}");
    let said = drawn.split("the next step has a learning rate of ").nth(1).unwrap();
    let said: f64 = said.split(',').next().unwrap().parse().unwrap();
    assert_eq!(epochs(4).0, 200);
    let longer = ended(&server, &first);
    assert_eq!((&longer["epochs"], &longer["epoch"]), (&json!(4), &json!(4)), "{longer}");
    assert_eq!(longer["step"].as_i64(), first["step"].as_i64().map(|steps| steps * 2));
    let rates = server.get(&format!("{}/series?keys=learning_rate", path(&first)));
    let next = rates["series"][0]["points"].as_array().unwrap().iter();
    let next = next.filter(|point| point[0] == first["step"]).filter_map(|point| point[1].as_f64()).next();
    assert!((next.unwrap() / said - 1.0).abs() < 0.005, "{next:?} {said}");
}

#[test]
fn a_run_that_ends_early_is_completed_and_its_pages_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = with_data(folder.path());
    let mut body = recipe(9);
    // Steps so small that no epoch is better than the first; the average of the weights moves even less.
    body.as_object_mut().unwrap().extend(
        json!({
            "learning_rate": 1e-8, "schedule": "constant", "best_by": "accuracy", "patience": 1, "average_decay": 0.999,
            "batch_size": 8, "accumulate": 2, "clip_norm": 1, "label_smoothing": 0.1, "optimizer": "muon",
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let run = completed(&server, &body);
    let epoch = run["epoch"].as_i64().unwrap();
    assert!((2..9).contains(&epoch), "{run}");
    let page = server.get_text(&format!("/runs/{}", run["id"]));
    assert!(page.contains(&format!("stopped early after {epoch} of 9 epochs")), "{page}");
    assert!(page.contains("brought no better validation accuracy than epoch"), "{page}");
    assert!(page.contains(&format!("it has had {epoch} of 9")), "{page}");
    // Given more epochs it goes on.
    assert_eq!(server.post(&format!("{}/epochs", path(&run)), &json!({"epochs": 20})).0, 200);
    let longer = ended(&server, &run);
    assert!(longer["epoch"].as_i64() > Some(epoch), "{longer}");
}

#[test]
fn a_diverged_run_offers_a_tenth_of_its_learning_rate_and_no_resume() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = with_data(folder.path());
    let mut body = recipe(20);
    body["learning_rate"] = json!(1e6);
    let (_, run) = server.post("/api/v1/runs", &body);
    let run = server.wait(&path(&run), |run| run["state"] != "queued" && run["state"] != "running");
    assert_eq!(run["state"], "failed", "{run}");
    let page = server.get_text(&format!("/runs/{}", run["id"]));
    assert!(page.contains("Try again with learning rate 100000"), "{page}");
    assert!(!page.contains(&format!("/runs/{}/resume", run["id"])), "resuming ends at the same step");
    let form = server.get_text(&format!("/runs/new?like={}&learning_rate=100000", run["id"]));
    assert!(form.contains("value=\"100000\"") && form.contains("value=\"12.5\""), "{form}");
}
