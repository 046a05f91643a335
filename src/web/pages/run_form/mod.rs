//! `/runs/new`: the form, made from the table of fields; what comes of sending it; and what it would come to, live.

mod cost;
mod entered;
mod fields;
mod learn;
mod live;
mod strip;
mod summary;
mod sweep;

use super::frame::{Frame, Section, page, page_with};
use crate::actions::{self, runs::Origin};
use crate::domain::dataset::DatasetState;
use crate::domain::ids::RunId;
use crate::domain::recipe::{FieldErrors, Values, values_from_spec};
use crate::runs::process::find_trainer;
use crate::store::datasets::Dataset;
use crate::web::api::runs::{find_facts, find_recipe, start};
use crate::web::api::{dataset_facts, find_dataset, find_run};
use crate::web::extract::{Form, Query};
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use entered::Entered;
use fields::{Chosen, Fieldset, Loading, Problem, problems};
use learn::Learn;
use live::Live;
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use sweep::SweepForm;

/// Field name → what was typed.
type Typed = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "runs/new.html")]
struct New {
    frame: Frame,
    datasets: Vec<Dataset>,
    chosen: Option<Chosen>,
    groups: Vec<Fieldset>,
    learn: Option<Learn>,
    /// The run whose settings stand in the fields.
    like: Option<Like>,
    /// What is wrong with what was sent.
    problems: Vec<Problem>,
    sweep: SweepForm,
    /// Why no run could start now.
    missing_trainer: Option<String>,
    live: Live,
}

/// A run whose settings stand in the fields, as the form tells of it.
struct Like {
    id: RunId,
    name: String,
    /// The version of the data set that it learned from.
    version: i64,
    /// The newest one, where that is another.
    newer_version: Option<i64>,
    /// Whether the images are those of that run, labelled and split as they were then.
    same_images: bool,
    /// Whether this run is to go on from the best epoch of that one.
    goes_on: bool,
}

impl Like {
    /// `dataset` is the one that is chosen: another one has no versions to compare with.
    async fn load(app: &AppState, origin: &Origin, dataset: Option<&Dataset>, typed: &Typed) -> Result<Like> {
        let Origin { run, same_images } = origin;
        let newest = match dataset.filter(|dataset| dataset.id == run.dataset_id) {
            Some(dataset) => app.store.newest_version(dataset.id).await?,
            None => run.dataset_version,
        };
        let newer_version = (newest != run.dataset_version).then_some(newest);
        let (id, name, version) = (run.id, run.name.clone(), run.dataset_version);
        let best = app.runs.directory(id).best_weights();
        let goes_on = typed.get("weights").is_some_and(|weights| best == FilePath::new(weights));
        Ok(Like { id, name, version, newer_version, same_images: *same_images, goes_on })
    }
}

/// The run that the form is like, and whether its images are taken too: `like=7` and `images_of=7`. Another data set than that of
/// the run is taken as it is today.
async fn take_origin(app: &AppState, typed: &mut Typed) -> Result<Option<Origin>> {
    let (like, images_of) = (typed.remove("like"), typed.remove("images_of"));
    let Some(number) = like.filter(|text| !text.is_empty()) else { return Ok(None) };
    let id = number.parse().map(RunId).map_err(|_| Error::NotFound("run"))?;
    let run = find_run(app, id.0).await?;
    typed.entry("dataset".into()).or_insert_with(|| run.dataset_id.to_string());
    let chosen = find_chosen(app, typed).await?;
    let same_images = images_of == Some(number) && chosen.is_some_and(|dataset| dataset.id == run.dataset_id);
    Ok(Some(Origin { run, same_images }))
}

/// As [`take_origin`], of a form that was sent: by now the run may be gone. That matters only where its images are asked for, and
/// then the second part says so.
async fn take_origin_if_there(app: &AppState, typed: &mut Typed) -> Result<(Option<Origin>, Option<String>)> {
    let images_of = typed.get("images_of").cloned();
    match take_origin(app, typed).await {
        Err(Error::NotFound(_)) => {
            let say = |number| {
                format!(
                    "Run {number}, whose images were to be taken, was deleted: Start now takes the data set as it is today"
                )
            };
            Ok((None, images_of.map(say)))
        }
        found => Ok((found?, None)),
    }
}

