//! HTTP: pages and JSON. Knows the rooms below; holds no SQL and spawns nothing.

pub mod api;
mod assets;
mod error;
mod extract;
mod feed;
mod guard;
mod images;
mod live;
mod pages;
mod run_query;
mod stream_file;

pub use error::Error;

use crate::jobs::health::Health;
use crate::jobs::import::Imports;
use crate::lab::Lab;
use crate::runs::Runs;
use crate::store::Store;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::routing::{delete, get, post, put};
use feed::Feeds;
use live::Live;
use std::path::PathBuf;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

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
    /// What changed, for every page that is open.
    pub live: Live,
    /// The journals of runs, for those who watch them.
    pub feeds: Feeds,
    /// The data directory, for cached thumbnails.
    pub data: PathBuf,
    /// Whether it is reached from this machine alone.
    pub is_local: bool,
}

impl AppState {
    /// Puts the rooms' handles together.
    pub fn new(
        store: Store,
        health: Health,
        imports: Imports,
        runs: Runs,
        data: PathBuf,
        is_local: bool,
    ) -> AppState {
        let feeds = Feeds::new(store.clone(), runs.clone(), api::runs::run_json);
        AppState {
            store,
            health,
            imports,
            lab: Lab::default(),
            runs,
            live: Live::default(),
            feeds,
            data,
            is_local,
        }
    }
}

/// Looks for changes and tells the open pages, for as long as the server lives.
pub async fn tell_changes(app: AppState) {
    pages::live::watch(app).await;
}

/// Texts are packed; images are already, events have to leave at once, and files are saved as they are.
fn is_worth_packing() -> impl Predicate {
    let is_not = NotForContentType::const_new;
    DefaultPredicate::new()
        .and(is_not("application/octet-stream"))
        .and(is_not("application/vnd.apache.parquet"))
        .and(is_not("application/x-tar"))
        .and(is_not("application/zip"))
}

