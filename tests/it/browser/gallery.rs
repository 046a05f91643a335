//! A data set's gallery: filters in sight, back at the tile that one left, keys.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;
use tempfile::TempDir;

fn start() -> (TempDir, Server, Browser) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    std::fs::write(images.join("bright/notes.png"), b"no image").unwrap();
    let server = Server::start(&folder.path().join("data"));
    server.import("shades", &images);
    (folder, server, Browser::start())
}

fn press(browser: &Browser, key: &str) {
    browser.run(&format!(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{key: {key:?}, bubbles: true, cancelable: true}}))"
    ));
}

#[test]
fn an_image_leads_through_its_gallery_and_back_to_its_tile() {
    let (_folder, server, browser) = start();
    browser.open(&server.address("/datasets/1?class=dark&order=-number"));
    browser.click("#gallery .pickable:nth-child(3) .tile");
    browser.wait("the third", "return document.querySelector('.chips .figure')?.innerText === '3 of 40'");
    for place in ["4 of 40", "5 of 40"] {
        press(&browser, "j");
        browser.wait(
            place,
            &format!("return document.querySelector('.chips .figure')?.innerText === {place:?}"),
        );
    }
    let sample = browser.run("return location.pathname.split('/').at(-1)");
    press(&browser, "Escape");
    browser.wait("the tile", &format!("return document.activeElement?.id === 'tile-' + {sample}"));
    assert_eq!(
        browser.run("return location.pathname + location.search"),
        "/datasets/1?class=dark&order=-number"
    );
    browser.assert_no_errors("gallery");

    // Arrows lead from tile to tile; one of them is reached by the tabulator key.
    press(&browser, "ArrowRight");
    assert_eq!(
        browser.run("const all = [...document.querySelectorAll('#gallery .tile')]; return [all.indexOf(document.activeElement), all.filter(tile => tile.tabIndex === 0).length]"),
        json!([5, 1])
    );
}

#[test]
fn a_filter_leaves_the_filters_in_sight_and_a_way_back_to_what_they_were() {
    let (_folder, server, browser) = start();
    browser.open(&server.address("/datasets/1"));
    browser.click("#classes li:nth-child(2) a");
    browser.wait(
        "one class",
        "return location.search === '?class=dark' && document.querySelector('.chip') !== null",
    );
    let in_sight = "const box = document.querySelector('.filter-row').getBoundingClientRect(); return box.top >= 0 && box.bottom < innerHeight";
    assert_eq!(browser.run(in_sight), true);
    // Far down too.
    browser.run("scrollTo(0, 600)");
    assert_eq!(browser.run(in_sight), true);

    // Several at once.
    browser.run("document.querySelector('#classes li a').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, ctrlKey: true}))");
    browser.wait("two classes", "return location.search === '?class=bright&class=dark'");

    // Back restores what the selects say, with the gallery.
    browser.open(&server.address("/datasets/1?class=dark"));
    browser.run("const order = document.querySelector('[name=order]'); order.value = '-brightness'; order.dispatchEvent(new Event('change', {bubbles: true}))");
    browser.wait("the order", "return location.search.includes('order=-brightness') && document.querySelector('.tile-value') !== null");
    browser.tell("back", &json!({}));
    browser.wait(
        "the gallery before",
        "return location.search === '?class=dark' && document.querySelector('[name=order]')?.value === ''",
    );
    browser.assert_no_errors("filters");
}

#[test]
fn skipped_files_are_a_page_of_their_own() {
    let (_folder, server, browser) = start();
    browser.open(&server.address("/datasets/1"));
    browser.click(".dataset-tabs a[href$='/skipped']");
    browser.wait("the files", "return document.querySelectorAll('.skipped tbody tr').length === 1");
    assert_eq!(
        browser.run(
            "return document.querySelector('.skipped tbody th').getBoundingClientRect().bottom < innerHeight"
        ),
        true
    );
    assert_eq!(
        browser.run("return document.querySelector('.skipped tbody th').innerText"),
        "bright/notes.png"
    );
}
