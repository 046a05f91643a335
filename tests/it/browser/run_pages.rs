//! The pages around runs: what was edited since, what a form and a list say of differences, and word of a run's end.

use super::form::furnished;
use crate::driver::Browser;
use crate::support::Server;
use serde_json::{Value, json};

fn start_run(server: &Server, epochs: u32) -> Value {
    let recipe = json!({
        "dataset": "shades", "epochs": epochs, "image_size": 32, "batch_size": 16, "threads": 1, "learning_rate": 0.0001,
    });
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    run
}

fn completed(server: &Server) {
    let run = start_run(server, 1);
    server.wait(&format!("/api/v1/runs/{}", run["id"]), |run| run["state"] == "completed");
}

/// An image that run 1 predicted, and the other class.
fn predicted(server: &Server) -> (i64, &'static str) {
    let item = server.get("/api/v1/runs/1/predictions")["items"][0].take();
    let sample = item["sample_id"].as_i64().unwrap();
    let sample_is_dark = server.samples_of(&json!({"id": 1}), "dark").contains(&sample);
    (sample, if sample_is_dark { "bright" } else { "dark" })
}

#[test]
fn what_was_edited_since_a_run_stays_marked_and_undo_keeps_the_focus() {
    let (_folder, server) = furnished();
    completed(&server);
    let (sample, other) = predicted(&server);
    let browser = Browser::start();
    browser.open(&server.address("/runs/1/predictions?correct=all"));
    assert_eq!(browser.run("return document.querySelectorAll('.tile-edited, #edited-since').length"), 0);
    browser.click(&format!(".pickable:has(#tile-{sample}) .pick input"));
    browser.type_into("#edit [name=class]", other);
    browser.click("#edit [value=relabel]");
    browser.wait("the edit", "return document.querySelector('.done') !== null");
    // A reload forgets the bar, and not the mark.
    browser.open(&server.address("/runs/1/predictions?correct=all"));
    assert_eq!(
        browser.run("return [...document.querySelectorAll('.tile-edited')].map(mark => [mark.closest('.tile').id, mark.innerText])"),
        json!([[format!("tile-{sample}"), format!("✎ now: {other}")]])
    );
    let note = browser.run("return document.getElementById('edited-since').innerText");
    let note = note.as_str().unwrap();
    assert!(note.contains("labels of version 1. 1 image of this split was edited since"), "{note}");
    assert!(
        browser
            .run("return document.querySelector('.chips').innerText")
            .as_str()
            .unwrap()
            .contains("1 edited since")
    );
    browser.open(&server.address(&format!("/runs/1/samples/{sample}")));
    let note = browser.run("return document.getElementById('edited-since').innerText");
    assert!(note.as_str().unwrap().starts_with(&format!("✎ now: {other} (version 2)")), "{note}");
    browser.assert_no_errors("edited since");

    // *Undo* by mouse: the focus goes to what takes its place.
    browser.open(&server.address("/runs/1/predictions?correct=all&done=2"));
    browser.wait("undo", "return document.querySelector('.done button')?.innerText === 'Undo'");
    browser.click(".done button");
    browser.wait(
        "the focus",
        "return document.querySelector('.done button')?.innerText === 'Redo' && document.activeElement?.closest('.done') !== null",
    );
    assert_eq!(browser.run("return document.querySelectorAll('.tile-edited').length"), 0);

    // The size of the tiles is that of the data set's gallery.
    browser.run(
        "const size = document.getElementById('size-of-tiles');
         size.value = 208;
         size.dispatchEvent(new Event('input', {bubbles: true}))",
    );
    browser.open(&server.address("/datasets/1"));
    browser.wait("the same size", "return document.getElementById('size-of-tiles').value === '208'");
    browser.assert_no_errors("tile size");
}

