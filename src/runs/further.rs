//! Further jobs of a run: with the weights that it keeps, its images are evaluated or other images are predicted.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use super::directory::{self, RunDirectory};
use super::predictions_file::LogitsFile;
use super::{ImagesChanged, MoveError, Runs};
use crate::domain::ids::JobId;
use crate::domain::logits;
use crate::domain::run::RunState;
use crate::store::datasets::Dataset;
use crate::store::jobs::{AskedBy, Job};
use crate::store::runs::Run;
use anyhow::Context as _;
use protocol::files;
use protocol::sample::{Sample, Split};
use protocol::spec::{Device, RunSpec, Task};
use std::path::{Path, PathBuf};

/// Folder of the images that were sent to a job that predicts, each in a folder of its own.
const IMAGES: &str = "images";

/// What is to be done.
#[derive(Debug)]
pub enum NewJob {
    /// Evaluate these splits of the images that the run had.
    Evaluate(Vec<Split>),
    /// Look for a learning rate, in so many steps.
    FindLearningRate(u32),
    /// Say what these images show.
    Predict(Vec<NewImage>),
}

/// An image that is in no data set.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it came as an upload, which is taken into the job's folder; else it stays where it is.
    pub is_sent: bool,
}

/// What a run says of one image.
#[derive(Clone, Debug)]
pub struct ImagePrediction {
    /// The image.
    pub path: PathBuf,
    /// Class name and probability, most probable first. Empty where the network gave no numbers.
    pub probabilities: Vec<(String, f64)>,
}

impl Runs {
    /// Puts a further job of a run into the queue; its directory is whole before anybody can start it.
    ///
    /// # Errors
    /// The run has no weights, its images are no longer there, its directory can't be written, or the database fails.
    pub async fn add_job(
        &self,
        dataset: &Dataset,
        run: &Run,
        job: NewJob,
        asked_by: AskedBy,
    ) -> anyhow::Result<JobId> {
        let (task, samples, images) = match job {
            NewJob::Evaluate(splits) => {
                if run.state.is_active() {
                    // Its best weights may be others by the time that the predictions are there.
                    return Err(refused(
                        "The run is not done yet: wait until it has ended, or pause it first",
                    ));
                }
                let mut samples = self.samples_as_then(dataset, run).await?;
                samples.retain(|sample| splits.contains(&sample.split));
                if let Some(empty) =
                    splits.iter().find(|split| samples.iter().all(|sample| sample.split != **split))
                {
                    return Err(refused(format!("The run has no images in the {empty} split")));
                }
                (Task::Evaluate { splits }, samples, Vec::new())
            }
            NewJob::FindLearningRate(steps) => {
                if run.state.is_active() {
                    return Err(refused(
                        "The run is not done yet: wait until it has ended, or pause it first",
                    ));
                }
                if !run.spec.trains() {
                    return Err(refused(
                        "This run trains nothing, so no learning rate is to be found for it",
                    ));
                }
                let mut samples = self.samples_as_then(dataset, run).await?;
                samples.retain(|sample| sample.split == Split::Train);
                (Task::FindLearningRate { steps }, samples, Vec::new())
            }
            NewJob::Predict(images) => (Task::Predict, Vec::new(), images),
        };
        let missing = || anyhow::Error::from(MoveError::NotFound(run.id.into()));
        let number = self.inner.store.take_job_number(run.id).await?.ok_or_else(missing)?;
        let id = JobId { run: run.id, number };
        let (own, spec, of_job) = (self.directory(run.id), run.spec.clone(), task.clone());
        let count = tokio::task::spawn_blocking(move || {
            let own = RunDirectory::at(own.path().canonicalize().context("opening the run's folder")?);
            let job = RunDirectory::at(own.path().join(files::JOBS).join(number.to_string()));
            let spec = spec_of(&own, spec, of_job)?;
            let samples = if images.is_empty() { samples } else { samples_of(&job, &images)? };
            directory::create(&job, &spec, &samples)?;
            take_images(&images, &samples)?;
            anyhow::Ok(samples.len())
        });
        let count = count.await??;
        self.inner.store.insert_job(id, &task, count, asked_by).await?;
        self.ring(id);
        self.inner.wake.notify_one();
        Ok(id)
    }

