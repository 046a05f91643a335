//! Sharing a view: made where it is looked at, opened in another browser, on a phone's width.

use crate::driver::Browser;
use crate::shared::{Shared, furnish};
use serde_json::json;

/// The window as a phone has it.
fn be_a_phone(browser: &Browser) {
    browser.tell("window/rect", &json!({"width": 400, "height": 800}));
    let metrics = json!({"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": false});
    browser
        .tell("goog/cdp/execute", &json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics}));
}

/// What is looked at: the tiles, the filters, and how far it reaches to the right.
const VIEW: &str = "return JSON.stringify({
    tiles: [...document.querySelectorAll('.gallery .tile')].map(tile => tile.id),
    filters: [...document.querySelectorAll('.filters select, .filters input')].map(field => [field.name, field.value]),
    chips: [...document.querySelectorAll('.chip')].map(chip => chip.textContent.trim()),
    address: location.pathname + location.search,
})";

#[test]
fn a_link_shows_the_same_view_to_a_phone_and_no_control() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    furnish(&data, &folder.path().join("images"));
    let server = Shared::start(&data);
    let own = Browser::start();
    own.open(&format!("{}/runs/1/predictions?split=val&key={}", server.url, server.key));
    // A filter that is chosen on the page, so that the link has to carry what the address has become.
    own.run(
        "const actual = document.querySelector('[name=actual]');
         actual.value = 'dark';
         actual.dispatchEvent(new Event('change', {bubbles: true}));",
    );
    own.wait("the filter", "return location.search.includes('actual=dark')");
    let view = own.run(VIEW);
    assert!(view.as_str().unwrap().contains("tile-"), "{view}");
    own.click("[data-share]");
    own.wait(
        "the form",
        "return document.querySelector('.share-form [name=name]')?.value === 'Run 1: predictions'",
    );
    own.click(".share-form button.primary");
    own.wait("the link", "return document.querySelector('#link') !== null");
    assert_eq!(own.run("return document.querySelectorAll('.qr-code svg').length"), 1);
    let link = own.run("return document.querySelector('#link').value");
    own.click(".made button.primary");
    own.wait("that it was copied", "return document.querySelector('#said').textContent === 'Copied.'");
    own.assert_no_errors("sharing");

    let phone = Browser::start();
    be_a_phone(&phone);
    phone.open(link.as_str().unwrap());
    assert_eq!(phone.run(VIEW), view);
    assert_eq!(phone.run("return document.cookie"), "", "no script sees the key");
    assert_eq!(
        phone.run("return document.querySelectorAll('form[method=post], .pick, #edit, [data-share], a[href^=\"/runs/new\"]').length"),
        0
    );
    assert_eq!(
        phone.run("return document.querySelector('.badge').textContent.replace(/\\s+/g, ' ').trim()"),
        "read-only Run 1: predictions, expires in 7\u{a0}days".replace('\u{a0}', " ")
    );
    let is_narrow = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(phone.run(is_narrow), true, "nothing is cut off at 400 pixels");
    phone.assert_no_errors("the shared view");

    // Once it is revoked, the page that is open says so by itself.
    let list = server.get("/api/v1/access-keys", &server.key).json();
    server.revoke(list["items"][0]["id"].as_i64().unwrap());
    phone.wait("that it is over", "return document.body.innerText.includes('was revoked')");
    assert_eq!(phone.run("return document.querySelectorAll('.tile').length"), 0);
}

#[test]
fn a_link_is_revoked_in_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let server = Shared::start(&folder.path().join("data"));
    let (_, key, _) = server.make_link("Tuesday", "/runs");
    let browser = Browser::start();
    be_a_phone(&browser);
    browser.open(&format!("{}/share?view=%2Fruns&key={}", server.url, server.key));
    assert_eq!(browser.run("return document.documentElement.scrollWidth <= innerWidth"), true);
    browser.click("form[action^='/share/2/revoke'] button");
    let question = browser.tell("alert/accept", &json!({}));
    assert!(question.is_null(), "{question}");
    browser.wait(
        "the end",
        "return document.querySelector('details li')?.textContent.startsWith('Tuesday') === true",
    );
    assert_eq!(server.get("/runs", &key).status, 401);
    browser.assert_no_errors("the list");
}
