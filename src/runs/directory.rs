//! The folder of a run or of a further job of it: where things are in it, and how it comes to be.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use crate::domain::ids::{JobId, RunId};
use anyhow::Context as _;
use protocol::files;
use protocol::sample::Sample;
use protocol::spec::RunSpec;
use std::io::{BufRead as _, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// `<data>/runs/<id>`, or `jobs/<number>` in it.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// The folder of this run or job in this data directory, made or not.
    pub fn of(data: &Path, id: impl Into<JobId>) -> RunDirectory {
        let id = id.into();
        let run = data.join("runs").join(id.run.to_string());
        let path = if id.is_own() { run } else { run.join(files::JOBS).join(id.number.to_string()) };
        RunDirectory { path }
    }

    /// A run directory anywhere.
    pub fn at(path: PathBuf) -> RunDirectory {
        RunDirectory { path }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join(files::JOURNAL)
    }

    /// The file that a living trainer holds locked.
    pub fn lock(&self) -> PathBuf {
        self.path.join(files::LOCK)
    }

    /// What the trainer printed.
    pub fn stderr(&self) -> PathBuf {
        self.path.join(files::STDERR)
    }

    /// The weights of the best epoch so far.
    pub fn best_weights(&self) -> PathBuf {
        self.path.join(files::CHECKPOINTS).join("best.safetensors")
    }

    /// A file that the journal named. `None` for a name that leads out of the directory.
    pub fn file(&self, relative: &str) -> Option<PathBuf> {
        let inside =
            Path::new(relative).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        inside.then(|| self.path.join(relative))
    }

    /// What the run is to do.
    ///
    /// # Errors
    /// The file is missing or damaged.
    pub fn spec(&self) -> anyhow::Result<RunSpec> {
        let file = self.path.join(files::SPEC);
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))
    }
}

/// The run of this data directory whose best epoch a path of weights names.
pub fn run_of_weights(data: &Path, weights: &str) -> Option<RunId> {
    let folder = Path::new(weights).strip_prefix(data.join("runs")).ok()?;
    let id = RunId(folder.iter().next()?.to_str()?.parse().ok()?);
    (RunDirectory::of(data, id).best_weights() == Path::new(weights)).then_some(id)
}

/// The greatest number that a run directory has; 0 where there is none.
///
/// # Errors
/// The data directory can't be read.
pub fn last_number(data: &Path) -> anyhow::Result<i64> {
    let runs = data.join("runs");
    std::fs::create_dir_all(&runs).with_context(|| format!("making {}", runs.display()))?;
    let mut last = 0;
    for entry in std::fs::read_dir(&runs).with_context(|| format!("listing {}", runs.display()))? {
        if let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            last = last.max(number);
        }
    }
    Ok(last)
}

/// Makes the directory of a run or job with all that a trainer needs to begin, under a temporary name until it is whole.
///
/// # Errors
/// The data directory can't be written.
pub fn create(directory: &RunDirectory, spec: &RunSpec, samples: &[Sample]) -> anyhow::Result<()> {
    create_with(directory, spec, |file| {
        let mut lines = std::io::BufWriter::new(std::fs::File::create(file)?);
        for sample in samples {
            serde_json::to_writer(&mut lines, sample)?;
            lines.write_all(b"\n")?;
        }
        Ok(lines.flush()?)
    })
}

/// As [`create`], with the samples of another run: the list is the same file under two names, where the disk can do that.
///
/// # Errors
/// The data directory can't be written, or the other run is gone.
pub fn create_like(directory: &RunDirectory, spec: &RunSpec, other: &RunDirectory) -> anyhow::Result<()> {
    let samples = other.path().join(files::SAMPLES);
    create_with(directory, spec, |file| {
        if std::fs::hard_link(&samples, file).is_err() {
            std::fs::copy(&samples, file).with_context(|| format!("copying {}", samples.display()))?;
        }
        Ok(())
    })
}

fn create_with(
    directory: &RunDirectory,
    spec: &RunSpec,
    write_samples: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let runs = directory.path().parent().context("a run directory lies in a folder")?;
    std::fs::create_dir_all(runs).with_context(|| format!("making {}", runs.display()))?;
    let staged = tempfile::Builder::new().prefix(".staged-").tempdir_in(runs)?;
    let spec_file = std::fs::File::create(staged.path().join(files::SPEC))?;
    serde_json::to_writer_pretty(spec_file, spec)?;
    write_samples(&staged.path().join(files::SAMPLES))?;
    std::fs::File::create(staged.path().join(files::LOCK))?;
    put(staged, directory.path())
}

/// An empty folder beside those of the runs.
///
/// # Errors
/// The data directory can't be written.
pub fn stage(data: &Path) -> anyhow::Result<tempfile::TempDir> {
    let runs = data.join("runs");
    std::fs::create_dir_all(&runs).with_context(|| format!("making {}", runs.display()))?;
    Ok(tempfile::Builder::new().prefix(".staged-").tempdir_in(runs)?)
}

/// Moves a staged folder to its place.
///
/// # Errors
/// Something is there, or the data directory can't be written.
pub fn put(staged: tempfile::TempDir, place: &Path) -> anyhow::Result<()> {
    std::fs::rename(staged.path(), place)
        .with_context(|| format!("moving the new run's folder to {}", place.display()))?;
    // It has a new name, so there is nothing left to clean up under the old one.
    let _ = staged.keep();
    Ok(())
}

/// The images of a run.
///
/// # Errors
/// The file is missing or damaged.
pub fn read_samples(directory: &RunDirectory) -> anyhow::Result<Vec<Sample>> {
    let file = directory.path().join(files::SAMPLES);
    let read = || -> anyhow::Result<Vec<Sample>> {
        let lines = std::io::BufReader::new(std::fs::File::open(&file)?).lines();
        lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    };
    read().with_context(|| format!("reading {}", file.display()))
}

/// The last bytes of a file as text, and whether something stands before them. A file that is not there is empty.
///
/// # Errors
/// The file can't be read.
pub fn read_end(file: &Path, most_bytes: u64) -> std::io::Result<(String, bool)> {
    let mut file = match std::fs::File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((String::new(), false)),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most_bytes)))?;
    let mut bytes = Vec::new();
    file.take(most_bytes).read_to_end(&mut bytes)?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), length > most_bytes))
}

/// Writes another specification over a run's, whole or not at all.
///
/// # Errors
/// The run's folder can't be written.
pub fn replace_spec(directory: &RunDirectory, spec: &RunSpec) -> anyhow::Result<()> {
    let file = directory.path().join(files::SPEC);
    let write = || -> anyhow::Result<()> {
        let mut staged = tempfile::NamedTempFile::new_in(directory.path())?;
        serde_json::to_writer_pretty(&mut staged, spec)?;
        staged.flush()?;
        staged.persist(&file)?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", file.display()))
}

/// Removes a run's folder with all that is in it; one that is gone already is no error.
///
/// # Errors
/// Something in it can't be removed.
pub fn remove(directory: &RunDirectory) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(directory.path()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", directory.path().display()))
        }
        _ => Ok(()),
    }
}
