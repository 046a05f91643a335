//! Bringing images in by hand: what was chosen is shown by class before it is sent; and what is told of it afterwards.

use crate::driver::Browser;
use crate::support::{Server, draw_images};
use serde_json::{Value, json};
use std::path::Path;

/// Chooses files in the picker, as a hand would.
fn choose(browser: &Browser, folder: &Path, count: usize) {
    let mut files: Vec<String> = (std::fs::read_dir(folder).unwrap())
        .map(|file| file.unwrap().path().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    browser.type_into("#file", &files[..count].join("\n"));
}

/// The page of a data set that is ready, whatever is on it.
fn wait_for_dataset(server: &Server, browser: &Browser) -> Value {
    browser.wait("the data set's page", "return /\\/datasets\\/\\d+$/.test(location.pathname)");
    let path = browser.run("return location.pathname");
    server.wait(&format!("/api/v1{}", path.as_str().unwrap()), |dataset| dataset["state"] != "importing")
}

#[test]
fn loose_images_are_shown_by_class_and_become_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start();
    browser.open(&server.address("/datasets/new"));

    // The first class: counted, eight of it shown, and one class is not enough.
    choose(&browser, &images.join("bright"), 12);
    browser.wait("the first group", "return document.querySelectorAll('.chosen-group').length === 1");
    browser.wait(
        "its images",
        "const all = [...document.querySelectorAll('.chosen-image img')];
         return all.length === 8 && all.every(image => image.naturalWidth === 32)",
    );
    // In one row, and how many there are in one line: nothing of another page's style reaches here.
    let laid_out = browser.run(
        "const top = element => Math.round(element.getBoundingClientRect().top);
         const images = new Set([...document.querySelectorAll('.chosen-image')].map(top));
         return [images.size, document.querySelector('.chosen-group .figure').getBoundingClientRect().height < 40]",
    );
    assert_eq!(laid_out, json!([1, true]));
    browser.type_into(".chosen-name input", "light");
    let lacking = browser.run("return document.querySelector('[data-lacking]').innerText");
    assert!(lacking.as_str().unwrap().starts_with("At least two classes are needed"), "{lacking}");
    browser.click("[data-start]");
    browser.wait(
        "the refusal",
        "return document.querySelector('[data-error=file]').innerText.includes('At least two classes')",
    );

    // One image taken out, the second class named, and the name of the data set chosen.
    browser.click(".chosen-image button");
    choose(&browser, &images.join("dark"), 10);
    browser.wait("both groups", "return document.querySelectorAll('.chosen-group').length === 2");
    browser.type_into("[data-group='loose 2'] input", "dark");
    assert_eq!(
        browser.run("return document.querySelector('[data-sum]').innerText.split(', ')[0]"),
        "21 images in 2 classes"
    );
    assert_eq!(
        browser.run("return document.querySelector('#name').value"),
        "images",
        "what it will be called"
    );
    browser.retype("#name", "by hand");
    browser.assert_no_errors("form");
    browser.click("[data-start]");
    let dataset = wait_for_dataset(&server, &browser);
    assert_eq!((&dataset["name"], &dataset["state"]), (&json!("by hand"), &json!("ready")), "{dataset}");
    let counts: Vec<(&Value, &Value)> = (dataset["classes"].as_array().unwrap().iter())
        .map(|class| (&class["name"], &class["count"]))
        .collect();
    assert_eq!(counts, [(&json!("dark"), &json!(10)), (&json!("light"), &json!(11))]);
    browser.assert_no_errors("data set");

    // The same name again is said before anything is sent, and a free one is filled in.
    browser.open(&server.address("/datasets/new"));
    choose(&browser, &images.join("dark"), 2);
    choose(&browser, &images.join("bright"), 2);
    browser.wait("both groups", "return document.querySelectorAll('.chosen-group').length === 2");
    browser.type_into("[data-group='loose 1'] input", "a");
    browser.type_into("[data-group='loose 2'] input", "b");
    browser.retype("#name", "by hand");
    browser.click("[data-start]");
    browser.wait("a free name", "return document.querySelector('#name').value === 'by hand 2'");
    assert_eq!(browser.run("return document.querySelectorAll('.chosen-group').length"), 2, "nothing is lost");
}

