//! A data set's gallery: what its address says in words, and the tiles that fit.

use super::format::{link, measured, range_label};
use super::gallery::{Tile, class_color};
use crate::domain::dataset::{ClassCount, class_of};
use crate::domain::edits::split_title;
use crate::domain::ids::SampleId;
use crate::domain::measure::{Measure, Range};
use crate::domain::metadata::MetadataFilter;
use crate::store::datasets::Dataset;
use crate::store::samples::{Gallery, Listed, Sample, SampleOrder};
use crate::web::api::samples::GalleryQuery;
use crate::web::{AppState, Result};
use protocol::sample::Split;

/// Images that a gallery brings at a time.
const PAGE_TILES: i64 = 60;
/// Up to so far from its start a gallery that leads back to a tile begins at its start.
const FROM_START: i64 = 600;

/// What a gallery can be ordered by: word and title.
const ORDERS: [(&str, &str); 14] = [
    ("", "As imported"),
    ("-number", "Last imported first"),
    ("brightness", "Darkest first"),
    ("-brightness", "Brightest first"),
    ("contrast", "Lowest contrast first"),
    ("-contrast", "Highest contrast first"),
    ("sharpness", "Blurriest first"),
    ("-sharpness", "Sharpest first"),
    ("-bytes", "Largest file first"),
    ("bytes", "Smallest file first"),
    ("-pixels", "Most pixels first"),
    ("pixels", "Fewest pixels first"),
    ("-aspect", "Widest first"),
    ("aspect", "Tallest first"),
];

/// A filter that is on, as words, with the same gallery without it.
pub(crate) struct Chip {
    pub(crate) words: String,
    pub(crate) href: String,
}

/// For people.
impl GalleryQuery {
    /// What is filtered.
    pub(crate) fn chips(&self, path: &str) -> Vec<Chip> {
        let chip = |(key, value): (&'static str, String)| {
            let words = match key {
                "class" => format!("class: {value}"),
                "not" => format!("not {value}"),
                "split" => {
                    value.parse::<Split>().map_or(value.clone(), |split| split_title(split).to_owned())
                }
                "q" => format!("file name: {value}"),
                "issue" => issue_words(&value),
                "metadata" => MetadataFilter::from_text(&value)?.words(),
                "range" => range_label(Range::from_text(&value)?),
                "format" => format!("file type: {value}"),
                "excluded" => "excluded images".to_owned(),
                _ => return None,
            };
            Some(Chip { words, href: self.without(path, key, &value) })
        };
        self.pairs().into_iter().filter_map(chip).collect()
    }

    /// What is filtered, and the order where one was chosen.
    pub(crate) fn words(&self) -> Vec<String> {
        let order = self.orders().into_iter().find(|(word, _, chosen)| *chosen && !word.is_empty());
        let filters = self.chips("").into_iter().map(|chip| chip.words);
        filters.chain(order.map(|(_, title, _)| title.to_lowercase())).collect()
    }

    /// The same gallery.
    pub(crate) fn href(&self, path: &str) -> String {
        address(path, &self.pairs())
    }

    /// The same gallery with one thing changed; nothing in place of the value takes it away.
    pub(crate) fn with(&self, path: &str, key: &'static str, value: &str) -> String {
        let mut pairs = self.pairs();
        pairs.retain(|(name, _)| *name != key);
        pairs.push((key, value.to_owned()));
        address(path, &pairs)
    }

    /// The same gallery without one condition.
    pub(crate) fn without(&self, path: &str, key: &str, value: &str) -> String {
        let mut pairs = self.pairs();
        pairs.retain(|(name, other)| *name != key || other != value);
        address(path, &pairs)
    }

    /// The same gallery of all classes.
    pub(crate) fn of_all_classes(&self) -> GalleryQuery {
        GalleryQuery { class: Vec::new(), not: Vec::new(), ..self.clone() }
    }

    /// Without the order: what an edit of all that match is about.
    pub(crate) fn selection(&self) -> String {
        let query = GalleryQuery { order: String::new(), ..self.clone() };
        query.href("").trim_start_matches('?').to_owned()
    }

    /// Everything but some keys, for the hidden fields of a form that sets those.
    pub(crate) fn pairs_but(&self, keys: &[&str]) -> Vec<(&'static str, String)> {
        let mut pairs = self.pairs();
        pairs.retain(|(key, _)| !keys.contains(key));
        pairs
    }

