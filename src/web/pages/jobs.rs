//! `/runs/{id}/jobs/{number}`: a further job of a run – how far it is and what came of it –, the list of them on the run's page, and
//! the forms that start one.

use super::format::{self, counted, duration, percent, round_estimate, thousands};
use super::frame::{Frame, Section, page};
use super::gallery::class_color;
use super::job_words::{job_title, state_label};
use super::rate_chart::RateChart;
use super::run_sample::Bar;
use super::run_view::RunView;
use crate::actions::jobs as actions;
use crate::domain::edits::split_title;
use crate::domain::learning_rates::LearningRates;
use crate::domain::run::{EvaluatedSplit, RunState, StopRequest};
use crate::images::thumbnail;
use crate::runs::Trouble;
use crate::runs::further::ImagePrediction;
use crate::store::jobs::{AskedBy, Job};
use crate::store::runs::{Note, Run};
use crate::web::api::find_run;
use crate::web::api::jobs::predict_sent;
use crate::web::extract::{Fields, Multipart, Path, Query, content_type};
use crate::web::images::FOR_EVER;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::sample::Split;
use protocol::spec::Task;
use serde::Deserialize;

/// Classes of which a bar is shown for each image.
const BARS: usize = 5;
/// The side of an image on the page, pixels.
const SIDE: u32 = 320;

/// A further job, for pages.
pub(crate) struct JobView {
    pub(crate) job: Job,
    /// Why it can't be followed at the moment.
    pub(crate) trouble: Option<Trouble>,
}

impl JobView {
    fn new(app: &AppState, job: Job) -> JobView {
        JobView { trouble: app.runs.trouble(job.id), job }
    }

    pub(crate) fn href(&self) -> String {
        format!("/runs/{}/jobs/{}", self.job.id.run, self.job.id.number)
    }

    pub(crate) fn at(&self, action: &str) -> String {
        format!("{}/{action}", self.href())
    }

    /// What it does.
    pub(crate) fn title(&self) -> String {
        job_title(&self.job.task, self.job.images)
    }

    pub(crate) fn state(&self) -> &'static str {
        self.job.state.as_str()
    }

    pub(crate) fn state_label(&self) -> String {
        state_label(self.job.state, self.job.stop_request)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.job.state == RunState::Running
    }

    /// How far it is, and how long it will still take.
    pub(crate) fn progress(&self) -> String {
        match (self.job.state, &self.job.stage) {
            (RunState::Queued, _) => {
                "It starts when the evaluation or prediction before it has ended.".to_owned()
            }
            (RunState::Running, Some(stage)) => {
                let done = format!("{} of {} images", thousands(stage.done), thousands(stage.total));
                let seconds = (stage.at_ms - stage.since_ms) as f64 / 1000.0;
                let left = stage.total.saturating_sub(stage.done) as f64;
                match seconds > 0.0 && stage.done > 0 {
                    true => {
                        let left = round_estimate(left * seconds / stage.done as f64);
                        format!("{done}, about {} left", duration(left))
                    }
                    false => done,
                }
            }
            (RunState::Running, None) => counted(self.job.images, "image", "images"),
            _ => match (self.job.started_at_ms, self.job.ended_at_ms) {
                (Some(begun), Some(ended)) => {
                    format!("took {}", duration((ended - begun).max(0) as f64 / 1000.0))
                }
                _ => String::new(),
            },
        }
    }

    /// Whole percents, once it says how far it is.
    pub(crate) fn percent(&self) -> Option<u64> {
        let stage = self.job.stage.filter(|_| self.is_running())?;
        (stage.total > 0).then(|| (stage.done.saturating_mul(100) / stage.total).min(100))
    }

    pub(crate) fn can_cancel(&self) -> bool {
        self.job.state.is_active() && self.job.stop_request != Some(StopRequest::Cancel)
    }

    pub(crate) fn can_try_again(&self) -> bool {
        self.job.state.can_resume()
    }

    /// What goes with it.
    pub(crate) fn removal(&self) -> &'static str {
        match self.job.task {
            Task::Predict => "Remove this job with its images and predictions?",
            Task::FindLearningRate { .. } => "Remove this job with what it found?",
            Task::Train | Task::Evaluate { .. } => {
                "Remove this job from the list? What it evaluated stays with the run."
            }
        }
    }

    pub(crate) fn asked(&self) -> String {
        let by = match self.job.asked_by {
            AskedBy::Page => "",
            AskedBy::Api => " by a script or a command",
        };
        format!("asked for {}{by}", format::ago(self.job.created_at_ms))
    }

    /// Why it can't be followed.
    pub(crate) fn trouble_words(&self) -> Option<String> {
        let trouble = self.trouble.as_ref()?;
        Some(format!(
            "Tintype can't take in what this job reports. That began {}. It is tried again and again, and nothing is lost.",
            format::ago(trouble.since_ms)
        ))
    }
}

