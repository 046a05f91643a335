//! What open pages are told: changes of anything, a run's journal, and parts that were asked for anew.

use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

/// So long that it never ends by itself while a test is at it.
const ENDLESS: u32 = 1000;

/// How long an event is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// A stream of server-sent events, as a browser hears it.
struct Stream {
    lines: std::io::Lines<BufReader<ureq::BodyReader<'static>>>,
    /// The id of the last event.
    place: String,
}

/// An event's name and its data.
type Event = (String, Value);

impl Stream {
    fn open(server: &Server, path: &str, last_event_id: Option<&str>) -> Stream {
        let mut request = ureq::get(server.address(path));
        if let Some(place) = last_event_id {
            request = request.header("last-event-id", place);
        }
        let answer = request.call().unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert!(!answer.headers().contains_key("content-encoding"), "an event has to leave at once");
        Stream { lines: BufReader::new(answer.into_body().into_reader()).lines(), place: String::new() }
    }

    fn next(&mut self) -> Event {
        let mut name = "message".to_owned();
        let mut data = String::new();
        let begun = Instant::now();
        loop {
            // The server says now and then that it is there, so this is come by also where nothing happens.
            assert!(begun.elapsed() < PATIENCE, "no event came for {PATIENCE:?}");
            let line = self.lines.next().unwrap().unwrap();
            match line.split_once(": ") {
                Some(("event", value)) => name = value.to_owned(),
                Some(("id", value)) => self.place = value.to_owned(),
                Some(("data", value)) => data = value.to_owned(),
                _ if line.is_empty() && !data.is_empty() => {
                    return (name, serde_json::from_str(&data).unwrap());
                }
                _ => {}
            }
        }
    }

    /// Listens until an event is as wanted; returns all that came.
    fn until(&mut self, mut wanted: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let mut heard = Vec::new();
        let begun = Instant::now();
        loop {
            let event = self.next();
            assert!(
                begun.elapsed() < PATIENCE,
                "of {} events none is as wanted; at last: {event:?}",
                heard.len()
            );
            let is_wanted = wanted(&event);
            heard.push(event);
            if is_wanted {
                return heard;
            }
        }
    }
}

fn with_data(data: &Path) -> Server {
    let server = Server::start(data);
    let images = data.join("images");
    draw_images(&images);
    server.import("light", &images);
    server
}

fn started(server: &Server, epochs: u32) -> Value {
    let recipe = json!({
        "dataset": "light", "model": "small-cnn", "epochs": epochs, "batch_size": 4, "image_size": 32,
        "precision": "f32", "threads": 1, "seed": 3,
    });
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    run
}

fn names(event: &Event, topic: &str) -> bool {
    event.1["topics"].as_array().is_some_and(|topics| topics.contains(&json!(topic)))
}

/// All that was said of a text, in order.
fn texts(heard: &[Event], name: &str) -> Vec<String> {
    heard.iter().filter_map(|(_, data)| data["texts"][name].as_str()).map(str::to_owned).collect()
}

#[test]
fn a_run_that_is_started_paused_and_resumed_anywhere_is_told_and_nothing_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let mut stream = Stream::open(&server, "/api/v1/events", None);
    assert_eq!(
        stream.next(),
        ("all".to_owned(), json!({})),
        "whoever comes from nowhere asks for everything"
    );
    let page = server.get_text("/runs");

    started(&server, ENDLESS);
    let heard = stream.until(|event| names(event, "run-1-evaluations"));
    for topic in ["runs", "run-1", "now", "dataset-1-runs"] {
        assert!(heard.iter().any(|event| names(event, topic)), "{topic}: {heard:?}");
    }
    assert!(texts(&heard, "run-1.state").contains(&"▶ running".to_owned()), "{heard:?}");
    assert!(texts(&heard, "run-1.progress").iter().any(|words| words.contains("step")), "{heard:?}");

    // The connection breaks; meanwhile the run is paused and resumed.
    let place = stream.place.clone();
    drop(stream);
    assert_eq!(server.post("/api/v1/runs/1/pause", &json!({})).0, 200);
    server.wait("/api/v1/runs/1", |run| run["state"] == "paused");
    let mut stream = Stream::open(&server, "/api/v1/events", Some(&place));
    let heard = stream.until(|(_, data)| data["texts"]["run-1.state"] == "‖ paused");
    assert!(heard.iter().all(|(name, _)| name == "message"), "what was missed is told, not all: {heard:?}");
    assert_eq!(server.post("/api/v1/runs/1/resume", &json!({})).0, 200);
    stream.until(|(_, data)| data["texts"]["run-1.state"] == "▶ running");

    // A page of before all this hears it too.
    let place = page.split("data-live-place=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut stream = Stream::open(&server, &format!("/api/v1/events?since={place}"), None);
    let heard = stream.until(|(_, data)| data["texts"]["run-1.state"] == "‖ paused");
    assert!(heard.iter().any(|event| names(event, "runs")), "{heard:?}");
    assert_eq!(server.post("/api/v1/runs/1/cancel", &json!({})).0, 200);
    stream.until(|(_, data)| data["texts"]["run-1.state"] == "× cancelled");
}

