//! Which runs a list shows, and in which order: one query for the page and the JSON.

use super::{Error, Result};
use crate::domain::run::RunState;
use crate::store::run_list::ListedRun;
use crate::store::runs::Run;
use protocol::event::Dtype;
use serde_json::Value;
use std::cmp::Ordering;

/// What a list may be sorted by: the columns of the page. The word in the address, and the column's head.
pub(crate) const COLUMNS: [(&str, &str); 19] = [
    ("name", "Run"),
    ("state", "State"),
    ("dataset", "Data set"),
    ("model", "Model"),
    ("val_accuracy", "Val. accuracy"),
    ("test_accuracy", "Test accuracy"),
    ("time", "Time"),
    ("created", "Created"),
    ("learning_rate", "Learning rate"),
    ("batch_size", "Batch size"),
    ("image_size", "Image size"),
    ("epochs", "Epochs"),
    ("version", "Data version"),
    ("precision", "Precision"),
    ("seed", "Seed"),
    ("speed", "Images/s"),
    ("tags", "Tags"),
    ("note", "Note"),
    ("trend", "Trend"),
];

/// A query, as the address has it. What is empty is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunQuery {
    /// Words that the name, the note or a tag must hold.
    pub(crate) search: String,
    pub(crate) state: String,
    /// Number or name.
    pub(crate) dataset: String,
    pub(crate) model: String,
    pub(crate) tag: String,
    pub(crate) starred: bool,
    /// Empty: those that are not archived; `only`; `all`.
    pub(crate) archived: String,
    pub(crate) sort: String,
    pub(crate) descending: bool,
    /// Columns that were chosen; empty: the usual ones.
    pub(crate) columns: Vec<String>,
    /// Under a heading a data set.
    pub(crate) grouped: bool,
    /// From 1.
    pub(crate) page: usize,
}

impl RunQuery {
    /// Reads an address's query. Words that it doesn't know are left alone, so that an old link still opens.
    pub(crate) fn read(text: &str) -> Result<RunQuery> {
        let mut query = RunQuery { page: 1, ..RunQuery::default() };
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = value.trim().to_owned();
            match key.as_ref() {
                "q" => query.search = value,
                "state" => query.state = value,
                "dataset" => query.dataset = value,
                "model" => query.model = value,
                "tag" => query.tag = value,
                "starred" => query.starred = value == "true",
                "archived" => query.archived = value,
                "sort" => query.sort = value,
                "order" => query.descending = value == "desc",
                "columns" => query.columns.extend(value.split(',').map(str::to_owned)),
                "group" => query.grouped = value == "dataset",
                "page" => query.page = value.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        if !query.state.is_empty() && RunState::from_word(&query.state).is_none() {
            let words: Vec<&str> = RunState::ALL.iter().map(|state| state.as_str()).collect();
            return Err(Error::field("state", format!("“{}” is none of {}", query.state, words.join(", "))));
        }
        if !query.sort.is_empty() && !COLUMNS.iter().any(|(name, _)| *name == query.sort) {
            let words: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
            return Err(Error::field("sort", format!("“{}” is none of {}", query.sort, words.join(", "))));
        }
        Ok(query)
    }

    /// The query as pairs for an address.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let flag = |set: bool, word: &str| if set { word.to_owned() } else { String::new() };
        let pairs = [
            ("q", self.search.clone()),
            ("state", self.state.clone()),
            ("dataset", self.dataset.clone()),
            ("model", self.model.clone()),
            ("tag", self.tag.clone()),
            ("starred", flag(self.starred, "true")),
            ("archived", self.archived.clone()),
            ("sort", self.sort.clone()),
            ("order", flag(self.descending, "desc")),
            ("columns", self.columns.join(",")),
            ("group", flag(self.grouped, "dataset")),
            ("page", if self.page > 1 { self.page.to_string() } else { String::new() }),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Whether fewer than all runs may be shown.
    pub(crate) fn is_filtered(&self) -> bool {
        let all = RunQuery {
            sort: self.sort.clone(),
            descending: self.descending,
            page: self.page,
            ..RunQuery::default()
        };
        let mut mine = self.clone();
        mine.columns.clear();
        mine.grouped = false;
        mine != all
    }

    /// Whether a run is asked for.
    pub(crate) fn holds(&self, listed: &ListedRun) -> bool {
        let run = &listed.run;
        let fits = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        let archived = match self.archived.as_str() {
            "only" => run.archived,
            "all" => true,
            _ => !run.archived,
        };
        archived
            && fits(&self.state, run.state.as_str())
            && (fits(&self.dataset, &listed.dataset) || self.dataset == run.dataset_id.to_string())
            && fits(&self.model, &model(run))
            && (self.tag.is_empty() || run.tags.contains(&self.tag))
            && (!self.starred || run.starred)
            && self.finds(run)
    }

    fn finds(&self, run: &Run) -> bool {
        let text = format!("{} {} {}", run.name, run.note, run.tags.join(" ")).to_lowercase();
        self.search.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }

    /// Leaves the runs that are asked for, in the order that is asked for; newest first where none is.
    pub(crate) fn apply(&self, runs: Vec<ListedRun>) -> Vec<ListedRun> {
        let mut runs: Vec<ListedRun> = runs.into_iter().filter(|listed| self.holds(listed)).collect();
        if !self.sort.is_empty() {
            runs.sort_by_cached_key(|listed| Keyed {
                key: sort_key(listed, &self.sort),
                descending: self.descending,
            });
        }
        if self.grouped {
            runs.sort_by(|a, b| a.dataset.cmp(&b.dataset));
        }
        runs
    }
}

/// The network's name.
pub(crate) fn model(run: &Run) -> String {
    if run.event_origin.is_some() {
        return "event files".to_owned();
    }
    match serde_json::to_value(run.spec.model) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The arithmetic that was chosen at the start.
pub(crate) fn precision(run: &Run) -> &'static str {
    match run.hello.as_ref().map(|hello| hello.precision) {
        Some(Dtype::F32) => "f32",
        Some(Dtype::Bf16) => "bf16",
        None => "",
    }
}

/// A value to sort by.
#[derive(PartialEq)]
enum SortKey {
    Text(String),
    Number(f64),
    Nothing,
}

struct Keyed {
    key: SortKey,
    descending: bool,
}

impl Ord for Keyed {
    fn cmp(&self, other: &Keyed) -> Ordering {
        let order = match (&self.key, &other.key) {
            // What has no value comes last, whichever way.
            (SortKey::Nothing, SortKey::Nothing) => return Ordering::Equal,
            (SortKey::Nothing, _) => return Ordering::Greater,
            (_, SortKey::Nothing) => return Ordering::Less,
            (SortKey::Number(a), SortKey::Number(b)) => a.total_cmp(b),
            (SortKey::Text(a), SortKey::Text(b)) => a.cmp(b),
            (SortKey::Number(_), SortKey::Text(_)) => Ordering::Less,
            (SortKey::Text(_), SortKey::Number(_)) => Ordering::Greater,
        };
        if self.descending { order.reverse() } else { order }
    }
}

impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Keyed) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Keyed) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Keyed {}

