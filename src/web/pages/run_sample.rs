//! `/runs/{id}/samples/{sample}`: one image and all that a run predicted for it.

use super::edit_bar::{EditBar, Flash};
use super::edited_since::EditedSince;
use super::format::{self, link, number, percent};
use super::frame::{Frame, page};
use super::gallery::{class, class_color};
use super::gallery_link::with;
use super::prediction_tiles::overview_walk;
use super::predictions::edit_bar;
use super::run_view::RunView;
use super::sparkline::Sparkline;
use crate::domain::edits::split_title;
use crate::domain::ids::SampleId;
use crate::domain::logits::{predict, softmax};
use crate::lab::{self, Subject};
use crate::runs::predictions_file::PredictionsFile;
use crate::store::prediction_files::PredictionFile;
use crate::store::predictions::Prediction;
use crate::store::runs::Run;
use crate::store::samples::Sample;
use crate::web::api::find_run;
use crate::web::api::predictions::{PredictionsQuery, find_page};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

/// The most probable classes that are shown at once; the rest is folded.
const SHOWN_CLASSES: usize = 5;

#[derive(Template)]
#[template(path = "runs/sample.html")]
struct RunSample {
    frame: Frame,
    view: RunView,
    page: &'static str,
    sample: Sample,
    split: &'static str,
    actual: String,
    predicted: String,
    confidence: String,
    loss: String,
    correct: bool,
    /// The most probable classes and the true one.
    bars: Vec<Bar>,
    /// The other classes.
    more_bars: Vec<Bar>,
    /// One an epoch, newest first.
    history: Vec<Moment>,
    curve: Sparkline,
    /// What other runs predict.
    others: Vec<Other>,
    metadata: Vec<(String, String)>,
    walk: Walk,
    /// What it became since the run was evaluated, and in which version of the data set.
    edited: Option<(String, i64)>,
    /// The bar that edits this image.
    edit_bar: Option<EditBar>,
}

impl RunSample {
    /// Whether it is enlarged pixel by pixel rather than smoothly.
    fn is_small(&self) -> bool {
        self.sample.width.max(self.sample.height) <= 64
    }

    /// `✗ Wrong: predicted as dog`.
    fn outcome_label(&self) -> String {
        if self.correct {
            "✓ Correct".to_owned()
        } else {
            format!("✗ Wrong: predicted as {}", self.predicted)
        }
    }

    /// The fed image's side on the page: whole-number enlargements of small ones.
    fn input_side(&self) -> u32 {
        let side = self.view.run.spec.image_size.max(1);
        if side >= 320 { side.min(512) } else { side * (320 / side) }
    }

    fn image_size(&self) -> u32 {
        self.view.run.spec.image_size
    }

    fn input_href(&self) -> String {
        format!("{}/samples/{}/input", self.view.href(), self.sample.id)
    }

    fn dataset_sample_href(&self) -> String {
        format!("{}/samples/{}", self.view.dataset_href(), self.sample.id)
    }
}

/// The probability of a class.
pub(super) struct Bar {
    pub(super) class: String,
    pub(super) colour: String,
    pub(super) share: String,
    /// Percent, for the width.
    pub(super) width: String,
    pub(super) actual: bool,
    pub(super) predicted: bool,
}

/// What was predicted after an epoch.
struct Moment {
    epoch: i64,
    predicted: String,
    confidence: String,
    /// Of the true class.
    probability: Option<f64>,
    correct: bool,
    best: bool,
}

impl Moment {
    fn probability_label(&self) -> String {
        percent(self.probability)
    }

    fn mark(&self) -> &'static str {
        if self.correct { "✓" } else { "✗" }
    }
}

/// What another run predicts.
struct Other {
    name: String,
    href: String,
    words: String,
}

