//! A run that was read from event files of another tool: its page, and the form that opens such files.

use super::charts::{self, Chart};
use super::format::{ago, bytes, counted, duration, thousands};
use super::frame::{Frame, Section, page};
use super::run_view::RunView;
use crate::domain::event_origin::EventOrigin;
use crate::domain::recipe::FieldErrors;
use crate::store::runs::{Note, Run};
use crate::web::api::event_runs::open_sent;
use crate::web::extract::Multipart;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

/// Series that are drawn; the files have all.
const MOST_CHARTS: usize = 60;

#[derive(Template)]
#[template(path = "runs/event_run.html")]
struct Show {
    frame: Frame,
    view: RunView,
    page: &'static str,
    charts: Vec<Chart>,
    /// Series that are not drawn.
    further: usize,
    notes: Vec<Note>,
    place: Option<String>,
    origin: EventOrigin,
    folder: String,
}

impl Show {
    /// What was read, as labels and values.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let EventOrigin { files, bytes: size, scalars, others, first_ms, last_ms, .. } = self.origin;
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let mut facts = vec![
            ("Read from", self.origin.source.clone()),
            ("Files", format!("{} ({})", counted(whole(files), "file", "files"), bytes(whole(size)))),
            ("Scalars", thousands(whole(scalars))),
            (
                "Written",
                format!("{}, over {}", ago(last_ms), duration((last_ms - first_ms).max(0) as f64 / 1000.0)),
            ),
        ];
        if others > 0 {
            let words = format!("{}: images, histograms, texts and the like", thousands(whole(others)));
            facts.push(("Not shown here", words));
        }
        facts
    }
}

/// `/runs/{id}` of such a run.
pub(crate) async fn show(app: &AppState, run: Run, origin: EventOrigin) -> Result<Response> {
    let notes = app.store.list_notes(run.id).await?;
    let mut keys = app.store.list_series_keys(run.id).await?;
    let further = keys.len().saturating_sub(MOST_CHARTS);
    keys.truncate(MOST_CHARTS);
    let view = RunView::load(app, run).await?;
    page(&Show {
        frame: Frame::load(app, view.title(), &[("Runs", "/runs")]).await?,
        page: "run",
        charts: charts::of_series(&keys),
        further,
        notes,
        place: None,
        origin,
        folder: app.runs.directory(view.run.id).path().display().to_string(),
        view,
    })
}

#[derive(Template)]
#[template(path = "runs/event_form.html")]
struct Form {
    frame: Frame,
    errors: FieldErrors,
}

impl Form {
    async fn load(app: &AppState, errors: FieldErrors) -> Result<Form> {
        let frame = Frame::load(app, "Open event files", &[("Runs", "/runs")]).await?;
        Ok(Form { frame: frame.in_section(Section::Runs), errors })
    }

    fn errors(&self) -> impl Iterator<Item = &String> {
        self.errors.values()
    }
}

/// `/runs/events`: the form.
pub(crate) async fn form(State(app): State<AppState>) -> Result<Response> {
    page(&Form::load(&app, FieldErrors::new()).await?)
}

/// Opens what the form brings, and shows it.
pub(crate) async fn create(State(app): State<AppState>, Multipart(form): Multipart) -> Result<Response> {
    match open_sent(&app, form).await {
        Ok(opened) => match &opened[..] {
            [one] => Ok(Redirect::to(&format!("/runs/{one}")).into_response()),
            _ => Ok(Redirect::to("/runs").into_response()),
        },
        Err(Error::Invalid(errors)) => {
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&Form::load(&app, errors).await?)?).into_response())
        }
        Err(other) => Err(other),
    }
}
