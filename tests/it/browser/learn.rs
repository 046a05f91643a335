//! What learns and from which weights, under the hand: what is chosen brings what belongs to it, and what was typed stays.

use crate::driver::Browser;
use crate::learn::{put_weights, with_photos};
use serde_json::json;

const LITE0: &str = "efficientnet-lite0-imagenet";

#[test]
fn weights_chosen_by_name_bring_what_belongs_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_photos(folder.path());
    let browser = Browser::start();
    // While the form is open, the weights come.
    browser.open(&server.address("/runs/new"));
    browser.wait("eight inputs", "return document.querySelectorAll('#strip img.input').length === 8");
    let seen = "[...document.querySelectorAll('.field:not([hidden]) > label')].map(label => label.innerText)";
    assert_eq!(browser.run("return document.querySelector('[name=training]:checked').value"), "scratch");
    assert_eq!(browser.run("return document.getElementById('weights').checkVisibility()"), false);
    assert_eq!(browser.run(&format!("return {seen}.includes('Model')")), true);
    put_weights(&folder.path().join("data"), LITE0);
    // By the keyboard: the choice above, two to the left.
    browser.run("document.querySelector('[name=training]:checked').focus()");
    browser.press(&["\u{e012}", "\u{e012}"]);
    assert_eq!(browser.run("return document.querySelector('[name=training]:checked').value"), "head");
    browser.wait("the size of the weights", "return image_size.value === '224' && epochs.value === '30'");
    assert_eq!(browser.run("return document.getElementById('weights').checkVisibility()"), true);
    assert_eq!(browser.run("return normalization.value"), "efficientnet-lite");
    browser.wait("no model to choose", &format!("return !{seen}.includes('Model')"));

    // What was typed stays, whatever is chosen; what has no say goes out of sight, and is kept.
    browser.retype("#epochs", "7");
    browser.click("[name=weights][value=efficientnet-lite1-imagenet]");
    browser.wait("the size of the others", "return image_size.value === '240'");
    browser.click("[name=training][value=scratch]");
    browser.wait("the size without weights", "return image_size.value === '64'");
    assert_eq!(browser.run("return [epochs.value, model.value]"), json!(["7", "small-cnn"]));
    browser.wait(
        "the line",
        "return document.getElementById('differences').innerText.includes('What learns All layers from nothing, Epochs 7')",
    );
    browser.click("[name=training][value=head]");
    browser.wait("the others again", "return image_size.value === '240' && epochs.value === '7'");
    browser.click(&format!("[name=weights][value={LITE0}]"));
    browser.wait("the first again", "return image_size.value === '224'");

    // The network is asked with what stands there.
    browser.click(".start button");
    browser.wait("the run", "return document.querySelector('.run-head') !== null");
    let spec = server.get("/api/v1/runs/1")["spec"].take();
    assert_eq!(
        [&spec["training"]["name"], &spec["weights"], &spec["epochs"], &spec["image_size"]],
        [&json!("head"), &json!(LITE0), &json!(7), &json!(224)]
    );
    browser.wait("the end", "return document.querySelector('a[href=\"/runs/new?from=1\"]') !== null");
    browser.click("a[href='/runs/new?from=1']");
    browser.wait(
        "the form",
        "return document.querySelector('[name=training]:checked')?.value === 'fine-tune'
            && document.querySelector('[name=weights]:checked').closest('label').innerText.startsWith('Run 1’s best epoch')",
    );
    browser.assert_no_errors("form");
}
