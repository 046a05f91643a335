//! What stands at the top of every page of a data set: its name, its counts, and the pages as tabs.

use super::format::{counted, thousands};
use crate::domain::dataset::ClassCount;
use crate::domain::health::Marks;
use crate::store::datasets::Dataset;
use crate::web::{AppState, Result};

/// The pages of a data set: word, label, end of the address.
const TABS: [(&str, &str, &str); 7] = [
    ("images", "Images", ""),
    ("overview", "Overview", "/overview"),
    ("health", "Health", "/health"),
    ("lab", "Loading lab", "/lab"),
    ("versions", "Versions", "/versions"),
    ("skipped", "Skipped files", "/skipped"),
    ("runs", "Runs", "/runs"),
];

/// The head of one page.
pub(crate) struct DatasetHead {
    pub(crate) name: String,
    /// `1,000 images in 2 classes`.
    pub(crate) summary: String,
    pub(crate) href: String,
    pub(crate) new_run: String,
    pub(crate) tabs: Vec<Tab>,
    /// What needs a look before something is learned.
    pub(crate) marks: Marks,
}

/// A page of the data set.
pub(crate) struct Tab {
    pub(crate) label: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
    /// How many are on it, where that is worth saying.
    pub(crate) count: Option<String>,
    /// Why it wants attention.
    pub(crate) mark: Option<String>,
}

impl DatasetHead {
    /// The head of a data set's page `current`.
    pub(crate) async fn load(app: &AppState, dataset: &Dataset, current: &str) -> Result<DatasetHead> {
        let classes = app.store.list_class_counts(dataset.id).await?;
        let marks = app.health.marks(dataset.id).await?;
        let skipped = app.store.count_rejected(dataset.id).await?;
        let runs = app.store.count_runs_of(dataset.id).await?;
        let href = format!("/datasets/{}", dataset.id);
        let tabs = TABS.into_iter().map(|(word, label, end)| Tab {
            label,
            href: format!("{href}{end}"),
            current: word == current,
            count: match word {
                "skipped" if skipped > 0 => Some(thousands(skipped)),
                "runs" if runs > 0 => Some(thousands(runs)),
                _ => None,
            },
            mark: (word == "health" && marks.count() > 0).then(|| marks.sentences().join(" ")),
        });
        let total: u64 = classes.iter().map(ClassCount::total).sum();
        Ok(DatasetHead {
            name: dataset.name.clone(),
            summary: format!(
                "{} in {}",
                counted(total, "image", "images"),
                counted(classes.len(), "class", "classes")
            ),
            new_run: format!("/runs/new?dataset={}", dataset.id),
            tabs: tabs.collect(),
            href,
            marks,
        })
    }
}
