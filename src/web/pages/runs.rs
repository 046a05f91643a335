//! `/runs/{id}`: one run while it learns, its log, and its buttons. The list of all is `run_list.rs`.

use super::charts::{self, Chart};
use super::epochs::{EpochTable, EpochsQuery};
use super::event_run;
use super::findings::Findings;
use super::format;
use super::frame::{Frame, Section, page};
use super::jobs::JobList;
use super::run_selected::{page_of_runs, with_said};
use super::run_settings::Settings;
use super::run_view::RunView;
use super::time_shares::TimeShares;
use crate::actions::runs as actions;
use crate::domain::run::RunState;
use crate::runs::directory::read_end;
use crate::store::runs::{Note, Run};
use crate::web::api::{find_any_run, find_run};
use crate::web::extract::{Fields, Path, Query};
use crate::web::stream_file::serve_file;
use crate::web::{AppState, Error, Result};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "runs/show.html")]
struct Show {
    frame: Frame,
    view: RunView,
    page: &'static str,
    charts: [Chart; 4],
    notes: Vec<Note>,
    findings: Findings,
    /// One an epoch, for those without scripts and for exact figures.
    epochs: EpochTable,
    settings: Settings,
    /// `None` before anything was measured.
    times: Option<TimeShares>,
    /// Where the run stands in the queue, in words.
    place: Option<String>,
    /// Further jobs with its weights.
    jobs: JobList,
    /// Where its files are.
    folder: String,
}

/// Bytes of a log that its page shows; the rest is in the download.
const LOG_BYTES: u64 = 200_000;

pub(crate) async fn show(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<EpochsQuery>,
) -> Result<Response> {
    let run = find_any_run(&app, id).await?;
    if let Some(origin) = run.event_origin.clone() {
        return event_run::show(&app, run, origin).await;
    }
    let notes = app.store.list_notes(run.id).await?;
    let place = place_in_queue(&app, &run).await?;
    let epochs = EpochTable::load(&app, &run, query).await?;
    let settings = Settings::load(&app, &run).await?;
    let jobs = JobList::load(&app, &run).await?;
    let times = TimeShares::load(&app, &run).await?;
    let findings = Findings::load(&app, &run).await?;
    let view = RunView::load(&app, run).await?;
    page(&Show {
        folder: app.runs.directory(view.run.id).path().display().to_string(),
        jobs,
        frame: Frame::load(&app, view.title(), &[("Runs", "/runs")]).await?,
        page: "run",
        charts: charts::of_training(),
        notes,
        findings,
        epochs,
        settings,
        times,
        place,
        view,
    })
}

/// Where a run stands in the queue, in words.
pub(crate) async fn place_in_queue(app: &AppState, run: &Run) -> Result<Option<String>> {
    if run.state != RunState::Queued {
        return Ok(None);
    }
    if !run.spec.trains() {
        return Ok(Some(
            "Queued. It starts when the evaluation or prediction before it has ended".to_owned(),
        ));
    }
    let active = app.store.list_active().await?;
    let at = active.iter().filter(|other| !other.is_running).position(|other| other.id == run.id);
    Ok(at.map(|ahead| place_words(ahead, app.runs.max_concurrent())))
}

fn place_words(ahead: usize, max_concurrent: usize) -> String {
    let place = match ahead {
        0 => "Queued, next in line.".to_owned(),
        _ => format!("Queued, {} ahead.", format::counted(ahead, "run", "runs")),
    };
    match max_concurrent {
        1 => format!("{place} One run trains at a time"),
        _ => format!("{place} Up to {max_concurrent} runs train at a time"),
    }
}

/// What can't be done with a run that was read from event files.
const OF_A_TRAINER: [&str; 5] = ["pause", "resume", "cancel", "epochs", "again"];

