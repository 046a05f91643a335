//! A real Chromium, driven through the WebDriver protocol (W3C): import, form, live charts, a confusion cell, a picture's
//! page. A page that logs an error fails the test.

use crate::support::{Server, draw_pictures};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The key under which the protocol hands out an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    // Where the driver and Chromium keep their files; gone with the test.
    _folder: tempfile::TempDir,
}

impl Browser {
    fn start() -> Browser {
        let folder = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is there (Debian: chromium-driver)");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let said =
            lines.find(|line| line.as_ref().unwrap().contains("successfully on port")).unwrap().unwrap();
        // What it says later must not fill its pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let port: String = said.chars().filter(char::is_ascii_digit).collect();
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1280,1000",
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let url = format!("http://127.0.0.1:{port}/session");
        let answer: Value = agent.post(&url).send_json(&wanted).unwrap().body_mut().read_json().unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        Browser { driver, session: format!("{url}/{id}"), agent, _folder: folder }
    }

    fn tell(&self, command: &str, body: &Value) -> Value {
        let mut answer = self.agent.post(format!("{}/{command}", self.session)).send_json(body).unwrap();
        let answer: Value = answer.body_mut().read_json().unwrap();
        assert!(answer["value"]["error"].is_null(), "{command} {body}: {}", answer["value"]);
        answer["value"].clone()
    }

    fn open(&self, url: &str) {
        self.tell("url", &json!({"url": url}));
    }

    /// What a script returns.
    fn run(&self, script: &str) -> Value {
        self.tell("execute/sync", &json!({"script": script, "args": []}))
    }

    /// Looks again until a script returns true.
    fn wait(&self, what: &str, script: &str) {
        for _ in 0..1200 {
            // A page that is just being exchanged has nothing to run in.
            let mut answer = self
                .agent
                .post(format!("{}/execute/sync", self.session))
                .send_json(json!({"script": script, "args": []}))
                .unwrap();
            if answer.body_mut().read_json::<Value>().unwrap()["value"] == true {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!(
            "waited in vain for {what}: {}",
            self.run("return location.href + '\\n' + document.body.innerText")
        );
    }

    fn element(&self, selector: &str) -> String {
        let found = self.tell("element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    fn click(&self, selector: &str) {
        self.run(&format!("document.querySelector({}).scrollIntoView({{block: 'center'}})", json!(selector)));
        self.tell(&format!("element/{}/click", self.element(selector)), &json!({}));
    }

    fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.tell(&format!("element/{element}/value"), &json!({"text": text}));
    }

    /// Drops a file on the page, as a hand would.
    fn drop_file(&self, file: &Path) {
        // Only a file input can take a file from the disk; the drop event then carries it.
        self.type_into("#file", file.to_str().unwrap());
        self.run(
            "const dropped = new DataTransfer();
             dropped.items.add(document.querySelector('#file').files[0]);
             dispatchEvent(new DragEvent('drop', {dataTransfer: dropped, bubbles: true, cancelable: true}));",
        );
    }

    fn retype(&self, selector: &str, text: &str) {
        self.tell(&format!("element/{}/clear", self.element(selector)), &json!({}));
        self.type_into(selector, text);
    }

    /// Fails where a page has logged an error since the last look.
    fn assert_no_errors(&self, page: &str) {
        let log = self.tell("se/log", &json!({"type": "browser"}));
        let errors: Vec<&Value> =
            log.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE").collect();
        assert!(errors.is_empty(), "{page}: {errors:?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium, which removes its files; then the driver itself.
        drop(self.agent.delete(&self.session).call());
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

fn zip_folder(folder: &Path, archive: &Path) {
    let mut writer = zip::ZipWriter::new(std::fs::File::create(archive).unwrap());
    for class in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        for picture in std::fs::read_dir(class.path()).unwrap().map(Result::unwrap) {
            let name = format!("{}/{}", class.file_name().display(), picture.file_name().display());
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(&std::fs::read(picture.path()).unwrap()).unwrap();
        }
    }
    writer.finish().unwrap();
}

#[test]
fn a_person_goes_from_an_archive_to_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    draw_pictures(&pictures);
    let archive = folder.path().join("shades.zip");
    zip_folder(&pictures, &archive);
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start();

    // Drop the archive on the empty home page.
    browser.open(&server.address("/"));
    browser.drop_file(&archive);
    browser.wait("the imported data set", "return document.querySelector('h1')?.innerText.startsWith('shades 80 pictures in 2 classes') ?? false");
    assert_eq!(
        browser.run("return [...document.querySelectorAll('.figures dd')].map(dd => dd.innerText)"),
        json!(["64", "16", "–", "none"])
    );
    assert_eq!(browser.run("return document.querySelectorAll('#gallery .tile').length"), 60);
    browser.wait("the second page of the gallery", "scrollTo(0, document.body.scrollHeight); return document.querySelectorAll('#gallery .tile').length === 80");
    browser.assert_no_errors("data set");

    // A value that is no number comes back beside its field, and the rest stays.
    browser.click(".title-row a.primary");
    browser.retype("#epochs", "many");
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

    // What went in: every picture of the batch is there, as fed and as it was.
    browser.click(".rail a[href$='/inputs']");
    browser.wait(
        "fed pictures",
        "const all = [...document.querySelectorAll('.pairs img')];
         all.forEach(image => { image.loading = 'eager'; });
         return all.length === 64 && all.every(image => image.complete && image.naturalWidth === 32)",
    );
    browser.assert_no_errors("inputs");
    browser.click(".rail a[href$='/gradients']");
    browser.wait("the heat map", "return (document.querySelector('.heatmap canvas')?.height ?? 0) > 4 && document.querySelector('.lines canvas') !== null");
    browser.assert_no_errors("gradients");

    // From a cell of the confusion matrix to its pictures, and to one of them.
    browser.click(".rail a[href$='/evaluation']");
    browser.wait("the evaluation", "return document.querySelector('.matrix td a') !== null");
    let count = browser.run("return Number(document.querySelector('.matrix td a').innerText)");
    browser.assert_no_errors("evaluation");
    browser.click(".matrix td a");
    browser.wait("the cell's pictures", "return document.querySelector('#gallery .tile') !== null");
    assert_eq!(browser.run("return document.querySelectorAll('#gallery .tile').length"), count);
    assert_eq!(browser.run("return new URLSearchParams(location.search).get('actual')"), "bright");
    browser.click("#gallery .tile");
    browser.wait("the picture's page", "return document.querySelector('.verdict') !== null");
    assert_eq!(browser.run("return document.querySelectorAll('.bars tr').length"), 2);
    browser.wait("the picture", "return document.querySelector('.sample img').naturalWidth === 32");
    browser.assert_no_errors("picture");

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
fn real_photos_are_dropped_in_the_browser() {
    let Some(data) = std::env::var_os("TINTYPE_REAL_DATA") else {
        eprintln!("skipped: TINTYPE_REAL_DATA is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let browser = Browser::start();
    browser.open(&server.address("/datasets/new"));
    browser.drop_file(&Path::new(&data).join("cats-dogs.zip"));
    browser.wait(
        "1,000 samples",
        "return document.querySelector('h1')?.innerText.startsWith('cats-dogs 1,000 pictures in 2 classes') ?? false",
    );
    let figures = browser.run("return [...document.querySelectorAll('.figures dd')].map(dd => dd.innerText)");
    assert_eq!(figures, json!(["800", "200", "–", "none"]));
    browser.assert_no_errors("data set");
}
