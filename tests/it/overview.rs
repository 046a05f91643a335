//! What the API says of a data set's images, held against the images and against the galleries that it opens.

use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::path::Path;

fn imported(folder: &Path) -> (Server, Value) {
    let server = Server::start(&folder.join("data"));
    let images = folder.join("images");
    draw_images(&images);
    // One that is larger and another kind of file.
    let large = image::RgbImage::from_fn(90, 40, |x, y| image::Rgb([(x * 2) as u8, (y * 5) as u8, 9]));
    large.save(images.join("dark").join("large.jpg")).unwrap();
    let dataset = server.import("light", &images);
    (server, dataset)
}

fn overview(server: &Server, dataset: &Value) -> Value {
    server.wait(&format!("/api/v1/datasets/{}/overview", dataset["id"]), |told| told["spreads"].is_array())
}

#[test]
fn every_bar_counts_what_its_gallery_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = imported(folder.path());
    let told = overview(&server, &dataset);
    let samples = |query: &str| {
        server.get(&format!("/api/v1/datasets/{}/samples?limit=1&{query}", dataset["id"]))["total"].clone()
    };
    let mut bars = 0;
    for spread in told["spreads"].as_array().unwrap() {
        let edges: Vec<f64> = serde_json::from_value(spread["edges"].clone()).unwrap();
        let counts: Vec<Vec<u64>> = serde_json::from_value(spread["counts"].clone()).unwrap();
        let bins = edges.len() - 1;
        for bin in 0..bins {
            let from = if bin == 0 { String::new() } else { edges[bin].to_string() };
            let to = if bin + 1 == bins { String::new() } else { edges[bin + 1].to_string() };
            let range = format!("range={}:{from}..{to}", spread["measure"].as_str().unwrap());
            for (class, label) in [("bright", 0), ("dark", 1)] {
                // Ordered by a measure, another query answers.
                for order in ["", "&order=brightness"] {
                    let total = samples(&format!("{range}&class={class}{order}"));
                    assert_eq!(total, counts[label][bin], "{range} {class}");
                }
            }
            bars += usize::from(counts[0][bin] + counts[1][bin] > 0);
        }
    }
    assert!(bars > 20, "{bars} bars say little");
    assert_eq!(told["formats"][0]["format"], "png");
    assert_eq!((samples("format=png"), samples("format=jpeg")), (json!(80), json!(1)));
    let refused = server.get(&format!("/api/v1/datasets/{}/samples?range=weight:1..2", dataset["id"]));
    assert_eq!(refused["error"]["field"], "range");
}

#[test]
fn a_class_on_average_is_the_mean_of_its_images() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = imported(folder.path());
    let path = |fingerprint: &str| format!("/datasets/{}/means/{fingerprint}?class=bright", dataset["id"]);
    let mean = server.get_bytes(&path(dataset["fingerprint"].as_str().unwrap()));
    let mean = image::load_from_memory(&mean).unwrap().to_rgb8();
    let images: Vec<image::RgbImage> = (0..40)
        .map(|at| folder.path().join(format!("images/bright/{at:02}.png")))
        .map(|file| image::open(file).unwrap().to_rgb8())
        .collect();
    assert_eq!(mean.dimensions(), (32, 32));
    for (at, level) in mean.iter().enumerate() {
        let sum: u32 = images.iter().map(|image| u32::from(image.as_raw()[at])).sum();
        assert_eq!(u32::from(*level), (sum + 20) / 40);
    }
    // The address names what is in the data set.
    let gone = server.get_text(&path("0123456789abcdef0123456789abcdef"));
    assert!(gone.contains("has changed since"), "{gone}");
}

#[test]
fn a_run_is_normalised_by_the_data_sets_own_figures() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = imported(folder.path());
    // At once: the run waits for the examination.
    let (status, run) = server.post(
        "/api/v1/runs",
        &json!({"dataset": "light", "epochs": 1, "image_size": 32, "batch_size": 16, "normalization": "dataset"}),
    );
    assert_eq!(status, 201, "{run}");
    let page = server.get(&format!("/api/v1/datasets/{}/samples?split=train&limit=1000", dataset["id"]));
    let (mut mean, mut square, mut count) = ([0.0; 3], [0.0; 3], 0.0);
    for item in page["items"].as_array().unwrap() {
        let file = folder.path().join("images").join(item["path"].as_str().unwrap());
        let image = image::open(file).unwrap().to_rgb8();
        let pixels = f64::from(image.width() * image.height());
        for pixel in image.pixels() {
            for channel in 0..3 {
                let value = f64::from(pixel.0[channel]) / 255.0;
                mean[channel] += value / pixels;
                square[channel] += value * value / pixels;
            }
        }
        count += 1.0;
    }
    let steps = [&run["spec"]["train_transforms"], &run["spec"]["eval_transforms"]];
    for step in steps.map(|steps| steps.as_array().unwrap().last().unwrap()) {
        assert_eq!(step["name"], "normalize");
        for channel in 0..3 {
            let mean = mean[channel] / count;
            let std = (square[channel] / count - mean * mean).sqrt();
            // Rounded to four decimals; a JPEG may be decoded a level apart.
            assert!((step["mean"][channel].as_f64().unwrap() - mean).abs() < 2e-4, "{step}");
            assert!((step["std"][channel].as_f64().unwrap() - std).abs() < 2e-4, "{step}");
        }
    }
}

