//! Published weights on this machine: where their files are, which are there, and bringing those that are not. Must not know SQL or
//! HTTP.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

mod error;
mod fetch;
mod pip;
#[cfg(test)]
mod tests;

pub use error::FetchError;

use crate::watch::{caught, panic_if_asked};
use fetch::Meter;
use protocol::weights::{WEIGHTS, WeightsEntry};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Names a folder of weights that several data directories share.
const FOLDER_VARIABLE: &str = "TINTYPE_WEIGHTS";

/// The folder of weights of a data directory.
pub fn folder(data: &Path) -> PathBuf {
    std::env::var_os(FOLDER_VARIABLE).map_or_else(|| data.join("weights"), PathBuf::from)
}

fn is_present(folder: &Path, entry: &WeightsEntry) -> bool {
    // They were checked when they came; a file of another length is not whole.
    folder.join(entry.file_name()).metadata().is_ok_and(|file| file.len() == entry.bytes)
}

/// The room's handle.
#[derive(Clone, Debug)]
pub struct Weights {
    folder: PathBuf,
    /// Pythons whose package manager may be asked.
    pythons: Vec<OsString>,
    fetches: Arc<Mutex<Fetches>>,
}

#[derive(Debug, Default)]
struct Fetches {
    under_way: BTreeMap<&'static str, Arc<Meter>>,
    /// Why the last fetch of these came to nothing.
    failed: BTreeMap<&'static str, String>,
    /// Grows whenever a fetch begins or ends.
    news: u64,
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fetching {
    /// Bytes that have come.
    pub done: u64,
    /// Of so many.
    pub total: u64,
    /// By the speed so far; `None` before there is one.
    pub seconds_left: Option<f64>,
}

impl Fetching {
    /// Whole percents.
    pub fn percent(&self) -> u64 {
        self.done * 100 / self.total.max(1)
    }
}

impl Weights {
    /// That of a data directory.
    pub fn of(data: &Path) -> Weights {
        Weights::new(folder(data), pip::list_pythons())
    }

    fn new(folder: PathBuf, pythons: Vec<OsString>) -> Weights {
        Weights { folder, pythons, fetches: Arc::default() }
    }

    /// Where the files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names of the published weights whose files are there.
    pub async fn list_present(&self) -> Vec<&'static str> {
        let folder = self.folder.clone();
        let look = move || {
            WEIGHTS.iter().filter(|entry| is_present(&folder, entry)).map(|entry| entry.name).collect()
        };
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    /// Begins to fetch in the background. Where a fetch of the same name is under way, it goes on.
    pub fn begin(&self, entry: &'static WeightsEntry) {
        let meter = {
            let mut fetches = self.lock();
            if fetches.under_way.contains_key(entry.name) {
                return;
            }
            let meter = Arc::new(Meter::new(entry.source.bytes));
            fetches.under_way.insert(entry.name, meter.clone());
            fetches.failed.remove(entry.name);
            fetches.news += 1;
            meter
        };
        let this = self.clone();
        tokio::spawn(async move {
            let fetched = caught(async {
                panic_if_asked("weights");
                fetch::fetch(entry, &this.pythons, &this.folder, &meter).await
            });
            let failure = match fetched.await {
                Ok(Ok(())) => None,
                Ok(Err(FetchError::Cancelled)) => None,
                Ok(Err(why)) => Some(why.words(entry, &this.folder)),
                Err(panic) => Some(format!("Tintype’s own fault: {panic}; its log says more")),
            };
            let mut fetches = this.lock();
            fetches.under_way.remove(entry.name);
            fetches.news += 1;
            if let Some(why) = failure {
                tracing::error!(weights = entry.name, error = why, "the weights could not be fetched");
                fetches.failed.insert(entry.name, why);
            }
        });
    }

    /// Stops a fetch; nothing of it stays. Whether there was one.
    pub fn cancel(&self, name: &str) -> bool {
        let fetches = self.lock();
        let meter = fetches.under_way.get(name);
        meter.inspect(|meter| meter.cancel()).is_some()
    }

    /// How far the fetch of these is, where there is one.
    pub fn fetching(&self, name: &str) -> Option<Fetching> {
        self.lock().under_way.get(name).map(|meter| meter.read())
    }

    /// Why the last fetch of these came to nothing, in words.
    pub fn failure(&self, name: &str) -> Option<String> {
        self.lock().failed.get(name).cloned()
    }

    /// Another number whenever a fetch began or ended.
    pub fn news(&self) -> u64 {
        self.lock().news
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Fetches> {
        self.fetches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
