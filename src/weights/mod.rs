//! Published weights on this machine: where their files are, and which are there. Must not know SQL or HTTP.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use protocol::weights::{WEIGHTS, WeightsEntry};
use std::path::{Path, PathBuf};

/// Names a folder of weights that several data directories share.
const FOLDER_VARIABLE: &str = "TINTYPE_WEIGHTS";

/// The folder of weights of a data directory.
pub fn folder(data: &Path) -> PathBuf {
    std::env::var_os(FOLDER_VARIABLE).map_or_else(|| data.join("weights"), PathBuf::from)
}

/// Names of the published weights whose files are in `folder`. They were checked when they came; a file of another length is
/// not whole.
pub fn list_present(folder: &Path) -> Vec<&'static str> {
    WEIGHTS.iter().filter(|entry| is_present(folder, entry)).map(|entry| entry.name).collect()
}

fn is_present(folder: &Path, entry: &WeightsEntry) -> bool {
    folder.join(entry.file_name()).metadata().is_ok_and(|file| file.len() == entry.bytes)
}
