//! `/datasets/{id}/versions`: what became of a data set, step by step.

use super::dataset_head::DatasetHead;
use super::edit_bar::{Done, Flash};
use super::format::{self, ago, counted, run_title};
use super::frame::{Frame, page};
use super::gallery::Tile;
use crate::actions::versions;
use crate::domain::edits::{History, change_words};
use crate::export::ManifestFormat;
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::store::versions::{Change, Version};
use crate::web::api::find_dataset;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Changed samples that a page shows.
const SHOWN: i64 = 600;

#[derive(Template)]
#[template(path = "datasets/versions.html")]
struct List {
    frame: Frame,
    head: DatasetHead,
    dataset: Dataset,
    /// Newest first.
    rows: Vec<VersionRow>,
    done: Option<Done>,
    /// The version that *undo* takes back.
    undo: Option<i64>,
    /// The undo that *redo* takes back.
    redo: Option<i64>,
}

/// A version in the list.
struct VersionRow {
    version: Version,
    when: String,
    /// Runs that learned from it.
    runs: Vec<(String, String)>,
    undone: bool,
    is_newest: bool,
}

impl VersionRow {
    fn changed(&self) -> String {
        match self.version.changed {
            0 => "–".to_owned(),
            count => counted(count, "image", "images"),
        }
    }
}

/// What a manifest's links end in.
fn endings() -> [&'static str; 3] {
    ManifestFormat::ALL.map(ManifestFormat::ending)
}

impl List {
    fn endings(&self) -> [&'static str; 3] {
        endings()
    }
}

pub(crate) async fn list(State(app): State<AppState>, Path(id): Path<i64>, flash: Flash) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let versions = app.store.list_versions(dataset.id).await?;
    let runs = app.store.list_runs_of(dataset.id).await?;
    let history = History::new(versions.iter().map(|version| (version.number, version.undoes)));
    let newest = versions.last().map_or(0, |version| version.number);
    let rows = versions.into_iter().rev().map(|version| VersionRow {
        when: ago(version.created_at_ms),
        runs: runs_of(&runs, version.number),
        undone: history.is_undone(version.number),
        is_newest: version.number == newest,
        version,
    });
    page(&List {
        frame: frame(&app, "Versions", &dataset, &[]).await?,
        head: DatasetHead::load(&app, &dataset, "versions").await?,
        done: Done::load(&app, &dataset, &flash, &format!("/datasets/{id}/versions")).await?,
        rows: rows.collect(),
        undo: history.to_undo(),
        redo: history.to_redo(),
        dataset,
    })
}

fn runs_of(runs: &[Run], version: i64) -> Vec<(String, String)> {
    let used = runs.iter().filter(|run| run.dataset_version == version);
    used.map(|run| (run_title(run.id, &run.name), format!("/runs/{}", run.id))).collect()
}

async fn frame(app: &AppState, title: &str, dataset: &Dataset, more: &[(&str, &str)]) -> Result<Frame> {
    let href = format!("/datasets/{}", dataset.id);
    let mut crumbs = vec![("Data sets", "/datasets"), (dataset.name.as_str(), href.as_str())];
    crumbs.extend_from_slice(more);
    Frame::load(app, title, &crumbs).await
}

#[derive(Template)]
#[template(path = "datasets/version.html")]
struct One {
    frame: Frame,
    head: DatasetHead,
    version: Version,
    when: String,
    newest: i64,
    runs: Vec<(String, String)>,
    /// What this version did.
    own: Vec<ChangeGroup>,
    /// What has changed since.
    since: Vec<ChangeGroup>,
    /// Whether only the first of the changed samples are shown.
    cut: bool,
    can_undo: bool,
}

/// Samples that changed alike.
struct ChangeGroup {
    words: String,
    tiles: Vec<Tile>,
}

impl One {
    fn href(&self, number: impl std::fmt::Display) -> String {
        format!("{}/versions/{number}", self.head.href)
    }

    fn previous(&self) -> Option<i64> {
        Some(self.version.number - 1).filter(|number| *number >= 1)
    }

    fn next(&self) -> Option<i64> {
        Some(self.version.number + 1).filter(|number| *number <= self.newest)
    }

