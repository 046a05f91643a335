//! Tar archives, as they come out of a file or a decompressor.

use super::super::ImportError;
use super::super::budget::{HEADERS_BYTES, Rationed};
use super::super::entry_name::text_from_bytes;
use super::{Writer, refused};
use std::cell::Cell;
use std::io::Read;
use std::path::Path;
use tar::EntryType;

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
