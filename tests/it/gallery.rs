//! A data set's gallery over HTTP: which images an address names, in which order, and the page of one of them.

use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::path::Path;

/// Forty images of four classes, with an age from 0 to 39 and one of two cameras.
fn with_metadata(folder: &Path) -> (Server, Value) {
    let images = folder.join("images");
    draw_images(&images);
    let row = |at: usize| {
        let (class, camera) = (["ant", "bee", "cat", "Cat"][at % 4], ["Kodak", "Leica"][at % 2]);
        format!("bright/{at:02}.png,{class},{at},{camera}\n")
    };
    let rows: String = (0..40).map(row).collect();
    std::fs::write(images.join("t.csv"), format!("path,label,age,camera\n{rows}")).unwrap();
    let server = Server::start(&folder.join("data"));
    let source = json!({"path": images, "format": "manifest"});
    let (status, made) = server.post("/api/v1/datasets", &json!({"name": "insects", "source": source}));
    assert_eq!(status, 202, "{made}");
    let path = format!("/api/v1/datasets/{}", made["id"]);
    let dataset = server.wait(&path, |dataset| dataset["state"] != "importing");
    assert_eq!(dataset["state"], "ready", "{dataset}");
    (server, dataset)
}

#[test]
fn an_address_names_several_classes_all_but_some_a_file_name_and_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_metadata(folder.path());
    let base = format!("/api/v1/datasets/{}/samples", dataset["id"]);
    let ages = |query: &str| -> Vec<i64> {
        let answer = server.get(&format!("{base}?limit=1000&{query}"));
        let items = answer["items"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
        assert_eq!(answer["total"], items.len(), "{query}");
        items.iter().map(|item| item["metadata"]["age"].as_i64().unwrap()).collect()
    };
    let expected = |wanted: &dyn Fn(i64) -> bool| (0..40).filter(|age| wanted(*age)).collect::<Vec<i64>>();
    assert_eq!(ages("class=ant&class=bee"), expected(&|age| age % 4 < 2));
    assert_eq!(ages("not=ant&not=cat"), expected(&|age| age % 2 == 1));
    assert_eq!(ages("metadata=age:10..19"), expected(&|age| (10..=19).contains(&age)));
    assert_eq!(ages("metadata=age:35.."), expected(&|age| age >= 35));
    assert_eq!(ages("metadata=age:..30&metadata=camera=Leica"), expected(&|age| age <= 30 && age % 2 == 1));
    // The form's fields, which name each end apart; what is left empty is no condition.
    let form = "metadata.age.min=10&metadata.age.max=&metadata.camera.is=Kodak";
    assert_eq!(ages(form), expected(&|age| age >= 10 && age % 2 == 0));
    assert_eq!(ages("q=RIGHT/1"), expected(&|age| (10..20).contains(&age)));
    // Orders: with a sign, with the old word, and shuffled the same way twice.
    let mut reversed = ages("order=-bytes");
    assert_eq!(reversed, ages("order=bytes&descending=1"));
    assert_eq!(ages("order=-number"), (0..40).rev().collect::<Vec<i64>>());
    let shuffled = ages("order=random:3");
    assert_eq!(shuffled, ages("order=random:3"));
    assert_ne!(shuffled, ages("order=random:4"));
    reversed.sort_unstable();
    assert_eq!(reversed, expected(&|_| true));
    // A page after the other, shuffled too.
    let first = server.get(&format!("{base}?limit=25&order=random:3"));
    let rest = format!("limit=25&order=random:3&after={}", first["next_cursor"].as_str().unwrap());
    let rest = server.get(&format!("{base}?{rest}"));
    let age = |item: &Value| item["metadata"]["age"].as_i64().unwrap();
    let both = first["items"].as_array().unwrap().iter().chain(rest["items"].as_array().unwrap());
    assert_eq!(both.map(age).collect::<Vec<i64>>(), shuffled);
    for (query, field) in
        [("metadata=age", "metadata"), ("order=loud", "order"), ("sort=age", "query"), ("class=dog", "class")]
    {
        assert_eq!(server.get(&format!("{base}?{query}"))["error"]["field"], field, "{query}");
    }
}

