//! A file of the disk as an answer: piece by piece, and only the part or the news that was asked for.

use super::{Error, Result};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use std::path::Path;
use tower_http::services::ServeFile;

/// What of a request says which part of a file it wants, or which state of it it has.
pub(super) type Asked<'a> = (&'a Method, &'a HeaderMap);

/// The file, as it lies on the disk; `missing` is what is said where there is none.
///
/// `Range`, `If-Modified-Since` and their kin are heeded. A browser asks each time whether its copy is still good.
pub(super) async fn serve_file(
    path: &Path,
    content_type: &'static str,
    (method, headers): Asked<'_>,
    missing: &'static str,
) -> Result<Response> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.clone();
    *request.headers_mut() = headers.clone();
    let mut response = ServeFile::new(path).try_call(request).await?.into_response();
    if response.status() == StatusCode::NOT_FOUND {
        return Err(Error::NotFound(missing));
    }
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}
