//! CIFAR-10 and CIFAR-100 in their binary version, as [Krizhevsky's page] describes it.
//!
//! [Krizhevsky's page]: https://www.cs.toronto.edu/~kriz/cifar.html
//!
//! A file is records without a head: one label byte (CIFAR-100: two, the coarse one first), then 1024 values each of
//! red, green and blue, 32 rows of 32. Names lie beside, a line each.

use super::super::ImportError;
use super::extracted::{Content, ExtractedImages};
use super::labels::names_in;
use super::{DatasetFormat, Labelled, Task, interleaved, malformed, open, read_up_to, seen, sizes};
use image::ExtendedColorType;
use protocol::sample::Split;
use serde_json::Map;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

const SIDE: u32 = 32;
const PIXELS_BYTES: u64 = 32 * 32 * 3;

/// The files of one of the two data sets; paths relative to the source.
#[derive(Debug, PartialEq)]
pub(super) struct Set {
    folder: String,
    files: Vec<(String, Split)>,
    /// CIFAR-100, with two labels an image.
    has_coarse: bool,
}

/// Finds the set among the files of a folder, by their names.
pub(super) fn find(files: &[String]) -> Result<Option<Set>, ImportError> {
    let mut sets = BTreeMap::<&str, Set>::new();
    for file in files {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let (split, has_coarse) = match name {
            "test_batch.bin" => (Split::Test, false),
            // Names as general as these are another's unless the list of classes lies beside.
            "train.bin" | "test.bin"
                if files.binary_search(&format!("{prefix}fine_label_names.txt")).is_ok() =>
            {
                (if name == "train.bin" { Split::Train } else { Split::Test }, true)
            }
            _ if name.starts_with("data_batch_") && name.ends_with(".bin") => (Split::Train, false),
            _ => continue,
        };
        let set = sets.entry(folder).or_insert_with(|| Set {
            folder: folder.to_owned(),
            files: Vec::new(),
            has_coarse,
        });
        set.files.push((file.clone(), split));
    }
    let mut sets = sets.into_values();
    match (sets.next(), sets.next()) {
        (Some(set), None) => Ok(Some(set)),
        (Some(first), Some(second)) => {
            let why =
                format!("{} is of another data set; give the path of one of the folders", second.files[0].0);
            Err(malformed(DatasetFormat::Cifar, &first.files[0].0, why))
        }
        _ => Ok(None),
    }
}

impl Set {
    pub(super) fn evidence(&self) -> String {
        let names = self.names().join(", ");
        let are = if self.files.len() == 1 { "is named as one of" } else { "are named as" };
        format!("{names} {are} CIFAR-{}'s are", if self.has_coarse { 100 } else { 10 })
    }

    fn names(&self) -> Vec<&str> {
        self.files.iter().map(|(file, _)| file.as_str()).collect()
    }

    /// Writes every image to `folder`.
    pub(super) fn read(&self, root: &Path, folder: &Path, task: &Task) -> Result<Labelled, ImportError> {
        let here = root.join(&self.folder);
        let names = |file: &str| names_in(&here.join(file));
        let (fine, coarse) = if self.has_coarse {
            (names("fine_label_names.txt"), names("coarse_label_names.txt"))
        } else {
            (names("batches.meta.txt"), None)
        };
        let read = Cell::new(0);
        let mut shelf =
            ExtractedImages::new(folder, task, sizes(root, self.files.iter().map(|(file, _)| file)), &read);
        for (file, split) in &self.files {
            let wrong = |why: String| malformed(DatasetFormat::Cifar, file, why);
            let mut reader = open(&root.join(file), &read)?;
            let labels = if self.has_coarse { 2 } else { 1 };
            for number in 0_u64.. {
                let record = read_up_to(&mut reader, labels as u64 + PIXELS_BYTES)
                    .map_err(|error| wrong(error.to_string()))?;
                if record.is_empty() {
                    break;
                }
                if (record.len() as u64) < labels as u64 + PIXELS_BYTES {
                    return Err(wrong(format!("it ends within image {number}; fetch it again")));
                }
                let (labels, pixels) = record.split_at(labels);
                let name = |names: &Option<Vec<String>>, label: u8, most: usize| match names {
                    Some(names) => names.get(usize::from(label)).cloned(),
                    None => (usize::from(label) < most).then(|| label.to_string()),
                };
                let out_of_range = |label: u8| {
                    wrong(format!("image {number} has label {label}, which has no name; fetch it again"))
                };
                let (class, metadata) = match *labels {
                    [label] => (name(&fine, label, 10).ok_or_else(|| out_of_range(label))?, None),
                    [group, label] => {
                        let group = name(&coarse, group, 20).ok_or_else(|| out_of_range(group))?;
                        let metadata = Map::from_iter([("coarse".to_owned(), group.into())]);
                        (name(&fine, label, 100).ok_or_else(|| out_of_range(label))?, Some(metadata))
                    }
                    _ => unreachable!("a record has one or two labels"),
                };
                let values = interleaved(pixels);
                let content =
                    Content::Pixels { width: SIDE, height: SIDE, color: ExtendedColorType::Rgb8, values };
                shelf.put(content, class, Some(*split), metadata)?;
            }
        }
        let items = shelf.finish()?;
        Ok(Labelled {
            format: DatasetFormat::Cifar.as_str(),
            seen: seen(&self.names(), items.len(), "image"),
            root: folder.to_owned(),
            items,
            classes: fine.unwrap_or_default(),
            rejected: Vec::new(),
            splits: Some("as the files' names say"),
        })
    }
}
