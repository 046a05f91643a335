//! What a person does in the browser: import, form, live charts, a confusion cell, an image's page; editing a data set;
//! two ways of loading. A page that logs an error fails the test.

use super::zip_folder;
use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::json;
use std::path::Path;

#[test]
fn a_person_goes_from_an_archive_to_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let archive = folder.path().join("shades.zip");
    zip_folder(&images, &archive);
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start();

    // Drop the archive on the empty home page.
    browser.open(&server.address("/"));
    browser.drop_file(&archive);
    browser.click("[data-start]");
    browser.wait(
        "the imported data set",
        "return document.querySelector('h1')?.innerText.startsWith('shades 80 images in 2 classes') ?? false",
    );
    assert_eq!(
        browser.run("return [...document.querySelectorAll('.segments a')].map(link => link.innerText)"),
        json!(["All 80", "Training 64", "Validation 16"])
    );
    assert_eq!(browser.run("return document.querySelectorAll('#gallery .tile').length"), 60);
    browser.wait("the second page of the gallery", "scrollTo(0, document.body.scrollHeight); return document.querySelectorAll('#gallery .tile').length === 80");
    browser.assert_no_errors("data set");

    // A value that is no number comes back beside its field, and the rest stays.
    browser.click(".dataset-head a.primary");
    browser.retype("#epochs", "many");
    browser.click("#group-augmentation > summary");
    browser.retype("#image_size", "32");
    browser.click("button.primary.large");
    browser.wait(
        "the refusal",
        "return document.querySelector('#epochs')?.closest('.field').querySelector('.error') !== null",
    );
    assert_eq!(browser.run("return [epochs.value, image_size.value]"), json!(["many", "32"]));
    // The refusal is a 422, which Chromium logs as a failed load; there must be nothing else.
    let log = browser.tell("se/log", &json!({"type": "browser"}));
    assert!(
        log.as_array()
            .unwrap()
            .iter()
            .all(|entry| entry["level"] != "SEVERE" || entry["message"].as_str().unwrap().contains("422")),
        "{log}"
    );

    // Start, and watch it learn.
    browser.retype("#epochs", "6");
    browser.click("button.primary.large");
    browser.wait("live charts", "return document.querySelectorAll('.chart .uplot canvas').length === 4");
    browser
        .wait("the end of the run", "return document.querySelector('#run-status .state.completed') !== null");
    browser.wait("six epochs", "return document.querySelectorAll('#epochs tbody tr').length === 6");
    browser.wait("charts again", "return document.querySelectorAll('.chart .uplot canvas').length === 4");
    browser.assert_no_errors("run");

    // What went in: every image of the batch is there, as fed and as it was.
    browser.click(".rail a[href$='/inputs']");
    browser.wait(
        "fed images",
        "const all = [...document.querySelectorAll('.pairs img')];
         all.forEach(image => { image.loading = 'eager'; });
         return all.length === 64 && all.every(image => image.complete && image.naturalWidth === 32)",
    );
    browser.assert_no_errors("inputs");
    browser.click(".rail a[href$='/gradients']");
    browser.wait("the heat map", "return (document.querySelector('.heatmap canvas')?.height ?? 0) > 4 && document.querySelector('.plot canvas') !== null");
    browser.assert_no_errors("gradients");

    // From a cell of the confusion matrix to its images, and to one of them.
    browser.click(".rail a[href$='/evaluation']");
    browser.wait("the evaluation", "return document.querySelector('.matrix td a') !== null");
    let count = browser.run("return Number(document.querySelector('.matrix td a').innerText)");
    browser.assert_no_errors("evaluation");
    browser.click(".matrix td a");
    browser.wait("the cell's images", "return document.querySelector('#gallery .tile') !== null");
    assert_eq!(browser.run("return document.querySelectorAll('#gallery .tile').length"), count);
    assert_eq!(browser.run("return new URLSearchParams(location.search).get('actual')"), "bright");
    browser.click("#gallery .tile");
    browser.wait("the image's page", "return document.querySelector('.prediction') !== null");
    assert_eq!(browser.run("return document.querySelectorAll('.bars tr').length"), 2);
    browser
        .wait("the image", "return document.querySelector('.run-sample .original img').naturalWidth === 32");
    browser.assert_no_errors("image");

    // A narrow window has no sideways scrolling.
    browser.tell("window/rect", &json!({"width": 500, "height": 900}));
    for page in [
        "/",
        "/runs",
        "/runs/new",
        "/runs/1",
        "/runs/1/inputs",
        "/runs/1/predictions",
        "/runs/1/evaluation",
        "/datasets/1",
    ] {
        browser.open(&server.address(page));
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64().unwrap() <= 0, "{page} is {wide} pixels too wide");
        browser.assert_no_errors(page);
    }
}

