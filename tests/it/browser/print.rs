//! Pages on paper: light also where the screen is dark, bars with their colour, nothing that only a screen can use.

use super::evaluation::evaluated_drawings;
use crate::driver::Browser;
use serde_json::json;

#[test]
fn paper_is_light_and_keeps_its_bars() {
    let (_folder, server) = evaluated_drawings();
    let browser = Browser::start();
    for (page, colored) in [
        ("/runs/1", ".chart"),
        ("/runs/1/evaluation", ".recall .bar, .matrix td.right"),
        ("/runs/1/predictions?correct=all", ".matrix td.right, .tile"),
    ] {
        browser.open(&server.address(page));
        browser.run("document.documentElement.dataset.theme = 'dark'");
        let ground = "getComputedStyle(document.documentElement).backgroundColor";
        let screen = browser.run(&format!("return {ground}"));
        let media = |name: &str| {
            let parameters = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"media": name}});
            browser.tell("goog/cdp/execute", &parameters);
        };
        media("print");
        let style = "getComputedStyle(document.documentElement)";
        assert_eq!(
            browser.run(&format!("return [{style}.color, {style}.backgroundColor]")),
            json!(["rgb(0, 0, 0)", "rgb(255, 255, 255)"]),
            "{page}"
        );
        assert_ne!(screen, "rgb(255, 255, 255)", "{page}: the screen is dark");
        assert_eq!(
            browser.run(
                "return [...document.querySelectorAll('button, .button, .topbar, .crumbs, .edit, .toolbar, input')]
                     .filter(part => part.checkVisibility() && !part.closest('.chart-legend')).map(part => part.outerHTML)"
            ),
            json!([]),
            "{page}"
        );
        if colored != ".chart" {
            assert_eq!(
                browser.run(&format!(
                    "const parts = [...document.querySelectorAll('{colored}')];
                     return parts.length > 0 && parts.every(part => getComputedStyle(part).printColorAdjust === 'exact')"
                )),
                true,
                "{page}"
            );
        }
        media("");
        browser.assert_no_errors(page);
    }
}
