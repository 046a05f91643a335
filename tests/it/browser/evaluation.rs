//! A run's evaluation: bars and intervals on one scale, a matrix in every mode, many classes with few stops of the
//! tabulator key.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// So many classes of two images each, every class of its own colour.
fn draw_classes(folder: &Path, classes: u32) {
    for class in 0..classes {
        let folder = folder.join(format!("class-{class:03}"));
        std::fs::create_dir_all(&folder).unwrap();
        for at in 0..2_u32 {
            let red = class % 16 * 16 + at;
            let green = class / 16 * 12;
            let image = image::RgbImage::from_pixel(8, 8, image::Rgb([red as u8, green as u8, 128]));
            image.save(folder.join(format!("{at}.png"))).unwrap();
        }
    }
}

/// How many stops of the tabulator key a page has.
pub(super) const STOPS: &str =
    "return [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
         .filter(part => part.tabIndex >= 0 && !part.disabled && part.checkVisibility()).length";

/// A server with one run of one epoch, evaluated, on the images that `draw` leaves in a folder.
fn evaluated(draw: impl FnOnce(&Path), mut recipe: Value) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw(&images);
    let server = Server::start(&folder.path().join("data"));
    recipe["dataset"] = server.import("colours", &images)["id"].clone();
    recipe["epochs"] = json!(1);
    recipe["model"] = json!("small-cnn");
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    (folder, server)
}

/// As [`evaluated`], on drawings of two classes.
pub(super) fn evaluated_drawings() -> (TempDir, Server) {
    evaluated(draw_images, json!({"image_size": 32, "batch_size": 16}))
}

/// As [`evaluated`], on 300 classes.
pub(super) fn evaluated_classes() -> (TempDir, Server) {
    evaluated(|folder| draw_classes(folder, 300), json!({"image_size": 16, "batch_size": 64}))
}

#[test]
fn a_bar_of_recall_ends_where_its_interval_does() {
    let (_folder, server) = evaluated_drawings();
    let browser = Browser::start();
    browser.open(&server.address("/runs/1/evaluation"));
    // The scale is what is tested, so every bar is as long as it can be; an interval of 100 % ends at 100 %.
    for width in [1280, 640] {
        browser.tell("window/rect", &json!({"width": width, "height": 1000}));
        let ends = browser.run(
            "return [...document.querySelectorAll('.classes tbody tr')].map(row => {
                 const [bar, interval] = [row.querySelector('.recall .bar'), row.querySelector('.recall .interval')];
                 bar.style.width = '100%';
                 interval.style.left = '90%';
                 interval.style.width = '10%';
                 return bar.getBoundingClientRect().right - interval.getBoundingClientRect().right;
             })",
        );
        let ends = ends.as_array().unwrap();
        assert_eq!(ends.len(), 2);
        assert!(ends.iter().all(|end| end.as_f64().unwrap().abs() <= 1.0), "{width}: {ends:?}");
    }
    browser.tell("window/rect", &json!({"width": 1280, "height": 1000}));

    // Each mode of the matrix keeps the other choices, and the sort.
    browser.click(".classes thead th:nth-child(4) a");
    browser.wait("the sort", "return location.search.includes('sort=recall')");
    assert_eq!(
        browser.run("return document.querySelector('.classes [aria-sort=ascending]').innerText.trim()"),
        "Recall ↑"
    );
    for (mode, words) in [("Row %", "share of its row"), ("Hidden", "share of its row")] {
        browser.run(&format!(
            "[...document.querySelectorAll('.tabs a')].find(link => link.innerText.trim() === '{mode}').click()"
        ));
        browser.wait(
            mode,
            &format!(
                "return [...document.querySelectorAll('.tabs [aria-current]')].some(link => link.innerText.trim() === '{mode}')
                     && document.body.innerText.includes('{words}') && location.search.includes('sort=recall')"
            ),
        );
    }
    browser.assert_no_errors("evaluation");
}

#[test]
fn three_hundred_classes_take_few_stops() {
    let (_folder, server) = evaluated_classes();
    let browser = Browser::start();
    browser.open(&server.address("/runs/1/evaluation"));
    browser.wait("the heat map", "return document.querySelector('.heat-map canvas')?.width > 100");
    let stops = browser.run(STOPS);
    assert!(stops.as_i64().unwrap() < 60, "{stops}");
    // The heat map is one stop; its cell is told in words, and opened by Enter where it holds images.
    let evaluation = server.get("/api/v1/runs/1/evaluation");
    let first = evaluation["confusion"][0].as_array().unwrap();
    let predicted = first.iter().position(|count| *count != 0).unwrap();
    assert_eq!(browser.run("return document.querySelectorAll('.classes tbody tr').length"), 300);
    browser.run("document.querySelector('.heat-map canvas').focus()");
    browser.press(&vec!["\u{E014}"; predicted + 1]);
    let cell = browser.run("return document.querySelector('.heat-map-cell').innerText");
    assert!(cell.as_str().unwrap().contains(&format!("predicted class-{predicted:03}: 1")), "{cell}");
    browser.press(&["\u{E007}"]);
    browser.wait(
        "the cell's images",
        "return location.pathname.endsWith('/predictions') && location.search.includes('actual=class-000')",
    );
    browser.assert_no_errors("evaluation");
}
