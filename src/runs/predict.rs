//! A finished run's predictions for images that are in no data set: a trainer evaluates them in a folder of its own,
//! which is gone afterwards.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use super::directory::{self, RunDirectory};
use super::follower::{last_event, read_lines};
use super::predictions_file::PredictionsFile;
use super::process::Trainer;
use crate::domain::logits;
use anyhow::{Context as _, bail, ensure};
use protocol::event::{Event, Record};
use protocol::sample::{Sample, Split};
use protocol::spec::{Device, Precision, Task};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a run says of one image.
#[derive(Clone, Debug)]
pub struct ImagePrediction {
    /// The image.
    pub path: PathBuf,
    /// Class name and probability, most probable first.
    pub probabilities: Vec<(String, f64)>,
}

/// Predicts images with the best weights of the run in `run`, in the order given. Blocks; takes about a second.
///
/// # Errors
/// The run has no weights yet, an image can't be read, or the trainer fails; the sentence says which.
pub fn predict(
    trainer: &Path,
    run: &RunDirectory,
    paths: &[PathBuf],
) -> anyhow::Result<Vec<ImagePrediction>> {
    let mut spec = run.spec()?;
    let weights = if run.best_weights().is_file() {
        run.best_weights()
    } else {
        // A run that only evaluated has no weights of its own.
        spec.weights
            .clone()
            .filter(|_| !spec.trains())
            .map(PathBuf::from)
            .context("the run has no weights yet: they are kept after its first epoch")?
    };
    spec.weights = Some(weights.to_str().context("the run's folder is not Unicode")?.to_owned());
    spec.task = Task::Evaluate { splits: vec![Split::Test] };
    // Wherever it was trained; evaluating is quick, and exact where nothing is asked for.
    (spec.device, spec.precision) = (Device::Auto, Precision::Auto);
    let samples = (0_i64..)
        .zip(paths)
        .map(|(id, path)| {
            let path = path.canonicalize().with_context(|| format!("{} can't be read", path.display()))?;
            let path = path.to_str().context("a path is not Unicode")?.to_owned();
            Ok(Sample { id, path, label: 0, split: Split::Test, key: None, hash: None })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;

    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let directory = RunDirectory::at(folder.path().join("predict"));
    directory::create(&directory, &spec, &samples)?;
    let mut process = Trainer::start(trainer, &directory, None)?;
    let exit = loop {
        match process.ended(&directory)? {
            Some(exit) => break exit,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    match last_event(&directory.journal())? {
        Some(Event::Completed { .. }) => {}
        Some(Event::Failed(failure)) => bail!("{}", failure.reason),
        _ => bail!(
            "the trainer ended early ({exit:?}): {}",
            std::fs::read_to_string(directory.stderr()).unwrap_or_default()
        ),
    }
    let file = PredictionsFile::read(&announced(&directory)?)?;
    ensure!(
        file.sample_ids.len() == paths.len(),
        "the trainer evaluated {} of {} images",
        file.sample_ids.len(),
        paths.len()
    );
    // The trainer may take them in another order.
    let mut rows: Vec<(i64, usize)> = file.sample_ids.iter().map(|id| id.0).zip(0..).collect();
    rows.sort_unstable();
    rows.into_iter()
        .zip(paths)
        .map(|((_, row), path)| {
            let logits = file.row(row).context("the predictions file is short")?;
            let mut probabilities: Vec<(String, f64)> =
                spec.classes.iter().cloned().zip(logits::softmax(logits)).collect();
            probabilities.sort_by(|a, b| b.1.total_cmp(&a.1));
            Ok(ImagePrediction { path: path.clone(), probabilities })
        })
        .collect()
}

fn announced(directory: &RunDirectory) -> anyhow::Result<PathBuf> {
    let journal = read_lines(&directory.journal(), 0, u64::from(u32::MAX))?;
    journal
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Record>(line).ok())
        .find_map(|record| match record.event {
            Event::Predictions { path, .. } => directory.file(&path),
            _ => None,
        })
        .context("the trainer announced no predictions")
}
