//! Zip archives: stored or deflated entries, without passwords.

use super::super::ImportError;
use super::super::entry_name::text_from_bytes;
use super::{Writer, refused};
use std::io::{Read, Seek};
use zip::result::ZipError;

/// The bits of a Unix mode that say what an entry is, and the kinds that may be unpacked; 0 says nothing.
const KIND: u32 = 0o170_000;
const PLAIN_KINDS: [u32; 3] = [0, 0o100_000, 0o040_000];

/// Hands every entry to the writer. That an entry is whole its checksum shows, when its last byte is read.
pub(super) fn unpack(archive: impl Read + Seek, writer: &mut Writer) -> Result<(), ImportError> {
    let broken = |error: &ZipError| ImportError::BrokenArchive { why: error.to_string() };
    let mut archive = zip::ZipArchive::new(archive).map_err(|error| broken(&error))?;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|error| broken(&error))?;
        // Without the mark for UTF-8 a name is in the code page of old DOS; the library reads either.
        let name = entry.name().map_or_else(|_| text_from_bytes(entry.name_raw()), |name| name.into_owned());
        if entry.encrypted() {
            return Err(refused(&name, "is locked by a password; pack it without one"));
        }
        if !PLAIN_KINDS.contains(&(entry.unix_mode().unwrap_or(0) & KIND)) {
            return Err(refused(&name, "is a link or a device; pack the files themselves"));
        }
        let mut entry = archive.by_index(index).map_err(|error| match error {
            ZipError::CompressionMethodNotSupported(method) => ImportError::BrokenArchive {
                why: format!(
                    "“{name}” is packed by method {method}, of which only “stored” and “deflate” are known"
                ),
            },
            other => broken(&other),
        })?;
        let is_folder = entry.is_dir();
        writer.take(&name, is_folder, &mut entry)?;
    }
    Ok(())
}
