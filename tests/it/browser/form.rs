//! The form of a new run and the loading lab, under the hand.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;

const SOURCES: &str = "[...document.querySelectorAll('#strip img.input')].map(image => image.src).join()";

pub(super) fn furnished() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("shades", &images);
    (folder, server)
}

#[test]
fn the_form_shows_what_a_field_does_and_what_is_wrong() {
    let (_folder, server) = furnished();
    let browser = Browser::start();
    browser.open(&server.address("/runs/new"));
    browser.wait("eight inputs", "return document.querySelectorAll('#strip img.input').length === 8");
    assert_eq!(
        browser.run(
            "return [...document.querySelectorAll('.folded details')].filter(group => group.open).length"
        ),
        0
    );
    // All that everybody chooses, and Start, on one screen.
    assert_eq!(
        browser.run(
            "return ['dataset', 'model', 'epochs', 'strip'].map(id => document.getElementById(id))
                .concat(document.querySelector('.start button'))
                .every(element => element.getBoundingClientRect().top < innerHeight)"
        ),
        true
    );

    // The longest name of a model is read whole, with its arrow beside it.
    let room = browser.run(
        "const pen = document.createElement('canvas').getContext('2d');
         pen.font = getComputedStyle(model).font;
         return model.clientWidth - 32 - Math.max(...[...model.options].map(option => pen.measureText(option.text).width))",
    );
    assert!(room.as_f64().unwrap() >= 0.0, "a model's name lacks {room} pixels");

    // A field changes the images and the line of its group; another draw changes them again.
    let before = browser.run(&format!("return {SOURCES}"));
    browser.click("#group-augmentation > summary");
    browser.retype("#rotation", "45");
    browser.wait("turned images", &format!("return {SOURCES} !== {before}"));
    browser.wait(
        "the line of the group",
        "return document.getElementById('summary-augmentation').innerText.includes('rotation up to 45°')",
    );
    assert_eq!(browser.run("return document.activeElement.id"), "rotation");
    let turned = browser.run(&format!("return {SOURCES}"));
    browser.click("#redraw");
    browser.wait("another draw", &format!("return {SOURCES} !== {turned}"));

    // What is wrong is summed up beside Start, which has the focus; its link leads to the field.
    browser.retype("#cutmix", "-1");
    browser.click(".start button");
    browser.wait("the summary", "return document.activeElement?.id === 'problems'");
    assert_eq!(
        browser.run("return document.querySelector('#problems strong').innerText"),
        "1 field needs attention"
    );
    browser.click("#problems a");
    assert_eq!(browser.run("return document.activeElement.id"), "cutmix");
    assert_eq!(browser.run("return [cutmix.value, rotation.value]"), json!(["-1", "45"]));

    // On a phone Start is on the first screen.
    browser.tell("window/rect", &json!({"width": 500, "height": 900}));
    browser.open(&server.address("/runs/new"));
    assert_eq!(
        browser.run("return document.querySelector('.start button').getBoundingClientRect().bottom < 600"),
        true
    );
}

