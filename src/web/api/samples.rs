//! `/api/v1/datasets/{id}/samples`: a data set's samples, filtered and ordered, a page at a time.

use super::find_dataset;
use crate::domain::dataset::{ClassCount, class_of};
use crate::domain::health::IssueKind;
use crate::domain::ids::SampleId;
use crate::domain::measure::{Measure, Range};
use crate::jobs::health::Examined;
use crate::store::datasets::Dataset;
use crate::store::samples::{SampleCursor, SampleFilter, SampleOrder};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use axum::Json;
use axum::extract::State;
use protocol::sample::Split;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most samples of one answer.
const MOST: i64 = 1000;

/// The gallery's part of an address; and, without the cursor, the selection *all that fit*.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GalleryQuery {
    #[serde(default)]
    pub(crate) class: String,
    #[serde(default)]
    pub(crate) split: String,
    /// An [`IssueKind`]'s word, or `leaked` or `mislabelled`: copies across splits or classes.
    #[serde(default)]
    pub(crate) issue: String,
    /// `column=value` of the metadata.
    #[serde(default)]
    pub(crate) metadata: String,
    /// A [`Range`], such as `brightness:96..112`.
    #[serde(default)]
    pub(crate) range: String,
    /// A kind of file, such as `jpeg`.
    #[serde(default)]
    pub(crate) format: String,
    /// `1`: the excluded ones.
    #[serde(default)]
    pub(crate) excluded: String,
    #[serde(default)]
    pub(crate) order: String,
    /// `1`: the greatest first.
    #[serde(default)]
    pub(crate) descending: String,
    #[serde(default)]
    pub(crate) after: String,
}

impl GalleryQuery {
    /// Everything but the cursor.
    pub(crate) fn pairs(&self) -> [(&'static str, &str); 9] {
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

    pub(crate) fn order(&self) -> Result<SampleOrder> {
        match self.order.as_str() {
            "" => Ok(SampleOrder::default()),
            "number" => Ok(SampleOrder::Number),
            word => Measure::from_word(word)
                .map(SampleOrder::By)
                .ok_or_else(|| Error::field("order", format!("there is no order “{word}”"))),
        }
    }

    pub(crate) fn cursor(&self) -> Result<Option<SampleCursor>> {
        match self.after.as_str() {
            "" => Ok(None),
            text => SampleCursor::from_text(text)
                .map(Some)
                .ok_or_else(|| Error::field("after", "is no place in this gallery")),
        }
    }

    /// From a query string.
    pub(crate) fn parse(query: &str) -> Result<GalleryQuery> {
        GalleryQuery::from_pairs(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// From the pairs of an address.
    pub(crate) fn from_pairs(pairs: BTreeMap<String, String>) -> Result<GalleryQuery> {
        let pairs = pairs.into_iter().map(|(key, value)| (key, serde_json::Value::from(value))).collect();
        serde_json::from_value(serde_json::Value::Object(pairs))
            .map_err(|why| Error::field("query", why.to_string()))
    }

    /// The filter of this address.
    pub(crate) async fn filter(
        &self,
        app: &AppState,
        dataset: &Dataset,
        classes: &[ClassCount],
    ) -> Result<SampleFilter> {
        let (label, split) = (find_label(&self.class, classes)?, find_split(&self.split)?);
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
        let among = if self.issue.is_empty() { None } else { Some(self.concerned(app, dataset).await?) };
        Ok(SampleFilter { label, split, among, metadata, range, format, excluded: !self.excluded.is_empty() })
    }

    /// The samples that the health report names for an issue.
    async fn concerned(&self, app: &AppState, dataset: &Dataset) -> Result<Vec<SampleId>> {
        let kept = match app.health.of(dataset).await? {
            Examined::Ready(kept) => *kept,
            // Just after a change the report before it still names its samples.
            Examined::UnderWay { .. } | Examined::Failed(_) => {
                app.store.find_report(dataset.id).await?.ok_or_else(|| {
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

/// The label of a class that an address names; `None` where it names none.
pub(crate) fn find_label(class: &str, classes: &[ClassCount]) -> Result<Option<i64>> {
    if class.is_empty() {
        return Ok(None);
    }
    let found = classes.iter().find(|other| other.name == class);
    found
        .map(|class| Some(class.label))
        .ok_or_else(|| Error::field("class", format!("“{class}” is not a class of this data set")))
}

/// The split that an address names; `None` where it names none.
pub(crate) fn find_split(split: &str) -> Result<Option<Split>> {
    match split {
        "" => Ok(None),
        split => split.parse().map(Some).map_err(|why: String| Error::field("split", why)),
    }
}

/// Takes what the gallery's address takes, and `limit` (100 where it is left out).
pub(crate) async fn list(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(mut pairs): Query<BTreeMap<String, String>>,
) -> Result<Json<Value>> {
    let dataset = find_dataset(&app, id).await?;
    let limit = match pairs.remove("limit") {
        None => 100,
        Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
            Error::field("limit", format!("“{text}” is not a whole number from 1 to {MOST}"))
        })?,
    };
    let query = GalleryQuery::from_pairs(pairs)?;
    let classes = app.store.list_classes(dataset.id).await?;
    let filter = query.filter(&app, &dataset, &classes).await?;
    let (order, descending) = (query.order()?, !query.descending.is_empty());
    let store = &app.store;
    let mut listed =
        store.list_samples_page(dataset.id, &filter, order, descending, query.cursor()?, limit + 1).await?;
    let more = listed.len() as i64 > limit;
    listed.truncate(limit as usize);
    let items: Vec<Value> = listed
        .iter()
        .map(|listed| {
            let sample = &listed.sample;
            json!({
                "sample_id": sample.id,
                "path": sample.path,
                "class": class_of(sample.label, &classes),
                "split": sample.split,
                "width": sample.width,
                "height": sample.height,
                "bytes": sample.bytes,
                "format": sample.format,
                "metadata": sample.metadata.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
                "image_url": format!("/thumbnails/{}/320", sample.hash),
            })
        })
        .collect();
    Ok(Json(json!({
        "items": items,
        "total": store.count_samples(dataset.id, &filter).await?,
        "next_cursor": listed.last().filter(|_| more).map(|last| last.cursor().to_text()),
    })))
}
