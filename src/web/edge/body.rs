//! The bodies of requests. All but uploads are small: forms and JSON. They are read whole before a handler starts, so that a body
//! that is too large, too slow or torn is refused in one place and in the same words, and never leaves a change half made.

use crate::domain::access::Needed;
use crate::web::Error;
use crate::web::access::check;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::time::Duration;
use tokio_stream::StreamExt as _;

/// A form or a JSON body. A recipe has a few kilobytes.
const MOST_BYTES: usize = 1 << 20;
/// An edit may name every sample of a large data set, by its number.
const MOST_BYTES_OF_EDIT: usize = 32 << 20;
/// A link that somebody pasted into the page that asks for a key.
const MOST_BYTES_WITHOUT_KEY: usize = 64 << 10;
/// How long all of it may take.
const WITHIN: Duration = Duration::from_secs(15);
/// What is read on of a body that is too large, and thrown away: a browser that is cut off while it sends shows no answer at all.
const MOST_DISCARDED: usize = 64 << 20;

/// Reads a small body, or refuses it.
pub(super) async fn read_small(request: Request, next: Next) -> Response {
    if is_upload(&request) {
        return next.run(request).await;
    }
    let most = match most_bytes(&request) {
        Ok(most) => most,
        Err(refusal) => return refusal.into_response(),
    };
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(WITHIN, read(body, most)).await;
    match read {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(refusal)) => refusal.into_response(),
        Err(_) => too_slow().into_response(),
    }
}

/// How large a body may be, of which nothing is kept before it is known that its sender may send it. Whether they may have what they
/// ask for, each route says itself as well (`routes.rs`).
fn most_bytes(request: &Request) -> Result<usize, Error> {
    let path = request.uri().path().trim_end_matches('/');
    let is_question = matches!(*request.method(), Method::GET | Method::HEAD);
    match check(Needed::AnyKey, request.extensions()) {
        Err(_) if is_question || path == "/key" => return Ok(MOST_BYTES_WITHOUT_KEY),
        Err(refusal) => return Err(refusal),
        Ok(()) if is_question || !path.ends_with("/edits") => return Ok(MOST_BYTES),
        Ok(()) => {}
    }
    check(Needed::FullKey, request.extensions())?;
    Ok(MOST_BYTES_OF_EDIT)
}

/// Files for a new data set, or images for a run to look at: as large as they are, written to disk as they come, and counted there
/// (`jobs/upload.rs`).
fn is_upload(request: &Request) -> bool {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"multipart/form-data"));
    let path = request.uri().path().trim_end_matches('/');
    let parts: Vec<&str> = path.trim_start_matches("/api/v1").split('/').collect();
    let takes_files = matches!(parts[..], ["", "datasets"] | ["", "runs", _, "jobs"]);
    is_form && *request.method() == Method::POST && takes_files
}

async fn read(body: Body, most: usize) -> Result<Bytes, Error> {
    let mut stream = body.into_data_stream();
    let mut all = Vec::new();
    let mut count = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|why| {
            Error::refused(
                StatusCode::BAD_REQUEST,
                "torn",
                format!("What was sent ended before it was whole ({why}). Send it again."),
            )
        })?;
        count += piece.len();
        if count <= most {
            all.extend_from_slice(&piece);
        } else if count > MOST_DISCARDED {
            break;
        }
    }
    if count <= most { Ok(all.into()) } else { Err(too_large(most)) }
}

fn too_large(most: usize) -> Error {
    let message = format!(
        "What was sent is larger than {}, which is the most that this address takes; nothing of it was taken. \
         Images come in at “Import” or by POST /api/v1/datasets as multipart/form-data, which may be of any size.",
        if most < MOST_BYTES { format!("{} KiB", most >> 10) } else { format!("{} MiB", most >> 20) }
    );
    Error::refused(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

fn too_slow() -> Error {
    let message = format!(
        "What was sent did not arrive whole within {} seconds; nothing of it was taken. Is the connection very slow? Send it again.",
        WITHIN.as_secs()
    );
    Error::refused(StatusCode::REQUEST_TIMEOUT, "too_slow", message)
}
