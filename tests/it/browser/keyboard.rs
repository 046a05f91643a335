//! The main path by keyboard alone: from a data set to a run to its mistakes, without a pointer.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;

const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";

/// Presses Tab until the focus is on what the selector names; fails where it never comes there.
fn tab_to(browser: &Browser, selector: &str) {
    let on = format!("return document.activeElement?.matches({}) ?? false", json!(selector));
    for _ in 0..150 {
        if browser.run(&on) == true {
            return;
        }
        browser.press(&[TAB]);
    }
    panic!("Tab does not come to {selector} on {}", browser.run("return location.href"));
}

#[test]
fn the_main_path_needs_no_pointer() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("shades", &images);
    let browser = Browser::start();

    // From the data set to the form, and through it.
    browser.open(&server.address("/datasets/1"));
    tab_to(&browser, "a[href^='/runs/new']");
    browser.press(&[ENTER]);
    browser.wait("the form", "return document.querySelector('#epochs') !== null");
    tab_to(&browser, "#epochs");
    browser.run("document.activeElement.select()");
    browser.press(&["2"]);
    tab_to(&browser, "button.primary");
    browser.press(&[ENTER]);
    browser.wait("the run", "return /^\\/runs\\/[0-9]+$/.test(location.pathname)");
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");

    // To its predictions by the rail, into an image and back to where one was.
    browser.open(&server.address("/runs/1"));
    tab_to(&browser, "#rail a[href*='/predictions']");
    browser.press(&[ENTER]);
    browser.wait("the predictions", "return location.pathname.endsWith('/predictions')");
    browser.open(&server.address("/runs/1/predictions?actual=dark"));
    browser.wait("tiles", "return document.querySelectorAll('.gallery .tile').length > 2");
    browser.press(&["j", "j"]);
    browser.wait("the focus on a tile", "return document.activeElement.closest('.gallery') !== null");
    let tile = browser.run("return document.activeElement.closest('a').pathname");
    browser.press(&[ENTER]);
    browser.wait("the image's page", "return location.pathname.includes('/samples/')");
    assert_eq!(browser.run("return location.pathname"), tile);
    browser.press(&["\u{e00c}"]);
    browser.wait("the gallery again", "return location.pathname.endsWith('/predictions')");
    browser.wait(
        "the focus where it was",
        &format!("return document.activeElement.closest('a')?.pathname === {tile}"),
    );
    // The list of keys opens and closes.
    browser.press(&["?"]);
    browser.wait("the list of keys", "return document.querySelector('dialog[open]') !== null");
    browser.press(&["\u{e00c}"]);
    browser.wait("no list of keys", "return document.querySelector('dialog[open]') === null");
    browser.assert_no_errors("the main path");
}
