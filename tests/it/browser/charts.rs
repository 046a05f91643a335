//! Charts: every button, legend entry and the plot itself do what they promise and nothing else.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;
use tempfile::TempDir;

/// A server with one run of a few epochs, the run's address, and a browser.
fn trained(epochs: u32) -> (TempDir, Server, Browser) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    let dataset = server.import("shades", &images);
    let recipe = json!({"dataset": dataset["id"], "model": "small-cnn", "epochs": epochs, "image_size": 32, "batch_size": 16});
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    (folder, server, Browser::start())
}

#[test]
fn a_click_in_a_chart_opens_no_dialog() {
    let (_folder, server, browser) = trained(2);
    browser.open(&server.address("/runs/1"));
    browser.wait("the charts", "return document.querySelectorAll('.chart .uplot canvas').length === 4");
    let parts = browser.run(
        "const parts = [...document.querySelectorAll('.chart :is(button, summary, .u-over, .u-legend th)')];
         parts.forEach((part, at) => { part.dataset.part = at; });
         return parts.length",
    );
    assert!(parts.as_i64().unwrap() > 16, "{parts}");
    for part in 0..parts.as_i64().unwrap() {
        browser.run(&format!("document.querySelector('[data-part=\"{part}\"]')?.click()"));
        assert_eq!(browser.run("return document.querySelector('dialog[open]')"), json!(null), "part {part}");
    }
    browser.open(&server.address("/runs/1/gradients"));
    browser.wait("the heat map", "return (document.querySelector('.heatmap canvas')?.height ?? 0) > 4");
    browser.click(".heatmap canvas");
    assert_eq!(browser.run("return document.querySelector('dialog[open]')"), json!(null));
    // The button, and only the button, opens it.
    browser.click("[data-open-keys]");
    assert_eq!(browser.run("return document.querySelector('dialog[open]').id"), "keys");
    browser.assert_no_errors("gradients");
}