fn sort_key(listed: &ListedRun, column: &str) -> SortKey {
    let run = &listed.run;
    let figure =
        |key: &str| run.summary.get(key).copied().flatten().map_or(SortKey::Nothing, SortKey::Number);
    let text =
        |text: &str| if text.is_empty() { SortKey::Nothing } else { SortKey::Text(text.to_lowercase()) };
    match column {
        "name" => text(&run.name),
        "state" => text(run.state.as_str()),
        "dataset" => text(&listed.dataset),
        "model" => text(&model(run)),
        "val_accuracy" | "trend" => figure("best/val/accuracy"),
        "test_accuracy" => figure("test/accuracy"),
        "time" if run.worked_ms > 0 => SortKey::Number(run.worked_ms as f64),
        "created" => SortKey::Number(run.created_at_ms as f64),
        "learning_rate" => SortKey::Number(run.spec.learning_rate),
        "batch_size" => SortKey::Number(f64::from(run.spec.batch_size)),
        "image_size" => SortKey::Number(f64::from(run.spec.image_size)),
        "epochs" => SortKey::Number(f64::from(run.spec.epochs)),
        "version" => SortKey::Number(run.dataset_version as f64),
        "precision" => text(precision(run)),
        "seed" => SortKey::Number(run.spec.seed as f64),
        "speed" => figure("images_per_second/median"),
        "tags" => text(&run.tags.join(" ")),
        "note" => text(&run.note),
        _ => SortKey::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_again() {
        let text = "q=light&state=failed&starred=true&sort=val_accuracy&order=desc&columns=seed&columns=note&group=dataset&page=2";
        let query = RunQuery::read(text).unwrap();
        assert_eq!(query.columns, ["seed", "note"]);
        let mut written = form_urlencoded::Serializer::new(String::new());
        for (key, value) in query.pairs() {
            written.append_pair(key, &value);
        }
        assert_eq!(RunQuery::read(&written.finish()).unwrap(), query);
        assert!(
            query.is_filtered()
                && !RunQuery::read("sort=seed&columns=note&group=dataset").unwrap().is_filtered()
        );
        assert!(RunQuery::read("state=asleep").is_err() && RunQuery::read("sort=colour").is_err());
    }

    #[test]
    fn what_has_no_value_comes_last_in_either_order() {
        let sorted = |descending: bool| {
            let keys = [SortKey::Number(2.0), SortKey::Nothing, SortKey::Number(5.0)];
            let mut keyed: Vec<Keyed> = keys.into_iter().map(|key| Keyed { key, descending }).collect();
            keyed.sort();
            keyed
                .iter()
                .map(|keyed| if let SortKey::Number(n) = keyed.key { n } else { -1.0 })
                .collect::<Vec<_>>()
        };
        assert_eq!((sorted(false), sorted(true)), (vec![2.0, 5.0, -1.0], vec![5.0, 2.0, -1.0]));
    }
}
