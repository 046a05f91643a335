//! A data set's gallery: what its address says in words, and the tiles that fit.

use super::format::{link, range_label};
use super::gallery::{Tile, class_color};
use crate::domain::dataset::{ClassCount, class_of};
use crate::domain::measure::Range;
use crate::store::datasets::Dataset;
use crate::store::samples::Sample;
use crate::web::api::samples::GalleryQuery;
use crate::web::{AppState, Result};

/// Images that a gallery brings at a time.
const PAGE_TILES: i64 = 60;

/// For people.
impl GalleryQuery {
    /// What is filtered, with the same page without it.
    pub(crate) fn chips(&self, path: &str) -> Vec<(String, String)> {
        let chips = [
            ("class", self.class.clone()),
            ("split", self.split.clone()),
            ("issue", self.issue.replace('_', " ")),
            ("metadata", self.metadata.replacen('=', ": ", 1)),
            ("range", Range::from_text(&self.range).map_or_else(String::new, range_label)),
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
    pub(crate) fn with(&self, path: &str, key: &str, value: &str) -> String {
        let pairs = self.pairs().map(|(name, kept)| (name, if name == key { value } else { kept }));
        link(path, &pairs)
    }
}

/// A page of a gallery.
pub(crate) struct Shown {
    pub(crate) tiles: Vec<Tile>,
    pub(crate) next: Option<String>,
    /// Images that fit the filter.
    pub(crate) total: i64,
}

impl Shown {
    pub(crate) async fn load(app: &AppState, dataset: &Dataset, query: &GalleryQuery) -> Result<Shown> {
        let classes = &app.store.list_classes(dataset.id).await?;
        let filter = query.filter(app, dataset, classes).await?;
        let (order, descending, after) = (query.order()?, !query.descending.is_empty(), query.cursor()?);
        let store = &app.store;
        let mut listed =
            store.list_samples_page(dataset.id, &filter, order, descending, after, PAGE_TILES + 1).await?;
        let more = listed.len() as i64 > PAGE_TILES;
        listed.truncate(PAGE_TILES as usize);
        let path = format!("/datasets/{}", dataset.id);
        let next = listed.last().filter(|_| more).map(|last| {
            let after = last.cursor().to_text();
            let mut pairs = query.pairs().to_vec();
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
pub(crate) fn tile(sample: &Sample, classes: &[ClassCount]) -> Tile {
    let class = class_of(sample.label, classes).to_owned();
    Tile {
        href: format!("/datasets/{}/samples/{}", sample.dataset_id, sample.id),
        id: sample.id.0,
        sample: Some(sample.id.0),
        hash: sample.hash.clone(),
        width: sample.width,
        height: sample.height,
        alt: format!("{class}: {}", sample.path),
        caption: class,
        colour: Some(class_color(usize::try_from(sample.label).unwrap_or(0))),
        ..Tile::default()
    }
}
