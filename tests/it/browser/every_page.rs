//! What holds of every page: nothing that axe finds wrong, light and dark; every control does what it promises and nothing
//! else. The pages are found by following links, so a new one is looked at without being listed here.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use tempfile::TempDir;

/// A server with a data set that was edited, two runs that went well and, between them, one that diverged.
fn furnished() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    std::fs::write(images.join("bright/notes.png"), b"no image").unwrap();
    let server = Server::start(&folder.path().join("data"));
    let dataset = server.import("shades", &images);
    let recipe =
        json!({"dataset": "shades", "epochs": 2, "image_size": 32, "batch_size": 16, "precision": "f32"});
    let mut diverging = recipe.clone();
    diverging["learning_rate"] = json!(10_000_000.0);
    let mut other = recipe.clone();
    other["seed"] = json!(3);
    for recipe in [&recipe, &diverging, &other] {
        let (status, run) = server.post("/api/v1/runs", recipe);
        assert_eq!(status, 201, "{run}");
        let path = format!("/api/v1/runs/{}", run["id"]);
        server.wait(&path, |run| !["queued", "running"].contains(&run["state"].as_str().unwrap()));
    }
    let sample = server.samples_of(&dataset, "dark")[0];
    let edit = json!({"action": "exclude", "samples": [sample]});
    assert_eq!(server.post(&format!("/api/v1/datasets/{}/edits", dataset["id"]), &edit).0, 201);
    let image = images.join("dark/00.png");
    for job in
        [json!({"task": "predict", "images": [image]}), json!({"task": "evaluate", "splits": ["train"]})]
    {
        let (status, job) = server.post("/api/v1/runs/1/jobs", &job);
        assert_eq!(status, 202, "{job}");
        server.wait(&format!("/api/v1/runs/1/jobs/{}", job["number"]), |job| job["state"] == "completed");
    }
    (folder, server)
}

/// The kind of page that an address names: its numbers and values left out.
fn pattern(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let path: Vec<&str> = path
        .split('/')
        .map(|part| if part.chars().any(|c| c.is_ascii_digit()) { "N" } else { part })
        .collect();
    let mut keys: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    keys.sort_unstable();
    format!("{}?{}", path.join("/"), keys.join("&"))
}

/// One address of every kind of page that links lead to from the home page.
fn pages(server: &Server, browser: &Browser) -> Vec<String> {
    let mut known = BTreeMap::from([(pattern("/"), "/".to_owned())]);
    // More than one set of filters says nothing new of a page.
    let mut paths: BTreeMap<String, usize> = BTreeMap::new();
    let mut todo = VecDeque::from(["/".to_owned(), "/runs/2".to_owned(), "/nowhere".to_owned()]);
    known.insert(pattern("/nowhere"), "/nowhere".to_owned());
    // These are reached by forms: runs that are ticked, with and without images that both evaluated.
    for address in [
        "/runs/compare?runs=1,3",
        "/runs/compare?runs=1,2&settings=all",
        "/runs/compare/churn?runs=1,3&churn=only-first",
    ] {
        known.insert(pattern(address), address.to_owned());
        todo.push_back(address.to_owned());
    }
    while let Some(address) = todo.pop_front() {
        browser.open(&server.address(&address));
        let links = browser.run(
            "return [...document.querySelectorAll('a[href]')]
                .filter(link => link.origin === location.origin && !link.hasAttribute('download'))
                .map(link => link.pathname + link.search)",
        );
        for link in links.as_array().unwrap().iter().map(|link| link.as_str().unwrap()) {
            let is_file =
                ["/api/", "/static/", "/thumbnails/", "/original", "/log", "manifest.", ".csv", ".png"]
                    .iter()
                    .any(|part| link.contains(part));
            let kind = pattern(link);
            if is_file || known.contains_key(&kind) {
                continue;
            }
            let count = paths.entry(kind.split('?').next().unwrap().to_owned()).or_default();
            *count += 1;
            if *count <= 2 {
                known.insert(kind, link.to_owned());
                todo.push_back(link.to_owned());
            }
        }
    }
    assert!(known.len() > 20, "{known:?}");
    known.into_values().collect()
}

/// The script of axe-core, which set-up brings.
fn axe() -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{} can't be read ({error}); run `cargo xtask setup`", file.display()))
}

