//! A real Chromium, driven through the WebDriver protocol (W3C).

use crate::support::line_with;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long something on a page is waited for: long, since other tests train on the same cores.
const PATIENCE: Duration = Duration::from_secs(120);

/// Browsers that may be open at a time; each takes a core while a page is drawn.
const BROWSERS: usize = 2;
static OPEN: Mutex<usize> = Mutex::new(0);
static CLOSED: Condvar = Condvar::new();

/// The key under which the protocol hands out an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    // Where the driver and Chromium keep their files; gone with the test.
    _folder: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start() -> Browser {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *open >= BROWSERS {
            open = CLOSED.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
        *open += 1;
        drop(open);
        let folder = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is there (Debian: chromium-driver)");
        let said = line_with(&mut driver, "successfully on port");
        let port: String = said.chars().filter(char::is_ascii_digit).collect();
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_recv_response(Some(PATIENCE))
            .build()
            .into();
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

    pub(crate) fn tell(&self, command: &str, body: &Value) -> Value {
        self.try_tell(command, body).unwrap_or_else(|error| panic!("{command} {body}: {error}"))
    }

    /// As [`Browser::tell`], with the driver's own error where it has one.
    pub(crate) fn try_tell(&self, command: &str, body: &Value) -> Result<Value, Value> {
        let mut answer = self.agent.post(format!("{}/{command}", self.session)).send_json(body).unwrap();
        let mut answer: Value = answer.body_mut().read_json().unwrap();
        let value = answer["value"].take();
        if value["error"].is_string() { Err(value) } else { Ok(value) }
    }

    pub(crate) fn open(&self, url: &str) {
        self.tell("url", &json!({"url": url}));
    }

    /// What a script returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.tell("execute/sync", &json!({"script": script, "args": []}))
    }

    /// What a script gives to its last argument, a function, once it has it.
    pub(crate) fn run_async(&self, script: &str) -> Value {
        self.tell("execute/async", &json!({"script": script, "args": []}))
    }

    /// The window as a phone has it.
    pub(crate) fn be_a_phone(&self) {
        self.tell("window/rect", &json!({"width": 400, "height": 800}));
        let metrics = json!({"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics});
        self.tell("goog/cdp/execute", &command);
    }

    /// Whether the system asks pages to be dark.
    pub(crate) fn set_dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        let parameters = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}});
        self.tell("goog/cdp/execute", &parameters);
    }

    /// Presses keys, one after another, wherever the focus is.
    pub(crate) fn press(&self, keys: &[&str]) {
        let actions: Vec<Value> = keys
            .iter()
            .flat_map(|key| {
                [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
            })
            .collect();
        self.tell("actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// Looks again until a script returns true; a script that fails is wrong, and fails the test at once.
    pub(crate) fn wait(&self, what: &str, script: &str) {
        let begun = Instant::now();
        let mut last = Value::Null;
        while begun.elapsed() < PATIENCE {
            let mut answer = self
                .agent
                .post(format!("{}/execute/sync", self.session))
                .send_json(json!({"script": script, "args": []}))
                .unwrap();
            let answer = answer.body_mut().read_json::<Value>().unwrap();
            if answer["value"] == true {
                return;
            }
            // A page that is just being exchanged has nothing to run in; its elements may be missing for a moment.
            let message = answer["value"]["message"].as_str().unwrap_or_default();
            assert!(!message.contains("SyntaxError"), "{what}: {message}");
            last = answer["value"]["message"].clone();
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!(
            "waited in vain for {what}; the script's last fault: {last}; the page: {}",
            self.run("return location.href + '\\n' + document.body.innerText")
        );
    }

    pub(crate) fn element(&self, selector: &str) -> String {
        let found = self.tell("element", &json!({"using": "css selector", "value": selector}));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    pub(crate) fn click(&self, selector: &str) {
        self.run(&format!("document.querySelector({}).scrollIntoView({{block: 'center'}})", json!(selector)));
        // A live part may be put in the place of the element between finding and clicking it: then it is found again.
        for _ in 0..5 {
            match self.try_tell(&format!("element/{}/click", self.element(selector)), &json!({})) {
                Ok(_) => return,
                Err(error) if error["error"] == "stale element reference" => {}
                Err(error) => panic!("clicking {selector}: {error}"),
            }
        }
        panic!("{selector} is replaced again and again");
    }

    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.tell(&format!("element/{element}/value"), &json!({"text": text}));
    }

    /// Drops a file on the page, as a hand would.
    pub(crate) fn drop_file(&self, file: &Path) {
        // Only a file input can take a file from the disk; the drop event then carries it.
        self.run("document.body.append(Object.assign(document.createElement('input'), {type: 'file', id: 'carrier'}))");
        self.type_into("#carrier", file.to_str().unwrap());
        self.run(
            "const dropped = new DataTransfer();
             dropped.items.add(document.querySelector('#carrier').files[0]);
             document.querySelector('#carrier').remove();
             dispatchEvent(new DragEvent('drop', {dataTransfer: dropped, bubbles: true, cancelable: true}));",
        );
    }

    pub(crate) fn retype(&self, selector: &str, text: &str) {
        self.tell(&format!("element/{}/clear", self.element(selector)), &json!({}));
        self.type_into(selector, text);
    }

    /// Fails where a page has logged an error since the last look.
    pub(crate) fn assert_no_errors(&self, page: &str) {
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
        *OPEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        CLOSED.notify_one();
    }
}
