//! Charts: every button, legend entry and the plot itself do what they promise and nothing else; a view outlives live
//! news, a reload and a second tab.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server with one run of so many epochs, and a browser.
fn started(epochs: u32) -> (TempDir, Server, Browser) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    let dataset = server.import("shades", &images);
    let recipe = json!({"dataset": dataset["id"], "model": "small-cnn", "epochs": epochs, "image_size": 32, "batch_size": 16});
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    (folder, server, Browser::start())
}

fn trained(epochs: u32) -> (TempDir, Server, Browser) {
    let (folder, server, browser) = started(epochs);
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    (folder, server, browser)
}

const DRAWN: &str = "return document.querySelectorAll('.chart .uplot canvas').length === 4";

/// Keeps what a page hands out as a file, by its name.
const CATCH_FILES: &str = "
    window.files = {};
    const address = URL.createObjectURL;
    let handed = null;
    URL.createObjectURL = blob => { handed = blob; return address(blob); };
    HTMLAnchorElement.prototype.click = function () {
        const name = this.download;
        handed.text().then(text => { window.files[name] = text; });
    };";

/// Drags over a plot, from and to in pixels of it.
fn drag(browser: &Browser, plot: &str, from: (i64, i64), to: (i64, i64)) {
    browser.run(&format!("document.querySelector('{plot}').scrollIntoView({{block: 'center'}})"));
    let corner = browser.run(&format!(
        "const box = document.querySelector('{plot}').getBoundingClientRect(); return [Math.round(box.left), Math.round(box.top)]"
    ));
    let (left, top) = (corner[0].as_i64().unwrap(), corner[1].as_i64().unwrap());
    let to_point =
        |(x, y): (i64, i64)| json!({"type": "pointerMove", "duration": 50, "x": left + x, "y": top + y});
    let middle = (i64::midpoint(from.0, to.0), i64::midpoint(from.1, to.1));
    let press = json!({"type": "pointerDown", "button": 0});
    let release = json!({"type": "pointerUp", "button": 0});
    let actions = [to_point(from), press, to_point(middle), to_point(to), release];
    let mouse =
        json!({"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions});
    browser.tell("actions", &json!({"actions": [mouse]}));
}

fn query(browser: &Browser, name: &str) -> Value {
    browser.run(&format!("return new URLSearchParams(location.search).get('{name}')"))
}

#[test]
fn every_part_of_a_chart_does_what_it_promises_and_opens_no_dialog() {
    let (_folder, server, browser) = trained(2);
    browser.open(&server.address("/runs/1"));
    browser.wait("the charts", DRAWN);
    browser.run(CATCH_FILES);
    let no_dialog = || assert_eq!(browser.run("return document.querySelector('dialog[open]')"), json!(null));
    let loss = "document.querySelector('#chart-loss')";

    // Pressed is seen, focus stays.
    browser.click("#chart-loss .chart-tools button:nth-child(1)");
    assert_eq!(browser.run("return document.activeElement.getAttribute('aria-pressed')"), "true");
    assert_eq!(query(&browser, "log"), "loss");
    no_dialog();
    browser.click("#chart-loss .chart-tools button:nth-child(2)");
    assert_eq!(
        browser.run("return [...document.querySelectorAll('.chart')].filter(chart => !chart.hidden).map(chart => chart.id)"),
        json!(["chart-loss"])
    );
    assert_eq!(browser.run("return document.activeElement.innerText"), "All charts");
    no_dialog();
    browser.run("history.back()");
    browser
        .wait("all charts", "return [...document.querySelectorAll('.chart')].every(chart => !chart.hidden)");

    // The three files.
    for (button, ending) in [(3, "csv"), (4, "png"), (5, "svg")] {
        browser.click(&format!("#chart-loss .chart-tools button:nth-child({button})"));
        browser.wait("a file", &format!("return 'loss-run-1.{ending}' in window.files"));
        no_dialog();
    }
    let csv = browser.run("return window.files['loss-run-1.csv']");
    assert!(csv.as_str().unwrap().starts_with("key,step,value\r\ntrain/loss,0,"), "{csv}");
    let svg = browser.run(
        "const parsed = new DOMParser().parseFromString(window.files['loss-run-1.svg'], 'image/svg+xml');
         return {errors: parsed.querySelectorAll('parsererror').length, paths: parsed.querySelectorAll('path').length,
                 words: [...parsed.querySelectorAll('text')].map(text => text.textContent)}",
    );
    assert_eq!((&svg["errors"], svg["paths"].as_i64().unwrap() >= 2), (&json!(0), true), "{svg}");
    for words in ["Loss", "loss (nats)", "epoch", "training", "validation"] {
        assert!(svg["words"].as_array().unwrap().contains(&json!(words)), "{words}: {svg}");
    }

    // An entry of the legend takes its line away, by key too.
    browser.run(&format!("{loss}.querySelectorAll('.chart-legend button')[1].focus()"));
    browser.type_into("#chart-loss .chart-legend button:nth-of-type(2)", "\u{e007}");
    assert_eq!(query(&browser, "lines"), "val/loss");
    assert_eq!(
        browser.run(&format!(
            "return {loss}.querySelectorAll('.chart-legend button')[1].getAttribute('aria-pressed')"
        )),
        "false"
    );

    // The help, and a click in the plot, which moves nothing.
    browser.click("#chart-loss .help summary");
    assert_eq!(browser.run(&format!("return {loss}.querySelector('.help').open")), true);
    browser.click("#chart-loss .u-over");
    no_dialog();
    assert_eq!(query(&browser, "steps"), json!(null));
    assert_eq!(browser.run("return document.querySelector('.reset-zoom').disabled"), true);
    // Only the button opens the list of keys.
    browser.click("[data-open-keys]");
    assert_eq!(browser.run("return document.querySelector('dialog[open]').id"), "keys");
    browser.assert_no_errors("run");
}

#[test]
fn the_address_holds_the_view() {
    let (_folder, server, browser) = trained(4);
    browser.open(&server.address("/runs/1"));
    browser.wait("the charts", DRAWN);
    let words = |part: &str| browser.run(&format!("return document.querySelector('{part}').innerText"));
    assert!(
        words("#chart-loss .where").as_str().unwrap().starts_with("Last: step "),
        "the last values, unasked"
    );

    drag(&browser, "#chart-loss .u-over", (100, 40), (260, 50));
    let steps = query(&browser, "steps");
    assert!(steps.as_str().unwrap().contains('~'), "{steps}");
    drag(&browser, "#chart-accuracy .u-over", (60, 20), (65, 110));
    assert!(query(&browser, "accuracy.range").is_string());
    assert_eq!(query(&browser, "steps"), steps, "a drag upwards zooms the values alone");
    browser.click("[name=axis][value=time]");
    browser.wait(
        "time",
        "return document.querySelector('#chart-loss canvas').getAttribute('aria-label').includes('by time')",
    );
    browser.run("const slider = document.querySelector('.smoothing input'); slider.value = 0.5; slider.dispatchEvent(new Event('input', {bubbles: true}))");
    browser.click("#chart-speed .chart-tools button:nth-child(1)");

    let view = "return JSON.stringify({
        axis: document.querySelector('[name=axis]:checked').value,
        smoothing: document.querySelector('.smoothing output').textContent,
        log: document.querySelector('#chart-speed .chart-tools button').getAttribute('aria-pressed'),
        zoomed: !document.querySelector('.reset-zoom').disabled,
        drawn: document.querySelector('#chart-loss canvas').toDataURL() })";
    // The pointer's own cross would be in the way.
    browser.run("document.querySelector('#chart-speed .plot').dispatchEvent(new MouseEvent('mouseleave'))");
    let before = browser.run(view);
    let address = browser.run("return location.href");
    browser.open(&server.address("/runs"));
    browser.open(address.as_str().unwrap());
    browser.wait("the charts", DRAWN);
    browser.wait("the same view", &format!("{view} === {before}"));

    // Back to all of it, by the button and by its key; arrows move one cursor for all.
    browser.click(".reset-zoom");
    assert_eq!((query(&browser, "steps"), query(&browser, "accuracy.range")), (json!(null), json!(null)));
    browser.run("document.querySelector('#chart-speed .plot').focus(); for (const key of ['Home', 'ArrowRight', '+']) document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))");
    assert!(
        words("#chart-loss .where").as_str().unwrap().starts_with("step 1, epoch 1"),
        "{}",
        words("#chart-loss .where")
    );
    assert!(query(&browser, "steps").is_string());
    // A row of the table does the same.
    browser.run("document.dispatchEvent(new CustomEvent('epoch', {detail: {step: 7}}))");
    assert!(words("#chart-accuracy .where").as_str().unwrap().starts_with("step 7, "));
    browser.assert_no_errors("run");
}

