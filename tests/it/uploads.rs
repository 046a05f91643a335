//! Files that are sent: several at once, with their folders, with names that lead elsewhere; cut short; refused.

use crate::support::{Server, wait_until};
use serde_json::{Value, json};
use std::io::{Cursor, Write as _};
use std::path::Path;

/// A small image; another number, another image.
fn image(number: u8) -> Vec<u8> {
    let image = image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([number, (x * 9) as u8, (y * 13) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Sends files and waits until they are imported.
fn import(server: &Server, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Value {
    let (status, answer) = server.upload("/api/v1/datasets", fields, files);
    assert_eq!(status, 202, "{answer}");
    let made: Value = serde_json::from_str(&answer).unwrap();
    server.wait(&format!("/api/v1/datasets/{}", made["id"]), |dataset| dataset["state"] != "importing")
}

fn classes(dataset: &Value) -> Vec<(String, u64)> {
    let classes = dataset["classes"].as_array().unwrap().iter();
    classes
        .map(|class| (class["name"].as_str().unwrap().to_owned(), class["count"].as_u64().unwrap()))
        .collect()
}

fn counted(counts: &[(&str, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn folders_are_sent_with_their_paths_and_nothing_is_dropped_without_a_word() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [a, b, c] = [image(10), image(90), image(200)];
    let dataset = import(
        &server,
        &[("way", "upload")],
        &[
            ("pets/cat/1.png", &a),
            ("pets/cat/1.png", &b),
            ("pets/dog/1.png", &c),
            ("pets/dog/.DS_Store", b"x"),
            ("pets/dog/read me.txt", b"hello"),
            ("../x.png", &a),
        ],
    );
    assert_eq!((&dataset["state"], &dataset["name"]), (&json!("ready"), &json!("pets")), "{dataset}");
    assert_eq!(classes(&dataset), counted(&[("cat", 2), ("dog", 1)]), "the same name twice keeps both");
    let rejected = dataset["rejected"].as_array().unwrap();
    let rejected: Vec<&str> = rejected.iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(rejected, ["../x.png", "pets/dog/read me.txt"]);
    assert!(!data.path().join("x.png").exists() && !data.path().join("uploads/x.png").exists());
    assert_eq!(entries(&data.path().join("uploads")), 0, "what was sent lies with the data set now");
    let kept = data.path().join(format!("datasets/{}/pets/cat/1 (2).png", dataset["id"]));
    assert_eq!(std::fs::read(kept).unwrap(), b);
    // It is seen after a restart, from its own copy.
    server.kill();
    let server = Server::start(data.path());
    let samples = server.get(&format!("/api/v1/datasets/{}/samples", dataset["id"]));
    let hash = samples["items"][0]["hash"].as_str().map(str::to_owned);
    assert_eq!(samples["items"].as_array().unwrap().len(), 3, "{samples}");
    if let Some(hash) = hash {
        assert!(!server.get_bytes(&format!("/thumbnails/{hash}/160")).is_empty());
    }
}

#[test]
fn several_archives_join_and_a_broken_one_is_named() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let zip = |files: &[(&str, &[u8])]| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    let [a, b, c] = [image(10), image(90), image(200)];
    let loose = zip(&[("1.png", &a), ("2.png", &b)]);
    let folders = zip(&[("more/dog/1.png", &c), ("more/cat/3.png", &c)]);
    let broken = &loose[..loose.len() / 2];
    let dataset = import(
        &server,
        &[("name", "joined")],
        &[("cat.zip", &loose), ("more.zip", &folders), ("broken.zip", broken)],
    );
    assert_eq!(classes(&dataset), counted(&[("cat", 3), ("dog", 1)]), "{dataset}");
    let [rejected] = &dataset["rejected"].as_array().unwrap()[..] else { panic!("{dataset}") };
    assert_eq!(rejected["path"], "broken.zip");
    let reason = rejected["reason"].as_str().unwrap();
    assert!(reason.contains("cannot be read") && !reason.contains("uploads"), "{reason}");
}

#[test]
fn loose_images_are_of_the_class_that_is_named_or_say_what_they_lack() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let [a, b] = [image(10), image(90)];
    let files: &[(&str, &[u8])] = &[("a.png", &a), ("dog/b.png", &b)];
    let dataset = import(&server, &[("name", "loose"), ("class", "cat")], files);
    assert_eq!(classes(&dataset), counted(&[("cat", 1), ("dog", 1)]), "{dataset}");

    for (name, content) in [("a.png", &a[..]), ("notes.md", b"# notes")] {
        for _ in 0..2 {
            let failed = import(&server, &[], &[(name, content)]);
            assert_eq!(failed["state"], "failed");
            let why = failed["failure"].as_str().unwrap();
            let told = format!("{why} {}", failed["source"]);
            assert!(
                !told.contains("/uploads") && !told.contains(".tmp") && !told.contains("/files"),
                "{told}"
            );
            assert!(
                why.contains("notes.md is no folder") || why.contains("1 file in the top folder"),
                "{why}"
            );
        }
    }
    let all = server.get("/api/v1/datasets");
    let failed = all["items"].as_array().unwrap().iter().filter(|dataset| dataset["state"] == "failed");
    assert_eq!(failed.count(), 2, "a second attempt takes the place of the first: {all}");
    let home = server.get_text("/");
    assert_eq!(home.matches("Try again").count(), 2, "a line each");
}

#[test]
fn what_is_wrong_comes_back_with_all_that_was_typed() {
    let (data, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (path, number) in [("a/1.png", 10), ("b/1.png", 90)] {
        std::fs::create_dir_all(source.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(source.path().join(path), image(number)).unwrap();
    }
    let server = Server::start(data.path());
    let path = source.path().to_str().unwrap();
    let fields = [("way", "folder"), ("name", "rare"), ("path", path), ("val", "50"), ("seed", "7")];
    let made = import(&server, &fields, &[]);
    assert_eq!(made["split_note"], "held out by seed 7: 50 % for validation", "{made}");

    // The name is taken: a free one is filled in, and nothing else is lost.
    let (status, page) = server.upload("/datasets", &fields, &[]);
    assert_eq!(status, 422);
    for part in
        ["there is a data set “rare” already", "value=\"rare 2\"", path, "value=\"50\"", "value=\"7\""]
    {
        assert!(page.contains(part), "{part} is missing");
    }
    for (field, value, says) in [
        ("path", "~/no/such/folder", "on the server&#39;s machine"),
        ("path", "photos", "“photos” does not say where it begins"),
        ("val", "120", "enter a number from 0 to below 100"),
    ] {
        let mut fields = vec![("way", "folder"), ("name", "new"), ("path", path), ("val", "50")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let (status, page) = server.upload("/datasets", &fields, &[]);
        assert_eq!(status, 422, "{field}");
        assert!(page.contains(says), "{says} is missing");
        assert!(page.contains(&format!("value=\"{value}\"")), "what was typed stays");
    }
    let home = std::env::var("HOME").unwrap();
    let (_, page) = server.upload("/datasets", &[("way", "folder"), ("path", "~/no/such/folder")], &[]);
    assert!(page.contains(&format!("{home}/no/such/folder")), "~ is the home of the server's user");
    let (status, page) = server.upload("/datasets", &[("way", "known"), ("path", path)], &[]);
    assert!(status == 422 && page.contains("choose a data set"), "the path belongs to another tab");

    let names = server.get("/api/v1/dataset-names?name=rare");
    assert_eq!(names, json!({"name": "rare", "free": false, "suggestion": "rare 2"}));
    let offered = server.get(&format!("/api/v1/paths?prefix={path}/"));
    assert_eq!(offered["items"], json!([format!("{path}/a/"), format!("{path}/b/")]));
}

#[test]
fn an_upload_that_is_cut_short_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let uploads = data.path().join("uploads");
    {
        let mut socket = std::net::TcpStream::connect(server.host()).unwrap();
        let part = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cat/1.png\"\r\n\r\nhalf";
        let head = "POST /api/v1/datasets HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 100000\r\n\r\n";
        socket.write_all(format!("{head}{part}").as_bytes()).unwrap();

        wait_until("the upload's folder", || match entries(&uploads) {
            0 => Err("no entry"),
            _ => Ok(()),
        });
    }
    wait_until("the upload's folder to go", || match entries(&uploads) {
        0 => Ok(()),
        left => Err(format!("{left} entries")),
    });
    assert_eq!(server.get("/api/v1/datasets")["items"], json!([]));
}

#[test]
fn a_failed_import_is_tried_again_as_it_was() {
    let (data, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir_all(source.path().join("a")).unwrap();
    std::fs::write(source.path().join("a/1.png"), image(10)).unwrap();
    let server = Server::start(data.path());
    let path = source.path().to_str().unwrap();
    let fields = [("way", "folder"), ("name", "again"), ("path", path), ("val", "40"), ("seed", "3")];
    let failed = import(&server, &fields, &[]);
    assert_eq!(failed["state"], "failed");
    let page = server.get_text(&format!("/datasets/{}", failed["id"]));
    assert!(page.contains("Try again") && page.contains("val=40&#38;test=0&#38;seed=3"), "{page}");

    std::fs::create_dir_all(source.path().join("b")).unwrap();
    std::fs::write(source.path().join("b/1.png"), image(90)).unwrap();
    let (status, _) = server.upload(&format!("/datasets/{}/retry", failed["id"]), &[], &[]);
    assert_eq!(status, 200, "led to the page of the new import");
    let all = server.wait("/api/v1/datasets", |all| all["items"][0]["state"] != "importing");
    let [only] = &all["items"].as_array().unwrap()[..] else { panic!("{all}") };
    assert_eq!((&only["name"], &only["state"]), (&json!("again"), &json!("ready")), "{only}");
    assert_eq!(only["split_note"], "held out by seed 3: 40 % for validation");
}
