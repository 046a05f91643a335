//! `/`: what is going on.

use super::datasets::{Card, list_cards};
use super::frame::{Frame, page};
use super::import::{FailedImport, Import};
use super::run_view::{RunView, RunViews};
use crate::store::run_list::{RunSelection, UnreadableRun};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use std::path::Path;

/// Runs that have ended and are listed.
const LISTED: usize = 8;

/// What the demo's data set is called.
const DEMO_NAME: &str = "demo";

/// The command that makes the demo, in the data directory of this server.
fn demo_command(data: &Path) -> String {
    let data = data.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-".contains(letter);
    let data = if data.chars().all(is_plain) { data } else { format!("'{}'", data.replace('\'', r"'\''")) };
    format!("tintype demo --data {data}")
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    cards: Vec<Card>,
    /// Imports that came to nothing.
    failed: Vec<FailedImport>,
    runs: HomeRuns,
    /// What was typed into the import form, and what is wrong with it.
    import: Import,
    /// What is typed into a terminal for the demo; `None`: its data set is there.
    demo_command: Option<String>,
}

/// Runs at work and those that ended last.
#[derive(Template)]
#[template(path = "partials/home_runs.html")]
pub(crate) struct HomeRuns {
    /// In the order of the queue.
    active: Vec<RunView>,
    /// The newest.
    ended: Vec<RunView>,
    unreadable: Vec<UnreadableRun>,
    /// How many more there are.
    more: usize,
}

impl askama::filters::HtmlSafe for HomeRuns {}

impl HomeRuns {
    pub(crate) async fn load(app: &AppState) -> Result<HomeRuns> {
        let list = RunViews::load(app, RunSelection::All).await?;
        let (mut active, mut ended): (Vec<_>, Vec<_>) = list.runs.into_iter().partition(RunView::is_active);
        active.sort_by_key(|view| (!view.is_running(), view.run.queued_at_ms, view.run.id));
        let more = ended.len().saturating_sub(LISTED);
        ended.truncate(LISTED);
        Ok(HomeRuns { active, ended, unreadable: list.unreadable, more })
    }

    fn is_empty(&self) -> bool {
        self.active.is_empty() && self.ended.is_empty() && self.unreadable.is_empty()
    }
}

pub(crate) async fn show(State(app): State<AppState>) -> Result<Response> {
    let (cards, failed) = list_cards(&app).await?;
    let has_demo = cards.iter().any(|card| card.dataset.name == DEMO_NAME);
    page(&Home {
        demo_command: (!has_demo).then(|| demo_command(&app.data)),
        frame: Frame::load(&app, "Tintype", &[]).await?,
        runs: HomeRuns::load(&app).await?,
        cards,
        failed,
        import: Import::empty(&app),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_the_demo_can_be_pasted_into_a_terminal() {
        assert_eq!(demo_command(Path::new("/srv/tintype-data")), "tintype demo --data /srv/tintype-data");
        assert_eq!(demo_command(Path::new("/home/a b/it's")), r"tintype demo --data '/home/a b/it'\''s'");
    }
}
