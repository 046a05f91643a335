//! `/datasets/{id}/versions`: what became of a data set, step by step; and the form by which a selection is edited.

use super::format::{self, ago, counted, link};
use super::frame::{Frame, page};
use super::gallery::Tile;
use crate::domain::edits::{SampleState, to_undo};
use crate::export::ManifestFormat;
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use crate::store::versions::{Change, Version};
use crate::web::api::find_dataset;
use crate::web::api::samples;
use crate::web::api::versions::{EditRequest, carry_out, find_version};
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use std::collections::{BTreeMap, HashMap};

/// Changed samples that a page shows.
const SHOWN: i64 = 600;

#[derive(Template)]
#[template(path = "datasets/versions.html")]
struct List {
    frame: Frame,
    dataset: Dataset,
    tab: &'static str,
    /// Newest first.
    rows: Vec<Row>,
    /// The version that *undo* takes back.
    undo: Option<i64>,
}

struct Row {
    version: Version,
    when: String,
    /// Runs that learned from it.
    runs: Vec<(String, String)>,
    undone: bool,
}

impl Row {
    fn changed(&self) -> String {
        match self.version.changed {
            0 => "–".to_owned(),
            count => counted(count, "sample", "samples"),
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

pub(crate) async fn list(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let versions = app.store.list_versions(dataset.id).await?;
    let runs = app.store.list_runs_of(dataset.id).await?;
    let numbers: Vec<(i64, Option<i64>)> =
        versions.iter().map(|version| (version.number, version.undoes)).collect();
    let undone: Vec<i64> = versions.iter().filter_map(|version| version.undoes).collect();
    let rows = versions.into_iter().rev().map(|version| Row {
        when: ago(version.created_at_ms),
        runs: runs_of(&runs, version.number),
        undone: undone.contains(&version.number),
        version,
    });
    page(&List {
        frame: frame(&app, "Versions", &dataset, &[]).await?,
        tab: "versions",
        rows: rows.collect(),
        undo: to_undo(&numbers),
        dataset,
    })
}

fn runs_of(runs: &[Run], version: i64) -> Vec<(String, String)> {
    let used = runs.iter().filter(|run| run.dataset_version == version);
    used.map(|run| (run.name.clone(), format!("/runs/{}", run.id))).collect()
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
    dataset: Dataset,
    tab: &'static str,
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
    fn endings(&self) -> [&'static str; 3] {
        endings()
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let version = find_version(&app, &dataset, number).await?;
    let newest = app.store.newest_version(dataset.id).await?;
    let names: BTreeMap<i64, String> =
        app.store.class_names_at(dataset.id, number).await?.into_iter().collect();
    let own = app.store.list_changes(dataset.id, number, SHOWN).await?;
    let since = app.store.list_changes_since(dataset.id, number, SHOWN).await?;
    let numbers: Vec<(i64, Option<i64>)> = app
        .store
        .list_versions(dataset.id)
        .await?
        .iter()
        .map(|version| (version.number, version.undoes))
        .collect();
    let list = format!("/datasets/{}/versions", dataset.id);
    page(&One {
        frame: frame(&app, &format!("Version {number}"), &dataset, &[("Versions", &list)]).await?,
        tab: "versions",
        when: ago(version.created_at_ms),
        runs: runs_of(&app.store.list_runs_of(dataset.id).await?, number),
        cut: own.len() as i64 == SHOWN || since.len() as i64 == SHOWN,
        own: by_change(own, &names, &dataset),
        since: by_change(since, &names, &dataset),
        can_undo: to_undo(&numbers) == Some(number),
        newest,
        version,
        dataset,
    })
}

/// Groups changes by what they are, in words: `cat → dog`, `val → train`, `excluded`; the largest group first.
fn by_change(changes: Vec<Change>, names: &BTreeMap<i64, String>, dataset: &Dataset) -> Vec<ChangeGroup> {
    let mut kinds: HashMap<String, Vec<Tile>> = HashMap::new();
    for change in changes {
        let name = |standing: &SampleState| names.get(&standing.label).map_or("?", String::as_str);
        let (before, after) = (&change.before, &change.after);
        let mut words = Vec::new();
        if before.label != after.label {
            words.push(format!("{} → {}", name(before), name(after)));
        }
        if before.split != after.split {
            words.push(format!("{} → {}", before.split, after.split));
        }
        match (before.excluded, after.excluded) {
            (false, true) => words.push("excluded".to_owned()),
            (true, false) => words.push("restored".to_owned()),
            _ => {}
        }
        let tile = Tile {
            href: format!("/datasets/{}/samples/{}", dataset.id, change.sample),
            sample: None,
            alt: format!("{}: {}", name(after), change.path),
            caption: name(after).to_owned(),
            hash: change.hash,
            width: change.width,
            height: change.height,
            wrong: false,
        };
        kinds.entry(words.join(", ")).or_default().push(tile);
    }
    let mut kinds: Vec<ChangeGroup> =
        kinds.into_iter().map(|(words, tiles)| ChangeGroup { words, tiles }).collect();
    kinds.sort_by(|a, b| b.tiles.len().cmp(&a.tiles.len()).then_with(|| a.words.cmp(&b.words)));
    kinds
}

/// `POST /datasets/{id}/edits`: the form of a gallery, of the health page or of a version; back to where it was, with
/// the version that it made.
pub(crate) async fn edit(State(app): State<AppState>, Path(id): Path<i64>, body: Bytes) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| {
        fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let samples = if field("all").is_empty() {
        let ids = fields.iter().filter(|(key, _)| key == "id");
        let ids = ids.map(|(_, value)| value.as_str());
        ids.map(|text| text.parse().map_err(|_| Error::field("id", format!("“{text}” is no sample"))))
            .collect::<Result<Vec<i64>>>()?
    } else {
        let query = samples::GalleryQuery {
            class: field("filter_class"),
            split: field("filter_split"),
            issue: field("filter_issue"),
            metadata: field("filter_metadata"),
            range: field("filter_range"),
            format: field("filter_format"),
            excluded: field("filter_excluded"),
            ..samples::GalleryQuery::default()
        };
        let classes = app.store.list_classes(dataset.id).await?;
        let filter = query.filter(&app, &dataset, &classes).await?;
        app.store.list_sample_ids(dataset.id, &filter).await?.into_iter().map(|id| id.0).collect()
    };
    let action = field("action");
    let needs_samples = ["relabel", "move", "exclude", "restore"].contains(&action.as_str());
    if needs_samples && samples.is_empty() {
        return Err(Error::field("id", "nothing is selected; go back and select images first"));
    }
    let note = Some(field("note")).filter(|note| !note.is_empty());
    let edit = match action.as_str() {
        "relabel" => {
            let typed = field("new_class");
            let class = if typed.is_empty() { field("class") } else { typed };
            EditRequest::Relabel { samples, class, note }
        }
        "move" => EditRequest::Move { samples, split: field("split"), note },
        "exclude" => EditRequest::Exclude { samples, note },
        "restore" => EditRequest::Restore { samples, note },
        "rename_class" => EditRequest::RenameClass { class: field("class"), name: field("name"), note },
        "drop_duplicates" => EditRequest::DropDuplicates { kind: field("kind") },
        "move_leaked" => EditRequest::MoveLeaked {},
        "undo" => EditRequest::Undo {
            version: match field("version").as_str() {
                "" => None,
                text => Some(text.parse().map_err(|_| Error::field("version", "is no number"))?),
            },
        },
        other => return Err(Error::field("action", format!("there is no action “{other}”"))),
    };
    let version = carry_out(&app, &dataset, edit).await?;
    let classes = app.store.list_classes(dataset.id).await?;
    let is_class = |name: &str| classes.iter().any(|class| class.name == name);
    Ok(Redirect::to(&back(&field("back"), &dataset, version.number, is_class)).into_response())
}

/// Where the form was, with the new version in its address; only a page of this data set is gone back to, and no
/// gallery of a class that has another name now.
fn back(address: &str, dataset: &Dataset, done: i64, is_class: impl Fn(&str) -> bool) -> String {
    let own = format!("/datasets/{}", dataset.id);
    let (path, rest) = address.split_once('?').unwrap_or((address, ""));
    let path = if path == own || path.starts_with(&format!("{own}/")) { path } else { own.as_str() };
    let kept: Vec<(String, String)> = form_urlencoded::parse(rest.as_bytes())
        .into_owned()
        .filter(|(key, value)| key != "done" && key != "after" && (key != "class" || is_class(value)))
        .collect();
    let done = done.to_string();
    let mut pairs: Vec<(&str, &str)> =
        kept.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    pairs.push(("done", &done));
    link(path, &pairs)
}
