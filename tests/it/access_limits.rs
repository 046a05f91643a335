//! What a key, a guess or a proxy can't get past.

use crate::access::edit_database;
use crate::shared::{Shared, command};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

#[test]
fn guesses_are_counted_beside_a_good_cookie_and_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Shared::start(&folder.path().join("data"));
    let (_, reader, _) = server.make_link("reader", "/");
    let (_, fresh, _) = server.make_link("not used yet", "/");
    let cookie = format!("tintype-key-{}={reader}", server.port());
    assert_eq!(server.ask_with("GET", "/runs", &[("cookie", &cookie)], "").status, 200);
    let guess = |at: usize| {
        // Every other one beside a good cookie, which is sent on without the key.
        let headers = [("cookie", cookie.as_str())];
        let headers: &[(&str, &str)] = if at.is_multiple_of(2) { &headers } else { &[] };
        server.ask_with("GET", &format!("/runs?key=guess-{at}"), headers, "").status
    };
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guess = &guess;
        let asked: Vec<_> = (0..30).map(|at| scope.spawn(move || guess(at))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(statuses.iter().step_by(2).all(|status| *status == 303), "{statuses:?}");
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert!(looked_at <= 10, "{statuses:?}");
    assert!(statuses.iter().skip(1).step_by(2).any(|status| *status == 429), "{statuses:?}");
    // Now no key is looked at but the one that was good before, wherever it stands.
    let unused = format!("tintype-key-{}={fresh}", server.port());
    assert_eq!(server.ask_with("GET", "/runs", &[("cookie", &unused)], "").status, 429);
    assert_eq!(server.get("/runs", &fresh).status, 429);
    assert_eq!(server.ask_with("GET", "/runs", &[("cookie", &cookie)], "").status, 200);
}

#[test]
fn a_page_shows_though_the_use_of_a_key_can_not_be_noted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Shared::start(&folder.path().join("data"));
    let (_, reader, _) = server.make_link("reader", "/");
    edit_database(
        &server.data,
        "create trigger full before update on access_keys begin select raise(abort, 'disk full'); end",
    );
    assert_eq!(server.get("/runs", &reader).status, 200);
}

/// The status of a request whose body is announced, and never sent.
fn status_before_body(server: &Shared, path: &str, key: &str) -> String {
    let host = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: 30000000\r\n\r\n"
    )
    .unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn nothing_is_kept_of_a_body_whose_sender_may_not_send_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Shared::start(&folder.path().join("data"));
    let (_, reader, _) = server.make_link("reader", "/");
    // Whoever waits for the body says 408.
    assert_eq!(status_before_body(&server, "/api/v1/datasets/1/edits", "no-key-of-this-server"), "401");
    assert_eq!(status_before_body(&server, "/api/v1/datasets/1/edits", &reader), "403");
    let long = format!("key={}", "a".repeat(100 << 10));
    assert_eq!(server.ask("POST", "/key", "", &long).status, 413);
}

#[test]
fn a_link_that_is_made_behind_a_proxy_that_speaks_tls_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = command(&data);
    command.args(["--host", "photos.example"]);
    let server = Shared::start_by(command, &data);
    let bearer = format!("Bearer {}", server.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("host", "photos.example"),
        ("origin", "https://photos.example"),
    ];
    let made =
        server.ask_with("POST", "/api/v1/access-keys", &headers, r#"{"name": "for Ann", "view": "/runs"}"#);
    assert_eq!(made.status, 201);
    let made = made.json();
    assert!(made["urls"][0].as_str().unwrap().starts_with("https://photos.example/runs?key="), "{made}");
}
