//! JSON under `/api/v1`: the contract that scripts rely on.

pub(super) mod access_keys;
pub(super) mod compare;
pub(super) mod datasets;
pub(super) mod evaluation;
pub(super) mod event_runs;
pub(super) mod events;
pub(super) mod findings;
pub(super) mod gallery_query;
pub(super) mod health;
pub(super) mod histograms;
pub(super) mod import;
pub(super) mod jobs;
pub(super) mod openapi;
mod openapi_jobs;
pub(super) mod pipelines;
pub(super) mod predictions;
pub(super) mod preview;
pub(super) mod runs;
pub(super) mod samples;
pub(super) mod series;
pub(super) mod series_file;
pub(super) mod status;
pub(super) mod sweeps;
pub(super) mod versions;
pub(super) mod weights;

use super::{AppState, Error, Result};
use crate::domain::dataset::DatasetFacts;
use crate::domain::ids::{DatasetId, RunId};
use crate::domain::run::leading_split;
use crate::import::DatasetFormat;
use crate::store::datasets::Dataset;
use crate::store::runs::Run;
use axum::http::StatusCode;
use protocol::sample::Split;

/// The run of this number, or a 404; also where it was read from event files, which hold curves alone.
pub(super) async fn find_run(app: &AppState, id: i64) -> Result<Run> {
    let run = find_any_run(app, id).await?;
    match run.event_origin {
        None => Ok(run),
        Some(_) => {
            let why = format!(
                "Run {id} was read from event files of another tool. They hold curves, which its page (/runs/{id}) shows: it has no \
                 images, network, settings, predictions or evaluation, and can't be trained."
            );
            Err(Error::refused(StatusCode::NOT_FOUND, "not_in_event_files", why))
        }
    }
}

/// The run of this number, be it one that was read from event files; or a 404.
pub(super) async fn find_any_run(app: &AppState, id: i64) -> Result<Run> {
    app.store.find_run(RunId(id)).await?.ok_or(Error::NotFound("run"))
}

/// The data set of this number, or a 404.
pub(super) async fn find_dataset(app: &AppState, id: i64) -> Result<Dataset> {
    app.store.find_dataset(DatasetId(id)).await?.ok_or(Error::NotFound("data set"))
}

/// What defaults and checks of a run on this data set go by.
pub(super) async fn dataset_facts(app: &AppState, dataset: &Dataset) -> Result<DatasetFacts> {
    Ok(app.store.dataset_facts(dataset, app.weights.list_present().await).await?)
}

/// The split that was asked for, else the one that leads: test, val or train, the first that was evaluated.
pub(super) async fn chosen_split(app: &AppState, run: &Run, name: Option<&str>) -> Result<Split> {
    if let Some(word) = name.filter(|word| !word.is_empty()) {
        return word.parse().map_err(|why: String| Error::field("split", why));
    }
    let evaluated = app.store.list_evaluated_splits(run.id).await?;
    Ok(leading_split(&evaluated).unwrap_or(Split::Val))
}

/// The format that a word asks for; `None` for `auto` and for no word.
pub(crate) fn format_from_word(field: &str, word: &str) -> Result<Option<DatasetFormat>> {
    if ["", "auto"].contains(&word) {
        return Ok(None);
    }
    let known = || DatasetFormat::ALL.map(DatasetFormat::as_str).join(", ");
    let format = DatasetFormat::from_word(word);
    format
        .map(Some)
        .ok_or_else(|| Error::field(field, format!("“{word}” is not a format; there are auto, {}", known())))
}
