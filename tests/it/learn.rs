//! What of a network learns, and from which weights: the form's defaults, and a run that goes on from another one.

use crate::support::{Server, wait_until};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;

const LITE0: &str = "efficientnet-lite0-imagenet";

/// Two classes of drawn images as large as photos.
pub(crate) fn draw_photos(folder: &Path) {
    for (class, base) in [("bright", 150_u32), ("dark", 40)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for at in 0..12_u32 {
            let image = image::RgbImage::from_fn(120, 110, |x, y| {
                let noise = (x * 31 + y * 17 + at * 71) * (at + 3) % 90;
                image::Rgb([(base + noise) as u8, (base + noise / 2) as u8, (base + (x + y + at) % 60) as u8])
            });
            image.save(folder.join(class).join(format!("{at:02}.png"))).unwrap();
        }
    }
}

/// A file that passes for published weights, where nobody reads it.
pub(crate) fn put_weights(data: &Path, name: &str) {
    let entry = protocol::weights::WeightsEntry::find(name).unwrap();
    std::fs::create_dir_all(data.join("weights")).unwrap();
    let file = std::fs::File::create(data.join("weights").join(entry.file_name())).unwrap();
    file.set_len(entry.bytes).unwrap();
}

/// A server with photos, whose trainer plays scripts.
pub(crate) fn with_photos(folder: &Path) -> Server {
    let server = Server::start_with_replay(&folder.join("data"));
    draw_photos(&folder.join("images"));
    server.import("photos", &folder.join("images"));
    server
}

/// What stands in a field.
fn value(page: &str, field: &str) -> String {
    let start = format!("id=\"{field}\" name=\"{field}\" value=\"");
    let rest = page.split_once(&start).unwrap_or_else(|| panic!("no field {field}: {page}")).1;
    rest.split_once('"').unwrap().0.to_owned()
}

fn is_chosen(page: &str, name: &str, choice: &str) -> bool {
    page.contains(&format!("name=\"{name}\" value=\"{choice}\" checked"))
}

#[test]
fn photos_begin_with_the_last_layer_where_weights_are_here_and_the_form_says_what_they_bring() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_photos(folder.path());
    let page = server.get_text("/runs/new");
    assert!(is_chosen(&page, "training", "scratch"), "{page}");
    assert_eq!((value(&page, "image_size"), value(&page, "epochs")), ("64".into(), "40".into()));
    assert!(page.contains(
        "we measured 99 % correct with the last layer of EfficientNet-Lite0 and 81 % from nothing. Fetch"
    ));
    // Without a script the button posts the form, and what was typed comes back.
    let (_, page) = server.post_form("/weights/no-such/fetch", &[("dataset", "1"), ("name", "typed")]);
    assert!(page.contains("There is no such name of published weights"), "{page}");

    put_weights(&folder.path().join("data"), LITE0);
    let page = server.get_text("/runs/new");
    assert!(is_chosen(&page, "training", "head") && is_chosen(&page, "weights", LITE0), "{page}");
    assert_eq!((value(&page, "image_size"), value(&page, "epochs")), ("224".into(), "30".into()));
    assert!(page.contains("The defaults suit this data set"), "{page}");
    assert!(!page.contains("we measured 99 %"), "there is nothing to gain any more");
    // Fields without a say are there, and out of sight.
    assert!(page.contains("data-counts=\"rotation\" hidden"), "{page}");
    assert!(page.contains("data-counts=\"epochs\"\n>"), "{page}");

    // Sent as it is, it is that run; and one that learns from nothing differs in that alone.
    let fields = |training| {
        vec![
            ("dataset", "1"),
            ("training", training),
            ("weights", LITE0),
            ("image_size", "224"),
            ("epochs", "30"),
            (
                "basis",
                "{\"training\":\"head\",\"weights\":\"efficientnet-lite0-imagenet\",\"model\":\"efficientnet-lite0\",\"draws\":0}",
            ),
        ]
    };
    for training in ["head", "scratch"] {
        let (status, page) = server.post_form("/runs", &fields(training));
        assert_eq!(status, 200, "{page}");
    }
    let spec = |run: u32| server.get(&format!("/api/v1/runs/{run}"))["spec"].take();
    assert_eq!((&spec(1)["training"]["name"], &spec(1)["weights"]), (&json!("head"), &json!(LITE0)));
    assert_eq!((&spec(2)["training"]["name"], &spec(2)["weights"]), (&json!("scratch"), &Value::Null));
    assert_eq!((&spec(2)["image_size"], &spec(2)["epochs"]), (&json!(64), &json!(40)));
    let list = server.get_text("/runs");
    assert!(
        list.contains("default settings") && list.contains("What learns All layers from nothing"),
        "{list}"
    );
    assert!(!list.contains("What learns All layers from nothing,"), "and nothing else: {list}");

    // The settings say which weights, and nothing of ways to learn that this run does not take.
    let page = server.get_text("/runs/1");
    assert!(
        page.contains("EfficientNet-Lite0, ImageNet") && !page.contains("Epochs of unfreezing"),
        "{page}"
    );
}

