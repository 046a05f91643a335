//! Keys, where other machines reach a server: which address needs which, what a reader is told, and how a key comes and goes.

use crate::shared::{Shared, command, furnish};
use crate::support::{Server, wait_until};
use serde_json::{Value, json};
use std::collections::{BTreeSet, VecDeque};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use tintype::domain::access::Needed;

/// An address of the table with something in it that is there or, for a change, is not.
fn fill(method: &str, path: &str) -> String {
    let number = if method == "GET" { "1" } else { "999" };
    let values = [
        ("{id}", number),
        ("{number}", number),
        ("{at}", "0"),
        ("{sample}", number),
        ("{step}", "0"),
        ("{item}", "0"),
        ("{map}", "category-to-paths"),
        ("{hash}", "00"),
        ("{side}", "160"),
        ("{action}", "star"),
        ("{name}", "none"),
        ("{key}", "none"),
        ("{fingerprint}", "none"),
        ("{finding}", "none"),
        ("{*path}", "css/tokens.css"),
    ];
    let file = if path.contains("/health/") { "dark.csv" } else { "manifest.csv" };
    let filled =
        values.iter().fold(path.replace("{file}", file), |path, (name, value)| path.replace(name, value));
    assert!(!filled.contains('{'), "this test has no value for {filled}");
    filled
}

/// Everything that a change would change.
fn state(server: &Shared) -> Vec<Value> {
    wait_until("the examination of the data set", || {
        let status = server.get("/api/v1/datasets/1/health", &server.key).status;
        if status == 200 { Ok(()) } else { Err(status) }
    });
    let lists = ["datasets", "runs", "pipelines", "datasets/1/versions", "datasets/1/health"];
    lists.iter().map(|list| server.get(&format!("/api/v1/{list}"), &server.key).json()).collect()
}

pub(crate) fn edit_database(data: &Path, sql: &'static str) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let file = format!("sqlite://{}", data.join("tintype.db").display());
        let pool = sqlx::SqlitePool::connect(&file).await.unwrap();
        sqlx::query(sql).execute(&pool).await.unwrap();
        pool.close().await;
    });
}

#[test]
fn every_route_answers_exactly_those_whom_its_row_names() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    furnish(&data, &folder.path().join("images"));
    let server = Shared::start(&data);
    let (_, reader, _) = server.make_link("reader", "/");
    let (revoked_id, revoked, _) = server.make_link("revoked", "/");
    server.revoke(revoked_id);
    let (_, expired, _) = server.make_link("expired", "/");
    edit_database(&data, "update access_keys set expires_at_ms = 1 where name = 'expired'");
    let before = state(&server);
    let table = tintype::web::table();
    assert!(table.len() > 110, "{} rows", table.len());
    for route in &table {
        let path = fill(route.method.as_str(), route.path);
        let row = format!("{} {path}", route.method);
        // Without a data set that is there, a form that would start a run starts none.
        let body = if path == "/runs" { "dataset=999" } else { "" };
        let ask = |key: &str| server.ask(route.method.as_str(), &path, key, body).status;
        let statuses = [ask(""), ask(&revoked), ask(&expired), ask(&reader), ask(&server.key)];
        let is_let_in = |status: u16| ![401, 403, 429].contains(&status) && status < 500;
        let (nobody, reader, full) = (&statuses[..3], statuses[3], statuses[4]);
        assert!(is_let_in(full), "{row} with a full key: {full}");
        match route.needed {
            Needed::NoKey => assert!(statuses.into_iter().all(is_let_in), "{row}: {statuses:?}"),
            Needed::AnyKey => assert!(nobody == [401; 3] && is_let_in(reader), "{row}: {statuses:?}"),
            Needed::FullKey => assert!(nobody == [401; 3] && reader == 403, "{row}: {statuses:?}"),
        }
    }
    // What is no route is nobody's business, and a method that is not there changes nothing.
    for (method, path) in [("GET", "/nowhere"), ("PUT", "/runs"), ("POST", "/api/v1/transforms")] {
        assert_eq!(server.ask(method, path, "", "").status, 401, "{method} {path}");
    }
    assert_eq!(server.get("/nowhere", &reader).status, 404);
    assert!(state(&server) == before, "something was changed");
    // At last, since they are slowed down.
    for route in table.iter().filter(|route| route.needed != Needed::NoKey) {
        let path = fill(route.method.as_str(), route.path);
        let status = server.ask(route.method.as_str(), &path, "no-key-of-this-server", "").status;
        assert!([401, 429].contains(&status), "{} {path}: {status}", route.method);
    }
    let refused = server.get("/runs", "no-key-of-this-server");
    assert_eq!(refused.status, 429);
    assert!((1..=61).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    // Whoever has a cookie is not held up by that.
    let cookie = format!("tintype-key-{}={reader}", server.port());
    assert_eq!(server.ask_with("GET", "/runs", &[("cookie", &cookie)], "").status, 200);
}

