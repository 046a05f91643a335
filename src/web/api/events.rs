//! Server-sent events: `/api/v1/events` for every page, `/api/v1/runs/{id}/events` for a run's journal.
//!
//! The first says what changed anywhere (see [`crate::web::live`]). The second carries the journal: an event's id is the
//! journal's offset, so live view, reconnect (`Last-Event-ID`) and reload (`?since=`) are the same read, and
//! nothing can be missed (see [`crate::web::feed`]).

use super::find_any_run;
use crate::web::access;
use crate::web::extract::{Path, Query};
use crate::web::feed::Wanted;
use crate::web::{AppState, Result};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// A browser tries again after a second; said once, at the beginning.
const RETRY: Bytes = Bytes::from_static(b"retry: 1000\n\n");
/// A comment, so that a connection that nobody hears any more is noticed.
const KEEP_ALIVE: Bytes = Bytes::from_static(b": \n\n");
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Messages that wait for a slow reader.
const WAITING: usize = 16;

type Sender = mpsc::Sender<Result<Bytes, Infallible>>;

#[derive(Deserialize)]
pub(crate) struct Since {
    since: Option<String>,
    /// Which records: `all`, `charts`, `gradients`.
    #[serde(default)]
    only: Wanted,
}

impl Since {
    /// Where the reader stands: a reconnecting browser says so itself.
    fn place(&self, headers: &HeaderMap) -> Option<String> {
        let resumed = headers.get("last-event-id").and_then(|value| value.to_str().ok());
        resumed.map(str::to_owned).or_else(|| self.since.clone())
    }
}

/// `/api/v1/events`.
pub(crate) async fn changes(
    State(app): State<AppState>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Response {
    let place = since.place(&headers);
    let end = access::until_refused(&app.store);
    answer(end, move |sender| async move {
        let (missed, mut receiver) = app.live.subscribe(place.as_deref());
        for bytes in missed {
            if sender.send(Ok(bytes)).await.is_err() {
                return;
            }
        }
        loop {
            let bytes = tokio::select! {
                received = receiver.recv() => match received {
                    Ok(sent) => sent.bytes,
                    Err(RecvError::Lagged(_)) => app.live.start_over(),
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(KEEP_ALIVE_EVERY) => KEEP_ALIVE,
                () = sender.closed() => return,
            };
            if sender.send(Ok(bytes)).await.is_err() {
                return;
            }
        }
    })
}

/// `/api/v1/runs/{id}/events`.
pub(crate) async fn stream(
    State(app): State<AppState>,
    Path(id): Path<i64>,
    Query(since): Query<Since>,
    headers: HeaderMap,
) -> Result<Response> {
    let run = find_any_run(&app, id).await?;
    let mut offset: u64 = since.place(&headers).and_then(|place| place.parse().ok()).unwrap_or(0);
    let end = access::until_refused(&app.store);
    Ok(answer(end, move |sender| async move {
        let (mut receiver, mut position) = app.feeds.join(&run);
        // Found again, since it may have moved before this reader joined the others.
        let Ok(found) = find_any_run(&app, id).await else { return };
        let mut about_run = Some(app.feeds.run_event(&found, offset.max(position)));
        loop {
            // What lies between this reader and the others is read from the journal.
            let Ok(pieces) = app.feeds.read(run.id, offset, position).await else { return };
            for piece in pieces {
                offset = piece.to;
                if !send(&sender, piece.message(since.only)).await {
                    return;
                }
            }
            if let Some(event) = about_run.take()
                && !send(&sender, event).await
            {
                return;
            }
            let message = tokio::select! {
                received = receiver.recv() => match received {
                    Ok(piece) if piece.is_about_run() => {
                        position = piece.to;
                        about_run = Some(piece.message(since.only));
                        continue;
                    }
                    Ok(piece) if piece.from != offset => {
                        position = piece.to;
                        continue;
                    }
                    Ok(piece) => {
                        offset = piece.to;
                        piece.message(since.only)
                    }
                    Err(RecvError::Lagged(_)) => {
                        (receiver, position) = app.feeds.join(&run);
                        continue;
                    }
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(KEEP_ALIVE_EVERY) => KEEP_ALIVE,
                () = sender.closed() => return,
            };
            if !send(&sender, message).await {
                return;
            }
        }
    }))
}

/// False where nobody listens any more.
async fn send(sender: &Sender, bytes: Bytes) -> bool {
    bytes.is_empty() || sender.send(Ok(bytes)).await.is_ok()
}

/// A stream as an answer, written by `work` for as long as the other side listens and may: until `end`.
fn answer<F: Future<Output = ()> + Send + 'static>(
    end: impl Future<Output = ()> + Send + 'static,
    work: impl FnOnce(Sender) -> F,
) -> Response {
    let (sender, receiver) = mpsc::channel(WAITING);
    // There is room: nothing else was sent yet.
    drop(sender.try_send(Ok(RETRY)));
    let work = work(sender);
    tokio::spawn(async move {
        tokio::select! {
            () = work => {}
            () = end => {}
        }
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(ReceiverStream::new(receiver))).into_response()
}
