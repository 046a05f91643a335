//! The edit bar: only what is chosen happens, and one stays where one was.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;
use tempfile::TempDir;

/// 80 images of two classes, and the gallery of the dark ones with two of them selected.
fn two_selected() -> (TempDir, Server, Browser) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("shades", &images);
    let browser = Browser::start();
    browser.open(&server.address("/datasets/1?class=dark"));
    for at in [2, 3] {
        browser.click(&format!("#gallery .pickable:nth-child({at}) .pick input"));
    }
    browser.wait("two selected", "return document.querySelector('#edit output').innerText === '2 selected'");
    (folder, server, browser)
}

fn versions(server: &Server) -> usize {
    server.get("/api/v1/datasets/1/versions")["items"].as_array().unwrap().len()
}

#[test]
fn enter_in_the_bar_does_nothing_that_was_not_chosen() {
    let (_folder, server, browser) = two_selected();
    browser.type_into("#edit [name=note]", "blurry\u{e007}");
    browser.type_into("#edit [name=class]", "bright\u{e007}");
    // What was typed is still there, nothing was sent.
    assert_eq!(
        browser.run("return [edit.elements.note.value, edit.elements.class.value, document.querySelector('#edit output').innerText]"),
        json!(["blurry", "bright", "2 selected"])
    );
    assert_eq!(versions(&server), 1);
    // Without script, the form's first button is pressed by Enter: that one does nothing.
    assert_eq!(
        browser.run(
            "const first = edit.querySelector('button'); return first.disabled && first.type === 'submit'"
        ),
        true
    );
    browser.assert_no_errors("edit bar");

    // The button does it, and the version says what and why.
    browser.click("#edit [value=relabel]");
    browser.wait(
        "what was done",
        "return document.querySelector('.done')?.innerText.includes('2 images: dark → bright · blurry') ?? false",
    );
    assert_eq!(versions(&server), 2);
    browser.click(".done button");
    browser.wait(
        "the undo",
        "return document.querySelector('.done')?.innerText.startsWith('Undo of version 2') ?? false",
    );
    browser.click(".done button");
    browser.wait(
        "the redo",
        "return document.querySelector('.done')?.innerText.startsWith('Redo of version 2') ?? false",
    );
}

#[test]
fn an_edit_that_changes_nothing_says_so_and_keeps_the_selection() {
    let (_folder, server, browser) = two_selected();
    browser.type_into("#edit [name=class]", "dark");
    browser.click("#edit [value=relabel]");
    browser.wait(
        "why nothing changed",
        "return document.querySelector('.edit-said').innerText === 'Nothing to change: they already have that label.'",
    );
    assert_eq!(
        browser.run("return [document.querySelectorAll('.picked').length, document.querySelector('#edit output').innerText]"),
        json!([2, "2 selected"])
    );
    // Nothing chosen is asked for, not guessed.
    browser.run("edit.elements.class.value = ''");
    browser.click("#edit [value=relabel]");
    browser.wait(
        "what is missing",
        "return document.querySelector('.edit-said').innerText.startsWith('Choose a class')",
    );
    assert_eq!(versions(&server), 1);
}

#[test]
fn an_edit_by_a_key_comes_back_to_the_same_place_and_filter() {
    let (_folder, server, browser) = two_selected();
    browser.tell("window/rect", &json!({"width": 700, "height": 600}));
    browser.open(&server.address("/datasets/1?class=dark"));
    browser.run("document.querySelectorAll('#gallery .tile')[24].focus()");
    browser.run("document.querySelectorAll('#gallery .tile')[24].scrollIntoView({block: 'center'})");
    browser
        .run("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'x', bubbles: true}))");
    // A tile near it that stays.
    let name = browser.run("return document.querySelectorAll('#gallery .tile')[23].id");
    let top = format!("document.getElementById({name}).getBoundingClientRect().top");
    let before = browser.run(&format!("return {top}")).as_f64().unwrap();
    browser
        .run("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: '1', bubbles: true}))");
    browser.wait(
        "what was done",
        "return document.querySelector('.done')?.innerText.includes('1 image: dark → bright') ?? false",
    );
    assert_eq!(
        browser.run("return [location.pathname + location.search, scrollY > 0]"),
        json!(["/datasets/1?class=dark", true])
    );
    let after = browser.run(&format!("return {top}")).as_f64().unwrap();
    assert!((before - after).abs() < 2.0, "it stood at {before}, and stands at {after}");
}

#[test]
fn the_bar_takes_two_rows_on_a_phone_and_cuts_nothing_off() {
    let (_folder, server, browser) = two_selected();
    browser.tell("window/rect", &json!({"width": 500, "height": 800}));
    browser.open(&server.address("/datasets/1"));
    browser.click("#gallery .pickable:nth-child(2) .pick input");
    browser.wait("the bar", "return !document.querySelector('#edit').hidden");
    let cut = browser.run(
        "const bar = document.querySelector('#edit').getBoundingClientRect();
         return [...document.querySelectorAll('#edit button, #edit input:not([type=hidden]), #edit summary')]
             .filter(part => part.offsetParent !== null)
             .filter(part => { const box = part.getBoundingClientRect(); return box.right > bar.right || box.left < bar.left; })
             .map(part => part.outerHTML)",
    );
    assert_eq!(cut, json!([]));
    let height = browser.run("return document.querySelector('#edit').offsetHeight").as_f64().unwrap();
    assert!(height < 110.0, "the bar is {height} pixels high");
}