#[test]
fn every_route_is_made_by_the_table() {
    fn look(folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path);
            } else if !path.ends_with("web/routes.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(!text.contains(".route("), "{} adds a route beside the table", path.display());
            }
        }
    }
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
}

/// The pages that a reader gets to by links, each kind once.
fn walk(server: &Shared, key: &str) -> Vec<(String, String)> {
    let mut kinds = BTreeSet::new();
    let mut todo = VecDeque::from(["/".to_owned(), "/runs/2".to_owned(), "/datasets/2".to_owned()]);
    let mut pages = Vec::new();
    while let Some(path) = todo.pop_front() {
        let answer = server.get(&path, key);
        assert_eq!(answer.status, 200, "{path}");
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        let page = answer.text();
        for link in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let link = link.replace("&amp;", "&").replace("&#38;", "&");
            let link = link.split('#').next().unwrap();
            let kind: String =
                link.split('?').next().unwrap().chars().filter(|c| !c.is_ascii_digit()).collect();
            let is_page =
                link.starts_with('/') && !link.starts_with("/static/") && !link.starts_with("/thumbnails/");
            if is_page && kinds.insert(kind) {
                todo.push_back(link.to_owned());
            }
        }
        pages.push((path, page));
    }
    assert!(pages.len() > 20, "{} pages", pages.len());
    pages
}

#[test]
fn a_reader_sees_no_control_that_would_not_work_and_no_path_of_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let data = root.join("data");
    furnish(&data, &root.join("images"));
    let mut server = Shared::start(&data);
    // The weights of a run lie where nobody has to know.
    server.stop();
    let weights: &'static str = format!(
        "update runs set spec = json_set(spec, '$.weights', '{}')",
        root.join("start.safetensors").display()
    )
    .leak();
    edit_database(&data, weights);
    let server = Shared::start(&data);
    let secret = root.to_str().unwrap();
    for path in ["/api/v1/datasets", "/api/v1/runs", "/datasets/1/overview"] {
        assert!(
            server.get(path, &server.key).text().contains(secret),
            "{path} tells whoever may do everything"
        );
    }
    let (_, key, _) = server.make_link("For “Ann”", "/runs/1");
    for (path, page) in walk(&server, &key) {
        for control in [
            "method=\"post\"",
            "data-select-all",
            "form=\"edit\"",
            "action=\"/runs/selected\"",
            "href=\"/runs/new",
            "href=\"/datasets/new",
            "href=\"/share",
            "href=\"/runs/delete",
            "/log\"",
        ] {
            assert!(!page.contains(control), "{path} has {control}");
        }
        assert!(!page.contains(secret), "{path} tells {secret}");
        assert!(
            page.contains("read-only") && page.contains("For “Ann”, expires in 7"),
            "{path} has no badge"
        );
    }
    for route in
        tintype::web::table().iter().filter(|route| route.method == "GET" && route.needed == Needed::AnyKey)
    {
        let path = fill("GET", route.path);
        let answer = server.get(&path, &key);
        let text = if answer.header("content-type").starts_with("text/event-stream") {
            answer.lines().take(10).map(Result::unwrap).collect()
        } else {
            answer.text()
        };
        assert!(!text.contains(secret), "{path} tells {secret}: {text}");
    }
    // What only looks is theirs too: the ticks of the list are for a comparison.
    let list = server.get("/runs", &key).text();
    assert!(list.contains("action=\"/runs/compare\"") && list.contains("form=\"selected\""), "{list}");
    let run = server.get("/api/v1/runs/1", &key).json();
    assert_eq!(run["spec"]["weights"], "start.safetensors");
    assert_eq!(server.get("/api/v1/datasets/1", &key).json()["source"], "images");
    // The same pages have their controls for whoever may use them.
    let own = server.get("/datasets/1", &server.key).text();
    assert!(
        own.contains("action=\"/datasets/1/edits\"")
            && own.contains("form=\"edit\"")
            && own.contains("/share?view=")
    );
}