/// The table of contents.
pub fn router(app: AppState) -> Router {
    let routes = Router::new()
        // Pages.
        .route("/", get(pages::home::show))
        .route("/search", get(pages::search::show))
        .route("/datasets", get(pages::datasets::list).post(pages::import::create))
        .route("/datasets/new", get(pages::import::new))
        .route("/datasets/{id}", get(pages::dataset_images::show))
        .route("/datasets/{id}/overview", get(pages::dataset_overview::show))
        .route("/datasets/{id}/skipped", get(pages::dataset_overview::skipped))
        .route("/datasets/{id}/runs", get(pages::dataset_overview::runs))
        .route("/datasets/{id}/format", post(pages::datasets::read_again))
        .route("/datasets/{id}/retry", post(pages::import::retry))
        .route("/datasets/{id}/delete", post(pages::datasets::delete))
        .route("/datasets/{id}/lab", get(pages::lab::show))
        .route("/datasets/{id}/health", get(pages::health::show))
        .route("/datasets/{id}/health/ignored", post(pages::health::ignore))
        .route("/datasets/{id}/health/{file}", get(api::health::export))
        .route("/datasets/{id}/versions", get(pages::versions::list))
        .route("/datasets/{id}/versions/compare", get(pages::versions::compare))
        .route("/datasets/{id}/versions/{number}", get(pages::versions::show))
        .route(
            "/datasets/{id}/versions/{number}/{file}",
            get(api::versions::manifest_file).post(pages::edits::act_on_version),
        )
        .route("/datasets/{id}/edits", post(pages::edits::edit))
        .route("/datasets/{id}/samples/{sample}", get(pages::dataset_sample::show))
        .route("/datasets/{id}/samples/{sample}/original", get(images::original))
        .route("/runs", get(pages::run_list::list).post(pages::run_form::create))
        .route("/runs/new", get(pages::run_form::show))
        .route("/runs/new/preview", post(pages::run_form::preview))
        .route("/runs/delete", get(pages::run_selected::ask_to_delete))
        .route("/runs/selected", post(pages::run_selected::act_on_selected))
        .route("/live/run-list", get(pages::run_list::table))
        .route("/runs/{id}/log", get(pages::runs::log))
        .route("/runs/{id}", get(pages::runs::show))
        .route("/runs/{id}/inputs", get(pages::inputs::show))
        .route("/runs/{id}/gradients", get(pages::gradients::show))
        .route("/runs/{id}/predictions", get(pages::predictions::show))
        .route("/runs/{id}/samples/{sample}", get(pages::run_sample::show))
        .route("/runs/{id}/samples/{sample}/input", get(pages::run_sample::network_input))
        .route("/runs/{id}/evaluation", get(pages::evaluation::show))
        .route("/runs/{id}/category-to-paths", get(pages::maps::paths))
        .route("/runs/{id}/category-to-correct-predictions", get(pages::maps::correct))
        .route("/runs/{id}/category-to-predictions", get(pages::maps::all))
        .route("/runs/{id}/maps", get(pages::maps::redirect))
        .route("/runs/{id}/{action}", post(pages::runs::act))
        // Images; their addresses name their content, so they never change.
        .route("/thumbnails/{hash}/{side}", get(images::thumbnail))
        .route("/datasets/{id}/means/{fingerprint}", get(images::mean))
        .route("/runs/{id}/batches/{step}/{item}", get(pages::inputs::image))
        .route("/lab/images/{key}", get(images::of_lab))
        .route("/static/{*path}", get(assets::show))
        // Parts of pages, which static/js/live.js asks for when they changed.
        .route("/live/now", get(pages::live::now))
        .route("/live/home", get(pages::live::home_runs))
        .route("/live/runs", get(pages::live::runs_table))
        .route("/live/runs/{id}/head", get(pages::live::head))
        .route("/live/runs/{id}/notes", get(pages::live::notes))
        .route("/live/runs/{id}/epochs", get(pages::live::epochs))
        .route("/live/runs/{id}/checkpoint", get(pages::live::checkpoint))
        .route("/live/runs/{id}/started", get(pages::live::started))
        .route("/live/runs/{id}/inputs", get(pages::inputs::part))
        .route("/live/datasets", get(pages::live::datasets))
        .route("/live/datasets/{id}", get(pages::live::dataset))
        .route("/live/datasets/{id}/health", get(pages::live::health))
        // JSON.
        .route("/api/v1/events", get(api::events::changes))
        .route("/api/v1/openapi.json", get(api::openapi::show))
        .route("/api/v1/datasets", get(api::datasets::list).post(api::import::create))
        .route("/api/v1/dataset-names", get(api::import::names))
        .route("/api/v1/paths", get(api::import::paths))
        .route("/api/v1/datasets/{id}", get(api::datasets::show).delete(api::datasets::delete))
        .route("/api/v1/datasets/{id}/format", post(api::datasets::read_again))
        .route("/api/v1/datasets/{id}/health", get(api::health::show))
        .route("/api/v1/datasets/{id}/health/ignored", post(api::health::ignore))
        .route("/api/v1/datasets/{id}/health/ignored/{finding}", delete(api::health::restore))
        .route("/api/v1/datasets/{id}/health/{file}", get(api::health::export))
        .route("/api/v1/datasets/{id}/overview", get(api::health::overview))
        .route("/api/v1/datasets/{id}/samples", get(api::samples::list))
        .route("/api/v1/datasets/{id}/edits", post(api::versions::edit))
        .route("/api/v1/datasets/{id}/versions", get(api::versions::list))
        .route("/api/v1/datasets/{id}/versions/compare", get(api::versions::compare))
        .route("/api/v1/datasets/{id}/versions/{number}", get(api::versions::show))
        .route("/api/v1/datasets/{id}/versions/{number}/note", put(api::versions::set_note))
        .route("/api/v1/datasets/{id}/versions/{number}/{file}", get(api::versions::manifest_file))
        .route("/api/v1/datasets/{id}/preview", post(api::preview::show))
        .route("/api/v1/transforms", get(api::pipelines::transforms))
        .route("/api/v1/pipelines", get(api::pipelines::list))
        .route(
            "/api/v1/pipelines/{name}",
            put(api::pipelines::save).patch(api::pipelines::rename).delete(api::pipelines::delete),
        )
        .route("/api/v1/runs", get(api::runs::list).post(api::runs::create))
        .route("/api/v1/runs/{id}", get(api::runs::show).patch(api::runs::change).delete(api::runs::delete))
        .route("/api/v1/runs/{id}/epochs", post(api::runs::raise_epochs))
        .route("/api/v1/runs/{id}/cancel", post(api::runs::cancel))
        .route("/api/v1/runs/{id}/pause", post(api::runs::pause))
        .route("/api/v1/runs/{id}/resume", post(api::runs::resume))
        .route("/api/v1/runs/{id}/series", get(api::series::show))
        .route("/api/v1/runs/{id}/neighbours", get(api::runs::neighbours))
        .route("/api/v1/runs/{id}/events", get(api::events::stream))
        .route("/api/v1/runs/{id}/predictions", get(api::predictions::list))
        .route("/api/v1/runs/{id}/evaluation", get(api::evaluation::show))
        .route("/api/v1/runs/{id}/evaluation.csv", get(api::evaluation::table))
        .route("/api/v1/runs/{id}/confusion.csv", get(api::evaluation::confusion))
        .route("/api/v1/runs/{id}/batches", get(api::runs::batches))
        // The three maps: `category-to-paths` and so on, as JSON or, with `.csv`, as a table.
        .route("/api/v1/runs/{id}/{map}", get(api::evaluation::map))
        .fallback(|| async { Error::NotFound("page") })
        .method_not_allowed_fallback(wrong_method)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(is_worth_packing()))
        // A recipe is small; only an archive is large, and it goes to disk as it comes.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app.clone(), pages::failure::as_page))
        .layer(middleware::from_fn_with_state(app.clone(), live::remember_place))
        .layer(middleware::from_fn(guard::same_site));
    routes.with_state(app)
}

/// An address that takes forms alone has no page of its own, so a browser that opens it is told that there is none; a script is told
/// which method it used.
async fn wrong_method(method: Method, uri: Uri) -> Error {
    if method == Method::GET && !uri.path().starts_with("/api/") {
        Error::NotFound("page")
    } else {
        Error::MethodNotAllowed
    }
}
