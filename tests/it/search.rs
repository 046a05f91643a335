//! The top bar: where one is, and what a name is found in.

use crate::support::{Server, draw_images};

#[test]
fn the_top_bar_leads_to_lists_and_finds_names() {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    draw_images(&images);
    let server = Server::start(&folder.path().join("data"));
    server.import("shades & tints", &images);

    // `/datasets` is a page of its own, so an import that was refused can be reloaded there.
    let list = server.get_text("/datasets");
    assert!(list.contains(r#"<a href="/datasets" aria-current="true">Data sets</a>"#), "{list}");
    assert!(list.contains("shades &#38; tints"), "{list}");
    for (page, current) in [
        ("/runs", "Runs"),
        ("/runs/new", "New run"),
        ("/datasets/new", "Import"),
        ("/datasets/1/health", "Data sets"),
    ] {
        let text = server.get_text(page);
        let marked: Vec<&str> = text.split("aria-current=\"true\">").skip(1).collect();
        assert!(marked.iter().any(|rest| rest.starts_with(&format!("{current}</a>"))), "{page}");
    }

    let found = server.get_text("/search?q=SHADES");
    assert!(found.contains(r#"<li><a href="/datasets/1">shades &#38; tints</a></li>"#), "{found}");
    let found = server.get_text("/search?q=bright");
    assert!(found.contains(r#"<li><a href="/datasets/1?class=bright">bright</a>"#), "{found}");
    assert_eq!(server.get_text("/search?q=07.png").matches("class=\"tile\"").count(), 2, "one in each class");
    assert!(server.get_text("/search?q=%3Cb%3E").contains("Nothing is called “&#60;b&#62;”"));
    assert!(server.get_text("/search").contains("Finds runs by name"));

    // The demo is not here yet, and home says how it is made.
    let home = server.get_text("/");
    assert!(home.contains("tintype demo --data ") && home.contains("shades &#38; tints"), "{home}");
    server.import("demo", &images);
    assert!(!server.get_text("/").contains("tintype demo"), "it is there now");
}
