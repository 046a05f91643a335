//! A run directory: its lock, its specification, and how a file gets into it whole.
//! It must not know about networks or tensors.

use crate::fault::Fault;
use protocol::files;
use protocol::sample::{Sample, Split};
use protocol::spec::RunSpec;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that runs share. What is kept in one that is not named is not kept.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SharedFiles {
    /// Where this machine's choices of precision are kept, as JSON.
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Folder of published weights, each named as in the catalogue.
    #[arg(long, value_name = "FOLDER")]
    pub weights: Option<PathBuf>,
    /// Folder of what networks made of images, for further runs.
    #[arg(long, value_name = "FOLDER")]
    pub features: Option<PathBuf>,
}

/// A run directory that this process may write to.
pub struct Directory {
    root: PathBuf,
    /// Held, not read: dropping it would let another trainer in.
    _lock: Option<File>,
}

impl Directory {
    /// Takes the lock of `root`, for as long as the value lives.
    ///
    /// With `inherited` the parent has locked the file already and handed it over as standard input: a lock belongs
    /// to the open file, so it holds until this process ends.
    pub fn lock(root: &Path, inherited: bool) -> Result<Self, Fault> {
        let root =
            fs::canonicalize(root).map_err(|error| Fault::file("open the run directory", root, error))?;
        let lock = if inherited {
            None
        } else {
            let path = root.join(files::LOCK);
            let file = File::options()
                .create(true)
                .append(true)
                .open(&path)
                .map_err(|error| Fault::file("open", &path, error))?;
            match file.try_lock() {
                Ok(()) => Some(file),
                Err(TryLockError::WouldBlock) => {
                    return Err(Fault::new(format!("Another trainer is at work in {}.", root.display()))
                        .advice("Wait for it to end, or stop it first."));
                }
                Err(TryLockError::Error(error)) => return Err(Fault::file("lock", &path, error)),
            }
        };
        Ok(Self { root, _lock: lock })
    }

    /// The path of `name` in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes `bytes` to `name` under a temporary name and renames it, so that whoever sees the name sees a whole file.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Fault::file("create", folder, error))?;
        }
        let temporary = self.path(&format!("{name}.part"));
        fs::write(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, &path))
            .map_err(|error| Fault::file("write", &path, error))
    }

    /// The specification, as the server wrote it.
    pub fn spec(&self) -> Result<RunSpec, Fault> {
        let path = self.path(files::SPEC);
        let text = fs::read(&path).map_err(|error| Fault::file("read", &path, error))?;
        serde_json::from_slice(&text).map_err(|error| Fault::file("understand", &path, error))
    }

    /// The samples; every label is below `classes`, every id occurs once.
    pub fn samples(&self, classes: usize) -> Result<Samples, Fault> {
        let path = self.path(files::SAMPLES);
        let text = fs::read_to_string(&path).map_err(|error| Fault::file("read", &path, error))?;
        let mut all = Vec::new();
        let mut ids = std::collections::HashSet::new();
        for (number, line) in text.lines().enumerate() {
            let place =
                |problem: String| Fault::file("understand", &path, format!("line {}: {problem}", number + 1));
            let sample: Sample = serde_json::from_str(line).map_err(|error| place(error.to_string()))?;
            if sample.label as usize >= classes {
                return Err(place(format!(
                    "label {} of {classes} classes (they count from 0)",
                    sample.label
                )));
            }
            if !ids.insert(sample.id) {
                return Err(place(format!("sample {} occurs twice", sample.id)));
            }
            all.push(sample);
        }
        Ok(Samples::new(all))
    }
}

/// The samples of a run, in the order of `samples.jsonl`.
pub struct Samples {
    /// All of them.
    pub all: Arc<[Sample]>,
    splits: [Vec<usize>; 3],
}

impl Samples {
    fn new(all: Vec<Sample>) -> Self {
        let splits =
            Split::ALL.map(|split| (0..all.len()).filter(|&place| all[place].split == split).collect());
        Self { all: all.into(), splits }
    }

    /// Places in [`Samples::all`] of the samples of `split`.
    pub fn of(&self, split: Split) -> &[usize] {
        &self.splits[split as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trainer_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Directory::lock(folder.path(), false).unwrap();
        let second = Directory::lock(folder.path(), false).err().unwrap();
        assert!(second.to_string().contains("Another trainer is at work"), "{second}");
        drop(first);
        assert!(Directory::lock(folder.path(), false).is_ok());
    }

    #[test]
    fn samples_that_cannot_be_used_are_named_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::lock(folder.path(), false).unwrap();
        let line = |id: i64, label: u32| {
            format!("{{\"id\":{id},\"path\":\"/a.png\",\"label\":{label},\"split\":\"val\"}}\n")
        };
        for (text, expected) in [
            (line(1, 0) + &line(2, 5), "line 2: label 5 of 2 classes"),
            (line(1, 0) + &line(1, 1), "line 2: sample 1 occurs twice"),
            ("{\"id\":".to_owned(), "line 1: EOF"),
        ] {
            directory.write(files::SAMPLES, text.as_bytes()).unwrap();
            let fault = directory.samples(2).err().unwrap().to_string();
            assert!(fault.contains(expected), "{fault}");
        }
        directory.write(files::SAMPLES, (line(1, 0) + &line(9, 1)).as_bytes()).unwrap();
        let samples = directory.samples(2).unwrap();
        assert_eq!(samples.of(Split::Val), [0, 1]);
        assert!(samples.of(Split::Train).is_empty());
    }
}
