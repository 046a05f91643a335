//! Pages that are open while something happens: they follow it, and leave in peace whoever reads them.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;
use tempfile::TempDir;

/// So long that it never ends by itself while a test is at it.
const ENDLESS: u32 = 1000;

fn with_data() -> (TempDir, Server, Browser) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("shades", &images);
    (folder, server, Browser::start())
}

fn start_run(server: &Server, name: &str) {
    let recipe = json!({
        "dataset": "shades", "name": name, "model": "small-cnn", "epochs": ENDLESS, "image_size": 32, "batch_size": 8,
        "threads": 1, "learning_rate": 0.0001,
    });
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
}

/// A page that was loaded again has forgotten it.
fn remember(browser: &Browser) {
    browser.run("window.wasHere = true");
}

/// Waits until the page was told so many new things of the run.
fn hear(browser: &Browser, times: u32) {
    browser.run("window.heard = new Set()");
    browser.wait(
        "news of the run",
        &format!(
            "window.heard.add(document.querySelector('#run-status [data-live$=\".progress\"], #run-status p').innerText);
             return window.heard.size > {times}"
        ),
    );
}

#[test]
fn focus_stays_where_it_is_and_the_page_is_never_fetched_again() {
    let (_folder, server, browser) = with_data();
    start_run(&server, "long");
    server.wait("/api/v1/runs/1", |run| run["step"].as_i64() > Some(10));
    for page in
        ["/runs/1", "/runs/1/inputs", "/runs/1/gradients", "/runs/1/predictions", "/runs/1/evaluation"]
    {
        browser.open(&server.address(page));
        remember(&browser);
        browser.run(
            "window.link = document.querySelector('.rail a[href$=\"/gradients\"]'); window.link.focus()",
        );
        hear(&browser, 5);
        assert_eq!(browser.run("return document.activeElement === window.link"), true, "{page}");
        assert_eq!(browser.run("return window.wasHere === true"), true, "{page}");
        let fetched = browser.run(
            "return performance.getEntriesByType('resource').filter(entry => new URL(entry.name).pathname === location.pathname).length",
        );
        assert_eq!(fetched, 0, "{page} was fetched again");
        assert!(browser.run("return document.title").as_str().unwrap().contains(" % · "), "{page}");
        browser.assert_no_errors(page);
    }
}

#[test]
fn what_happens_elsewhere_shows_on_every_page_without_a_reload() {
    let (_folder, server, browser) = with_data();
    for (page, shows) in [
        ("/", "document.querySelector('#active-1 .state')?.innerText.includes('running')"),
        (
            "/runs",
            "document.querySelector('#now a[href=\"/runs/2\"]') !== null && document.body.innerText.includes('second')",
        ),
    ] {
        browser.open(&server.address(page));
        remember(&browser);
        start_run(&server, if page == "/" { "first" } else { "second" });
        if page == "/runs" {
            // The first is in the way of the second.
            assert_eq!(server.post("/api/v1/runs/1/cancel", &json!({})).0, 200);
        }
        browser.wait("the run on the page", &format!("return {shows}"));
        assert_eq!(browser.run("return window.wasHere === true"), true, "{page}");
    }
    browser.open(&server.address("/runs/2"));
    remember(&browser);
    assert_eq!(server.post("/api/v1/runs/2/pause", &json!({})).0, 200);
    browser.wait("paused", "return document.title.startsWith('paused · ')");
    browser.wait("the button", "return [...document.querySelectorAll('#run-actions button')].some(button => button.innerText === 'Resume')");
    assert_eq!(server.post("/api/v1/runs/2/resume", &json!({})).0, 200);
    browser.wait("running again", "return / % · /.test(document.title)");
    browser.wait("the other button", "return [...document.querySelectorAll('#run-actions button')].some(button => button.innerText === 'Pause')");
    assert_eq!(browser.run("return window.wasHere === true"), true);
    browser.assert_no_errors("run");
}

#[test]
fn two_epochs_are_never_shown_as_one() {
    let (_folder, server, browser) = with_data();
    browser.open(&server.address("/"));
    start_run(&server, "long");
    server.wait("/api/v1/runs/1/predictions?split=val", |page| page["total"].as_i64() > Some(0));
    for page in ["/runs/1/evaluation?split=val", "/runs/1/predictions?split=val"] {
        browser.open(&server.address(page));
        remember(&browser);
        let body = browser
            .run("return document.querySelector('#main').innerText.match(/Checkpoint of epoch (\\d+)/)[1]");
        browser.wait("a newer checkpoint", "return document.querySelector('.newer a') !== null");
        assert_eq!(browser.run("return window.wasHere === true"), true, "nothing changes by itself");
        let words = browser.run("return document.querySelector('.checkpoint').innerText");
        let words = words.as_str().unwrap();
        let shown = body.as_str().unwrap();
        assert!(words.starts_with(&format!("Checkpoint of epoch {shown}.")), "{words}");
        assert!(
            words.contains("is newer: show it") && !words.contains(&format!("Epoch {shown} is")),
            "{words}"
        );
        browser.click(".newer a");
        browser.wait(
            "the newer one",
            &format!(
                "return window.wasHere === undefined && Number(document.querySelector('#main').innerText.match(/Checkpoint of epoch (\\d+)/)?.[1]) > {shown}"
            ),
        );
        assert!(browser.run("return location.href").as_str().unwrap().ends_with(page));
    }
}

#[test]
fn a_page_says_when_the_server_is_away_and_goes_on_when_it_is_back() {
    let (folder, server, browser) = with_data();
    start_run(&server, "long");
    for page in ["/", "/runs/1", "/datasets/1"] {
        browser.open(&server.address(page));
        assert_eq!(browser.run("return document.getElementById('away').hidden"), true, "{page}");
    }
    browser.open(&server.address("/runs/1"));
    remember(&browser);
    let port = server.address("").rsplit(':').next().unwrap().to_owned();
    server.kill();
    browser.wait("the banner", "return !document.getElementById('away').hidden");
    let server = Server::start_at(&folder.path().join("data"), &format!("127.0.0.1:{port}"));
    browser.wait("the banner gone", "return document.getElementById('away').hidden");
    hear(&browser, 2);
    assert_eq!(browser.run("return window.wasHere === true"), true);
    drop(server);
}