#[test]
fn folders_are_sorted_as_the_server_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start();
    browser.open(&server.address("/datasets/new"));
    browser.run(
        "import('/static/js/import_files.js').then(({ sort, suggestedName, uploads }) => {
           const item = (path, drop = 1) => ({ path, drop, file: new File(['x'], path.split('/').pop()) });
           const told = (paths, names) => {
             const plan = sort(paths.map((path, at) => item(path, at)), names);
             return [plan.groups.map(group => `${group.name} ${group.items.length}`), plan.others.length, suggestedName(plan)];
           };
           window.told = [
             told(['pets/cat/1.jpg', 'pets/cat/in/2.jpg', 'pets/dog/1.PNG', 'pets/notes.txt']),
             told(['x/train/cat/1.jpg', 'x/val/cat/2.jpg', 'x/test/dog/3.jpg']),
             told(['cat/1.jpg', 'dog/1.jpg']),
             told(['1.jpg', '2.jpg'], new Map([['loose 0', 'a'], ['loose 1', 'b']])),
             told(['pets.tar.gz']),
           ];
           const loose = sort([item('1.jpg', 3)], new Map([['loose 3', ' cat ']]));
           window.sent = uploads(loose).map(([path]) => path);
         })",
    );
    browser.wait("the groups", "return window.sent !== undefined");
    assert_eq!(
        browser.run("return window.told"),
        json!([
            [["cat 2", "dog 1"], 1, "pets"],
            [["cat 2", "dog 1"], 0, "x"],
            [["cat 1", "dog 1"], 0, "images"],
            [["a 1", "b 1"], 0, "images"],
            [[], 1, "pets"],
        ])
    );
    assert_eq!(browser.run("return window.sent"), json!(["cat/1.jpg"]));
}

#[test]
fn a_folders_class_is_renamed_or_left_out_before_it_is_sent_and_an_archive_gives_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("shades");
    draw_images(&images);
    std::fs::create_dir(images.join("grey")).unwrap();
    std::fs::copy(images.join("dark/01.png"), images.join("grey/1.png")).unwrap();
    let server = Server::start(&folder.path().join("data"));
    let browser = Browser::start();
    browser.open(&server.address("/datasets/new"));
    browser.type_into("#folder", images.to_str().unwrap());
    browser.wait("three groups", "return document.querySelectorAll('.chosen-group').length === 3");
    browser.click("[data-group='folder grey'] > button");
    browser.wait("two groups", "return document.querySelectorAll('.chosen-group').length === 2");
    browser.retype("[data-group='folder bright'] input", "light");
    let sum = browser.run("return document.querySelector('[data-sum]').innerText.split(', ')[0]");
    assert_eq!(sum, "80 images in 2 classes");
    assert_eq!(browser.run("return document.querySelector('#name').value"), "shades");
    browser.click("[data-start]");
    let dataset = wait_for_dataset(&server, &browser);
    let classes: Vec<&Value> =
        (dataset["classes"].as_array().unwrap().iter()).map(|class| &class["name"]).collect();
    assert_eq!(classes, [&json!("dark"), &json!("light")], "{dataset}");

    let archive = folder.path().join("greys of today.zip");
    super::zip_folder(&images, &archive);
    browser.open(&server.address("/datasets/new"));
    browser.type_into("#file", archive.to_str().unwrap());
    browser.wait("its name", "return document.querySelector('#name').value === 'greys of today'");
    let will_be = browser.run("return document.querySelector('[data-will-be]').innerText");
    assert_eq!(will_be, "It becomes the data set “greys of today”.");
    browser.assert_no_errors("import");
}

/// Images of noise, bright ones and dark ones, no two alike.
fn draw_noise(folder: &Path) {
    let mut random = 7_u32;
    for (class, base) in [("bright", 150), ("dark", 30)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for at in 0..40 {
            // Blocks of four pixels, so that a hash of what an image looks like differs too.
            let blocks: Vec<u8> = (0..64)
                .map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (random >> 24) as u8 % 100
                })
                .collect();
            let image = image::RgbImage::from_fn(32, 32, |x, y| {
                image::Rgb([base + blocks[(y / 4 * 8 + x / 4) as usize]; 3])
            });
            image.save(folder.join(class).join(format!("{at:02}.png"))).unwrap();
        }
    }
}

