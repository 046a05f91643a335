//! Runs in a browser: named, tagged, cloned with all settings, several deleted; a failed one tried again.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;

#[test]
fn runs_are_renamed_tagged_cloned_and_deleted_together() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("light", &images);
    let body =
        json!({"dataset": "light", "epochs": 1, "image_size": 32, "threads": 1, "rotation": 12.5, "seed": 9});
    for _ in 0..3 {
        let (_, run) = server.post("/api/v1/runs", &body);
        server.wait(&format!("/api/v1/runs/{}", run["id"]), |run| run["state"] == "completed");
    }
    let browser = Browser::start();

    // Name and tag, where the page says so at once.
    browser.open(&server.address("/runs/1"));
    browser.retype("#run-name", "the first");
    browser.click("form[action$='/rename'] button");
    browser
        .wait("the new name", "return document.querySelector('.run-head h1')?.innerText === '#1 the first'");
    browser.type_into("#run-tag", "paper\u{e007}");
    browser.wait("the tag", "return document.querySelector('.tag a')?.innerText === 'paper'");
    browser.assert_no_errors("run");

    // The head stays in sight, and the newest epoch is on top.
    browser.run("scrollTo(0, document.body.scrollHeight)");
    assert_eq!(
        browser.run("return Math.round(document.querySelector('.run-head').getBoundingClientRect().top)"),
        0
    );

    // All settings come along.
    browser.click("#run-actions > a[href*='like=']");
    browser.wait("the form", "return document.querySelector('#rotation') !== null");
    assert_eq!(browser.run("return [rotation.value, seed.value, epochs.value]"), json!(["12.5", "9", "1"]));

    // Enter in the tag's field chooses none of the actions; the button tags what is selected.
    browser.open(&server.address("/runs"));
    browser.click("#row-2 input");
    browser.type_into("#selected input[name=tag]", "old\u{e007}");
    assert_eq!(browser.run("return document.querySelector('select[name=tag]').options.length"), 2);
    browser.click("#selected button[value=tag]");
    browser.wait("the list again", "return document.querySelector('select[name=tag]')?.options.length === 3");
    assert_eq!(browser.run("return document.querySelectorAll('#runs-table tbody tr').length"), 3);

    // A long name is cut, and pushes no figure off the screen; the home page is about one thing.
    let long = "a name that goes on and on ".repeat(6);
    browser.open(&server.address("/runs/1"));
    browser.retype("#run-name", long.trim());
    browser.click("form[action$='/rename'] button");
    browser
        .wait("it", "return document.querySelector('.run-head h1')?.innerText.startsWith('#1 a name that')");
    browser.tell("window/rect", &json!({"width": 1280, "height": 900}));
    for (page, table) in [("/runs", "#runs-table"), ("/", ".runs")] {
        browser.open(&server.address(page));
        let name = format!(
            "return [...document.querySelectorAll('{table} tbody th a')].filter(name => name.innerText.startsWith('a name that')).length"
        );
        assert_eq!(browser.run(&name), 1, "{page}");
        let beyond = format!(
            "return [...document.querySelectorAll('{table} td')].map(cell => cell.getBoundingClientRect().right - innerWidth)"
        );
        let beyond: Vec<f64> = serde_json::from_value(browser.run(&beyond)).unwrap();
        assert!(beyond.len() > 4 && beyond.iter().all(|pixels| *pixels <= 0.0), "{page}: {beyond:?}");
        assert_eq!(browser.run("return document.querySelectorAll('h1').length"), 1, "{page}");
    }
    browser.open(&server.address("/runs"));

    // Two are deleted, after a question.
    browser.click("#row-2 input");
    browser.click("#row-3 input");
    browser.click("#selected button[formaction='/runs/delete']");
    browser.wait("the question", "return document.querySelector('h1')?.innerText === 'Delete 2 runs?'");
    browser.click("button[value=delete]");
    browser.wait("one run", "return document.querySelectorAll('#runs-table tbody tr').length === 1");
    browser.assert_no_errors("runs");

    // The list by its address: sorted, with columns that were chosen.
    browser.open(&server.address("/runs?sort=seed&order=desc&columns=seed,tags"));
    assert_eq!(
        browser.run(
            "return [...document.querySelectorAll('#runs-table thead th')].map(head => head.innerText.trim())"
        ),
        json!(["Run", "Seed ▼", "Tags"])
    );
    browser.tell("window/rect", &json!({"width": 500, "height": 900}));
    for page in ["/runs", "/runs/1", "/runs/delete?id=1"] {
        browser.open(&server.address(page));
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64().unwrap() <= 0, "{page} is {wide} pixels too wide");
        browser.assert_no_errors(page);
    }
}

#[test]
fn a_failed_run_is_tried_again_with_a_tenth_of_its_learning_rate() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("light", &images);
    let body = json!({"dataset": "light", "epochs": 20, "image_size": 32, "threads": 1, "learning_rate": 1e6, "seed": 4});
    let (_, run) = server.post("/api/v1/runs", &body);
    server.wait(&format!("/api/v1/runs/{}", run["id"]), |run| run["state"] == "failed");
    let browser = Browser::start();
    browser.open(&server.address("/runs/1"));
    assert_eq!(
        browser.run("return document.querySelector('#run-actions .primary').innerText"),
        "Try again with learning rate 100000"
    );
    browser.click("#run-actions .primary");
    browser.wait("the form", "return document.querySelector('#learning_rate') !== null");
    assert_eq!(
        browser.run("return [learning_rate.value, seed.value, epochs.value]"),
        json!(["100000", "4", "20"])
    );
    browser.assert_no_errors("form");
}