#[test]
fn a_source_is_read_again_as_another_form_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let rows: String =
        (0..40).map(|at| format!("bright/{at:02}.png,{}\n", ["even", "odd"][at % 2])).collect();
    std::fs::write(images.join("t.csv"), format!("path,label\n{rows}")).unwrap();
    let server = Server::start(&folder.path().join("data"));
    let folders = server.import("light", &images);
    assert_eq!(folders["readings"], json!(["manifest"]), "{folders}");
    let again = |dataset: &Value, format: &str| {
        server.post(&format!("/api/v1/datasets/{}/format", dataset["id"]), &json!({"format": format}))
    };
    let ended = |dataset: &Value| {
        let path = format!("/api/v1/datasets/{}", dataset["id"]);
        server
            .wait(&path, |dataset| dataset["state"] != "importing" && dataset["name"] != "light as manifest")
    };

    // What does not fit fails beside it, and it stays.
    let (status, wrong) = again(&folders, "idx");
    assert_eq!(status, 202, "{wrong}");
    assert_eq!(ended(&wrong)["state"], "failed");
    assert_eq!(server.get(&format!("/api/v1/datasets/{}", folders["id"]))["name"], "light");

    let (_, table) = again(&folders, "manifest");
    let table = ended(&table);
    assert_eq!((&table["name"], &table["format"]), (&json!("light"), &json!("manifest-csv")));
    let gone = server.get(&format!("/api/v1/datasets/{}", folders["id"]));
    assert_eq!(gone["error"]["code"], "not_found", "{gone}");

    // One that was edited is kept.
    let sample = server.samples_of(&table, "odd")[0];
    let (status, _) = server.post(
        &format!("/api/v1/datasets/{}/edits", table["id"]),
        &json!({"action": "exclude", "samples": [sample]}),
    );
    assert_eq!(status, 201);
    let (_, beside) = again(&table, "folder");
    let beside = ended(&beside);
    assert_eq!((&beside["name"], &beside["state"]), (&json!("light as folder"), &json!("ready")));
    assert_eq!(server.get(&format!("/api/v1/datasets/{}", table["id"]))["name"], "light");
    let (status, refused) = again(&table, "jpeg2000");
    assert_eq!((status, &refused["error"]["field"]), (422, &json!("format")));
}

#[test]
fn the_heading_of_the_distributions_says_what_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let (server, dataset) = imported(folder.path());
    overview(&server, &dataset);
    let heading =
        "<h2>Distributions <span class=\"quiet\">share of images; click a bar to filter</span></h2>";
    let page = server.get_text(&format!("/datasets/{}/overview", dataset["id"]));
    assert!(
        page.contains(heading) && page.contains("<p class=\"legend\">"),
        "a line for each of two classes"
    );
    assert!(!page.contains("All classes together"));

    // Of many classes one is drawn, when it was chosen; the sentence stands by itself.
    let images = folder.path().join("images");
    let rows: String = (0..40).map(|at| format!("bright/{at:02}.png,class {}\n", at % 8)).collect();
    std::fs::write(images.join("t.csv"), format!("path,label\n{rows}")).unwrap();
    let source = json!({"path": images, "format": "manifest"});
    let (status, made) = server.post("/api/v1/datasets", &json!({"name": "eight", "source": source}));
    assert_eq!(status, 202, "{made}");
    server.wait(&format!("/api/v1/datasets/{}", made["id"]), |dataset| dataset["state"] == "ready");
    overview(&server, &made);
    let page = server.get_text(&format!("/datasets/{}/overview", made["id"]));
    let sentence =
        "<p class=\"quiet\">All classes together. Choose a class, and its line is drawn over the bars.</p>";
    assert!(page.contains(heading) && page.contains(sentence), "{page}");
}
