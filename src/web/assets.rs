//! `/static/…`: what is embedded in the program.

use super::Error;
use super::extract::Path;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use include_dir::{Dir, include_dir};

static ASSETS: Dir = include_dir!("$CARGO_MANIFEST_DIR/static");

/// Answers with the file, or that the browser's copy is still good.
pub(super) async fn show(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = ASSETS.get_file(&path) else { return Error::NotFound("file").into_response() };
    let tag = format!("\"{}\"", &blake3::hash(file.contents()).to_hex()[..16]);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mime = match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    };
    let headers =
        [(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, "no-cache"), (header::ETAG, tag.as_str())];
    (StatusCode::OK, headers, Body::from(file.contents())).into_response()
}
