//! Which files are pairs: told by their names or, where these don't tell, by their first bytes.

use super::{Pair, Set, read_sizes};
use crate::import::ImportError;
use crate::import::error::io_error;
use crate::import::formats::labels::{is_image_name, split_of, split_of_word};
use crate::import::formats::{DatasetFormat, malformed, open};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// No more files than this are looked into.
const LOOKED_INTO: usize = 100;

const NO_LABELS: &str =
    "its labels, a file of the same name with “labels” and “idx1”, are not beside it; put them there";

/// What a file's name says: the folder, the name before the kind, and the kind.
struct Named<'a> {
    folder: &'a str,
    prefix: String,
    is_images: bool,
}

fn named(path: &str) -> Option<Named<'_>> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let name = name.to_ascii_lowercase();
    if !name.contains("idx") {
        return None; // as nearly all are, and that is cheap to see
    }
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    for (kind, is_images) in [("images", true), ("labels", false)] {
        let sizes: &[char] = if is_images { &['3', '4'] } else { &['1'] };
        for (separator, size) in
            ['-', '.'].into_iter().flat_map(|mark| sizes.iter().map(move |size| (mark, size)))
        {
            if let Some(prefix) = name.strip_suffix(&format!("{kind}{separator}idx{size}-ubyte")) {
                return Some(Named { folder, prefix: prefix.to_owned(), is_images });
            }
        }
    }
    None
}

/// What a file's first bytes say that it holds, and how many.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Head {
    Images(u32),
    Labels(u32),
}

/// Looks at a file's first bytes; `None` where they are not those of IDX.
fn look(path: &Path) -> Option<Head> {
    if !path.is_file() {
        return None; // a pipe would keep the reader waiting for ever
    }
    let read = Cell::new(0);
    match read_sizes(&mut open(path, &read).ok()?).ok()?[..] {
        [count] => Some(Head::Labels(count)),
        [count, _, _] | [count, _, _, _] => Some(Head::Images(count)),
        _ => None,
    }
}

/// Finds the pairs among the files of a folder.
pub(in crate::import::formats) fn find(root: &Path, files: &[String]) -> Result<Option<Set>, ImportError> {
    match by_name(files) {
        Ok(None) => by_content(root, files),
        // The other half may be called something else.
        Err(why) => by_content(root, files).ok().flatten().map(Some).ok_or(why),
        found => found,
    }
}

/// The pair of one file of images; its labels lie in the same folder.
pub(in crate::import::formats) fn find_beside(folder: &Path, name: &str) -> Result<Option<Set>, ImportError> {
    let own = named(name);
    let is_images = match (&own, look(&folder.join(name))) {
        (Some(own), _) => own.is_images,
        (None, Some(head)) => matches!(head, Head::Images(_)),
        (None, None) => return Ok(None),
    };
    if !is_images {
        let why = "it holds labels; give the path of the file of images beside it, or of their folder";
        return Err(malformed(DatasetFormat::Idx, name, why));
    }
    let files = std::fs::read_dir(folder).map_err(io_error("list", folder))?.flatten();
    let mut beside: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).collect();
    beside.sort();
    let is_half = |file: &&String| {
        named(file)
            .is_some_and(|half| !half.is_images && own.as_ref().is_some_and(|own| own.prefix == half.prefix))
    };
    let halves: Vec<String> = beside.iter().filter(is_half).cloned().chain([name.to_owned()]).collect();
    let set = match by_name(&halves) {
        Ok(Some(set)) => set,
        Ok(None) => labels_by_content(folder, name, &beside)?,
        Err(why) => labels_by_content(folder, name, &beside).map_err(|_| why)?,
    };
    // One file has no other half to be split from.
    let pairs = set.pairs.into_iter().map(|pair| Pair { split: None, ..pair }).collect();
    Ok(Some(Set { pairs, ..set }))
}

/// Finds the pairs among the files of a folder, by their names.
fn by_name(files: &[String]) -> Result<Option<Set>, ImportError> {
    // By folder and prefix: the files of images and of labels, the plain before the packed one.
    let mut found = BTreeMap::<(&str, String), [Option<&String>; 2]>::new();
    for file in files {
        if let Some(Named { folder, prefix, is_images }) = named(file) {
            let slot = &mut found.entry((folder, prefix)).or_default()[usize::from(!is_images)];
            if slot.is_none_or(|known| known.len() > file.len()) {
                *slot = Some(file);
            }
        }
    }
    let complete: BTreeSet<String> = found
        .iter()
        .filter(|(_, pair)| pair.iter().all(Option::is_some))
        .map(|((_, prefix), _)| prefix.clone())
        .collect();
    let mut sets = BTreeMap::<(&str, Vec<&str>), Vec<Pair>>::new();
    for ((folder, prefix), pair) in &found {
        match pair {
            [Some(images), Some(labels)] => {
                let own = prefix.split(['-', '_', '.']);
                let own = own.filter(|word| !word.is_empty() && split_of_word(word).is_none()).collect();
                let pair =
                    Pair { images: (*images).clone(), labels: (*labels).clone(), split: split_of(prefix) };
                sets.entry((folder, own)).or_default().push(pair);
            }
            [Some(images), None] if !complete.contains(prefix) => {
                return Err(malformed(DatasetFormat::Idx, images, NO_LABELS));
            }
            _ => {}
        }
    }
    let mut sets = sets.into_values();
    match (sets.next(), sets.next()) {
        (Some(pairs), None) => Ok(Some(Set { pairs, is_by_content: false })),
        (Some(first), Some(second)) => Err(malformed(
            DatasetFormat::Idx,
            &first[0].images,
            format!(
                "{} is of another data set; give the path of one file of images, not of the folder",
                second[0].images
            ),
        )),
        _ => Ok(None),
    }
}

