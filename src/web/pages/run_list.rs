//! `/runs`: runs to compare, in a table that is sorted, filtered and grouped by its address; and what is done with several.

use super::format::{self, link};
use super::frame::{Frame, Section, page};
use super::run_differences::{Origin, from_defaults};
use super::run_view::RunView;
use crate::actions::runs as actions;
use crate::domain::dataset::DatasetFacts;
use crate::domain::ids::{DatasetId, RunId};
use crate::domain::run::RunState;
use crate::store::datasets::Dataset;
use crate::store::run_list::{RunSelection, UnreadableRun};
use crate::store::runs::Run;
use crate::web::api::find_dataset;
use crate::web::run_query::{COLUMNS, RunQuery, model, precision};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Runs on one page of the list.
const PAGE: usize = 100;
/// Columns that are shown unless others are chosen.
const USUAL: [&str; 8] =
    ["state", "dataset", "model", "val_accuracy", "test_accuracy", "trend", "time", "created"];

#[derive(Template)]
#[template(path = "runs/list.html")]
struct List {
    frame: Frame,
    query: RunQuery,
    groups: Vec<Group>,
    unreadable: Vec<UnreadableRun>,
    /// All that there are, and those that fit the query.
    total: usize,
    fitting: usize,
    datasets: BTreeSet<String>,
    models: BTreeSet<String>,
    tags: Vec<String>,
}

/// Runs under one heading.
struct Group {
    /// The data set, where the list is grouped.
    dataset: Option<String>,
    runs: Vec<Listed>,
}

/// A run of the list.
struct Listed {
    view: RunView,
    /// What tells it from the run that it was cloned from, or from the defaults.
    differences: String,
}

impl Listed {
    /// `data version 2 · from #3: Epochs 20 → 5`.
    fn line(&self) -> String {
        format!("data version {} · {}", self.view.run.dataset_version, self.differences)
    }
}

/// The head of a column.
struct Head {
    label: &'static str,
    /// Sorts by it, or the other way round.
    href: String,
    /// `ascending` or `descending` where the list is sorted by it.
    sorted: Option<&'static str>,
    is_figure: bool,
}

impl Head {
    fn arrow(&self) -> Option<&'static str> {
        self.sorted.map(|order| if order == "ascending" { "▲" } else { "▼" })
    }
}

/// A cell of a run's row.
struct Cell {
    column: &'static str,
    label: &'static str,
    text: String,
    is_figure: bool,
}

/// The table alone, for a list that is open.
#[derive(Template)]
#[template(path = "runs/list_table.html")]
struct Table(List);

impl std::ops::Deref for Table {
    type Target = List;

    fn deref(&self) -> &List {
        &self.0
    }
}

/// `/runs`.
pub(crate) async fn list(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Response> {
    page(&load(&app, text).await?)
}

/// `/live/run-list`: its table, by the same query.
pub(crate) async fn table(State(app): State<AppState>, RawQuery(text): RawQuery) -> Result<Response> {
    page(&Table(load(&app, text).await?))
}

async fn load(app: &AppState, text: Option<String>) -> Result<List> {
    let query = RunQuery::read(&text.unwrap_or_default())?;
    let all = app.store.list_run_rows(RunSelection::All).await?;
    let total = all.runs.len() + all.unreadable.len();
    let datasets = all.runs.iter().map(|listed| listed.dataset.clone()).collect();
    let models = all.runs.iter().map(|listed| model(&listed.run)).collect();
    let wanted: HashSet<RunId> = all.runs.iter().filter_map(|listed| listed.cloned_from).collect();
    let origins: HashMap<RunId, Origin> = (all.runs.iter().map(|listed| &listed.run))
        .filter(|run| wanted.contains(&run.id))
        .map(|run| (run.id, Origin::of(run)))
        .collect();
    let mut facts: HashMap<DatasetId, DatasetFacts> = HashMap::new();
    let unreadable = if query.is_filtered() { Vec::new() } else { all.unreadable };
    let runs = query.apply(all.runs);
    let fitting = runs.len();
    let mut groups: Vec<Group> = Vec::new();
    for listed in runs.into_iter().skip((query.page - 1) * PAGE).take(PAGE) {
        let origin = listed.cloned_from.and_then(|id| origins.get(&id));
        let view = RunView::new(listed);
        let facts = match facts.entry(view.run.dataset_id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let dataset = find_dataset(app, view.run.dataset_id.0).await?;
                entry.insert(app.store.dataset_facts(&dataset).await?)
            }
        };
        let differences = match origin {
            Some(origin) => origin.line(&view.run, facts),
            None => from_defaults(&view.run, facts),
        };
        let dataset = query.grouped.then(|| view.dataset.clone());
        let listed = Listed { view, differences };
        match groups.last_mut() {
            Some(group) if group.dataset == dataset => group.runs.push(listed),
            _ => groups.push(Group { dataset, runs: vec![listed] }),
        }
    }
    Ok(List {
        frame: Frame::load(app, "Runs", &[]).await?.in_section(Section::Runs),
        tags: app.store.list_run_tags().await?,
        query,
        groups,
        unreadable,
        total,
        fitting,
        datasets,
        models,
    })
}

