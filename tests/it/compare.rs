//! Runs beside each other over HTTP: two on the same images, settings, curves, galleries of what they differ on, and what is said where
//! something can't be compared.

use crate::replay::play;
use crate::support::Server;
use serde_json::{Value, json};
use std::path::Path;

/// Three classes of forty images.
pub(crate) fn draw_three(folder: &Path) {
    for (class, base) in [("bright", 160_u32), ("dark", 30), ("middle", 90)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for at in 0..40_u32 {
            let image = image::RgbImage::from_fn(24, 24, |x, y| {
                image::Rgb([(base + (x * 31 + y * 17 + at * 71) * (at + 3) % 60) as u8; 3])
            });
            image.save(folder.join(class).join(format!("{at:02}.png"))).unwrap();
        }
    }
}

/// A server that plays scripts, with a data set.
pub(crate) fn with_data(folder: &Path) -> Server {
    let server = Server::start_with_replay(&folder.join("data"));
    draw_three(&folder.join("images"));
    server.import("shades", &folder.join("images"));
    server
}

/// Plays a script as a run of these settings, to its end.
pub(crate) fn played(server: &Server, folder: &Path, script: &str, changes: &Value) -> i64 {
    let number = server.get("/api/v1/runs")["items"].as_array().unwrap().len() as u32 + 1;
    play(&folder.join("data"), number, &[script]);
    let mut recipe =
        json!({"dataset": "shades", "model": "small-cnn", "epochs": 2, "batch_size": 16, "image_size": 32});
    recipe.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    server.wait(&format!("/api/v1/runs/{number}"), |run| run["state"] == "completed");
    i64::from(number)
}

fn ids(list: &Value) -> Vec<i64> {
    list["items"].as_array().unwrap().iter().map(|item| item["sample_id"].as_i64().unwrap()).collect()
}

