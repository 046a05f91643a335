//! `/runs`: every run. `/runs/{id}`: one run while it learns, and its buttons.

use super::charts::{self, Chart};
use super::format::{self, thousands};
use super::frame::{Frame, Section, page};
use super::run_view::{RunView, RunViews};
use crate::domain::ids::RunId;
use crate::domain::run::RunState;
use crate::store::run_list::RunSelection;
use crate::store::runs::{Note, Run};
use crate::web::api::find_run;
use crate::web::extract::Path;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};

#[derive(Template)]
#[template(path = "runs/list.html")]
struct List {
    frame: Frame,
    list: RunViews,
}

pub(crate) async fn list(State(app): State<AppState>) -> Result<Response> {
    let list = RunViews::load(&app, RunSelection::All).await?;
    page(&List { frame: Frame::load(&app, "Runs", &[]).await?.in_section(Section::Runs), list })
}

#[derive(Template)]
#[template(path = "runs/show.html")]
struct Show {
    frame: Frame,
    view: RunView,
    page: &'static str,
    charts: [Chart; 4],
    notes: Vec<Note>,
    /// One an epoch, for those without scripts and for exact figures.
    epochs: Vec<Epoch>,
    /// What was chosen: name and value.
    settings: Vec<(String, String)>,
    /// Where the run stands in the queue, from 1.
    place: Option<usize>,
}

/// The figures of one epoch.
pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) train_loss: Option<f64>,
    pub(crate) train_accuracy: Option<f64>,
    pub(crate) val_loss: Option<f64>,
    pub(crate) val_accuracy: Option<f64>,
    pub(crate) best: bool,
}

pub(crate) async fn show(State(app): State<AppState>, Path(id): Path<i64>) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let notes = app.store.list_notes(run.id).await?;
    let place = place_in_queue(&app, &run).await?;
    let epochs = list_epochs(&app, &run).await?;
    let settings = settings(&run);
    let view = RunView::load(&app, run).await?;
    page(&Show {
        frame: Frame::load(&app, view.run.name.clone(), &[("Runs", "/runs")]).await?,
        page: "run",
        charts: charts::of_training(),
        notes,
        epochs,
        settings,
        place,
        view,
    })
}

pub(crate) async fn list_epochs(app: &AppState, run: &Run) -> Result<Vec<Epoch>> {
    let mut columns = Vec::new();
    for key in ["epoch/train_loss", "epoch/train_accuracy", "val/loss", "val/accuracy"] {
        columns.push(app.store.list_points(run.id, key).await?);
    }
    let at = |column: usize, step: u64| {
        columns[column].iter().find(|point| point.0 == step).and_then(|point| point.1)
    };
    Ok((1..)
        .zip(&columns[0])
        .map(|(number, (step, train_loss))| Epoch {
            number,
            train_loss: *train_loss,
            train_accuracy: at(1, *step),
            val_loss: at(2, *step),
            val_accuracy: at(3, *step),
            best: run.best_epoch == i64::try_from(number).ok(),
        })
        .collect())
}

/// Where a run stands in the queue, from 1.
pub(crate) async fn place_in_queue(app: &AppState, run: &Run) -> Result<Option<usize>> {
    if run.state != RunState::Queued {
        return Ok(None);
    }
    let active = app.store.list_active().await?;
    let at = active.iter().filter(|other| !other.is_running).position(|other| other.id == run.id);
    Ok(at.map(|at| at + 1))
}

/// The specification as rows of a table.
fn settings(run: &crate::store::runs::Run) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(spec)) = serde_json::to_value(&run.spec) else { return Vec::new() };
    let mut rows: Vec<(String, String)> = spec
        .into_iter()
        .filter(|(name, value)| name != "classes" && !value.is_null())
        .map(|(name, value)| {
            let text = match value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            (name.replace('_', " "), text)
        })
        .collect();
    if let Some(hello) = &run.hello {
        rows.push((
            "computed on".into(),
            format!("{}, {} threads, libtorch {}", hello.device, hello.threads, hello.torch),
        ));
        rows.push(("precision chosen".into(), hello.precision_reason.clone()));
    }
    if let Some(started) = &run.started {
        rows.push(("parameters".into(), thousands(started.parameters)));
    }
    rows
}

/// `POST /runs/{id}/{action}`: a button of the page; back to it.
pub(crate) async fn act(
    State(app): State<AppState>,
    Path((id, action)): Path<(i64, String)>,
) -> Result<Response> {
    let run = RunId(id);
    match action.as_str() {
        "pause" => app.runs.pause(run).await?,
        "resume" => app.runs.resume(run).await?,
        "cancel" => app.runs.cancel(run).await?,
        _ => return Err(Error::NotFound("page")),
    }
    Ok(Redirect::to(&format!("/runs/{id}")).into_response())
}
