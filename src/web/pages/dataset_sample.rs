//! `/datasets/{id}/samples/{sample}`: one image, what its source and every run say of it, and what became of it. The address carries
//! the gallery that it was opened from.

use super::dataset_head::DatasetHead;
use super::edit_bar::{EditBar, Flash};
use super::format::{self, ago, bytes, percent, run_title, thousands};
use super::frame::{Frame, page};
use super::gallery::class;
use super::network_input::NetworkInput;
use super::samples_view::{Chip, metadata_of};
use crate::domain::dataset::class_of;
use crate::domain::edits::{change_words, split_title};
use crate::domain::ids::SampleId;
use crate::store::datasets::Dataset;
use crate::store::samples::{Gallery, Listed, Sample};
use crate::web::api::find_dataset;
use crate::web::api::samples::GalleryQuery;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use protocol::sample::Split;
use std::collections::BTreeMap;

/// Images up to this side are enlarged by a whole number, pixel by pixel.
const SMALL: i64 = 64;
/// How large a small image is drawn.
const ENLARGED: i64 = 576;

#[derive(Template)]
#[template(path = "datasets/sample.html")]
struct SamplePage {
    frame: Frame,
    head: DatasetHead,
    dataset: Dataset,
    sample: Sample,
    class: String,
    place: Place,
    chips: Vec<Chip>,
    metadata: Vec<(String, String)>,
    predictions: Vec<PredictionRow>,
    history: Vec<HistoryRow>,
    input: Option<NetworkInput>,
    edit_bar: EditBar,
}

/// Where the image stands in the gallery that it was opened from.
struct Place {
    /// `3 of 77`.
    words: String,
    previous: Option<String>,
    next: Option<String>,
    /// The gallery, at this image's tile.
    up: String,
}

/// What a run says of the image.
struct PredictionRow {
    run: String,
    href: String,
    split: &'static str,
    predicted: String,
    confidence: String,
    correct: bool,
}

/// What a version did to it.
struct HistoryRow {
    number: i64,
    href: String,
    words: String,
    note: String,
    when: String,
}

impl SamplePage {
    fn size(&self) -> String {
        bytes(self.sample.bytes)
    }

    fn split(&self) -> &'static str {
        self.sample.split.parse::<Split>().map_or("", split_title)
    }

    fn is_small(&self) -> bool {
        self.sample.width.max(self.sample.height) <= SMALL
    }

    /// How wide it is drawn where there is room: enlarged by a whole number where it is small, up to twice otherwise.
    fn drawn_width(&self) -> i64 {
        let side = self.sample.width.max(self.sample.height).max(1);
        self.sample.width * if self.is_small() { (ENLARGED / side).max(1) } else { 2 }
    }

    fn original(&self) -> String {
        format!("{}/samples/{}/original", self.head.href, self.sample.id)
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, sample)): Path<(i64, i64)>,
    query: GalleryQuery,
    flash: Flash,
) -> Result<Response> {
    let dataset = find_dataset(&app, id).await?;
    let sample = find_sample(&app, &dataset, sample).await?;
    let head = DatasetHead::load(&app, &dataset, "images").await?;
    let classes = app.store.list_classes(dataset.id).await?;
    let name = class_of(sample.label, &classes).to_owned();
    let here = query.href(&format!("{}/samples/{}", head.href, sample.id));
    let mut edit_bar = EditBar::load(&app, &dataset, &flash, here).await?;
    edit_bar.sample = Some(sample.id.0);
    edit_bar.excluded = sample.excluded;
    let gallery = query.gallery(&app, &dataset, &classes).await?;
    page(&SamplePage {
        frame: Frame::load(
            &app,
            sample.path.clone(),
            &[("Data sets", "/datasets"), (&dataset.name, &head.href)],
        )
        .await?,
        place: place(&app, &dataset, &query, &gallery, &sample).await?,
        chips: query.chips(&head.href),
        metadata: metadata_of(&sample),
        predictions: predictions(&app, &sample, &name).await?,
        history: history(&app, &dataset, &sample).await?,
        input: NetworkInput::load(&app, &dataset, &sample).await?,
        class: name,
        edit_bar,
        head,
        dataset,
        sample,
    })
}

/// The sample of this number, if it is one of the data set's.
pub(crate) async fn find_sample(app: &AppState, dataset: &Dataset, id: i64) -> Result<Sample> {
    let found = app.store.find_sample(SampleId(id)).await?;
    found.filter(|sample| sample.dataset_id == dataset.id).ok_or(Error::NotFound("image in this data set"))
}

async fn place(
    app: &AppState,
    dataset: &Dataset,
    query: &GalleryQuery,
    gallery: &Gallery,
    sample: &Sample,
) -> Result<Place> {
    let (id, store) = (dataset.id, &app.store);
    let path = format!("/datasets/{id}");
    let href = |listed: &Listed| query.href(&format!("{path}/samples/{}", listed.sample.id));
    let mut up = query.href(&path);
    let Some(cursor) = store.find_cursor(sample.id, gallery.order).await? else {
        return Ok(Place { words: "not in this selection".to_owned(), previous: None, next: None, up });
    };
    up += if up.contains('?') { "&" } else { "?" };
    up += &format!("at={0}#tile-{0}", sample.id);
    let next = store.list_samples_page(id, gallery, Some(cursor), 1).await?;
    let previous = store.list_samples_page(id, &gallery.reversed(), Some(cursor), 1).await?;
    let total = store.count_samples(id, &gallery.filter).await?;
    let words = if store.has_sample(id, gallery, sample.id).await? {
        let before = store.count_samples_before(id, gallery, cursor).await?;
        format!("{} of {}", thousands(before + 1), thousands(total))
    } else {
        format!("no longer among these {}", thousands(total))
    };
    Ok(Place { words, previous: previous.first().map(href), next: next.first().map(href), up })
}

async fn predictions(app: &AppState, sample: &Sample, name: &str) -> Result<Vec<PredictionRow>> {
    let mut rows = Vec::new();
    for (run, split, predicted, confidence) in app.store.list_predictions_of_sample(sample.id).await? {
        // A run knows the classes of its own version of the data set.
        // A run that can't be read is named by the list of runs.
        let Ok(Some(found)) = app.store.find_run(run).await else { continue };
        let predicted = class(&found.spec.classes, predicted).to_owned();
        rows.push(PredictionRow {
            run: run_title(run, &found.name),
            href: format!("/runs/{run}/samples/{}", sample.id),
            split: split.parse::<Split>().map_or("", split_title),
            correct: predicted == name,
            predicted,
            confidence: percent(confidence),
        });
    }
    Ok(rows)
}

async fn history(app: &AppState, dataset: &Dataset, sample: &Sample) -> Result<Vec<HistoryRow>> {
    let changes = app.store.list_sample_changes(sample.id).await?;
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let versions = app.store.list_versions(dataset.id).await?;
    let newest = versions.last().map_or(0, |version| version.number);
    let names: BTreeMap<i64, String> =
        app.store.class_names_at(dataset.id, newest).await?.into_iter().collect();
    let name = |label: i64| names.get(&label).cloned().unwrap_or_else(|| "?".to_owned());
    let rows = changes.into_iter().rev().filter_map(|(number, change)| {
        let version = versions.iter().find(|version| version.number == number)?;
        Some(HistoryRow {
            number,
            href: format!("/datasets/{}/versions/{number}", dataset.id),
            words: change_words(change.before, change.after, name),
            note: version.note.clone(),
            when: ago(version.created_at_ms),
        })
    });
    Ok(rows.collect())
}
