//! Sharing a view: made where it is looked at, opened in another browser, on a phone's width.

use crate::driver::Browser;
use crate::shared::{Shared, furnish};
use serde_json::json;

/// What the link is called unless a person calls it something else.
const NAME: &str =
    "Predictions of #1 small-cnn on shades (validation, true class: dark, wrong only, by true class)";

/// What is looked at: the tiles, the filters, and the address.
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
        &format!("return document.querySelector('.share-form [name=name]')?.value === {}", json!(NAME)),
    );
    own.click(".share-form button.primary");
    own.wait("the link", "return document.querySelector('#link') !== null");
    assert_eq!(own.run("return document.querySelectorAll('.qr-code svg').length"), 1);
    let link = own.run("return document.querySelector('#link').value");
    own.click(".made button.primary");
    own.wait("that it was copied", "return document.querySelector('#said').textContent === 'Copied.'");
    // The list says the same, and what the form sent empty is not in it.
    assert_eq!(own.run("return document.querySelector('.access-keys .opens a').innerText"), NAME);
    own.assert_no_errors("sharing");

    let phone = Browser::start();
    phone.be_a_phone();
    phone.open(link.as_str().unwrap());
    assert_eq!(phone.run(VIEW), view);
    assert_eq!(phone.run("return document.cookie"), "", "no script sees the key");
    assert_eq!(
        phone.run("return document.querySelectorAll('form[method=post], .pick, #edit, [data-share], a[href^=\"/runs/new\"]').length"),
        0
    );
    assert_eq!(
        phone.run("return document.querySelector('.badge').textContent.replace(/\\s+/g, ' ').trim()"),
        format!("read-only {NAME}, expires in 7 days")
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
    browser.be_a_phone();
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
