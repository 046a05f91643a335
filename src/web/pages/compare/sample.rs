//! `/runs/compare/samples/{sample}`: an image, with what each of two runs predicts for it.

use super::super::format::{number, percent};
use super::super::frame::{Frame, Section, page};
use super::super::gallery::class;
use super::super::run_sample::{Bar, bars};
use super::style::RunStyle;
use super::tiles::ChurnWords;
use crate::domain::edits::split_title;
use crate::domain::ids::SampleId;
use crate::domain::logits::softmax;
use crate::runs::predictions_file::PredictionsFile;
use crate::store::compare::Direction;
use crate::store::predictions::Prediction;
use crate::store::run_list::ListedRun;
use crate::store::samples::Sample;
use crate::web::api::compare::pair::ComparedPair;
use crate::web::api::compare::query::CompareQuery;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use protocol::sample::Split;

#[derive(Template)]
#[template(path = "runs/compare_sample.html")]
struct PairSample {
    frame: Frame,
    sample: Sample,
    actual: String,
    split: &'static str,
    sides: [Side; 2],
    walk: Walk,
}

/// What a run says of the image.
struct Side {
    id: i64,
    name: String,
    style: RunStyle,
    /// `✗ Wrong: predicted as dog (93.0 %)`.
    outcome: String,
    loss: String,
    bars: Vec<Bar>,
    href: String,
}

/// The gallery that one came from: the way back, and its neighbours.
struct Walk {
    back: String,
    previous: Option<String>,
    next: Option<String>,
    /// `3 of 77`.
    place: String,
}

impl PairSample {
    /// Whether it is enlarged pixel by pixel rather than smoothly.
    fn is_small(&self) -> bool {
        self.sample.width.max(self.sample.height) <= 64
    }

    fn dataset_sample_href(&self) -> String {
        format!("/datasets/{}/samples/{}", self.sample.dataset_id, self.sample.id)
    }
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(sample): Path<i64>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let query = CompareQuery::read(&text.unwrap_or_default())?;
    let (found, pair) = ComparedPair::need(&app, &query).await?;
    let query = query.with_pair(pair.of.first, pair.of.second);
    let sample = app.store.find_sample(SampleId(sample)).await?.ok_or(Error::NotFound("image"))?;
    let mut sides = Vec::new();
    for run in [pair.of.first, pair.of.second] {
        let place = found.ids().iter().position(|id| *id == run).unwrap_or(0);
        sides.push(load_side(&app, &found.runs[place], RunStyle::at(place), &sample).await?);
    }
    let [Some((first, split, actual)), Some((second, ..))] =
        <[_; 2]>::try_from(sides).map_err(|_| Error::NotFound("pair of runs"))?
    else {
        return Err(Error::NotFound("prediction: not both runs evaluated that image"));
    };
    let walk = find_walk(&app, &query, &pair, sample.id).await?;
    let overview = query.address("/runs/compare", &[("churn", ""), ("class", "")]);
    let mut crumbs = vec![("Runs", "/runs"), ("Compare", overview.as_str())];
    let heading = query.churn.map(|churn| ChurnWords { pair: &pair, churn }.heading());
    if let Some(heading) = &heading {
        crumbs.push((heading, &walk.back));
    }
    page(&PairSample {
        frame: Frame::load(&app, sample.path.clone(), &crumbs).await?.in_section(Section::Runs),
        actual,
        split: split_title(split),
        sides: [first, second],
        walk,
        sample,
    })
}

/// What a run predicts, on which split, and the class that it knows the image by; `None` where it did not evaluate it.
async fn load_side(
    app: &AppState,
    listed: &ListedRun,
    style: RunStyle,
    sample: &Sample,
) -> Result<Option<(Side, Split, String)>> {
    let run = &listed.run;
    let Some((split, prediction)) = app.store.find_prediction(run.id, sample.id).await? else {
        return Ok(None);
    };
    let classes = &run.spec.classes;
    let probabilities = read_probabilities(app, listed, split, sample.id).await?;
    let (bars, _) = bars(classes, probabilities, &prediction);
    let side = Side {
        id: run.id.0,
        name: run.name.clone(),
        style,
        outcome: outcome(classes, &prediction),
        loss: number(prediction.loss),
        bars,
        href: format!("/runs/{}/samples/{}", run.id, sample.id),
    };
    Ok(Some((side, split, class(classes, prediction.actual).to_owned())))
}

fn outcome(classes: &[String], prediction: &Prediction) -> String {
    let (predicted, confidence) = (class(classes, prediction.predicted), percent(prediction.confidence));
    match prediction.actual == prediction.predicted {
        true => format!("✓ Correct: {predicted} ({confidence})"),
        false => format!("✗ Wrong: predicted as {predicted} ({confidence})"),
    }
}

/// Of every class, as the checkpoint that galleries show has it; none where its file is gone.
async fn read_probabilities(
    app: &AppState,
    listed: &ListedRun,
    split: Split,
    sample: SampleId,
) -> Result<Vec<f64>> {
    let files = app.store.list_prediction_files(listed.run.id, split).await?;
    let Some(file) = files.into_iter().find(|file| file.best) else { return Ok(Vec::new()) };
    let Some(path) = app.runs.directory(listed.run.id).file(&file.path) else { return Ok(Vec::new()) };
    let read = tokio::task::spawn_blocking(move || {
        let evaluated = PredictionsFile::read(&path).ok()?;
        let row = evaluated.sample_ids.iter().position(|id| *id == sample)?;
        evaluated.row(row).map(softmax)
    });
    Ok(read.await?.unwrap_or_default())
}

/// The neighbours in the gallery that the query describes, if the image is in it.
async fn find_walk(
    app: &AppState,
    query: &CompareQuery,
    pair: &ComparedPair,
    sample: SampleId,
) -> Result<Walk> {
    let overview = query.address("/runs/compare", &[("churn", ""), ("class", "")]);
    let nowhere = Walk { back: overview, previous: None, next: None, place: String::new() };
    let Some(churn) = query.churn else { return Ok(nowhere) };
    let class = pair.class_number(&query.class)?;
    let Some((place, before)) = app.store.find_churn_row(&pair.of, churn, class, sample).await? else {
        return Ok(nowhere);
    };
    let mut neighbours = Vec::new();
    for direction in [Direction::Before, Direction::Behind] {
        let rows = app.store.list_churn(&pair.of, churn, class, Some((place, direction)), 1).await?;
        let href = |id: SampleId| query.address(&format!("/runs/compare/samples/{id}"), &[]);
        neighbours.push(rows.first().map(|row| href(row.sample_id)));
    }
    let next = neighbours.pop().flatten();
    let at = sample.to_string();
    Ok(Walk {
        back: query.address("/runs/compare/churn", &[("at", &at)]) + &format!("#tile-{sample}"),
        previous: neighbours.pop().flatten(),
        next,
        place: format!("{} of {}", before + 1, pair.count(churn, class)),
    })
}