/// The gallery that one came from: the way back, and its neighbours.
struct Walk {
    back: String,
    previous: Option<String>,
    next: Option<String>,
    /// `3 of 77`.
    place: String,
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, sample)): Path<(i64, i64)>,
    Query(query): Query<PredictionsQuery>,
    flash: Flash,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let sample = app.store.find_sample(SampleId(sample)).await?.ok_or(Error::NotFound("image"))?;
    let (split, prediction) = app
        .store
        .find_prediction(run.id, sample.id)
        .await?
        .ok_or(Error::NotFound("prediction: this run did not evaluate that image"))?;
    let files = app.store.list_prediction_files(run.id, split).await?;
    let (mut history, probabilities) = read_history(&app, &run, files, sample.id).await?;
    let points: Vec<(u64, Option<f64>)> =
        history.iter().map(|moment| (moment.epoch.unsigned_abs(), moment.probability)).collect();
    history.reverse();
    let classes = run.spec.classes.clone();
    let (bars, more_bars) = bars(&classes, probabilities, &prediction);
    let walk = find_walk(&app, &run, &query, &prediction).await?;
    let others = other_runs(&app, &run, sample.id, class(&classes, prediction.actual)).await?;
    let here = with(&format!("/runs/{id}/samples/{}", sample.id), &query, &[]);
    let mut edit_bar = edit_bar(&app, &run, &flash, here).await?;
    if let Some(bar) = &mut edit_bar {
        bar.sample = Some(sample.id.0);
    }
    let since = EditedSince::load(&app, &run).await?;
    let edited = since.words(sample.id).map(|words| (words.to_owned(), since.newest));
    let view = RunView::load(&app, run).await?.showing(split);
    let base = view.href();
    page(&RunSample {
        frame: Frame::load(
            &app,
            sample.path.clone(),
            &[("Runs", "/runs"), (&view.title(), &base), ("Predictions", &walk.back)],
        )
        .await?,
        page: "predictions",
        split: split_title(split),
        actual: class(&classes, prediction.actual).to_owned(),
        predicted: class(&classes, prediction.predicted).to_owned(),
        confidence: percent(Some(prediction.confidence)),
        loss: number(prediction.loss),
        correct: prediction.actual == prediction.predicted,
        bars,
        more_bars,
        curve: Sparkline::new("probability of the true class by epoch", &points),
        history,
        others,
        metadata: read_metadata(sample.metadata.as_deref()),
        walk,
        edited,
        edit_bar,
        sample,
        view,
    })
}

/// The bars that are shown at once, most probable first and the true class with them, and those that are folded.
pub(super) fn bars(
    classes: &[String],
    probabilities: Vec<f64>,
    prediction: &Prediction,
) -> (Vec<Bar>, Vec<Bar>) {
    let mut shares: Vec<(usize, f64)> = probabilities.into_iter().enumerate().collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let bars = shares.into_iter().enumerate().filter_map(|(rank, (label, share))| {
        let bar = Bar {
            class: classes.get(label)?.clone(),
            colour: class_color(label),
            share: percent(Some(share).filter(|share| share.is_finite())),
            width: format!("{:.2}", if share.is_finite() { share * 100.0 } else { 0.0 }),
            actual: label as i64 == prediction.actual,
            predicted: label as i64 == prediction.predicted,
        };
        Some((rank < SHOWN_CLASSES || bar.actual, bar))
    });
    let (shown, folded): (Vec<_>, Vec<_>) = bars.partition(|(shown, _)| *shown);
    let bare = |bars: Vec<(bool, Bar)>| bars.into_iter().map(|(_, bar)| bar).collect();
    (bare(shown), bare(folded))
}

/// What every epoch predicted for the sample, and the probabilities of the epoch that galleries show.
async fn read_history(
    app: &AppState,
    run: &Run,
    files: Vec<PredictionFile>,
    sample: SampleId,
) -> Result<(Vec<Moment>, Vec<f64>)> {
    let directory = app.runs.directory(run.id);
    let classes = run.spec.classes.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut history = Vec::new();
        let mut shown = Vec::new();
        for file in files {
            // An older epoch's file may have been deleted by hand; the others still tell.
            let Some(Ok(evaluated)) = directory.file(&file.path).map(|path| PredictionsFile::read(&path))
            else {
                continue;
            };
            let Some(row) = evaluated.sample_ids.iter().position(|id| *id == sample) else { continue };
            let logits = evaluated.row(row).unwrap_or_default();
            let probabilities = softmax(logits);
            let label = evaluated.labels[row];
            let prediction = predict(logits, label);
            history.push(Moment {
                epoch: file.epoch,
                predicted: class(&classes, i64::from(prediction.predicted)).to_owned(),
                confidence: percent(Some(prediction.confidence).filter(|share| share.is_finite())),
                probability: probabilities.get(label as usize).copied().filter(|share| share.is_finite()),
                correct: prediction.correct,
                best: file.best,
            });
            if file.best {
                shown = probabilities;
            }
        }
        (history, shown)
    });
    Ok(read.await?)
}

