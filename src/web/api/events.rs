//! `/api/v1/runs/{id}/events`: server-sent events.
//!
//! A doorbell, not a fire-hose: whenever the store has news, what lies in the journal between the last
//! event sent and what is committed goes out as one message whose id is the journal's offset. Live view, reconnect
//! (`Last-Event-ID`) and reload (`?since=`) are therefore the same read, and nothing can be missed.

use super::{find_run, runs::run_json};
use crate::runs::follower::read_lines;
use crate::web::extract::{Path, Query};
use crate::web::{AppState, Result};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio_stream::wrappers::ReceiverStream;

/// No page is drawn more often than this.
const AT_MOST_EVERY: Duration = Duration::from_millis(100);
/// How much of the journal goes into one message.
const CHUNK_BYTES: u64 = 1 << 18;

#[derive(Deserialize)]
pub(crate) struct Since {
    since: Option<u64>,
}

pub(crate) async fn stream(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Sse<KeepAliveStream<ReceiverStream<Result<Event, axum::Error>>>>> {
    let run = find_run(&app, id).await?;
    let resumed =
        headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let mut offset: u64 = resumed.or(since.since).unwrap_or(0);
    let mut doorbell = app.runs.doorbell(run.id);
    let journal = app.runs.directory(run.id).journal();
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        loop {
            doorbell.mark_unchanged();
            let Ok(run) = find_run(&app, id).await else { return };
            let committed = u64::try_from(run.journal_offset).unwrap_or(0);
            while offset < committed {
                let Ok(lines) = read_lines(&journal, offset, CHUNK_BYTES.min(committed - offset)) else {
                    return;
                };
                if lines.is_empty() {
                    break;
                }
                offset += lines.len() as u64;
                let records: Vec<&RawValue> = lines
                    .split(|byte| *byte == b'\n')
                    .filter_map(|line| serde_json::from_slice::<&RawValue>(line).ok())
                    .collect();
                let Ok(event) = Event::default().event("journal").id(offset.to_string()).json_data(records)
                else {
                    return;
                };
                if sender.send(Ok(event)).await.is_err() {
                    return;
                }
            }
            let Ok(event) = Event::default().event("run").id(offset.to_string()).json_data(run_json(&run))
            else {
                return;
            };
            if sender.send(Ok(event)).await.is_err() {
                return;
            }
            tokio::select! {
                changed = doorbell.changed() => if changed.is_err() { return },
                () = sender.closed() => return,
            }
            tokio::time::sleep(AT_MOST_EVERY).await;
        }
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::default()))
}
