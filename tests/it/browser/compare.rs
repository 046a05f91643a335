//! Two runs from the list to a comparison, to the images on which they differ, to one of them and back; curves of several runs.

use crate::compare::{played, with_data};
use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;

const DRAWN: &str = "return document.querySelectorAll('.chart .uplot canvas').length === 6";

#[test]
fn two_runs_are_chosen_compared_and_looked_through() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    played(&server, folder.path(), "happy", &json!({}));
    played(&server, folder.path(), "other mistakes", &json!({"learning_rate": 0.5}));
    let browser = Browser::start();

    // From the list: with one run there is nothing to compare, with two there is.
    browser.open(&server.address("/runs"));
    browser.click("#row-1 input");
    assert_eq!(
        browser.run("return document.querySelector('#selected [formaction=\"/runs/compare\"]').disabled"),
        true
    );
    browser.click("#row-2 input");
    browser.click("#selected [formaction='/runs/compare']");
    browser.wait("the charts", DRAWN);
    let address = browser.run("return location.search");
    assert!(["?runs=1,2", "?runs=2,1"].contains(&address.as_str().unwrap()), "{address}");
    browser.open(&server.address("/runs/compare?runs=1,2"));
    browser.wait("the charts", DRAWN);
    // Told by their strokes too, and with the last values.
    let strokes = "return [...document.querySelectorAll('#chart-val-loss .run-mark line')].map(line => line.getAttribute('stroke-dasharray'))";
    assert_eq!(browser.run(strokes), json!([null, "8 4"]));
    let legend = browser.run("return document.querySelector('#chart-val-loss .chart-legend').innerText");
    assert!(legend.as_str().unwrap().contains("0.3333"), "{legend}");
    assert_eq!(browser.run("return document.querySelectorAll('.compare-settings tbody tr').length"), 1);
    browser.assert_no_errors("comparison");

    // A line that is hidden is hidden in every chart, and the address says so.
    browser.click("#chart-val-loss .chart-legend button:nth-of-type(2)");
    browser.wait("one line", "return new URLSearchParams(location.search).get('lines') === '2'");
    let pressed = "return [...document.querySelectorAll('.chart-legend button:nth-of-type(2)')].map(entry => entry.getAttribute('aria-pressed'))";
    assert_eq!(browser.run(pressed), json!(["false", "false", "false", "false", "false", "false"]));
    browser.click("[name=axis][value=time]");
    browser.wait("the axis", "return new URLSearchParams(location.search).get('axis') === 'time'");
    browser.run("location.reload()");
    browser.wait("the charts", DRAWN);
    assert_eq!(browser.run(pressed)[0], "false", "the address holds the view");
    assert_eq!(browser.run("return document.querySelector('[name=axis]:checked').value"), "time");
    browser.assert_no_errors("charts");

    // To the gallery, to its second image by the keyboard, and back to the tile.
    browser.click("#churn h3:nth-of-type(2) a");
    browser.wait(
        "the gallery",
        "return location.pathname === '/runs/compare/churn' && document.querySelectorAll('.tile').length > 2",
    );
    let tiles = browser.run("return [...document.querySelectorAll('.tile')].map(tile => tile.id)");
    browser.click(".tile");
    browser.wait("the image", "return document.querySelectorAll('.pair-sample section').length === 2");
    browser.press(&["j"]);
    browser.wait(
        "the next",
        "return document.querySelector('[data-up] + .quiet')?.innerText.startsWith('2 of ') === true",
    );
    browser.press(&["\u{E00C}"]);
    browser.wait(
        "the tile",
        &format!(
            "return location.pathname === '/runs/compare/churn' && document.activeElement?.id === {}",
            tiles[1]
        ),
    );
    browser.press(&["\u{E00C}"]);
    browser.wait("the comparison", "return location.pathname === '/runs/compare'");
    browser.assert_no_errors("gallery");

    // From a run's page.
    browser.open(&server.address("/runs/2"));
    browser.click("#run-actions a[href='/runs/compare?runs=2']");
    browser.wait("the others", "return document.querySelector('#choose [value=\"1\"]') !== null");
    browser.click("#choose [value='1']");
    browser.click("#choose button");
    browser.wait("the comparison", "return location.search === '?runs=2,1'");

    // A phone.
    browser.tell("window/rect", &json!({"width": 500, "height": 900}));
    for page in
        ["/runs/compare?runs=1,2", "/runs/compare?runs=1", "/runs/compare/churn?runs=1,2&churn=only-first"]
    {
        browser.open(&server.address(page));
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64().unwrap() <= 0, "{page} is {wide} pixels too wide");
    }
    browser.assert_no_errors("phone");
}

