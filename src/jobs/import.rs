//! Imports as background work: one task an import, its progress in memory, its result in the store.

use super::health::Health;
use super::upload::Received;
use crate::domain::dataset::DatasetState;
use crate::domain::ids::DatasetId;
use crate::domain::imported::{ImportRequest, RequestedSplit};
use crate::import::catalogue::Entry;
use crate::import::{DatasetFormat, ImportError, Imported, Options, Progress, import, import_brought};
use crate::store::Store;
use crate::store::datasets::Dataset;
use crate::watch::{caught, panic_if_asked};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The room's handle.
#[derive(Clone)]
pub struct Imports {
    store: Store,
    health: Health,
    data: PathBuf,
    under_way: Arc<Mutex<HashMap<DatasetId, UnderWay>>>,
}

struct UnderWay {
    progress: Option<Progress>,
    /// When the stage under way began, for the time left.
    since: Instant,
    cancelled: Arc<AtomicBool>,
}

/// Whom an import tells how far it is, and whom it asks whether to stop.
type Report<'a> = &'a (dyn Fn(Progress) + Sync);
type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// What a page says of an import.
#[derive(Clone, Debug)]
pub struct Status {
    /// The stage and how far it is.
    pub progress: Progress,
    /// Seconds until the stage ends, by its speed so far.
    pub seconds_left: Option<f64>,
}

impl Status {
    /// Of the stage; `None` where nobody knows how much there is.
    pub fn percent(&self) -> Option<u64> {
        let total = self.progress.total.filter(|total| *total > 0)?;
        Some(self.progress.done.saturating_mul(100) / total)
    }
}

impl Imports {
    /// Makes the handle.
    pub fn new(store: Store, health: Health, data: PathBuf) -> Imports {
        Imports { store, health, data, under_way: Arc::default() }
    }

    /// Where uploads are kept until they are imported.
    pub fn uploads(&self) -> PathBuf {
        self.data.join("uploads")
    }

    /// Calls the imports that an earlier server left unfinished what they are, and sweeps up after them.
    ///
    /// # Errors
    /// The database fails.
    pub async fn recover(&self) -> anyhow::Result<()> {
        for dataset in self.store.list_datasets().await? {
            if dataset.state == DatasetState::Importing {
                let why = "Tintype was stopped during this import. Nothing of it was kept; import it again.";
                self.store.set_dataset_failed(dataset.id, why).await?;
                self.remove_folder(dataset.id).await;
            }
        }
        let (datasets, uploads) = (self.data.join("datasets"), self.uploads());
        tokio::task::spawn_blocking(move || {
            for folder in crate::import::temporaries(&datasets) {
                remove(&folder);
            }
            remove(&uploads);
        })
        .await?;
        Ok(())
    }

    /// Starts an import; `None` where the name is taken. Earlier attempts at the same source that failed make room for it.
    ///
    /// # Errors
    /// The database fails, or the data directory can't be written to.
    pub async fn start(
        &self,
        name: &str,
        source: ImportSource,
        options: Options,
    ) -> anyhow::Result<Option<DatasetId>> {
        let mut request = ImportRequest {
            name: name.to_owned(),
            catalogue: None,
            format: options.format.map(|format| format.as_str().to_owned()),
            split: options.split.map(|split| RequestedSplit {
                val: split.val,
                test: split.test,
                seed: split.seed,
            }),
        };
        match source {
            ImportSource::Path(path) => {
                let shown = path.display().to_string();
                self.start_with(&shown, &request, path.clone(), None, move |into, report, stop| {
                    import(&path, into, &options, report, stop)
                })
                .await
            }
            ImportSource::Upload { received, class } => {
                let shown = format!("upload: {}", received.title);
                let files = received.files();
                self.start_with(&shown, &request, files.clone(), None, move |into, report, stop| {
                    let refused = received.refused.clone();
                    let imported = import_brought(&files, into, &class, refused, &options, report, stop);
                    drop(received); // with whatever is left of its files
                    imported
                })
                .await
            }
            ImportSource::Catalogue(entry) => {
                request.catalogue = Some(entry.name.to_owned());
                let uploads = self.uploads();
                tokio::fs::create_dir_all(&uploads).await?;
                let downloads = tokio::task::spawn_blocking(move || tempfile::tempdir_in(uploads)).await??;
                let shown = format!("catalogue: {} ({})", entry.title, entry.home());
                let folder = downloads.path().to_owned();
                self.start_with(&shown, &request, folder, None, move |into, report, stop| {
                    entry.import(downloads.path(), into, &options, report, stop)
                })
                .await
            }
        }
    }

