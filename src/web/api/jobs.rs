//! `/api/v1/runs/{id}/jobs`: further jobs of a run, their state and what came of them.

use super::find_run;
use super::import::receive;
use crate::actions::jobs as actions;
use crate::domain::ids::JobId;
use crate::domain::learning_rates::LearningRates;
use crate::import::Limits;
use crate::jobs::upload::Upload;
use crate::store::jobs::{AskedBy, Job};
use crate::store::runs::Run;
use crate::web::extract::{Json, Multipart, Path, content_type};
use crate::web::{AppState, Error, Result, can_edit};
use axum::extract::{FromRequest as _, Multipart as Parts, Request, State};
use axum::http::StatusCode;
use protocol::spec::Task;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// What is to be done.
#[derive(Deserialize)]
#[serde(tag = "task", rename_all = "kebab-case", deny_unknown_fields)]
enum NewJob {
    Evaluate {
        splits: Vec<String>,
    },
    FindLearningRate {},
    /// Paths on the server's machine.
    Predict {
        images: Vec<String>,
    },
}

/// A JSON body says what to do; a multipart body brings images to predict.
pub(crate) async fn create(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    request: Request,
) -> Result<(StatusCode, Json<Value>)> {
    let run = find_run(&app, id).await?;
    let job = if content_type(request.headers()) == "multipart/form-data" {
        let Multipart(form) = Multipart::from_request(request, &()).await?;
        predict_sent(&app, &run, form, AskedBy::Api).await?
    } else {
        let Json(new) = Json::<NewJob>::from_request(request, &()).await?;
        match new {
            NewJob::Evaluate { splits } => {
                actions::evaluate(&app.store, &app.runs, &run, &splits, AskedBy::Api).await?
            }
            NewJob::FindLearningRate {} => {
                actions::find_learning_rate(&app.store, &app.runs, &run, AskedBy::Api).await?
            }
            NewJob::Predict { images } => {
                if let Some(path) = images.iter().find(|path| !std::path::Path::new(path).is_absolute()) {
                    return Err(Error::field("images", format!("“{path}” is no absolute path")));
                }
                let images = images.into_iter().map(PathBuf::from).collect();
                actions::predict(&app.store, &app.runs, &run, images, false, AskedBy::Api).await?
            }
        }
    };
    let job = actions::find(&app.store, job.run, job.number).await?;
    Ok((StatusCode::ACCEPTED, Json(job_json(&app, &job).await?)))
}

/// Reads a form with images and starts a job that predicts them.
pub(crate) async fn predict_sent(
    app: &AppState,
    run: &Run,
    mut form: Parts,
    asked_by: AskedBy,
) -> Result<JobId> {
    let limits = Limits { max_entries: actions::MOST_IMAGES as u64, ..Limits::default() };
    let mut upload = Upload::begin(&app.imports.uploads(), limits).await?;
    while let Some(field) = form.next_field().await.map_err(|why| Error::field("file", why.body_text()))? {
        match field.name().unwrap_or_default() {
            "file" => receive(&mut upload, field).await?,
            "task" => match field.text().await.unwrap_or_default().as_str() {
                "predict" => {}
                _ => return Err(Error::field("task", "images are sent to be predicted: “predict”")),
            },
            other => return Err(Error::field(other, "there is no such field")),
        }
    }
    if upload.is_empty() {
        return Err(Error::field("images", "Choose at least one image first"));
    }
    let paths = upload.paths();
    let received = upload.finish().ok_or_else(|| Error::field("file", "nothing came"))?;
    if let Some(refused) = received.refused.first() {
        return Err(Error::field("images", format!("“{}”: {}", refused.path, refused.reason)));
    }
    let job = actions::predict(&app.store, &app.runs, run, paths, true, asked_by).await;
    // What was not taken is gone with its folder, off the threads that answer requests.
    tokio::task::spawn_blocking(move || drop(received)).await?;
    Ok(job?)
}

