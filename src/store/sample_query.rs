//! Galleries as SQL: which samples, in which order, and behind which one a page begins.

use super::versions::json_list;
use crate::domain::ids::{DatasetId, SampleId};
use crate::domain::measure::{Measure, Range};
use crate::domain::metadata::MetadataFilter;
use protocol::sample::Split;
use sqlx::{QueryBuilder, Sqlite};

/// Which samples.
#[derive(Clone, Debug, Default)]
pub struct SampleFilter {
    /// Of one of these classes; of any where it is empty.
    pub labels: Vec<i64>,
    /// Of none of these classes.
    pub not_labels: Vec<i64>,
    /// In this split.
    pub split: Option<Split>,
    /// Among these.
    pub among: Option<Vec<SampleId>>,
    /// With this in their path, in any case; empty: any.
    pub path_part: String,
    /// With metadata that fits all of these.
    pub metadata: Vec<MetadataFilter>,
    /// With a figure in this range.
    pub range: Option<Range>,
    /// Files of this kind.
    pub format: Option<String>,
    /// The excluded ones, in place of those that count.
    pub excluded: bool,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SampleOrder {
    /// As they were imported.
    #[default]
    Number,
    /// By a figure of theirs.
    By(Measure),
    /// Shuffled, the same way for the same number.
    Random(u32),
}

impl SampleOrder {
    pub(super) fn sql(self) -> String {
        match self {
            SampleOrder::Number => "samples.id".to_owned(),
            SampleOrder::By(measure) => sql_of(measure).to_owned(),
            // A multiplicative hash: fair enough to look at, and no table is shuffled.
            SampleOrder::Random(seed) => {
                let shift = u64::from(seed) * 7919;
                format!("((samples.id + {shift}) * 2654435761 % 4294967291)")
            }
        }
    }

    fn is_measured(self) -> bool {
        matches!(self, SampleOrder::By(measure) if is_of_the_pixels(measure))
    }
}

/// A gallery: which samples, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Gallery {
    /// Which.
    pub filter: SampleFilter,
    /// By what.
    pub order: SampleOrder,
    /// The greatest first.
    pub descending: bool,
}

impl Gallery {
    /// The same from its end.
    pub fn reversed(&self) -> Gallery {
        Gallery { descending: !self.descending, ..self.clone() }
    }

    /// `select …, value from … where dataset_id = …`, with what restricts it.
    pub(super) fn begin(&self, id: DatasetId, what: &str) -> QueryBuilder<Sqlite> {
        let is_measured = self.order.is_measured();
        let mut query = QueryBuilder::new(format!("select {what} from "));
        // The index of the measure gives the order; the samples are looked up as they are needed.
        query.push(if is_measured {
            "measures cross join samples on samples.id = measures.sample_id where measures.dataset_id = "
        } else {
            "samples where samples.dataset_id = "
        });
        query.push_bind(id);
        if is_measured {
            query.push(" and ").push(self.order.sql()).push(" is not null");
        }
        push_filter(&mut query, id, &self.filter, is_measured);
        query
    }

    /// Only what stands behind a sample, or before it.
    pub(super) fn push_side(&self, query: &mut QueryBuilder<Sqlite>, of: SampleCursor, behind: bool) {
        let sign = if self.descending == behind { "<" } else { ">" };
        if self.order == SampleOrder::Number {
            query.push(format!(" and samples.id {sign} ")).push_bind(of.id);
        } else {
            query.push(" and (").push(self.order.sql()).push(format!(", samples.id) {sign} ("));
            query.push_bind(of.value).push(", ").push_bind(of.id).push(")");
        }
    }
}

fn sql_of(measure: Measure) -> &'static str {
    match measure {
        Measure::Brightness => "measures.brightness",
        Measure::Contrast => "measures.contrast",
        Measure::Sharpness => "measures.sharpness",
        Measure::Pixels => "samples.width * samples.height",
        Measure::Aspect => "cast(samples.width as real) / samples.height",
        Measure::Bytes => "samples.bytes",
    }
}

