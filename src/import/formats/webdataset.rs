//! [WebDataset]: tars in which the files of one sample stand together and share their name up to its first dot:
//! `000001.jpg` with `000001.cls`, `.json` or `.txt`.
//!
//! [WebDataset]: https://github.com/webdataset/webdataset
//!
//! The label is what the `.cls` holds, else the `label` of the `.json`, else the `.txt`. The split is in the shard's
//! name. Names within a shard are never used as paths.

use super::super::budget::{HEADERS_BYTES, Rationed};
use super::super::entry_name::{is_clutter, text_from_bytes};
use super::super::unpack::is_tar;
use super::super::{ImportError, Rejected};
use super::columns::{LABELS, column, metadata, text};
use super::extracted::{Content, ExtractedImages, LabelledImage};
use super::labels::{IMAGE_ENDINGS, has_class_folders, is_image_name, names_beside, split_of};
use super::{DatasetFormat, Labelled, Task, malformed, open, read_up_to, seen, sizes};
use protocol::sample::Split;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek as _, SeekFrom};
use std::path::Path;
use tar::EntryType;

/// Endings that hold a label.
const LABEL_ENDINGS: [&str; 3] = ["cls", "json", "txt"];

/// How much of a tar is looked at to tell what it is.
const LOOK_ENTRIES: usize = 64;
const LOOK_BYTES: u64 = 64 << 20;

/// A label, or what is said besides, is no longer than this.
const TEXT_BYTES: u64 = 1 << 20;
const LABEL_CHARS: usize = 200;

/// Files of one sample: more are no sample.
const SAMPLE_FILES: usize = 100;

/// The shards of one data set.
#[derive(Debug)]
pub(super) struct Set {
    shards: Vec<(String, Option<Split>)>,
}

/// Finds the shards among the files of a folder, by names and by what is in the first.
pub(super) fn find(root: &Path, files: &[String]) -> Option<Set> {
    let shards: Vec<&String> = files.iter().filter(|file| is_tar_name(file)).collect();
    looks_so(&first_names(&root.join(shards.first()?)))
        .then(|| Set { shards: shards.into_iter().map(|file| (file.clone(), split_of(file))).collect() })
}

/// The shard that a file is; `None` where it is none.
pub(super) fn find_file(folder: &Path, name: &str) -> Option<Set> {
    looks_so(&first_names(&folder.join(name))).then(|| Set { shards: vec![(name.to_owned(), None)] })
}

/// Whether a tar's images lie in class folders, as far as its first part says.
pub(super) fn has_folders(path: &Path) -> bool {
    has_class_folders(&first_names(path))
}

/// Why the tars among these files are no shards though they hold images, where that is so.
pub(super) fn why_none(root: &Path, files: &[String]) -> Option<ImportError> {
    let tar = files.iter().find(|file| is_tar_name(file))?;
    let names = first_names(&root.join(tar));
    let is_labelled = |name: &String| {
        key_and_ending(name).is_some_and(|(_, ending)| LABEL_ENDINGS.contains(&ending.as_str()))
    };
    let image = names.iter().find(|name| is_image_name(name)).filter(|_| !names.iter().any(is_labelled))?;
    let why = format!(
        "its images, such as “{image}”, have no labels; pack a .cls, .json or .txt of the same name behind each, or \
         unpack the tars into a folder per class"
    );
    Some(malformed(DatasetFormat::WebDataset, tar, why))
}

pub(super) fn is_tar_name(file: &str) -> bool {
    let file = file.to_ascii_lowercase();
    [".tar", ".tar.gz", ".tgz"].iter().any(|ending| file.ends_with(ending))
}

/// The names in the first part of a tar; none where it is none.
fn first_names(path: &Path) -> Vec<String> {
    let read = Cell::new(0);
    let Ok(mut file) = open(path, &read) else { return Vec::new() };
    // A tar has its magic word in the first block; whatever else is not read through.
    let Ok(head) = read_up_to(&mut file, 512) else { return Vec::new() };
    if !is_tar(&head) {
        return Vec::new();
    }
    let mut archive = tar::Archive::new(std::io::Cursor::new(head).chain(file).take(LOOK_BYTES));
    let Ok(entries) = archive.entries() else { return Vec::new() };
    let entries = entries.take(LOOK_ENTRIES).map_while(Result::ok);
    entries.map(|entry| text_from_bytes(&entry.path_bytes())).collect()
}

