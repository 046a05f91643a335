//! Sets of copies, a page at a time, with what can be done about each.

use super::super::format::link;
use super::super::gallery::Tile;
use super::super::samples_view::tile;
use super::HealthQuery;
use crate::domain::dataset::ClassCount;
use crate::domain::edits::split_title;
use crate::domain::health::{Group, IssueKind, Report};
use crate::domain::ids::SampleId;
use crate::store::datasets::Dataset;
use crate::web::{AppState, Result};

/// Sets on the page at a time.
const SHOWN: usize = 24;
/// Members of a set that are shown.
const MEMBERS: usize = 8;
/// In a larger set nobody chooses the copy that stays one by one.
const MOST_TO_CHOOSE_FROM: usize = 60;
/// Similarities to choose from.
const SIMILARITIES: [&str; 4] = ["0.98", "0.99", "0.995", "0.999"];

/// The sets of one kind.
pub(super) struct Sets {
    pub(super) shown: Vec<Set>,
    /// Label, address, how many, whether it is chosen; none without any.
    pub(super) tabs: Vec<(&'static str, String, usize, bool)>,
    pub(super) next: Option<String>,
    /// Word and whether it is chosen; none where no near-duplicates are on the list.
    pub(super) similarities: Vec<(&'static str, bool)>,
    pub(super) duplicates: String,
    pub(super) csv: String,
    /// Of all kinds.
    pub(super) total: usize,
}

/// A set of copies.
pub(super) struct Set {
    /// The word that it is ignored by.
    pub(super) finding: String,
    pub(super) words: String,
    pub(super) serious: bool,
    pub(super) tiles: Vec<Tile>,
    /// For each tile the samples that go if it is the one to stay; none where there are too many.
    pub(super) others: Vec<Vec<i64>>,
    pub(super) more: usize,
}

impl Set {
    /// The tiles, each with what goes if it stays.
    pub(super) fn members(&self) -> impl Iterator<Item = (&Tile, &[i64])> {
        let none: &[i64] = &[];
        let others = self.others.iter().map(Vec::as_slice).chain(std::iter::repeat(none));
        self.tiles.iter().zip(others)
    }
}

impl Sets {
    pub(super) async fn load(
        app: &AppState,
        dataset: &Dataset,
        report: &Report,
        classes: &[ClassCount],
        query: &HealthQuery,
    ) -> Result<Sets> {
        let least: f64 = query.similarity.parse().unwrap_or(0.0);
        let wanted: Vec<&Group> = report
            .groups
            .iter()
            .filter(|group| fits(group, &query.duplicates) && group.score >= least)
            .collect();
        let mut shown = Vec::new();
        for group in wanted.iter().skip(query.from).take(SHOWN) {
            shown.push(set(app, group, classes).await?);
        }
        let base = format!("/datasets/{}/health", dataset.id);
        let next = (query.from < wanted.len().saturating_sub(SHOWN)).then(|| {
            let from = (query.from + SHOWN).to_string();
            let pairs = [
                ("duplicates", query.duplicates.as_str()),
                ("similarity", &query.similarity),
                ("from", &from),
            ];
            link(&base, &pairs) + "#duplicates"
        });
        let tabs = [
            ("all", ""),
            ("across splits", "across_splits"),
            ("across classes", "across_classes"),
            ("exact", "exact_duplicate"),
            ("near", "near_duplicate"),
        ];
        let tabs = tabs.into_iter().map(|(label, word)| {
            let count = report.groups.iter().filter(|group| fits(group, word)).count();
            (label, link(&base, &[("duplicates", word)]) + "#duplicates", count, word == query.duplicates)
        });
        let has_near = report
            .groups
            .iter()
            .any(|group| group.kind == IssueKind::NearDuplicate && fits(group, &query.duplicates));
        let similarities = SIMILARITIES.map(|word| (word, word == query.similarity));
        Ok(Sets {
            shown,
            tabs: tabs.filter(|(.., count, chosen)| *count > 0 || *chosen).collect(),
            next,
            similarities: if has_near { similarities.into() } else { Vec::new() },
            duplicates: query.duplicates.clone(),
            csv: format!("{base}/duplicates.csv"),
            total: report.groups.len(),
        })
    }
}

fn fits(group: &Group, word: &str) -> bool {
    match word {
        "across_classes" => group.across_classes,
        "across_splits" => group.across_splits,
        "" => true,
        word => group.kind.as_str() == word,
    }
}

pub(super) async fn set(app: &AppState, group: &Group, classes: &[ClassCount]) -> Result<Set> {
    let first: Vec<SampleId> = group.ids.iter().take(MEMBERS).copied().map(SampleId).collect();
    let samples = app.store.find_samples(&first).await?;
    let mut words = vec![match (group.same_file, group.kind) {
        (true, _) => "the same file".to_owned(),
        (false, IssueKind::ExactDuplicate) => "the same pixels".to_owned(),
        _ => format!("similarity {:.3}", group.score),
    }];
    words.push(match (group.across_classes, group.across_splits) {
        (false, false) => "within one class and split".to_owned(),
        (true, false) => "across classes: a label must be wrong".to_owned(),
        (false, true) => "across splits: leakage".to_owned(),
        (true, true) => "across classes and splits".to_owned(),
    });
    let tiles = samples.iter().map(|sample| {
        let tile = tile(sample, classes);
        let split = sample.split.parse().map_or("", split_title);
        Tile { sample: None, caption: format!("{} · {split}", tile.caption), ..tile }
    });
    let without = |kept: i64| group.ids.iter().copied().filter(|id| *id != kept).collect();
    let can_choose = group.ids.len() <= MOST_TO_CHOOSE_FROM;
    Ok(Set {
        finding: group.finding(),
        words: words.join(", "),
        serious: group.across_classes || group.across_splits,
        tiles: tiles.collect(),
        others: samples.iter().filter(|_| can_choose).map(|sample| without(sample.id.0)).collect(),
        more: group.ids.len() - samples.len(),
    })
}