/// `POST /runs/{id}/{action}`: a button of the page; back to it.
pub(crate) async fn act(
    State(app): State<AppState>,
    Path((id, action)): Path<(i64, String)>,
    RawQuery(query): RawQuery,
    typed: Fields,
) -> Result<Response> {
    let found = match OF_A_TRAINER.contains(&action.as_str()) {
        true => find_run(&app, id).await?,
        false => find_any_run(&app, id).await?,
    };
    let run = found.id;
    let text = |name: &str| typed.get(name);
    match action.as_str() {
        "pause" => app.runs.pause(run).await?,
        "resume" => app.runs.resume(run).await?,
        "cancel" => app.runs.cancel(run).await?,
        "rename" => actions::rename(&app.store, run, text("name")).await?,
        "note" => actions::set_note(&app.store, run, text("note")).await?,
        "tag" => actions::add_tag(&app.store, run, text("tag")).await?,
        "untag" => actions::remove_tag(&app.store, run, text("tag")).await?,
        "star" | "unstar" => actions::set_starred(&app.store, run, action == "star").await?,
        "archive" | "unarchive" => actions::set_archived(&app.store, run, action == "archive").await?,
        "epochs" => {
            let epochs =
                text("epochs").trim().parse().map_err(|_| Error::field("epochs", "Enter a whole number"))?;
            actions::raise_epochs(&app.store, &app.runs, run, epochs).await?;
        }
        "again" => {
            let again = actions::repeat(&app.store, &app.runs, &found).await?;
            return Ok(Redirect::to(&format!("/runs/{again}")).into_response());
        }
        _ => return Err(Error::NotFound("page")),
    }
    let query = query.unwrap_or_default();
    let list = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "back");
    let back = match (list, action.as_str()) {
        (Some((_, back)), _) => page_of_runs(&back).to_owned(),
        (_, "rename" | "note" | "tag" | "untag" | "star" | "unstar" | "archive" | "unarchive") => {
            with_said(&format!("/runs/{id}#about"), &action)
        }
        _ => format!("/runs/{id}"),
    };
    Ok(Redirect::to(&back).into_response())
}

#[derive(Template)]
#[template(path = "runs/log.html")]
struct Log {
    frame: Frame,
    view: RunView,
    page: &'static str,
    text: String,
    /// Whether only the end is shown.
    cut: bool,
}

impl Log {
    /// How much is shown.
    fn size(&self) -> String {
        format::bytes(self.text.len() as i64)
    }
}

#[derive(Deserialize)]
pub(crate) struct LogQuery {
    #[serde(default)]
    download: bool,
}

/// `/runs/{id}/log`: what the trainer printed; with `download=true` all of it, as a file.
pub(crate) async fn log(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<LogQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let run = find_run(&app, id).await?;
    let file = app.runs.directory(run.id).stderr();
    if query.download {
        let name = format!("attachment; filename=\"run-{id}-stderr.log\"");
        let mime = "text/plain; charset=utf-8";
        let body = match serve_file(&file, mime, (&method, &headers), "log").await {
            // Nothing was printed where there is none.
            Err(Error::NotFound(_)) => ([(CONTENT_TYPE, mime)], "").into_response(),
            served => served?,
        };
        return Ok(([(CONTENT_DISPOSITION, name)], body).into_response());
    }
    let (text, cut) = tokio::task::spawn_blocking(move || read_end(&file, LOG_BYTES)).await??;
    let view = RunView::load(&app, run).await?;
    let frame = Frame::load(&app, "Log", &[("Runs", "/runs"), (&view.title(), &view.href())]).await?;
    page(&Log { frame: frame.in_section(Section::Runs), view, page: "log", text, cut })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_queue_is_said_in_words() {
        assert_eq!(place_words(0, 1), "Queued, next in line. One run trains at a time");
        assert_eq!(place_words(1, 1), "Queued, 1 run ahead. One run trains at a time");
        assert_eq!(place_words(2, 3), "Queued, 2 runs ahead. Up to 3 runs train at a time");
    }
}
