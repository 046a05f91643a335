//! The formats in which data sets come, a file each, and which of them lies before us: told by names and first bytes,
//! or said by a person.
//!
//! A format that holds its images within larger files is written out once, by [`extracted`], so that all that comes
//! after an import sees images in files and nothing else.

mod cifar;
mod columns;
mod extracted;
mod idx;
mod labels;
mod manifest;
mod parquet;
mod parquet_rows;
mod table;
mod webdataset;

use super::diagnosis::counted;
use super::error::io_error;
use super::{ImportError, Rejected, Task, unpack};
use protocol::sample::Split;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::domain::dataset_format::DatasetFormat;
pub(super) use labels::order;

/// The order in which a folder's files are tried. IDX is the last: it alone looks into files whatever they are called.
const IN_FOLDERS: [DatasetFormat; 6] = [
    DatasetFormat::Folders,
    DatasetFormat::Cifar,
    DatasetFormat::Parquet,
    DatasetFormat::WebDataset,
    DatasetFormat::Manifest,
    DatasetFormat::Idx,
];

/// The order in which a single file is tried.
const IN_FILES: [DatasetFormat; 4] =
    [DatasetFormat::Idx, DatasetFormat::Parquet, DatasetFormat::Manifest, DatasetFormat::WebDataset];

/// What lies before us, and how that was seen.
pub(super) struct Recognised {
    plan: Plan,
    /// A sentence without its full stop. Of class folders it is told once their images are known.
    pub(super) evidence: String,
    /// What else it could be read as.
    pub(super) readings: Vec<DatasetFormat>,
}

enum Plan {
    Folders,
    Idx(idx::Set),
    Cifar(cifar::Set),
    Parquet(parquet::Set),
    WebDataset(webdataset::Set),
    Manifest(manifest::Set),
}

/// Images in files, with all that the source says of them.
pub(super) struct Labelled {
    /// As [`super::Imported::format`] has it.
    pub(super) format: &'static str,
    /// How much there was of what, usable or not; a sentence without its full stop.
    pub(super) seen: String,
    /// Absolute; the items' paths are relative to it.
    pub(super) root: PathBuf,
    /// Each path once.
    pub(super) items: Vec<Item>,
    /// The order of the classes, where the source has one; some may have no images.
    pub(super) classes: Vec<String>,
    /// What was skipped.
    pub(super) rejected: Vec<Rejected>,
    /// What gives the splits, such as `"as the files' names say"`; `None` where nothing does.
    pub(super) splits: Option<&'static str>,
}

/// One image.
pub(super) struct Item {
    pub(super) path: String,
    pub(super) class: String,
    pub(super) split: Option<Split>,
    pub(super) metadata: Option<Map<String, Value>>,
}

impl Plan {
    fn format(&self) -> DatasetFormat {
        match self {
            Plan::Folders => DatasetFormat::Folders,
            Plan::Idx(_) => DatasetFormat::Idx,
            Plan::Cifar(_) => DatasetFormat::Cifar,
            Plan::Parquet(_) => DatasetFormat::Parquet,
            Plan::WebDataset(_) => DatasetFormat::WebDataset,
            Plan::Manifest(_) => DatasetFormat::Manifest,
        }
    }

    fn evidence(&self) -> String {
        match self {
            Plan::Folders => "images lie in several folders".to_owned(),
            Plan::Idx(set) => set.evidence(),
            Plan::Cifar(set) => set.evidence(),
            Plan::Parquet(set) => set.evidence(),
            Plan::WebDataset(set) => set.evidence(),
            Plan::Manifest(set) => set.evidence(),
        }
    }
}

impl Recognised {
    /// Tells, of all that was tried, what else fits: whatever `find` finds without an error.
    fn new(
        plan: Plan,
        tried: &[DatasetFormat],
        find: impl Fn(DatasetFormat) -> Result<Option<Plan>, ImportError>,
    ) -> Recognised {
        let others = tried.iter().copied().filter(|other| *other != plan.format());
        let readings = others.filter(|other| matches!(find(*other), Ok(Some(_)))).collect();
        Recognised { evidence: plan.evidence(), plan, readings }
    }

