//! `/`: what is going on.

use super::datasets::{Card, list_cards};
use super::frame::{Frame, page};
use super::import::{FailedImport, Import};
use super::run_view::RunViews;
use crate::store::run_list::RunSelection;
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// Runs that the home page lists.
const LISTED: usize = 8;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    cards: Vec<Card>,
    /// Imports that came to nothing.
    failed: Vec<FailedImport>,
    list: RunViews,
    more_runs: usize,
    /// What was typed into the import form, and what is wrong with it.
    import: Import,
}

pub(crate) async fn show(State(app): State<AppState>) -> Result<Response> {
    let (cards, failed) = list_cards(&app).await?;
    let mut list = RunViews::load(&app, RunSelection::All).await?;
    let more_runs = list.runs.len().saturating_sub(LISTED);
    list.runs.truncate(LISTED);
    page(&Home {
        frame: Frame::load(&app, "Tintype", &[]).await?,
        cards,
        failed,
        list,
        more_runs,
        import: Import::empty(&app),
    })
}