#[test]
fn a_live_run_keeps_zoom_legend_and_map() {
    let (_folder, server, browser) = started(400);
    server.wait("/api/v1/runs/1", |run| run["step"].as_i64().is_some_and(|step| step > 40));
    for (page, chart) in [("/runs/1", "#chart-loss"), ("/runs/1/gradients", "#chart-gradient-norm")] {
        browser.open(&server.address(page));
        browser
            .wait("the chart", &format!("return document.querySelector('{chart} .uplot canvas') !== null"));
        // The same canvas, with the same zoom, while the last step goes on.
        browser.run(&format!("window.canvas = document.querySelector('{chart} .uplot canvas')"));
        browser.click(&format!("{chart} .chart-legend button:not([hidden])"));
        drag(&browser, &format!("{chart} .u-over"), (80, 60), (200, 64));
        let zoom = query(&browser, "steps");
        assert!(zoom.is_string(), "{page}");
        let step = server.get("/api/v1/runs/1")["step"].as_i64().unwrap();
        browser.wait(
            "thirty steps more",
            &format!(
                "document.querySelector('{chart} .plot').dispatchEvent(new MouseEvent('mouseleave'));
                 const words = document.querySelector('{chart} .where').innerText.replaceAll(',', '');
                 return Number(words.match(/step (\\d+)/)?.[1] ?? 0) > {step} + 30"
            ),
        );
        assert_eq!(query(&browser, "steps"), zoom, "{page}");
        assert_eq!(browser.run("return document.querySelector('.reset-zoom').disabled"), false, "{page}");
        assert_eq!(
            browser.run(&format!("return window.canvas === document.querySelector('{chart} .uplot canvas')")),
            true,
            "{page}"
        );
        assert_eq!(
            browser.run(&format!(
                "return document.querySelector('{chart} .chart-legend button').getAttribute('aria-pressed')"
            )),
            "false",
            "{page}"
        );
        browser.assert_no_errors(page);
    }
    server.post("/api/v1/runs/1/cancel", &json!({}));
}