#[test]
fn what_an_open_page_fetches_does_not_grow_with_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    started(&server, ENDLESS);
    server.wait("/api/v1/runs/1", |run| run["epoch"].as_u64() > Some(20));
    let rows = |path: &str| server.get_text(path).matches("<tr id=\"epoch-").count();
    // The newest eight, the best and the kept one.
    for path in ["/runs/1", "/live/runs/1/epochs"] {
        assert!((8..=10).contains(&rows(path)), "{path}: {}", rows(path));
    }
    for path in ["/runs/1?epochs=all", "/live/runs/1/epochs?epochs=all"] {
        assert!(rows(path) >= 20, "{path}: {}", rows(path));
    }
    // How far a run is goes out under one name, whatever number of elements shows it.
    let mut stream = Stream::open(&server, "/api/v1/events", None);
    let heard = stream.until(|(_, data)| data["texts"]["run-1.percent"].is_string());
    let percent = texts(&heard, "run-1.percent").pop().unwrap();
    for (_, data) in &heard {
        let same =
            data["texts"].as_object().into_iter().flatten().filter(|(_, text)| **text == json!(percent));
        assert!(same.count() <= 1, "{data}");
    }
    assert_eq!(server.post("/api/v1/runs/1/cancel", &json!({})).0, 200);
}

#[test]
fn an_import_is_told_from_its_beginning_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut stream = Stream::open(&server, "/api/v1/events", None);
    let images = folder.path().join("images");
    draw_images(&images);
    server.import("light", &images);
    // In whichever order, or in one.
    let mut missing = vec!["datasets", "dataset-1-health"];
    stream.until(|event| {
        missing.retain(|part| !names(event, part));
        missing.is_empty()
    });
    // The page of an import that is over is to be loaded anew, and so is that of an examination.
    for part in ["/live/datasets/1", "/live/datasets/1/health"] {
        assert_eq!(ureq::get(server.address(part)).call().unwrap().status(), 205, "{part}");
    }
}

#[test]
fn every_viewer_gets_every_point_once_however_often_it_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    started(&server, 12);
    let steps_of = |data: &Value| -> Vec<i64> {
        let records = data.as_array().unwrap().iter();
        records
            .filter(|record| record["event"] == "step")
            .map(|record| record["step"].as_i64().unwrap())
            .collect()
    };
    let is_over = |(name, data): &Event| name == "run" && data["state"] == "completed";
    let mut steady = Stream::open(&server, "/api/v1/runs/1/events?only=charts", None);
    // Comes back after every piece, from where it was.
    let mut place = "0".to_owned();
    let mut steps = Vec::new();
    loop {
        let mut stream = Stream::open(&server, "/api/v1/runs/1/events", Some(&place));
        let heard = stream.until(|event| event.0 == "journal" || is_over(event));
        heard.iter().filter(|(name, _)| name == "journal").for_each(|(_, data)| steps.extend(steps_of(data)));
        place.clone_from(&stream.place);
        if heard.iter().any(is_over) {
            break;
        }
    }
    let all: Vec<i64> =
        server.get("/api/v1/runs/1/series?keys=train/loss&points=10000")["series"][0]["points"]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point[0].as_i64().unwrap())
            .collect();
    assert!(all.len() > 100);
    assert_eq!(steps, all);
    let heard = steady.until(is_over);
    let journal: Vec<&Value> =
        heard.iter().filter(|(name, _)| name == "journal").map(|(_, data)| data).collect();
    assert_eq!(journal.iter().flat_map(|data| steps_of(data)).collect::<Vec<_>>(), all);
    let kinds = ["hello", "started", "step", "epoch"].map(|kind| json!(kind));
    assert!(
        journal
            .iter()
            .flat_map(|data| data.as_array().unwrap())
            .all(|record| kinds.contains(&record["event"])),
        "charts get points and nothing else"
    );
}

#[test]
fn a_newer_checkpoint_is_offered_and_never_put_under_the_readers_eyes() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    started(&server, 3);
    let run = server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    let best = run["best_epoch"].as_i64().unwrap();
    let part = |shown: &str| {
        let path = format!("/live/runs/1/checkpoint?split=val&shown={shown}");
        let mut answer = ureq::get(server.address(&path)).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    let (_, same) = part(&best.to_string());
    assert!(same.contains(&format!("Checkpoint of epoch {best} (the best of 3).")), "{same}");
    assert!(!same.contains("is newer"), "{same}");
    let (_, older) = part("77");
    assert!(
        older.contains("Checkpoint of epoch 77.") && older.contains(&format!("Epoch {best} is newer")),
        "{older}"
    );
    assert_eq!(part("").0, 205, "a page that shows nothing yet fills by itself");
    for page in ["predictions?split=val", "evaluation?split=val"] {
        let text = server.get_text(&format!("/runs/1/{page}"));
        assert!(text.contains(&format!("Checkpoint of epoch {best} (the best of 3).")), "{page}: {text}");
    }
}

#[test]
fn texts_are_packed_and_images_and_files_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let is_packed = |path: &str| {
        let answer = ureq::get(server.address(path)).header("accept-encoding", "gzip").call().unwrap();
        answer.headers().get("content-encoding").is_some_and(|value| value == "gzip")
    };
    for path in ["/", "/datasets/1", "/api/v1/datasets", "/static/css/frame.css", "/static/js/main.js"] {
        assert!(is_packed(path), "{path}");
    }
    let thumbnail = server.get_text("/datasets/1");
    let thumbnail = thumbnail.split("src=\"/thumbnails/").nth(1).unwrap().split('"').next().unwrap();
    assert!(!is_packed(&format!("/thumbnails/{thumbnail}")));
}
