//! What is done with several runs of the list, and the page that asks before runs are removed.

use super::format;
use super::frame::{Frame, Section, page};
use super::run_view::RunView;
use crate::actions::runs as actions;
use crate::domain::ids::RunId;
use crate::store::datasets::Dataset;
use crate::store::run_list::RunSelection;
use crate::store::runs::Run;
use crate::web::api::find_dataset;
use crate::web::extract::Fields;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};

/// What the list's bar and the page that asks before a removal send.
#[derive(Default)]
struct Selected {
    ids: Vec<RunId>,
    action: String,
    tag: String,
    back: String,
    /// In place of runs: all of this data set, and itself.
    dataset: Option<i64>,
}

impl Selected {
    fn read(fields: impl IntoIterator<Item = (String, String)>) -> Selected {
        let mut selected = Selected::default();
        for (key, value) in fields {
            match key.as_str() {
                "id" => selected.ids.extend(value.parse().ok().map(RunId)),
                "action" => selected.action = value,
                "tag" => selected.tag = value,
                "back" => selected.back = value,
                "dataset" => selected.dataset = value.parse().ok(),
                _ => {}
            }
        }
        selected.ids.dedup();
        selected
    }

    /// Where the person came from, if that is a page of runs.
    fn back(&self) -> &str {
        page_of_runs(&self.back)
    }
}

/// The address, if it is one of pages of runs; else that of the list.
pub(super) fn page_of_runs(back: &str) -> &str {
    let inside = back == "/runs" || back.starts_with("/runs?") || back.starts_with("/runs/");
    if inside { back } else { "/runs" }
}

/// The address with the name of an action, which the page words for a moment.
pub(super) fn with_said(back: &str, action: &str) -> String {
    let (page, anchor) =
        back.split_once('#').map_or((back, String::new()), |(page, anchor)| (page, format!("#{anchor}")));
    let joint = if page.contains('?') { '&' } else { '?' };
    format!("{page}{joint}said={action}{anchor}")
}

/// `POST /runs/selected`: one thing done to several runs.
pub(crate) async fn act_on_selected(State(app): State<AppState>, Fields(fields): Fields) -> Result<Response> {
    let selected = Selected::read(fields);
    for id in &selected.ids {
        match selected.action.as_str() {
            "archive" => actions::set_archived(&app.store, *id, true).await?,
            "unarchive" => actions::set_archived(&app.store, *id, false).await?,
            "star" => actions::set_starred(&app.store, *id, true).await?,
            "unstar" => actions::set_starred(&app.store, *id, false).await?,
            "tag" => actions::add_tag(&app.store, *id, &selected.tag).await?,
            "untag" => actions::remove_tag(&app.store, *id, &selected.tag).await?,
            "delete" => actions::delete(&app.runs, *id).await?,
            _ => return Err(Error::field("action", "there is no such action on runs")),
        }
    }
    Ok(Redirect::to(&with_said(selected.back(), &selected.action)).into_response())
}

#[derive(Template)]
#[template(path = "runs/delete.html")]
struct Delete {
    frame: Frame,
    runs: Vec<RunView>,
    /// Those of the selection that wait or work, so that they can't be deleted.
    active: Vec<RunView>,
    /// The data set that goes with its runs.
    dataset: Option<Dataset>,
    back: String,
}

impl Delete {
    fn summary(&self) -> String {
        format::counted(self.runs.len(), "run", "runs")
    }
}

/// `/runs/delete?id=3&id=4`: asks before runs are removed; with `dataset=2` before a data set is removed with its runs.
pub(crate) async fn ask_to_delete(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Response> {
    let selected = Selected::read(form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned());
    let all = app.store.list_run_rows(RunSelection::All).await?.runs;
    let dataset = match selected.dataset {
        Some(id) => Some(find_dataset(&app, id).await?),
        None => None,
    };
    let is_chosen = |run: &Run| match &dataset {
        Some(dataset) => run.dataset_id == dataset.id,
        None => selected.ids.contains(&run.id),
    };
    let chosen = all.into_iter().filter(|listed| is_chosen(&listed.run)).map(RunView::new);
    let (active, runs): (Vec<RunView>, Vec<RunView>) = chosen.partition(RunView::is_active);
    page(&Delete {
        frame: Frame::load(&app, "Delete runs", &[("Runs", "/runs")]).await?.in_section(Section::Runs),
        runs,
        active,
        dataset,
        back: selected.back().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_leads_back_to_pages_of_runs_alone() {
        let back = |text: &str| {
            Selected::read(form_urlencoded::parse(text.as_bytes()).into_owned()).back().to_owned()
        };
        assert_eq!(back("back=/runs%3Ftag%3Dold"), "/runs?tag=old");
        assert_eq!(with_said("/runs?tag=old", "star"), "/runs?tag=old&said=star");
        assert_eq!(with_said("/runs/3#about", "note"), "/runs/3?said=note#about");
        for foreign in
            ["", "back=javascript:alert(1)", "back=//example.org/runs", "back=https://example.org/runs"]
        {
            assert_eq!(back(foreign), "/runs", "{foreign}");
        }
    }
}
