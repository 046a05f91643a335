//! Event files of other tools as a run: their scalars become a journal, so that everything that reads a run of ours reads them.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use super::read::{Said, Skipped, read};
use crate::domain::event_origin::EventOrigin;
use anyhow::{Context as _, ensure};
use protocol::event::{Event, Record, Values, finite};
use protocol::files;
use protocol::spec::RunSpec;
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// What every event file has in its name.
const INFIX: &str = "tfevents";
/// The most runs that one folder may hold, and how deep they may lie.
const MOST_RUNS: usize = 500;
const DEEPEST: usize = 12;

/// The event files of one folder, which are one run to TensorBoard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The folder, from the one that was given on.
    pub name: String,
    /// By name, which is by time.
    pub files: Vec<PathBuf>,
}

/// The recordings below a folder, or the one of a file.
///
/// # Errors
/// There are none, too many, or the folder can't be read.
pub fn find(path: &Path) -> anyhow::Result<Vec<Recording>> {
    let path = path.canonicalize().with_context(|| format!("{} can't be read", path.display()))?;
    let last = |path: &Path| {
        path.file_name().map_or_else(|| "events".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    if path.is_file() {
        let folder = path.parent().map_or_else(|| last(&path), last);
        return Ok(vec![Recording { name: folder, files: vec![path] }]);
    }
    let mut found = Vec::new();
    walk(&path, &last(&path), 0, &mut found)?;
    ensure!(!found.is_empty(), "There are no event files there: TensorBoard’s have “{INFIX}” in their names");
    Ok(found)
}

fn walk(folder: &Path, name: &str, depth: usize, found: &mut Vec<Recording>) -> anyhow::Result<()> {
    let mut recording = Recording { name: name.to_owned(), files: Vec::new() };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let (kind, own) = (entry.file_type()?, entry.file_name().to_string_lossy().into_owned());
        if kind.is_file() && own.contains(INFIX) {
            recording.files.push(entry.path());
        } else if kind.is_dir() {
            folders.push((entry.path(), format!("{name}/{own}")));
        }
    }
    if !recording.files.is_empty() {
        ensure!(found.len() < MOST_RUNS, "There are more than {MOST_RUNS} runs; give a part of the folder");
        recording.files.sort();
        found.push(recording);
    }
    folders.sort();
    for (folder, name) in folders.iter().filter(|_| depth < DEEPEST) {
        walk(folder, name, depth + 1, found)?;
    }
    Ok(())
}

/// Steps that were taken back by a restart later on, so that what was said of them before is void.
#[derive(Default)]
struct Restarts {
    /// How many scalars came before each, and the step that it went back to: the least of it and all behind it.
    from: Vec<(u64, i64)>,
}

impl Restarts {
    fn is_void(&self, scalar: u64, step: i64) -> bool {
        let next = self.from.partition_point(|(before, _)| *before <= scalar);
        self.from.get(next).is_some_and(|(_, from)| step >= *from)
    }
}

/// Writes the recording as a run's folder: its journal, and the files as they are.
///
/// # Errors
/// A file can't be read or is no event file, the disk is full, or there is no scalar in it.
pub fn convert(recording: &Recording, source: &str, into: &Path) -> anyhow::Result<EventOrigin> {
    let mut origin = EventOrigin { source: source.to_owned(), ..EventOrigin::default() };
    let mut restarts = Restarts::default();
    let mut notes = Vec::new();
    let mut scalars = 0;
    for path in &recording.files {
        let size = std::fs::metadata(path).with_context(|| format!("reading “{}”", file_name(path)))?.len();
        let mut events = 0_u64;
        let skipped = each(path, |at, said| {
            events += 1;
            match said {
                Said::RestartedAt(step) => restarts.from.push((scalars, step)),
                Said::Scalars(_, values) => {
                    scalars += values.len() as u64;
                    let at_ms = milliseconds(at);
                    origin.first_ms = if origin.first_ms == 0 { at_ms } else { origin.first_ms.min(at_ms) };
                    origin.last_ms = origin.last_ms.max(at_ms);
                }
                Said::Version(_) => {}
            }
            Ok(())
        })?;
        ensure!(
            events > 0 || skipped.others > 0 || skipped.cut_at != Some(0) || size == 0,
            "“{}” is no event file of TensorBoard’s: its first record can’t be read",
            file_name(path)
        );
        origin.files += 1;
        origin.bytes += size;
        origin.others += skipped.others;
        notes.extend(damage(path, size, &skipped));
    }
    ensure!(scalars > 0, "“{}” holds no scalars, so there is nothing to draw", recording.name);
    for at in (1..restarts.from.len()).rev() {
        restarts.from[at - 1].1 = restarts.from[at - 1].1.min(restarts.from[at].1);
    }
    let mut journal = BufWriter::new(File::create(into.join(files::JOURNAL))?);
    let mut say = |at_ms: i64, event: Event| -> anyhow::Result<()> {
        serde_json::to_writer(&mut journal, &Record { at_ms, event })?;
        Ok(journal.write_all(b"\n")?)
    };
    for text in notes {
        say(origin.first_ms, Event::Note { text })?;
    }
    let (mut read, mut negative, mut last) = (0_u64, 0_u64, 0);
    for path in &recording.files {
        each(path, |at, said| {
            let Said::Scalars(step, scalars) = said else { return Ok(()) };
            let before = read;
            read += scalars.len() as u64;
            if restarts.is_void(before, step) {
                return Ok(());
            }
            let Ok(step) = u64::try_from(step) else {
                negative += scalars.len() as u64;
                return Ok(());
            };
            origin.scalars += scalars.len() as u64;
            last = last.max(step);
            let values: Values = scalars.into_iter().map(|(tag, value)| (tag, finite(value))).collect();
            say(milliseconds(at), Event::Step { step, epoch: 0, values })
        })?;
    }
    if negative > 0 {
        let text = format!("{negative} scalars have a step below 0 and were skipped.");
        say(origin.last_ms, Event::Note { text })?;
    }
    say(origin.last_ms, Event::Completed { step: last.saturating_add(1), best_epoch: 0 })?;
    journal.flush()?;
    std::fs::write(into.join(files::SPEC), serde_json::to_vec_pretty(&no_spec()?)?)?;
    File::create(into.join(files::LOCK))?;
    keep(recording, into)?;
    Ok(origin)
}

/// The files go with the run: what of them is no scalar is not lost, and TensorBoard shows them on the data directory too.
fn keep(recording: &Recording, into: &Path) -> anyhow::Result<()> {
    let last = recording.name.rsplit('/').next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .take(60)
        .collect();
    let folder = into.join(format!("events-{plain}"));
    std::fs::create_dir(&folder)?;
    for path in &recording.files {
        let name = path.file_name().context("a file has a name")?;
        // Whatever it was called, TensorBoard has to know it for one of its own.
        let name = name.to_string_lossy();
        let name = if name.contains(INFIX) { name.into_owned() } else { format!("{INFIX}.{name}") };
        std::fs::copy(path, folder.join(name)).with_context(|| format!("copying {}", path.display()))?;
    }
    Ok(())
}

fn each(path: &Path, take: impl FnMut(f64, Said) -> anyhow::Result<()>) -> anyhow::Result<Skipped> {
    let file = File::open(path).with_context(|| format!("reading “{}”", file_name(path)))?;
    read(&mut BufReader::new(file), take).with_context(|| format!("reading “{}”", file_name(path)))
}

fn damage(path: &Path, size: u64, skipped: &Skipped) -> Vec<String> {
    let name = file_name(path);
    let mut words = Vec::new();
    if skipped.damaged > 0 {
        words.push(format!("{name}: {} events are damaged and were skipped.", skipped.damaged));
    }
    if let Some(at) = skipped.cut_at {
        let lost = size.saturating_sub(at);
        words.push(format!("{name} can be read up to byte {at}; the {lost} bytes behind it were left out: it was cut off, or is damaged there."));
    }
    words
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

/// What a run must have for settings. There are none, and nothing shows these.
pub fn no_spec() -> anyhow::Result<RunSpec> {
    let spec = json!({
        "task": {"name": "evaluate", "splits": []}, "dataset": "", "fingerprint": "", "classes": [], "model": "small-cnn",
        "weights": null, "image_size": 32, "epochs": 0, "batch_size": 1, "optimizer": "adamw", "learning_rate": 0.0,
        "weight_decay": 0.0, "schedule": "constant", "warmup_epochs": 0.0, "train_transforms": [], "eval_transforms": [],
        "seed": 0, "device": "cpu", "precision": "f32", "threads": 1, "capture_every_steps": 0,
    });
    serde_json::from_value(spec).context("a specification of nothing")
}
