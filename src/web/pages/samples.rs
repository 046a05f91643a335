//! `/runs/{id}/samples/{sample}`: one image and all that a run said of it.

use super::format::{link, number, percent};
use super::frame::{Frame, page};
use super::gallery::{class, class_color};
use super::run_view::RunView;
use super::sparkline::Sparkline;
use crate::domain::ids::SampleId;
use crate::domain::metrics::softmax;
use crate::runs::predictions_file::PredictionsFile;
use crate::store::predictions::{Prediction, PredictionFile};
use crate::store::runs::Run;
use crate::store::samples::Sample;
use crate::web::api::find_run;
use crate::web::api::predictions::{PredictionsQuery, find_order, find_page};
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

#[derive(Template)]
#[template(path = "runs/sample.html")]
struct OfRun {
    frame: Frame,
    view: RunView,
    page: &'static str,
    sample: Sample,
    split: String,
    actual: String,
    predicted: String,
    confidence: String,
    loss: String,
    right: bool,
    /// Most probable first.
    bars: Vec<Bar>,
    /// One an epoch.
    history: Vec<Moment>,
    curve: Sparkline,
    back: String,
    previous: Option<String>,
    next: Option<String>,
}

/// The probability of a class.
struct Bar {
    class: String,
    colour: String,
    share: String,
    /// Percent, for the width.
    width: String,
    actual: bool,
}

/// What was said after an epoch.
struct Moment {
    epoch: i64,
    predicted: String,
    confidence: String,
    /// Of the actual class.
    probability: Option<f64>,
    right: bool,
    best: bool,
}

impl Moment {
    fn probability_label(&self) -> String {
        percent(self.probability)
    }
}

pub(crate) async fn of_run(
    State(app): State<AppState>,
    Path((id, sample)): Path<(i64, i64)>,
    Query(query): Query<PredictionsQuery>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let sample = app.store.find_sample(SampleId(sample)).await?.ok_or(Error::NotFound("image"))?;
    let (split, prediction) = app
        .store
        .find_prediction(run.id, sample.id)
        .await?
        .ok_or(Error::NotFound("prediction: this run did not evaluate that image"))?;
    let files = app.store.list_prediction_files(run.id, split).await?;
    let (history, probabilities) = read_history(&app, &run, files, sample.id).await?;
    let classes = run.spec.classes.clone();
    let mut bars: Vec<(usize, f64)> = probabilities.into_iter().enumerate().collect();
    bars.sort_by(|a, b| b.1.total_cmp(&a.1));
    let bars = bars
        .into_iter()
        .map(|(label, share)| Bar {
            class: classes[label].clone(),
            colour: class_color(label),
            share: percent(Some(share).filter(|share| share.is_finite())),
            width: format!("{:.2}", if share.is_finite() { share * 100.0 } else { 0.0 }),
            actual: label as i64 == prediction.actual,
        })
        .collect();
    let points: Vec<(u64, Option<f64>)> =
        history.iter().map(|moment| (moment.epoch.unsigned_abs(), moment.probability)).collect();
    let (previous, next) = neighbours(&app, &run, &query, &prediction).await?;
    let view = RunView::load(&app, run).await?;
    let base = view.href();
    let pairs = query.pairs();
    let sample_href = |sample: SampleId| link(&format!("{base}/samples/{sample}"), &pairs);
    page(&OfRun {
        frame: Frame::load(
            &app,
            sample.path.clone(),
            &[
                ("Runs", "/runs"),
                (&view.run.name, &base),
                ("Predictions", &link(&format!("{base}/predictions"), &pairs)),
            ],
        )
        .await?,
        page: "predictions",
        split: split.as_str().to_owned(),
        actual: class(&classes, prediction.actual).to_owned(),
        predicted: class(&classes, prediction.predicted).to_owned(),
        confidence: percent(Some(prediction.confidence)),
        loss: number(prediction.loss),
        right: prediction.actual == prediction.predicted,
        bars,
        curve: Sparkline::new("probability of the actual class by epoch", &points),
        history,
        back: link(&format!("{base}/predictions"), &pairs),
        previous: previous.map(sample_href),
        next: next.map(sample_href),
        sample,
        view: view.showing(split),
    })
}

/// What every epoch said of the sample, and the probabilities of the epoch that galleries show.
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
            let probabilities = softmax(evaluated.row(row).unwrap_or_default());
            let label = evaluated.labels[row] as usize;
            let prediction = crate::domain::metrics::predict(
                evaluated.row(row).unwrap_or_default(),
                evaluated.labels[row],
            );
            history.push(Moment {
                epoch: file.epoch,
                predicted: class(&classes, i64::from(prediction.predicted)).to_owned(),
                confidence: percent(Some(prediction.confidence).filter(|share| share.is_finite())),
                probability: probabilities.get(label).copied().filter(|share| share.is_finite()),
                right: prediction.correct,
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

/// The samples before and behind this one in the gallery that the query describes.
async fn neighbours(
    app: &AppState,
    run: &Run,
    query: &PredictionsQuery,
    prediction: &Prediction,
) -> Result<(Option<SampleId>, Option<SampleId>)> {
    let mut behind = query.clone();
    let order = find_order(query)?;
    behind.limit = Some(1);
    behind.cursor = Some(order.cursor(prediction));
    let found = find_page(app, run, &behind).await?;
    let row = (order.value(prediction), prediction.sample_id);
    let before = app.store.find_sample_before(run.id, &found.filter, order, row).await?;
    Ok((before, found.items.first().map(|item| item.sample_id)))
}
