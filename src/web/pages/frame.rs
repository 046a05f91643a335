//! What stands around every page: title, way back, what is running now.

use super::run_view::RunView;
use crate::web::{Error, Result, State};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// The frame of one page.
pub(in crate::web) struct Frame {
    pub(in crate::web) title: String,
    /// Label and address, outermost first.
    pub(in crate::web) crumbs: Vec<(String, String)>,
    /// Runs that are running.
    pub(in crate::web) running: Vec<RunView>,
    /// How many runs wait.
    pub(in crate::web) waiting: usize,
}

impl Frame {
    /// Reads what is running.
    pub(in crate::web) async fn load(
        state: &State,
        title: impl Into<String>,
        crumbs: &[(&str, &str)],
    ) -> Result<Frame> {
        let active = state.store.list_unfinished_runs().await?;
        let (running, waiting): (Vec<_>, Vec<_>) =
            active.into_iter().partition(|run| run.state == crate::domain::run::RunState::Running);
        let mut views = Vec::new();
        for run in running {
            views.push(RunView::load(state, run).await?);
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
pub(in crate::web) fn page<T: Template>(template: &T) -> Result<Response> {
    page_with(StatusCode::OK, template)
}

/// A page as an answer with another status than *OK*.
pub(in crate::web) fn page_with<T: Template>(status: StatusCode, template: &T) -> Result<Response> {
    let text = template.render().map_err(|error| Error::Internal(error.into()))?;
    Ok((status, Html(text)).into_response())
}
