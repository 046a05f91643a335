//! Pictures and static files.

use super::extract::Path;
use super::{Error, Result, State};
use axum::body::Body;
use axum::extract::State as Held;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use include_dir::{Dir, include_dir};
use std::path::PathBuf;

static ASSETS: Dir = include_dir!("$CARGO_MANIFEST_DIR/static");

/// The sides that thumbnails are made in; a page asks for these alone, so the cache stays small.
const SIDES: [u32; 3] = [160, 320, 1024];

pub(super) const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// `/thumbnails/{hash of the file}/{side}`: made at the first request, then a file in the cache.
pub(super) async fn thumbnail(
    Held(state): Held<State>,
    Path((hash, side)): Path<(String, u32)>,
) -> Result<Response> {
    let named = hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !named || !SIDES.contains(&side) {
        return Err(Error::NotFound("picture"));
    }
    let file = state.data.join("thumbnails").join(&hash[..2]).join(format!("{hash}-{side}"));
    let bytes = cached(file, async || {
        let path = state.store.find_path_by_hash(&hash).await?.ok_or(Error::NotFound("picture"))?;
        let decoded = tokio::task::spawn_blocking(move || {
            vision::decode_file(&path, &vision::Limits::default())
                .map(|decoded| vision::thumbnail(&decoded.image, side).bytes)
        });
        Ok(decoded.await??)
    })
    .await?;
    let mime = if bytes.starts_with(b"RIFF") { "image/webp" } else { "image/jpeg" };
    Ok(([(header::CONTENT_TYPE, mime), (header::CACHE_CONTROL, FOR_EVER)], bytes).into_response())
}

/// A file of the cache; where there is none yet, it is made and kept.
pub(super) async fn cached(file: PathBuf, make: impl AsyncFnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    if let Ok(bytes) = tokio::fs::read(&file).await {
        return Ok(bytes);
    }
    let bytes = make().await?;
    let keep = move || {
        let folder = file.parent().unwrap_or(&file);
        std::fs::create_dir_all(folder)?;
        let staged = tempfile::NamedTempFile::new_in(folder)?;
        std::fs::write(staged.path(), &bytes)?;
        staged.persist(&file)?;
        anyhow::Ok(bytes)
    };
    Ok(tokio::task::spawn_blocking(keep).await??)
}

/// `/static/…`: what is embedded in the program.
pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
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