impl New {
    /// `2 fields need attention`.
    fn problem_count(&self) -> String {
        match self.problems.len() {
            1 => "1 field needs attention".to_owned(),
            count => format!("{count} fields need attention"),
        }
    }
}

/// `GET /runs/new?dataset=3&epochs=5`: fields given in the query are filled in. With `like=7` the others are filled in from
/// the settings of that run; with `images_of=7` its images are taken too.
///
/// With `from=7` all layers go on learning from what run 7 learned, with its images.
pub(crate) async fn show(State(app): State<AppState>, Query(mut typed): Query<Typed>) -> Result<Response> {
    if let Some(number) = typed.remove("from") {
        fill_from(&app, &mut typed, &number).await?;
        let origin = take_origin(&app, &mut typed).await?;
        return form(&app, StatusCode::OK, &typed, FieldErrors::new(), origin.as_ref()).await;
    }
    let origin = take_origin(&app, &mut typed).await?;
    if let (Some(origin), Some(dataset)) = (&origin, find_chosen(&app, &typed).await?) {
        let facts = dataset_facts(&app, &dataset).await?;
        // What was left open stays open, but where the same images are to give the same bits.
        let spec = if origin.same_images { &origin.run.spec } else { &origin.run.asked };
        for (name, value) in values_from_spec(spec, &facts) {
            typed.entry(name.clone()).or_insert_with(|| entered::text_of(&name, &value));
        }
    }
    form(&app, StatusCode::OK, &typed, FieldErrors::new(), origin.as_ref()).await
}

/// Fills in what makes a run go on from another one: its best epoch, its images and how they were put to the network. How it learns
/// is left to the defaults of fine-tuning; its last layer has learned already.
async fn fill_from(app: &AppState, typed: &mut Typed, number: &str) -> Result<()> {
    let id = number.parse().map(RunId).map_err(|_| Error::NotFound("run"))?;
    let run = app.store.find_run(id).await?.ok_or(Error::NotFound("run"))?;
    let dataset = find_dataset(app, run.dataset_id.0).await?;
    let facts = dataset_facts(app, &dataset).await?;
    let weights = app.runs.directory(id).best_weights();
    let mut fill = |name: &str, text: String| {
        typed.entry(name.to_owned()).or_insert(text);
    };
    for name in ["like", "images_of"] {
        fill(name, number.to_owned());
    }
    fill("training", "fine-tune".into());
    fill("weights", weights.display().to_string());
    fill("head_epochs", "0".into());
    let kept =
        ["model", "image_size", "normalization", "train_transforms", "eval_transforms", "seed", "batch_size"];
    for (name, value) in values_from_spec(&run.spec, &facts) {
        if kept.contains(&name.as_str()) {
            fill(&name, entered::text_of(&name, &value));
        }
    }
    Ok(())
}

/// `POST /runs`: starts the run, or the runs of a sweep, or brings the form back with what is wrong beside each field.
pub(crate) async fn create(State(app): State<AppState>, Form(mut typed): Form<Typed>) -> Result<Response> {
    let (origin, gone) = take_origin_if_there(&app, &mut typed).await?;
    let origin = origin.as_ref();
    let images_of = Origin::images_of(origin);
    let refuse = |errors| form(&app, StatusCode::UNPROCESSABLE_ENTITY, &typed, errors, origin);
    let Some(dataset) = find_chosen(&app, &typed).await? else {
        return refuse(FieldErrors::from([("dataset".to_owned(), "Choose a data set".to_owned())])).await;
    };
    let Entered { values, mut errors, .. } = Entered::read(&typed, &dataset_facts(&app, &dataset).await?);
    let facts = find_facts(&app, &dataset, &values, images_of).await?;
    if let Err(more) = find_recipe(&values, &facts).await? {
        for (field, why) in more {
            errors.entry(field).or_insert(why);
        }
    }
    if let Some(gone) = gone {
        errors.entry("dataset".to_owned()).or_insert(gone);
    }
    let sweep = SweepForm::read(&typed, &FieldErrors::new());
    let plan = match sweep.plan() {
        Some(Err(more)) => {
            errors.extend(more);
            None
        }
        Some(Ok(plan)) => Some(plan),
        None => None,
    };
    if !errors.is_empty() {
        return refuse(errors).await;
    }
    if let Some(plan) = plan {
        let started = actions::sweeps::start(
            &app.store,
            &app.health,
            &app.runs,
            &app.weights,
            &dataset,
            &values,
            &plan,
            origin,
        );
        return match started.await.map_err(Error::from) {
            Ok(id) => Ok(Redirect::to(&format!("/sweeps/{id}")).into_response()),
            Err(Error::Invalid(errors)) => refuse(sweep.under_rows(errors)).await,
            Err(other) => Err(other),
        };
    }
    match start(&app, &dataset, &values, origin).await {
        Ok(id) => Ok(Redirect::to(&format!("/runs/{id}")).into_response()),
        Err(Error::Invalid(errors)) => refuse(errors).await,
        Err(other) => Err(other),
    }
}

