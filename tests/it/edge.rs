//! The edge: what is refused before a handler sees it, spoken to byte by byte, as no well-behaved client would.

use crate::support::Server;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// An answer, as it came over the wire.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Of an error: what it says, after a look at what every answer has to have.
    fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        assert!(self.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(self.header("x-frame-options"), Some("DENY"));
        assert_eq!(self.header("referrer-policy"), Some("same-origin"));
        let id = self.header("x-request-id").unwrap();
        assert!(self.body.contains(id), "the id {id} is said: {}", self.body);
        if self.header("content-type") == Some("application/json") {
            let body: Value = serde_json::from_str(&self.body).unwrap();
            assert_eq!(body["error"]["request_id"], id);
            body["error"]["message"].as_str().unwrap().to_owned()
        } else {
            assert!(self.body.starts_with("<!doctype html>"), "{}", self.body);
            self.body.clone()
        }
    }
}

/// Sends a head and the beginning of a body, and takes what comes. A time without any answer is a failure.
fn send(server: &Server, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(server.host()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(90))).unwrap();
    let head = format!("{}\r\nconnection: close\r\n\r\n", head.trim_end().replace('\n', "\r\n"));
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A form as a browser would post it.
fn form(server: &Server, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\n{headers}\ncontent-type: application/x-www-form-urlencoded\ncontent-length: {length}"
    );
    send(server, &head, body.as_bytes())
}

#[test]
fn a_foreign_host_is_told_how_to_be_let_in_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let page = send(&server, "GET /runs HTTP/1.1\nhost: evil.example:8431\nuser-agent: Mozilla/5.0", b"");
    let page = page.refusal(421);
    assert!(page.contains("--host evil.example"), "{page}");
    assert!(!page.contains("/static/") && !page.contains("href="), "nothing of the inside: {page}");
    let json = send(&server, "GET /api/v1/runs HTTP/1.1\nhost: evil.example", b"");
    assert!(json.refusal(421).contains("does not answer to the name “evil.example”"));
    send(&server, "GET /api/v1/runs HTTP/1.1\nhost: localhost\nhost: evil.example", b"").refusal(421);
    // A port that a person forwards through ssh is another one than ours.
    assert_eq!(send(&server, "GET /runs HTTP/1.1\nhost: localhost:1234", b"").status, 200);
    drop(server);
    let mut server = Server::start_with(folder.path(), &["--host", "evil.example"], &[]);
    let key = server.without_key();
    let asked = format!("GET /runs HTTP/1.1\nhost: Evil.Example:1\nauthorization: Bearer {key}");
    assert_eq!(send(&server, &asked, b"").status, 200);
    // Who comes by that name comes from elsewhere, so a key is needed, at a loopback address too.
    assert_eq!(send(&server, "GET /runs HTTP/1.1\nhost: Evil.Example:1", b"").status, 401);
    send(&server, "GET /runs HTTP/1.1\nhost: other.example", b"").refusal(421);
    drop(server);
    let server = Server::start_with(folder.path(), &["--host", "localhost,[::1]"], &[]);
    assert_eq!(server.status("/runs"), 200, "nobody else comes by these");
}

#[test]
fn a_change_that_another_page_asks_for_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let ours = format!("host: {}", server.host());
    let steps = r#"[{"transform": "flip_horizontal"}]"#;
    for foreign in [
        "origin: https://evil.example",
        "origin: null",
        "origin: http://127.0.0.1:1",
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-site",
        // A browser that says nothing of where it comes from.
        "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0",
        "cookie: tintype=1",
    ] {
        let answer = form(&server, "/runs", &format!("{ours}\n{foreign}"), "dataset=1");
        assert!(answer.refusal(403).contains("so it was not done"), "{foreign}");
        let length = steps.len();
        let head = format!(
            "PUT /api/v1/pipelines/x HTTP/1.1\n{ours}\n{foreign}\ncontent-type: application/json\ncontent-length: {length}"
        );
        assert!(send(&server, &head, steps.as_bytes()).refusal(403).contains("so it was not done"));
    }
    assert_eq!(server.get("/api/v1/pipelines")["items"].as_array().unwrap().len(), 0, "nothing was done");
    let own = format!("{ours}\norigin: http://{}\nsec-fetch-site: same-origin", server.host());
    assert_eq!(form(&server, "/runs", &own, "dataset=1").status, 422, "a page of ours gets to the form");
    assert_eq!(form(&server, "/runs", &ours, "dataset=1").status, 422, "and so does a script");
}