#[test]
fn a_cell_of_the_heat_map_draws_its_layer() {
    let (_folder, server, browser) = trained(3);
    browser.open(&server.address("/runs/1/gradients"));
    browser.wait("the heat map", "return (document.querySelector('.heatmap canvas')?.height ?? 0) > 4 && document.querySelector('.plot canvas') !== null");
    let legend = browser.run("return document.querySelector('.heat-legend').innerText");
    assert!(
        legend.as_str().unwrap().contains("not finite") && legend.as_str().unwrap().contains("0: "),
        "{legend}"
    );
    assert_eq!(
        browser.run("return document.querySelectorAll('.chart-section .heat-layers span').length === document.querySelectorAll('#layers tbody tr').length"),
        true
    );
    // The second layer is not among those that are drawn at first.
    assert_eq!(browser.run("return document.querySelectorAll('[data-layer]')[1].checked"), false);
    browser.run("document.querySelector('.heatmap canvas').focus(); for (const key of ['ArrowDown', 'ArrowRight', 'Enter']) document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))");
    assert_eq!(browser.run("return document.querySelectorAll('[data-layer]')[1].checked"), true);
    let name = browser.run("return document.querySelectorAll('#layers tbody code')[1].innerText");
    let caption = browser.run("return document.querySelector('.heat-caption').innerText");
    assert!(
        caption.as_str().unwrap().starts_with(&format!("{}, step ", name.as_str().unwrap())),
        "{caption}"
    );
    let step = caption.as_str().unwrap().split("step ").nth(1).unwrap().split(':').next().unwrap().to_owned();
    let cursor = browser.run("return document.querySelector('.where').innerText");
    assert!(cursor.as_str().unwrap().starts_with(&format!("step {step},")), "{cursor} {step}");
    // By the table it goes again, and the address knows.
    browser.click("#layers tbody tr:nth-child(2) [data-layer]");
    assert_eq!(query(&browser, "lines"), json!(null));
    assert_eq!(browser.run("return document.querySelector('dialog[open]')"), json!(null));
    browser.assert_no_errors("gradients");
}