/// Finds a pair where one file alone begins as images do, and one as labels do.
fn by_content(root: &Path, files: &[String]) -> Result<Option<Set>, ImportError> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| !is_image_name(file)).take(LOOKED_INTO) {
        match look(&root.join(file)) {
            Some(Head::Images(count)) => images.push((file, count)),
            Some(Head::Labels(count)) => labels.push((file, count)),
            None => {}
        }
    }
    let wrong = |why: String| Err(malformed(DatasetFormat::Idx, images[0].0, why));
    match (&images[..], &labels[..]) {
        ([], _) => Ok(None),
        (_, []) => wrong(NO_LABELS.to_owned()),
        ([(images, count)], [(labels, same)]) if count == same && may_be_halves(images, labels) => {
            Ok(Some(Set::by_content(images, labels)))
        }
        ([(_, count)], [(labels, other)]) => wrong(format!(
            "it claims {count} images, and {labels} has {other} labels; fetch both again from one place"
        )),
        _ => wrong(format!(
            "there are {} files of images here and {} of labels, and their names don't say which belong together; \
             call them such as train-images-idx3-ubyte and train-labels-idx1-ubyte, or give the path of one file of \
             images",
            images.len(),
            labels.len()
        )),
    }
}

/// The one file beside one of images that begins as its labels do.
fn labels_by_content(folder: &Path, images: &str, beside: &[String]) -> Result<Set, ImportError> {
    let wrong = |why: String| Err(malformed(DatasetFormat::Idx, images, why));
    let Some(Head::Images(count)) = look(&folder.join(images)) else {
        return wrong("it does not begin as an IDX file does; fetch it again".into());
    };
    let candidates = beside.iter().filter(|file| !is_image_name(file) && may_be_halves(images, file));
    let mut labels =
        candidates.take(LOOKED_INTO).filter(|file| look(&folder.join(file)) == Some(Head::Labels(count)));
    match (labels.next(), labels.next()) {
        (Some(only), None) => Ok(Set::by_content(images, only)),
        (Some(first), Some(second)) => wrong(format!(
            "{first} and {second} both hold {count} labels; leave the right one alone beside it"
        )),
        _ => wrong(format!("no file beside it holds {count} labels; put them there")),
    }
}

/// Names that both say what they are say that they belong together too, or that they don't.
fn may_be_halves(images: &str, labels: &str) -> bool {
    match (named(images), named(labels)) {
        (Some(images), Some(labels)) => images.prefix == labels.prefix,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::sample::Split;

    fn found(files: &[&str]) -> Option<Set> {
        by_name(&files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn pairs_are_found_by_their_names() {
        let pair =
            |images: &str, labels: &str, split| Pair { images: images.into(), labels: labels.into(), split };
        assert_eq!(
            found(&[
                "raw/t10k-images-idx3-ubyte",
                "raw/t10k-labels-idx1-ubyte",
                "raw/train-images-idx3-ubyte",
                "raw/train-images-idx3-ubyte.gz",
                "raw/train-labels-idx1-ubyte.gz",
            ])
            .unwrap()
            .pairs,
            [
                pair("raw/t10k-images-idx3-ubyte", "raw/t10k-labels-idx1-ubyte", Some(Split::Test)),
                pair("raw/train-images-idx3-ubyte", "raw/train-labels-idx1-ubyte.gz", Some(Split::Train)),
            ]
        );
        // As a well-known site packs it: every file once more in a folder of its own.
        let set = found(&[
            "train-images-idx3-ubyte/train-images-idx3-ubyte",
            "train-labels-idx1-ubyte/train-labels-idx1-ubyte",
            "train-images.idx3-ubyte",
            "train-labels.idx1-ubyte",
        ]);
        assert_eq!(
            set.unwrap().pairs,
            [pair("train-images.idx3-ubyte", "train-labels.idx1-ubyte", Some(Split::Train))]
        );
        assert_eq!(found(&["images.png", "labels.csv", "train-labels-idx1-ubyte"]), None);
    }

    #[test]
    fn what_is_missing_or_more_than_one_is_said() {
        let error = |files: &[&str]| {
            by_name(&files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>()).unwrap_err().to_string()
        };
        let text = error(&["train-images-idx3-ubyte"]);
        assert!(
            text.starts_with(
                "train-images-idx3-ubyte can't be read as IDX, and nothing was kept: its labels"
            ),
            "{text}"
        );
        let text = error(&[
            "emnist-letters-train-images-idx3-ubyte",
            "emnist-letters-train-labels-idx1-ubyte",
            "emnist-digits-train-images-idx3-ubyte",
            "emnist-digits-train-labels-idx1-ubyte",
        ]);
        assert!(text.contains("is of another data set; give the path of one"), "{text}");
    }
}
