//! Who may know whom. The `use` lines and paths of the source are read; a room that takes from one above it, or two files
//! that take from each other, fail the build. The table is that of ARCHITECTURE.md.
#![allow(clippy::disallowed_methods, reason = "a test may wait for the disk")]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Each room, and the rooms that it may use. `lib.rs` and `main.rs` are none.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("store", &["domain"]),
    ("watch", &["store"]),
    ("import", &["domain"]),
    ("images", &["domain", "store"]),
    ("export", &["domain", "store"]),
    ("lab", &["domain"]),
    ("weights", &["domain", "watch"]),
    ("runs", &["domain", "store", "watch", "weights"]),
    ("tensorboard", &["domain", "store", "runs"]),
    ("jobs", &["domain", "store", "watch", "import"]),
    (
        "actions",
        &["domain", "store", "import", "images", "export", "lab", "weights", "runs", "tensorboard", "jobs"],
    ),
    (
        "web",
        &[
            "domain", "store", "watch", "import", "images", "export", "lab", "weights", "runs", "jobs",
            "actions",
        ],
    ),
    ("app", &["domain", "store", "watch", "lab", "weights", "runs", "tensorboard", "jobs", "actions", "web"]),
    ("cli", &["domain", "watch", "import", "weights", "runs", "app"]),
];

/// What a room must not contain: the word, and the rooms that may.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx::query", &["store"]),
    ("QueryBuilder", &["store"]),
    ("axum::", &["web", "app"]),
    ("Command::new", &["weights", "runs", "cli"]),
];

/// Module path, such as `web::pages::runs`, and the text without comments and tests.
fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test = path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests"));
            if is_test {
                continue;
            }
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let module = path.strip_prefix(root).unwrap().with_extension("");
                let module = module.to_str().unwrap().replace(['/', '\\'], "::");
                let module = module.strip_suffix("::mod").unwrap_or(&module).to_owned();
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap_or_default();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.insert(module, code.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    walk(&root, &root, &mut found);
    found.remove("lib");
    found.remove("main");
    assert!(found.len() > 50, "the source was read: {} files", found.len());
    found
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

/// The paths that begin with `crate`, `super` or `self` in a module's text, from the root, each name of a `{…}` group apart.
fn paths(module: &str, text: &str) -> Vec<Vec<String>> {
    let own: Vec<&str> = module.split("::").collect();
    // In a file, `super` is the folder; in a folder's `mod.rs`, the folder above.
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut base: Vec<&str> = match start {
                "crate::" => Vec::new(),
                "super::" => own[..own.len() - 1].to_vec(),
                _ => own.clone(),
            };
            let mut rest = &text[at + start.len()..];
            while let Some(further) = rest.strip_prefix("super::") {
                base.pop();
                rest = further;
            }
            loop {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                if end > 0 {
                    base.push(&rest[..end]);
                }
                rest = &rest[end..];
                match rest.strip_prefix("::") {
                    Some(further) => rest = further,
                    None => break,
                }
            }
            let names: Vec<&str> = match rest.strip_prefix('{').and_then(|group| group.split('}').next()) {
                Some(group) => {
                    group.split(',').map(|name| name.trim().split(' ').next().unwrap_or("")).collect()
                }
                None => Vec::new(),
            };
            let whole = |name: Option<&str>| {
                let name = name.into_iter().flat_map(|name| name.split("::"));
                base.iter().copied().chain(name).map(str::to_owned).collect::<Vec<String>>()
            };
            found.push(whole(None));
            found.extend(names.into_iter().map(|name| whole(Some(name))));
        }
    }
    found
}

/// Which module takes from which.
fn uses() -> BTreeMap<String, BTreeSet<String>> {
    let sources = sources();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, text) in &sources {
        let into = uses.entry(module.clone()).or_default();
        for path in paths(module, text) {
            // The longest beginning that is a module; what comes behind it is an item.
            let known = (1..=path.len()).rev().map(|length| path[..length].join("::"));
            if let Some(other) = known.into_iter().find(|name| sources.contains_key(name))
                && other != *module
            {
                into.insert(other);
            }
        }
    }
    uses
}

#[test]
fn a_room_uses_only_the_rooms_below_it() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, others) in uses() {
        let may = allowed.get(room(&module));
        let Some(may) = may else { panic!("{module} is in no room of the table in this test") };
        for other in others {
            if room(&other) != room(&module) && !may.contains(&room(&other)) {
                wrong.push(format!(
                    "{module} uses {other}: {} must not know {}",
                    room(&module),
                    room(&other)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_two_files_of_a_room_use_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // A folder's `mod.rs` and its files are one: it holds what they share.
    let is_file = |module: &String| !root.join(module.replace("::", "/")).join("mod.rs").exists();
    let uses: BTreeMap<String, Vec<String>> = uses()
        .into_iter()
        .filter(|(module, _)| is_file(module))
        .map(|(module, others)| (module, others.into_iter().filter(|other| is_file(other)).collect()))
        .collect();
    let reach = |from: &String| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from]);
        while let Some(module) = todo.pop() {
            for other in uses.get(module).into_iter().flatten() {
                if seen.insert(other) {
                    todo.push(other);
                }
            }
        }
        seen
    };
    let circles: Vec<&String> = uses.keys().filter(|module| reach(module).contains(module)).collect();
    assert!(circles.is_empty(), "these use each other: {circles:?}");
}

#[test]
fn sql_http_and_processes_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (module, text) in sources() {
        for (word, rooms) in ONLY_IN {
            if !rooms.contains(&room(&module)) && text.contains(word) {
                wrong.push(format!("{module} has {word}, which belongs to {}", rooms.join(", ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_server_does_not_link_libtorch_and_the_trainer_knows_no_sql_and_no_http() {
    let manifest = |path: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::read_to_string(file).unwrap()
    };
    let names = |text: &str, name: &str| {
        text.lines().any(|line| line.split(['=', '.']).next().is_some_and(|first| first.trim() == name))
    };
    let server = manifest("Cargo.toml");
    let own = server.split("[package]").nth(1).unwrap();
    assert!(names(own, "sqlx") && !names(own, "tch") && !names(own, "trainer"));
    let trainer = manifest("crates/trainer/Cargo.toml");
    assert!(names(&trainer, "tch"));
    for name in ["sqlx", "axum", "tokio", "ureq"] {
        assert!(!names(&trainer, name), "the trainer must not know {name}");
    }
    for name in ["vision", "trainer", "demo"] {
        assert!(!names(&manifest("crates/protocol/Cargo.toml"), name), "protocol must not know {name}");
    }
    assert!(!names(&manifest("crates/vision/Cargo.toml"), "trainer"));
}