/// The further jobs of a run, newest first.
#[derive(Template)]
#[template(path = "runs/jobs.html")]
pub(crate) struct JobList {
    jobs: Vec<JobView>,
    /// Where a learning rate can be looked for, once the run has ended.
    search: Option<String>,
}

/// It stands as it is in the page around it.
impl askama::filters::HtmlSafe for JobList {}

impl JobList {
    pub(crate) async fn load(app: &AppState, run: &Run) -> Result<JobList> {
        let jobs = app.store.list_jobs(run.id).await?;
        let search = (run.spec.trains() && !run.state.is_active())
            .then(|| format!("/runs/{}/jobs?task=find-learning-rate", run.id));
        Ok(JobList { search, jobs: jobs.into_iter().map(|job| JobView::new(app, job)).collect() })
    }
}

/// `/live/runs/{id}/jobs`.
pub(crate) async fn list_part(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    page(&JobList::load(&app, &find_run(&app, id).await?).await?)
}

/// What came of a job, and how far it is.
#[derive(Template)]
#[template(path = "runs/job_part.html")]
struct JobPart {
    view: JobView,
    notes: Vec<Note>,
    /// Of one that evaluates.
    evaluated: Vec<EvaluatedSplit>,
    /// Of one that predicts.
    images: Vec<PredictedImage>,
    /// Of one that looks for a learning rate.
    rates: Option<RateChart>,
}

/// An image and the classes predicted for it.
struct PredictedImage {
    name: String,
    src: String,
    /// The most probable class with its probability.
    headline: String,
    bars: Vec<Bar>,
}

impl PredictedImage {
    fn new(view: &JobView, at: usize, prediction: &ImagePrediction, classes: &[String]) -> PredictedImage {
        let bar = |(place, (class, share)): (usize, &(String, f64))| Bar {
            class: class.clone(),
            colour: class_color(classes.iter().position(|other| other == class).unwrap_or(0)),
            share: percent(*share),
            width: format!("{:.2}", share * 100.0),
            actual: false,
            predicted: place == 0,
        };
        let name = prediction.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let headline = match prediction.probabilities.first() {
            Some((class, share)) => format!("{class}, {}", percent(*share)),
            None => "The network gave no finite numbers".to_owned(),
        };
        PredictedImage {
            src: view.at(&format!("images/{at}")),
            name,
            headline,
            bars: prediction.probabilities.iter().take(BARS).enumerate().map(bar).collect(),
        }
    }
}

/// It stands as it is in the page around it.
impl askama::filters::HtmlSafe for JobPart {}

impl JobPart {
    async fn load(app: &AppState, run: &Run, job: Job) -> Result<JobPart> {
        let notes = app.store.list_notes(job.id).await?;
        let evaluated = app.store.list_evaluations_of(job.id).await?;
        let is_done = job.state == RunState::Completed;
        let predictions = if is_done { app.runs.predictions_of(&job).await? } else { None };
        let view = JobView::new(app, job);
        let images = predictions.iter().flatten().enumerate();
        let images =
            images.map(|(at, image)| PredictedImage::new(&view, at, image, &run.spec.classes)).collect();
        let points = view.job.learning_rates.clone();
        let rates = points.map(|points| RateChart::new(run, &LearningRates::new(points)));
        Ok(JobPart { view, notes, evaluated, images, rates })
    }

    /// Name, address and result of each split that was evaluated, and where its images are.
    fn results(&self) -> Vec<(String, String, String)> {
        let run = format!("/runs/{}", self.view.job.id.run);
        let result = |done: &EvaluatedSplit| {
            let correct = done.total - done.wrong;
            let share = percent(correct as f64 / done.total.max(1) as f64);
            let words = format!(
                "{share} correct on the {} split: {} of {}",
                split_title(done.split),
                thousands(correct),
                thousands(done.total)
            );
            let at = |page: &str| format!("{run}/{page}?split={}", done.split);
            (words, at("evaluation"), at("predictions"))
        };
        self.evaluated.iter().map(result).collect()
    }

    /// Whether it is done and its results were replaced by those of a later job.
    fn is_superseded(&self) -> bool {
        self.view.job.state == RunState::Completed
            && matches!(self.view.job.task, Task::Evaluate { .. })
            && self.evaluated.is_empty()
    }
}

/// `/live/runs/{id}/jobs/{number}`.
pub(crate) async fn part(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let job = actions::find(&app.store, run.id, number).await?;
    page(&JobPart::load(&app, &run, job).await?)
}

