//! Puts the rooms together: opens a data directory, takes its lock, recovers, listens.
#![expect(
    clippy::disallowed_methods,
    reason = "a server that starts or ends answers nobody yet, or any more"
)]

use crate::actions::access;
use crate::domain::access::KeyOrigin;
use crate::jobs::health::Health;
use crate::jobs::import::Imports;
use crate::runs::{Runs, process};
use crate::store::Store;
use crate::tensorboard;
use crate::watch::{Task, Watch};
use crate::web;
use crate::web::access::{Access, list_addresses};
use crate::web::edge::guard::Hosts;
use crate::web::host::is_loopback;
use anyhow::{Context as _, bail};
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Where the address of the server that holds a data directory is written.
const ADDRESS_FILE: &str = "server";
/// Where the key of that server is, for commands of the same user; there is one where a key is needed.
const KEY_FILE: &str = "server-key";
/// A key that a person chose for the server.
const KEY_VARIABLE: &str = "TINTYPE_KEY";

/// A data directory that is held and served.
pub struct App {
    /// Where commands of this machine reach it.
    pub own: Endpoint,
    /// Where it is opened, with a key where one is needed; the likeliest first.
    pub urls: Vec<String>,
    /// Links, and keys of earlier starts, that are good besides the one in `urls`.
    pub further_keys: usize,
    store: Store,
    tasks: JoinSet<()>,
    /// Gone when it ends.
    files: [PathBuf; 2],
    /// Held for as long as this lives.
    _lock: File,
}

/// Where a server answers, and the key that it knows its own commands by.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Such as `http://127.0.0.1:8431`.
    pub url: String,
    /// `None` where no key is needed.
    pub key: Option<String>,
}

/// Who has a data directory.
pub enum Holder {
    /// Another process, which answers at this address.
    Server(Endpoint),
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
        Ok(()) => {
            // Of a server that was killed: whoever came while the next one starts would ask there.
            drop(std::fs::remove_file(data.join(ADDRESS_FILE)));
            Ok(Holder::Us(lock))
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
        Err(TryLockError::WouldBlock) => match std::fs::read_to_string(data.join(ADDRESS_FILE)) {
            Ok(url) if !url.is_empty() => {
                let key = std::fs::read_to_string(data.join(KEY_FILE)).ok();
                Ok(Holder::Server(Endpoint { url, key }))
            }
            _ => bail!(
                "another Tintype holds {} and is not answering yet; try again in a moment",
                data.display()
            ),
        },
    }
}

impl App {
    /// Serves a data directory whose lock is held; `names` are those that it answers to besides its own.
    ///
    /// # Errors
    /// The address is taken, or the database can't be opened.
    pub async fn start(
        data: &Path,
        lock: File,
        address: SocketAddr,
        max_concurrent: usize,
        names: &[String],
    ) -> anyhow::Result<App> {
        let data = data.canonicalize().with_context(|| format!("opening {}", data.display()))?;
        if let Err(missing) = process::find_trainer() {
            // Images can be imported, examined and looked at without it; a run that is started says so.
            tracing::warn!("{missing:#}; until then no run can be trained or evaluated");
        }
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("listening at {address}: is another program there? Choose another with --address")
        })?;
        let bound = listener.local_addr()?;
        let store = Store::open(&data.join("tintype.db")).await?;
        let watch = Watch::default();
        let health = Health::new(store.clone());
        let imports = Imports::new(store.clone(), health.clone(), data.clone());
        imports.recover().await?;
        let runs = Runs::new(store.clone(), data.clone(), max_concurrent, watch.clone());
        let mut tasks = JoinSet::new();
        let (queue, runs_of_files) = (runs.clone(), runs.clone());
        tasks.spawn(watch.clone().keep(Task::Queue, move || queue.clone().work()));
        // Whoever gives another name has something in front, such as a proxy, by which other machines come.
        let is_local = bound.ip().is_loopback() && names.iter().all(|name| is_loopback(name));
        let own_key = if is_local { None } else { Some(access::make_key()?) };
        let access = Access::new(bound, own_key.as_deref());
        let (urls, further_keys) = entrances(&store, bound, is_local).await?;
        let hosts = Hosts::new(bound, machine_name().as_deref(), names);
        let state =
            web::AppState::new(store.clone(), health, imports, runs, data.clone(), access, watch.clone());
        let told = state.clone();
        tasks.spawn(watch.clone().keep(Task::Changes, move || web::tell_changes(told.clone())));
        let (followed, store_of_files) = (runs_of_files, store.clone());
        tasks.spawn(
            watch.keep(Task::EventFiles, move || tensorboard::work(store_of_files.clone(), followed.clone())),
        );
        let blocked = store.clone();
        tokio::spawn(async move {
            if let Err(error) = blocked.block_long_series().await {
                tracing::warn!(%error, "long series of an earlier version can't be prepared: they are drawn, but slowly");
            }
        });
        let service = web::router(&state, hosts).into_make_service_with_connect_info::<SocketAddr>();
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "the server ended");
            }
        });
        let files = [data.join(ADDRESS_FILE), data.join(KEY_FILE)];
        let own = Endpoint { url: format!("http://{}", reached_from_here(bound)), key: own_key };
        write_key(&files[1], own.key.as_deref())?;
        std::fs::write(&files[0], &own.url).with_context(|| format!("writing {}", files[0].display()))?;
        Ok(App { own, urls, further_keys, store, tasks, files, _lock: lock })
    }

    /// Waits until a task has ended that can't be started again. All others never end: it is the one that answers requests.
    pub async fn ended(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Err(panic)) => anyhow::Error::new(panic).context("the server stopped answering requests"),
            _ => anyhow::anyhow!("the server stopped answering requests; its log says why"),
        }
    }

    /// Ends the server. Runs go on; the next server takes them up.
    pub async fn stop(mut self) {
        self.tasks.abort_all();
        // Somebody who reads it later would find nobody there.
        for file in &self.files {
            drop(std::fs::remove_file(file));
        }
        self.store.close().await;
    }
}

/// Where a server that is bound to this address is reached from the machine itself.
fn reached_from_here(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

/// The addresses that a person opens, and how many keys are good besides the one in them.
async fn entrances(store: &Store, bound: SocketAddr, is_local: bool) -> anyhow::Result<(Vec<String>, usize)> {
    if is_local {
        return Ok((vec![format!("http://{bound}")], 0));
    }
    let chosen = std::env::var(KEY_VARIABLE).ok();
    let key = access::key_of_start(store, chosen.as_deref()).await?;
    let hash = crate::domain::access::hash_key(&key);
    let this = store.find_access_key(&hash).await?.map(|key| key.id);
    let valid = store.list_access_keys().await?.into_iter().filter(|other| other.is_valid());
    let further =
        valid.filter(|other| Some(other.id) != this && other.origin != KeyOrigin::Environment).count();
    let addresses = tokio::task::spawn_blocking(move || list_addresses(bound)).await?;
    Ok((addresses.iter().map(|address| format!("{}/?key={key}", address.url)).collect(), further))
}

/// Keeps the key of this process where its own user alone can read it.
fn write_key(file: &Path, key: Option<&str>) -> anyhow::Result<()> {
    // One of a server that was killed; it would also keep its permissions.
    drop(std::fs::remove_file(file));
    let Some(key) = key else { return Ok(()) };
    let mut options = File::options();
    let opened = options.write(true).create_new(true).mode(0o600).open(file);
    opened
        .and_then(|mut opened| opened.write_all(key.as_bytes()))
        .with_context(|| format!("writing {}", file.display()))
}

/// What the machine calls itself, where it says so in a file.
fn machine_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
