//! The form of a new run: what it shows is what the run then does.

use crate::support::{Server, draw_images};
use serde_json::json;
use std::path::Path;

fn with_data(data: &Path) -> Server {
    let server = Server::start(data);
    let images = data.join("images");
    draw_images(&images);
    server.import("light", &images);
    server
}

/// Sample and image address of every network input in the strip.
fn inputs(strip: &str) -> Vec<(i64, String)> {
    let between = |text: &str, before: &str, after: &str| -> String {
        text.split_once(before).unwrap().1.split_once(after).unwrap().0.to_owned()
    };
    strip
        .split("<li>")
        .skip(1)
        .map(|item| {
            let sample = between(item, "data-sample=\"", "\"").parse().unwrap();
            (sample, between(item, "src=\"", "\""))
        })
        .collect()
}

fn pixels(server: &Server, address: &str) -> image::RgbImage {
    image::load_from_memory(&server.get_bytes(address)).unwrap().to_rgb8()
}

#[test]
fn the_strip_shows_the_first_batch_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let fields = [
        ("dataset", "1"),
        ("epochs", "1"),
        ("image_size", "32"),
        ("batch_size", "16"),
        ("seed", "7"),
        ("precision", "f32"),
        ("rotation", "20"),
        ("color_jitter", "0.3"),
        ("mixup", "0.4"),
        ("cutmix", "1"),
    ];
    let (status, strip) = server.post_form("/runs/new/preview", &fields);
    assert_eq!(status, 200, "{strip}");
    assert!(strip.contains("No estimate: this model has not been timed"), "{strip}");
    let shown = inputs(&strip);
    assert_eq!(shown.len(), 8);

    let mut recipe = json!({"dataset": 1, "precision": "f32", "mixup": 0.4, "cutmix": 1.0, "rotation": 20.0});
    for (name, text) in &fields[1..5] {
        recipe[name] = json!(text.parse::<u64>().unwrap());
    }
    recipe["color_jitter"] = json!(0.3);
    let (status, run) = server.post("/api/v1/runs", &recipe);
    assert_eq!(status, 201, "{run}");
    let run = server.wait("/api/v1/runs/1", |run| run["state"] != "queued" && run["state"] != "running");
    assert_eq!(run["state"], "completed", "{run}");
    let batch = server.get("/api/v1/runs/1/batches")["items"][0].take();
    for (at, (sample, address)) in shown.iter().enumerate() {
        assert_eq!(batch["items"][at]["sample_id"], *sample);
        assert!(batch["items"][at]["mixed"].is_object(), "{batch}");
        let fed = pixels(&server, batch["images"][at].as_str().unwrap());
        assert!(pixels(&server, address) == fed, "input {at} is not what the run was fed");
    }

    // The cost goes by that run now, and follows the fields.
    let cost = |epochs: &str| {
        let mut fields = fields;
        fields[1].1 = epochs;
        server.post_form("/runs/new/preview", &fields).1
    };
    assert!(cost("1").contains("By the median speed") && cost("1").contains("4 steps: 1 epoch of 4"));
    assert!(cost("500").contains("2,000 steps: 500 epochs of 4"));
    let time = |page: String| page.split_once("About ").unwrap().1.split_once('<').unwrap().0.to_owned();
    assert_ne!(time(cost("1")), time(cost("500")));

    // All of it again, with one thing changed: the settings of the run stand in the fields.
    let page = server.get_text("/runs/new?like=1&learning_rate=0.5");
    for (field, value) in
        [("learning_rate", "0.5"), ("rotation", "20"), ("seed", "7"), ("mixup", "0.4"), ("image_size", "32")]
    {
        let standing = format!("<input id=\"{field}\" name=\"{field}\" value=\"{value}\"");
        assert!(page.contains(&standing), "{field} is not {value}");
    }
    assert!(page.contains("With all settings of <a href=\"/runs/1\">"));
    assert!(!server.get_text("/runs/new?like=99").contains("run-form"), "there is no such run");
}

#[test]
fn the_strip_follows_every_field_and_outlives_what_is_half_typed() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let ask = |field: (&'static str, &'static str)| {
        let (status, strip) = server.post_form("/runs/new/preview", &[("dataset", "1"), field]);
        assert_eq!(status, 200, "{strip}");
        strip
    };
    let plain = inputs(&ask(("flip", "off")));
    for field in [
        ("image_size", "24"),
        ("normalization", "zero-to-one"),
        ("crop_padding", "8"),
        ("random_resized_crop", "0.3"),
        ("rotation", "40"),
        ("color_jitter", "0.8"),
        ("mixup", "1"),
        ("cutmix", "1"),
        ("seed", "5"),
        ("redraws", "1"),
    ] {
        let followed = inputs(&ask(field));
        assert_eq!(followed.len(), 8, "{field:?}");
        // What is looked at has the normalisation undone: by other figures it is the same image.
        if field.0 != "normalization" {
            assert_ne!(followed, plain, "{field:?}");
        }
    }
    // A number that is none leaves the rest in sight, and says so.
    let half = ask(("cutmix", "-"));
    assert_eq!(inputs(&half).len(), 8);
    assert!(half.contains("Without CutMix, which needs attention"), "{half}");
}

#[test]
fn what_is_wrong_is_summed_up_at_start_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let (status, page) =
        server.post_form("/runs", &[("dataset", "1"), ("cutmix", "-1"), ("name", "my run"), ("epochs", "3")]);
    assert_eq!(status, 422);
    for part in [
        "1 field needs attention",
        "<a href=\"#cutmix\">CutMix</a>",
        "aria-describedby=\"cutmix-error cutmix-help\" aria-invalid=\"true\"",
        "id=\"group-augmentation\" open",
        "value=\"-1\"",
        "value=\"my run\"",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("id=\"group-advanced\" open"), "nothing is wrong there");

    // A pipeline of another size: said at the image size, with what would be right.
    let steps = r#"[{"name": "resize_exact", "size": 64}, {"name": "normalize"}]"#;
    let (status, page) =
        server.post_form("/runs", &[("dataset", "1"), ("train_transforms", steps), ("image_size", "96")]);
    assert_eq!(status, 422);
    assert!(page.contains("The training transforms end at 64 pixels, not 96"), "{page}");
    assert!(page.contains("data-use=\"64\" data-for=\"image_size\""));
    assert!(server.get("/api/v1/runs")["items"].as_array().unwrap().is_empty(), "nothing was started");
}

#[test]
fn a_form_that_takes_the_images_of_a_deleted_run_comes_back_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_data(folder.path());
    let fields = [("dataset", "1"), ("name", "typed by hand"), ("like", "9"), ("images_of", "9")];
    let (status, form) = server.post_form("/runs", &fields);
    assert_eq!(status, 422, "{form}");
    assert!(form.contains("Run 9, whose images were to be taken, was deleted"), "{form}");
    assert!(form.contains("typed by hand"), "what was typed stays: {form}");
    assert_eq!(server.get("/api/v1/runs")["items"], json!([]));
}
