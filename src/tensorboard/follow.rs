//! Follows a run's journal into its event file. How far both are is kept beside the file, written after it: what a killed server wrote without
//! keeping that is cut off and written again, to the same bytes.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use super::events::{Context, Writer};
use crate::domain::ids::RunId;
use crate::runs::directory::RunDirectory;
use crate::runs::follower::read_lines;
use anyhow::Context as _;
use protocol::event::Record;
use protocol::spec::RunSpec;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Raised when the same journal gives another file: those of before are written anew.
const VERSION: u32 = 3;
/// How much of a journal is read in one go.
const CHUNK_BYTES: u64 = 1 << 20;
const POSITION: &str = "position.json";
/// TensorBoard takes every file with `tfevents` in its name for one of its own.
const PREFIX: &str = "events.out.tfevents.";

/// How far journal and event file are.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    version: u32,
    /// The event file's name.
    file: String,
    /// Its bytes.
    bytes: u64,
    /// Bytes of the journal that are in it.
    journal: u64,
    /// A hash of the specification that it was written with.
    spec: String,
    context: Context,
}

/// Where a run's event file is. TensorBoard calls a run as its folder, so that says the number and the model: `runs/7/7-small-cnn`.
pub(super) fn folder(directory: &RunDirectory, id: RunId, spec: &RunSpec) -> PathBuf {
    let model = serde_json::to_value(spec.model).ok();
    let model = model.as_ref().and_then(|model| model.as_str()).unwrap_or("run");
    directory.path().join(format!("{id}-{model}"))
}

/// Adds the next stretch of the journal, which may be read up to `until`; true where more is left.
///
/// # Errors
/// A file can't be read or written. What is there already is as it was.
pub(super) fn follow_once(directory: &RunDirectory, id: RunId, until: u64) -> anyhow::Result<bool> {
    let spec = directory.spec()?;
    let folder = folder(directory, id, &spec);
    let hash = blake3::hash(&serde_json::to_vec(&spec)?).to_hex()[..16].to_owned();
    let (mut position, mut file) = match open(&folder, &hash)? {
        Some(found) => found,
        None => begin(&folder, hash)?,
    };
    if position.journal >= until {
        return Ok(false);
    }
    let journal = directory.journal();
    let stretch = read_lines(&journal, position.journal, CHUNK_BYTES.min(until - position.journal))
        .with_context(|| format!("reading {}", journal.display()))?;
    if stretch.is_empty() {
        return Ok(false);
    }
    let mut writer = Writer { directory, spec: &spec, context: position.context, bytes: Vec::new() };
    for line in stretch.split(|byte| *byte == b'\n') {
        // A line that can't be read is told on the run's page.
        if let Ok(record) = serde_json::from_slice::<Record>(line) {
            writer.add(&record);
        }
    }
    file.write_all(&writer.bytes)
        .with_context(|| format!("writing {}", folder.join(&position.file).display()))?;
    position.bytes += writer.bytes.len() as u64;
    position.journal += stretch.len() as u64;
    position.context = writer.context;
    position.keep(&folder)?;
    Ok(position.journal < until)
}

/// The file as far as it is known to be whole, ready to be written on; `None` where it has to be written anew.
fn open(folder: &Path, spec: &str) -> anyhow::Result<Option<(Position, File)>> {
    let text = match std::fs::read(folder.join(POSITION)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("reading {}", folder.join(POSITION).display()));
        }
    };
    let Ok(position) = serde_json::from_slice::<Position>(&text) else { return Ok(None) };
    if position.version != VERSION || position.spec != spec {
        return Ok(None);
    }
    let path = folder.join(&position.file);
    let mut file = match File::options().write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("opening {}", path.display())),
    };
    if file.metadata()?.len() < position.bytes {
        return Ok(None);
    }
    file.set_len(position.bytes)?;
    file.seek(SeekFrom::End(0))?;
    Ok(Some((position, file)))
}

/// A new file in place of those that are there. It has another name, so that a TensorBoard that is open reads it too.
fn begin(folder: &Path, spec: String) -> anyhow::Result<(Position, File)> {
    // Not with the folders above it: those of a run that is being deleted stay away.
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("making {}", folder.display()));
        }
        _ => {}
    }
    let mut last = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(".tintype")?.parse().ok());
        if let Some(number) = number {
            last = u64::max(last, number);
            std::fs::remove_file(entry.path())?;
        }
    }
    let name = format!("{PREFIX}{:010}.tintype", last + 1);
    let path = folder.join(&name);
    let file = File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    let position =
        Position { version: VERSION, file: name, bytes: 0, journal: 0, spec, context: Context::default() };
    Ok((position, file))
}

impl Position {
    fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(POSITION);
        let mut staged = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut staged, self)?;
        staged.flush()?;
        staged.persist(&path).with_context(|| format!("writing {}", path.display()))?;
        Ok(())
    }
}