/// Whether a tar begins with images that have labels of the same name.
fn looks_so(names: &[String]) -> bool {
    let mut endings = BTreeMap::<&str, Vec<String>>::new();
    for (key, ending) in names.iter().filter_map(|name| key_and_ending(name)) {
        endings.entry(key).or_default().push(ending);
    }
    let folders: BTreeSet<&str> =
        endings.keys().map(|key| key.rsplit_once('/').map_or("", |(f, _)| f)).collect();
    endings.values().any(|endings| {
        let has = |wanted: &dyn Fn(&str) -> bool| endings.iter().any(|ending| wanted(ending));
        // In class folders a .json or .txt beside an image may say anything.
        has(&is_image) && (has(&|e| e == "cls") || folders.len() == 1 && has(&|e| LABEL_ENDINGS.contains(&e)))
    })
}

/// What comes before the first dot of the last part, and what comes after it, in small letters.
fn key_and_ending(name: &str) -> Option<(&str, String)> {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = file + name[file..].find('.')?;
    (dot > file).then(|| (&name[..dot], name[dot + 1..].to_ascii_lowercase()))
}

fn is_image(ending: &str) -> bool {
    IMAGE_ENDINGS.contains(&ending)
}

impl Set {
    pub(super) fn evidence(&self) -> String {
        format!("{} holds images with labels of the same name", self.shards[0].0)
    }

    /// Writes every image to `folder`.
    pub(super) fn read(&self, root: &Path, folder: &Path, task: &Task) -> Result<Labelled, ImportError> {
        let read = Cell::new(0);
        let shelf =
            ExtractedImages::new(folder, task, sizes(root, self.shards.iter().map(|(file, _)| file)), &read);
        let mut reading = Reading { task, shelf, rejected: Vec::new(), bytes: 0 };
        let mut classes = Vec::new();
        for (shard, split) in &self.shards {
            let path = root.join(shard);
            let names = names_beside(path.parent().unwrap_or(root));
            reading.read(&path, &read, shard, *split, names.as_deref())?;
            classes = names.unwrap_or_default();
        }
        let has_splits = self.shards.iter().any(|(_, split)| split.is_some());
        let (items, rejected) = (reading.shelf.finish()?, reading.rejected);
        let names: Vec<&str> = self.shards.iter().map(|(file, _)| file.as_str()).collect();
        Ok(Labelled {
            format: DatasetFormat::WebDataset.as_str(),
            seen: seen(&names, items.len() + rejected.len(), "sample"),
            root: folder.to_owned(),
            items,
            classes,
            rejected,
            splits: has_splits.then_some("as the shards' names say"),
        })
    }
}

struct Reading<'a> {
    task: &'a Task<'a>,
    shelf: ExtractedImages<'a>,
    rejected: Vec<Rejected>,
    /// Of all files in all shards so far.
    bytes: u64,
}

/// The files of one sample, by their endings.
#[derive(Default)]
struct Sample {
    key: String,
    files: Vec<(String, Vec<u8>)>,
    /// What is wrong with one of them.
    fault: Option<String>,
}