#[test]
fn runs_that_differ_by_their_seed_are_a_mean_and_a_band() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    for seed in 0..3 {
        played(&server, folder.path(), "happy", &json!({"seed": seed}));
    }
    played(&server, folder.path(), "happy", &json!({"learning_rate": 0.5}));
    let browser = Browser::start();
    browser.open(&server.address("/runs/compare?runs=1,2,3,4"));
    browser.wait("the charts", DRAWN);
    let labels = "return [...document.querySelectorAll('#chart-val-loss .chart-legend button')].map(entry => entry.innerText.trim())";
    let legend = browser.run(labels);
    let first = legend[0].as_str().unwrap();
    assert!(first.starts_with("mean of 3 seeds (runs 1, 2, 3), band: lowest to highest"), "{legend}");
    assert_eq!(legend.as_array().unwrap().len(), 2, "{legend}");
    browser.click("[name=seeds]");
    browser.wait(
        "four lines",
        "return document.querySelectorAll('#chart-val-loss .chart-legend button').length === 4",
    );
    assert_eq!(browser.run("return new URLSearchParams(location.search).get('seeds')"), "each");
    browser.run("location.reload()");
    browser.wait(
        "four lines",
        "return document.querySelectorAll('#chart-val-loss .chart-legend button').length === 4",
    );
    browser.click("[name=seeds]");
    browser.wait(
        "two lines",
        "return document.querySelectorAll('#chart-val-loss .chart-legend button').length === 2",
    );
    // Of unlike points: where both have something to say, each on its own line between two of its points, and what is lost stays lost.
    let spread = browser.run_async(
        "const done = arguments[arguments.length - 1];
         import('/static/js/charts/seeds.js').then(({ spread }) => done(spread([[[0, 1], [2, 3], [4, null], [6, 7]], [[1, 0], [3, 4], [5, 6]]])));",
    );
    assert_eq!(spread["mean"], json!([[1, 1], [2, 2.5], [3, 4], [4, null], [5, 6]]), "{spread}");
    assert_eq!(spread["low"], json!([[1, 0], [2, 2], [3, 4], [4, null], [5, 6]]), "{spread}");
    assert_eq!(spread["high"], json!([[1, 2], [2, 3], [3, 4], [4, null], [5, 6]]), "{spread}");
    // Another pair by the fields above the sentence.
    browser.run("const second = document.querySelector('[name=second]'); second.value = '4'; second.dispatchEvent(new Event('change', {bubbles: true}))");
    browser
        .wait("the pair", "return document.querySelector('#pair h2')?.innerText === 'Run 4 against run 1'");
    browser.assert_no_errors("seeds");
}

#[test]
fn of_a_run_that_trains_only_new_points_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("shades", &images);
    let recipe =
        json!({"dataset": "shades", "model": "small-cnn", "epochs": 1, "image_size": 32, "batch_size": 16});
    assert_eq!(server.post("/api/v1/runs", &recipe).0, 201);
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    let long =
        json!({"dataset": "shades", "model": "small-cnn", "epochs": 900, "image_size": 32, "batch_size": 16});
    assert_eq!(server.post("/api/v1/runs", &long).0, 201);
    server.wait("/api/v1/runs/2", |run| run["epoch"].as_i64().unwrap() > 2);
    let browser = Browser::start();
    browser.open(&server.address("/runs/compare?runs=1,2"));
    browser.wait("the charts", DRAWN);
    // The legend says how far the longest line reaches.
    let last = "return Number(document.querySelector('#chart-train-loss .where').innerText.match(/epoch ([0-9.]+)/)?.[1])";
    let begun = browser.run(last).as_f64().unwrap();
    browser.wait(
        "new points",
        &format!("return Number(document.querySelector('#chart-train-loss .where').innerText.match(/epoch ([0-9.]+)/)?.[1]) > {}", begun + 2.0),
    );
    let asked = "return performance.getEntriesByType('resource').filter(entry => entry.name.includes('/api/v1/series')).length";
    assert_eq!(browser.run(asked), 1, "one request for the points of all runs; then the stream");
    // The table follows, without a word of the page being lost.
    browser.wait(
        "its state",
        "return document.querySelector('#run-2 .state')?.innerText.includes('running') === true",
    );
    assert_eq!(server.post("/api/v1/runs/2/cancel", &json!({})).0, 200);
    browser.wait(
        "its end",
        "return document.querySelector('#run-2 .state')?.innerText.includes('cancelled') === true",
    );
    browser.assert_no_errors("live comparison");
}
