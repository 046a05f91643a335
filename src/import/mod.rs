//! Reads a source – a folder, an archive, or files of images in any usual format – into samples. Synchronous, on all
//! cores; knows neither HTTP nor SQL.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

mod brought;
mod budget;
pub mod catalogue;
mod diagnosis;
mod download;
mod entry_name;
mod error;
mod formats;
mod layout;
mod listing;
mod meter;
mod paths;
mod read;
mod split;
mod unpack;

pub use crate::domain::dataset_format::DatasetFormat;
pub use crate::domain::imported::{Imported, ImportedSample, Rejected};
pub use brought::{Places, import_brought};
pub use error::ImportError;
pub use paths::{complete, home, path_from_text};
pub use split::SplitRequest;
pub use unpack::temporaries;

use crate::domain::edits;
use layout::{Layout, Place};
use meter::Meter;
use protocol::sample::Split;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// How to import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to hold out; `None`: as the folders say, or the default where they say nothing.
    pub split: Option<SplitRequest>,
    /// What the source is; `None`: whatever it looks like.
    pub format: Option<DatasetFormat>,
    /// What an import may cost.
    pub limits: Limits,
}

/// What an import may cost before it is refused.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes that an archive may unpack to, counted as they are written.
    pub max_unpacked_bytes: u64,
    /// Entries of an archive, or files of a folder.
    pub max_entries: u64,
    /// Bytes of the paths, labels and metadata that files say of images, all of which are held in memory.
    pub max_text_bytes: u64,
    /// What an image may cost.
    pub vision: vision::Limits,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_unpacked_bytes: 20 << 30,
            max_entries: 2_000_000,
            max_text_bytes: 1 << 30,
            vision: vision::Limits::default(),
        }
    }
}

impl Limits {
    /// Refuses so many bytes of paths, labels and metadata where they are too many.
    fn check_texts(&self, bytes: u64) -> Result<(), ImportError> {
        if bytes <= self.max_text_bytes {
            return Ok(());
        }
        let what = format!("paths, labels and metadata take more than {} bytes", self.max_text_bytes);
        Err(ImportError::TooLarge { what })
    }
}

/// What an import is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Fetching a data set of the catalogue; counted in bytes.
    Downloading,
    /// Writing an archive's entries, or the images within larger files, to disk; counted in bytes of the source.
    Unpacking,
    /// Looking for files.
    Listing,
    /// Decoding every file once; counted in files.
    Decoding,
}

impl Stage {
    /// The word used in JSON and on pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Downloading => "downloading",
            Stage::Unpacking => "unpacking",
            Stage::Listing => "listing",
            Stage::Decoding => "decoding",
        }
    }
}

/// How far it is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// So much of it is done.
    pub done: u64,
    /// So much there is, where that is known.
    pub total: Option<u64>,
}

/// What surrounds an import: what it may cost, and whom to tell.
#[derive(Clone, Copy)]
struct Task<'a> {
    limits: &'a Limits,
    progress: &'a (dyn Fn(Progress) + Sync),
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Imports what is at `source`. Images in a folder stay where they are; those within an archive, or within other
/// larger files, are written to `unpack_into`, which must not exist.
///
/// # Errors
/// See [`ImportError`]; nothing is left behind then.
pub fn import(
    source: &Path,
    unpack_into: &Path,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Imported, ImportError> {
    if let Some(split) = &options.split {
        split.check()?;
    }
    let source = source.canonicalize().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ImportError::NotFound { path: source.to_owned() },
        _ => error::io_error("open", source)(error),
    })?;
    let task = Task { limits: &options.limits, progress, cancelled };
    if source.is_dir() {
        return import_folder("folder", &source, unpack_into, options, &task);
    }
    if let Some((recognised, folder)) = formats::recognise_file(&source, options.format)? {
        return import_recognised(recognised, &folder, unpack_into, Vec::new(), options, &task);
    }
    let format = unpack::unpack(&source, unpack_into, &task)?;
    let imported = (unpack_into.canonicalize().map_err(error::io_error("open", unpack_into)))
        .and_then(|root| import_folder(format, &root, &root, options, &task));
    let mut imported = cleaned_up(imported, unpack_into).map_err(|error| error.of(&source))?;
    if options.format.is_some() {
        let others = formats::readings_of_file(&source);
        imported.readings.extend(others.into_iter().filter(|format| Some(*format) != options.format));
    }
    Ok(imported)
}

/// Takes away what was written where the import failed after all.
fn cleaned_up<T>(result: Result<T, ImportError>, written: &Path) -> Result<T, ImportError> {
    if result.is_err() {
        // The error that counts is the import's.
        drop(std::fs::remove_dir_all(written));
    }
    result
}

fn import_folder(
    format: &'static str,
    root: &Path,
    unpack_into: &Path,
    options: &Options,
    task: &Task,
) -> Result<Imported, ImportError> {
    (task.progress)(Progress { stage: Stage::Listing, done: 0, total: None });
    let listing = listing::list(root, options.limits.max_entries, task.cancelled)?;
    let recognised = formats::recognise(root, &listing.files, options.format)?;
    if !recognised.is_folders() {
        return import_recognised(recognised, root, unpack_into, listing.rejected, options, task);
    }
    diagnosis::check_folders(&listing.files)?;
    let contents = decode(root, listing.files, task)?;

    let whole = contents.images.iter().map(|image| image.path.as_str());
    let damaged = contents.damaged.iter().map(|file| file.path.as_str());
    let layout = Layout::detect(&whole.chain(damaged));
    let mut rejected = [listing.rejected, contents.damaged, contents.others].concat();
    let mut placed = Vec::new();
    for image in contents.images {
        match layout.place(&image.path) {
            Place::Class(class, split) => placed.push((class.to_owned(), split, image)),
            Place::NoClass(why) => rejected.push(Rejected { path: image.path, reason: why.to_owned() }),
        }
    }
    let mut names: Vec<String> = placed.iter().map(|(class, ..)| class.clone()).collect();
    names.sort_unstable();
    names.dedup();
    // Elsewhere the order of the source is the one to tell of.
    rejected.sort_by(|a, b| a.path.cmp(&b.path));
    let source = Source {
        format_name: format,
        format: DatasetFormat::Folders,
        evidence: evidence_of_folders(&names, &placed),
        readings: recognised.readings,
        seen: None,
        root: root.to_owned(),
        classes: names,
        splits: layout.has_splits.then_some("as the folders say"),
    };
    assemble(source, placed, rejected, options)
}

