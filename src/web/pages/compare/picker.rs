//! Choosing runs to compare: where an address names fewer than two, and from a run's page.

use super::super::frame::{Frame, Section};
use super::super::run_view::RunView;
use crate::domain::ids::RunId;
use crate::store::run_list::{ListedRun, RunSelection};
use crate::web::api::compare::found::ComparedRuns;
use crate::web::api::compare::query::CompareQuery;
use crate::web::{AppState, Result};
use askama::Template;

/// Runs that are offered; the list of runs has the others.
const OFFERED: usize = 100;

#[derive(Template)]
#[template(path = "runs/compare_choose.html")]
pub(crate) struct Picker {
    frame: Frame,
    /// Those that are named already.
    chosen: Vec<RunView>,
    /// Those that can be added, the likeliest first.
    offered: Vec<RunView>,
    /// How many more there are.
    left_out: usize,
    missing: Vec<String>,
}

impl Picker {
    pub(crate) async fn load(app: &AppState, query: &CompareQuery, found: &ComparedRuns) -> Result<Picker> {
        let mut others = app.store.list_run_rows(RunSelection::All).await?.runs;
        others.retain(|listed| !query.runs.contains(&listed.run.id));
        others.sort_by_key(|listed| likelihood(found, listed));
        let left_out = others.len().saturating_sub(OFFERED);
        others.truncate(OFFERED);
        Ok(Picker {
            frame: Frame::load(app, "Choose runs to compare", &[("Runs", "/runs")])
                .await?
                .in_section(Section::Runs),
            chosen: found.runs.iter().cloned().map(RunView::new).collect(),
            offered: others.into_iter().map(RunView::new).collect(),
            left_out,
            missing: found.missing.iter().map(|(_, why)| why.clone()).collect(),
        })
    }

    /// The heading: what is compared with what.
    fn heading(&self) -> String {
        match &self.chosen[..] {
            [] => "Compare runs".to_owned(),
            [run] => format!("Compare run {} with …", run.run.id),
            runs => format!("Compare {} runs with …", runs.len()),
        }
    }
}

/// What it was cloned from and what was cloned from it first, then runs on the same data set, then archived ones; the newest first.
fn likelihood(found: &ComparedRuns, listed: &ListedRun) -> (bool, bool, bool, std::cmp::Reverse<RunId>) {
    let run = &listed.run;
    let is_kin = found
        .runs
        .iter()
        .any(|chosen| chosen.cloned_from == Some(run.id) || listed.cloned_from == Some(chosen.run.id));
    let same_data = found.runs.iter().any(|chosen| chosen.run.dataset_id == run.dataset_id);
    (run.archived, !is_kin, !same_data, std::cmp::Reverse(run.id))
}