#[test]
fn a_run_goes_on_from_the_best_epoch_of_another_on_the_same_images() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = with_photos(folder.path());
    put_weights(&data, LITE0);
    let (status, run) = server.post("/api/v1/runs", &json!({"dataset": "photos", "epochs": 2}));
    assert_eq!(status, 201, "{run}");
    server.wait("/api/v1/runs/1", |run| run["state"] == "completed");
    let page = server.get_text("/runs/1");
    assert!(page.contains("href=\"/runs/new?from=1\""), "{page}");

    let form = server.get_text("/runs/new?from=1");
    assert!(form.contains("All layers go on learning from the best epoch of <a href=\"/runs/1\">"), "{form}");
    assert!(
        is_chosen(&form, "training", "fine-tune") && form.contains("<strong>Run 1’s best epoch</strong>"),
        "{form}"
    );
    assert_eq!((value(&form, "image_size"), value(&form, "head_epochs")), ("224".into(), "0".into()));
    assert_eq!(value(&form, "epochs"), "5", "the defaults of fine-tuning");
    assert!(form.contains("name=\"images_of\" value=\"1\""), "{form}");

    let best = data.canonicalize().unwrap().join("runs/1/checkpoints/best.safetensors");
    // The trainer of this test writes none.
    std::fs::create_dir_all(best.parent().unwrap()).unwrap();
    std::fs::write(&best, "weights").unwrap();
    let fields = [
        ("dataset", "1"),
        ("like", "1"),
        ("images_of", "1"),
        ("training", "fine-tune"),
        ("weights", best.to_str().unwrap()),
        ("model", "efficientnet-lite0"),
        ("head_epochs", "0"),
    ];
    let (status, page) = server.post_form("/runs", &fields);
    assert_eq!(status, 200, "{page}");
    let run = server.get("/api/v1/runs/2");
    assert_eq!(run["spec"]["training"]["head_epochs"], 0);
    assert_eq!((&run["spec"]["image_size"], &run["spec"]["weights"]), (&json!(224), &json!(best)));
    let samples = |run: u32| std::fs::read_to_string(data.join(format!("runs/{run}/samples.jsonl"))).unwrap();
    assert_eq!(samples(1), samples(2), "the same images in the same splits");
    // Where weights are named, they are named as a person knows them.
    assert!(server.get_text("/runs/2").contains("run 1’s best epoch"));
    assert!(server.get_text("/runs").contains("→ run 1’s best epoch"));
}

#[test]
fn a_run_that_computes_features_says_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = with_photos(folder.path());
    put_weights(&data, LITE0);
    std::fs::create_dir_all(data.join("replay")).unwrap();
    std::fs::write(data.join("replay/1"), "silence").unwrap();
    server.post("/api/v1/runs", &json!({"dataset": "photos"}));
    server.wait("/api/v1/runs/1", |run| run["step"] == 1);
    let tell = |at_ms: u64, done: u64| {
        let journal = data.join("runs/1/journal.jsonl");
        let mut journal = std::fs::File::options().append(true).open(journal).unwrap();
        let record =
            json!({"at_ms": at_ms, "event": "progress", "stage": "embed", "done": done, "total": 1000});
        writeln!(journal, "{record}").unwrap();
    };
    let page_with = |path: &str, words: &str| {
        wait_until(words, || {
            let page = server.get_text(path);
            if page.contains(words) { Ok(page) } else { Err(page) }
        })
    };
    tell(1_000_000, 20);
    tell(1_008_000, 320);
    for path in ["/runs/1", "/"] {
        let page = page_with(path, "computing features: 320 of 1,000 images");
        assert!(page.contains("about 17\u{a0}s left") && page.contains("value=\"32\""), "{path}: {page}");
    }
    assert!(page_with("/runs", "32 %").contains("32 %"));
    assert!(page_with("/live/now", "32 %").contains("32 %"), "the bar of every page");
    // What is over is nothing to tell of.
    tell(1_030_000, 1000);
    wait_until("the stage's end", || {
        let page = server.get_text("/runs/1");
        if page.contains("computing features") { Err(page) } else { Ok(()) }
    });
}
