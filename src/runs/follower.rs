//! Reads a journal into the store: every line exactly once, whoever is killed and whenever, because the offset
//! behind the last line is committed together with what the lines said.

use super::directory::RunDirectory;
use super::predictions_file::PredictionsFile;
use crate::domain::ids::JobId;
use crate::store::Store;
use crate::store::prediction_files::EvaluatedFile;
use anyhow::{Context as _, ensure};
use protocol::event::{Event, Record};
use protocol::{OLDEST_READ, PROTOCOL};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// What is read in one go. A longer line is met by reading on.
const CHUNK_BYTES: u64 = 1 << 20;

/// Follows one journal.
#[derive(Debug)]
pub struct Follower {
    store: Store,
    id: JobId,
    directory: RunDirectory,
    offset: u64,
    /// The process of a trainer that was started to speak this server's protocol. What others wrote, earlier, is read in theirs.
    started: Option<u32>,
    /// The protocol of a trainer that speaks another than this server, and its process where it said that.
    foreign: Option<(u32, Option<u32>)>,
}

/// What of a trainer's first line is the same in every protocol.
#[derive(serde::Deserialize)]
struct Greeting {
    event: String,
    protocol: u32,
    pid: Option<u32>,
}

impl Follower {
    /// Begins where the store's copy ends.
    pub fn new(store: Store, id: JobId, directory: RunDirectory, offset: u64) -> Follower {
        Follower { store, id, directory, offset, started: None, foreign: None }
    }

    /// Holds this process to the server's own protocol: a program of an earlier version would not understand what it is to do.
    pub fn expect(&mut self, pid: u32) {
        self.started = Some(pid);
    }

    /// Notes what a trainer says that it speaks.
    pub fn meet(&mut self, protocol: u32, pid: Option<u32>) {
        let is_old_program = pid.is_some() && pid == self.started && protocol != PROTOCOL;
        if is_old_program || !(OLDEST_READ..=PROTOCOL).contains(&protocol) {
            self.foreign = Some((protocol, pid));
        }
    }

    /// The protocol of a trainer that speaks another than this server, and its process where it said that.
    pub fn foreign(&self) -> Option<(u32, Option<u32>)> {
        self.foreign
    }

    /// Passes over what a trainer of another protocol wrote.
    ///
    /// # Errors
    /// The journal can't be looked at, or the database can't be written.
    pub async fn skip_rest(&mut self) -> anyhow::Result<()> {
        let journal = self.directory.journal();
        let length = tokio::fs::metadata(&journal).await.map_or(self.offset, |metadata| metadata.len());
        self.store.ingest(self.id, &[], &[], length).await?;
        self.offset = length;
        Ok(())
    }

    /// Takes in the next stretch of whole lines; false where there is nothing new.
    ///
    /// # Errors
    /// The journal can't be read or the database can't be written; the offset stays, so it can be tried again.
    pub async fn follow_once(&mut self) -> anyhow::Result<bool> {
        if self.foreign.is_some() {
            return Ok(false);
        }
        let journal = self.directory.journal();
        let offset = self.offset;
        let read = tokio::task::spawn_blocking(move || {
            read_lines(&journal, offset, CHUNK_BYTES)
                .with_context(|| format!("reading {}", journal.display()))
        });
        let stretch = read.await??;
        if stretch.is_empty() {
            return Ok(false);
        }
        let mut offset = self.offset;
        let mut lines = Vec::new();
        for line in stretch.split_inclusive(|byte| *byte == b'\n') {
            // An empty line is what a resumed trainer puts behind a line that its predecessor did not finish.
            if !line.trim_ascii().is_empty() {
                let record = serde_json::from_slice::<Record>(line).map_err(|error| error.to_string());
                if matches!(&record, Err(_) | Ok(Record { event: Event::Hello(_), .. }))
                    && let Ok(greeting) = serde_json::from_slice::<Greeting>(line)
                    && greeting.event == "hello"
                {
                    self.meet(greeting.protocol, greeting.pid);
                    // What it says from here on may mean something else.
                    if self.foreign.is_some() {
                        break;
                    }
                }
                lines.push((offset, record));
            }
            offset += line.len() as u64;
        }
        let evaluated = self.read_predictions(&mut lines).await;
        self.store
            .ingest(self.id, &lines, &evaluated, offset)
            .await
            .context("writing the journal's news to the database")?;
        self.offset = offset;
        Ok(true)
    }