impl Reading<'_> {
    fn read(
        &mut self,
        path: &Path,
        read: &Cell<u64>,
        shard: &str,
        split: Option<Split>,
        names: Option<&[String]>,
    ) -> Result<(), ImportError> {
        let broken =
            |why: String| malformed(DatasetFormat::WebDataset, shard, format!("{why}; fetch it again"));
        check_end(path).map_err(broken)?;
        let left = Cell::new(HEADERS_BYTES);
        let mut archive = tar::Archive::new(Rationed { inner: open(path, read)?, left: &left });
        let mut sample = Sample::default();
        for entry in archive.entries().map_err(|error| broken(error.to_string()))? {
            let mut entry = entry.map_err(|error| broken(error.to_string()))?;
            if (self.task.cancelled)() {
                return Err(ImportError::Cancelled);
            }
            left.set(u64::MAX);
            let name = text_from_bytes(&entry.path_bytes());
            match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => {}
                EntryType::Directory | EntryType::XGlobalHeader => continue,
                _ => {
                    let why = format!("its entry “{name}” is a link or a device; pack the files themselves");
                    return Err(malformed(DatasetFormat::WebDataset, shard, why));
                }
            }
            let size = entry.size();
            self.bytes = self.bytes.saturating_add(size);
            if self.bytes > self.task.limits.max_unpacked_bytes {
                let what =
                    format!("the shards unpack to more than {} bytes", self.task.limits.max_unpacked_bytes);
                return Err(ImportError::TooLarge { what });
            }
            let Some((key, ending)) =
                key_and_ending(&name).filter(|_| !is_clutter(name.rsplit('/').next().unwrap_or_default()))
            else {
                left.set(HEADERS_BYTES.saturating_add(size));
                continue;
            };
            if key != sample.key {
                let whole =
                    std::mem::replace(&mut sample, Sample { key: key.to_owned(), ..Sample::default() });
                self.put(whole, shard, split, names)?;
            }
            let wanted = is_image(&ending) || LABEL_ENDINGS.contains(&ending.as_str());
            let most = if is_image(&ending) { self.task.limits.vision.max_bytes } else { TEXT_BYTES };
            if wanted && size > most {
                sample.fault = Some(format!("its .{ending} has {size} bytes, and {most} are allowed"));
            } else if wanted && sample.files.len() < SAMPLE_FILES {
                let bytes = read_up_to(&mut entry, size).map_err(|error| broken(error.to_string()))?;
                if (bytes.len() as u64) < size {
                    return Err(broken(format!("it ends within “{name}”")));
                }
                sample.files.push((ending, bytes));
            }
            // What was not read is skipped with the headers that follow.
            left.set(HEADERS_BYTES.saturating_add(size));
        }
        self.put(sample, shard, split, names)?;
        // A gzip file ends with a checksum.
        left.set(u64::MAX);
        std::io::copy(&mut archive.into_inner(), &mut std::io::sink())
            .map_err(|error| broken(error.to_string()))?;
        Ok(())
    }

    fn put(
        &mut self,
        sample: Sample,
        shard: &str,
        split: Option<Split>,
        names: Option<&[String]>,
    ) -> Result<(), ImportError> {
        if sample.files.is_empty() && sample.fault.is_none() {
            return Ok(());
        }
        let path = format!("{shard}: {}", sample.key);
        match sample.open(names) {
            Ok((content, class, metadata)) => self.shelf.put(content, class, split, metadata),
            Err(_) if self.rejected.len() as u64 >= self.task.limits.max_entries => {
                let what = format!("{shard} has more than {} samples", self.task.limits.max_entries);
                Err(ImportError::TooLarge { what })
            }
            Err(reason) => {
                self.rejected.push(Rejected { path, reason });
                Ok(())
            }
        }
    }
}

impl Sample {
    /// The image with its class and what else is said of it, or why it is of no use.
    fn open(self, names: Option<&[String]>) -> Result<LabelledImage, String> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let (mut image, mut label, mut others) = (None, None, Map::new());
        let mut files = self.files;
        // In the order in which a label is looked for.
        files.sort_by_key(|(ending, _)| LABEL_ENDINGS.iter().position(|known| known == ending));
        for (ending, bytes) in files {
            match ending.as_str() {
                "json" => {
                    let mut said: Map<String, Value> = serde_json::from_slice(&bytes)
                        .map_err(|error| format!("its .json is no JSON object: {error}"))?;
                    if let Some(column) = column(&said.keys(), &LABELS).filter(|_| label.is_none()) {
                        label = said.remove(&column).as_ref().and_then(text);
                    }
                    others.extend(said);
                }
                "cls" | "txt" => {
                    let said = String::from_utf8(bytes).map_err(|_| format!("its .{ending} is not UTF-8"))?;
                    match text(&Value::String(said)) {
                        Some(said) if label.is_some() => drop(others.insert(ending, Value::String(said))),
                        said => label = label.or(said),
                    }
                }
                _ => image = image.or(Some(bytes)),
            }
        }
        others.insert("key".to_owned(), Value::String(self.key));
        let image = image.ok_or("it has no image")?;
        let label = label.ok_or("it has no label: no .cls, no .json with “label”, no .txt")?;
        if label.chars().count() > LABEL_CHARS {
            return Err(format!("its label has more than {LABEL_CHARS} characters"));
        }
        let class = match (names, label.parse::<usize>()) {
            (Some(names), Ok(number)) => names.get(number).cloned().ok_or_else(|| {
                format!("it has label {number}, and the list of classes beside has {} names", names.len())
            })?,
            _ => label,
        };
        Ok((Content::Encoded(image), class, metadata(others)))
    }
}

/// A tar ends with empty blocks. One that was cut off between two files would look whole without a look at these; of
/// a packed one, gzip says whether it is whole.
fn check_end(path: &Path) -> Result<(), String> {
    let mut file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut head = Vec::new();
    (&mut file).take(2).read_to_end(&mut head).map_err(|error| error.to_string())?;
    if head == [0x1f, 0x8b] {
        return Ok(());
    }
    let cut = || "it is cut off: the empty blocks that end a tar are missing".to_owned();
    let mut end = Vec::new();
    file.seek(SeekFrom::End(-512)).map_err(|_| cut())?;
    file.read_to_end(&mut end).map_err(|error| error.to_string())?;
    if end.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(cut()) }
}
