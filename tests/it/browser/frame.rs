//! What every page has: keys, search, forms, *Back*.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;

fn press(browser: &Browser, key: &str) {
    browser.run(&format!(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true, cancelable: true}}))"
    ));
}

#[test]
fn keys_search_forms_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("shades", &images);
    let browser = Browser::start();

    // The list has the keys of the page at hand and no others.
    let listed = "return [...document.querySelectorAll('#keys .keys > div')].filter(entry => entry.checkVisibility()).map(entry => entry.querySelector('dt').innerText)";
    browser.open(&server.address("/runs"));
    browser.wait("the page's script", "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '?', bubbles: true})); return document.querySelector('#keys').open");
    assert_eq!(browser.run(listed), json!(["/", "g h", "g d", "g r", "g n", "?"]));
    browser.click("#keys button");
    browser.open(&server.address("/datasets/1"));
    browser.wait("the page's script", "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '?', bubbles: true})); return document.querySelector('#keys').open");
    let keys = browser.run(listed).to_string();
    assert!(
        keys.contains("Enter") && keys.contains("j k") && !keys.contains("Esc") && !keys.contains("[ ]"),
        "{keys}"
    );
    browser.click("#keys button");

    // A slash leads to the search, Enter to what was found.
    press(&browser, "/");
    assert_eq!(browser.run("return document.activeElement.id"), "search");
    browser.type_into("#search", "bright\u{e007}");
    browser.wait("what was found", "return document.querySelector('.found a')?.innerText === 'bright'");
    assert_eq!(browser.run("return document.querySelector('#search').value"), "bright");

    // Enter in a form with several actions chooses none; a form is not sent twice.
    browser.run(
        "document.querySelector('main').innerHTML = `<form method=post action='/runs/nothing'>
            <input id=note><button name=action value=one>One</button><button name=action value=two>Two</button></form>
            <form id=single method=post action='/runs/nothing'><button>Only</button></form>`;
         window.sent = 0;
         for (const form of document.querySelectorAll('main form')) form.addEventListener('submit', () => { window.sent += 1; });",
    );
    browser.type_into("#note", "blurry\u{e007}");
    assert_eq!(browser.run("return [window.sent, location.pathname]"), json!([0, "/search"]));
    browser.run(
        "document.querySelector('#single').target = 'elsewhere'; document.querySelector('#single button').click()",
    );
    browser.wait("a button that waits", "return document.querySelector('#single button').disabled");

    // Back shows what the address says: its choices too.
    browser.open(&server.address("/datasets/1"));
    let select = "document.querySelector('main form[method=get] select[data-submit], main form:not([method]) select[data-submit]')";
    browser.wait("a filter", &format!("return {select} !== null && document.readyState === 'complete'"));
    let first = browser.run(&format!("return {select}.value"));
    browser.run(&format!("const select = {select}; select.selectedIndex = 1; select.dispatchEvent(new Event('change', {{bubbles: true}}))"));
    browser.wait("the filtered page", "return location.search !== '' && document.readyState === 'complete'");
    assert_ne!(browser.run(&format!("return {select}.value")), first);
    browser.run("history.back()");
    browser.wait("all of it again", &format!("return location.search === '' && {select}.value === {first}"));
}