    /// The predictions that the lines announce, for galleries: per split only the last of the best, the rest stay files.
    async fn read_predictions(&self, lines: &mut [(u64, Result<Record, String>)]) -> Vec<EvaluatedFile> {
        let mut evaluated: Vec<EvaluatedFile> = Vec::new();
        for (_, line) in lines.iter_mut().rev() {
            let Ok(Record { event: Event::Predictions { split, path, epoch, best: true }, .. }) = line else {
                continue;
            };
            let (split, epoch) = (*split, *epoch);
            if evaluated.iter().any(|file| file.split == split) {
                continue;
            }
            let Some(file) = self.directory.file(path) else {
                *line = Err(format!("it names a file outside the run's folder: {path}"));
                continue;
            };
            let directory = self.directory.clone();
            let read = tokio::task::spawn_blocking(move || {
                let (read, classes) = (PredictionsFile::read(&file)?, directory.spec()?.classes.len());
                // Its labels would be no classes of the run.
                ensure!(
                    read.classes == classes,
                    "{} has {} columns, and the run {classes} classes",
                    file.display(),
                    read.classes
                );
                Ok(read.predictions())
            });
            match read.await {
                Ok(Ok(predictions)) => evaluated.push(EvaluatedFile { split, epoch, predictions }),
                Ok(Err(error)) => *line = Err(format!("{error:#}")),
                Err(error) => *line = Err(error.to_string()),
            }
        }
        evaluated
    }
}

/// Whole lines of a file from an offset on: at least one if there is one, else up to about `chunk` bytes.
/// A file that is not there yet has none.
///
/// # Errors
/// The file can't be read.
#[expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]
pub fn read_lines(path: &Path, offset: u64, chunk: u64) -> std::io::Result<Vec<u8>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    loop {
        let read = (&mut file).take(chunk).read_to_end(&mut bytes)?;
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => {
                bytes.truncate(last + 1);
                return Ok(bytes);
            }
            None if read == 0 => return Ok(Vec::new()),
            None => {}
        }
    }
}

/// The last event of a journal that can be read.
///
/// # Errors
/// The file can't be read.
#[expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]
pub fn last_event(path: &Path) -> std::io::Result<Option<Event>> {
    let length = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Its ends are short lines; a captured batch, the longest of all, is some tens of kilobytes.
    let tail = read_lines(path, length.saturating_sub(CHUNK_BYTES), 2 * CHUNK_BYTES)?;
    let last =
        tail.split(|byte| *byte == b'\n').rev().find_map(|line| serde_json::from_slice::<Record>(line).ok());
    Ok(last.map(|record| record.event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_its_end_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        assert_eq!(read_lines(&path, 0, 4).unwrap(), b"");
        std::fs::write(&path, "a long line\nnext\nto").unwrap();
        assert_eq!(read_lines(&path, 0, 4).unwrap(), b"a long line\n");
        assert_eq!(read_lines(&path, 12, 100).unwrap(), b"next\n");
        assert_eq!(read_lines(&path, 17, 100).unwrap(), b"");
    }

    #[test]
    fn the_last_event_is_found_behind_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        assert_eq!(last_event(&path).unwrap(), None);
        std::fs::write(&path, "{\"at_ms\":1,\"event\":\"stopped\",\"step\":4}\n{\"at_ms\":2,\"ev").unwrap();
        assert_eq!(last_event(&path).unwrap(), Some(Event::Stopped { step: 4 }));
    }
}
