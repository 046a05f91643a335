//! `/runs/compare`: several runs beside each other – results, settings, curves, classes, images. The address is the view.

pub(crate) mod churn;
mod curves;
mod pair;
mod picker;
mod results;
pub(crate) mod sample;
mod settings;
mod style;
mod tiles;
mod words;

use super::charts::{self, Chart};
use super::format::run_title;
use super::frame::{Frame, Section, page};
use crate::domain::ids::RunId;
use crate::web::api::compare::found::ComparedRuns;
use crate::web::api::compare::query::CompareQuery;
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use curves::Curves;
use pair::PairView;
use picker::Picker;
use results::Heads;
use settings::Settings;
use std::collections::BTreeSet;

#[derive(Template)]
#[template(path = "runs/compare.html")]
struct Compare {
    frame: Frame,
    results: Results,
    settings: Settings,
    charts: Vec<Chart>,
    curves: Curves,
}

/// The part that follows the runs: who they are, what they came to, how two of them compare.
struct Results {
    query: CompareQuery,
    heads: Heads,
    pair: Option<PairView>,
    /// Runs that the address names and that can't be shown, in words.
    missing: Vec<String>,
}

/// Who they are and what they came to, alone.
#[derive(Template)]
#[template(path = "runs/compare_results.html")]
struct ResultsPart {
    results: Results,
}

/// Classes and images, alone.
#[derive(Template)]
#[template(path = "runs/compare_images.html")]
struct ImagesPart {
    results: Results,
}

impl Results {
    async fn load(app: &AppState, query: CompareQuery, found: &ComparedRuns) -> Result<Results> {
        Ok(Results {
            heads: Heads::load(app, &query, found).await?,
            pair: PairView::load(app, &query, found).await?,
            missing: found.missing.iter().map(|(_, why)| why.clone()).collect(),
            query,
        })
    }

    /// Where a part is asked for when a run of it changed.
    fn live_address(&self, part: &str) -> String {
        self.query.address(&format!("/live/compare/{part}"), &[])
    }

    /// Whether there are images that both of the pair evaluated.
    fn shares_images(&self) -> bool {
        self.pair.as_ref().is_some_and(|pair| pair.why.is_none())
    }

    /// The subjects of its changes.
    fn topics(&self) -> String {
        let topics = self.query.runs.iter().map(|run| format!("run-{run} run-{run}-evaluations"));
        topics.collect::<Vec<_>>().join(" ")
    }

    /// Opens the list to choose more runs.
    fn more(&self) -> String {
        self.query.address("/runs/compare", &[("choose", "more")])
    }

    /// What the form that chooses the pair keeps.
    fn kept(&self) -> Vec<(&'static str, String)> {
        let pairs = self.query.pairs();
        let is_kept = |key: &str, value: &str| {
            !["first", "second", "class", "churn"].contains(&key) && !value.is_empty()
        };
        pairs.into_iter().filter(|(key, value)| is_kept(key, value)).collect()
    }

    /// The number of a run, its name and whether it is this one, for the fields that choose the pair.
    fn choices(&self, chosen: &RunId) -> Vec<(i64, String, bool)> {
        let choice = |head: &results::Head| {
            let run = &head.view.run;
            (run.id.0, run_title(run.id, &run.name), run.id == *chosen)
        };
        self.heads.heads.iter().map(choice).collect()
    }
}

impl Compare {
    /// Shows every setting, or what differs.
    fn settings_href(&self) -> String {
        let query = &self.results.query;
        let value = if query.all_settings { "" } else { "all" };
        query.address("/runs/compare", &[("settings", value)]) + "#settings"
    }

    fn settings_label(&self) -> String {
        match self.results.query.all_settings {
            true => "Show what differs".to_owned(),
            false => format!("Show all ({} more)", self.settings.same),
        }
    }
}

pub(crate) async fn show(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Response> {
    let text = text.unwrap_or_default();
    let query = CompareQuery::read(&text)?;
    if !query.is_canonical {
        return Ok(Redirect::to(&query.address("/runs/compare", &[])).into_response());
    }
    let found = ComparedRuns::load(&app, &query).await?;
    let wants_more =
        form_urlencoded::parse(text.as_bytes()).any(|(key, value)| key == "choose" && value == "more");
    if found.runs.len() < 2 || wants_more {
        return page(&Picker::load(&app, &query, &found).await?);
    }
    let title = match found.runs.len() {
        2 => format!("Runs {} and {}", found.runs[0].run.id, found.runs[1].run.id),
        count => format!("{count} runs"),
    };
    let mut of_events = BTreeSet::new();
    for listed in found.runs.iter().filter(|listed| listed.run.event_origin.is_some()) {
        of_events.extend(app.store.list_series_keys(listed.run.id).await?);
    }
    page(&Compare {
        frame: Frame::load(&app, format!("Compare {}", title.to_lowercase()), &[("Runs", "/runs")])
            .await?
            .in_section(Section::Runs),
        settings: Settings::load(&app, &found.runs, query.all_settings).await?,
        charts: charts::of_comparison_with(of_events),
        curves: Curves::new(&found),
        results: Results::load(&app, query, &found).await?,
    })
}

/// `/live/compare/results`: the part that says who the runs are and what they came to.
pub(crate) async fn results(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Response> {
    page(&ResultsPart { results: load_results(&app, text).await? })
}

/// `/live/compare/images`: classes and images on which two of them differ.
pub(crate) async fn images(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Response> {
    page(&ImagesPart { results: load_results(&app, text).await? })
}

async fn load_results(app: &AppState, text: Option<String>) -> Result<Results> {
    let query = CompareQuery::read(&text.unwrap_or_default())?;
    let found = ComparedRuns::load(app, &query).await?;
    Results::load(app, query, &found).await
}