#[test]
fn axe_finds_nothing_on_any_page_in_light_and_dark() {
    let (_folder, server) = furnished();
    let browser = Browser::start();
    let axe = axe();
    let mut found = Vec::new();
    for address in pages(&server, &browser) {
        for dark in [false, true] {
            browser.set_dark(dark);
            browser.open(&server.address(&address));
            browser.run(&axe);
            let violations = browser.run_async(
                "const done = arguments[arguments.length - 1];
                 axe.run(document, {resultTypes: ['violations']}).then(result => done(result.violations.map(violation =>
                     `${violation.id}: ${violation.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')}`)),
                     error => done([String(error)]));",
            );
            for violation in violations.as_array().unwrap() {
                found.push(format!("{address} ({}): {violation}", if dark { "dark" } else { "light" }));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Marks every control that can be seen, a kind once, and gives their number.
const MARK: &str = "
    const seen = new Set();
    let count = 0;
    for (const control of document.querySelectorAll('button, summary, select, input:not([type=hidden]), canvas, [tabindex], th, label')) {
        if (!control.checkVisibility?.() || control.disabled || control.closest('dialog') || control.matches('a')) continue;
        const kind = [control.tagName, control.type, control.className, control.name, control.closest('[id]')?.getAttribute('id').replace(/[0-9]+/g, 'N'),
            control.parentElement.className, control.tagName === 'BUTTON' ? control.innerText.replace(/[0-9]+/g, 'N') : ''].join('|');
        if (seen.has(kind)) continue;
        seen.add(kind);
        control.dataset.control = count++;
    }
    return count;";

/// Clicks a control, and says what happened that it did not promise.
const CLICK: &str = "
    const done = arguments[arguments.length - 1];
    const control = document.querySelector('[data-control=\"AT\"]');
    if (!control) { done(null); return; }
    const wrong = [];
    const is_submit = target => target.matches('button:not([type=button]):not([type=reset]), input[type=submit], [data-submit]');
    addEventListener('error', event => wrong.push(`script error: ${event.message}`));
    addEventListener('unhandledrejection', event => wrong.push(`script error: ${event.reason}`));
    window.confirm = () => false;
    window.prompt = () => { wrong.push('a prompt opened'); return null; };
    window.alert = () => wrong.push('an alert opened');
    document.addEventListener('submit', event => {
        // Choosing a filter shows the list by it; a form that changes something is sent by a button alone.
        const is_filter = event.target.method === 'get' && control.matches('select, [type=checkbox], [type=radio], label');
        if (!is_submit(control) && !is_filter) wrong.push('a form was sent');
        event.preventDefault();
        event.stopImmediatePropagation();
    }, true);
    const send = window.fetch;
    window.fetch = (address, options) => {
        const method = (options?.method ?? 'GET').toUpperCase();
        if (method !== 'GET' && !is_submit(control) && !control.closest('[data-sends]')) wrong.push(`${method} ${address}`);
        return send(address, method === 'GET' ? options : {method: 'GET'});
    };
    const before = location.href.split('#')[0].split('?')[0];
    const opens = control.matches('[aria-haspopup=dialog], [data-open-keys]') || control.closest('[aria-haspopup=dialog], [data-open-keys]');
    control.focus?.();
    const had_focus = document.activeElement === control;
    control.scrollIntoView({block: 'center'});
    control.click();
    setTimeout(() => {
        if (document.querySelector('dialog[open]') && !opens) wrong.push(`a dialog opened: ${document.querySelector('dialog[open]').id}`);
        if (location.href.split('#')[0].split('?')[0] !== before) wrong.push(`the page became ${location.href}`);
        if (had_focus && document.activeElement === document.body && !document.querySelector('dialog[open]')) wrong.push('the focus was lost');
        done(wrong.length ? `${control.outerHTML.slice(0, 200)}: ${wrong.join('; ')}` : null);
    }, 60);";

#[test]
fn a_click_does_what_it_promises_and_nothing_else() {
    let (_folder, server) = furnished();
    let browser = Browser::start();
    let mut wrong: Vec<Value> = Vec::new();
    let mut clicked = 0;
    let mut done = BTreeMap::new();
    for address in pages(&server, &browser) {
        // The same page with other filters has the same controls.
        let path = pattern(&address).split('?').next().unwrap().to_owned();
        if done.insert(path, ()).is_some() {
            continue;
        }
        let url = server.address(&address);
        browser.open(&url);
        let count = browser.run(MARK).as_i64().unwrap();
        for at in 0..count {
            if at > 0 {
                browser.open(&url);
                browser.run(MARK);
            }
            let control = browser.run(&format!(
                "return document.querySelector('[data-control=\"{at}\"]')?.outerHTML.slice(0, 200) ?? ''"
            ));
            let script = json!({"script": CLICK.replace("AT", &at.to_string()), "args": []});
            let outcome = browser.try_tell("execute/async", &script);
            clicked += 1;
            match outcome {
                Ok(Value::Null) => {}
                Ok(said) => wrong.push(json!(format!("{address}: {said}"))),
                // The script is gone with the page.
                Err(error) => wrong.push(json!(format!("{address}: {control}: {}", error["message"]))),
            }
        }
    }
    assert!(clicked > 100, "{clicked} controls were clicked");
    assert!(wrong.is_empty(), "{}", wrong.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"));
}
