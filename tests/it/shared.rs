//! A server that other machines reach, and what it answers to whom.

use crate::support::{Server, draw_images, first_line, wait_until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server at every address of this machine.
pub(crate) struct Shared {
    /// Its data directory.
    pub(crate) data: PathBuf,
    /// Where it is reached, such as `http://192.0.2.5:8431`.
    pub(crate) url: String,
    /// The key that it printed, which may do everything.
    pub(crate) key: String,
    child: Child,
    agent: ureq::Agent,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    body: ureq::Body,
}

impl Answer {
    pub(crate) fn text(mut self) -> String {
        let bytes = self.body.with_config().limit(u64::MAX).read_to_vec().unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn json(self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"))
    }

    /// The beginning of an answer that has no end.
    pub(crate) fn lines(self) -> impl Iterator<Item = std::io::Result<String>> + Send {
        std::io::BufRead::lines(std::io::BufReader::new(self.body.into_reader()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

pub(crate) fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
    command.args(["serve", "--address", "0.0.0.0:0", "--data"]).arg(data);
    command.env("TINTYPE_TRAINER", env!("CARGO_BIN_EXE_replay-trainer")).env_remove("TINTYPE_KEY");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Shared {
    pub(crate) fn start(data: &Path) -> Shared {
        Shared::start_by(command(data), data)
    }

    pub(crate) fn start_by(mut command: Command, data: &Path) -> Shared {
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let line = first_line(&mut child);
        let (url, key) = line.split_once("/?key=").unwrap_or_else(|| panic!("no key in “{line}”"));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Shared { data: data.to_owned(), url: url.to_owned(), key: key.to_owned(), child, agent }
    }

    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Asks with these headers.
    pub(crate) fn ask_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let media_type =
            if path.starts_with("/api/") { "application/json" } else { "application/x-www-form-urlencoded" };
        let answer = match method {
            "GET" | "DELETE" => self.agent.run(request.body(()).unwrap()),
            _ => self.agent.run(request.header("content-type", media_type).body(body.to_owned()).unwrap()),
        };
        let (parts, body) = answer.unwrap_or_else(|why| panic!("{method} {path}: {why}")).into_parts();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Asks as a script does, with a key or without.
    pub(crate) fn ask(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        self.ask_with(method, path, if key.is_empty() { &[] } else { &headers }, body)
    }

    pub(crate) fn get(&self, path: &str, key: &str) -> Answer {
        self.ask("GET", path, key, "")
    }

    /// Makes a link that only reads: its number, its key and its addresses.
    pub(crate) fn make_link(&self, name: &str, view: &str) -> (i64, String, Vec<String>) {
        let body = json!({"name": name, "view": view}).to_string();
        let answer = self.ask("POST", "/api/v1/access-keys", &self.key, &body);
        assert_eq!(answer.status, 201);
        let made = answer.json();
        let urls = made["urls"].as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned());
        (made["id"].as_i64().unwrap(), made["key"].as_str().unwrap().to_owned(), urls.collect())
    }

    pub(crate) fn revoke(&self, id: i64) {
        assert_eq!(self.ask("DELETE", &format!("/api/v1/access-keys/{id}"), &self.key, "").status, 200);
    }

    /// Ends it as Ctrl-C does, and waits.
    pub(crate) fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        wait_until("the server's end", || self.child.try_wait().unwrap().ok_or("it runs"));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A data directory with something on every page: a data set that was edited, a run that went well, one that crashed, an import
/// that failed and names its folder, and weights that lie somewhere.
pub(crate) fn furnish(data: &Path, images: &Path) {
    draw_images(images);
    std::fs::write(images.join("bright/notes.png"), b"no image").unwrap();
    std::fs::create_dir_all(data.join("replay")).unwrap();
    std::fs::write(data.join("replay/2"), "crash").unwrap();
    let empty = images.with_file_name("without-images");
    std::fs::create_dir_all(&empty).unwrap();
    std::fs::write(images.with_file_name("start.safetensors"), b"weights").unwrap();
    let server = Server::start_with_replay(data);
    let dataset = server.import("shades", images);
    assert_eq!(dataset["state"], "ready", "{dataset}");
    assert_eq!(server.import("nothing", &empty)["state"], "failed");
    for run in 1..=2 {
        let body = json!({"dataset": "shades", "epochs": 2, "batch_size": 16, "image_size": 32});
        assert_eq!(server.post("/api/v1/runs", &body).0, 201);
        server.wait(&format!("/api/v1/runs/{run}"), |run| {
            ["completed", "failed"].contains(&run["state"].as_str().unwrap())
        });
    }
    let sample = server.samples_of(&dataset, "dark")[0];
    let edit = json!({"action": "exclude", "samples": [sample]});
    assert_eq!(server.post("/api/v1/datasets/1/edits", &edit).0, 201);
}
