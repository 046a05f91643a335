//! A data set's gallery: what the address filters and orders, and the tiles that fit.

use super::gallery::Tile;
use super::words::{link, range_words};
use crate::domain::dataset::ClassCount;
use crate::domain::health::IssueKind;
use crate::domain::ids::SampleId;
use crate::domain::measure::{Measure, Range};
use crate::health::Examined;
use crate::store::datasets::{Dataset, Sample};
use crate::store::samples::{SampleCursor, SampleFilter, SampleOrder};
use crate::web::{Error, Result, State};
use protocol::sample::Split;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Pictures that a gallery brings at a time.
const PAGE_TILES: i64 = 60;

/// The gallery's part of an address; and, without the cursor, the selection *all that fit*.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Asked {
    #[serde(default)]
    pub(in crate::web) class: String,
    #[serde(default)]
    pub(in crate::web) split: String,
    /// An [`IssueKind`]'s word, or `leaked` or `mislabelled`: copies across splits or classes.
    #[serde(default)]
    pub(in crate::web) issue: String,
    /// `column=value` of the metadata.
    #[serde(default)]
    pub(in crate::web) metadata: String,
    /// A [`Range`], such as `brightness:96..112`.
    #[serde(default)]
    pub(in crate::web) range: String,
    /// A kind of file, such as `jpeg`.
    #[serde(default)]
    pub(in crate::web) format: String,
    /// `1`: the excluded ones.
    #[serde(default)]
    pub(in crate::web) excluded: String,
    #[serde(default)]
    pub(in crate::web) order: String,
    /// `1`: the greatest first.
    #[serde(default)]
    pub(in crate::web) descending: String,
    #[serde(default)]
    pub(in crate::web) after: String,
    /// A version that was just made.
    #[serde(default)]
    pub(in crate::web) done: String,
}

impl Asked {
    /// Everything but the cursor and what was just done.
    pub(in crate::web) fn pairs(&self) -> [(&'static str, &str); 9] {
        [
            ("class", &self.class),
            ("split", &self.split),
            ("issue", &self.issue),
            ("metadata", &self.metadata),
            ("range", &self.range),
            ("format", &self.format),
            ("excluded", &self.excluded),
            ("order", &self.order),
            ("descending", &self.descending),
        ]
    }

    pub(in crate::web) fn with(&self, path: &str, key: &str, value: &str) -> String {
        let pairs = self.pairs().map(|(name, kept)| (name, if name == key { value } else { kept }));
        link(path, &pairs)
    }

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

    pub(in crate::web) fn order(&self) -> Result<SampleOrder> {
        match self.order.as_str() {
            "" => Ok(SampleOrder::default()),
            "number" => Ok(SampleOrder::Number),
            word => Measure::from_word(word)
                .map(SampleOrder::By)
                .ok_or_else(|| Error::field("order", format!("there is no order “{word}”"))),
        }
    }

    pub(in crate::web) fn cursor(&self) -> Result<Option<SampleCursor>> {
        match self.after.as_str() {
            "" => Ok(None),
            text => SampleCursor::from_text(text)
                .map(Some)
                .ok_or_else(|| Error::field("after", "is no place in this gallery")),
        }
    }

    /// From the pairs of an address.
    pub(in crate::web) fn from_pairs(pairs: BTreeMap<String, String>) -> Result<Asked> {
        let pairs = pairs.into_iter().map(|(key, value)| (key, serde_json::Value::from(value))).collect();
        serde_json::from_value(serde_json::Value::Object(pairs))
            .map_err(|why| Error::field("query", why.to_string()))
    }

    /// The filter of this address.
    pub(in crate::web) async fn filter(
        &self,
        state: &State,
        dataset: &Dataset,
        classes: &[ClassCount],
    ) -> Result<SampleFilter> {
        let label = match self.class.as_str() {
            "" => None,
            class => {
                Some(classes.iter().find(|other| other.name == class).map(|other| other.label).ok_or_else(
                    || Error::field("class", format!("“{class}” is not a class of this data set")),
                )?)
            }
        };
        let split: Option<Split> = match self.split.as_str() {
            "" => None,
            split => Some(split.parse().map_err(|why: String| Error::field("split", why))?),
        };
        let metadata = match self.metadata.split_once('=') {
            _ if self.metadata.is_empty() => None,
            Some((key, value)) => Some((key.to_owned(), value.to_owned())),
            None => return Err(Error::field("metadata", "say column=value")),
        };
        let range = match self.range.as_str() {
            "" => None,
            text => Some(Range::from_text(text).ok_or_else(|| {
                Error::field(
                    "range",
                    format!("“{text}” is no range; say figure:from..to, such as brightness:96..112"),
                )
            })?),
        };
        let format = Some(self.format.clone()).filter(|format| !format.is_empty());
        let among = if self.issue.is_empty() { None } else { Some(self.concerned(state, dataset).await?) };
        Ok(SampleFilter { label, split, among, metadata, range, format, excluded: !self.excluded.is_empty() })
    }

    /// The samples that the health report names for an issue.
    async fn concerned(&self, state: &State, dataset: &Dataset) -> Result<Vec<SampleId>> {
        let kept = match state.health.of(dataset).await? {
            Examined::Ready(kept) => *kept,
            // Just after a change the report before it still names its samples.
            Examined::UnderWay { .. } | Examined::Failed(_) => {
                state.store.find_report(dataset.id).await?.ok_or_else(|| {
                    Error::Conflict("the data set is being examined; try again in a moment".into())
                })?
            }
        };
        let ids = match self.issue.as_str() {
            "leaked" => kept.report.leaked(),
            "mislabelled" => kept.report.mislabelled(),
            word => {
                let kind = IssueKind::from_word(word)
                    .ok_or_else(|| Error::field("issue", format!("there is no issue “{word}”")))?;
                kept.report.found(kind).iter().map(|finding| finding.id).collect()
            }
        };
        Ok(ids.into_iter().map(SampleId).collect())
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

/// The name of a data set's label.
pub(in crate::web) fn class_of(label: i64, classes: &[ClassCount]) -> &str {
    classes.iter().find(|class| class.label == label).map_or("?", |class| &class.name)
}