/// Imports what has its own format; `rejected` is what could not even be looked at.
fn import_recognised(
    recognised: formats::Recognised,
    root: &Path,
    unpack_into: &Path,
    rejected: Vec<Rejected>,
    options: &Options,
    task: &Task,
) -> Result<Imported, ImportError> {
    let (format, evidence, readings) =
        (recognised.format(), recognised.evidence.clone(), recognised.readings.clone());
    let labelled = recognised.read(root, unpack_into, task)?;
    let is_written = labelled.root != root;
    let files = labelled.items.iter().map(|item| item.path.clone()).collect();
    let imported = decode(&labelled.root, files, task).and_then(|contents| {
        let mut items: HashMap<String, formats::Item> =
            labelled.items.into_iter().map(|item| (item.path.clone(), item)).collect();
        let placed = contents.images.into_iter().filter_map(|image| {
            let item = items.remove(&image.path)?;
            let metadata = item.metadata.and_then(|said| without_own_hash(said, &image.hash));
            Some((item.class, item.split, ImportedSample { metadata, ..image }))
        });
        let source = Source {
            format_name: labelled.format,
            format,
            evidence,
            readings,
            seen: Some(labelled.seen),
            root: labelled.root.clone(),
            classes: labelled.classes,
            splits: labelled.splits,
        };
        let rejected = [labelled.rejected, contents.damaged, contents.others, rejected].concat();
        assemble(source, placed.collect(), rejected, options)
    });
    if is_written { cleaned_up(imported, unpack_into) } else { imported }
}

/// That a file has the hash that it has, as our own manifests say, is no news. Another hash is.
fn without_own_hash(mut said: Map<String, Value>, hash: &str) -> Option<Map<String, Value>> {
    if said.get("hash").and_then(Value::as_str) == Some(hash) {
        said.remove("hash");
    }
    (!said.is_empty()).then_some(said)
}

/// Decodes every file.
fn decode(root: &Path, files: Vec<String>, task: &Task) -> Result<read::Contents, ImportError> {
    let meter = Meter::new(Stage::Decoding, Some(files.len() as u64), task.progress);
    read::read(root, files, &task.limits.vision, &meter, task.cancelled)
}

/// What the images came from.
struct Source {
    format_name: &'static str,
    format: DatasetFormat,
    evidence: String,
    readings: Vec<DatasetFormat>,
    /// How much there was of what, where that isn't files in folders.
    seen: Option<String>,
    root: PathBuf,
    /// The order of the classes, as far as there is one; some may have no images.
    classes: Vec<String>,
    /// What gives the splits, in words.
    splits: Option<&'static str>,
}

/// Makes a data set of images with their classes and splits.
fn assemble(
    source: Source,
    placed: Vec<(String, Option<Split>, ImportedSample)>,
    mut rejected: Vec<Rejected>,
    options: &Options,
) -> Result<Imported, ImportError> {
    let names: BTreeSet<&str> = placed.iter().map(|(class, ..)| class.as_str()).collect();
    if names.len() < 2 {
        let (format, seen) = (source.format, source.seen.as_deref());
        return Err(diagnosis::too_few_classes(format, seen, &names, placed.len(), &rejected));
    }
    rejected.sort_by(|a, b| a.path.cmp(&b.path));
    let classes = formats::order(names, &source.classes);
    let labels: BTreeMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    let mut samples: Vec<ImportedSample> = placed
        .into_iter()
        .map(|(class, split, image)| ImportedSample {
            class: labels[class.as_str()],
            split: split.unwrap_or(Split::Train),
            ..image
        })
        .collect();
    samples.sort_by(|a, b| a.path.cmp(&b.path));
    let split_note = split::hold_out(&mut samples, source.splits, options.split);
    let fingerprint = fingerprint(&classes, &samples);
    let Source { format_name, evidence, readings, root, .. } = source;
    Ok(Imported {
        format: format_name,
        evidence,
        readings,
        root,
        classes,
        samples,
        rejected,
        fingerprint,
        split_note,
    })
}

/// What was seen of class folders, and of splits around them.
fn evidence_of_folders(classes: &[String], placed: &[(String, Option<Split>, ImportedSample)]) -> String {
    let there = Split::ALL.into_iter().filter(|split| placed.iter().any(|(_, own, _)| *own == Some(*split)));
    let splits: Vec<&str> = there.map(Split::as_str).collect();
    let within = match &splits[..] {
        [] => String::new(),
        [only] => format!(" within that of {only}"),
        [first @ .., last] => format!(" within those of {} and {last}", first.join(", ")),
    };
    format!("images lie in {}{within}", diagnosis::counted(classes.len(), "folder"))
}

/// The samples come sorted by path.
fn fingerprint(classes: &[String], samples: &[ImportedSample]) -> String {
    edits::fingerprint(samples.iter().map(|sample| {
        [&*sample.path, &*classes[sample.class as usize], sample.split.as_str(), &*sample.hash]
    }))
}

#[cfg(test)]
pub(crate) mod tests;