#[test]
fn the_dial_is_switched_while_the_run_is_live() {
    let (_folder, server, browser) = started(400);
    server.wait("/api/v1/runs/1", |run| run["step"].as_i64().is_some_and(|step| step > 40));
    browser.open(&server.address("/runs/1"));
    browser.wait("the bar of times", "return document.querySelectorAll('.time-bar rect').length === 5");
    browser.open(&server.address("/runs/1/gradients"));
    let map = "return (document.querySelector('.heat:not([data-histogram]) canvas')?.height ?? 0) > 3 && document.querySelector('.plot canvas') !== null";
    browser.wait("the map of gradients", map);
    let title = || browser.run("return document.querySelector('h2').innerText");
    assert_eq!(title(), "Gradient norm by layer");
    let layers = browser.run("return document.querySelectorAll('#layers tbody tr').length");
    for (dial, heading) in [("weight", "Weight norm by layer"), ("update", "Update ratio by layer")] {
        browser.click(&format!(".tabs a[href$='dial={dial}']"));
        browser.wait(
            "the other dial",
            &format!("return document.querySelector('h2').innerText === '{heading}'"),
        );
        browser.wait("its map", map);
        assert_eq!(browser.run("return document.querySelectorAll('#layers tbody tr').length"), layers);
    }
    // It goes on: the last figure of a layer changes without a reload.
    let last = "document.querySelector('#layers tbody td:nth-child(3)').innerText";
    browser.run(&format!("window.before = {last}"));
    browser.wait("news", &format!("return {last} !== window.before"));
    browser.click(".tabs a[href$='dial=dead']");
    browser
        .wait("dead shares", "return document.querySelector('h2').innerText === 'Dead activations by layer'");
    browser.wait("its map", map);
    assert_eq!(
        browser.run("return document.querySelectorAll('#layers tbody tr').length"),
        4,
        "layers with a ReLU"
    );
    browser.wait("histograms", "return document.querySelectorAll('[data-histogram] canvas').length > 0");
    browser.assert_no_errors("layers");
    server.post("/api/v1/runs/1/cancel", &json!({}));
}

#[test]
fn charts_follow_the_theme() {
    let (_folder, server, browser) = trained(1);
    let system = |scheme: &str| {
        let wanted = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": [{"name": "prefers-color-scheme", "value": scheme}]}});
        browser.tell("goog/cdp/execute", &wanted);
    };
    system("dark");
    browser.open(&server.address("/runs/1"));
    browser.wait("the charts", DRAWN);
    let ground = "getComputedStyle(document.body.parentNode).backgroundColor";
    let drawn = "document.querySelector('#chart-loss canvas').toDataURL()";
    let dark = browser.run(&format!("return [{ground}, {drawn}]"));
    // The first click is seen, whatever the system is.
    browser.click("[data-theme-toggle]");
    browser.wait("the light theme", &format!("return {ground} !== {} && {drawn} !== {}", dark[0], dark[1]));
    let light = browser.run(&format!("return {drawn}"));
    browser.click("[data-theme-toggle]");
    browser.click("[data-theme-toggle]");
    assert_eq!(browser.run("return document.getElementById('said').innerText"), "Theme: system");
    browser.wait("dark again", &format!("return {ground} === {} && {drawn} !== {light}", dark[0]));
    let dark_drawn = browser.run(&format!("return {drawn}"));
    system("light");
    browser
        .wait("the system's light", &format!("return {ground} !== {} && {drawn} !== {dark_drawn}", dark[0]));
    browser.assert_no_errors("run");
}

#[test]
fn a_short_run_has_whole_steps_and_a_gap_stays_a_gap() {
    let (_folder, server, browser) = trained(1);
    browser.open(&server.address("/runs/1?axis=step"));
    browser.wait("the charts", DRAWN);
    let values = |script: &str| {
        browser.run(&format!(
            "return Promise.all(['values', 'series'].map(name => import(`/static/js/charts/${{name}}.js`)))
                .then(([values, series]) => JSON.stringify({script}))"
        ))
    };
    let said = |script: &str| values(script).as_str().unwrap().to_owned();
    assert_eq!(said("values.evenTicks(0, 1, 8, true)"), "[0,1]");
    assert_eq!(said("values.evenTicks(0, 2, 8, true)"), "[0,1,2]");
    assert_eq!(said("values.evenTicks(0, 0.7, 7)"), "[0,0.1,0.2,0.3,0.4,0.5,0.6,0.7]");
    // Over many decades powers of ten alone, and few of them.
    assert_eq!(
        said("values.powerTicks(2e-8, 3e22, 6)"),
        "[0.00001,1,100000,10000000000,1000000000000000,100000000000000000000]"
    );
    assert_eq!(said("values.powerTicks(2, 40, 6)"), "[10,20,30,40]");
    assert_eq!(
        said("[1e-8, 2.5e21, 0, 0.05, -3].map(values.number)"),
        r#"["10⁻⁸","2.5 · 10²¹","0","0.05","−3"]"#
    );
    assert_eq!(said("[7, 65, 3723].map(values.clock)"), r#"["0:07","1:05","1:02:03"]"#);
    // What is not finite stays so when smoothed; what was not measured stays unknown.
    assert_eq!(
        said(
            "series.smooth([1, null, undefined, 1, 3], 0.5).map(value => value === undefined ? 'none' : value && +value.toFixed(3))"
        ),
        r#"[1,null,"none",1,2.143]"#
    );
    browser.assert_no_errors("run");
}