impl List {
    /// The list by another query.
    fn address(&self, change: impl FnOnce(&mut RunQuery)) -> String {
        let mut query = self.query.clone();
        query.page = 1;
        change(&mut query);
        let pairs = query.pairs();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        link("/runs", &pairs)
    }

    /// Columns beside the name: word, head, whether it is shown.
    fn columns(&self) -> Vec<(&'static str, &'static str, bool)> {
        let chosen = |name: &str| match self.query.columns.is_empty() {
            true => USUAL.contains(&name),
            false => self.query.columns.iter().any(|column| column == name),
        };
        COLUMNS
            .iter()
            .filter(|(name, _)| *name != "name")
            .map(|(name, label)| (*name, *label, chosen(name)))
            .collect()
    }

    fn shown_columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.columns().into_iter().filter(|(.., shown)| *shown).map(|(name, label, _)| (name, label))
    }

    fn heads(&self) -> Vec<Head> {
        std::iter::once(("name", "Run"))
            .chain(self.shown_columns())
            .map(|(name, label)| self.head(name, label))
            .collect()
    }

    fn head(&self, name: &'static str, label: &'static str) -> Head {
        let is_figure = is_figure(name);
        let is_sorted = self.query.sort == name;
        // Of figures the greatest is looked for first.
        let descending = if is_sorted { !self.query.descending } else { is_figure || name == "created" };
        let sorted = is_sorted.then_some(if self.query.descending { "descending" } else { "ascending" });
        let href = self.address(|query| {
            query.sort = name.to_owned();
            query.descending = descending;
        });
        Head { label, href, sorted, is_figure }
    }

    fn cells(&self, view: &RunView) -> Vec<Cell> {
        self.shown_columns()
            .map(|(column, label)| Cell {
                column,
                label,
                text: cell_text(view, column),
                is_figure: is_figure(column),
            })
            .collect()
    }

    fn width(&self) -> usize {
        self.shown_columns().count() + 3
    }

    fn states(&self) -> [&'static str; 7] {
        RunState::ALL.map(RunState::as_str)
    }

    /// `12 of 40 runs`.
    fn summary(&self) -> String {
        let shown = self.fitting + self.unreadable.len();
        let all = format::counted(self.total, "run", "runs");
        if shown == self.total { all } else { format!("{shown} of {all}") }
    }

    /// Where the list goes on.
    fn more(&self) -> Option<String> {
        let next = self.query.page + 1;
        (self.query.page * PAGE < self.fitting).then(|| self.address(|query| query.page = next))
    }

    /// Where the list began.
    fn before(&self) -> Option<String> {
        let page = self.query.page - 1;
        (page > 0).then(|| self.address(|query| query.page = page))
    }

    fn without_filter(&self) -> String {
        self.address(|query| {
            *query = RunQuery {
                sort: query.sort.clone(),
                descending: query.descending,
                page: 1,
                columns: query.columns.clone(),
                ..RunQuery::default()
            };
        })
    }

    fn live_address(&self) -> String {
        self.here().replacen("/runs", "/live/run-list", 1)
    }

    /// The address of a row's button, which leads back to this list.
    fn row_action(&self, view: &RunView, verb: &str) -> String {
        link(&view.at(verb), &[("back", &self.here())])
    }

    fn here(&self) -> String {
        self.address(|query| query.page = self.query.page)
    }
}

fn is_figure(column: &str) -> bool {
    [
        "val_accuracy",
        "test_accuracy",
        "learning_rate",
        "batch_size",
        "image_size",
        "epochs",
        "version",
        "seed",
        "speed",
    ]
    .contains(&column)
}

fn cell_text(view: &RunView, column: &str) -> String {
    let run = &view.run;
    match column {
        "dataset" => view.dataset.clone(),
        "model" => view.model(),
        "val_accuracy" => view.percent("best/val/accuracy"),
        "test_accuracy" => view.percent("test/accuracy"),
        "time" => view.time(),
        "created" => view.created(),
        "learning_rate" => format!("{}", run.spec.learning_rate),
        "batch_size" => run.spec.batch_size.to_string(),
        "image_size" => format!("{} px", run.spec.image_size),
        "epochs" => run.spec.epochs.to_string(),
        "version" => run.dataset_version.to_string(),
        "precision" => precision(run).to_owned(),
        "seed" => run.spec.seed.to_string(),
        "speed" => view.number("images_per_second/median"),
        "note" => run.note.clone(),
        _ => String::new(),
    }
}

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
    fn read(text: &[u8]) -> Selected {
        let mut selected = Selected::default();
        for (key, value) in form_urlencoded::parse(text) {
            match key.as_ref() {
                "id" => selected.ids.extend(value.parse().ok().map(RunId)),
                "action" => selected.action = value.into_owned(),
                "tag" => selected.tag = value.into_owned(),
                "back" => selected.back = value.into_owned(),
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
pub(crate) async fn act_on_selected(State(app): State<AppState>, body: Bytes) -> Result<Response> {
    let selected = Selected::read(&body);
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
    let selected = Selected::read(text.unwrap_or_default().as_bytes());
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
        let back = |text: &str| Selected::read(text.as_bytes()).back().to_owned();
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
