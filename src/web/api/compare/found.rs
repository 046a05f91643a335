//! The runs of a comparison that are there, what became of the others, and which of them differ by their seed alone.

use super::query::CompareQuery;
use crate::domain::ids::RunId;
use crate::domain::seeds::{Experiment, group_by_seed};
use crate::store::run_list::{ListedRun, RunSelection};
use crate::web::{AppState, Result};

/// What an address names.
pub(crate) struct ComparedRuns {
    /// In the order of the address.
    pub(crate) runs: Vec<ListedRun>,
    /// Those that can't be shown, and why.
    pub(crate) missing: Vec<(RunId, String)>,
}

impl ComparedRuns {
    pub(crate) async fn load(app: &AppState, query: &CompareQuery) -> Result<ComparedRuns> {
        let mut list = app.store.list_run_rows(RunSelection::Among(&query.runs)).await?;
        list.runs.sort_by_key(|listed| query.runs.iter().position(|run| *run == listed.run.id));
        let mut missing: Vec<(RunId, String)> = list
            .unreadable
            .into_iter()
            .map(|run| {
                (
                    run.id,
                    format!("This version of Tintype can’t read run {}. Its folder is untouched.", run.id),
                )
            })
            .collect();
        let is_known = |run: &RunId| {
            list.runs.iter().any(|listed| listed.run.id == *run) || missing.iter().any(|(id, _)| id == run)
        };
        let unknown: Vec<RunId> = query.runs.iter().copied().filter(|run| !is_known(run)).collect();
        if !unknown.is_empty() {
            let deleted = app.store.list_deleted_runs().await?;
            missing.extend(unknown.into_iter().map(|run| match deleted.contains(&run) {
                true => (run, format!("Run {run} was deleted.")),
                false => (run, format!("There is no run {run}.")),
            }));
        }
        Ok(ComparedRuns { runs: list.runs, missing })
    }

    pub(crate) fn ids(&self) -> Vec<RunId> {
        self.runs.iter().map(|listed| listed.run.id).collect()
    }

    pub(crate) fn find(&self, id: RunId) -> Option<&ListedRun> {
        self.runs.iter().find(|listed| listed.run.id == id)
    }

    /// The places of runs that differ by their seed alone.
    pub(crate) fn seeds(&self) -> Vec<Vec<usize>> {
        let runs = self.runs.iter().map(|listed| Experiment {
            spec: &listed.run.spec,
            data: match listed.run.event_origin {
                // Nothing is known of its settings, so it is like no other.
                Some(_) => (-listed.run.id.0, 0),
                None => (listed.run.dataset_id.0, listed.run.dataset_version),
            },
        });
        group_by_seed(&runs.collect::<Vec<_>>())
    }
}
