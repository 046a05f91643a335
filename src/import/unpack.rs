//! Unpacks an archive, trusting nothing in it: names are checked, bytes are counted as they come, and until all is
//! well everything lies in a temporary folder that goes away by itself.

use super::entry_name::{is_clutter, safe_path, text_from_bytes};
use super::error::io_error;
use super::meter::Meter;
use super::{ImportError, Limits, Progress, Stage};
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where a tar has its magic word.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// Unpacks `archive` so that `into` is its content; gives the kind of archive.
pub(super) fn unpack(
    archive: &Path,
    into: &Path,
    limits: &Limits,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<&'static str, ImportError> {
    let mut file = File::open(archive).map_err(io_error("open", archive))?;
    let mut head = Vec::new();
    (&mut file).take(512).read_to_end(&mut head).map_err(io_error("read", archive))?;
    file.seek(SeekFrom::Start(0)).map_err(io_error("read", archive))?;
    let size = file.metadata().map_err(io_error("read", archive))?.len();

    let parent = into.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(io_error("make", parent))?;
    let folder = tempfile::Builder::new()
        .prefix(".unpacking-")
        .tempdir_in(parent)
        .map_err(io_error("write in", parent))?;
    let meter = Meter::new(Stage::Unpacking, Some(size), progress);
    let mut writer = Writer { into: folder.path(), limits, cancelled, bytes: 0, entries: 0 };

    let format = if head.starts_with(b"PK") {
        unpack_zip(file, &mut writer, &meter)?;
        "zip"
    } else if head.starts_with(&[0x1f, 0x8b]) {
        let read = AtomicU64::new(0);
        let counted = Counted { inner: file, read: &read };
        unpack_tar(flate2::read::MultiGzDecoder::new(BufReader::new(counted)), &read, &mut writer, &meter)?;
        "tar.gz"
    } else if head.get(TAR_MAGIC) == Some(b"ustar") {
        let read = AtomicU64::new(0);
        unpack_tar(Counted { inner: BufReader::new(file), read: &read }, &read, &mut writer, &meter)?;
        "tar"
    } else {
        return Err(ImportError::NotAnArchive { path: archive.to_owned() });
    };
    std::fs::rename(folder.path(), into).map_err(io_error("write", into))?;
    // It has a new name, so there is nothing left to clean up under the old one.
    drop(folder.keep());
    Ok(format)
}

/// What has been written, and what may be.
struct Writer<'a> {
    into: &'a Path,
    limits: &'a Limits,
    cancelled: &'a (dyn Fn() -> bool + Sync),
    bytes: u64,
    entries: u64,
}

impl Writer<'_> {
    /// Counts an entry; gives the place it may be written to, or `None` where it is to be passed over.
    fn admit(&mut self, name: &str) -> Result<Option<String>, ImportError> {
        if (self.cancelled)() {
            return Err(ImportError::Cancelled);
        }
        self.entries += 1;
        if self.entries > self.limits.max_entries {
            let what = format!("the archive has more than {} entries", self.limits.max_entries);
            return Err(ImportError::TooLarge { what });
        }
        let path = safe_path(name).map_err(|why| refused(name, why))?;
        let clutter = path.is_empty() || path.split('/').any(is_clutter);
        Ok((!clutter).then_some(path))
    }

    fn write(&mut self, path: &str, content: &mut dyn Read) -> Result<(), ImportError> {
        let target = self.into.join(path);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(io_error("make", folder))?;
        }
        let mut file = File::create(&target).map_err(io_error("write", &target))?;
        // One byte beyond what is left tells that there is more.
        let left = self.limits.max_unpacked_bytes - self.bytes;
        let written = std::io::copy(&mut content.take(left + 1), &mut file)
            .map_err(|error| ImportError::BrokenArchive { why: format!("at {path}: {error}") })?;
        if written > left {
            let what = format!("the archive unpacks to more than {} bytes", self.limits.max_unpacked_bytes);
            return Err(ImportError::TooLarge { what });
        }
        self.bytes += written;
        Ok(())
    }
}

fn unpack_zip(file: File, writer: &mut Writer, meter: &Meter) -> Result<(), ImportError> {
    let broken = |error: zip::result::ZipError| ImportError::BrokenArchive { why: error.to_string() };
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let mut packed = 0;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        let name = text_from_bytes(entry.name_raw());
        if entry.is_symlink() {
            return Err(refused(&name, "is a link; pack the files themselves"));
        }
        packed += entry.compressed_size();
        if let Some(path) = writer.admit(&name)?
            && !entry.is_dir()
        {
            writer.write(&path, &mut entry)?;
        }
        meter.set(packed);
    }
    Ok(())
}

fn unpack_tar(
    reader: impl Read,
    read: &AtomicU64,
    writer: &mut Writer,
    meter: &Meter,
) -> Result<(), ImportError> {
    let broken = |error: std::io::Error| ImportError::BrokenArchive { why: error.to_string() };
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = text_from_bytes(&entry.path_bytes());
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_dir() || kind.is_contiguous() || kind.is_gnu_sparse()) {
            let metadata = kind.is_pax_global_extensions() || kind.is_pax_local_extensions();
            if metadata {
                continue;
            }
            return Err(refused(&name, "is a link or a device; pack the files themselves"));
        }
        if let Some(path) = writer.admit(&name)?
            && !kind.is_dir()
        {
            writer.write(&path, &mut entry)?;
        }
        meter.set(read.load(Ordering::Relaxed));
    }
    // What follows the last entry must be whole as well: a checksum stands at the end of a gzip file.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(broken)?;
    Ok(())
}

fn refused(entry: &str, why: &str) -> ImportError {
    ImportError::UnsafeArchive { entry: entry.to_owned(), why: why.to_owned() }
}

/// Counts what is read of the file below.
struct Counted<'a, R> {
    inner: R,
    read: &'a AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
