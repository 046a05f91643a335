//! `/runs`: runs to compare, in a table that is sorted, filtered and grouped by its address. What is done with several is in `run_selected.rs`.

use super::format::{self, link};
use super::frame::{Frame, Section, page};
use super::run_differences::{Origin, from_defaults};
use super::run_view::RunView;
use crate::domain::dataset::DatasetFacts;
use crate::domain::ids::{DatasetId, RunId};
use crate::domain::run::RunState;
use crate::store::run_list::{RunSelection, UnreadableRun};
use crate::store::runs::Run;
use crate::web::api::{dataset_facts, find_dataset};
use crate::web::run_query::{COLUMNS, RunQuery, model, precision};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
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
        if self.view.is_from_events() {
            return self.view.progress();
        }
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
        let differences = match view.is_from_events() {
            true => String::new(),
            false => differences(app, &view.run, origin, &mut facts).await?,
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

/// What makes a run differ from the one that it was cloned from, or from the defaults.
async fn differences(
    app: &AppState,
    run: &Run,
    origin: Option<&Origin>,
    facts: &mut HashMap<DatasetId, DatasetFacts>,
) -> Result<String> {
    let facts = match facts.entry(run.dataset_id) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => {
            let dataset = find_dataset(app, run.dataset_id.0).await?;
            entry.insert(dataset_facts(app, &dataset).await?)
        }
    };
    Ok(match origin {
        Some(origin) => origin.line(run, facts, &app.data),
        None => from_defaults(run, facts, &app.data),
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
    let of_settings =
        ["learning_rate", "batch_size", "image_size", "epochs", "version", "precision", "seed", "speed"];
    if view.is_from_events() && of_settings.contains(&column) {
        return "–".to_owned();
    }
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
