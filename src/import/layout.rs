//! Which folder is a class and which a split: a pure function of the paths of the images.
//!
//! The rule, in full. Only folders with images, whole or damaged, somewhere below them count.
//! 1. If the top holds a folder named `train`, `val`, `valid`, `validation` or `test` (in any case) that has folders
//!    of its own, those names are splits, and the folders directly in them are the classes. (`train/` that
//!    holds images directly, beside `bus/` and `plane/`, is a class of locomotives.)
//! 2. Else, if the top holds exactly one folder, and that has folders of its own, it is a wrapping: the rule begins
//!    again inside it.
//! 3. Else the folders at the top are the classes. However deep an image lies below, it belongs to that class.
//!
//! An image that has no class by this rule is told why by [`Layout::place`].

use protocol::sample::Split;
use std::collections::BTreeSet;

/// What the folders mean.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    /// The wrapping folders, `""` or such as `"a/b/"`.
    pub(super) base: String,
    /// Whether the folders in it are splits rather than classes.
    pub(super) has_splits: bool,
}

/// What an image's place says of it.
#[derive(Debug, PartialEq)]
pub(super) enum Place<'a> {
    /// Its class, and its split where the folders say it.
    Class(&'a str, Option<Split>),
    /// It has no class; why.
    NoClass(&'static str),
}

impl Layout {
    /// From the images' paths, `/` separated, relative to the source.
    pub(super) fn detect<'a>(paths: &(impl Iterator<Item = &'a str> + Clone)) -> Self {
        let mut base = String::new();
        loop {
            let mut folders = BTreeSet::new();
            let (mut has_splits, mut is_deep) = (false, false);
            for below in paths.clone().filter_map(|path| path.strip_prefix(base.as_str())) {
                if let Some((folder, rest)) = below.split_once('/') {
                    let has_folders = rest.contains('/');
                    is_deep |= has_folders;
                    has_splits |= has_folders && split_from_name(folder).is_some();
                    folders.insert(folder);
                }
            }
            match folders.pop_first() {
                Some(wrapping) if folders.is_empty() && is_deep && !has_splits => {
                    base.push_str(wrapping);
                    base.push('/');
                }
                _ => return Self { base, has_splits },
            }
        }
    }

    /// Where an image belongs.
    pub(super) fn place<'a>(&self, path: &'a str) -> Place<'a> {
        let Some(below) = path.strip_prefix(self.base.as_str()) else {
            return Place::NoClass("not in a class folder");
        };
        let (split, below) = if self.has_splits {
            match below.split_once('/').map(|(folder, rest)| (split_from_name(folder), rest)) {
                Some((Some(split), rest)) => (Some(split), rest),
                _ => return Place::NoClass("not in a train, val or test folder"),
            }
        } else {
            (None, below)
        };
        match below.split_once('/') {
            Some((class, _)) => Place::Class(class, split),
            None => Place::NoClass("not in a class folder"),
        }
    }
}

pub(super) fn split_from_name(folder: &str) -> Option<Split> {
    match folder.to_ascii_lowercase().as_str() {
        "train" => Some(Split::Train),
        "val" | "valid" | "validation" => Some(Split::Val),
        "test" => Some(Split::Test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(paths: &[&str]) -> (String, bool) {
        let layout = Layout::detect(&paths.iter().copied());
        (layout.base, layout.has_splits)
    }

    #[test]
    fn every_layout_is_told() {
        let is = |base: &str, has_splits| (base.to_owned(), has_splits);
        assert_eq!(detect(&["cat/1", "dog/2"]), is("", false));
        assert_eq!(detect(&["a/b/cat/1", "a/b/dog/2"]), is("a/b/", false));
        assert_eq!(detect(&["train/cat/1", "train/dog/2", "TEST/cat/3"]), is("", true));
        assert_eq!(detect(&["w/train/cat/1", "w/Validation/cat/3"]), is("w/", true));
        assert_eq!(detect(&["train/cat/1", "train/dog/2"]), is("", true), "train alone is no wrapping");
        assert_eq!(detect(&["train/1", "bus/2"]), is("", false), "a class of locomotives");
        assert_eq!(detect(&["train/cat/1", "test/2"]), is("", true));
        assert_eq!(detect(&["1", "2"]), is("", false));
        assert_eq!(detect(&["cat/1", "cat/2"]), is("", false), "one class");
        assert_eq!(detect(&["a/1", "a/cat/1", "a/dog/2"]), is("a/", false));
        assert_eq!(detect(&[]), is("", false));
    }

    #[test]
    fn an_image_belongs_to_its_class_however_deep() {
        let flat = Layout { base: "w/".into(), has_splits: false };
        assert_eq!(flat.place("w/cat/indoor/night/1"), Place::Class("cat", None));
        assert_eq!(flat.place("w/1"), Place::NoClass("not in a class folder"));
        assert_eq!(flat.place("1"), Place::NoClass("not in a class folder"));
        let split = Layout { base: String::new(), has_splits: true };
        assert_eq!(split.place("valid/cat/1"), Place::Class("cat", Some(Split::Val)));
        assert_eq!(split.place("Test/cat/x/1"), Place::Class("cat", Some(Split::Test)));
        assert_eq!(split.place("test/1"), Place::NoClass("not in a class folder"));
        assert_eq!(split.place("extra/cat/1"), Place::NoClass("not in a train, val or test folder"));
        assert_eq!(split.place("1"), Place::NoClass("not in a train, val or test folder"));
    }
}
