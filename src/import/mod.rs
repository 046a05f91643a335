//! Reads a source – a folder or an archive – into samples. Synchronous, on all cores; knows no HTTP.
//! (`job` alone knows the store: it runs an import in the background and keeps what comes of it.)

mod budget;
mod entry_name;
mod error;
pub mod job;
mod layout;
mod listing;
mod meter;
mod read;
mod split;
mod unpack;

pub use error::ImportError;
pub use split::SplitRequest;

use crate::domain::mending;
use layout::{Layout, Place};
use meter::Meter;
use protocol::sample::Split;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How to import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to hold out; `None`: as the folders say, or the default where they say nothing.
    pub split: Option<SplitRequest>,
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
    /// What a picture may cost.
    pub vision: vision::Limits,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_unpacked_bytes: 20 << 30, max_entries: 2_000_000, vision: vision::Limits::default() }
    }
}

/// What an import is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Writing an archive's entries to disk; counted in bytes of the archive.
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

/// What came of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// `folder`, `zip`, `tar` or `tar.gz`.
    pub format: &'static str,
    /// Absolute; the samples' paths are relative to it.
    pub root: PathBuf,
    /// By label, in alphabetical order.
    pub classes: Vec<String>,
    /// By path.
    pub samples: Vec<ImportedSample>,
    /// By path.
    pub rejected: Vec<Rejected>,
    /// Hash of every path, class, split and file: 32 hexadecimal digits.
    pub fingerprint: String,
    /// Where the splits come from, in words.
    pub split_note: String,
}

/// A picture that was decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedSample {
    /// Relative to the root, `/` separated.
    pub path: String,
    /// Index into the classes.
    pub class: u32,
    /// Its split.
    pub split: Split,
    /// Pixels, upright.
    pub width: u32,
    /// Pixels, upright.
    pub height: u32,
    /// Of the file.
    pub bytes: u64,
    /// `jpeg`, `png` …
    pub format: &'static str,
    /// EXIF orientation, 1 to 8.
    pub orientation: u8,
    /// BLAKE3 of the file, 32 hexadecimal digits.
    pub hash: String,
    /// What was measured of its pixels.
    pub features: vision::Features,
}

/// A file that could not be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// Relative to the root, `/` separated.
    pub path: String,
    /// In words.
    pub reason: String,
}

/// Imports a folder, which stays where it is, or an archive, which is unpacked into `unpack_into`.
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
    if source.is_dir() {
        return import_folder("folder", &source, options, progress, cancelled);
    }
    let format = unpack::unpack(&source, unpack_into, &options.limits, progress, cancelled)?;
    let imported = (unpack_into.canonicalize().map_err(error::io_error("open", unpack_into)))
        .and_then(|root| import_folder(format, &root, options, progress, cancelled));
    if imported.is_err() {
        // The error that counts is the import's.
        drop(std::fs::remove_dir_all(unpack_into));
    }
    imported
}

fn import_folder(
    format: &'static str,
    root: &Path,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Imported, ImportError> {
    progress(Progress { stage: Stage::Listing, done: 0, total: None });
    let listing = listing::list(root, options.limits.max_entries, cancelled)?;
    check_folders(&listing.files)?;
    let meter = Meter::new(Stage::Decoding, Some(listing.files.len() as u64), progress);
    let contents = read::read(root, listing.files, &options.limits.vision, &meter, cancelled)?;

    let whole = contents.pictures.iter().map(|picture| picture.path.as_str());
    let damaged = contents.damaged.iter().map(|file| file.path.as_str());
    let layout = Layout::detect(&whole.chain(damaged));
    let mut rejected = [listing.rejected, contents.damaged, contents.others].concat();
    let mut placed = Vec::new();
    for picture in contents.pictures {
        match layout.place(&picture.path) {
            Place::Class(class, split) => placed.push((class.to_owned(), split, picture)),
            Place::Outside(why) => rejected.push(Rejected { path: picture.path, reason: why.to_owned() }),
        }
    }
    rejected.sort_by(|a, b| a.path.cmp(&b.path));
    let names: BTreeSet<&String> = placed.iter().map(|(class, ..)| class).collect();
    if names.len() < 2 {
        return Err(ImportError::NotADataSet { found: what_was_found(&names, placed.len(), &rejected) });
    }
    let classes: Vec<String> = names.into_iter().cloned().collect();
    let labels: BTreeMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    let mut samples: Vec<ImportedSample> = placed
        .into_iter()
        .map(|(class, split, picture)| ImportedSample {
            class: labels[class.as_str()],
            split: split.unwrap_or(Split::Train),
            ..picture
        })
        .collect();
    samples.sort_by(|a, b| a.path.cmp(&b.path));
    let split_note = split::hold_out(&mut samples, layout.has_splits, options.split);
    let fingerprint = fingerprint(&classes, &samples);
    Ok(Imported { format, root: root.to_owned(), classes, samples, rejected, fingerprint, split_note })
}

/// Refuses at once, before anything is decoded, what cannot have two classes whatever its files are.
fn check_folders(files: &[String]) -> Result<(), ImportError> {
    let mut folders = files.iter().map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder));
    let found = match folders.next() {
        None => "There are no files here.".to_owned(),
        Some(first) if folders.all(|folder| folder == first) => {
            let place = if first.is_empty() {
                "the top folder".to_owned()
            } else {
                format!("one folder, “{first}”")
            };
            format!("All there is here is {} in {place}.", counted(files.len(), "file"))
        }
        Some(_) => return Ok(()),
    };
    Err(ImportError::NotADataSet { found })
}

fn what_was_found(classes: &BTreeSet<&String>, pictures: usize, rejected: &[Rejected]) -> String {
    let found = match classes.first() {
        None => "There are no usable pictures in class folders here.".to_owned(),
        Some(class) => {
            format!("There is only one class here, “{class}”, with {}.", counted(pictures, "usable picture"))
        }
    };
    // Three are enough to see what is wrong with the others.
    let first: Vec<String> =
        rejected.iter().take(3).map(|file| format!("{} ({})", file.path, file.reason)).collect();
    match rejected.len() {
        0 => found,
        count => format!("{found} Of no use: {}, such as {}.", counted(count, "file"), first.join("; ")),
    }
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The samples come sorted by path.
fn fingerprint(classes: &[String], samples: &[ImportedSample]) -> String {
    mending::fingerprint(samples.iter().map(|sample| {
        [&*sample.path, &*classes[sample.class as usize], sample.split.as_str(), &*sample.hash]
    }))
}

#[cfg(test)]
mod tests;