#[test]
fn a_finding_is_ignored_and_brought_back_and_one_copy_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_noise(&images);
    std::fs::copy(images.join("dark/01.png"), images.join("dark/copy.png")).unwrap();
    let server = Server::start(&folder.path().join("data"));
    let dataset = server.import("shades", &images);
    let health = format!("/api/v1/datasets/{}/health", dataset["id"]);
    server.wait(&health, |answer| answer.get("report").is_some());
    let browser = Browser::start();
    browser.open(&server.address(&format!("/datasets/{}/health", dataset["id"])));
    browser.wait("the checks", "return document.querySelectorAll('#checks .check').length === 17");
    assert_eq!(browser.run("return document.title"), "Health · shades · Tintype");

    // What found something comes first, the passed ones after it.
    let signs = browser.run(
        "return [...document.querySelectorAll('#health .checks .check')].map(check => check.closest('.passed') ? 'passed' : 'found')",
    );
    let signs: Vec<String> = serde_json::from_value(signs).unwrap();
    let found = signs.iter().take_while(|sign| *sign == "found").count();
    assert!(
        found > 0 && signs[found..].iter().all(|sign| sign == "passed") && found < signs.len(),
        "{signs:?}"
    );

    // One chance line for all cues: at the same place in every row.
    let lines = browser.run(
        "return [...document.querySelectorAll('.meter .chance')].map(line => Math.round(line.getBoundingClientRect().x))",
    );
    let lines: Vec<i64> = lines.as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect();
    assert!(lines.len() == 5 && lines.iter().all(|x| x.abs_diff(lines[0]) <= 1), "{lines:?}");

    browser.click("#check-exact_duplicate [name=finding]");
    browser.wait("it among the ignored", "return document.querySelector('.check-ignored') !== null && document.querySelector('#check-exact_duplicate') === null");
    browser.click(".check-ignored [name=finding]");
    browser
        .wait("it back", "return document.querySelector('#check-exact_duplicate .check-count a') !== null");
    assert_eq!(browser.run("return document.querySelector('.check-ignored')"), json!(null));

    // The set of copies is one finding more, with a choice of what stays.
    browser.click(".set figcaption button");
    browser
        .wait("the set among the ignored", "return document.querySelector('.check-ignored .tile') !== null");
    assert_eq!(server.get(&health)["report"]["groups"], json!([]), "nobody counts it, moves it or drops it");
    assert_eq!(browser.run("return document.querySelector('.sets')"), json!(null), "no section without sets");
    browser.click(".check-ignored [name=finding]");
    browser.wait("the set back", "return document.querySelectorAll('.set-member').length === 2");
    let kept = browser.run("return document.querySelector('.set-member .tile').getAttribute('href')");
    browser.click(".set-member button");
    browser.wait("the version that it made", "return document.querySelector('.done') !== null");
    let samples = server.get(&format!("/api/v1/datasets/{}/samples?class=dark&limit=100", dataset["id"]));
    let ids: Vec<String> = samples["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| format!("/datasets/{}/samples/{}", dataset["id"], sample["sample_id"]))
        .collect();
    assert_eq!(ids.len(), 40, "one copy is out");
    assert!(ids.contains(&kept.as_str().unwrap().to_owned()), "the chosen one stays");
    browser.assert_no_errors("health");

    // No sideways scrolling on the narrowest phone.
    browser.tell(
        "goog/cdp/execute",
        &json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": {"width": 320, "height": 700, "deviceScaleFactor": 1, "mobile": true}}),
    );
    browser.open(&server.address(&format!("/datasets/{}/health", dataset["id"])));
    browser.wait("the report", "return document.querySelector('#checks') !== null");
    let wide = browser.run("return document.documentElement.scrollWidth - 320");
    assert!(wide.as_i64().unwrap() <= 0, "{wide} pixels too wide");
}
