//! `/api/v1/runs/{id}/series.csv` and `series.parquet`: every point of a run's series as a file, sent while it is made.

use super::find_any_run;
use crate::export::{SeriesFormat, SeriesTable};
use crate::store::Store;
use crate::store::runs::Run;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Error, Result};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use std::collections::HashSet;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Pieces that wait for whoever reads slowly.
const WAITING: usize = 4;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesFileQuery {
    /// Separated by commas; where there are none, every series.
    keys: Option<String>,
}

pub(crate) async fn csv(
    state: State<AppState>,
    path: Path<i64>,
    query: Query<SeriesFileQuery>,
) -> Result<Response> {
    send(state, path, query, SeriesFormat::Csv).await
}

pub(crate) async fn parquet(
    state: State<AppState>,
    path: Path<i64>,
    query: Query<SeriesFileQuery>,
) -> Result<Response> {
    send(state, path, query, SeriesFormat::Parquet).await
}

async fn send(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(query): Query<SeriesFileQuery>,
    format: SeriesFormat,
) -> Result<Response> {
    let run = find_any_run(&app, id).await?;
    let all = app.store.list_series_keys(run.id).await?;
    let keys = match &query.keys {
        None => all,
        Some(wanted) => {
            let known: HashSet<&str> = all.iter().map(String::as_str).collect();
            let wanted: Vec<&str> = wanted.split(',').filter(|key| !key.is_empty()).collect();
            if let Some(unknown) = wanted.iter().find(|key| !known.contains(**key)) {
                let why = format!(
                    "names “{unknown}”, which is no series of this run; {}/series lists them",
                    run.id
                );
                return Err(Error::field("keys", why));
            }
            wanted.into_iter().map(str::to_owned).collect()
        }
    };
    let head = [
        (CONTENT_TYPE, format.mime().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"run-{id}-series.{}\"", format.ending())),
    ];
    let (sender, pieces) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        if let Err(error) = write(&app.store, &run, keys, format, &sender).await {
            tracing::error!(run.id = %run.id, error = format!("{error:#}"), "sending its series broke off");
            // The connection is cut, so that nobody takes what came for all of it.
            sender.send(Err(std::io::Error::other(error.to_string()))).await.ok();
        }
    });
    Ok((head, Body::from_stream(ReceiverStream::new(pieces))).into_response())
}

async fn write(
    store: &Store,
    run: &Run,
    keys: Vec<String>,
    format: SeriesFormat,
    sender: &mpsc::Sender<std::io::Result<Vec<u8>>>,
) -> anyhow::Result<()> {
    let steps_per_epoch = run.started.as_ref().map(|started| started.steps_per_epoch);
    let mut table = SeriesTable::new(format, steps_per_epoch)?;
    for key in keys {
        let points = store.list_points(run.id, &key).await?;
        // A long series takes a while to be put into words.
        let added = tokio::task::spawn_blocking(move || {
            let piece = table.add(&key, &points)?;
            anyhow::Ok((table, piece))
        });
        let (back, piece) = added.await??;
        table = back;
        if !piece.is_empty() && sender.send(Ok(piece)).await.is_err() {
            // Whoever asked has gone.
            return Ok(());
        }
    }
    let end = tokio::task::spawn_blocking(move || table.finish()).await??;
    sender.send(Ok(end)).await.ok();
    Ok(())
}
