//! `/datasets/{id}`: what have I got? The images, with the list of classes as their filter.

use super::class_rows::{ClassRow, legend};
use super::dataset_head::DatasetHead;
use super::dataset_overview::reading_line;
use super::edit_bar::{AllMatching, EditBar, Flash};
use super::format::{self, thousands};
use super::frame::{Frame, page};
use super::import;
use super::samples_view::{Chip, Shown};
use crate::domain::dataset::{ClassCount, DatasetState};
use crate::domain::metadata::{MetadataColumn, MetadataFilter};
use crate::store::samples::SampleFilter;
use crate::web::api::find_dataset;
use crate::web::api::samples::GalleryQuery;
use crate::web::extract::Path;
use crate::web::{AppState, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::sample::Split;

/// The most values of a metadata column that a list offers.
const METADATA_VALUES: usize = 100;
/// From so many classes on, their list has a search.
const SEARCHED_CLASSES: usize = 9;

#[derive(Template)]
#[template(path = "datasets/show.html")]
struct Show {
    frame: Frame,
    head: DatasetHead,
    query: GalleryQuery,
    classes: Vec<ClassLink>,
    /// The splits that the bars of the classes show.
    legend: Vec<(&'static str, &'static str)>,
    /// How its source was read, and split.
    reading: String,
    shown: Shown,
    edit_bar: EditBar,
    metadata: Vec<MetadataField>,
    /// How many images are excluded.
    excluded: i64,
    splits: Vec<SplitLink>,
}

/// A class in the list, as a filter.
struct ClassLink {
    row: ClassRow,
    /// The gallery of it alone; of all classes, where it is chosen alone already.
    href: String,
    /// The gallery of everything but it.
    but: String,
    chosen: bool,
    refused: bool,
}

/// A part of the data set.
struct SplitLink {
    label: &'static str,
    count: String,
    href: String,
    current: bool,
}

/// A column of the metadata in the filter's form.
struct MetadataField {
    name: String,
    kind: FieldKind,
}

enum FieldKind {
    /// The lowest and the highest value, and what was typed.
    Number { min: String, max: String, from: String, to: String },
    /// Value, count and whether it is chosen.
    Choice(Vec<(String, i64, bool)>),
}

impl MetadataField {
    fn new(column: &MetadataColumn, query: &GalleryQuery) -> Option<MetadataField> {
        let own = || query.metadata.iter().filter(|filter| filter.column() == column.name);
        let kind = match column.bounds() {
            Some((min, max)) => {
                let text = |end: &Option<f64>| end.map_or_else(String::new, |value| value.to_string());
                let (from, to) = own()
                    .find_map(|filter| match filter {
                        MetadataFilter::Between { from, to, .. } => Some((text(from), text(to))),
                        MetadataFilter::Is { .. } => None,
                    })
                    .unwrap_or_default();
                FieldKind::Number { min: min.to_string(), max: max.to_string(), from, to }
            }
            None if column.values.len() <= METADATA_VALUES => {
                let is_chosen = |value: &str| {
                    own().any(
                        |filter| matches!(filter, MetadataFilter::Is { value: other, .. } if other == value),
                    )
                };
                let values = column.values.iter();
                FieldKind::Choice(
                    values.map(|(value, count)| (value.clone(), *count, is_chosen(value))).collect(),
                )
            }
            None => return None,
        };
        Some(MetadataField { name: column.name.clone(), kind })
    }
}

impl Show {
    fn chips(&self) -> Vec<Chip> {
        self.query.chips(&self.head.href)
    }

    /// The hidden fields of a form that sets these itself.
    fn kept(&self, own: &[&str]) -> Vec<(&'static str, String)> {
        self.query.pairs_but(own)
    }

    fn is_searched(&self) -> bool {
        self.classes.len() >= SEARCHED_CLASSES
    }

    fn all_classes(&self) -> String {
        self.query.of_all_classes().href(&self.head.href)
    }

    fn excluded_href(&self) -> String {
        self.query.with(&self.head.href, "excluded", "1")
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    query: GalleryQuery,
    flash: Flash,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    if dataset.state != DatasetState::Ready {
        return import::show_unfinished(&app, dataset).await;
    }
    let head = DatasetHead::load(&app, &dataset, "images").await?;
    let classes = app.store.list_class_counts(dataset.id).await?;
    let shown = Shown::load(&app, &dataset, &query).await?;
    let mut edit_bar = EditBar::load(&app, &dataset, &flash, query.href(&head.href)).await?;
    edit_bar.all = Some(AllMatching { total: shown.total, filter: query.selection() });
    edit_bar.excluded = !query.excluded.is_empty();
    let columns = app.store.list_metadata(dataset.id).await?;
    let only_excluded = SampleFilter { excluded: true, ..SampleFilter::default() };
    page(&Show {
        frame: Frame::load(&app, dataset.name.clone(), &[("Data sets", "/datasets")]).await?,
        excluded: app.store.count_samples(dataset.id, &only_excluded).await?,
        splits: split_links(&classes, &query, &head.href),
        classes: class_links(&classes, &query, &head.href),
        legend: legend(&classes),
        reading: reading_line(&dataset),
        metadata: columns.iter().filter_map(|column| MetadataField::new(column, &query)).collect(),
        query,
        shown,
        edit_bar,
        head,
    })
}

fn class_links(classes: &[ClassCount], query: &GalleryQuery, path: &str) -> Vec<ClassLink> {
    let link = |row: ClassRow| {
        let name = &row.name;
        let chosen = query.class.contains(name);
        let alone = GalleryQuery { class: vec![name.clone()], ..query.of_all_classes() };
        let mut others = GalleryQuery { class: Vec::new(), ..query.clone() };
        others.not.retain(|other| other != name);
        others.not.push(name.clone());
        ClassLink {
            href: if chosen && query.class.len() == 1 {
                query.of_all_classes().href(path)
            } else {
                alone.href(path)
            },
            but: others.href(path),
            chosen,
            refused: query.not.contains(name),
            row,
        }
    };
    ClassRow::list(classes, path).into_iter().map(link).collect()
}

/// All of it, and each split that has images.
fn split_links(classes: &[ClassCount], query: &GalleryQuery, path: &str) -> Vec<SplitLink> {
    let total: u64 = classes.iter().map(ClassCount::total).sum();
    let mut links = vec![SplitLink {
        label: "All",
        count: thousands(total),
        href: query.with(path, "split", ""),
        current: query.split.is_empty(),
    }];
    for split in Split::ALL {
        let count: u64 = classes.iter().map(|class| class.of(split)).sum();
        if count > 0 || query.split == split.as_str() {
            links.push(SplitLink {
                label: format::split_label(&split),
                count: thousands(count),
                href: query.with(path, "split", split.as_str()),
                current: query.split == split.as_str(),
            });
        }
    }
    links
}
