//! A run's predictions: mistakes by class, a walk through them, back to the tile that one left.

use crate::driver::Browser;
use crate::shared::furnish;
use crate::support::Server;
use serde_json::json;
use std::path::Path;

/// Two classes that nothing tells apart, so that a run has mistakes.
fn draw_alike(folder: &Path) {
    for (class, seed) in [("left", 1_u32), ("right", 2)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for at in 0..60_u32 {
            let image = image::RgbImage::from_fn(16, 16, |x, y| {
                let value = (x * 37 + y * 101 + at * 53 + seed * 29).wrapping_mul(2_654_435_761) >> 24;
                image::Rgb([value as u8; 3])
            });
            image.save(folder.join(class).join(format!("{at:02}.png"))).unwrap();
        }
    }
}

#[test]
fn mistakes_stand_by_class_and_a_walk_ends_at_the_tile_it_left() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_alike(&images);
    let server = Server::start(&folder.path().join("data"));
    let dataset = server.import("alike", &images);
    let recipe = json!({"dataset": dataset["id"], "model": "small-cnn", "epochs": 1, "image_size": 16, "batch_size": 16});
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    let wrong = server.get("/api/v1/runs/1/predictions?correct=false");
    let all = server.get("/api/v1/runs/1/predictions");
    let (wrong, all) = (wrong["total"].as_i64().unwrap(), all["total"].as_i64().unwrap());
    assert!(wrong >= 2 && all > wrong, "{wrong} of {all}");

    let browser = Browser::start();
    browser.open(&server.address("/runs/1/predictions"));
    assert_eq!(
        browser.run("return document.querySelector('.chips strong').innerText"),
        format!("{wrong} mistakes of {all}, by class, most confident first")
    );
    assert_eq!(browser.run("return document.querySelectorAll('.groups .tile:not(.wrong)').length"), 0);
    let tiles = browser.run("return [...document.querySelectorAll('.groups .tile')].map(tile => tile.id)");

    // Enter opens the first, j leads to the second, Escape back to that one.
    browser.run("document.querySelector('.groups .tile').focus()");
    browser.press(&["\u{E007}"]);
    browser.wait(
        "the image",
        "return document.querySelector('[data-up] + .quiet')?.innerText.startsWith('1 of ') === true",
    );
    browser.press(&["j"]);
    browser.wait(
        "the next",
        "return document.querySelector('[data-up] + .quiet')?.innerText.startsWith('2 of ') === true",
    );
    let sample = browser.run("return location.pathname.split('/').at(-1)");
    assert_eq!(json!(format!("tile-{}", sample.as_str().unwrap())), tiles[1]);
    browser.press(&["\u{E00C}"]);
    browser.wait(
        "the tile",
        &format!(
            "return location.pathname.endsWith('/predictions') && document.activeElement?.id === {}",
            tiles[1]
        ),
    );
    // The page is the one that was left, and no list of one class.
    assert_eq!(
        browser.run("return document.querySelectorAll('.groups .tile').length"),
        tiles.as_array().unwrap().len()
    );
    browser.assert_no_errors("predictions");

    // A range of confidence, drawn over the chart, narrows the list and stands among its filters.
    browser.open(&server.address("/runs/1/predictions"));
    let corner = browser.run(
        "const box = document.querySelector('.confidences').getBoundingClientRect();
         return [box.left, box.top, box.width].map(Math.round)",
    );
    let corner: Vec<i64> = corner.as_array().unwrap().iter().map(|part| part.as_i64().unwrap()).collect();
    let to = |share: i64| json!({"type": "pointerMove", "duration": 50, "x": corner[0] + corner[2] * share / 100, "y": corner[1] + 10});
    let actions = [
        to(20),
        json!({"type": "pointerDown", "button": 0}),
        to(60),
        to(100),
        json!({"type": "pointerUp", "button": 0}),
    ];
    let mouse =
        json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions});
    browser.tell("actions", &json!({"actions": [mouse]}));
    browser.wait("the range", "return new URLSearchParams(location.search).get('confidence') !== null");
    let chip = browser.run("return document.querySelector('.chip').innerText");
    assert!(chip.as_str().unwrap().starts_with("confidence "), "{chip}");
    browser.assert_no_errors("predictions");
}

#[test]
fn on_a_phone_the_images_come_before_filters_and_matrix() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    furnish(&data, &folder.path().join("images"));
    let server = Server::start_with_replay(&data);
    let browser = Browser::start();
    let is_shown = |selector: &str| {
        browser.run(&format!(
            "return document.querySelector('{selector}').checkVisibility({{contentVisibilityAuto: true, visibilityProperty: true}})"
        ))
    };
    browser.open(&server.address("/runs/1/predictions?split=val&correct=all"));
    assert_eq!(
        (is_shown(".matrix"), is_shown(".filters"), is_shown(".narrow-fold > summary")),
        (true.into(), true.into(), false.into())
    );

    browser.be_a_phone();
    browser.open(&server.address("/runs/1/predictions?split=val&correct=all"));
    let top = browser.run("return document.querySelector('.tile').getBoundingClientRect().top + scrollY");
    assert!(top.as_f64().unwrap() <= 900.0, "the first image begins at {top}");
    assert_eq!((is_shown(".matrix"), is_shown(".filters")), (false.into(), false.into()));
    let words = "return document.querySelector('.narrow-fold > summary').innerText";
    assert_eq!(browser.run(words), "Filters correct and wrong");
    browser.click("aside summary");
    assert_eq!(is_shown(".matrix"), true);

    // The rail has scrolled to the page that one is at, on each of them.
    for page in ["predictions", "evaluation", "category-to-paths", "gradients"] {
        browser.open(&server.address(&format!("/runs/1/{page}")));
        let beside = browser.run(
            "const [rail, here] = ['#rail', '#rail [aria-current]'].map(one => document.querySelector(one).getBoundingClientRect());
             return [here.left - rail.left, rail.right - here.right].map(Math.round)",
        );
        assert!(beside.as_array().unwrap().iter().all(|space| space.as_i64() >= Some(0)), "{page}: {beside}");
    }

    // The menu of Run again lies within the window, says both ways, and closes on Escape.
    browser.click("#again summary");
    let menu = "return JSON.stringify((({left, right}) => [left >= 0, right <= innerWidth])(document.querySelector('#again > div').getBoundingClientRect()))";
    assert_eq!(browser.run(menu), "[true,true]");
    browser.press(&["\u{E00C}"]);
    assert_eq!(browser.run("return document.querySelector('#again').open"), false);
    browser.assert_no_errors("predictions");
}
