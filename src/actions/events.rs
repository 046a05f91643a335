//! Opening event files of other tools: each recording becomes a run that can be looked at and compared, and not trained.

use super::runs::NAME_CHARS;
use super::{Error, Result};
use crate::domain::event_origin::EventOrigin;
use crate::domain::ids::RunId;
use crate::runs::Runs;
use crate::tensorboard::import::{self, Recording};
use std::path::PathBuf;
use tempfile::TempDir;

/// Makes a run of each folder of event files below `path`, or of the file that it is. `sent` is what it is called where it was
/// sent rather than named; a name that is left empty is that of the folder.
pub async fn open(runs: &Runs, path: PathBuf, sent: Option<&str>, name: &str) -> Result<Vec<RunId>> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > NAME_CHARS {
        return Err(Error::field("name", format!("Give the run a name of at most {NAME_CHARS} characters")));
    }
    let field = if sent.is_some() { "file" } else { "path" };
    let source = sent.map_or_else(|| path.display().to_string(), str::to_owned);
    let handle = runs.clone();
    // All are read before the first is a run: what can't be read leaves nothing behind.
    let converted = tokio::task::spawn_blocking(move || convert(&handle, &path, &source)).await;
    let converted = converted.map_err(|panic| Error::Internal(panic.into()))?;
    let converted = converted.map_err(|error| Error::field(field, format!("{error:#}")))?;
    let spec = import::no_spec()?;
    let is_one = converted.len() == 1;
    let mut opened = Vec::new();
    for (recording, origin, folder) in converted {
        let called = match (name.is_empty(), is_one) {
            (true, _) => recording.name,
            (false, true) => name.clone(),
            (false, false) => format!("{name} {}", recording.name),
        };
        // Its end tells recordings of one folder apart.
        let skip = called.chars().count().saturating_sub(NAME_CHARS);
        let called: String = called.chars().skip(skip).collect();
        opened.push(runs.adopt(&called, &spec, &origin, folder).await?);
    }
    Ok(opened)
}

type Converted = (Recording, EventOrigin, TempDir);

fn convert(runs: &Runs, path: &std::path::Path, source: &str) -> anyhow::Result<Vec<Converted>> {
    let (mut converted, mut refused) = (Vec::new(), None);
    for recording in import::find(path)? {
        let folder = runs.stage()?;
        match import::convert(&recording, source, folder.path()) {
            Ok(origin) => converted.push((recording, origin, folder)),
            // A folder of traces or graphs beside those of scalars is no reason to open none.
            Err(error) => drop(refused.get_or_insert(error)),
        }
    }
    match refused {
        Some(error) if converted.is_empty() => Err(error),
        _ => Ok(converted),
    }
}
