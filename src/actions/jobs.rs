//! Further jobs of a run: evaluating its splits, predicting other images, and what may be done with a job.

use super::runs::in_words;
use super::{Error, Result};
use crate::domain::ids::{JobId, RunId};
use crate::runs::Runs;
use crate::runs::further::{NewImage, NewJob};
use crate::store::Store;
use crate::store::jobs::{AskedBy, Job};
use crate::store::runs::Run;
use protocol::sample::Split;
use std::path::{Path, PathBuf};

/// Images that one job may have.
pub const MOST_IMAGES: usize = 500;

/// Evaluates these splits of a run's images, labelled and split as it had them, with the weights that it keeps.
pub async fn evaluate(
    store: &Store,
    runs: &Runs,
    run: &Run,
    splits: &[String],
    asked_by: AskedBy,
) -> Result<JobId> {
    let mut chosen: Vec<Split> = Vec::new();
    for word in splits {
        let split = word.parse().map_err(|why: String| Error::field("splits", why))?;
        if !chosen.contains(&split) {
            chosen.push(split);
        }
    }
    if chosen.is_empty() {
        return Err(Error::field("splits", "Name at least one split: train, val or test"));
    }
    add(store, runs, run, NewJob::Evaluate(chosen), asked_by).await
}

/// Steps of a search for a learning rate.
const SEARCH_STEPS: u32 = 100;

/// Looks for a learning rate that suits a run's settings, beginning where the run began.
pub async fn find_learning_rate(store: &Store, runs: &Runs, run: &Run, asked_by: AskedBy) -> Result<JobId> {
    add(store, runs, run, NewJob::FindLearningRate(SEARCH_STEPS), asked_by).await
}

/// Says what images show that are in no data set. Those of an upload (`is_sent`) are taken into the job's folder.
pub async fn predict(
    store: &Store,
    runs: &Runs,
    run: &Run,
    images: Vec<PathBuf>,
    is_sent: bool,
    asked_by: AskedBy,
) -> Result<JobId> {
    if images.is_empty() {
        return Err(Error::field("images", "Choose at least one image"));
    }
    if images.len() > MOST_IMAGES {
        let why = format!("{} images are too many at a time; choose at most {MOST_IMAGES}", images.len());
        return Err(Error::field("images", why));
    }
    let checked = tokio::task::spawn_blocking(move || {
        images.iter().map(|path| check(path, is_sent)).collect::<Result<Vec<NewImage>, String>>()
    });
    let checked = checked.await.map_err(|error| Error::Internal(error.into()))?;
    let images = checked.map_err(|why| Error::field("images", why))?;
    add(store, runs, run, NewJob::Predict(images), asked_by).await
}

/// Whether it can be read as an image; what is wrong is said before anything is started.
#[expect(clippy::disallowed_methods, reason = "called where waiting is allowed")]
fn check(path: &Path, is_sent: bool) -> Result<NewImage, String> {
    // Where the server's files are is nothing to whoever sent one.
    let name = if is_sent { path.file_name().map_or(path, Path::new) } else { path };
    let wrong = |why: String| format!("“{}” {why}", name.display());
    let whole = path.canonicalize().map_err(|why| wrong(format!("can't be read: {why}")))?;
    if whole.is_dir() {
        return Err(wrong("is a folder; name the images in it".into()));
    }
    if !whole.is_file() {
        // A pipe would be waited for without end.
        return Err(wrong("is no file".into()));
    }
    vision::decode_file(&whole, &vision::Limits::default())
        .map_err(|why| wrong(format!("is no image that can be read: {why}")))?;
    Ok(NewImage { path: whole, is_sent })
}

async fn add(store: &Store, runs: &Runs, run: &Run, job: NewJob, asked_by: AskedBy) -> Result<JobId> {
    let dataset = store.find_dataset(run.dataset_id).await?.ok_or(Error::NotFound("data set"))?;
    runs.add_job(&dataset, run, job, asked_by).await.map_err(in_words)
}

/// A further job of a run.
pub async fn find(store: &Store, run: RunId, number: i64) -> Result<Job> {
    store.find_job(JobId { run, number }).await?.ok_or(Error::NotFound("job"))
}

/// What may be done with a job.
pub async fn act(store: &Store, runs: &Runs, run: RunId, number: i64, action: &str) -> Result<()> {
    let id = find(store, run, number).await?.id;
    match action {
        "cancel" => Ok(runs.cancel(id).await?),
        "pause" => Ok(runs.pause(id).await?),
        "resume" => Ok(runs.resume(id).await?),
        "delete" => runs.delete_job(id).await.map_err(in_words),
        _ => Err(Error::NotFound("page")),
    }
}
