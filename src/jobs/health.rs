//! The health of data sets, examined in the background: measures whatever was not measured at import, and keeps a report
//! of the newest version. What the report says is [`crate::domain::health`]'s.

use crate::domain::health::{Marks, Report, Subject, examine};
use crate::domain::ids::{DatasetId, SampleId};
use crate::domain::overview::{Overview, overview};
use crate::store::Store;
use crate::store::datasets::Dataset;
use crate::store::measures::{Measured, StoredReport};
use crate::watch::{caught, panic_if_asked};
use anyhow::Context as _;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use vision::Features;

/// The room's handle.
#[derive(Clone)]
pub struct Health {
    store: Store,
    under_way: Arc<Mutex<HashMap<DatasetId, Arc<Progress>>>>,
    /// Of which version an examination failed, and why.
    failed: Arc<Mutex<HashMap<DatasetId, (i64, String)>>>,
    /// Of each data set the version that was examined and what it is marked by: a report can be long, and the marks stand on
    /// every page.
    marks: Arc<Mutex<HashMap<DatasetId, (i64, Marks)>>>,
}

/// How far an examination is.
#[derive(Debug, Default)]
struct Progress {
    measured: AtomicUsize,
    to_measure: AtomicUsize,
}

/// What is known of a data set's health.
#[derive(Clone, Debug)]
pub enum Examined {
    /// The report of the newest version.
    Ready(Box<StoredReport>),
    /// It is being made.
    UnderWay {
        /// Images measured of those that had to be; `(0, 0)`: none had to be.
        measured: (usize, usize),
    },
    /// It could not be made, in words; it is tried again when the data set changes or the server starts anew.
    Failed(String),
}

impl Health {
    /// Makes the handle.
    pub fn new(store: Store) -> Health {
        Health { store, under_way: Arc::default(), failed: Arc::default(), marks: Arc::default() }
    }

    /// The report of the newest version; where there is none yet, it is begun.
    ///
    /// # Errors
    /// The database fails.
    pub async fn of(&self, dataset: &Dataset) -> sqlx::Result<Examined> {
        let newest = self.store.newest_version(dataset.id).await?;
        match self.store.find_report(dataset.id).await? {
            Some(kept) if kept.version == newest => Ok(Examined::Ready(Box::new(kept))),
            _ => {
                let failed =
                    self.failed.lock().unwrap_or_else(PoisonError::into_inner).get(&dataset.id).cloned();
                if let Some((version, why)) = failed
                    && version == newest
                {
                    return Ok(Examined::Failed(why));
                }
                let progress = self.begin(dataset.clone(), newest);
                let measured = progress.measured.load(Ordering::Relaxed);
                Ok(Examined::UnderWay { measured: (measured, progress.to_measure.load(Ordering::Relaxed)) })
            }
        }
    }

    /// Images measured of those that have to be; `None` where no examination is under way.
    pub fn progress(&self, dataset: DatasetId) -> Option<(usize, usize)> {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = under_way.get(&dataset)?;
        Some((progress.measured.load(Ordering::Relaxed), progress.to_measure.load(Ordering::Relaxed)))
    }

    /// The report of the newest version, awaited where it is being made.
    ///
    /// # Errors
    /// The database fails.
    pub async fn wait(&self, dataset: &Dataset) -> sqlx::Result<Examined> {
        loop {
            match self.of(dataset).await? {
                Examined::UnderWay { .. } => tokio::time::sleep(Duration::from_millis(50)).await,
                ended => return Ok(ended),
            }
        }
    }

    /// What the data set is marked by wherever it is named. Cheap, and begins nothing: before it is examined, only what its class
    /// counts say.
    ///
    /// # Errors
    /// The database fails.
    pub async fn marks(&self, id: DatasetId) -> sqlx::Result<Marks> {
        let newest = self.store.newest_version(id).await?;
        let kept = self.marks.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some((version, marks)) = kept
            && version == newest
        {
            return Ok(marks);
        }
        let classes = self.store.list_class_counts(id).await?;
        let kept = self.store.find_report(id).await?.filter(|kept| kept.version == newest);
        let ignored = self.store.list_ignored_findings(id).await?;
        let marks = Marks::new(&classes, kept.as_ref().map(|kept| &kept.report), &ignored);
        if kept.is_some() {
            let mut all = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(id, (newest, marks.clone()));
        }
        Ok(marks)
    }

