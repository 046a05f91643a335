//! Parts of pages, answered alone from the templates that the pages include.

use super::super::datasets::{Card, list_cards};
use super::super::epochs::{EpochTable, EpochsQuery};
use super::super::format;
use super::super::frame::{Frame, page};
use super::super::home;
use super::super::run_settings::Settings;
use super::super::run_view::{RunView, RunViews};
use super::super::runs::place_in_queue;
use super::super::time_shares::TimeShares;
use crate::domain::dataset::DatasetState;
use crate::domain::ids::DatasetId;
use crate::jobs::health::Examined;
use crate::store::run_list::RunSelection;
use crate::store::runs::Note;
use crate::web::api::{find_any_run, find_dataset, find_run};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

/// What a page shows is over, and it has to be loaded anew, whole.
fn load_anew() -> Response {
    StatusCode::RESET_CONTENT.into_response()
}

#[derive(Template)]
#[template(path = "partials/now.html")]
struct Now {
    frame: Frame,
}

/// `/live/now`: what the bar of every page says is running.
pub(crate) async fn now(State(app): State<AppState>) -> Result<Response> {
    page(&Now { frame: Frame::load(&app, "", &[]).await? })
}

#[derive(Template)]
#[template(path = "partials/incident.html")]
struct LatestIncident {
    frame: Frame,
}

/// `/live/incident`: which task of the server stopped lately.
pub(crate) async fn incident(State(app): State<AppState>) -> Result<Response> {
    page(&LatestIncident { frame: Frame::load(&app, "", &[]).await? })
}

#[derive(Deserialize)]
pub(crate) struct TableQuery {
    /// Only the runs of this data set.
    dataset: Option<i64>,
    /// Only so many.
    limit: Option<usize>,
}

#[derive(Template)]
#[template(path = "partials/runs_table.html")]
struct RunsTable {
    list: RunViews,
}

/// `/live/runs`: a table of runs.
pub(crate) async fn runs_table(
    State(app): State<AppState>,
    Query(query): Query<TableQuery>,
) -> Result<Response> {
    let which = query.dataset.map_or(RunSelection::All, |id| RunSelection::OfDataset(DatasetId(id)));
    let mut list = RunViews::load(&app, which).await?;
    list.runs.truncate(query.limit.unwrap_or(usize::MAX));
    page(&RunsTable { list })
}

#[derive(Deserialize)]
pub(crate) struct HeadQuery {
    /// The key of the page that shows the head.
    page: String,
    /// The split that the page shows.
    #[serde(default)]
    split: String,
}

#[derive(Template)]
#[template(path = "runs/head.html")]
struct Head {
    view: RunView,
    page: &'static str,
}

/// `/live/runs/{id}/head`: name, state, buttons, figures and rail.
pub(crate) async fn head(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<HeadQuery>,
) -> Result<Response> {
    let mut view = RunView::load(&app, find_any_run(&app, id).await?).await?;
    view.split = query.split.parse().ok();
    let known = view.stages().into_iter().flat_map(|stage| stage.pages).map(|(key, ..)| key);
    let here = known.into_iter().find(|key| *key == query.page).unwrap_or("");
    page(&Head { page: here, view })
}

#[derive(Template)]
#[template(path = "runs/notes.html")]
struct Notes {
    view: RunView,
    notes: Vec<Note>,
    place: Option<String>,
}

/// `/live/runs/{id}/notes`: its place in the queue, and what it had to say.
pub(crate) async fn notes(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let run = find_any_run(&app, id).await?;
    let place = place_in_queue(&app, &run).await?;
    let notes = app.store.list_notes(run.id).await?;
    page(&Notes { notes, place, view: RunView::load(&app, run).await? })
}

#[derive(Template)]
#[template(path = "runs/settings.html")]
struct RunSettings {
    settings: Settings,
}

/// `/live/runs/{id}/settings`: its settings, and what was found at its start.
pub(crate) async fn settings(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    page(&RunSettings { settings: Settings::load(&app, &find_run(&app, id).await?).await? })
}

#[derive(Template)]
#[template(path = "runs/about.html")]
struct About {
    view: RunView,
}

/// `/live/runs/{id}/about`: what a person says of it and can do with it in its state.
pub(crate) async fn about(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    page(&About { view: RunView::load(&app, find_any_run(&app, id).await?).await? })
}

#[derive(Template)]
#[template(path = "runs/time_shares.html")]
struct Times {
    times: Option<TimeShares>,
}

/// `/live/runs/{id}/time`: where its time goes.
pub(crate) async fn times(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    page(&Times { times: TimeShares::load(&app, &find_run(&app, id).await?).await? })
}

#[derive(Template)]
#[template(path = "runs/by_epoch.html")]
struct ByEpoch {
    view: RunView,
    epochs: EpochTable,
}

/// `/live/runs/{id}/epochs`: its figures by epoch.
pub(crate) async fn epochs(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<EpochsQuery>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let epochs = EpochTable::load(&app, &run, query).await?;
    page(&ByEpoch { epochs, view: RunView::load(&app, run).await? })
}

#[derive(Deserialize)]
pub(crate) struct CheckpointQuery {
    split: String,
    /// The epoch on the page; empty: none.
    #[serde(default)]
    shown: String,
}

/// `/live/runs/{id}/checkpoint`: whether there is a newer checkpoint than the page shows.
pub(crate) async fn checkpoint(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<CheckpointQuery>,
) -> Result<Response> {
    let view = RunView::load(&app, find_run(&app, id).await?).await?;
    let mut checkpoint = view.checkpoint(&query.split);
    checkpoint.shown = query.shown.parse().ok();
    if checkpoint.fills_page() {
        return Ok(load_anew());
    }
    page(&checkpoint)
}

/// `/live/home`: the runs of the home page.
pub(crate) async fn home_runs(State(app): State<AppState>) -> Result<Response> {
    page(&home::HomeRuns::load(&app).await?)
}

#[derive(Template)]
#[template(path = "partials/cards.html")]
struct Cards {
    cards: Vec<Card>,
}

/// `/live/datasets`: data sets with a strip of their images.
pub(crate) async fn datasets(State(app): State<AppState>) -> Result<Response> {
    let (cards, _) = list_cards(&app).await?;
    page(&Cards { cards })
}

/// `/live/runs/{id}/started`: a page that waits for the first step is loaded anew when it may have come.
pub(crate) async fn started(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let run = find_run(&app, id).await?;
    Ok(if run.started.is_some() { load_anew() } else { StatusCode::NO_CONTENT.into_response() })
}

/// `/live/datasets/{id}`: an import that is over is a page of its own.
pub(crate) async fn dataset(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    Ok(match dataset.state {
        DatasetState::Importing => StatusCode::NO_CONTENT.into_response(),
        DatasetState::Ready | DatasetState::Failed => load_anew(),
    })
}

/// `/live/datasets/{id}/health`: an examination that is over is a page of its own.
pub(crate) async fn health(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    Ok(match app.health.of(&dataset).await? {
        Examined::UnderWay { .. } => StatusCode::NO_CONTENT.into_response(),
        Examined::Ready(_) | Examined::Failed(_) => load_anew(),
    })
}
