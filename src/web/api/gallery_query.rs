//! The gallery's part of an address: which images of a data set, and in which order.

use crate::domain::dataset::ClassCount;
use crate::domain::health::IssueKind;
use crate::domain::ids::SampleId;
use crate::domain::measure::{Measure, Range};
use crate::domain::metadata::MetadataFilter;
use crate::jobs::health::Examined;
use crate::store::datasets::Dataset;
use crate::store::samples::{Gallery, SampleCursor, SampleFilter, SampleOrder};
use crate::web::{AppState, Error, Result};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use protocol::sample::Split;

/// Without its place, it is also the selection *all that match*.
#[derive(Clone, Debug, Default)]
pub(crate) struct GalleryQuery {
    /// Any of these classes.
    pub(crate) class: Vec<String>,
    /// None of these classes.
    pub(crate) not: Vec<String>,
    pub(crate) split: String,
    /// A part of the path.
    pub(crate) q: String,
    /// An [`IssueKind`]'s word, or `leaked` or `mislabelled`: copies across splits or classes.
    pub(crate) issue: String,
    pub(crate) metadata: Vec<MetadataFilter>,
    /// A [`Range`], such as `brightness:96..112`.
    pub(crate) range: String,
    /// A kind of file, such as `jpeg`.
    pub(crate) format: String,
    /// `1`: the excluded ones.
    pub(crate) excluded: String,
    /// `brightness`, or from the other end `-brightness`; `random` or `random:7`.
    pub(crate) order: String,
    /// The cursor of a page.
    pub(crate) after: String,
    /// A sample that the page is to contain.
    pub(crate) at: Option<i64>,
}

impl GalleryQuery {
    /// From a query string.
    pub(crate) fn parse(text: &str) -> Result<GalleryQuery> {
        let mut query = GalleryQuery::default();
        let mut descending = false;
        for (key, value) in form_urlencoded::parse(text.as_bytes()).into_owned() {
            let value = value.trim().to_owned();
            if value.is_empty() {
                continue;
            }
            match key.as_str() {
                "class" => query.class.push(value),
                "not" => query.not.push(value),
                "split" => query.split = value,
                "q" => query.q = value,
                "issue" => query.issue = value,
                "metadata" => query.metadata.push(MetadataFilter::from_text(&value).ok_or_else(|| {
                    Error::field("metadata", "say column=value, or column:from..to for numbers")
                })?),
                "range" => query.range = value,
                "format" => query.format = value,
                "excluded" => query.excluded = value,
                "order" => query.order = value,
                // As it was before an order had a sign.
                "descending" => descending = true,
                "after" => query.after = value,
                "at" => query.at = value.parse().ok(),
                "done" | "unchanged" => {}
                other => query.read_metadata_field(other, &value)?,
            }
        }
        if descending && !query.order.starts_with('-') {
            let order = if query.order.is_empty() { "number" } else { &query.order };
            query.order = format!("-{order}");
        }
        Ok(query)
    }

