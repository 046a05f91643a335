//! What names say: splits in the names of files, classes in lists beside them.

use protocol::sample::Split;
use std::collections::BTreeSet;
use std::path::Path;

/// Files that name the classes, a line each.
const NAME_FILES: [&str; 3] = ["classes.txt", "labels.txt", "class_names.txt"];

/// A list of names is no longer than this.
const NAMES_BYTES: u64 = 1 << 20;

/// The endings of files that hold one image.
pub(super) const IMAGE_ENDINGS: [&str; 15] = [
    "jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "ppm", "pgm", "pbm", "pnm", "qoi", "tga",
    "ico",
];

/// Whether a name ends as an image's does.
pub(super) fn is_image_name(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, ending)| IMAGE_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Whether files that are named as images lie in class folders, two at least.
pub(super) fn has_class_folders(files: &[String]) -> bool {
    use crate::import::layout::{Layout, Place};
    let images = files.iter().map(String::as_str).filter(|file| is_image_name(file));
    let layout = Layout::detect(&images.clone());
    let classes: BTreeSet<&str> = images
        .filter_map(|path| match layout.place(path) {
            // Images directly in train/ and test/ have their classes written elsewhere.
            Place::Class(class, _) if split_of(class).is_none() => Some(class),
            _ => None,
        })
        .collect();
    classes.len() > 1
}

/// The split that the words of a name say: `train-00000-of-00002.parquet`, `t10k-images`, `val/shard-07`.
/// `None` where they say none, or more than one.
pub(super) fn split_of(name: &str) -> Option<Split> {
    let mut found = name.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(split_of_word);
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// The split that one word stands for, in any case, with or without a number behind it.
pub(super) fn split_of_word(word: &str) -> Option<Split> {
    let word = word.to_ascii_lowercase();
    match word.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" | "dev" => Some(Split::Val),
        "test" | "testing" => Some(Split::Test),
        _ if word == "t10k" => Some(Split::Test),
        _ => None,
    }
}

/// The names of classes by label, where a list of them lies in a folder: a line each, none empty, none twice.
pub(super) fn names_beside(folder: &Path) -> Option<Vec<String>> {
    NAME_FILES.iter().find_map(|name| names_in(&folder.join(name)))
}

/// The names in a file; `None` where it is not there or no list of names.
pub(super) fn names_in(path: &Path) -> Option<Vec<String>> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > NAMES_BYTES {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let names: Vec<String> = text.trim().lines().map(|line| line.trim().to_owned()).collect();
    let different: BTreeSet<&String> = names.iter().collect();
    let is_list = !names.is_empty() && different.len() == names.len() && !different.contains(&String::new());
    is_list.then_some(names)
}

/// Class names in the order of their labels: those that are `given` first, then by number where all are numbers,
/// else by the alphabet. Only names that occur.
pub(in crate::import) fn order(mut occurring: BTreeSet<&str>, given: &[String]) -> Vec<String> {
    let mut names: Vec<String> =
        given.iter().filter(|name| occurring.remove(name.as_str())).cloned().collect();
    let mut rest: Vec<&str> = occurring.into_iter().collect();
    if rest.iter().all(|name| name.parse::<u64>().is_ok()) {
        rest.sort_by_key(|name| name.parse::<u64>().unwrap_or(u64::MAX));
    }
    names.extend(rest.into_iter().map(str::to_owned));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_told_from_names() {
        for (name, split) in [
            ("train-images-idx3-ubyte", Some(Split::Train)),
            ("t10k-images-idx3-ubyte", Some(Split::Test)),
            ("emnist-letters-test", Some(Split::Test)),
            ("data/validation-00000-of-00001.parquet", Some(Split::Val)),
            ("shards/VAL/000.tar", Some(Split::Val)),
            ("train0001.tar", Some(Split::Train)),
            ("my_dev_set.csv", Some(Split::Val)),
            ("trains.tar", None),
            ("train/test.csv", None),
            ("", None),
        ] {
            assert_eq!(split_of(name), split, "{name}");
        }
    }

    #[test]
    fn classes_come_in_the_order_that_is_given_or_natural() {
        let order = |names: &[&str], given: &[&str]| {
            let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
            order(names.iter().copied().collect(), &given).join(" ")
        };
        assert_eq!(order(&["10", "9", "0"], &[]), "0 9 10");
        assert_eq!(order(&["b", "10", "9"], &[]), "10 9 b");
        assert_eq!(order(&["cat", "bird"], &["dog", "cat", "bird"]), "cat bird");
    }

    #[test]
    fn class_folders_are_told_from_images_that_a_table_names() {
        let is = |files: &[&str]| {
            has_class_folders(&files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>())
        };
        assert!(is(&["cat/1.jpg", "dog/1.PNG", "labels.csv"]));
        assert!(is(&["w/train/cat/1.jpg", "w/train/dog/1.png"]));
        assert!(!is(&["images/1.jpg", "images/2.jpg", "labels.csv"]));
        assert!(!is(&["train/1.jpg", "test/2.jpg", "train.csv"]));
        assert!(!is(&["raw/a-ubyte", "more/b-ubyte"]));
    }

    #[test]
    fn a_list_of_names_is_one_or_it_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let names = |text: &[u8]| {
            std::fs::write(folder.path().join("labels.txt"), text).unwrap();
            names_beside(folder.path())
        };
        assert_eq!(names_beside(folder.path()), None);
        assert_eq!(names(b"T-shirt/top\r\nTrouser\n\n"), Some(vec!["T-shirt/top".into(), "Trouser".into()]));
        for other in [b"".as_slice(), b"a\n\nb", b"a\nb\na", b"\xff\xfe"] {
            assert_eq!(names(other), None);
        }
    }
}