    fn endings(&self) -> [&'static str; 3] {
        endings()
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let version = versions::find(&app.store, &dataset, number).await?;
    let newest = app.store.newest_version(dataset.id).await?;
    let names: BTreeMap<i64, String> =
        app.store.class_names_at(dataset.id, number).await?.into_iter().collect();
    let own = app.store.list_changes(dataset.id, number, SHOWN).await?;
    let since = app.store.list_changes_between(dataset.id, (number, newest), SHOWN).await?;
    let versions = app.store.list_versions(dataset.id).await?;
    let history = History::new(versions.iter().map(|version| (version.number, version.undoes)));
    let list = format!("/datasets/{}/versions", dataset.id);
    page(&One {
        frame: frame(&app, &format!("Version {number}"), &dataset, &[("Versions", &list)]).await?,
        head: DatasetHead::load(&app, &dataset, "versions").await?,
        when: ago(version.created_at_ms),
        runs: runs_of(&app.store.list_runs_of(dataset.id).await?, number),
        cut: own.len() as i64 == SHOWN || since.len() as i64 == SHOWN,
        own: by_change(own, &names, &dataset),
        since: by_change(since, &names, &dataset),
        can_undo: history.to_undo() == Some(number),
        newest,
        version,
    })
}

/// Which two versions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompareQuery {
    from: i64,
    to: i64,
}

#[derive(Template)]
#[template(path = "datasets/compare.html")]
struct Comparison {
    frame: Frame,
    head: DatasetHead,
    older: Version,
    newer: Version,
    /// To choose from, newest first.
    versions: Vec<(i64, String)>,
    /// Classes that have another name: before, after.
    renames: Vec<(String, String)>,
    groups: Vec<ChangeGroup>,
    cut: bool,
}

impl Comparison {
    /// The fields of the form, with what is chosen.
    fn sides(&self) -> [(&'static str, &'static str, i64); 2] {
        [("from", "From", self.older.number), ("to", "To", self.newer.number)]
    }
}

/// `…/versions/compare?from=2&to=5`: the images that differ between two versions, from the older to the newer.
pub(crate) async fn compare(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<CompareQuery>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let older = versions::find(&app.store, &dataset, query.from.min(query.to)).await?;
    let newer = versions::find(&app.store, &dataset, query.from.max(query.to)).await?;
    let before: BTreeMap<i64, String> =
        app.store.class_names_at(dataset.id, older.number).await?.into_iter().collect();
    let after: BTreeMap<i64, String> =
        app.store.class_names_at(dataset.id, newer.number).await?.into_iter().collect();
    let changes = app.store.list_changes_between(dataset.id, (older.number, newer.number), SHOWN).await?;
    let all = app.store.list_versions(dataset.id).await?;
    let list = format!("/datasets/{id}/versions");
    let title = format!("Versions {} and {}", older.number, newer.number);
    page(&Comparison {
        frame: frame(&app, &title, &dataset, &[("Versions", &list)]).await?,
        head: DatasetHead::load(&app, &dataset, "versions").await?,
        versions: all.iter().rev().map(|version| (version.number, version.words())).collect(),
        renames: before
            .iter()
            .filter_map(|(label, name)| {
                let now = after.get(label).filter(|now| *now != name)?;
                Some((name.clone(), now.clone()))
            })
            .collect(),
        cut: changes.len() as i64 == SHOWN,
        groups: by_change(changes, &after, &dataset),
        older,
        newer,
    })
}

/// Groups changes by what they are, in words: `cat → dog`, `val → train`, `excluded`; the largest group first.
fn by_change(changes: Vec<Change>, names: &BTreeMap<i64, String>, dataset: &Dataset) -> Vec<ChangeGroup> {
    let mut kinds: HashMap<String, Vec<Tile>> = HashMap::new();
    for change in changes {
        let name = |label: i64| names.get(&label).map_or("?", String::as_str).to_owned();
        let words = change_words(change.before, change.after, name);
        let tile = Tile {
            href: format!("/datasets/{}/samples/{}", dataset.id, change.sample),
            id: change.sample.0,
            alt: format!("{}: {}", name(change.after.label), change.path),
            caption: name(change.after.label),
            hash: change.hash,
            width: change.width,
            height: change.height,
            ..Tile::default()
        };
        kinds.entry(words).or_default().push(tile);
    }
    let mut kinds: Vec<ChangeGroup> =
        kinds.into_iter().map(|(words, tiles)| ChangeGroup { words, tiles }).collect();
    kinds.sort_by(|a, b| b.tiles.len().cmp(&a.tiles.len()).then_with(|| a.words.cmp(&b.words)));
    kinds
}
