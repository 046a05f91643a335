//! What wants a look: it comes to a page that is open, leads to its evidence and to what helps, and can be dismissed.

use crate::driver::Browser;
use crate::replay::{play, start, with_data};
use serde_json::json;

/// Whether the rail is marked by the finding; the images have a mark of their own.
const MARKED: &str =
    "[...document.querySelectorAll('.rail .mark')].some(mark => mark.title.includes('slower'))";

#[test]
fn a_finding_comes_to_an_open_page_and_is_dismissed() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    // The first keeps the second waiting until the page is open.
    play(folder.path(), 1, &["silence"]);
    play(folder.path(), 2, &["starved"]);
    let runs = [start(&server, 3), start(&server, 3)];
    server.wait("/api/v1/runs/1", |run| run["step"] == 1);
    let browser = Browser::start();
    browser.open(&server.address("/runs/2"));
    browser.run("window.wasHere = true");
    assert_eq!(browser.run("return document.querySelector('.finding') === null"), true);
    assert_eq!(server.post(&format!("/api/v1/runs/{}/pause", runs[0]["id"]), &json!({})).0, 200);
    browser.wait(
        "the finding",
        "return document.querySelector('#finding-slow_loading')?.textContent.includes('90 %') ?? false",
    );
    browser.wait("its mark on the rail", &format!("return {MARKED}"));
    assert_eq!(browser.run("return window.wasHere === true"), true, "without a reload");
    for (width, dark) in [(1280, false), (400, true)] {
        browser.tell("window/rect", &json!({"width": width, "height": 900}));
        browser.set_dark(dark);
        let fits = browser.run("return document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, true, "at {width} pixels");
    }
    browser.wait("where the time goes", "return document.querySelector('#time') !== null");
    browser.click("#finding-slow_loading .finding-links a");
    assert!(browser.run("return location.hash").as_str().unwrap() == "#time");

    assert_eq!(browser.run(&format!("return {MARKED}")), true);
    browser.click("#finding-slow_loading button");
    browser.wait(
        "it is aside",
        "return document.querySelector('.finding') === null && document.querySelector('.dismissed-findings') !== null",
    );
    browser.wait("no mark any more", &format!("return !{MARKED}"));
    browser.click(".dismissed-findings summary");
    browser.click(".dismissed-findings button");
    browser.wait("it is back", "return document.querySelector('.finding') !== null");
    browser.click("#finding-slow_loading a.fix");
    browser.wait("the form", "return location.pathname === '/runs/new'");
    assert_eq!(browser.run("return new URLSearchParams(location.search).get('like')"), "2");
    browser.assert_no_errors("a run with a finding");
}