#[test]
#[ignore = "needs TINTYPE_REAL_DATA"]
fn real_data_is_dropped_in_the_browser() {
    let data =
        std::env::var_os("TINTYPE_REAL_DATA").expect("TINTYPE_REAL_DATA names the folder with cats-dogs.zip");
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let browser = Browser::start();
    browser.open(&server.address("/datasets/new"));
    browser.drop_file(&Path::new(&data).join("cats-dogs.zip"));
    browser.click("[data-start]");
    browser.wait(
        "1,000 samples",
        "return document.querySelector('h1')?.innerText.startsWith('cats-dogs 1,000 images in 2 classes') ?? false",
    );
    let splits =
        browser.run("return [...document.querySelectorAll('.segments a')].map(link => link.innerText)");
    assert_eq!(splits, json!(["All 1,000", "Training 800", "Validation 200"]));
    browser.assert_no_errors("data set");
}

#[test]
fn a_person_edits_a_data_set_and_takes_a_way_of_loading_into_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    for copy in ["copy-1.png", "copy-2.png"] {
        std::fs::copy(images.join("dark/07.png"), images.join("dark").join(copy)).unwrap();
    }
    let archive = folder.path().join("shades.zip");
    zip_folder(&images, &archive);
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start();
    browser.open(&server.address("/datasets/new"));
    browser.drop_file(&archive);
    browser.click("[data-start]");
    browser.wait(
        "the imported data set",
        "return document.querySelector('h1')?.innerText.startsWith('shades 82 images') ?? false",
    );

    // What the images are like; a bar opens its own, and the address keeps it.
    browser.click(".dataset-tabs a[href$='/overview']");
    browser.wait(
        "the overview",
        "const means = [...document.querySelectorAll('.mean img')];
         means.forEach(image => { image.loading = 'eager'; });
         return means.length === 2 && means.every(image => image.naturalWidth === 32) && document.querySelectorAll('.spread svg').length >= 3",
    );
    let bar = "[...document.querySelectorAll('.spread svg')].find(chart => chart.querySelectorAll('a').length > 2).querySelector('a')";
    let says = browser.run(&format!("return {bar}.getAttribute('aria-label')"));
    browser.run(&format!("{bar}.focus()"));
    browser.run(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}))",
    );
    assert_eq!(
        browser.run("const bars = [...document.activeElement.parentNode.querySelectorAll('a')]; return bars.at(-1) === document.activeElement && bars[0].tabIndex === -1"),
        true
    );
    browser.run(&format!("location.href = {bar}.getAttribute('href')"));
    browser.wait("the bar's images", "return document.querySelector('#gallery .tile') !== null && new URLSearchParams(location.search).has('range')");
    let count = browser.run("return document.querySelectorAll('#gallery .tile').length").to_string();
    assert!(says.as_str().unwrap().contains(&format!(": {count} image")), "{says}: {count}");
    assert_eq!(browser.run("return document.querySelectorAll('.chips .chip').length"), 1);
    browser.assert_no_errors("overview");

    // The report, and from its count to the images.
    browser.click(".dataset-tabs a[href$='/health']");
    browser.wait(
        "the report",
        "return document.querySelector('#check-exact_duplicate .check-count a') !== null",
    );
    assert_eq!(
        browser.run("return document.querySelector('#check-exact_duplicate .check-count a').innerText"),
        "3"
    );
    browser.assert_no_errors("health");
    browser.click("#check-exact_duplicate .check-count a");
    browser.wait("three copies", "return document.querySelectorAll('#gallery .tile').length === 3");
    assert_eq!(browser.run("return document.querySelector('#edit').hidden"), true);

    // The second and, with shift, the third; then out with them.
    browser.click("#gallery .pickable:nth-child(2) input");
    browser.run("document.querySelector('#gallery .pickable:nth-child(3) input').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, shiftKey: true}))");
    browser.wait("two selected", "return document.querySelector('#edit output').innerText === '2 selected'");
    browser.click("#edit button[value=exclude]");
    browser.wait(
        "the new version",
        "return document.querySelector('.done')?.innerText.startsWith('2 images excluded') ?? false",
    );
    assert_eq!(browser.run("return document.querySelector('h1').innerText"), "shades 80 images in 2 classes");
    browser.assert_no_errors("after excluding");

    // What changed; undone; and told again.
    browser.click(".done a");
    browser
        .wait("the diff", "return document.querySelector('.change h3')?.innerText === 'excluded 2 images'");
    assert_eq!(browser.run("return document.querySelectorAll('.change .tile').length"), 2);
    browser.click(".title-row .actions button");
    browser.wait(
        "the versions",
        "return document.querySelector('tbody tr td')?.innerText.startsWith('Undo of version 2') ?? false",
    );
    assert_eq!(browser.run("return document.querySelectorAll('tbody tr').length"), 3);
    let prints = browser.run("return [...document.querySelectorAll('tbody code')].map(code => code.title)");
    assert_eq!(prints[0], prints[2], "undone is as imported");
    assert_ne!(prints[0], prints[1]);
    browser.assert_no_errors("versions");

    // By keys: the first image focused, selected, relabelled.
    browser.click(".dataset-tabs a");
    browser.wait("the gallery", "return document.querySelectorAll('#gallery .tile').length === 60");
    browser.run("document.querySelector('#gallery .tile').focus(); document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'x', bubbles: true}))");
    browser.wait("one selected", "return document.querySelector('#edit output').innerText === '1 selected'");
    browser.type_into("#edit [name=class]", "dusk");
    browser.click("#edit button[value=relabel]");
    browser.wait(
        "a third class",
        "return document.querySelector('h1')?.innerText === 'shades 82 images in 3 classes'",
    );
    browser.click(".done button");
    browser.wait(
        "two classes again",
        "return document.querySelector('h1')?.innerText === 'shades 82 images in 2 classes'",
    );

    // Two ways of loading: a preset on the right, with one transform more.
    browser.click(".dataset-tabs a[href$='/lab']");
    browser.wait("the lab", "return document.querySelectorAll('.comparison').length === 8 && document.querySelectorAll('.side .step').length > 4");
    let before =
        browser.run("return document.querySelector('.comparison .network-input:last-child img').src");
    browser.run("[...document.querySelectorAll('[data-side=b] .presets button')].find(each => each.innerText === 'standard').click()");
    browser.wait(
        "another image",
        &format!(
            "return document.querySelector('.comparison .network-input:last-child img').src !== {before}"
        ),
    );
    browser.run("const choose = document.querySelector('[data-side=b] .add select'); choose.value = 'rotation'; choose.dispatchEvent(new Event('change'))");
    browser.run("const most = [...document.querySelectorAll('[data-side=b] .step')].find(each => each.innerText.includes('Rotation')).querySelectorAll('input[type=number]')[1]; most.value = 90; most.dispatchEvent(new Event('input'))");
    browser.wait("the draw of it", "return [...document.querySelectorAll('#detail .drawn-list li')].some(each => each.innerText.startsWith('Rotation: degrees'))");
    // The address follows when the hand rests.
    browser.wait("its angles in the address", "return JSON.parse(new URLSearchParams(location.search).get('b')).find(step => step.name === 'rotation').degrees.join() === '-15,90'");
    browser.assert_no_errors("lab");
    browser.click("#use-b a");
    browser.wait("the form with it", "return [...document.querySelectorAll('.run-form .notice li')].some(each => each.innerText.startsWith('Rotation: angle -15 to 90°'))");
    browser.retype("#epochs", "1");
    browser.click("button.primary.large");
    browser
        .wait("the end of the run", "return document.querySelector('#run-status .state.completed') !== null");
    let run = server.get("/api/v1/runs/1");
    let names: Vec<&str> = run["spec"]["train_transforms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["random_resized_crop", "horizontal_flip", "color_jitter", "rotation", "normalize"]);
    assert_eq!(run["dataset_version"], 5);
    browser.assert_no_errors("run");

    browser.tell("window/rect", &json!({"width": 500, "height": 900}));
    for page in [
        "/datasets/1",
        "/datasets/1/overview",
        "/datasets/1/skipped",
        "/datasets/1/runs",
        "/datasets/1/versions/compare?from=1&to=2",
        "/datasets/1/health",
        "/datasets/1/lab",
        "/datasets/1/versions",
        "/datasets/1/versions/2",
    ] {
        browser.open(&server.address(page));
        let wide = browser.run("return document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64().unwrap() <= 0, "{page} is {wide} pixels too wide");
        browser.assert_no_errors(page);
    }
}
