//! Tar archives, as they come out of a file or a decompressor.

use super::super::ImportError;
use super::super::entry_name::text_from_bytes;
use super::{Writer, refused};
use std::cell::Cell;
use std::io::Read;
use std::path::Path;
use tar::EntryType;

/// Bytes of headers – long names among them, which are kept in memory – that may stand between two entries.
const HEADERS_BYTES: u64 = 1 << 20;

/// Hands every entry to the writer.
pub(super) fn unpack(archive: impl Read, writer: &mut Writer) -> Result<(), ImportError> {
    let broken = |error: std::io::Error| ImportError::BrokenArchive { why: error.to_string() };
    let left = Cell::new(HEADERS_BYTES);
    let mut archive = tar::Archive::new(Rationed { inner: archive, left: &left });
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = text_from_bytes(&entry.path_bytes());
        let kind = entry.header().entry_type();
        // The writer keeps count of an entry's own bytes.
        left.set(u64::MAX);
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse | EntryType::Directory => {
                // Before there was a kind for folders, a slash at the end told them.
                writer.take(&name, kind == EntryType::Directory || name.ends_with('/'), &mut entry)?;
            }
            // Attributes for all entries that follow; none of them matters here.
            EntryType::XGlobalHeader => {}
            _ => return Err(refused(&name, "is a link or a device; pack the files themselves")),
        }
        left.set(HEADERS_BYTES);
    }
    // A gzip file ends with a checksum, and a tar with some empty blocks that may be many.
    left.set(u64::MAX);
    writer.copy("the end", &mut archive.into_inner(), &mut std::io::sink(), Path::new(""))
}

/// Reads no more than it may, so that no header makes the library take memory without end.
struct Rationed<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Rationed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(std::io::Error::other(format!("headers of more than {HEADERS_BYTES} bytes")));
        }
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.inner.read(&mut buffer[..most])?;
        self.left.set(left - count as u64);
        Ok(count)
    }
}
