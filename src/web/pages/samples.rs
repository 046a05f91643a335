//! `/runs/{id}/samples/{sample}`: one picture and all that a run said of it. `/datasets/{id}/samples/{sample}`: one
//! picture and what every run says of it.

use super::frame::{Frame, page};
use super::gallery::{class, class_colour};
use super::run_view::RunView;
use super::sparkline::Sparkline;
use super::words::{bytes, link, number, percent};
use crate::domain::dataset::class_of;
use crate::domain::ids::SampleId;
use crate::domain::metrics::softmax;
use crate::runs::predictions_file::PredictionsFile;
use crate::store::datasets::Sample;
use crate::store::predictions::{Prediction, PredictionFile};
use crate::store::runs::Run;
use crate::web::api::predictions::{Asked, find_order, find_page};
use crate::web::api::{find_dataset, find_run};
use crate::web::extract::{Path, Query};
use crate::web::{Error, Result, State};
use askama::Template;
use axum::extract::State as Held;
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
    fn probability_words(&self) -> String {
        percent(self.probability)
    }
}

pub(in crate::web) async fn of_run(
    Held(state): Held<State>,
    Path((id, sample)): Path<(i64, i64)>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let run = find_run(&state, id).await?;
    let sample = state.store.find_sample(SampleId(sample)).await?.ok_or(Error::NotFound("picture"))?;
    let (split, prediction) = state
        .store
        .find_prediction(run.id, sample.id)
        .await?
        .ok_or(Error::NotFound("verdict: this run did not judge that picture"))?;
    let files = state.store.list_prediction_files(run.id, split).await?;
    let (history, probabilities) = read_history(&state, &run, files, sample.id).await?;
    let classes = run.spec.classes.clone();
    let mut bars: Vec<(usize, f64)> = probabilities.into_iter().enumerate().collect();
    bars.sort_by(|a, b| b.1.total_cmp(&a.1));
    let bars = bars
        .into_iter()
        .map(|(label, share)| Bar {
            class: classes[label].clone(),
            colour: class_colour(label),
            share: percent(Some(share).filter(|share| share.is_finite())),
            width: format!("{:.2}", if share.is_finite() { share * 100.0 } else { 0.0 }),
            actual: label as i64 == prediction.actual,
        })
        .collect();
    let points: Vec<(u64, Option<f64>)> =
        history.iter().map(|moment| (moment.epoch.unsigned_abs(), moment.probability)).collect();
    let (previous, next) = neighbours(&state, &run, &asked, &prediction).await?;
    let view = RunView::load(&state, run).await?;
    let base = view.href();
    let query = asked.pairs();
    let sample_href = |sample: SampleId| link(&format!("{base}/samples/{sample}"), &query);
    page(&OfRun {
        frame: Frame::load(
            &state,
            sample.path.clone(),
            &[
                ("Runs", "/runs"),
                (&view.run.name, &base),
                ("Predictions", &link(&format!("{base}/predictions"), &query)),
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
        back: link(&format!("{base}/predictions"), &query),
        previous: previous.map(sample_href),
        next: next.map(sample_href),
        sample,
        view,
    })
}

/// What every epoch said of the sample, and the probabilities of the epoch that galleries show.
async fn read_history(
    state: &State,
    run: &Run,
    files: Vec<PredictionFile>,
    sample: SampleId,
) -> Result<(Vec<Moment>, Vec<f64>)> {
    let directory = state.runs.directory(run.id);
    let classes = run.spec.classes.clone();
    let read = tokio::task::spawn_blocking(move || {
        let mut history = Vec::new();
        let mut shown = Vec::new();
        for file in files {
            // An older epoch's file may have been deleted by hand; the others still tell.
            let Some(Ok(judged)) = directory.file(&file.path).map(|path| PredictionsFile::read(&path)) else {
                continue;
            };
            let Some(row) = judged.sample_ids.iter().position(|id| *id == sample) else { continue };
            let probabilities = softmax(judged.row(row).unwrap_or_default());
            let label = judged.labels[row] as usize;
            let verdict =
                crate::domain::metrics::judge(judged.row(row).unwrap_or_default(), judged.labels[row]);
            history.push(Moment {
                epoch: file.epoch,
                predicted: class(&classes, i64::from(verdict.predicted)).to_owned(),
                confidence: percent(Some(verdict.confidence).filter(|share| share.is_finite())),
                probability: probabilities.get(label).copied().filter(|share| share.is_finite()),
                right: verdict.correct,
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
    state: &State,
    run: &Run,
    asked: &Asked,
    prediction: &Prediction,
) -> Result<(Option<SampleId>, Option<SampleId>)> {
    let mut behind = asked.clone();
    let order = find_order(asked)?;
    behind.limit = Some(1);
    behind.cursor = Some(order.cursor(prediction));
    let found = find_page(state, run, &behind).await?;
    let row = (order.value(prediction), prediction.sample_id);
    let before = state.store.find_sample_before(run.id, &found.filter, order, row).await?;
    Ok((before, found.items.first().map(|item| item.sample_id)))
}

#[derive(Template)]
#[template(path = "datasets/sample.html")]
struct OfDataset {
    frame: Frame,
    sample: Sample,
    dataset_href: String,
    class: String,
    verdicts: Vec<(String, String, String)>,
    previous: Option<String>,
    next: Option<String>,
}

impl OfDataset {
    fn size(&self) -> String {
        bytes(self.sample.bytes)
    }
}

pub(in crate::web) async fn of_dataset(
    Held(state): Held<State>,
    Path((id, sample)): Path<(i64, i64)>,
) -> Result<Response> {
    let dataset = find_dataset(&state, id).await?;
    let sample = state
        .store
        .find_sample(SampleId(sample))
        .await?
        .filter(|sample| sample.dataset_id == dataset.id)
        .ok_or(Error::NotFound("picture in this data set"))?;
    let classes = state.store.list_classes(dataset.id).await?;
    let name = class_of(sample.label, &classes).to_owned();
    let mut verdicts = Vec::new();
    for (run, split, predicted, confidence) in state.store.list_verdicts_on(sample.id).await? {
        // A run knows the classes of its own version of the data set.
        let Some(found) = state.store.find_run(run).await? else { continue };
        let said = class(&found.spec.classes, predicted);
        let words = format!("{} {said} {confidence:.2} ({split})", if said == name { "✓" } else { "→" });
        verdicts.push((
            format!("{run} · {}", found.name),
            format!("/runs/{run}/samples/{}", sample.id),
            words,
        ));
    }
    let dataset_href = format!("/datasets/{}", dataset.id);
    let href = |sample: SampleId| format!("{dataset_href}/samples/{sample}");
    let (before, behind) = state.store.find_sample_neighbours(&sample).await?;
    page(&OfDataset {
        frame: Frame::load(
            &state,
            sample.path.clone(),
            &[("Data sets", "/"), (&dataset.name, &dataset_href)],
        )
        .await?,
        class: name,
        verdicts,
        previous: before.map(href),
        next: behind.map(href),
        dataset_href,
        sample,
    })
}