#[test]
fn a_body_that_is_too_large_too_slow_or_of_another_type_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let ours = format!("host: {}", server.host());
    let post = |path: &str, kind: &str, length: usize| {
        format!("POST {path} HTTP/1.1\n{ours}\ncontent-type: {kind}\ncontent-length: {length}")
    };
    let large = vec![b' '; 2 << 20];
    let answer = send(&server, &post("/api/v1/runs", "application/json", large.len()), &large);
    assert!(answer.refusal(413).contains("larger than 1 MiB"));
    let answer = send(&server, &post("/runs", "application/x-www-form-urlencoded", large.len()), &large);
    assert!(answer.refusal(413).contains("nothing of it was taken"));
    // Said without a length, piece by piece.
    let mut pieces = Vec::new();
    for _ in 0..32 {
        pieces.extend(format!("{:x}\r\n", 1 << 16).bytes());
        pieces.extend_from_slice(&large[..1 << 16]);
        pieces.extend(b"\r\n");
    }
    pieces.extend(b"0\r\n\r\n");
    let head = format!(
        "POST /api/v1/runs HTTP/1.1\n{ours}\ncontent-type: application/json\ntransfer-encoding: chunked"
    );
    send(&server, &head, &pieces).refusal(413);
    // The rest never comes. A handler that reads no body waits no longer for it than one that does.
    for path in ["/api/v1/runs", "/api/v1/runs/1/cancel"] {
        let answer = send(&server, &post(path, "application/json", 100), b"{\"dataset\": ");
        assert!(answer.refusal(408).contains("did not arrive whole within"), "{path}");
    }
    let json = b"{\"dataset\": \"x\"}";
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let answer = send(&server, &post("/api/v1/runs", kind, json.len()), json);
        assert!(answer.refusal(415).contains("has to call application/json"), "{kind}");
    }
    let answer = send(&server, &post("/runs", "text/plain", 9), b"dataset=1");
    assert!(answer.refusal(415).contains("application/x-www-form-urlencoded"));
    let answer = send(&server, &post("/api/v1/runs", "application/json", 5), b"[1, 2");
    assert!(answer.refusal(422).contains("body:"));
    let answer = send(&server, &post("/datasets", "multipart/form-data", 5), b"[1, 2");
    assert!(answer.refusal(422).contains("file:"));
}

#[test]
fn every_answer_has_an_id_and_an_address_may_end_in_a_slash() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let ask = |path: &str, more: &str| {
        send(&server, &format!("GET {path} HTTP/1.1\nhost: {}{more}", server.host()), b"")
    };
    let given = ask("/", "\nx-request-id: script-of-mine.7");
    assert_eq!((given.status, given.header("x-request-id")), (200, Some("script-of-mine.7")));
    for wrong in ["x", "<script>alert(1)</script>", "has blanks in it"] {
        let answer = ask("/", &format!("\nx-request-id: {wrong}"));
        assert_eq!(answer.header("x-request-id").unwrap().len(), 16, "one of ours in place of {wrong}");
    }
    assert!(ask("/nowhere", "").refusal(404).contains("There is no such page"));
    assert!(ask("/api/v1/nowhere", "").refusal(404).contains("There is no such page"));
    let wrong_method = send(&server, &format!("DELETE /api/v1/runs HTTP/1.1\nhost: {}", server.host()), b"");
    wrong_method.refusal(405);
    assert!(wrong_method.header("allow").unwrap().contains("POST"), "{}", wrong_method.head);
    for path in ["/runs/", "/datasets//?q=x", "/api/v1/runs/"] {
        assert_eq!(ask(path, "").status, 200, "{path}");
    }
}