    /// Imports what a data set came from again, as another format, and puts the outcome in its place; where a run has learned
    /// from it or a version was made of it, it stays, and the outcome stands beside it. `None` where the name for the outcome, until
    /// it is in place, is taken: it is being read again already.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read_again(
        &self,
        dataset: &Dataset,
        source: PathBuf,
        format: DatasetFormat,
    ) -> anyhow::Result<Option<DatasetId>> {
        let name = format!("{} as {}", dataset.name, format.as_str());
        let shown = source.display().to_string();
        let options = Options { format: Some(format), ..Options::default() };
        let request =
            ImportRequest { name, format: Some(format.as_str().to_owned()), ..ImportRequest::default() };
        self.start_with(&shown, &request, source.clone(), Some(dataset.id), move |into, report, stop| {
            import(&source, into, &options, report, stop)
        })
        .await
    }

    /// `read` is given the place for what it unpacks. A failure is told without the paths of ours that `source` begins with.
    async fn start_with(
        &self,
        shown: &str,
        request: &ImportRequest,
        source: PathBuf,
        replaces: Option<DatasetId>,
        read: impl FnOnce(&Path, Report, Stop) -> Result<Imported, ImportError> + Send + 'static,
    ) -> anyhow::Result<Option<DatasetId>> {
        let Some(id) = self.store.insert_dataset(shown, request).await? else { return Ok(None) };
        // What an earlier attempt unpacked went with its failure.
        self.store.delete_failed_imports(shown).await?;
        let ours = [self.uploads(), self.data.join("datasets")];
        let named = source.clone();
        let cancelled = Arc::new(AtomicBool::new(false));
        let entry = UnderWay { progress: None, since: Instant::now(), cancelled: cancelled.clone() };
        self.lock().insert(id, entry);
        let this = self.clone();
        let under_way = InProgress { imports: self.clone(), id };
        tokio::spawn(async move {
            let _under_way = under_way;
            let work = this.clone();
            let result = tokio::task::spawn_blocking(move || {
                panic_if_asked("import");
                let report = |progress: Progress| work.report(id, progress);
                read(&work.folder(id), &report, &|| cancelled.load(Ordering::Relaxed))
            })
            .await
            .unwrap_or_else(|panic| {
                Err(ImportError::Io {
                    doing: "read",
                    path: source,
                    source: std::io::Error::other(panic.to_string()),
                })
            });
            let result = result.map_err(|error| without_our_paths(&error.to_string(), &named, &ours));
            let why = match caught(this.finish(id, result, replaces)).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => format!("Tintype’s own fault: {panic}; its log says more"),
            };
            tracing::error!(dataset.id = %id, error = why, "the end of an import could not be written");
            this.fail_at_last(id, &why).await;
        });
        Ok(Some(id))
    }

    /// How far an import is; `None` where there is none under way.
    pub fn status(&self, id: DatasetId) -> Option<Status> {
        let under_way = self.lock();
        let entry = under_way.get(&id)?;
        let progress = entry.progress.clone()?;
        let seconds = entry.since.elapsed().as_secs_f64();
        let seconds_left = progress
            .total
            .filter(|_| progress.done > 0 && seconds > 1.0)
            .map(|total| seconds / progress.done as f64 * total.saturating_sub(progress.done) as f64);
        Some(Status { progress, seconds_left })
    }

    /// Asks an import to stop; false where there is none under way.
    pub fn cancel(&self, id: DatasetId) -> bool {
        self.lock().get(&id).inspect(|entry| entry.cancelled.store(true, Ordering::Relaxed)).is_some()
    }

    /// Deletes a data set that no run refers to, with what was unpacked for it; false where one does.
    ///
    /// # Errors
    /// The database fails.
    pub async fn delete(&self, id: DatasetId) -> sqlx::Result<bool> {
        let deleted = self.store.delete_dataset(id).await?;
        if deleted {
            self.remove_folder(id).await;
        }
        Ok(deleted)
    }

    async fn finish(
        &self,
        id: DatasetId,
        result: Result<Imported, String>,
        replaces: Option<DatasetId>,
    ) -> sqlx::Result<()> {
        panic_if_asked("end of an import");
        match result {
            Ok(imported) => {
                tracing::info!(dataset.id = %id, format = imported.format, evidence = imported.evidence, samples = imported.samples.len(), rejected = imported.rejected.len(), "imported");
                let is_replaced = self.store.set_dataset_ready(id, &imported, replaces).await?;
                if let Some(old) = replaces.filter(|_| is_replaced) {
                    self.remove_folder(old).await;
                }
                // The first to ask begins the examination.
                if let Some(dataset) = self.store.find_dataset(id).await? {
                    self.health.of(&dataset).await?;
                }
                Ok(())
            }
            Err(why) => {
                self.remove_folder(id).await;
                tracing::info!(dataset.id = %id, why, "import failed");
                self.store.set_dataset_failed(id, &why).await
            }
        }
    }

    /// Nothing is being imported any more, so the data set must not be called so: tried until the database takes it.
    async fn fail_at_last(&self, id: DatasetId, why: &str) {
        let why = format!(
            "What was imported could not be written: {why}. Nothing of it was kept; import it again."
        );
        let mut pause = Duration::from_millis(200);
        loop {
            match self.store.find_dataset(id).await {
                Ok(Some(dataset)) if dataset.state != DatasetState::Importing => return,
                Ok(None) => return,
                Ok(Some(_)) | Err(_) => {}
            }
            match self.store.set_dataset_failed(id, &why).await {
                Ok(()) => return self.remove_folder(id).await,
                Err(error) => tracing::error!(dataset.id = %id, %error, "nor that it failed; trying again"),
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(Duration::from_secs(60));
        }
    }

    fn report(&self, id: DatasetId, progress: Progress) {
        if let Some(entry) = self.lock().get_mut(&id) {
            let stage = |progress: &Progress| std::mem::discriminant(&progress.stage);
            if entry.progress.as_ref().map(stage) != Some(stage(&progress)) {
                entry.since = Instant::now();
            }
            entry.progress = Some(progress);
        }
    }

    /// Removes what was unpacked for a data set, off the threads that answer requests.
    async fn remove_folder(&self, id: DatasetId) {
        let folder = self.folder(id);
        if let Err(error) = tokio::task::spawn_blocking(move || remove(&folder)).await {
            tracing::warn!(dataset.id = %id, %error, "its folder could not be removed");
        }
    }

    /// Where a data set's archive is unpacked.
    fn folder(&self, id: DatasetId) -> PathBuf {
        self.data.join("datasets").join(id.to_string())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<DatasetId, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks that an import is under way, for as long as its task lives.
struct InProgress {
    imports: Imports,
    id: DatasetId,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.imports.lock().remove(&self.id);
    }
}

/// What is to be imported.
pub enum ImportSource {
    /// Of the server's machine; it stays as it is.
    Path(PathBuf),
    /// Files that were sent; they become the data set's.
    Upload {
        /// What came.
        received: Received,
        /// The class of loose images; empty where none is named.
        class: String,
    },
    /// A data set of the catalogue, to be fetched.
    Catalogue(&'static Entry),
}

/// A failure in words that tell of what a person named: folders of ours are left out of paths.
fn without_our_paths(words: &str, named: &Path, ours: &[PathBuf]) -> String {
    if !ours.iter().any(|folder| named.starts_with(folder)) {
        // The person's own path; what was unpacked beside it is known by its place in the archive.
        return ours.iter().fold(words.to_owned(), |words, folder| without_folder(&words, folder));
    }
    let words = words
        .replace(&format!("{}/", named.display()), "")
        .replace(&named.display().to_string(), "the upload");
    ours.iter().fold(words, |words, folder| without_folder(&words, folder))
}

/// Takes a folder of ours, and the temporary one or the number directly in it, out of every path in `words`.
fn without_folder(words: &str, folder: &Path) -> String {
    let start = format!("{}/", folder.display());
    let mut told = String::new();
    let mut rest = words;
    while let Some(at) = rest.find(&start) {
        told += &rest[..at];
        let path = &rest[at + start.len()..];
        // The folder's own part ends with the next slash, or with the path.
        let end =
            path.find(|letter: char| "/:".contains(letter) || letter.is_whitespace()).unwrap_or(path.len());
        rest = match path[end..].strip_prefix('/') {
            Some(inner) => inner.strip_prefix("content/").unwrap_or(inner),
            None => {
                told += "the data set's folder";
                &path[end..]
            }
        };
    }
    told + rest
}

/// Removes a folder of ours, there or not.
#[expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]
fn remove(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "could not be removed");
    }
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
