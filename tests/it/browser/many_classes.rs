//! A run of 300 classes: few stops of the tabulator key, short lists, and mistakes that bear a sign.

use super::evaluation::{STOPS, evaluated_classes};
use crate::driver::Browser;

#[test]
fn predictions_of_many_classes_take_few_stops_and_show_what_matters() {
    let (_folder, server) = evaluated_classes();
    let browser = Browser::start();
    for page in
        ["/runs/1/predictions", "/runs/1/predictions?correct=false", "/runs/1/predictions?correct=all"]
    {
        browser.open(&server.address(page));
        let stops = browser.run(STOPS);
        assert!(stops.as_i64().unwrap() < 60, "{page}: {stops}");
    }

    // One stop leads to all classes, another to all tiles.
    browser.open(&server.address("/runs/1/predictions"));
    let groups = browser.run("return document.querySelectorAll('.group').length").as_i64().unwrap();
    assert!(groups > 2, "{groups}");
    for (selector, key) in [(".groups h2 a", "\u{E015}"), (".groups .tile", "\u{E014}")] {
        browser.run(&format!("document.querySelector('{selector}').focus()"));
        browser.press(&[key]);
        assert_eq!(
            browser.run(&format!(
                "const all = [...document.querySelectorAll('{selector}')];
                 return all.indexOf(document.activeElement) > 0 && document.activeElement.tabIndex === 0 && all[0].tabIndex === -1"
            )),
            true,
            "{selector}"
        );
    }

    // A wrong image bears a sign, and not colour alone.
    assert_eq!(
        browser.run(
            "return [...document.querySelectorAll('.groups .tile')].every(tile => tile.matches('.wrong')
                 && getComputedStyle(tile, '::after').content.includes('✗') && tile.querySelector('img').alt.startsWith('wrong: '))"
        ),
        true
    );

    // The lists of confusions end, and an image's page names the classes that matter.
    for page in ["/runs/1/predictions", "/runs/1/evaluation"] {
        browser.open(&server.address(page));
        let listed =
            browser.run("return document.querySelectorAll('.confusions li').length").as_i64().unwrap();
        assert!((1..=25).contains(&listed), "{page}: {listed}");
    }
    let wrong = server.get("/api/v1/runs/1/predictions?correct=false");
    browser.open(&server.address(&format!("/runs/1/samples/{}", wrong["items"][0]["sample_id"])));
    let shown = "[...document.querySelectorAll('.run-sample .bars tr')].filter(row => row.checkVisibility())";
    let rows = browser.run(&format!("return {shown}.length")).as_i64().unwrap();
    assert!((5..=6).contains(&rows), "{rows}");
    assert_eq!(
        browser.run(&format!("return {shown}.some(row => row.innerText.includes('true class'))")),
        true
    );
    assert_eq!(
        browser.run("return document.querySelector('.run-sample details summary').innerText"),
        format!("{} more classes", 300 - rows)
    );
    browser.assert_no_errors("many classes");
}