#[test]
fn a_form_says_what_differs_and_a_list_tells_clones_apart() {
    let (_folder, server) = furnished();
    completed(&server);
    let (sample, other) = predicted(&server);
    let browser = Browser::start();
    browser.open(&server.address("/runs/new"));
    let line = "document.getElementById('differences').innerText";
    assert!(
        browser.run(&format!("return {line}")).as_str().unwrap().contains("The defaults suit this data set")
    );
    browser.retype("#epochs", "3");
    browser
        .wait("the difference", &format!("return {line}.startsWith('Changed from the defaults: Epochs 3.')"));
    browser.click("#differences a");
    browser.wait("the defaults", &format!("return {line}.includes('The defaults suit')"));

    // What nought means stands in the hint and on the run's page.
    assert!(
        browser
            .run("return document.getElementById('threads-help').textContent")
            .as_str()
            .unwrap()
            .ends_with("0: one per core.")
    );
    let settings = server.get_text("/runs/1");
    assert!(settings.contains("<dt>Warm-up epochs</dt>"), "{settings}");
    let warm_up = settings.split_once("<dt>Warm-up epochs</dt>").unwrap().1.split_once("</dd>").unwrap().0;
    assert!(warm_up.contains("none"), "{warm_up}");

    // A clone learns from the newest version, and the form says so.
    server.post_form(
        "/datasets/1/edits",
        &[("id", &sample.to_string()), ("action", "relabel"), ("class", other), ("back", "/datasets/1")],
    );
    browser.open(&server.address("/runs/new?like=1"));
    let note = browser.run("return document.querySelector('.like').innerText");
    assert!(
        note.as_str().unwrap().contains("Run 1 used version 1; this run will use version 2 (newest)."),
        "{note}"
    );
    browser.retype("#epochs", "2");
    browser.click(".start button");
    browser.wait("the run", "return location.pathname === '/runs/2'");
    server.wait("/api/v1/runs/2", |run| run["state"] == "completed");
    browser.open(&server.address("/runs"));
    assert_eq!(
        browser.run("return document.querySelector('#row-2 .run-line-2').innerText"),
        "data version 2 · from #1: Epochs 1 → 2, data version 1 → 2"
    );
    assert!(
        browser
            .run("return document.querySelector('#row-2 th').innerText")
            .as_str()
            .unwrap()
            .starts_with("#2")
    );

    // The bar for several is there while some are selected.
    let bar = "return [selected.checkVisibility(), document.getElementById('selected-count').textContent]";
    assert_eq!(browser.run(bar)[0], false);
    browser.click("#row-1 input");
    browser.click("#row-2 input");
    assert_eq!(browser.run(bar), json!([true, "2 runs selected"]));
    browser.click("#selected button[value=star]");
    browser.wait("said", "return document.getElementById('said').innerText === 'Starred.' && !location.search.includes('said')");
    assert_eq!(browser.run(bar)[0], false);
    browser.assert_no_errors("list");

    // The batch opens in the lab, with this run's seed and epoch.
    browser.open(&server.address("/runs/1/inputs"));
    let batch = server.get("/api/v1/runs/1/batches")["items"][0].take();
    browser.click("#open-in-lab a");
    browser.wait("the lab", "return document.getElementById('lab-result') !== null");
    let first = batch["items"][0]["sample_id"].to_string();
    assert_eq!(
        browser.run(
            "return [lab.elements.seed.value, lab.elements.epoch.value, document.getElementById('lab-result').dataset.samples.split(',')[0]]"
        ),
        json!(["0", "1", first])
    );
    // How an evaluated image is loaded is found on the evaluation's page.
    browser.open(&server.address("/runs/1/evaluation"));
    let steps = browser.run("return document.querySelector('#evaluated-with summary').innerText");
    assert!(steps.as_str().unwrap().starts_with("Evaluated with: resize 32 px"), "{steps}");
    browser.assert_no_errors("evaluation");
}

#[test]
fn a_run_that_ends_is_told_of_once_and_a_row_leads_back_to_its_list() {
    let (_folder, server) = furnished();
    start_run(&server, 1000);
    server.wait("/api/v1/runs/1", |run| run["step"].as_i64() > Some(3));
    start_run(&server, 1);
    // What waits says how many train at a time; nothing speaks of a test split where there is none.
    assert!(server.get_text("/runs/2").contains("Queued, next in line. One run trains at a time"));
    let waiting = server.get_text("/runs/2/evaluation");
    assert!(waiting.contains("The validation split is evaluated after every epoch."), "{waiting}");

    let browser = Browser::start();
    browser.open(&server.address("/runs?model=small-cnn"));
    browser.click("#row-1 form[action*='/pause'] button");
    browser.wait(
        "the paused run in the same list",
        "return location.pathname === '/runs' && location.search === '?model=small-cnn'
             && document.querySelector(\"#row-1 form[action*='/resume'] button\") !== null",
    );
    browser.click("#row-1 form[action*='/resume'] button");
    browser.wait(
        "the list again",
        "return (document.querySelector('#row-1')?.innerText.match(/running|queued/) ?? null) !== null",
    );
    server.wait("/api/v1/runs/1", |run| run["state"] == "running");

    browser.open(&server.address("/runs/1"));
    browser.run(
        "window.told = [];
         window.Notification = class {
             static async requestPermission() { return 'granted'; }
             constructor(title, options) { window.told.push([title, options.body, options.tag]); }
         };",
    );
    browser.click("[data-notify]");
    browser.wait(
        "asked for",
        "return document.querySelector('[data-notify]')?.getAttribute('aria-pressed') === 'true'",
    );
    server.post("/api/v1/runs/1/cancel", &json!({}));
    browser.wait("word of the end", "return window.told.length > 0");
    assert_eq!(
        browser.run("return window.told"),
        json!([["#1 small-cnn on shades", "× cancelled", "tintype-run-1"]])
    );
    assert_eq!(
        browser.run("return Object.keys(localStorage).filter(key => key.startsWith('notify'))"),
        json!([])
    );
    browser.assert_no_errors("notification");
}
