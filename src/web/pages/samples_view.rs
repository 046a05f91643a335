//! A data set's gallery: what its address says in words, and the tiles that fit.

use super::gallery::Tile;
use super::words::{link, range_words};
use crate::domain::dataset::{ClassCount, class_of};
use crate::domain::measure::Range;
use crate::store::datasets::{Dataset, Sample};
use crate::web::api::samples::Asked;
use crate::web::{Result, State};

/// Pictures that a gallery brings at a time.
const PAGE_TILES: i64 = 60;

/// For people.
impl Asked {
    /// What is filtered, with the same page without it.
    pub(in crate::web) fn chips(&self, path: &str) -> Vec<(String, String)> {
        let chips = [
            ("class", self.class.clone()),
            ("split", self.split.clone()),
            ("issue", self.issue.replace('_', " ")),
            ("metadata", self.metadata.replacen('=', ": ", 1)),
            ("range", Range::from_text(&self.range).map_or_else(String::new, range_words)),
            ("format", self.format.clone()),
            ("excluded", if self.excluded.is_empty() { String::new() } else { "only".to_owned() }),
        ];
        chips
            .into_iter()
            .filter(|(_, words)| !words.is_empty())
            // A range names its figure itself.
            .map(|(key, words)| {
                (
                    if key == "range" { words } else { format!("{key}: {words}") },
                    self.with(path, key, "") + "#gallery",
                )
            })
            .collect()
    }

    /// The same gallery with one thing changed.
    pub(in crate::web) fn with(&self, path: &str, key: &str, value: &str) -> String {
        let pairs = self.pairs().map(|(name, kept)| (name, if name == key { value } else { kept }));
        link(path, &pairs)
    }
}

/// A page of a gallery.
pub(in crate::web) struct Shown {
    pub(in crate::web) tiles: Vec<Tile>,
    pub(in crate::web) next: Option<String>,
    /// Pictures that fit the filter.
    pub(in crate::web) total: i64,
}

impl Shown {
    pub(in crate::web) async fn load(state: &State, dataset: &Dataset, asked: &Asked) -> Result<Shown> {
        let classes = &state.store.list_classes(dataset.id).await?;
        let filter = asked.filter(state, dataset, classes).await?;
        let (order, descending, after) = (asked.order()?, !asked.descending.is_empty(), asked.cursor()?);
        let store = &state.store;
        let mut listed =
            store.list_samples_page(dataset.id, &filter, order, descending, after, PAGE_TILES + 1).await?;
        let more = listed.len() as i64 > PAGE_TILES;
        listed.truncate(PAGE_TILES as usize);
        let path = format!("/datasets/{}", dataset.id);
        let next = listed.last().filter(|_| more).map(|last| {
            let after = last.cursor().to_text();
            let mut pairs = asked.pairs().to_vec();
            pairs.push(("after", &after));
            link(&path, &pairs)
        });
        Ok(Shown {
            tiles: listed.iter().map(|listed| tile(&listed.sample, classes)).collect(),
            next,
            total: store.count_samples(dataset.id, &filter).await?,
        })
    }
}

/// A sample in a gallery of its data set, where it can be selected.
pub(in crate::web) fn tile(sample: &Sample, classes: &[ClassCount]) -> Tile {
    let class = class_of(sample.label, classes).to_owned();
    Tile {
        href: format!("/datasets/{}/samples/{}", sample.dataset_id, sample.id),
        sample: Some(sample.id.0),
        hash: sample.hash.clone(),
        width: sample.width,
        height: sample.height,
        alt: format!("{class}: {}", sample.path),
        caption: class,
        wrong: false,
    }
}
