//! The forms in which data sets come, a file each, and which of them lies before us: told by names and first bytes,
//! or said by a person.
//!
//! A form that holds its pictures within larger files is written out once, by [`shelf`], so that all that comes
//! after an import sees pictures in files and nothing else.

mod cifar;
mod idx;
mod labels;
mod manifest;
mod parquet;
mod shelf;
mod table;
mod webdataset;

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
    /// CIFAR's binary files.
    Cifar,
    /// Parquet with the pictures' files in it.
    Parquet,
    /// Tars of pictures with a label file each.
    WebDataset,
    /// A table of paths and labels.
    Manifest,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 6] =
        [Form::Folders, Form::Idx, Form::Cifar, Form::Parquet, Form::WebDataset, Form::Manifest];

    /// The word used in JSON, on pages and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Form::Folders => "folder",
            Form::Idx => "idx",
            Form::Cifar => "cifar-binary",
            Form::Parquet => "parquet",
            Form::WebDataset => "webdataset",
            Form::Manifest => "manifest",
        }
    }

    /// The form that a word stands for.
    pub fn from_word(word: &str) -> Option<Form> {
        Form::ALL.into_iter().find(|form| form.as_str() == word)
    }

    /// What a person calls it.
    pub fn title(self) -> &'static str {
        self.description().0
    }

    /// What a person calls it, and what it is known by.
    fn description(self) -> (&'static str, &'static str) {
        match self {
            Form::Folders => ("a folder per class", "pictures in at least two folders"),
            Form::Idx => (
                "IDX",
                "files such as train-images-idx3-ubyte with train-labels-idx1-ubyte beside them, plain or .gz",
            ),
            Form::Cifar => (
                "CIFAR's binary version",
                "data_batch_1.bin and test_batch.bin, or train.bin and test.bin with fine_label_names.txt",
            ),
            Form::Parquet => (
                "Parquet with pictures",
                ".parquet files with a column of pictures' bytes, such as “image”, and one of labels, such as “label”",
            ),
            Form::WebDataset => {
                ("WebDataset", "tars in which 000001.jpg has 000001.cls, .json or .txt beside it")
            }
            Form::Manifest => (
                "a table of pictures",
                "a .csv, .tsv, .jsonl or .parquet with columns such as “path” and “label”",
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
    Cifar(cifar::Set),
    Parquet(parquet::Set),
    WebDataset(webdataset::Set),
    Manifest(manifest::Set),
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
    fn by(plan: Plan) -> Recognised {
        let evidence = match &plan {
            Plan::Folders => "pictures are looked for in folders".to_owned(),
            Plan::Idx(set) => set.evidence(),
            Plan::Cifar(set) => set.evidence(),
            Plan::Parquet(set) => set.evidence(),
            Plan::WebDataset(set) => set.evidence(),
            Plan::Manifest(set) => set.evidence(),
        };
        Recognised { plan, evidence }
    }

    /// Whether the pictures lie in class folders, for which the folders' own rules hold.
    pub(super) fn is_folders(&self) -> bool {
        matches!(self.plan, Plan::Folders)
    }

    /// Reads what was recognised in `root`; pictures that lie within larger files are written to `into`.
    /// An archive that was unpacked there gives way to them.
    pub(super) fn read(self, root: &Path, into: &Path, task: &Task) -> Result<Labelled, ImportError> {
        let written = match self.plan {
            Plan::Manifest(set) => return set.read(root, task),
            plan => unpack::staged(into, root == into, |folder| match plan {
                Plan::Folders | Plan::Manifest(_) => unreachable!("their pictures stay where they are"),
                Plan::Idx(set) => set.read(root, folder, task),
                Plan::Cifar(set) => set.read(root, folder, task),
                Plan::Parquet(set) => set.read(root, folder, task),
                Plan::WebDataset(set) => set.read(root, folder, task),
            }),
        }?;
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
            Form::Idx => idx::find(files)?.map(Plan::Idx),
            Form::Cifar => cifar::find(files)?.map(Plan::Cifar),
            Form::Parquet => parquet::find(root, files)?.map(Plan::Parquet),
            Form::WebDataset => webdataset::find(root, files).map(Plan::WebDataset),
            Form::Manifest => manifest::find(root, files)?.map(Plan::Manifest),
        };
        if let Some(plan) = found {
            return Ok(Recognised::by(plan));
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
    let tries = [Form::Idx, Form::Parquet, Form::Manifest, Form::WebDataset];
    for form in tries.into_iter().filter(|form| wanted.is_none_or(|wanted| wanted == *form)) {
        let found = match form {
            Form::Idx => idx::find_beside(folder, name)?.map(Plan::Idx),
            Form::Parquet => parquet::find_file(folder, name)?.map(Plan::Parquet),
            Form::Manifest => manifest::find_file(folder, name).map(Plan::Manifest),
            Form::WebDataset => webdataset::find_file(folder, name).map(Plan::WebDataset),
            Form::Folders | Form::Cifar => None,
        };
        if let Some(plan) = found {
            return Ok(Some((Recognised::by(plan), folder.to_owned())));
        }
    }
    manifest::why_none(name).map_or(Ok(None), Err)
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
