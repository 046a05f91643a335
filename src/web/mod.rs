//! HTTP: pages and JSON. Knows the rooms below; holds no SQL and spawns nothing.

pub mod api;
mod error;
mod images;

pub use error::Error;

use crate::import::job::Imports;
use crate::runs::Runs;
use crate::store::Store;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use std::path::PathBuf;

/// What a handler answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What every handler may use.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub store: Store,
    /// Imports under way.
    pub imports: Imports,
    /// Runs under way.
    pub runs: Runs,
    /// The data directory, for cached thumbnails.
    pub data: PathBuf,
}

/// The table of contents.
pub fn router(state: State) -> Router {
    Router::new()
        // Pictures; their addresses name their content, so they never change.
        .route("/thumbnails/{hash}/{side}", get(images::thumbnail))
        .route("/static/{*path}", get(images::asset))
        // JSON.
        .route("/api/v1/datasets", get(api::datasets::list).post(api::datasets::create))
        .route("/api/v1/datasets/{id}", get(api::datasets::show).delete(api::datasets::delete))
        .route("/api/v1/runs", get(api::runs::list).post(api::runs::create))
        .route("/api/v1/runs/{id}", get(api::runs::show))
        .route("/api/v1/runs/{id}/cancel", post(api::runs::cancel))
        .route("/api/v1/runs/{id}/pause", post(api::runs::pause))
        .route("/api/v1/runs/{id}/resume", post(api::runs::resume))
        .route("/api/v1/runs/{id}/series", get(api::series::show))
        .route("/api/v1/runs/{id}/events", get(api::events::stream))
        .route("/api/v1/runs/{id}/predictions", get(api::predictions::list))
        .route("/api/v1/runs/{id}/evaluation", get(api::evaluation::show))
        .route("/api/v1/runs/{id}/category-to-paths", get(api::evaluation::category_to_paths))
        .route("/api/v1/runs/{id}/category-to-correct-predictions", get(api::evaluation::category_to_correct))
        .route("/api/v1/runs/{id}/category-to-predictions", get(api::evaluation::category_to_predictions))
        .fallback(|| async { Error::NotFound("page") })
        // A recipe is small; only an archive is large, and it goes to disk as it comes.
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}
