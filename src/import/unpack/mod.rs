//! Unpacks an archive, trusting nothing in it: names are checked, bytes are counted as they come, and until all is
//! well everything lies in a temporary folder that goes away by itself.
//!
//! What an archive may not hold refuses the whole of it: a name that leads elsewhere, a link, a device, a password.
//! Nothing is written but folders and plain files with the permissions that any new file gets.

mod tar;
mod zip;

use super::entry_name::{is_clutter, safe_path};
use super::error::io_error;
use super::meter::Meter;
use super::{ImportError, Limits, Stage, Task};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Where a tar has its magic word.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// Bytes handed over at a time; between them it is asked whether to stop.
const CHUNK_BYTES: usize = 64 << 10;

/// What the name of a temporary folder begins with.
const TEMPORARY: &str = ".unpacking-";

/// The temporary folders in `parent`. One that nobody is unpacking into was left by a killed program.
pub fn temporaries(parent: &Path) -> Vec<PathBuf> {
    // Without the folder, or a look into it, there is nothing to sweep up.
    (std::fs::read_dir(parent).into_iter().flatten().flatten())
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes()))
        .map(|entry| entry.path())
        .collect()
}

/// Unpacks `archive` so that `into`, which must not exist, is its content; gives the kind of archive.
pub(super) fn unpack(archive: &Path, into: &Path, task: &Task) -> Result<&'static str, ImportError> {
    // A pipe or a device would keep the reader waiting for ever.
    if !archive.is_file() {
        return Err(ImportError::NotAnArchive { path: archive.to_owned() });
    }
    let mut file = File::open(archive).map_err(io_error("open", archive))?;
    let mut head = Vec::new();
    (&mut file).take(512).read_to_end(&mut head).map_err(io_error("read", archive))?;
    file.seek(SeekFrom::Start(0)).map_err(io_error("read", archive))?;
    let size = file.metadata().map_err(io_error("read", archive))?.len();

    staged(into, false, |content| {
        let read = Cell::new(0);
        let file = Counted { inner: file, read: &read };
        let mut writer = Writer {
            into: content,
            limits: task.limits,
            cancelled: task.cancelled,
            read: &read,
            meter: Meter::new(Stage::Unpacking, Some(size), task.progress),
            buffer: vec![0; CHUNK_BYTES],
            folder: PathBuf::new(),
            bytes: 0,
            entries: 0,
        };
        let format = if is_zip(&head) {
            zip::unpack(BufReader::new(file), &mut writer)?;
            "zip"
        } else if head.starts_with(&[0x1f, 0x8b]) {
            tar::unpack(flate2::read::MultiGzDecoder::new(BufReader::new(file)), &mut writer)?;
            "tar.gz"
        } else if is_tar(&head) {
            tar::unpack(BufReader::new(file), &mut writer)?;
            "tar"
        } else {
            return Err(ImportError::NotAnArchive { path: archive.to_owned() });
        };
        writer.meter.set(size);
        Ok(format)
    })
}

/// Whether these are the first bytes of a zip.
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Whether these are the first bytes, a block at least, of a tar.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.get(TAR_MAGIC) == Some(b"ustar")
}

/// Lets `fill` fill a folder that becomes `into` when all is well, and goes away otherwise. What is at `into` already
/// is deleted then if it is to be replaced, and is an error if not.
pub(super) fn staged<T>(
    into: &Path,
    replace: bool,
    fill: impl FnOnce(&Path) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    let parent = into.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(io_error("make", parent))?;
    let temporary = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempdir_in(parent)
        .map_err(io_error("write in", parent))?;
    // The temporary folder is closed to others, the content is to be a folder like any other.
    let content = temporary.path().join("content");
    std::fs::create_dir(&content).map_err(io_error("make", &content))?;
    let filled = fill(&content)?;
    if replace {
        std::fs::remove_dir_all(into).map_err(io_error("replace", into))?;
    }
    std::fs::rename(&content, into).map_err(io_error("write", into))?;
    Ok(filled)
}

/// Writes entries, and keeps count of what has been written and what may be.
struct Writer<'a> {
    into: &'a Path,
    limits: &'a Limits,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Bytes read of the archive.
    read: &'a Cell<u64>,
    meter: Meter<'a>,
    buffer: Vec<u8>,
    /// The folder made last: most entries lie in the same one as the entry before.
    folder: PathBuf,
    bytes: u64,
    entries: u64,
}

impl Writer<'_> {
    /// Takes one entry: counts it, checks its name, and writes it where it is a file and nobody's clutter.
    /// Whatever is not written is read and counted all the same.
    fn take(&mut self, name: &str, is_folder: bool, content: &mut dyn Read) -> Result<(), ImportError> {
        self.go_on()?;
        self.entries += 1;
        if self.entries > self.limits.max_entries {
            let what = format!("the archive has more than {} entries", self.limits.max_entries);
            return Err(ImportError::TooLarge { what });
        }
        let path = safe_path(name).map_err(|why| refused(name, why))?;
        if is_folder || path.is_empty() || path.split('/').any(is_clutter) {
            // An empty folder tells nothing; one with files is made for them.
            return self.copy(name, content, &mut std::io::sink(), Path::new(""));
        }
        let target = self.into.join(&path);
        let folder = target.parent().unwrap_or(self.into);
        if folder != self.folder {
            std::fs::create_dir_all(folder).map_err(io_error("make", folder))?;
            self.folder = folder.to_owned();
        }
        // Of two entries with one name the later counts, as for every unpacker.
        let mut file = File::create(&target).map_err(io_error("write", &target))?;
        self.copy(name, content, &mut file, &target)
    }

    fn copy(
        &mut self,
        name: &str,
        content: &mut dyn Read,
        to: &mut dyn Write,
        target: &Path,
    ) -> Result<(), ImportError> {
        loop {
            let count = match content.read(&mut self.buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(ImportError::BrokenArchive { why: format!("at “{name}”: {error}") });
                }
            };
            self.bytes += count as u64;
            if self.bytes > self.limits.max_unpacked_bytes {
                let what =
                    format!("the archive unpacks to more than {} bytes", self.limits.max_unpacked_bytes);
                return Err(ImportError::TooLarge { what });
            }
            to.write_all(&self.buffer[..count]).map_err(io_error("write", target))?;
            self.go_on()?;
        }
    }

    fn go_on(&self) -> Result<(), ImportError> {
        self.meter.set(self.read.get());
        if (self.cancelled)() { Err(ImportError::Cancelled) } else { Ok(()) }
    }
}

fn refused(entry: &str, why: &str) -> ImportError {
    ImportError::UnsafeArchive { entry: entry.to_owned(), why: why.to_owned() }
}

/// Counts what is read of the file below.
pub(super) struct Counted<'a, R> {
    pub(super) inner: R,
    pub(super) read: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}
