//! What the script that draws the curves is told of the runs.

use super::style::RunStyle;
use crate::store::run_list::ListedRun;
use crate::web::api::compare::found::ComparedRuns;
use serde::Serialize;

/// The runs of the charts.
pub(crate) struct Curves {
    runs: Vec<Curve>,
    /// Runs that differ by their seed alone.
    seeds: Vec<Vec<i64>>,
}

/// A run, as its lines are drawn.
#[derive(Serialize)]
struct Curve {
    run: i64,
    name: String,
    style: RunStyle,
    seed: u64,
    steps_per_epoch: u64,
    /// Whether new points may come.
    live: bool,
    /// Where the stream of its events goes on behind what the page was made with.
    offset: i64,
}

impl Curves {
    pub(crate) fn new(found: &ComparedRuns) -> Curves {
        let curve = |(place, listed): (usize, &ListedRun)| {
            let run = &listed.run;
            Curve {
                run: run.id.0,
                name: run.name.clone(),
                style: RunStyle::at(place),
                seed: run.spec.seed,
                steps_per_epoch: run.started.as_ref().map_or(0, |started| started.steps_per_epoch),
                live: run.state.is_active(),
                offset: run.journal_offset,
            }
        };
        let ids = found.ids();
        let group = |members: Vec<usize>| members.into_iter().map(|at| ids[at].0).collect();
        Curves {
            runs: found.runs.iter().enumerate().map(curve).collect(),
            seeds: found.seeds().into_iter().map(group).collect(),
        }
    }

    /// For the script.
    pub(crate) fn runs_json(&self) -> String {
        serde_json::to_string(&self.runs).expect("texts and numbers can be written as JSON")
    }

    /// For the script.
    pub(crate) fn seeds_json(&self) -> String {
        serde_json::to_string(&self.seeds).expect("numbers can be written as JSON")
    }

    /// Whether a mean over seeds can be drawn.
    pub(crate) fn has_seeds(&self) -> bool {
        !self.seeds.is_empty()
    }
}
