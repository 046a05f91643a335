//! The journal: the one place that appends to `journal.jsonl`. It must not know what the events mean.

use crate::fault::Fault;
use protocol::event::{Event, Record};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// An open journal.
pub struct Report {
    file: File,
    path: PathBuf,
    has_hello: bool,
}

impl Report {
    /// Opens `path` for appending, creating it where it is missing.
    ///
    /// A trainer that was killed in the middle of a write leaves a line without an end. It is ended here, so that
    /// the next record starts a line of its own and a reader can skip the torn one.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let fault = |error| Fault::file("open", path, error);
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(path).map_err(fault)?;
        if file.seek(SeekFrom::End(0)).map_err(fault)? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1)).map_err(fault)?;
            file.read_exact(&mut last).map_err(fault)?;
            if last != *b"\n" {
                file.write_all(b"\n").map_err(fault)?;
            }
        }
        Ok(Self { file, path: path.to_owned(), has_hello: false })
    }

    /// Appends one record, as a whole line in one `write`, so that a reader never waits for a half that is buffered here.
    pub fn append(&mut self, event: Event) -> Result<(), Fault> {
        self.has_hello |= matches!(event, Event::Hello(_));
        let at_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let mut line = serde_json::to_vec(&Record { at_ms, event })
            .map_err(|error| Fault::file("write", &self.path, error))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|error| Fault::file("write", &self.path, error))
    }

    /// Whether this process has written its [`Event::Hello`] yet; a journal's reader expects that first.
    pub fn has_hello(&self) -> bool {
        self.has_hello
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_ended_and_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, "{\"at_ms\":1,\"event\":\"note\",\"text\":\"whole\"}\n{\"at_ms\":2,\"ev")
            .unwrap();
        let mut report = Report::open(&path).unwrap();
        report.append(Event::Stopped { step: 7 }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1], "{\"at_ms\":2,\"ev");
        let record: Record = serde_json::from_str(lines[2]).unwrap();
        assert_eq!(record.event, Event::Stopped { step: 7 });
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_whole_journal_is_only_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        for step in 0..3 {
            Report::open(&path).unwrap().append(Event::Stopped { step }).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().filter(|line| serde_json::from_str::<Record>(line).is_ok()).count(), 3);
        assert_eq!(text.lines().count(), 3);
    }
}