    /// What it is.
    pub(super) fn format(&self) -> DatasetFormat {
        self.plan.format()
    }

    /// Whether the images lie in class folders, for which the folders' own rules hold.
    pub(super) fn is_folders(&self) -> bool {
        matches!(self.plan, Plan::Folders)
    }

    /// Reads what was recognised in `root`; images that lie within larger files are written to `into`.
    /// An archive that was unpacked there gives way to them.
    pub(super) fn read(self, root: &Path, into: &Path, task: &Task) -> Result<Labelled, ImportError> {
        let written = match self.plan {
            Plan::Manifest(set) => return set.read(root, task),
            plan => unpack::staged(into, root == into, |folder| match plan {
                Plan::Folders | Plan::Manifest(_) => unreachable!("their images stay where they are"),
                Plan::Idx(set) => set.read(root, folder, task),
                Plan::Cifar(set) => set.read(root, folder, task),
                Plan::Parquet(set) => set.read(root, folder, task),
                Plan::WebDataset(set) => set.read(root, folder, task),
            }),
        }?;
        Ok(Labelled { root: into.canonicalize().map_err(io_error("open", into))?, ..written })
    }
}

/// Tells what the files of a folder are: what was asked for, or else the first format that fits. Class folders are
/// what is left over, and then the content of the files decides.
pub(super) fn recognise(
    root: &Path,
    files: &[String],
    wanted: Option<DatasetFormat>,
) -> Result<Recognised, ImportError> {
    let find = |format| find(format, root, files);
    let mut tried = IN_FOLDERS.into_iter().filter(|format| wanted.is_none_or(|wanted| wanted == *format));
    let plan = match (tried.find_map(|format| find(format).transpose()).transpose()?, wanted) {
        (Some(plan), _) => plan,
        (None, Some(DatasetFormat::Folders)) => Plan::Folders,
        (None, None) if files.iter().all(|file| webdataset::is_tar_name(file)) => {
            webdataset::why_none(root, files).map_or(Ok(Plan::Folders), Err)?
        }
        (None, None) => Plan::Folders,
        (None, Some(format)) => {
            let unlabelled =
                (format == DatasetFormat::WebDataset).then(|| webdataset::why_none(root, files)).flatten();
            let instead = first_that_fits(&IN_FOLDERS, find);
            let otherwise = "Say another format, or leave it to be recognised.";
            return Err(unlabelled.unwrap_or_else(|| not_this_format(root, format, instead, otherwise)));
        }
    };
    Ok(Recognised::new(plan, &IN_FOLDERS, find))
}

/// Tells what a single file is; `None` where it can only be an archive. The second part is the folder it lies in.
pub(super) fn recognise_file(
    path: &Path,
    wanted: Option<DatasetFormat>,
) -> Result<Option<(Recognised, PathBuf)>, ImportError> {
    let Some((folder, name)) = folder_and_name(path) else { return Ok(None) };
    let find = |format| find_in_file(format, folder, name);
    let mut tried = IN_FILES.into_iter().filter(|format| wanted.is_none_or(|wanted| wanted == *format));
    if let Some(plan) = tried.find_map(|format| find(format).transpose()).transpose()? {
        let all = [IN_FILES.as_slice(), &[DatasetFormat::Folders]].concat();
        return Ok(Some((Recognised::new(plan, &all, find), folder.to_owned())));
    }
    let files = [name.to_owned()];
    if wanted == Some(DatasetFormat::WebDataset)
        && let Some(why) = webdataset::why_none(folder, &files)
    {
        return Err(why);
    }
    // Whatever was asked for may be packed.
    if is_archive(path) {
        return Ok(None);
    }
    if wanted.is_none_or(|format| format == DatasetFormat::Cifar) && cifar::find(&files)?.is_some() {
        let why = "it is one file of several; give the path of the folder that they lie in";
        return Err(malformed(DatasetFormat::Cifar, name, why));
    }
    match (wanted, first_that_fits(&IN_FILES, find)) {
        (None, _) => manifest::why_none(name).map_or(Ok(None), Err),
        (Some(DatasetFormat::Manifest), None) if let Some(why) = manifest::why_none(name) => Err(why),
        (Some(format), instead) => Err(not_this_format(
            path,
            format,
            instead,
            "Nor is it of another format that is known; check the path.",
        )),
    }
}