    /// Removes a further job that neither waits nor works. Its folder stays where the run shows predictions that lie in it.
    ///
    /// # Errors
    /// It is not there or active, or its folder can't be removed.
    pub async fn delete_job(&self, id: JobId) -> anyhow::Result<()> {
        let state: RunState = self.state(id).await?;
        if !self.inner.store.delete_job(id).await? {
            return Err(MoveError::Illegal { id, state, verb: "deleted" }.into());
        }
        self.ring(id);
        if self.inner.store.has_predictions_in(id).await? {
            return Ok(());
        }
        let directory = self.directory(id);
        tokio::task::spawn_blocking(move || directory::remove(&directory)).await?
    }

    /// What a job that predicts said, in the order in which the images were given; `None` before it has.
    ///
    /// # Errors
    /// A file of it is gone or damaged.
    pub async fn predictions_of(&self, job: &Job) -> anyhow::Result<Option<Vec<ImagePrediction>>> {
        let Some(name) = job.predictions.clone() else { return Ok(None) };
        let directory = self.directory(job.id);
        tokio::task::spawn_blocking(move || read_predictions(&directory, &name).map(Some)).await?
    }

    /// The images of a job.
    ///
    /// # Errors
    /// The file that lists them is gone or damaged.
    pub async fn samples_of_job(&self, id: JobId) -> anyhow::Result<Vec<Sample>> {
        let directory = self.directory(id);
        tokio::task::spawn_blocking(move || directory::read_samples(&directory)).await?
    }
}

fn refused(why: impl Into<String>) -> anyhow::Error {
    ImagesChanged::error(why)
}

/// The run's own spec with its weights and another task.
fn spec_of(own: &RunDirectory, spec: RunSpec, task: Task) -> anyhow::Result<RunSpec> {
    if let Task::FindLearningRate { .. } = task {
        // It begins where the run began.
        return Ok(RunSpec { task, pause_after_epoch: None, ..spec });
    }
    let best = own.best_weights();
    let weights = if best.is_file() {
        best.to_str().context("the run's folder is not Unicode")?.to_owned()
    } else {
        // A run that only evaluated has no weights of its own.
        let given = spec.weights.clone().filter(|_| !spec.trains());
        given.ok_or_else(|| refused("The run has no weights yet: they are kept after its first epoch"))?
    };
    // Wherever the run computed: its weights are good on any device.
    Ok(RunSpec { task, weights: Some(weights), device: Device::Auto, ..spec })
}

/// Nothing is known of them, so all have the same label, which nobody reads.
fn samples_of(job: &RunDirectory, images: &[NewImage]) -> anyhow::Result<Vec<Sample>> {
    let sample = |(at, image): (i64, &NewImage)| {
        let path = if image.is_sent {
            let name = image.path.file_name().context("an image without a name")?;
            job.path().join(IMAGES).join(at.to_string()).join(name)
        } else {
            image.path.clone()
        };
        let path = path.to_str().context("a path is not Unicode")?.to_owned();
        Ok(Sample { id: at, path, label: 0, split: Split::Test, key: None })
    };
    (0..).zip(images).map(sample).collect()
}

/// Moves what was sent to where its sample says.
fn take_images(images: &[NewImage], samples: &[Sample]) -> anyhow::Result<()> {
    for (image, sample) in images.iter().zip(samples).filter(|(image, _)| image.is_sent) {
        let place = Path::new(&sample.path);
        std::fs::create_dir_all(place.parent().context("an image lies in a folder")?)?;
        std::fs::rename(&image.path, place).with_context(|| format!("keeping {}", place.display()))?;
    }
    Ok(())
}

fn read_predictions(directory: &RunDirectory, name: &str) -> anyhow::Result<Vec<ImagePrediction>> {
    let classes = directory.spec()?.classes;
    let file = LogitsFile::read(&directory.file(name).context("a file outside the job's folder")?)?;
    anyhow::ensure!(file.classes == classes.len(), "the file has {} columns", file.classes);
    // The trainer may take them in another order.
    let rows: std::collections::HashMap<i64, usize> =
        file.sample_ids.iter().map(|id| id.0).zip(0..).collect();
    let prediction = |sample: Sample| {
        let row =
            rows.get(&sample.id).and_then(|row| file.row(*row)).context("an image has no prediction")?;
        let mut probabilities: Vec<(String, f64)> = if row.iter().all(|logit| logit.is_finite()) {
            classes.iter().cloned().zip(logits::softmax(row)).collect()
        } else {
            Vec::new()
        };
        probabilities.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(ImagePrediction { path: sample.path.into(), probabilities })
    };
    directory::read_samples(directory)?.into_iter().map(prediction).collect()
}
