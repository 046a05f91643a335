//! The trainer as a process: starting it, telling it to stop, knowing whether it lives.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use super::directory::RunDirectory;
use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// The trainer's program: beside ours, unless `TINTYPE_TRAINER` names another.
///
/// # Errors
/// There is no such file; the sentence says how to build it.
pub fn find_trainer() -> anyhow::Result<PathBuf> {
    let path = match std::env::var_os("TINTYPE_TRAINER") {
        Some(named) => PathBuf::from(named),
        None => std::env::current_exe()
            .context("finding this program's own folder")?
            .with_file_name(format!("tintype-trainer{}", std::env::consts::EXE_SUFFIX)),
    };
    anyhow::ensure!(
        path.is_file(),
        "the trainer {} is missing; build it with `cargo build --release -p tintype-trainer`, or name it in TINTYPE_TRAINER",
        path.display()
    );
    Ok(path)
}

/// Files that all trainers of a data directory share.
#[derive(Clone, Debug)]
pub struct SharedFiles {
    /// Which precision is taken on this machine where a run leaves it open; written by trainers.
    decisions: PathBuf,
    /// Folder of published weights.
    weights: PathBuf,
    /// Folder of what networks made of images, kept for further runs; written by trainers.
    features: PathBuf,
}

impl SharedFiles {
    /// Those of a data directory.
    pub fn of(data: &Path) -> SharedFiles {
        SharedFiles {
            decisions: data.join("machine/precision.json"),
            weights: crate::weights::folder(data),
            features: data.join("features"),
        }
    }

    fn arguments(&self) -> [&OsStr; 6] {
        let [decisions, weights, features] =
            [&self.decisions, &self.weights, &self.features].map(|path| path.as_os_str());
        let name = OsStr::new;
        [name("--decisions"), decisions, name("--weights"), weights, name("--features"), features]
    }
}

/// A trainer at work.
#[derive(Debug)]
pub enum Trainer {
    /// Started by this server.
    Child(Child),
    /// Started by an earlier server or by a person: known by its lock alone.
    Adopted,
}

impl Trainer {
    /// Starts a trainer in a run directory.
    ///
    /// It holds the directory's lock from its first instant: the locked file is handed to it as its standard input,
    /// and a lock belongs to the open file, not to the process that took it. Its own process group keeps a Ctrl-C
    /// at the server's terminal away from it.
    ///
    /// # Errors
    /// The program can't be started, or somebody else's trainer is at work in this directory.
    pub fn start(program: &Path, directory: &RunDirectory, files: &SharedFiles) -> anyhow::Result<Trainer> {
        let lock = open_lock(directory)?;
        lock.try_lock().context("another trainer is at work in this run's folder")?;
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(directory.stderr())
            .with_context(|| format!("opening {}", directory.stderr().display()))?;
        let child = Command::new(program)
            // Whoever may look at the trainer need not know the key of the server.
            .env_remove("TINTYPE_KEY")
            .arg("train")
            .arg(directory.path())
            .arg("--lock-inherited")
            .args(files.arguments())
            .stdin(Stdio::from(lock))
            .stdout(Stdio::null())
            .stderr(Stdio::from(stderr))
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Trainer::Child(child))
    }

    /// Whether it has ended; with how, where that can be known.
    ///
    /// # Errors
    /// The system would not say.
    pub fn ended(&mut self, directory: &RunDirectory) -> anyhow::Result<Option<Option<ExitStatus>>> {
        match self {
            Trainer::Child(child) => Ok(child.try_wait()?.map(Some)),
            Trainer::Adopted => Ok((!is_alive(directory)?).then_some(None)),
        }
    }

    /// Its process, for signals; an adopted one says its own in its journal.
    pub fn pid(&self, said: Option<u32>) -> Option<u32> {
        match self {
            Trainer::Child(child) => Some(child.id()),
            Trainer::Adopted => said,
        }
    }
}

/// Whether a trainer is at work in this directory.
///
/// # Errors
/// The lock file can't be opened.
pub fn is_alive(directory: &RunDirectory) -> anyhow::Result<bool> {
    match open_lock(directory)?.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error).context("asking for the run's lock"),
    }
}

/// Asks a process to write a checkpoint and end.
pub fn ask_to_stop(pid: u32) {
    signal(pid, Signal::TERM);
}

/// Ends a process that did not answer.
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

fn signal(pid: u32, signal: Signal) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    // A process that has just ended needs no signal.
    if let Err(error) = kill_process(pid, signal) {
        tracing::debug!(pid = pid.as_raw_nonzero().get(), %error, "the trainer could not be signalled");
    }
}

fn open_lock(directory: &RunDirectory) -> anyhow::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(directory.lock())
        .with_context(|| format!("opening {}", directory.lock().display()))
}