/// Whether a figure stands among the measures.
fn is_of_the_pixels(measure: Measure) -> bool {
    matches!(measure, Measure::Brightness | Measure::Contrast | Measure::Sharpness)
}

/// Behind which sample a page begins: its value in the order, and its number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleCursor {
    /// What the order goes by.
    pub value: f64,
    /// The sample.
    pub id: SampleId,
}

impl SampleCursor {
    /// As it stands in an address.
    pub fn to_text(self) -> String {
        format!("{}_{}", self.value, self.id)
    }

    /// The inverse of [`SampleCursor::to_text`].
    pub fn from_text(text: &str) -> Option<SampleCursor> {
        let (value, id) = text.split_once('_')?;
        Some(SampleCursor { value: value.parse().ok()?, id: SampleId(id.parse().ok()?) })
    }
}

/// `joined`: the measures stand beside the samples already.
pub(super) fn push_filter(
    query: &mut QueryBuilder<Sqlite>,
    id: DatasetId,
    filter: &SampleFilter,
    joined: bool,
) {
    query.push(" and samples.excluded = ").push_bind(filter.excluded);
    match filter.labels[..] {
        [] => {}
        [label] => {
            query.push(" and samples.label = ").push_bind(label);
        }
        _ => push_among(query, "samples.label in", &filter.labels),
    }
    if !filter.not_labels.is_empty() {
        push_among(query, "samples.label not in", &filter.not_labels);
    }
    if let Some(split) = filter.split {
        query.push(" and samples.split = ").push_bind(split.as_str());
    }
    if let Some(among) = &filter.among {
        query.push(" and samples.id in (select value from json_each(").push_bind(json_list(among)).push("))");
    }
    if !filter.path_part.is_empty() {
        query
            .push(" and instr(lower(samples.path), lower(")
            .push_bind(filter.path_part.clone())
            .push(")) > 0");
    }
    for condition in &filter.metadata {
        push_metadata(query, condition);
    }
    if let Some(format) = &filter.format {
        query.push(" and samples.format = ").push_bind(format.clone());
    }
    if let Some(range) = filter.range {
        push_range(query, id, range, joined);
    }
}

fn push_among(query: &mut QueryBuilder<Sqlite>, what: &str, labels: &[i64]) {
    let list = serde_json::Value::from(labels.to_vec()).to_string();
    query.push(format!(" and {what} (select value from json_each(")).push_bind(list).push("))");
}

pub(super) fn push_metadata(query: &mut QueryBuilder<Sqlite>, condition: &MetadataFilter) {
    // What is no JSON has no columns: one damaged row takes no gallery down.
    query.push(" and exists (select 1 from json_each(case when json_valid(samples.metadata) then samples.metadata else '{}' end) where key = ");
    query.push_bind(condition.column().to_owned());
    match condition {
        MetadataFilter::Is { value, .. } => {
            query.push(" and cast(value as text) = ").push_bind(value.clone());
        }
        MetadataFilter::Between { from, to, .. } => {
            // A text such as "1.50" is a number too; other texts are none.
            query.push(" and (type in ('integer', 'real') or value glob '[-+.0-9]*')");
            for (sign, end) in [(" >= ", from), (" <= ", to)] {
                if let Some(end) = end {
                    query.push(" and cast(value as real)").push(sign).push_bind(*end);
                }
            }
        }
    }
    query.push(")");
}

fn push_range(query: &mut QueryBuilder<Sqlite>, id: DatasetId, range: Range, joined: bool) {
    let value = sql_of(range.measure);
    let looked_up = is_of_the_pixels(range.measure) && !joined;
    if looked_up {
        // The index of the measure answers this alone.
        query
            .push(" and samples.id in (select sample_id from measures where measures.dataset_id = ")
            .push_bind(id);
        query.push(" and ").push(value).push(" is not null");
    }
    for (bound, end) in [(" >= ", range.from), (" < ", range.to)] {
        if let Some(end) = end {
            query.push(" and ").push(value).push(bound).push_bind(end);
        }
    }
    if looked_up {
        query.push(")");
    }
}