#[test]
fn the_lab_can_be_undone_and_asks_no_more_than_it_must() {
    let (_folder, server) = furnished();
    let browser = Browser::start();
    browser.open(&server.address("/datasets/1/lab"));
    browser.wait("both editors", "return document.querySelectorAll('.side .step').length > 4");
    // Nothing that can be clicked lies within something that can; every column has a name.
    assert_eq!(
        browser.run(
            "return document.querySelectorAll('summary :is(button, a, input, select), button :is(button, a)').length
                + [...document.querySelectorAll('th')].filter(cell => cell.innerText.trim() === '').length"
        ),
        0
    );

    // The page begins with two presets, and says so.
    let marks =
        browser.run("return [...document.querySelectorAll('[data-origin]')].map(mark => mark.innerText)");
    assert_eq!(marks, json!(["none", "default"]));

    let marks = "return [...document.querySelectorAll('.default-mark')].map(mark => mark.innerText)";
    assert_eq!(browser.run(marks), json!(["default for evaluation", "default for training"]));
    browser.click("[data-side=b] .presets [data-preset=standard]");
    browser.wait(
        "that it is the default no more",
        "return document.querySelectorAll('.default-mark').length === 1 && document.querySelector('#use-a .default-mark') !== null",
    );

    // A preset on a tuned pipeline is taken back by Undo.
    let steps = "return document.querySelector('[name=b]').value";
    browser.click("[data-side=b] .step-head");
    browser.run(
        "const number = document.querySelector('[data-side=b] .parameters input[type=number]');
         number.value = 48; number.dispatchEvent(new Event('input'));",
    );
    let tuned = browser.run(steps);
    assert!(tuned.as_str().unwrap().contains("\"size\":48"), "{tuned}");
    browser.click("[data-side=b] .presets button");
    assert_ne!(browser.run(steps), tuned);
    browser.click("[data-side=b] [data-undo]");
    assert_eq!(browser.run(steps), tuned);
    browser.wait(
        "images of that size",
        "return document.querySelector('.comparison .network-input:last-child img').naturalWidth === 48",
    );

    let mark = "return document.querySelector('[data-side=b] [data-origin]')?.innerText";
    // Also after a reload the page says which preset was changed.
    browser.click("[data-side=b] .presets [data-preset]");
    browser.run(
        "document.querySelector('[data-side=b] .step-head').click();
         const number = document.querySelector('[data-side=b] .parameters input[type=number]');
         number.value = 40; number.dispatchEvent(new Event('input'));",
    );
    let changed = browser.run(mark);
    assert!(changed.as_str().unwrap().ends_with(", changed"), "{changed}");
    browser.wait(
        "the address",
        "const address = new URLSearchParams(location.search);
         return address.has('origin_b') && JSON.parse(address.get('b'))[0].size === 40",
    );
    browser.open(browser.run("return location.href").as_str().unwrap());
    browser.wait("the editors", "return document.querySelectorAll('.side .step').length > 2");
    assert_eq!(browser.run(mark), changed);

    // Ten presses in a row are one question.
    browser.run("performance.clearResourceTimings()");
    browser.run(
        "const slider = document.querySelector('[data-side=a] .parameters input[type=range]');
         for (let press = 0; press < 10; press += 1) {
           slider.value = 40 + press;
           slider.dispatchEvent(new Event('input'));
         }",
    );
    browser.wait(
        "an answer",
        "return JSON.parse(new URLSearchParams(location.search).get('a'))[0].size === 49
            && performance.getEntriesByType('resource').some(entry => entry.initiatorType === 'fetch')",
    );
    assert_eq!(
        browser.run("return performance.getEntriesByType('resource').filter(entry => entry.initiatorType === 'fetch').length"),
        1
    );

    // A pipeline is named, renamed, deleted and brought back without a dialog.
    let saved = "[...document.querySelectorAll('[data-side=b] .saved option')].map(option => option.innerText).slice(1).join()";
    let press = |label: &str| {
        browser.run(&format!(
            "[...document.querySelectorAll('[data-side=b] .saved button')].find(button => button.innerText.startsWith({})).click()",
            json!(label)
        ));
    };
    press("Save as");
    browser.type_into("[data-side=b] .saved input", "mine");
    press("Save");
    browser.wait("it is saved", &format!("return {saved} === 'mine'"));
    press("Rename");
    browser.retype("[data-side=b] .saved input", "yours");
    press("Rename");
    browser.wait("it is renamed", &format!("return {saved} === 'yours'"));
    press("Delete");
    browser.wait("it is gone", &format!("return {saved} === ''"));
    browser.wait("a way back", "return document.activeElement?.innerText.includes('undo') ?? false");
    browser.run("document.activeElement.click()");
    browser.wait("it is back", &format!("return {saved} === 'yours'"));
    browser.assert_no_errors("lab");
}