#[test]
fn no_change_of_a_reader_goes_through() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    furnish(&data, &folder.path().join("images"));
    let server = Shared::start(&data);
    let (_, key, _) = server.make_link("reader", "/");
    let before = state(&server);
    let sample = server.get("/api/v1/datasets/1/samples?limit=1", &key).json()["items"][0]["id"].to_string();
    let cookie = format!("tintype-key-{}={key}", server.port());
    let forms = [
        ("/datasets/1/edits", format!("action=exclude&id={sample}")),
        ("/runs/1/rename", "name=other".to_owned()),
        ("/runs/selected", "action=archive&id=1".to_owned()),
        ("/datasets/1/delete", String::new()),
        ("/share", "name=more&role=full&view=/&days=".to_owned()),
    ];
    for (path, form) in &forms {
        // As the page itself would send it, and as another site's would.
        let headers =
            [("cookie", cookie.as_str()), ("origin", server.url.as_str()), ("sec-fetch-site", "same-origin")];
        let own = server.ask_with("POST", path, &headers, form);
        assert_eq!(own.status, 403, "{path}");
        assert!(own.text().contains("Your link is read-only"), "{path}");
        let foreign = [
            ("cookie", cookie.as_str()),
            ("origin", "http://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert_eq!(server.ask_with("POST", path, &foreign, form).status, 403, "{path}");
    }
    let calls = [
        ("POST", "/api/v1/datasets/1/edits", json!({"action": "exclude", "samples": [1]})),
        ("POST", "/api/v1/runs", json!({"dataset": "shades"})),
        ("PATCH", "/api/v1/runs/1", json!({"name": "other"})),
        ("DELETE", "/api/v1/runs/1", Value::Null),
        ("PUT", "/api/v1/pipelines/mine", json!([])),
        ("POST", "/api/v1/access-keys", json!({"name": "more", "role": "full"})),
    ];
    for (method, path, body) in &calls {
        let answer = server.ask(method, path, &key, &body.to_string());
        assert_eq!(answer.status, 403, "{method} {path}");
        assert_eq!(answer.json()["error"]["code"], "read_only", "{method} {path}");
    }
    assert!(state(&server) == before, "something was changed");
    assert_eq!(server.get("/api/v1/access-keys", &server.key).json()["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_link_becomes_a_cookie_and_leaves_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let server = Shared::start(&folder.path().join("data"));
    let (_, key, urls) = server.make_link("Runs", "/runs?q=a%20b&sort=name");
    assert_eq!(urls[0], format!("{}/runs?q=a%20b&sort=name&key={key}", server.url));
    let path = urls[0].strip_prefix(&server.url).unwrap();
    let answer = server.get(path, "");
    assert_eq!((answer.status, answer.header("location")), (303, "/runs?q=a%20b&sort=name"));
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let spelled = server.get(&format!("/runs?q=a&%6bey={key}"), "");
    assert_eq!(spelled.header("location"), "/runs?q=a", "not to itself for ever");
    let cookie = answer.header("set-cookie").to_owned();
    let name = format!("tintype-key-{}", server.port());
    for part in [name.as_str(), "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let reader = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(server.ask_with("GET", "/runs", &[("cookie", &reader)], "").status, 200);
    // Whoever may do everything opens their own link, and still may.
    let owner = format!("{name}={}", server.key);
    let opened = server.ask_with("GET", path, &[("cookie", &owner)], "");
    assert_eq!((opened.status, opened.header("set-cookie")), (303, ""));
    // Two slashes would lead to another server.
    let odd = server.get(&format!("//evil.example/?key={key}"), "");
    assert!(odd.header("location").starts_with("/evil.example"), "{}", odd.header("location"));
    // What was pasted into the page that asks for a key goes the same way.
    let pasted =
        format!("view=%2F&key={}", form_urlencoded::byte_serialize(urls[0].as_bytes()).collect::<String>());
    let entered = server.ask("POST", "/key", "", &pasted);
    assert_eq!((entered.status, entered.header("location")), (303, path));
    // A list of keys tells none.
    let list = server.get("/api/v1/access-keys", &server.key).text();
    assert!(list.contains("\"Runs\"") && !list.contains(&key) && !list.contains(&server.key), "{list}");
    assert!(!server.get("/share", &server.key).text().contains(&key));
}

#[test]
fn a_link_that_is_revoked_expired_or_wrong_is_refused_in_words_and_its_stream_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Shared::start(&folder.path().join("data"));
    let (id, key, _) = server.make_link("Tuesday", "/");
    let mut stream = server.get("/api/v1/events", &key).lines();
    assert_eq!(stream.next().unwrap().unwrap(), "retry: 1000");
    server.revoke(id);
    let page = server.get(&format!("/?key={key}"), "");
    assert_eq!((page.status, page.header("www-authenticate")), (401, "Bearer"));
    let page = page.text();
    assert!(
        page.contains("The link “Tuesday” was revoked just now. Ask whoever sent it for another."),
        "{page}"
    );
    assert!(!page.contains(&key), "no page repeats a key");
    assert_eq!(stream.find(|line| line.is_err()).map(drop), None, "it ends, and does not break");

    let (_, expired, _) = server.make_link("Monday", "/");
    edit_database(&server.data, "update access_keys set expires_at_ms = 1 where name = 'Monday'");
    assert!(server.get(&format!("/runs?key={expired}"), "").text().contains("The link “Monday” expired"));
    let wrong = server.get("/runs?key=nothing-of-the-kind", "");
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("There is no such key."));
    let error = server.get("/api/v1/runs", "").json();
    assert_eq!(error["error"]["code"], "key_needed");
    // A cookie that is wrong is taken away, so that an open page does not try it for ever.
    let stale =
        server.ask_with("GET", "/", &[("cookie", &format!("tintype-key-{}=stale", server.port()))], "");
    assert!(stale.header("set-cookie").contains("Max-Age=0"));
}

#[test]
fn commands_of_the_same_machine_need_no_key_and_the_next_start_knows_the_last_ones() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Shared::start(&data);
    let file = data.join("server-key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let runs = Command::new(env!("CARGO_BIN_EXE_tintype"))
        .args(["runs", "--json", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&runs.stdout).into_owned();
    assert_eq!(said.trim(), r#"{"items":[]}"#, "{runs:?}");
    let tintype = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_tintype"))
            .args(arguments)
            .arg("--data")
            .arg(&data)
            // Nobody is there, and nobody there is to be told the key.
            .envs([("ALL_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let link = tintype(&["share", "/runs?q=a", "--name", "From a terminal"]);
    let key = link.rsplit("&key=").next().unwrap().lines().next().unwrap();
    assert_eq!(server.get("/runs", key).status, 200, "{link}");
    let list = tintype(&["share", "--list"]);
    assert!(list.starts_with("2\tvalid\tread-only\tFrom a terminal\t/runs?q=a"), "{list}");
    tintype(&["share", "--revoke", "2"]);
    assert_eq!(server.get("/runs", key).status, 401);
    let link = tintype(&["share", "--full", "--days", "0"]);
    let key = link.rsplit("key=").next().unwrap();
    assert_eq!(server.get("/share", key).status, 200, "its holder may make links too: {link}");
    let list = server.get("/api/v1/access-keys", key).json();
    let made = list["items"].as_array().unwrap().iter().find(|item| item["id"] == 3).unwrap();
    assert_eq!((&made["role"], &made["expires_at_ms"]), (&json!("full"), &Value::Null), "{list}");
    let long = format!("/runs?q={}", "a".repeat(200));
    let link = tintype(&["share", &long]);
    assert!(link.contains(&long), "a view may be longer than a name: {link}");
    let earlier = server.key.clone();
    server.stop();
    assert!(!file.exists(), "nobody answers to it any more");
    let server = Shared::start(&data);
    assert_ne!(server.key, earlier);
    assert_eq!(server.get("/runs", &earlier).status, 200, "a restart locks nobody out");
}

#[test]
fn a_chosen_key_must_be_long_and_another_one_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let refused = command(&data).env("TINTYPE_KEY", "short").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("TINTYPE_KEY") && words.contains("at least 20 characters"), "{words}");
    let start = |key: &str| {
        let mut chosen = command(&data);
        chosen.env("TINTYPE_KEY", key);
        Shared::start_by(chosen, &data)
    };
    let mut server = start("one-key-of-a-good-length");
    assert_eq!(server.key, "one-key-of-a-good-length");
    assert_eq!(server.get("/runs", &server.key).status, 200);
    server.stop();
    let server = start("another-key-of-a-good-length");
    assert_eq!(server.get("/runs", "one-key-of-a-good-length").status, 401);
}

#[test]
fn at_a_loopback_address_nobody_needs_a_key_and_sharing_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    assert!(!folder.path().join("data/server-key").exists());
    let page = server.get_text("/share?view=%2Fruns%3Fq%3Da");
    for words in ["Only this computer reaches this server", "--address 0.0.0.0:", "data-view=\"/runs?q=a\""] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let (status, error) = server.post("/api/v1/access-keys", &json!({"name": "a", "view": "/"}));
    assert_eq!(status, 409, "{error}");
}