#[test]
fn an_images_page_walks_through_its_gallery_and_shows_what_is_known_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_metadata(folder.path());
    let id = &dataset["id"];
    let bees = server.samples_of(&dataset, "bee");
    let page =
        |sample: i64, query: &str| server.get_text(&format!("/datasets/{id}/samples/{sample}?{query}"));
    let third = page(bees[2], "class=bee&order=-number");
    assert!(third.contains("8 of 10"), "from the end: {third}");
    let query = "class=bee&amp;order=-number";
    for (rel, sample) in [("prev", bees[3]), ("next", bees[1])] {
        let link = format!("<a href=\"/datasets/{id}/samples/{sample}?{query}\" rel=\"{rel}\">");
        assert!(third.replace("&#38;", "&amp;").contains(&link), "{link}: {third}");
    }
    assert!(third.contains(&format!("at={0}#tile-{0}", bees[2])), "it leads back to its tile: {third}");
    assert!(third.contains("<dt>camera</dt><dd>Leica</dd>"), "{third}");
    // The file as it is.
    let original = server.get_bytes(&format!("/datasets/{id}/samples/{}/original", bees[2]));
    assert_eq!(original, std::fs::read(folder.path().join("images/bright/09.png")).unwrap());
    // What became of it.
    let edit = json!({"action": "relabel", "samples": [bees[2]], "class": "ant", "note": "six legs"});
    assert_eq!(server.post(&format!("/api/v1/datasets/{id}/edits"), &edit).0, 201);
    let edited = page(bees[2], "class=bee");
    assert!(edited.contains("bee → ant") && edited.contains("six legs"), "{edited}");
    assert!(edited.contains("no longer among these 9"), "{edited}");
}

#[test]
fn the_gallery_begins_as_far_as_the_tile_that_one_comes_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let images = folder.path().join("images");
    draw_images(&images);
    let dataset = server.import("light", &images);
    let all = server.get(&format!("/api/v1/datasets/{}/samples?limit=1000", dataset["id"]));
    let last = all["items"].as_array().unwrap().last().unwrap()["sample_id"].clone();
    let tiles = |query: &str| {
        let page = server.get_text(&format!("/datasets/{}{query}", dataset["id"]));
        (page.matches("id=\"tile-").count(), page.contains(&format!("id=\"tile-{last}\"")))
    };
    assert_eq!(tiles(""), (60, false));
    assert_eq!(tiles(&format!("?at={last}")), (80, true));
}

#[test]
fn a_data_set_says_what_needs_a_look_and_what_was_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_metadata(folder.path());
    let page = |path: &str| server.get_text(&format!("/datasets/{}{path}", dataset["id"]));
    let images = page("");
    assert!(images.contains("“Cat” and “cat” may be the same class."), "{images}");
    assert!(images.contains("class=\"mark\""), "the Health tab is marked: {images}");
    // Each on a page of its own.
    assert!(page("/overview").contains("Rename or merge a class"));
    assert!(page("/skipped").contains("skipped at import"), "those that the table does not name");
    assert!(page("/runs").contains("No run uses this data set yet"));
    assert!(page("/versions").contains("Nothing has been changed since the import"));
}

#[test]
fn an_image_stands_beside_what_a_network_gets_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = with_metadata(folder.path());
    let samples = server.get(&format!("/api/v1/datasets/{}/samples?limit=1", dataset["id"]));
    let sample = &samples["items"][0]["sample_id"];
    let page = server.get_text(&format!("/datasets/{}/samples/{sample}", dataset["id"]));
    let figure = page.split("<figure class=\"as-input\">").nth(1).unwrap().split("</figure>").next().unwrap();
    let between = |start: &str| figure.split(start).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let input = image::load_from_memory(&server.get_bytes(&between("src=\""))).unwrap();
    let told = [between("width=\""), between("height=\"")].map(|side| side.parse::<u32>().unwrap());
    assert_eq!([input.width(), input.height()], told);
    assert!(figure.contains(&format!("Network input, {} × {}", told[0], told[1])), "{figure}");
}