/// The further jobs of a run, newest first, without what came of them.
pub(crate) async fn list(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Json<Value>> {
    let run = find_run(&app, id).await?;
    let jobs = app.store.list_jobs(run.id).await?;
    Ok(Json(json!({"items": jobs.iter().map(facts_json).collect::<Vec<_>>()})))
}

pub(crate) async fn show(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<Json<Value>> {
    let run = find_run(&app, id).await?;
    let job = actions::find(&app.store, run.id, number).await?;
    Ok(Json(job_json(&app, &job).await?))
}

/// `POST …/jobs/{number}/cancel`, `pause` or `resume`.
pub(crate) async fn act(
    State(app): State<AppState>,
    Path((id, number, action)): Path<(i64, i64, String)>,
) -> Result<Json<Value>> {
    if action == "delete" {
        return Err(Error::MethodNotAllowed);
    }
    let run = find_run(&app, id).await?;
    actions::act(&app.store, &app.runs, run.id, number, &action).await?;
    show(State(app), Path((id, number))).await
}

pub(crate) async fn delete(
    State(app): State<AppState>,
    Path((id, number)): Path<(i64, i64)>,
) -> Result<StatusCode> {
    let run = find_run(&app, id).await?;
    actions::act(&app.store, &app.runs, run.id, number, "delete").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A job with what came of it: `splits` of one that evaluates, `items` of one that predicts; null before that.
async fn job_json(app: &AppState, job: &Job) -> Result<Value> {
    let mut all = facts_json(job);
    match &job.task {
        Task::Predict => {
            let predictions = app.runs.predictions_of(job).await?;
            let items = predictions.map(|predictions| {
                let item = |prediction: &crate::runs::further::ImagePrediction| {
                    let shares = prediction.probabilities.iter();
                    let shares: Map<String, Value> =
                        shares.map(|(class, share)| (class.clone(), json!(share))).collect();
                    // Where a file lies on the server's machine is for those who may change something.
                    let name = prediction.path.file_name().map(std::path::Path::new);
                    let path = if can_edit() { Some(prediction.path.as_path()) } else { name };
                    json!({
                        "path": path,
                        "predicted": prediction.probabilities.first().map(|(class, _)| class),
                        "confidence": prediction.probabilities.first().map(|(_, share)| share),
                        "probabilities": shares,
                    })
                };
                predictions.iter().map(item).collect::<Vec<_>>()
            });
            all["items"] = json!(items);
        }
        Task::Evaluate { splits } => {
            let evaluated = app.store.list_evaluations_of(job.id).await?;
            let of_job = evaluated.iter().filter(|done| splits.contains(&done.split));
            let results: Vec<Value> = of_job
                .map(|done| {
                    let evaluation = format!("/api/v1/runs/{}/evaluation?split={}", job.id.run, done.split);
                    let (total, correct) = (done.total, done.total - done.wrong);
                    json!({"split": done.split, "epoch": done.epoch, "total": total, "correct": correct, "evaluation": evaluation})
                })
                .collect();
            all["results"] = json!(results);
        }
        Task::FindLearningRate { .. } => {
            let found = job.learning_rates.clone().map(LearningRates::new);
            all["learning_rates"] = json!(found.map(|found| json!({
                "points": found.points,
                "suggestion": found.suggestion(),
                "steepest": found.steepest,
                "tenth_of_lowest": found.tenth_of_lowest,
            })));
        }
        Task::Train => {}
    }
    Ok(all)
}

fn facts_json(job: &Job) -> Value {
    let (task, splits) = match &job.task {
        Task::Train => ("train", None),
        Task::Evaluate { splits } => ("evaluate", Some(splits)),
        Task::Predict => ("predict", None),
        Task::FindLearningRate { .. } => ("find-learning-rate", None),
    };
    json!({
        "run": job.id.run,
        "number": job.id.number,
        "task": task,
        "splits": splits,
        "images": job.images,
        "asked_by": job.asked_by,
        "state": job.state.as_str(),
        "stopping": job.stop_request.map(|request| request.as_str()),
        "progress": job.stage.map(|stage| json!({"stage": stage.stage, "done": stage.done, "total": stage.total})),
        "created_at_ms": job.created_at_ms,
        "started_at_ms": job.started_at_ms,
        "ended_at_ms": job.ended_at_ms,
        "environment": job.hello,
        "failure": job.failure,
    })
}
