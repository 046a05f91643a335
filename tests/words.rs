//! The words that a reader meets are the field's own. Each row names what the project once called something, and what to say
//! instead; none of them may come back into pages, code or docs.
#![allow(clippy::disallowed_methods, reason = "a test may wait for the disk")]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use std::path::{Path, PathBuf};

/// On pages, in messages and in docs: before, and now. Looked for as they stand, whatever case the first letter has.
const PHRASES: &[(&str, &str)] = &[
    ("picture", "image"),
    ("learnt", "learned"),
    ("passed over", "skipped"),
    ("taken for", "predicted as"),
    ("verdict", "prediction"),
    ("judge", "evaluate"),
    ("judging", "evaluating"),
    ("mend ", "edit"),
    ("mended", "edited"),
    ("mending", "editing"),
    ("validation accuracy, best", "best validation accuracy (epoch N)"),
    ("training loss, latest", "training loss (last step)"),
    ("share right", "% correct"),
    ("size of an update", "step size of the optimizer"),
    ("the first step brings the first point", "Waiting for the first training step."),
    ("best, kept", "best checkpoint"),
    ("the first epoch is not over yet", "Epoch 1 is still running."),
    ("everything that was chosen", "All settings"),
    ("this run waits", "Queued, N runs ahead."),
    ("it goes on to the same bits", "Resuming gives bit-identical results."),
    ("is ↓", "true ↓ predicted →"),
    ("surer than it should be", "overconfident"),
    ("the network says", "Predicted:"),
    ("what runs say of it", "Predictions by run"),
    ("could not be used", "skipped files"),
    ("not what it is?", "Wrong format? Read it differently"),
    ("so it stays", "Can't be removed: N runs use it."),
    ("how they are spread", "Distributions"),
    ("a bar opens its own", "click a bar to filter"),
    ("strongest edges by contrast", "edge strength"),
    ("why (a note, optional)", "note (optional)"),
    ("what was done", "Change"),
    ("so the figures flatter", "so accuracy looks better than it is"),
    ("hardly any pixel", "very dark, very bright"),
    ("the same all over", "Uniform colour"),
    ("grey among colour", "Greyscale among colour images"),
    ("turned by exif", "Rotated by EXIF"),
    ("looked for and not found", "No problems found for"),
    ("the classes are of like size", "Classes are balanced"),
    ("accuracy will speak", "Accuracy will mostly reflect the larger class"),
    ("gets one cue alone", "sees only this one cue"),
    ("told by it", "recall; recognised from it"),
    ("alike to", "similarity"),
    ("draw again", "New random draw"),
    ("several draws", "Repeated draws"),
    ("nothing at random", "no random steps"),
    ("would draw in this epoch", "uses exactly the values a run with this seed would use"),
    ("what the network was given", "Network input"),
    ("are brought to about", "used to normalise images"),
    ("down to nothing", "decay to 0"),
    ("keys every random draw", "Random seed"),
    ("one a core", "one per core"),
    ("what stands in the fields", "The defaults suit this data set"),
    ("fetched from its home", "downloaded from its source"),
    ("a folder a class", "One folder per class"),
    ("of no use:", "N files were skipped"),
    ("it is so already", "Nothing to change"),
    ("as the system has it", "system"),
    ("goes on by itself when the server", "will update when the server is back"),
];

/// In Rust alone: names of types, functions and files.
const NAMES: &[(&str, &str)] = &[
    ("Held<State>", "State<AppState>"),
    ("struct Asked", "a name that says what is asked, such as GalleryQuery"),
    ("struct Told", "Message"),
    ("fn told", "describe"),
    ("fn said", "a name that says what it gives"),
    ("fn says", "summary"),
    ("enum Wish", "StopRequest"),
    ("struct Standing", "SampleState"),
    ("struct Beyond", "Padding"),
    ("enum Outside", "PaddingMode"),
    ("type Finite", "MaybeFinite"),
    ("carry_out", "apply"),
    ("struct Draw ", "RandomStream"),
    ("struct Shelf", "ExtractedImages"),
    ("Placed =", "LabelledImage"),
    ("struct Remains", "ExitEvidence"),
    ("fn attend", "supervise"),
    ("gone_without_a_word", "died_silently"),
    ("struct Opinion", "ImagePrediction"),
    ("enum Cue", "ShortcutFeature"),
    ("enum Grade", "Severity"),
    ("at_once", "max_concurrent"),
    ("AT_ONCE", "MAX_CONCURRENT"),
    ("struct Recent<", "ByteCache"),
];

/// Lines that must keep an old word: a former name that is still read, or a word of somebody else's.
const KEPT: &[&str] = &[
    "(\"judge\", \"evaluate_on\")",
    "\"judge\"",
    "--judge",
    "\"pictures\"",
    "\"picture\", \"photo\"",
    "Retake the picture",
];

fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    fn walk(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["vendor", "target", "reference", "results"].contains(&name.as_str()) {
                    walk(&path, endings, found);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), endings, &mut found);
    assert!(!found.is_empty(), "{folder} holds {endings:?}");
    found
}

fn faults(files: &[PathBuf], words: &[(&str, &str)]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for (line, number) in text.lines().zip(1..) {
            if KEPT.iter().any(|kept| line.contains(kept)) {
                continue;
            }
            let mut lower = line.to_owned();
            for (before, now) in words {
                if before.starts_with(char::is_lowercase) && before == &before.to_lowercase() {
                    lower = line.to_lowercase();
                }
                let haystack = if before == &before.to_lowercase() { &lower } else { line };
                if haystack.contains(before) {
                    let place = file.strip_prefix(root).unwrap().display();
                    faults.push(format!("{place}:{number}: “{before}”; say: {now}"));
                }
            }
        }
    }
    faults
}

#[test]
fn pages_code_and_docs_use_the_fields_own_words() {
    let mut all = files("templates", &[".html"]);
    all.extend(files("src", &[".rs"]));
    all.extend(files("crates", &[".rs"]));
    all.extend(files("static", &[".js", ".css"]));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    all.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    let faults = faults(&all, PHRASES);
    assert!(faults.is_empty(), "{} lines:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn names_in_code_are_the_fields_own() {
    let mut all = files("src", &[".rs"]);
    all.extend(files("crates", &[".rs"]));
    let faults = faults(&all, NAMES);
    assert!(faults.is_empty(), "{} lines:\n{}", faults.len(), faults.join("\n"));
}
