//! The rule, as a table.

use super::*;

fn hosts(bound: &str, more: &[&str]) -> Hosts {
    let more: Vec<String> = more.iter().map(|name| (*name).to_owned()).collect();
    Hosts::new(bound.parse().unwrap(), Some("Darkroom"), &more)
}

/// What becomes of a request with these headers, in a word.
fn outcome(hosts: &Hosts, method: &str, uri: &str, given: &[(&str, &str)]) -> &'static str {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    match decide(hosts, &method.parse().unwrap(), &uri.parse().unwrap(), &headers) {
        Ok(()) => "fine",
        Err(Refusal::NoHost) => "no host",
        Err(Refusal::ForeignHost(_)) => "foreign host",
        Err(Refusal::ForeignPage) => "foreign page",
        Err(Refusal::UnknownPage) => "unknown page",
    }
}

#[test]
fn a_server_answers_to_its_own_names() {
    let local = hosts("127.0.0.1:8431", &[]);
    let named = hosts("[::1]:8431", &["tintype.example", "10.1.2.3"]);
    let open = hosts("0.0.0.0:8431", &["Photos.Example."]);
    for (hosts, host, wanted) in [
        (&local, "localhost", "fine"),
        (&local, "LocalHost.:9999", "fine"),
        (&local, "127.0.0.1:8431", "fine"),
        (&local, "127.8.9.1:22", "fine"),
        (&local, "[::1]:8431", "fine"),
        (&local, "[::ffff:127.0.0.1]", "fine"),
        (&local, "localhost.evil.example", "foreign host"),
        (&local, "127.0.0.1.evil.example:8431", "foreign host"),
        (&local, "evil.example:8431", "foreign host"),
        (&local, "192.168.0.7:8431", "foreign host"),
        (&local, "0.0.0.0:8431", "foreign host"),
        (&local, "darkroom", "foreign host"),
        (&local, "me@localhost", "no host"),
        (&local, "local host", "no host"),
        (&local, "", "no host"),
        (&named, "tintype.example", "fine"),
        (&named, "10.1.2.3:80", "fine"),
        (&named, "10.1.2.4:80", "foreign host"),
        (&open, "192.168.0.7:8431", "fine"),
        (&open, "[fe80::1]:8431", "fine"),
        (&open, "localhost:8431", "fine"),
        (&open, "darkroom:8431", "fine"),
        (&open, "DARKROOM.local:8431", "fine"),
        (&open, "photos.example", "fine"),
        (&open, "darkroom.evil.example", "foreign host"),
        (&open, "192.168.0.7.evil.example", "foreign host"),
    ] {
        for method in ["GET", "POST"] {
            assert_eq!(outcome(hosts, method, "/runs", &[("host", host)]), wanted, "{method} {host}");
        }
    }
    assert_eq!(outcome(&local, "GET", "/", &[]), "no host");
    assert_eq!(outcome(&local, "GET", "/", &[("host", "localhost"), ("host", "evil.example")]), "no host");
    let by_proxy = |uri| outcome(&local, "GET", uri, &[("host", "localhost")]);
    assert_eq!(by_proxy("http://localhost:8431/runs"), "fine");
    assert_eq!(by_proxy("http://evil.example/runs"), "foreign host");
}

#[test]
fn a_change_is_asked_for_by_a_page_of_ours_or_by_a_script() {
    let hosts = hosts("0.0.0.0:8431", &[]);
    let firefox = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0");
    let host = ("host", "192.168.0.7:8431");
    for (given, wanted) in [
        // A browser, at an address where it sends no Sec-Fetch-Site, and where it does.
        (vec![host, firefox, ("origin", "http://192.168.0.7:8431")], "fine"),
        (vec![host, ("origin", "http://192.168.0.7:8431"), ("sec-fetch-site", "same-origin")], "fine"),
        (vec![host, firefox, ("sec-fetch-site", "none")], "fine"),
        // The address is that of another server on the same machine.
        (vec![host, ("origin", "http://192.168.0.7:8432")], "foreign page"),
        (vec![host, ("origin", "http://192.168.0.7")], "foreign page"),
        (vec![host, ("origin", "https://evil.example")], "foreign page"),
        (vec![host, ("origin", "null")], "foreign page"),
        (vec![host, ("origin", "file://192.168.0.7:8431")], "foreign page"),
        (vec![host, ("origin", "http://192.168.0.7:8431@evil.example")], "foreign page"),
        (vec![host, ("sec-fetch-site", "cross-site")], "foreign page"),
        (vec![host, ("sec-fetch-site", "same-site")], "foreign page"),
        // They contradict each other: the worse counts.
        (vec![host, ("origin", "http://192.168.0.7:8431"), ("sec-fetch-site", "cross-site")], "foreign page"),
        (vec![host, ("origin", "null"), ("sec-fetch-site", "same-origin")], "foreign page"),
        (vec![host, ("origin", "http://192.168.0.7:8431"), ("origin", "null")], "foreign page"),
        // Nothing is said: a script, unless it looks like a browser.
        (vec![host], "fine"),
        (
            vec![host, ("user-agent", "curl/8.5.0"), ("content-type", "multipart/form-data; boundary=x")],
            "fine",
        ),
        (vec![host, ("user-agent", "Python-urllib/3.12")], "fine"),
        (vec![host, firefox], "unknown page"),
        (vec![host, ("cookie", "tintype=1")], "unknown page"),
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert_eq!(outcome(&hosts, method, "/runs", &given), wanted, "{method} {given:?}");
        }
        // Looking is free to all whose browser then keeps the answer from them.
        assert_eq!(outcome(&hosts, "GET", "/runs", &given), "fine", "{given:?}");
    }
}

#[test]
fn a_port_that_goes_without_saying_is_the_same_port() {
    let hosts = hosts("127.0.0.1:80", &["tintype.example"]);
    for (host, origin, wanted) in [
        ("localhost", "http://localhost:80", "fine"),
        ("localhost:80", "http://localhost", "fine"),
        // Behind a proxy that speaks TLS.
        ("tintype.example", "https://tintype.example", "fine"),
        ("Tintype.example:443", "https://tintype.EXAMPLE", "fine"),
        ("localhost:9999", "http://localhost:9999", "fine"),
        ("localhost", "http://127.0.0.1", "foreign page"),
    ] {
        let given = [("host", host), ("origin", origin)];
        assert_eq!(outcome(&hosts, "POST", "/runs", &given), wanted, "{host} {origin}");
    }
}
