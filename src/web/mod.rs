//! HTTP: pages and JSON. Knows the rooms below; holds no SQL and spawns nothing.

pub mod access;
pub mod api;
mod assets;
pub mod edge;
mod error;
mod extract;
mod feed;
pub mod host;
mod images;
mod live;
mod pages;
pub mod routes;
mod run_query;
mod stream_file;

pub use access::{badge, can_edit};
pub use error::Error;

use crate::domain::access::Needed;
use crate::jobs::health::Health;
use crate::jobs::import::Imports;
use crate::lab::Lab;
use crate::runs::Runs;
use crate::store::Store;
use crate::watch::Watch;
use crate::weights::Weights;
use access::Access;
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use edge::guard::Hosts;
use feed::Feeds;
use live::Live;
use std::path::PathBuf;
use std::sync::Arc;

/// What a handler answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What every handler may use.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub store: Store,
    /// Examinations of data sets.
    pub health: Health,
    /// Imports under way.
    pub imports: Imports,
    /// The loading lab.
    pub lab: Lab,
    /// Runs under way.
    pub runs: Runs,
    /// Published weights on this machine.
    pub weights: Weights,
    /// What became of the server's own tasks.
    pub watch: Watch,
    /// What changed, for every page that is open.
    pub live: Live,
    /// The journals of runs, for those who watch them.
    pub feeds: Feeds,
    /// The data directory, for cached thumbnails.
    pub data: PathBuf,
    /// Whether it is reached from this machine alone.
    pub is_local: bool,
    /// Who may do what, where it is not.
    pub access: Access,
}

impl AppState {
    /// Puts the rooms' handles together.
    pub fn new(
        store: Store,
        health: Health,
        imports: Imports,
        runs: Runs,
        data: PathBuf,
        access: Access,
        watch: Watch,
    ) -> AppState {
        let weights = Weights::of(&data);
        let feeds = Feeds::new(store.clone(), runs.clone(), api::runs::run_json);
        AppState {
            store,
            health,
            imports,
            lab: Lab::default(),
            runs,
            weights,
            watch,
            live: Live::default(),
            feeds,
            data,
            is_local: access.is_local(),
            access,
        }
    }
}

/// Looks for changes and tells the open pages, for as long as the server lives.
pub async fn tell_changes(app: AppState) {
    pages::live::watch(app).await;
}

/// Every address, with the key that it needs where the server is reached from other machines.
pub fn table() -> Vec<routes::Route> {
    routes::routes().table
}

/// The addresses of [`routes`], and what all of them go through.
pub fn router(app: &AppState, hosts: Hosts) -> Router {
    let routes = routes::routes().router.fallback(nothing_here).method_not_allowed_fallback(wrong_method);
    edge::wrap(routes, app, Arc::new(hosts))
}

/// There is nothing at this address, which whoever has a key may know.
async fn nothing_here(request: Request) -> Error {
    access::check(Needed::AnyKey, request.extensions()).err().unwrap_or(Error::NotFound("page"))
}

/// An address that takes forms alone has no page of its own, so a browser that opens it is told that there is none; a script is told
/// which method it used.
async fn wrong_method(request: Request) -> Error {
    if request.method() == Method::GET && !request.uri().path().starts_with("/api/") {
        return nothing_here(request).await;
    }
    access::check(Needed::AnyKey, request.extensions()).err().unwrap_or(Error::MethodNotAllowed)
}