#[derive(Template)]
#[template(path = "runs/job.html")]
struct Show {
    frame: Frame,
    view: RunView,
    page: &'static str,
    part: JobPart,
}

/// `/runs/{id}/jobs/{number}`.
pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let job = actions::find(&app.store, run.id, number).await?;
    let part = JobPart::load(&app, &run, job).await?;
    let view = RunView::load(&app, run).await?;
    let crumbs = [("Runs", "/runs"), (&view.title(), &view.href())];
    let frame = Frame::load(&app, part.view.title(), &crumbs).await?.in_section(Section::Runs);
    page(&Show { frame, view, page: "jobs", part })
}

/// `/runs/{id}/jobs`: the list stands on the run's page.
pub(crate) async fn redirect(Path(id): Path<i64>) -> Redirect {
    Redirect::to(&format!("/runs/{id}#jobs"))
}

/// What a button asks for.
#[derive(Deserialize)]
pub(crate) struct NewJobQuery {
    #[serde(default)]
    split: String,
    #[serde(default)]
    task: String,
}

/// `POST /runs/{id}/jobs`: with files, they are predicted; with `?split=train` that split is evaluated, with
/// `?task=find-learning-rate` a learning rate is looked for.
pub(crate) async fn create(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<NewJobQuery>,
    request: Request,
) -> Result<Redirect> {
    let run = find_run(&app, id).await?;
    let job = if content_type(request.headers()) == "multipart/form-data" {
        let Multipart(form) = Multipart::from_request(request, &()).await?;
        predict_sent(&app, &run, form, AskedBy::Page).await?
    } else {
        if query.task == "find-learning-rate" {
            let job = actions::find_learning_rate(&app.store, &app.runs, &run, AskedBy::Page).await?;
            return Ok(Redirect::to(&format!("/runs/{id}/jobs/{}", job.number)));
        }
        let under_way = match query.split.parse::<Split>() {
            Ok(split) => find_evaluating(&app, &run, split).await?,
            Err(_) => None,
        };
        match under_way {
            // A second click asks for nothing new.
            Some(job) => job.id,
            None => actions::evaluate(&app.store, &app.runs, &run, &[query.split], AskedBy::Page).await?,
        }
    };
    Ok(Redirect::to(&format!("/runs/{id}/jobs/{}", job.number)))
}

/// The job that evaluates this split at the moment, or waits to.
pub(crate) async fn find_evaluating(app: &AppState, run: &Run, split: Split) -> Result<Option<Job>> {
    let evaluates = |job: &Job| matches!(&job.task, Task::Evaluate { splits } if splits.contains(&split));
    let jobs = app.store.list_jobs(run.id).await?;
    Ok(jobs.into_iter().find(|job| job.state.is_active() && evaluates(job)))
}

/// `POST /runs/{id}/jobs/{number}/{action}`: a button of the page.
pub(crate) async fn act(
    State(app): State<AppState>,
    Path((id, number, action)): Path<(i64, i64, String)>,
    _: Fields,
) -> Result<Redirect> {
    let run = find_run(&app, id).await?;
    actions::act(&app.store, &app.runs, run.id, number, &action).await?;
    Ok(Redirect::to(&match action.as_str() {
        "delete" => format!("/runs/{id}#jobs"),
        _ => format!("/runs/{id}/jobs/{number}"),
    }))
}

/// `/runs/{id}/jobs/{number}/images/{at}`: an image of a job that predicts, small.
pub(crate) async fn image(
    State(app): State<AppState>,
    Path((id, number, at)): Path<(i64, i64, usize)>,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let job = actions::find(&app.store, run.id, number).await?;
    let samples = app.runs.samples_of_job(job.id).await?;
    let sample = samples.into_iter().nth(at).filter(|_| job.task == Task::Predict);
    let sample = sample.ok_or(Error::NotFound("image"))?;
    let path = std::path::PathBuf::from(sample.path);
    let hash = tokio::task::spawn_blocking({
        let path = path.clone();
        move || hash_of(&path)
    });
    let missing = Error::NotFound("file any more: it was moved or removed since");
    let hash = hash.await?.ok_or(missing)?;
    let bytes = match thumbnail::find(&app.data, &hash, SIDE).await {
        Some(bytes) => bytes,
        None => thumbnail::make(&app.data, path, &hash, SIDE).await?,
    };
    let mime = if bytes.starts_with(b"RIFF") { "image/webp" } else { "image/jpeg" };
    Ok(([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, FOR_EVER)], bytes).into_response())
}

/// What a thumbnail is kept under.
#[expect(clippy::disallowed_methods, reason = "called where waiting is allowed")]
fn hash_of(path: &std::path::Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(blake3::hash(&bytes).to_hex()[..32].to_owned())
}
