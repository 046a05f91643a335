//! Further jobs of a run: the training split evaluated by one click, and images of one's own, from the run's page to their bars.

use super::evaluation::evaluated_drawings;
use crate::driver::Browser;
use serde_json::json;

#[test]
fn the_training_split_is_one_click_away() {
    let (_folder, server) = evaluated_drawings();
    let browser = Browser::start();
    browser.open(&server.address("/runs/1/evaluation"));
    browser.click("form[action='/runs/1/jobs?split=train'] button");
    browser.wait(
        "the result to come by itself",
        "return document.body.textContent.includes('correct on the training split')",
    );
    browser.click("a[href='/runs/1/evaluation?split=train']");
    browser.wait(
        "the evaluation of that split",
        "return document.querySelector('.headline')?.textContent.includes('training') ?? false",
    );
    let offered =
        browser.run("return document.querySelector(\"form[action='/runs/1/jobs?split=train']\") !== null");
    assert_eq!(offered, json!(false), "it is there now");
    browser.assert_no_errors("the evaluation of the training split");
}

#[test]
fn an_image_of_ones_own_gets_its_bars() {
    let (folder, server) = evaluated_drawings();
    let browser = Browser::start();
    browser.open(&server.address("/runs/1"));
    assert!(
        browser
            .run("return document.querySelector('#jobs').textContent")
            .to_string()
            .contains("No further job yet")
    );
    let image = folder.path().join("images/dark/03.png");
    browser.type_into("#try-files", image.to_str().unwrap());
    browser.click(".try-it button");
    browser.wait("the bars", "return document.querySelectorAll('.tried .bars tr').length === 2");
    let said = browser.run("return document.querySelector('.tried .prediction').textContent").to_string();
    assert!(said.contains("dark") || said.contains("bright"), "{said}");
    browser.wait("the image", "return document.querySelector('.tried img').naturalWidth > 0");
    for (width, dark) in [(1280, false), (400, true)] {
        browser.tell("window/rect", &json!({"width": width, "height": 900}));
        browser.set_dark(dark);
        let fits = browser.run("return document.documentElement.scrollWidth <= innerWidth");
        assert_eq!(fits, json!(true), "at {width} pixels");
    }
    // Removed, with the image.
    browser.run("window.confirm = () => true");
    browser.click("form[action='/runs/1/jobs/1/delete'] button");
    browser.wait(
        "the list without it",
        "return document.querySelector('#jobs')?.textContent.includes('No further job yet') ?? false",
    );
    assert!(!folder.path().join("data/runs/1/jobs/1").exists());
    browser.assert_no_errors("a run whose job was removed");
}