/// `POST /runs/new/preview`: what the form as it stands would come to: eight network inputs, the cost, a line for each
/// folded part. It changes nothing.
pub(crate) async fn preview(State(app): State<AppState>, Form(mut typed): Form<Typed>) -> Result<Response> {
    let (origin, _) = take_origin_if_there(&app, &mut typed).await?;
    let redraws = typed.remove("redraws").and_then(|text| text.parse().ok()).unwrap_or(0);
    let dataset = find_chosen(&app, &typed).await?.ok_or(Error::NotFound("data set"))?;
    page(&Live::load(&app, &dataset, Origin::images_of(origin.as_ref()), &typed, redraws).await?)
}

/// The data set that was chosen, else the newest that is ready.
async fn find_chosen(app: &AppState, typed: &Typed) -> Result<Option<Dataset>> {
    let ready: Vec<Dataset> = list_ready(app).await?;
    let chosen = typed.get("dataset").filter(|text| !text.is_empty());
    Ok(match chosen {
        None => ready.into_iter().next(),
        Some(chosen) => {
            ready.into_iter().find(|dataset| dataset.id.to_string() == *chosen || dataset.name == *chosen)
        }
    })
}

async fn list_ready(app: &AppState) -> Result<Vec<Dataset>> {
    let datasets = app.store.list_datasets().await?;
    Ok(datasets.into_iter().filter(|dataset| dataset.state == DatasetState::Ready).collect())
}

async fn form(
    app: &AppState,
    status: StatusCode,
    typed: &Typed,
    errors: FieldErrors,
    origin: Option<&Origin>,
) -> Result<Response> {
    let problems = problems(&errors);
    let chosen = find_chosen(app, typed).await?;
    let like = match origin {
        Some(origin) => Some(Like::load(app, origin, chosen.as_ref(), typed).await?),
        None => None,
    };
    let (chosen, groups, learn, live) = match chosen {
        Some(dataset) => {
            let facts = find_facts(app, &dataset, &Values::new(), Origin::images_of(origin)).await?;
            let entered = Entered::read(typed, &facts);
            let live = Live::without_strip(app, &dataset, &facts, &entered, typed).await?;
            let saved = app.store.list_pipelines().await?;
            let loading = Loading::read(typed, &dataset, &saved);
            let groups = Fieldset::all(&entered, &errors, loading);
            let learn = Learn::new(app, &facts, &entered, &errors);
            let marks = app.health.marks(dataset.id).await?;
            (Some(Chosen { warnings: marks.sentences(), facts, dataset }), groups, Some(learn), live)
        }
        None => (None, Vec::new(), None, Live::default()),
    };
    let trainer = tokio::task::spawn_blocking(find_trainer).await?;
    let new = New {
        frame: Frame::load(app, "New run", &[("Runs", "/runs")]).await?.in_section(Section::NewRun),
        datasets: list_ready(app).await?,
        chosen,
        groups,
        learn,
        like,
        sweep: SweepForm::read(typed, &errors),
        problems,
        missing_trainer: trainer.err().map(|missing| format!("{missing:#}")),
        live,
    };
    page_with(status, &new)
}
