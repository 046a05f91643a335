//! A server of its own for each test, and images to learn from.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything is waited for: long, since other tests train on the same cores.
const PATIENCE: Duration = Duration::from_secs(150);

/// Looks again until there is an answer, which it gives; `Err` is what was found instead, told where nothing else comes in time.
pub(crate) fn wait_until<T, E: std::fmt::Display>(what: &str, mut look: impl FnMut() -> Result<T, E>) -> T {
    let begun = Instant::now();
    loop {
        match look() {
            Ok(answer) => return answer,
            Err(found) if begun.elapsed() > PATIENCE => panic!("waited in vain for {what}; at last: {found}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Two classes of drawn images, 40 each: bright ones and dark ones, with noise.
pub(crate) fn draw_images(folder: &Path) {
    for (class, base) in [("bright", 150_u32), ("dark", 40)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for at in 0..40_u32 {
            let image = image::RgbImage::from_fn(32, 32, |x, y| {
                let noise = (x * 31 + y * 17 + at * 71) * (at + 3) % 90;
                image::Rgb([(base + noise) as u8, (base + noise / 2) as u8, (base + (x * y + at) % 60) as u8])
            });
            image.save(folder.join(class).join(format!("{at:02}.png"))).unwrap();
        }
    }
}

/// The first line that a program prints, once it does.
pub(crate) fn first_line(child: &mut Child) -> String {
    line_with(child, "")
}

/// The first line that holds these words.
pub(crate) fn line_with(child: &mut Child, words: &'static str) -> String {
    let (sender, said) = std::sync::mpsc::channel();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        sender.send(lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(words)))).ok();
        // What it says later must not fill its pipe.
        lines.for_each(drop);
    });
    match said.recv_timeout(PATIENCE) {
        Ok(Some(line)) => line.unwrap(),
        Ok(None) => panic!("the program ended without a line: {:?}", child.wait()),
        Err(_) => {
            child.kill().ok();
            panic!("the program printed no line in {PATIENCE:?}");
        }
    }
}

/// A running server and its data directory.
pub(crate) struct Server {
    data: PathBuf,
    child: Child,
    url: String,
    agent: ureq::Agent,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Server {
        Server::start_at(data, "127.0.0.1:0")
    }

    /// At an address where another one was, for a page that waits for it.
    pub(crate) fn start_at(data: &Path, address: &str) -> Server {
        Server::start_with(data, &["--address", address], &[])
    }

    /// With the trainer that plays scripts in the place of the one that computes.
    pub(crate) fn start_with_replay(data: &Path) -> Server {
        Server::start_with_trainer(data, Path::new(env!("CARGO_BIN_EXE_replay-trainer")))
    }

    pub(crate) fn start_with_trainer(data: &Path, trainer: &Path) -> Server {
        Server::start_with(data, &[], &[("TINTYPE_TRAINER", trainer.to_str().unwrap())])
    }

    /// With options and environment variables.
    pub(crate) fn start_with(data: &Path, options: &[&str], variables: &[(&str, &str)]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
        command.args(["serve", "--data"]).arg(data).args(options);
        if !options.contains(&"--address") {
            command.args(["--address", "127.0.0.1:0"]);
        }
        Server::spawn(data, command.envs(variables.iter().copied()))
    }

    /// Its log goes to `server.log` in the data directory.
    pub(crate) fn start_logged(data: &Path, variables: &[(&str, &str)]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tintype"));
        command.args(["serve", "--address", "127.0.0.1:0", "--data"]).arg(data);
        let log = std::fs::File::create(data.join("server.log")).unwrap();
        Server::spawn(data, command.envs(variables.iter().copied()).stderr(log))
    }

    fn spawn(data: &Path, command: &mut Command) -> Server {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let url = first_line(&mut child);
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_recv_response(Some(PATIENCE))
            .build()
            .into();
        let server = Server { data: data.to_owned(), child, url, agent };
        assert!(
            server.url.starts_with("http://127.0.0.1:"),
            "the first line is no address: “{}”",
            server.url
        );
        server
    }

    /// Takes the key out of the address that was printed.
    pub(crate) fn without_key(&mut self) -> String {
        let (url, key) = self.url.split_once("/?key=").expect("a key in the address");
        let (url, key) = (url.to_owned(), key.to_owned());
        self.url = url;
        key
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The whole address of a page.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.agent.get(format!("{}{path}", self.url)).call().unwrap().body_mut().read_json().unwrap()
    }

