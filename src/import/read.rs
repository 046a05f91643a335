//! Finds a folder's files and decodes each once, on all cores.

use super::entry_name::is_clutter;
use super::error::io_error;
use super::meter::Meter;
use super::{ImportError, ImportedSample, Rejected};
use protocol::sample::Split;
use rayon::prelude::*;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Above this many bytes of file, or of pixels in a header, pictures are decoded one at a time: a folder full of
/// giants must not take cores × the memory of one.
const GIANT_BYTES: u64 = 8 << 20;

/// Every file below `root`, relative and `/` separated, sorted. Hidden files and what systems leave behind are passed over; links
/// are not followed, so that nothing outside the folder comes in and no loop is walked.
pub(super) fn list_files(root: &Path, max_entries: u64) -> Result<Vec<String>, ImportError> {
    let mut files = Vec::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(io_error("list", &folder))? {
            let entry = entry.map_err(io_error("list", &folder))?;
            // A name that is not Unicode could not be shown or stored; such a file is not ours to rename.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let kind = entry.file_type().map_err(io_error("look at", &folder))?;
            if is_clutter(&name) {
                continue;
            }
            if kind.is_dir() {
                folders.push((entry.path(), format!("{prefix}{name}/")));
            } else if kind.is_file() {
                files.push(format!("{prefix}{name}"));
            }
        }
        if files.len() as u64 > max_entries {
            return Err(ImportError::TooLarge { what: format!("there are more than {max_entries} files") });
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Decodes every file. The pictures' class and split are not known yet.
pub(super) fn read_files(
    root: &Path,
    files: Vec<String>,
    limits: &vision::Limits,
    meter: &Meter,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(Vec<ImportedSample>, Vec<Rejected>), ImportError> {
    let giants = Mutex::new(());
    let read: Vec<Option<Result<ImportedSample, Rejected>>> = files
        .into_par_iter()
        .map(|path| {
            if cancelled() {
                return None;
            }
            let picture = read_file(&root.join(&path), &path, limits, &giants);
            meter.add_one();
            Some(picture.map_err(|reason| Rejected { path, reason }))
        })
        .collect();
    let (mut pictures, mut rejected) = (Vec::new(), Vec::new());
    for file in read {
        match file.ok_or(ImportError::Cancelled)? {
            Ok(picture) => pictures.push(picture),
            Err(file) => rejected.push(file),
        }
    }
    Ok((pictures, rejected))
}

fn read_file(
    file: &Path,
    path: &str,
    limits: &vision::Limits,
    giants: &Mutex<()>,
) -> Result<ImportedSample, String> {
    let size = std::fs::metadata(file).map_err(|error| format!("can't be read: {error}"))?.len();
    if size > limits.max_bytes {
        return Err(vision::DecodeError::TooLarge(limits.max_bytes >> 20).to_string());
    }
    let alone = || giants.lock().unwrap_or_else(PoisonError::into_inner);
    let mut turn = (size > GIANT_BYTES).then(alone);
    let bytes = std::fs::read(file).map_err(|error| format!("can't be read: {error}"))?;
    // What is modest on disk may be vast in memory: a first try is made within modest limits.
    let modest = vision::Limits { max_pixels: GIANT_BYTES, max_bytes: 4 * GIANT_BYTES };
    let decoded = match vision::decode(&bytes, &modest) {
        Err(vision::DecodeError::TooManyPixels { .. } | vision::DecodeError::TooLarge(_)) => {
            turn.get_or_insert_with(alone);
            vision::decode(&bytes, limits)
        }
        other => other,
    }
    .map_err(|error| error.to_string())?;
    Ok(ImportedSample {
        path: path.to_owned(),
        class: 0,
        split: Split::Train,
        width: decoded.image.width(),
        height: decoded.image.height(),
        bytes: size,
        format: decoded.format,
        orientation: decoded.orientation,
        hash: blake3::hash(&bytes).to_hex()[..32].to_owned(),
    })
}