    /// A field of the page's form for metadata: `metadata.age.min`, `metadata.age.max` or `metadata.camera.is`.
    fn read_metadata_field(&mut self, key: &str, value: &str) -> Result<()> {
        let unknown = || Error::field("query", format!("there is no filter “{key}”"));
        let (column, end) =
            key.strip_prefix("metadata.").and_then(|rest| rest.rsplit_once('.')).ok_or_else(unknown)?;
        let column = column.to_owned();
        if end == "is" {
            self.metadata.push(MetadataFilter::Is { column, value: value.to_owned() });
            return Ok(());
        }
        let number: f64 = value
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| Error::field(&column, format!("“{value}” is not a number")))?;
        let known = self.metadata.iter_mut().find_map(|filter| match filter {
            MetadataFilter::Between { column: other, from, to } if *other == column => Some((from, to)),
            _ => None,
        });
        let mut ends = (None, None);
        let (from, to) = match known {
            Some((from, to)) => (from, to),
            None => (&mut ends.0, &mut ends.1),
        };
        match end {
            "min" => *from = Some(number),
            "max" => *to = Some(number),
            _ => return Err(unknown()),
        }
        if let (from, to) = ends
            && (from.is_some() || to.is_some())
        {
            self.metadata.push(MetadataFilter::Between { column, from, to });
        }
        Ok(())
    }

    /// Everything but its place, as it stands in an address.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let one = |key: &'static str, value: &String| (key, value.clone());
        let classes = self.class.iter().map(|name| one("class", name));
        let others = self.not.iter().map(|name| one("not", name));
        let metadata = self.metadata.iter().map(|filter| ("metadata", filter.to_text()));
        let pairs = classes
            .chain(others)
            .chain([one("split", &self.split), one("q", &self.q), one("issue", &self.issue)])
            .chain(metadata)
            .chain([
                one("range", &self.range),
                one("format", &self.format),
                one("excluded", &self.excluded),
                one("order", &self.order),
            ]);
        pairs.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The samples and their order.
    pub(crate) async fn gallery(
        &self,
        app: &AppState,
        dataset: &Dataset,
        classes: &[ClassCount],
    ) -> Result<Gallery> {
        let filter = self.filter(app, dataset, classes).await?;
        let (order, descending) = self.order()?;
        Ok(Gallery { filter, order, descending })
    }

    /// The order, and whether it begins with the greatest.
    pub(crate) fn order(&self) -> Result<(SampleOrder, bool)> {
        let (word, descending) = match self.order.strip_prefix('-') {
            Some(word) => (word, true),
            None => (self.order.as_str(), false),
        };
        let order = match word {
            "" | "number" => SampleOrder::Number,
            "random" => SampleOrder::Random(0),
            word => word
                .strip_prefix("random:")
                .and_then(|seed| seed.parse().ok())
                .map(SampleOrder::Random)
                .or_else(|| Measure::from_word(word).map(SampleOrder::By))
                .ok_or_else(|| Error::field("order", format!("there is no order “{word}”")))?,
        };
        Ok((order, descending))
    }

    pub(crate) fn cursor(&self) -> Result<Option<SampleCursor>> {
        match self.after.as_str() {
            "" => Ok(None),
            text => SampleCursor::from_text(text)
                .map(Some)
                .ok_or_else(|| Error::field("after", "is no place in this gallery")),
        }
    }

    /// The filter of this address.
    pub(crate) async fn filter(
        &self,
        app: &AppState,
        dataset: &Dataset,
        classes: &[ClassCount],
    ) -> Result<SampleFilter> {
        let labels = |names: &[String]| -> Result<Vec<i64>> {
            names.iter().map(|name| find_label(name, classes)).filter_map(Result::transpose).collect()
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
        Ok(SampleFilter {
            labels: labels(&self.class)?,
            not_labels: labels(&self.not)?,
            split: find_split(&self.split)?,
            path_part: self.q.clone(),
            metadata: self.metadata.clone(),
            range,
            format: Some(self.format.clone()).filter(|format| !format.is_empty()),
            among: if self.issue.is_empty() { None } else { Some(self.concerned(app, dataset).await?) },
            excluded: !self.excluded.is_empty(),
        })
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

impl<S: Send + Sync> FromRequestParts<S> for GalleryQuery {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        GalleryQuery::parse(parts.uri.query().unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_several_classes_and_ranges_and_reads_the_old_names() {
        let query =
            GalleryQuery::parse("class=a&class=b&not=c&metadata=age:20..40&metadata=camera=X&q=img").unwrap();
        assert_eq!((query.class.len(), query.not.len(), query.metadata.len()), (2, 1, 2));
        let pairs = query.pairs();
        let mut text = form_urlencoded::Serializer::new(String::new());
        let again = GalleryQuery::parse(&text.extend_pairs(&pairs).finish()).unwrap();
        assert_eq!(again.pairs(), pairs);

        // The form's own fields, one for each end.
        let form =
            GalleryQuery::parse("metadata.age.min=20&metadata.age.max=40&metadata.a.b.is=x&metadata.c.max=")
                .unwrap();
        let texts: Vec<String> = form.metadata.iter().map(MetadataFilter::to_text).collect();
        assert_eq!(texts, ["age:20..40", "a.b=x"]);
        assert!(
            GalleryQuery::parse("metadata.age.min=old").is_err() && GalleryQuery::parse("sort=a").is_err()
        );

        // Before an order had a sign.
        let old = |text: &str| GalleryQuery::parse(text).unwrap().order().unwrap();
        assert_eq!(old("order=brightness&descending=1"), (SampleOrder::By(Measure::Brightness), true));
        assert_eq!(old("descending=1"), (SampleOrder::Number, true));
        assert_eq!(old("order=random:7"), (SampleOrder::Random(7), false));
        assert!(GalleryQuery::parse("order=loudness").unwrap().order().is_err());
    }
}