    /// Status and answer.
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut answer = self.agent.post(format!("{}{path}", self.url)).send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    /// Posts a form with files, as a browser does: fields, then files by name.
    pub(crate) fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> (u16, String) {
        const BOUNDARY: &str = "-----a-boundary-of-these-tests";
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .bytes(),
            );
        }
        for (name, content) in files {
            body.extend(
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").bytes(),
            );
            body.extend_from_slice(content);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").bytes());
        let mut answer = (self.agent.post(format!("{}{path}", self.url)))
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .send(&body[..])
            .unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// Where the server answers, without `http://`.
    pub(crate) fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The status of an answer that holds nothing.
    pub(crate) fn post_status(&self, path: &str, body: &Value) -> u16 {
        self.agent.post(format!("{}{path}", self.url)).send_json(body).unwrap().status().as_u16()
    }

    /// The status of a page.
    pub(crate) fn status(&self, path: &str) -> u16 {
        self.agent.get(format!("{}{path}", self.url)).call().unwrap().status().as_u16()
    }

    /// The status of a removal.
    pub(crate) fn delete_status(&self, path: &str) -> u16 {
        self.agent.delete(format!("{}{path}", self.url)).call().unwrap().status().as_u16()
    }

    pub(crate) fn get_text(&self, path: &str) -> String {
        self.agent.get(format!("{}{path}", self.url)).call().unwrap().body_mut().read_to_string().unwrap()
    }

    /// The file as it comes.
    pub(crate) fn get_bytes(&self, path: &str) -> Vec<u8> {
        let mut answer = self.agent.get(format!("{}{path}", self.url)).call().unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.body_mut().read_to_vec().unwrap()
    }

    /// The numbers of a class's samples: its part of the newest manifest, looked up.
    pub(crate) fn samples_of(&self, dataset: &Value, class: &str) -> Vec<i64> {
        let path = format!("/api/v1/datasets/{}/samples?class={class}&limit=1000", dataset["id"]);
        self.get(&path)["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["sample_id"].as_i64().unwrap())
            .collect()
    }

    /// The answer as it comes.
    pub(crate) fn post_for_bytes(&self, path: &str, body: &Value) -> Vec<u8> {
        let mut answer = self.agent.post(format!("{}{path}", self.url)).send_json(body).unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.body_mut().read_to_vec().unwrap()
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut answer = self.agent.put(format!("{}{path}", self.url)).send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    /// A form as a browser sends it: status and page.
    pub(crate) fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let fields = fields.iter().copied();
        let mut answer = self.agent.post(format!("{}{path}", self.url)).send_form(fields).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut answer = self.agent.patch(format!("{}{path}", self.url)).send_json(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
    }

    /// Status and answer, which is empty where all went well.
    pub(crate) fn delete(&self, path: &str) -> (u16, String) {
        let mut answer = self.agent.delete(format!("{}{path}", self.url)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// Asks again until the answer is as wanted.
    pub(crate) fn wait(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_until(path, || {
            let answer = self.get(path);
            if wanted(&answer) { Ok(answer) } else { Err(answer) }
        })
    }

    pub(crate) fn import(&self, name: &str, folder: &Path) -> Value {
        let (status, made) =
            self.post("/api/v1/datasets", &json!({"name": name, "source": {"path": folder}}));
        assert_eq!(status, 202, "{made}");
        self.wait(&format!("/api/v1/datasets/{}", made["id"]), |dataset| dataset["state"] != "importing")
    }

    /// The file of a run.
    pub(crate) fn run_file(&self, run: &Value, file: &str) -> Vec<u8> {
        std::fs::read(self.data.join("runs").join(run["id"].to_string()).join(file)).unwrap()
    }
}

impl Server {
    /// Ends the trainers that are still at work: a run outlives its server, and would take a core from the tests behind.
    fn end_trainers(&self) {
        let Ok(mut answer) = self.agent.get(format!("{}/api/v1/runs", self.url)).call() else { return };
        let Ok(list) = answer.body_mut().read_json::<Value>() else { return };
        let runs = list["items"].as_array().into_iter().flatten();
        let further = |run: &Value| {
            let jobs = self.agent.get(format!("{}/api/v1/runs/{}/jobs", self.url, run["id"])).call();
            let jobs = jobs.ok().and_then(|mut answer| answer.body_mut().read_json::<Value>().ok());
            jobs.and_then(|jobs| jobs["items"].as_array().cloned()).unwrap_or_default()
        };
        let all: Vec<Value> = runs.flat_map(|run| further(run).into_iter().chain([run.clone()])).collect();
        for work in all.iter().filter(|work| work["state"] == "running") {
            let pid = work["environment"]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end_trainers();
        // Already gone where the test killed it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