    /// Ignores a finding, or brings it back: the marks are told anew.
    ///
    /// # Errors
    /// The database fails.
    pub async fn set_ignored(&self, id: DatasetId, finding: &str, is_ignored: bool) -> sqlx::Result<()> {
        if is_ignored {
            self.store.ignore_finding(id, finding).await?;
        } else {
            self.store.restore_finding(id, finding).await?;
        }
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        Ok(())
    }

    /// Begins an examination in the background unless one is under way.
    fn begin(&self, dataset: Dataset, version: i64) -> Arc<Progress> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = under_way.get(&dataset.id) {
            return progress.clone();
        }
        let progress = Arc::new(Progress::default());
        under_way.insert(dataset.id, progress.clone());
        let this = self.clone();
        let told = progress.clone();
        tokio::spawn(async move {
            let id = dataset.id;
            let _under_way = UnderWay { health: this.clone(), id };
            let why = match caught(this.examine(dataset, &told)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => format!("Tintype’s own fault: {panic}; its log says more"),
            };
            tracing::error!(dataset.id = %id, error = why, "the examination failed");
            this.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (version, why));
        });
        progress
    }

    async fn examine(&self, dataset: Dataset, progress: &Arc<Progress>) -> anyhow::Result<()> {
        panic_if_asked("examination");
        let since = Instant::now();
        let version = self.store.newest_version(dataset.id).await?;
        let classes = self.store.list_class_counts(dataset.id).await?;
        let mut measured = self.store.list_measured(dataset.id).await?;
        let root = PathBuf::from(dataset.root.context("the data set has no folder")?);
        if measured.iter().any(|measured| measured.features.is_none()) {
            let progress = progress.clone();
            let (filled, new) =
                tokio::task::spawn_blocking(move || measure_missing(measured, &root, &progress)).await?;
            self.store.save_features(dataset.id, &new).await?;
            measured = filled;
        }
        let lost = measured.iter().filter(|measured| measured.features.is_none()).count();
        if 2 * lost > measured.len() {
            // A drive that is not mounted is no finding about the images.
            anyhow::bail!(
                "{lost} of its {} images can't be read; are they still where they were?",
                measured.len()
            );
        }
        let labels: Vec<i64> = classes.iter().map(|class| class.label).collect();
        let names: Vec<String> = classes.into_iter().map(|class| class.name).collect();
        let (report, overview) =
            tokio::task::spawn_blocking(move || examined(&measured, &labels, &names)).await?;
        let seconds = since.elapsed().as_secs_f64();
        self.store.save_examination(dataset.id, version, seconds, &report, &overview).await?;
        tracing::info!(dataset.id = %dataset.id, seconds = since.elapsed().as_secs_f64(), "examined");
        Ok(())
    }
}

/// Marks that an examination is under way, for as long as its task lives.
struct UnderWay {
    health: Health,
    id: DatasetId,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.health.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Measures what has no measures, on all cores. A file that can't be read any more is left without.
fn measure_missing(
    mut measured: Vec<Measured>,
    root: &Path,
    progress: &Progress,
) -> (Vec<Measured>, Vec<(SampleId, Features)>) {
    let missing = measured.iter().filter(|measured| measured.features.is_none()).count();
    progress.to_measure.store(missing, Ordering::Relaxed);
    measured.par_iter_mut().filter(|measured| measured.features.is_none()).for_each(|measured| {
        let path = root.join(&measured.sample.path);
        measured.features = vision::decode_file(&path, &vision::Limits::default())
            .ok()
            .map(|decoded| vision::features(&decoded.image));
        progress.measured.fetch_add(1, Ordering::Relaxed);
    });
    let new = measured.iter().filter_map(|measured| Some((measured.sample.id, measured.features.clone()?)));
    let new = new.collect();
    (measured, new)
}

fn examined(measured: &[Measured], labels: &[i64], classes: &[String]) -> (Report, Overview) {
    let number = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
    let subjects: Vec<Subject> = measured
        .iter()
        .filter_map(|Measured { sample, features }| {
            Some(Subject {
                id: sample.id.0,
                path: &sample.path,
                label: u32::try_from(labels.binary_search(&sample.label).ok()?).ok()?,
                split: sample.split.parse().ok()?,
                width: number(sample.width),
                height: number(sample.height),
                bytes: sample.bytes.unsigned_abs(),
                format: &sample.format,
                orientation: u8::try_from(sample.orientation).unwrap_or(1),
                file_hash: &sample.hash,
                features: features.as_ref()?,
            })
        })
        .collect();
    (examine(&subjects, classes), overview(&subjects, classes))
}