/// What a single file that was unpacked could be read as besides.
pub(super) fn readings_of_file(path: &Path) -> Vec<DatasetFormat> {
    let Some((folder, name)) = folder_and_name(path) else { return Vec::new() };
    IN_FILES.into_iter().filter(|format| matches!(find_in_file(*format, folder, name), Ok(Some(_)))).collect()
}

/// What a folder's files are as this format, where they are.
fn find(format: DatasetFormat, root: &Path, files: &[String]) -> Result<Option<Plan>, ImportError> {
    Ok(match format {
        DatasetFormat::Folders => labels::has_class_folders(files).then_some(Plan::Folders),
        DatasetFormat::Idx => idx::find(root, files)?.map(Plan::Idx),
        DatasetFormat::Cifar => cifar::find(files)?.map(Plan::Cifar),
        DatasetFormat::Parquet => parquet::find(root, files)?.map(Plan::Parquet),
        DatasetFormat::WebDataset => webdataset::find(root, files).map(Plan::WebDataset),
        DatasetFormat::Manifest => manifest::find(root, files)?.map(Plan::Manifest),
    })
}

/// What a single file is as this format, where it is.
fn find_in_file(format: DatasetFormat, folder: &Path, name: &str) -> Result<Option<Plan>, ImportError> {
    Ok(match format {
        DatasetFormat::Folders => webdataset::has_folders(&folder.join(name)).then_some(Plan::Folders),
        DatasetFormat::Idx => idx::find_beside(folder, name)?.map(Plan::Idx),
        DatasetFormat::Cifar => None,
        DatasetFormat::Parquet => parquet::find_file(folder, name)?.map(Plan::Parquet),
        DatasetFormat::WebDataset => webdataset::find_file(folder, name).map(Plan::WebDataset),
        DatasetFormat::Manifest => manifest::find_file(folder, name).map(Plan::Manifest),
    })
}

/// The two halves of a plain file's path. A pipe or a device would keep the reader waiting for ever.
fn folder_and_name(path: &Path) -> Option<(&Path, &str)> {
    path.is_file().then(|| Some((path.parent()?, path.file_name()?.to_str()?))).flatten()
}

fn first_that_fits(
    formats: &[DatasetFormat],
    find: impl Fn(DatasetFormat) -> Result<Option<Plan>, ImportError>,
) -> Option<Plan> {
    formats.iter().find_map(|format| find(*format).ok().flatten())
}

/// What was asked for is not there; `otherwise` says what to do where nothing else is either.
fn not_this_format(
    path: &Path,
    format: DatasetFormat,
    instead: Option<Plan>,
    otherwise: &str,
) -> ImportError {
    let instead = instead.map_or_else(
        || otherwise.to_owned(),
        |plan| {
            let (title, evidence) = (plan.format().title(), plan.evidence());
            format!("It looks like {title}: {evidence}. Ask for that, or leave the format to be recognised.")
        },
    );
    let (format, known_by) = format.description();
    ImportError::NotThisFormat { path: path.to_owned(), format, known_by, instead }
}

/// Whether a file begins as a zip or a tar does, the latter packed or not.
fn is_archive(path: &Path) -> bool {
    let read = Cell::new(0);
    let head =
        open(path, &read).and_then(|mut file| read_up_to(&mut file, 512).map_err(io_error("read", path)));
    head.is_ok_and(|head| unpack::is_zip(&head) || unpack::is_tar(&head))
}

/// A file that is not what its format says.
fn malformed(format: DatasetFormat, file: &str, why: impl Into<String>) -> ImportError {
    ImportError::Malformed { file: file.to_owned(), format: format.description().0, why: why.into() }
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

/// How much is in some files, as a sentence without its full stop.
fn seen(files: &[&str], count: usize, noun: &str) -> String {
    let things = if count == 0 { format!("no {noun}s") } else { counted(count, noun) };
    match files {
        [first, _, ..] => format!("{first} and {} have {things}", counted(files.len() - 1, "other file")),
        _ => format!("{} has {things}", files.concat()),
    }
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
