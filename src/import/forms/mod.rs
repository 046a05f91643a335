//! The forms in which data sets come, a file each, and which of them lies before us: told by names and first bytes,
//! or said by a person.
//!
//! A form that holds its pictures within larger files is written out once, by [`shelf`], so that all that comes
//! after an import sees pictures in files and nothing else.

mod idx;
mod labels;
mod shelf;

use super::error::io_error;
use super::{ImportError, Rejected, Task, unpack};
use protocol::sample::Split;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

pub(super) use labels::order;

/// The form of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A folder per class, packed in an archive or not.
    Folders,
    /// IDX files, as MNIST has them.
    Idx,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 2] = [Form::Folders, Form::Idx];

    /// The word used in JSON, on pages and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Form::Folders => "folder",
            Form::Idx => "idx",
        }
    }

    /// The form that a word stands for.
    pub fn from_word(word: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.as_str() == word)
    }

    /// What a person calls it, and what it is known by.
    fn description(self) -> (&'static str, &'static str) {
        match self {
            Form::Folders => ("a folder per class", "pictures in at least two folders"),
            Form::Idx => (
                "IDX",
                "files such as train-images-idx3-ubyte with train-labels-idx1-ubyte beside them, plain or .gz",
            ),
        }
    }
}

/// What lies before us, and how that was seen.
pub(super) struct Recognised {
    plan: Plan,
    /// A sentence without its full stop.
    pub(super) evidence: String,
}

enum Plan {
    Folders,
    Idx(idx::Set),
}

/// Pictures in files, with all that the source says of them.
pub(super) struct Labelled {
    /// As [`super::Imported::format`] has it.
    pub(super) format: &'static str,
    /// Absolute; the items' paths are relative to it.
    pub(super) root: PathBuf,
    /// Each path once.
    pub(super) items: Vec<Item>,
    /// The order of the classes, where the source has one; some may have no pictures.
    pub(super) classes: Vec<String>,
    /// What could not be used.
    pub(super) rejected: Vec<Rejected>,
    /// What gives the splits, such as `"as the files' names say"`; `None` where nothing does.
    pub(super) splits: Option<&'static str>,
}

/// One picture.
pub(super) struct Item {
    pub(super) path: String,
    pub(super) class: String,
    pub(super) split: Option<Split>,
    pub(super) metadata: Option<Map<String, Value>>,
}

impl Recognised {
    /// Whether the pictures lie in class folders, for which the folders' own rules hold.
    pub(super) fn is_folders(&self) -> bool {
        matches!(self.plan, Plan::Folders)
    }

    /// Reads what was recognised in `root`; pictures that lie within larger files are written to `into`.
    /// An archive that was unpacked there gives way to them.
    pub(super) fn read(self, root: &Path, into: &Path, task: &Task) -> Result<Labelled, ImportError> {
        let written = unpack::staged(into, root == into, |folder| match self.plan {
            Plan::Folders => unreachable!("class folders are read by their own rules"),
            Plan::Idx(set) => set.read(root, folder, task),
        })?;
        Ok(Labelled { root: into.canonicalize().map_err(io_error("open", into))?, ..written })
    }
}

/// Tells what the files of a folder are: what was asked for, or else the first form that fits. Class folders are
/// what is left over, and then the content of the files decides.
pub(super) fn recognise(
    root: &Path,
    files: &[String],
    wanted: Option<Form>,
) -> Result<Recognised, ImportError> {
    let folders =
        || Recognised { plan: Plan::Folders, evidence: "pictures are looked for in folders".into() };
    if wanted == Some(Form::Folders) || (wanted.is_none() && labels::has_class_folders(files)) {
        return Ok(folders());
    }
    for form in Form::ALL.into_iter().filter(|form| wanted.is_none_or(|wanted| wanted == *form)) {
        let found = match form {
            Form::Folders => None,
            Form::Idx => idx::find(files)?.map(|set| (set.evidence(), Plan::Idx(set))),
        };
        if let Some((evidence, plan)) = found {
            return Ok(Recognised { plan, evidence });
        }
    }
    wanted.map_or_else(|| Ok(folders()), |form| Err(not_this_form(root, form)))
}

/// Tells what a single file is; `None` where it can only be an archive. The second part is the folder it lies in.
pub(super) fn recognise_file(
    path: &Path,
    wanted: Option<Form>,
) -> Result<Option<(Recognised, PathBuf)>, ImportError> {
    // A pipe or a device would keep the reader waiting for ever.
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(None);
    };
    if !path.is_file() {
        return Ok(None);
    }
    let found = idx::find_beside(folder, name)?.map(|set| (Form::Idx, set.evidence(), Plan::Idx(set)));
    Ok(found
        .filter(|(form, ..)| wanted.is_none_or(|wanted| wanted == *form))
        .map(|(_, evidence, plan)| (Recognised { plan, evidence }, folder.to_owned())))
}

/// What was asked for is not there.
fn not_this_form(path: &Path, form: Form) -> ImportError {
    let (form, known_by) = form.description();
    ImportError::NotThisForm { path: path.to_owned(), form, known_by }
}

/// A file that is not what its form says.
fn malformed(form: Form, file: &str, why: impl Into<String>) -> ImportError {
    ImportError::Malformed { file: file.to_owned(), form: form.description().0, why: why.into() }
}

/// Opens a file, unpacked where its first bytes say that it is a gzip file. What is read of it is added to `read`.
fn open<'a>(path: &Path, read: &'a Cell<u64>) -> Result<Box<dyn Read + 'a>, ImportError> {
    let mut head = Vec::new();
    let start = |file: &mut File, head: &mut Vec<u8>| file.take(2).read_to_end(head);
    let mut file = File::open(path).map_err(io_error("open", path))?;
    start(&mut file, &mut head).map_err(io_error("read", path))?;
    let file = File::open(path).map_err(io_error("open", path))?;
    let file = BufReader::with_capacity(256 << 10, unpack::Counted { inner: file, read });
    Ok(if head == [0x1f, 0x8b] {
        Box::new(BufReader::with_capacity(256 << 10, flate2::bufread::MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

/// Reads `count` bytes, or as many as there are. What is claimed costs nothing before it has come.
fn read_up_to(reader: &mut dyn Read, count: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(count.min(1 << 20)).unwrap_or(0));
    reader.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How large files are together, for the progress.
fn sizes(root: &Path, files: impl IntoIterator<Item = impl AsRef<Path>>) -> u64 {
    files.into_iter().filter_map(|file| std::fs::metadata(root.join(file)).ok()).map(|file| file.len()).sum()
}

/// Planes of three colours, one behind the other, as pixels of three values.
fn interleaved(planes: &[u8]) -> Vec<u8> {
    let pixels = planes.len() / 3;
    (0..pixels * 3).map(|at| planes[at % 3 * pixels + at / 3]).collect()
}
