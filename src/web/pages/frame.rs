//! What stands around every page: title, way back, what is running now.

use super::run_view::RunView;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// The frame of one page.
pub(crate) struct Frame {
    pub(crate) title: String,
    /// Label and address, outermost first.
    pub(crate) crumbs: Vec<(String, String)>,
    /// Runs that are running.
    pub(crate) running: Vec<RunView>,
    /// How many runs wait.
    pub(crate) waiting: usize,
}

impl Frame {
    /// Reads what is running.
    pub(crate) async fn load(
        app: &AppState,
        title: impl Into<String>,
        crumbs: &[(&str, &str)],
    ) -> Result<Frame> {
        let active = app.store.list_unfinished_runs().await?;
        let (running, waiting): (Vec<_>, Vec<_>) =
            active.into_iter().partition(|run| run.state == crate::domain::run::RunState::Running);
        let mut views = Vec::new();
        for run in running {
            views.push(RunView::load(app, run).await?);
        }
        Ok(Frame {
            title: title.into(),
            crumbs: crumbs.iter().map(|(label, href)| ((*label).to_owned(), (*href).to_owned())).collect(),
            running: views,
            waiting: waiting.len(),
        })
    }
}

/// A page as an answer.
pub(crate) fn page<T: Template>(template: &T) -> Result<Response> {
    page_with(StatusCode::OK, template)
}

/// A page as an answer with another status than *OK*.
pub(crate) fn page_with<T: Template>(status: StatusCode, template: &T) -> Result<Response> {
    let text = template.render().map_err(|error| Error::Internal(error.into()))?;
    Ok((status, Html(text)).into_response())
}