    /// Word, title and whether it is chosen, of everything that the gallery can be ordered by.
    pub(crate) fn orders(&self) -> Vec<(String, &'static str, bool)> {
        let mut orders: Vec<_> =
            ORDERS.map(|(word, title)| (word.to_owned(), title, word == self.order)).into_iter().collect();
        match self.order() {
            Ok((SampleOrder::Random(seed), _)) => {
                orders.push((self.order.clone(), "Random", true));
                orders.push((format!("random:{}", seed.wrapping_add(1)), "Random, another shuffle", false));
            }
            _ => orders.push(("random".to_owned(), "Random", false)),
        }
        orders
    }
}

fn address(path: &str, pairs: &[(&'static str, String)]) -> String {
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
    link(path, &pairs)
}

/// What a person calls an issue of the health report.
fn issue_words(word: &str) -> String {
    match word {
        "leaked" => "copies across splits".to_owned(),
        "mislabelled" => "copies across classes".to_owned(),
        word => word.replace('_', " "),
    }
}

/// A page of a gallery.
pub(crate) struct Shown {
    pub(crate) tiles: Vec<Tile>,
    /// Where the gallery goes on.
    pub(crate) next: Option<String>,
    /// Images before the first that is shown, and the gallery from its start.
    pub(crate) earlier: Option<(i64, String)>,
    /// Images that fit the filter.
    pub(crate) total: i64,
}

impl Shown {
    pub(crate) async fn load(app: &AppState, dataset: &Dataset, query: &GalleryQuery) -> Result<Shown> {
        let classes = &app.store.list_classes(dataset.id).await?;
        let gallery = query.gallery(app, dataset, classes).await?;
        let store = &app.store;
        let path = format!("/datasets/{}", dataset.id);
        let (mut after, mut limit, mut earlier) = (query.cursor()?, PAGE_TILES, None);
        if let Some(at) = query.at
            && let Some(cursor) = store.find_cursor(SampleId(at), gallery.order).await?
        {
            // As far as the tile, in whole pages.
            let before = store.count_samples_before(dataset.id, &gallery, cursor).await?;
            let own_page = before % PAGE_TILES;
            if before < FROM_START {
                limit = before - own_page + PAGE_TILES;
            } else {
                let back = store
                    .list_samples_page(dataset.id, &gallery.reversed(), Some(cursor), own_page + 1)
                    .await?;
                after = back.last().map(Listed::cursor);
                earlier = Some((before - own_page, query.href(&path)));
            }
        }
        let mut listed = store.list_samples_page(dataset.id, &gallery, after, limit + 1).await?;
        let more = listed.len() as i64 > limit;
        listed.truncate(usize::try_from(limit).unwrap_or(0));
        let next = listed.last().filter(|_| more).map(|last| {
            let mut pairs = query.pairs();
            pairs.push(("after", last.cursor().to_text()));
            address(&path, &pairs)
        });
        Ok(Shown {
            tiles: listed.iter().map(|listed| tile_in(listed, classes, query, &gallery)).collect(),
            next,
            earlier,
            total: store.count_samples(dataset.id, &gallery.filter).await?,
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

/// The same in a gallery with a filter and an order, which its page leads back to; with what it is ordered or filtered by.
fn tile_in(listed: &Listed, classes: &[ClassCount], query: &GalleryQuery, gallery: &Gallery) -> Tile {
    let sample = &listed.sample;
    let tile = tile(sample, classes);
    let value = match gallery.order {
        SampleOrder::By(Measure::Pixels) => Some(format!("{} × {}", sample.width, sample.height)),
        SampleOrder::By(measure) => Some(measured(measure, listed.value)),
        _ => query.metadata.iter().find_map(|filter| match filter {
            MetadataFilter::Between { column, .. } => Some(format!("{column} {}", value_of(sample, column)?)),
            MetadataFilter::Is { .. } => None,
        }),
    };
    Tile { href: query.href(&tile.href), value, ..tile }
}

/// What a sample's metadata says in a column.
fn value_of(sample: &Sample, column: &str) -> Option<String> {
    metadata_of(sample).into_iter().find(|(name, _)| name == column).map(|(_, value)| value)
}

/// What a sample's source says of it, in words.
pub(crate) fn metadata_of(sample: &Sample) -> Vec<(String, String)> {
    let parsed = sample
        .metadata
        .as_deref()
        .and_then(|text| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).ok());
    let words = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    parsed.unwrap_or_default().into_iter().map(|(name, value)| (name, words(value))).collect()
}
