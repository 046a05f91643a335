//! What wants a look in a run: told while it learns, on its page, in lists, in JSON; dismissed and brought back.

use crate::replay::{escaped, page, play, start, until, with_data};
use crate::support::Server;
use serde_json::{Value, json};

const FINDINGS: &str = "/api/v1/runs/1/findings";

fn alarms(server: &Server) -> Vec<String> {
    let found = server.get(FINDINGS);
    let items = found["items"].as_array().unwrap();
    items.iter().map(|item| item["alarm"].as_str().unwrap().to_owned()).collect()
}

/// What the list of runs says.
fn is_listed(server: &Server) -> bool {
    server.get_text("/runs").contains("1 finding wants a look")
}

#[test]
fn an_alarm_comes_while_the_run_learns_and_can_be_dismissed() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    play(folder.path(), 1, &["starved", "happy"]);
    let run = start(&server, 3);
    let found =
        server.wait(FINDINGS, |found| found["items"].as_array().is_some_and(|items| !items.is_empty()));
    assert_eq!(server.get("/api/v1/runs/1")["state"], "running", "it is told before the end");
    let item = &found["items"][0];
    assert_eq!((&item["kind"], &item["alarm"]), (&json!("slow_loading"), &json!("slow_loading")));
    assert!(item["sentence"].as_str().unwrap().contains("90 %"), "{item}");
    assert!(item["stake"].as_f64().unwrap() > 0.0 && item["certainty"].as_f64().unwrap() > 0.0);
    assert_eq!((&item["evidence_url"], &item["dismissed"]), (&json!("/runs/1#time"), &json!(false)));
    assert_eq!(item.get("samples"), None);
    assert_eq!(server.status(item["fix_url"].as_str().unwrap()), 200, "the form opens");
    let title = item["title"].as_str().unwrap();

    // The part that an open page asks for, the page itself, its rail and the list.
    let part = server.get_text("/live/runs/1/findings");
    assert!(part.contains(&escaped(title)) && part.contains("What wants a look"), "{part}");
    let text = page(&server, "/runs/1");
    assert_eq!(text.matches(&escaped(title)).count(), 4, "block, its button, and twice the mark: {text}");
    assert!(text.contains("id=\"time\"") && is_listed(&server));

    let dismissed = format!("{FINDINGS}/dismissed");
    assert_eq!(server.post_status(&dismissed, &json!({"finding": "slow_loading"})), 204);
    assert_eq!(server.get(FINDINGS)["items"][0]["dismissed"], true);
    assert!(!is_listed(&server));
    let text = page(&server, "/runs/1");
    assert!(text.contains("Dismissed findings: 1") && !text.contains("What wants a look"), "{text}");
    assert_eq!(server.delete_status(&format!("{dismissed}/slow_loading")), 204);
    assert!(is_listed(&server));
    let (status, _) = server.post_form("/runs/1/findings", &[("finding", "slow_loading")]);
    assert_eq!((status, is_listed(&server)), (200, false));
    let (status, _) = server.post_form("/runs/1/findings", &[("finding", "slow_loading"), ("restore", "1")]);
    assert_eq!((status, is_listed(&server)), (200, true));
    let (status, why) = server.post(&dismissed, &json!({"finding": "no <name>"}));
    assert_eq!((status, &why["error"]["field"]), (422, &json!("finding")), "{why}");

    // It stays with the run, also where another server reads it.
    assert_eq!(server.post("/api/v1/runs/1/pause", &json!({})).0, 200);
    until(&server, &run, "paused");
    server.kill();
    let server = Server::start_with_replay(folder.path());
    assert_eq!(alarms(&server), ["slow_loading"]);
}

#[test]
fn a_loss_that_is_no_number_shows_the_image_to_blame() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    play(folder.path(), 1, &["nan", "happy"]);
    let run = until(&server, &start(&server, 3), "failed");
    let found = server.get(FINDINGS);
    let item = &found["items"][0];
    assert_eq!(
        (&item["kind"], &item["alarm"]),
        (&json!("training_alarm"), &json!("loss_not_finite")),
        "{found}"
    );
    let samples = item["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 1, "{item}");
    let journal = String::from_utf8(server.run_file(&run, "journal.jsonl")).unwrap();
    let failed: Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    assert_eq!(samples[0]["sample_id"], failed["not_finite"][0]);
    let image = samples[0]["image_url"].as_str().unwrap();
    assert_eq!(server.status(image), 200);
    let part = server.get_text("/live/runs/1/findings");
    assert!(part.contains(&image.replace("/320", "/160")), "{part}");
    // Resumed and completed, nothing is wrong with it any more.
    assert_eq!(server.post("/api/v1/runs/1/resume", &json!({})).0, 200);
    until(&server, &run, "completed");
    assert!(alarms(&server).is_empty());
}

#[test]
fn a_run_that_goes_well_is_silent_and_one_that_is_not_there_has_no_findings() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    until(&server, &start(&server, 6), "completed");
    assert!(alarms(&server).is_empty(), "{:?}", alarms(&server));
    assert!(!page(&server, "/runs/1").contains("What wants a look"));
    assert_eq!(server.status("/api/v1/runs/9/findings"), 404);
    assert_eq!(server.status("/live/runs/9/findings"), 404);
}