/// The gallery that the query describes, around this sample. Without a filter it is the page's mistakes by class; an
/// image that is none of them stands in the list of all.
async fn find_walk(
    app: &AppState,
    run: &Run,
    query: &PredictionsQuery,
    prediction: &Prediction,
) -> Result<Walk> {
    let base = format!("/runs/{}", run.id);
    let here = format!("{base}/predictions");
    let sample = prediction.sample_id;
    let own = query.pairs();
    let pairs: Vec<(&str, &str)> = own.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let sample_href = |sample: SampleId| link(&format!("{base}/samples/{sample}"), &pairs);
    let filter = query.filter(app, run).await?;
    if query.is_overview() {
        let walk = overview_walk(app, run, filter.split).await?;
        if let Some(at) = walk.iter().position(|other| *other == sample) {
            return Ok(Walk {
                back: format!("{}#tile-{sample}", with(&here, query, &[])),
                previous: at.checked_sub(1).map(|at| sample_href(walk[at])),
                next: walk.get(at + 1).map(|next| sample_href(*next)),
                place: format!("{} of {} mistakes shown", at + 1, walk.len()),
            });
        }
    }
    let order = query.order()?;
    let behind = PredictionsQuery { limit: Some(1), cursor: order.cursor(prediction), ..query.clone() };
    let found = find_page(app, run, &behind).await?;
    let row = (order.value(prediction), sample);
    let before = app.store.find_sample_before(run.id, &filter, order, row).await?;
    let place = app.store.count_predictions_before(run.id, &filter, order, row).await?;
    // The list of all has to be asked for, or the page shows the mistakes alone.
    let correct = if query.is_overview() { "all" } else { query.correct.as_str() };
    let at = sample.to_string();
    Ok(Walk {
        back: format!("{}#tile-{sample}", with(&here, query, &[("correct", correct), ("at", &at)])),
        previous: before.map(sample_href),
        next: found.items.first().map(|item| sample_href(item.sample_id)),
        place: format!("{} of {}", place + 1, found.total),
    })
}

/// What other runs predict for the sample, newest first; a run knows the classes of its own version of the data set.
async fn other_runs(app: &AppState, run: &Run, sample: SampleId, actual: &str) -> Result<Vec<Other>> {
    let mut others = Vec::new();
    for (other, split, predicted, confidence) in app.store.list_predictions_of_sample(sample).await? {
        if other == run.id {
            continue;
        }
        let Ok(Some(found)) = app.store.find_run(other).await else { continue };
        let predicted = class(&found.spec.classes, predicted);
        let split = split.parse().map_or("", split_title);
        let mark = if predicted == actual { "✓" } else { "✗" };
        others.push(Other {
            name: format!("{other} · {}", found.name),
            href: format!("/runs/{other}/samples/{sample}"),
            words: format!("{mark} {predicted} {} ({split})", percent(Some(confidence))),
        });
    }
    Ok(others)
}

/// Column and value of what an import brought with the image.
fn read_metadata(text: Option<&str>) -> Vec<(String, String)> {
    let Some(Ok(Value::Object(columns))) = text.map(serde_json::from_str) else { return Vec::new() };
    let words = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    columns.into_iter().map(|(column, value)| (column, words(value))).collect()
}

/// `/runs/{id}/samples/{sample}/input`: the image as the network's input when it was evaluated, as a PNG, a pixel a tensor
/// element.
pub(crate) async fn network_input(
    State(app): State<AppState>,
    Path((id, sample)): Path<(i64, i64)>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let sample = app
        .store
        .find_sample(SampleId(sample))
        .await?
        .filter(|sample| sample.dataset_id == run.dataset_id)
        .ok_or(Error::NotFound("image"))?;
    let dataset = app.store.find_dataset(run.dataset_id).await?.ok_or(Error::NotFound("data set"))?;
    let subject = Subject {
        key: sample.draw_key(run.spec.sample_keys),
        path: std::path::PathBuf::from(dataset.root.unwrap_or_default()).join(&sample.path),
        hash: sample.hash,
        seed: run.spec.seed,
        // An evaluation belongs to no epoch.
        epoch: 0,
    };
    let (lab, pipeline) = (app.lab.clone(), run.spec.eval_transforms);
    let png = tokio::task::spawn_blocking(move || {
        let input = lab.preprocess(&[subject], &pipeline).pop();
        let input = input.unwrap_or_else(|| Err("there is no image".to_owned()))?;
        Ok::<_, String>(vision::png(&lab::image(&input.tensor, &pipeline, None)))
    })
    .await?
    .map_err(Error::Conflict)?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_classes_and_the_true_one_are_shown_and_the_rest_is_folded() {
        let classes: Vec<String> = (0..10).map(|at| at.to_string()).collect();
        let shares: Vec<f64> = (0..10).map(|at| f64::from(10 - at) / 55.0).collect();
        let prediction = Prediction {
            sample_id: SampleId(1),
            path: String::new(),
            hash: String::new(),
            width: 1,
            height: 1,
            actual: 8,
            predicted: 0,
            confidence: 10.0 / 55.0,
            loss: None,
            margin: None,
        };
        let (shown, folded) = bars(&classes, shares, &prediction);
        let names = |bars: &[Bar]| bars.iter().map(|bar| bar.class.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!((names(&shown).as_str(), names(&folded).as_str()), ("0 1 2 3 4 8", "5 6 7 9"));
        assert!(shown[0].predicted && shown[5].actual);
        // A file with more columns than the run has classes is no reason to fail.
        assert_eq!(bars(&classes[..2], vec![0.2, 0.3, 0.5], &prediction).0.len(), 2);
    }
}
