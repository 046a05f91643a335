//! Puts the rooms together: opens a data directory, takes its lock, recovers, listens.

use crate::jobs::health::Health;
use crate::jobs::import::Imports;
use crate::runs::{Runs, process};
use crate::store::Store;
use crate::web;
use anyhow::{Context as _, bail};
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Where the address of the server that holds a data directory is written.
const ADDRESS_FILE: &str = "server";

/// A data directory that is held and served.
pub struct App {
    /// Where it answers, such as `http://127.0.0.1:8431`.
    pub url: String,
    store: Store,
    tasks: Vec<JoinHandle<()>>,
    address_file: PathBuf,
    /// Held for as long as this lives.
    _lock: File,
}

/// Who has a data directory.
pub enum Holder {
    /// Another process, which answers at this address.
    Server(String),
    /// Nobody but us: this is the lock.
    Us(File),
}

/// Takes the lock of a data directory, or says who has it.
///
/// # Errors
/// The directory can't be written, or its holder is not answering yet.
pub fn hold(data: &Path) -> anyhow::Result<Holder> {
    std::fs::create_dir_all(data).with_context(|| format!("making the data directory {}", data.display()))?;
    let path = data.join("lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(Holder::Us(lock)),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
        Err(TryLockError::WouldBlock) => match std::fs::read_to_string(data.join(ADDRESS_FILE)) {
            Ok(url) if !url.is_empty() => Ok(Holder::Server(url)),
            _ => bail!(
                "another Tintype holds {} and is not answering yet; try again in a moment",
                data.display()
            ),
        },
    }
}

impl App {
    /// Serves a data directory whose lock is held.
    ///
    /// # Errors
    /// The address is taken, the database can't be opened, or the trainer is missing.
    pub async fn start(
        data: &Path,
        lock: File,
        address: SocketAddr,
        max_concurrent: usize,
    ) -> anyhow::Result<App> {
        let data = data.canonicalize().with_context(|| format!("opening {}", data.display()))?;
        let trainer = process::find_trainer()?;
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("listening at {address}: is another program there? Choose another with --address")
        })?;
        let bound = listener.local_addr()?;
        let url = format!("http://{bound}");
        let store = Store::open(&data.join("tintype.db")).await?;
        let health = Health::new(store.clone());
        let imports = Imports::new(store.clone(), health.clone(), data.clone());
        imports.recover().await?;
        let runs = Runs::new(store.clone(), data.clone(), trainer, max_concurrent);
        let queue = runs.work();
        let is_local = bound.ip().is_loopback();
        let state = web::AppState::new(store.clone(), health, imports, runs, data.clone(), is_local);
        let watch = tokio::spawn(web::tell_changes(state.clone()));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, web::router(state)).await {
                tracing::error!(%error, "the server ended");
            }
        });
        let address_file = data.join(ADDRESS_FILE);
        std::fs::write(&address_file, &url).with_context(|| format!("writing {}", address_file.display()))?;
        Ok(App { url, store, tasks: vec![queue, watch, server], address_file, _lock: lock })
    }

    /// Ends the server. Runs go on; the next server takes them up.
    pub async fn stop(self) {
        for task in &self.tasks {
            task.abort();
        }
        // Somebody who reads it later would find nobody there.
        drop(std::fs::remove_file(&self.address_file));
        self.store.close().await;
    }
}
