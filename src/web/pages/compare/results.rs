//! The heads of the compared runs: who they are, what they came to, how they did against the first.

use super::super::format::counted;
use super::super::run_view::RunView;
use super::style::RunStyle;
use super::words;
use crate::domain::edits::split_title;
use crate::domain::ids::RunId;
use crate::store::run_list::ListedRun;
use crate::web::api::compare::found::ComparedRuns;
use crate::web::api::compare::pair::{choose_split, compare};
use crate::web::api::compare::query::CompareQuery;
use crate::web::{AppState, Result};

/// Runs that are each compared with the first; with more, a page would take long and chance would find a difference.
const MOST_AGAINST: usize = 12;

/// A run, as the table shows it.
pub(crate) struct Head {
    pub(crate) view: RunView,
    pub(crate) style: RunStyle,
    /// How it did against the first of the pair, in words.
    pub(crate) against: String,
    /// Compares it in detail with that one.
    pub(crate) against_href: String,
    /// The comparison without it, where enough would be left.
    pub(crate) without: Option<String>,
}

/// The table.
pub(crate) struct Heads {
    pub(crate) heads: Vec<Head>,
    /// The run that the others are compared with.
    pub(crate) first: Option<RunId>,
    /// Whether the runs learned from several data sets or versions.
    pub(crate) is_mixed: bool,
    /// Which runs differ by their seed alone.
    pub(crate) seeds: Vec<String>,
}

impl Heads {
    pub(crate) async fn load(app: &AppState, query: &CompareQuery, found: &ComparedRuns) -> Result<Heads> {
        let first = query.pair(&found.ids()).map(|(first, _)| first);
        let mut heads = Vec::new();
        for (place, listed) in found.runs.iter().enumerate() {
            let id = listed.run.id;
            let against = match first.and_then(|first| found.find(first)).filter(|first| first.run.id != id) {
                Some(first) if found.runs.len() <= MOST_AGAINST => against(app, first, listed, query).await?,
                _ => String::new(),
            };
            let rest: Vec<String> =
                query.runs.iter().filter(|run| **run != id).map(RunId::to_string).collect();
            heads.push(Head {
                style: RunStyle::at(place),
                against,
                against_href: first.map_or_else(String::new, |first| {
                    query.with_pair(first, id).address("/runs/compare", &[]) + "#pair"
                }),
                without: (found.runs.len() > 2)
                    .then(|| query.address("/runs/compare", &[("runs", &rest.join(",")), ("class", "")])),
                view: RunView::new(listed.clone()),
            });
        }
        let data = |listed: &ListedRun| (listed.run.dataset_id, listed.run.dataset_version);
        let is_mixed = found.runs.iter().any(|listed| data(listed) != data(&found.runs[0]));
        Ok(Heads { heads, first, is_mixed, seeds: seed_words(found) })
    }

    /// How many there are.
    pub(crate) fn summary(&self) -> String {
        counted(self.heads.len(), "run", "runs")
    }

    /// Whether any was compared with the first.
    pub(crate) fn has_against(&self) -> bool {
        self.heads.iter().any(|head| !head.against.is_empty())
    }

    /// Whether there are so many that each is not compared with the first.
    pub(crate) fn is_long(&self) -> bool {
        self.heads.len() > MOST_AGAINST
    }

    /// Whether several tests stand side by side, of which one may be rare by chance.
    pub(crate) fn has_many_tests(&self) -> bool {
        self.heads.iter().filter(|head| !head.against.is_empty()).count() > 1
    }
}

impl Head {
    /// `pets version 2`.
    pub(crate) fn data(&self) -> String {
        if self.view.is_from_events() {
            return self.view.dataset.clone();
        }
        format!("{} version {}", self.view.dataset, self.view.run.dataset_version)
    }
}

/// `+3.1 points (1.0 to 5.3), p = 0.006 on test`; a dash where the two can't be compared.
async fn against(
    app: &AppState,
    first: &ListedRun,
    second: &ListedRun,
    query: &CompareQuery,
) -> Result<String> {
    let Ok((split, splits)) = choose_split(first, second, query.split) else { return Ok("–".to_owned()) };
    let pair = compare(app, first, second, split, splits).await?;
    Ok(match words::short(pair.paired()) {
        text if text.is_empty() => "–".to_owned(),
        text => format!("{text} on {}", split_title(split)),
    })
}

/// `Runs 3, 5 and 8 differ by their seed alone: …`.
fn seed_words(found: &ComparedRuns) -> Vec<String> {
    let group = |members: Vec<usize>| {
        let runs: Vec<String> = members.iter().map(|at| found.runs[*at].run.id.to_string()).collect();
        let (last, rest) = runs.split_last().map_or(("", &[][..]), |(last, rest)| (last.as_str(), rest));
        format!(
            "Runs {} and {last} differ by their seed alone: what lies between them is chance.",
            rest.join(", ")
        )
    };
    found.seeds().into_iter().map(group).collect()
}