#[test]
fn two_runs_are_compared_on_the_images_that_both_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    played(&server, folder.path(), "happy", &json!({}));
    played(&server, folder.path(), "other mistakes", &json!({"learning_rate": 0.5}));

    let answer = server.get("/api/v1/runs/compare?runs=1,2");
    let pair = &answer["pair"];
    let count = |name: &str| pair[name].as_i64().unwrap();
    let total = count("total");
    // Of each four the last is wrong by the first; of these the second gets one right, and the others wrong in another way.
    let (first_wrong, both_wrong) = (total / 4, total / 4 - 1);
    let only_first = (0..total).filter(|at| at % 5 == 0 && at % 4 != 3).count() as i64;
    assert_eq!(
        (count("only_second"), count("only_first"), count("first"), count("second")),
        (1, only_first, 1, 2),
        "{pair}"
    );
    let accuracy = |run: usize| answer["runs"][run]["result"]["accuracy"].as_f64().unwrap();
    assert_eq!(accuracy(0), (total - first_wrong) as f64 / total as f64);
    let difference = pair["difference"].as_f64().unwrap();
    assert!((difference - (accuracy(1) - accuracy(0))).abs() < 1e-12, "{pair}");
    let interval = pair["interval"].as_array().unwrap();
    assert!(
        interval[0].as_f64().unwrap() < difference && difference < interval[1].as_f64().unwrap(),
        "{pair}"
    );
    assert_eq!(
        (&pair["mcnemar"]["exact"], &pair["mcnemar"]["statistic"]),
        (&json!(true), &json!(1.0)),
        "{pair}"
    );
    assert_eq!(pair["left_out"]["relabelled"], 0);

    // The classes make the whole.
    let classes = pair["per_class"].as_array().unwrap();
    let sum = |name: &str| classes.iter().map(|class| class[name].as_i64().unwrap()).sum::<i64>();
    assert_eq!(
        (sum("total"), sum("only_first"), sum("only_second"), sum("both_wrong")),
        (total, only_first, 1, both_wrong)
    );

    // Only what differs is listed, unless all is asked for.
    let names = |answer: &Value| {
        let settings = answer["settings"].as_array().unwrap().clone();
        settings.iter().map(|setting| setting["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&answer), ["learning_rate"]);
    assert_eq!(answer["settings"][0]["values"]["2"], 0.5);
    assert!(names(&server.get("/api/v1/runs/compare?runs=1,2&settings=all")).len() > 10);

    // Galleries: the surest mistake first, a page at a time, by class, from both sides.
    let churn = |query: &str| server.get(&format!("/api/v1/runs/compare/churn?runs=1,2&{query}"));
    let all = churn("churn=only-first");
    assert_eq!((all["total"].as_i64().unwrap(), ids(&all).len() as i64), (only_first, only_first));
    let sure: Vec<f64> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["second"]["confidence"].as_f64().unwrap())
        .collect();
    assert!(sure.is_sorted_by(|a, b| a >= b), "{sure:?}");
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = churn(&format!("churn=only-first&limit=2&cursor={cursor}"));
        paged.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(paged, ids(&all));
    let of_class = churn("churn=only-first&class=dark");
    let dark = classes.iter().find(|class| class["class"] == "dark").unwrap();
    assert_eq!(of_class["total"], dark["only_first"], "{of_class}");
    assert!(of_class["items"].as_array().unwrap().iter().all(|item| item["actual"] == "dark"), "{of_class}");
    let turned = server.get("/api/v1/runs/compare/churn?runs=2,1&churn=only-second");
    assert_eq!(ids(&turned), ids(&all));
    let differently = churn("churn=both-wrong");
    assert_eq!(differently["total"], both_wrong);
    for item in differently["items"].as_array().unwrap() {
        let said = [&item["actual"], &item["first"]["predicted"], &item["second"]["predicted"]];
        assert!(said[0] != said[1] && said[0] != said[2] && said[1] != said[2], "{item}");
    }

    // The pages say the same in words.
    let page = server.get_text("/runs/compare?runs=1,2");
    let sentence = format!(
        "Run 2 is better on 1 image and worse on {only_first} than run 1, of the {total} images that both evaluated on"
    );
    assert!(page.contains(&sentence) && page.contains("no more than chance would make"), "{page}");
    assert!(page.contains("Learning rate") && !page.contains("Weight decay"), "only what differs");
    let sample = ids(&all)[0];
    let gallery = server.get_text("/runs/compare/churn?runs=1,2&churn=only-first");
    assert!(
        gallery.contains(&format!("id=\"tile-{sample}\"")) && gallery.contains("Run 1 right, run 2 wrong"),
        "{gallery}"
    );
    let image = server.get_text(&format!("/runs/compare/samples/{sample}?runs=1,2&churn=only-first"));
    assert!(
        image.contains("✓ Correct")
            && image.contains("✗ Wrong")
            && image.contains(&format!("1 of {only_first}")),
        "{image}"
    );
    assert_eq!(server.status("/live/compare/results?runs=1,2"), 200);
    assert!(server.get_text("/live/compare/images?runs=1,2").contains("By class"));
}

#[test]
fn what_was_edited_between_two_runs_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    played(&server, folder.path(), "happy", &json!({}));
    let before = server.get("/api/v1/runs/compare?runs=1,1");
    assert_eq!(before["error"]["field"], "runs", "a run is not compared with itself: {before}");
    let evaluated = server.get("/api/v1/runs/1/predictions?limit=1000");
    let of = |class: &str| {
        let items = evaluated["items"].as_array().unwrap().clone();
        let own = items.into_iter().filter(|item| item["actual"] == class);
        own.map(|item| item["sample_id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let (dark, bright) = (of("dark"), of("bright"));
    for edit in [
        json!({"action": "relabel", "samples": &dark[..2], "class": "bright"}),
        json!({"action": "exclude", "samples": &bright[..1]}),
    ] {
        assert_eq!(server.post("/api/v1/datasets/1/edits", &edit).0, 201);
    }
    played(&server, folder.path(), "happy", &json!({}));
    let pair = server.get("/api/v1/runs/compare?runs=1,2")["pair"].take();
    assert_eq!(pair["left_out"]["relabelled"], 2, "{pair}");
    assert_eq!(pair["left_out"]["only_evaluated_by_first"], 1, "{pair}");
    assert_eq!(pair["total"].as_i64().unwrap(), evaluated["total"].as_i64().unwrap() - 3, "{pair}");
    let page = server.get_text("/runs/compare?runs=1,2");
    assert!(page.contains("1 image that only run 1 evaluated and 2 images that were relabelled"), "{page}");
    assert!(page.contains("Data set version"), "a setting that differs");
}

#[test]
fn what_cannot_be_compared_says_why_and_the_rest_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    played(&server, folder.path(), "happy", &json!({}));
    played(&server, folder.path(), "happy", &json!({"seed": 5}));
    let page = |query: &str| server.get_text(&format!("/runs/compare?{query}"));

    // One run, or none: the page offers others.
    let choose = page("runs=1");
    assert!(choose.contains("Compare run 1 with …") && choose.contains("Compare run 2,"), "{choose}");
    assert!(page("").contains("Tick two or more."));
    let (one, none) =
        (server.get("/api/v1/runs/compare?runs=1"), server.get("/api/v1/runs/compare?runs=1,99"));
    assert_eq!(
        (&one["error"]["field"], &none["error"]["field"]),
        (&json!("runs"), &json!("runs")),
        "{one} {none}"
    );
    assert!(none["error"]["message"].as_str().unwrap().contains("There is no run 99."), "{none}");
    // What the list of runs sends comes to the address that is shared.
    let redirected = page("id=1&id=2&back=%2Fruns&tag=");
    assert!(redirected.contains("Run 2 against run 1"), "{redirected}");

    // Runs that differ by their seed alone are a group; a run that was deleted is named and left out.
    assert_eq!(server.get("/api/v1/runs/compare?runs=1,2")["seeds"], json!([[1, 2]]));
    played(&server, folder.path(), "happy", &json!({}));
    assert_eq!(server.delete_status("/api/v1/runs/3"), 204);
    let gone = page("runs=1,2,3");
    assert!(
        gone.contains("Run 3 was deleted. It is left out.") && gone.contains("Run 2 against run 1"),
        "{gone}"
    );
    assert_eq!(server.get("/api/v1/runs/compare?runs=1,2,3")["missing"][0]["run"], 3);

    // Another data set: settings and curves alone.
    server.import("others", &folder.path().join("images"));
    let other = played_as(&server, folder.path(), 4, "happy", &json!({"dataset": "others"}));
    let apart = server.get(&format!("/api/v1/runs/compare?runs=1,{other}"));
    assert!(
        apart["pair"].is_null() && apart["why_no_pair"].as_str().unwrap().contains("they share no images"),
        "{apart}"
    );
    let apart = page(&format!("runs=1,{other}"));
    assert!(
        apart.contains("they share no images")
            && apart.contains("id=\"curves\"")
            && !apart.contains("id=\"churn\""),
        "{apart}"
    );
    let refused = server.get(&format!("/api/v1/runs/compare/churn?runs=1,{other}"));
    assert_eq!(refused["error"]["code"], "conflict", "{refused}");

    // A run that has no predictions yet.
    play(&folder.path().join("data"), 5, &["silence"]);
    let (status, run) = server.post("/api/v1/runs", &json!({"like": 1}));
    assert_eq!(status, 201, "{run}");
    let silent = page(&format!("runs=1,{}", run["id"]));
    assert!(silent.contains(&format!("Run {} has no predictions yet", run["id"])), "{silent}");
    assert!(silent.contains("no predictions yet</td>"), "{silent}");

    // What can't be read.
    for (query, field) in [
        ("runs=1,x", "runs"),
        ("runs=1,2&split=dev", "split"),
        ("runs=1,2&some=1", "query"),
        ("runs=1,2&first=x", "first"),
    ] {
        let answer = server.get(&format!("/api/v1/runs/compare?{query}"));
        assert_eq!(answer["error"]["field"], field, "{query}: {answer}");
    }
    let train = server.get("/api/v1/runs/compare?runs=1,2&split=train");
    assert!(train["why_no_pair"].as_str().unwrap().starts_with("Not both evaluated training"), "{train}");
    assert_eq!(server.status("/runs/compare?runs=1,x"), 422);
    assert_eq!(server.status("/runs/compare/churn?runs=1,2&class=none"), 422);
    assert_eq!(server.status("/runs/compare/samples/999999?runs=1,2"), 404);
}

/// As [`played`], with the number that the run will have.
fn played_as(server: &Server, folder: &Path, number: u32, script: &str, changes: &Value) -> i64 {
    play(&folder.join("data"), number, &[script]);
    let mut recipe = json!({"model": "small-cnn", "epochs": 2, "batch_size": 16, "image_size": 32});
    recipe.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!((status, &run["id"]), (201, &json!(number)), "{run}");
    server.wait(&format!("/api/v1/runs/{number}"), |run| run["state"] == "completed");
    i64::from(number)
}

#[test]
fn one_answer_has_the_series_of_several_runs() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    for epochs in [1, 2] {
        played(&server, folder.path(), "happy", &json!({"epochs": epochs}));
    }
    let answer = server.get("/api/v1/series?runs=1,2,99&keys=train/loss,val/loss&clock=true");
    let runs = answer["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{answer}");
    for run in runs {
        let own =
            server.get(&format!("/api/v1/runs/{}/series?keys=train/loss,val/loss&clock=true", run["run"]));
        let by_key = |list: &Value, key: &str| {
            let series = list["series"].as_array().unwrap().clone();
            series.into_iter().find(|series| series["key"] == key).unwrap()["points"].take()
        };
        for key in ["train/loss", "val/loss"] {
            assert_eq!(by_key(run, key), by_key(&own, key), "{key}");
        }
        assert_eq!(run["clock"], own["clock"]);
        assert!(run["offset"].as_i64().unwrap() > 0 && run["steps_per_epoch"].as_i64().unwrap() > 0, "{run}");
    }
    for query in ["runs=1,x&keys=a", "runs=1&keys=a&points=4", "runs=1,2&keys=a", "runs=1&keys=a&some=1"] {
        let answer = server.get(&format!("/api/v1/series?{query}"));
        let is_refused = answer["error"]["code"] == "invalid";
        assert_eq!(is_refused, query != "runs=1,2&keys=a", "{query}: {answer}");
    }
    let many: Vec<String> = (1..=101).map(|run| run.to_string()).collect();
    assert_eq!(server.status(&format!("/api/v1/series?runs={}&keys=a", many.join(","))), 422);
}
