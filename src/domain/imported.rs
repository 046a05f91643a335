//! What an import brings: samples with their classes and splits, and the files that were skipped.

use super::dataset_format::DatasetFormat;
use protocol::sample::Split;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// What came of an import.
#[derive(Clone, Debug)]
pub struct Imported {
    /// `folder`, `zip`, `tar` or `tar.gz` for class folders; else a format's own word, such as `idx`.
    pub format: &'static str,
    /// By what the format was recognised: a sentence without its full stop.
    pub evidence: String,
    /// The other formats that the source fits too, as far as names and the first bytes of files say.
    pub readings: Vec<DatasetFormat>,
    /// Absolute; the samples' paths are relative to it.
    pub root: PathBuf,
    /// By label: in the order that the source gives, else alphabetical, or by number where all are numbers.
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

/// An image that was decoded.
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
    /// What else the source says of it: texts and numbers by name.
    pub metadata: Option<Map<String, Value>>,
}

/// A file that was skipped.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// Relative to the root, `/` separated.
    pub path: String,
    /// In words.
    pub reason: String,
}

/// How an import was asked for, besides its source: kept, so that a failed one can be tried again as it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportRequest {
    /// The name that the data set was to have.
    pub name: String,
    /// The word of a data set of the catalogue, where it was one.
    pub catalogue: Option<String>,
    /// The word of a format, where one was named.
    pub format: Option<String>,
    /// Shares to hold out, where they were named.
    pub split: Option<RequestedSplit>,
}

/// What to hold out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestedSplit {
    /// Share for validation.
    pub val: f64,
    /// Share for the test.
    pub test: f64,
    /// Another seed, another choice.
    pub seed: u64,
}
