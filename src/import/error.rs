//! What can keep a whole source from being imported, each said as: what happened, to what, what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why nothing was imported. (A single file that cannot be used is no error; see [`super::Rejected`].)
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The path leads nowhere.
    #[error("There is nothing at {}. Check the path; it is one on the machine where Tintype runs.", path.display())]
    NotFound {
        /// As it was given.
        path: PathBuf,
    },
    /// A file, but none that can be unpacked.
    #[error(
        "{} is no folder, no zip, tar or tar.gz archive and no file of images that is known here (its first bytes decide, not its \
         name). If it is another kind of archive, unpack it and import the folder.", path.display()
    )]
    NotAnArchive {
        /// The file.
        path: PathBuf,
    },
    /// Read through, but not two classes of images.
    #[error("{found} {advice}")]
    NotADataSet {
        /// What was found instead, in sentences.
        found: String,
        /// What there must be for a data set of its format, as a sentence.
        advice: &'static str,
    },
    /// One entry of the archive must not be unpacked, so none was.
    #[error("The archive is refused, and nothing of it was kept: its entry “{entry}” {why}.")]
    UnsafeArchive {
        /// The entry's name, bytes that are not UTF-8 written as `%XX`.
        entry: String,
        /// What is wrong with it and what to do, to follow its name in a sentence.
        why: String,
    },
    /// More bytes or files than allowed.
    #[error("Refused, and nothing was kept: {what}. Import a part of it, or raise the limit.")]
    TooLarge {
        /// The quantity and the limit that it passed.
        what: String,
    },
    /// Cut off, damaged, or of a kind that cannot be read.
    #[error("The archive cannot be read, and nothing of it was kept: {why}. Fetch or pack it again.")]
    BrokenArchive {
        /// What was wrong where.
        why: String,
    },
    /// A file of a format that was recognised, or asked for, holds something else than that format says.
    #[error("{file} can't be read as {format}, and nothing was kept: {why}.")]
    Malformed {
        /// Relative to the source.
        file: String,
        /// What the format is called.
        format: &'static str,
        /// What is wrong and what to do, to follow a colon.
        why: String,
    },
    /// The format that was asked for is not what lies there.
    #[error("{} is not {format}, which is known by {known_by}. {instead}", path.display())]
    NotThisFormat {
        /// Where it was looked for.
        path: PathBuf,
        /// What the format is called.
        format: &'static str,
        /// What would have been there.
        known_by: &'static str,
        /// What it looks like and what to do, in sentences.
        instead: String,
    },
    /// A data set of the catalogue did not come, or not as it was published.
    #[error("{title} could not be fetched from {host}: {why} – try again later, or {instead}.")]
    Download {
        /// What the data set is called.
        title: String,
        /// Who was asked.
        host: String,
        /// What went wrong, to follow a colon.
        why: String,
        /// What else can be done.
        instead: String,
    },
    /// A share that cannot be held out.
    #[error(
        "The split cannot be made: {why}. Give shares from 0 up to, not including, 1 with a sum below 1."
    )]
    BadSplit {
        /// Which share is wrong.
        why: String,
    },
    /// Whoever started the import wanted it to end.
    #[error("The import was cancelled; nothing was kept.")]
    Cancelled,
    /// The file system refused something.
    #[error("Could not {doing} {}: {source}.", path.display())]
    Io {
        /// A verb, such as `read` or `write`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ImportError {
    /// The same of an archive, where it is about the folder that the archive was unpacked to.
    pub(super) fn of(self, archive: &Path) -> ImportError {
        match self {
            ImportError::NotThisFormat { format, known_by, instead, .. } => {
                ImportError::NotThisFormat { path: archive.to_owned(), format, known_by, instead }
            }
            other => other,
        }
    }
}

/// For `map_err`: the system's answer with what was being done, and to what.
pub(super) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ImportError {
    move |source| ImportError::Io { doing, path: path.to_owned(), source }
}
