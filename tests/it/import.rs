//! What the API says of sources that it can't take, and of those it can.

use crate::support::{Server, draw_images};
use serde_json::json;

#[test]
fn a_source_is_asked_for_by_word_or_recognised() {
    let (data, images) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    draw_images(images.path());
    let table: String =
        (0..40).map(|at| format!("bright/{at:02}.png,{}\n", ["even", "odd"][at % 2])).collect();
    std::fs::write(images.path().join("t.csv"), format!("path,label\n{table}")).unwrap();
    let server = Server::start(data.path());
    let path = images.path().to_str().unwrap();

    for (source, field, says) in [
        (json!({"path": path, "format": "jpeg2000"}), "source.format", "there are auto, folder, idx"),
        (json!({"catalogue": "imagenet"}), "source.catalogue", "there are cifar10, mnist"),
        (json!({"path": path, "catalogue": "mnist"}), "source", "not both"),
        (json!({}), "path", "give the path"),
    ] {
        let (status, answer) = server.post("/api/v1/datasets", &json!({"name": "set", "source": source}));
        assert_eq!(status, 422, "{answer}");
        assert_eq!(answer["error"]["field"], field, "{answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|why| why.contains(says)), "{answer}");
    }
    for (format, known_as, classes, evidence, other) in [
        ("auto", "folder", ["bright", "dark"], "images lie in 2 folders", "manifest"),
        ("manifest", "manifest-csv", ["even", "odd"], "t.csv has columns “path” and “label”", "folder"),
    ] {
        let source = json!({"path": path, "format": format});
        let (status, made) = server.post("/api/v1/datasets", &json!({"name": format, "source": source}));
        assert_eq!(status, 202, "{made}");
        let dataset = server
            .wait(&format!("/api/v1/datasets/{}", made["id"]), |dataset| dataset["state"] != "importing");
        assert_eq!(dataset["format"], known_as, "{dataset}");
        assert_eq!((&dataset["evidence"], &dataset["readings"]), (&json!(evidence), &json!([other])));
        assert_eq!(
            dataset["classes"].as_array().unwrap().iter().map(|class| &class["name"]).collect::<Vec<_>>(),
            classes
        );
    }
}
