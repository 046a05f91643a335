//! Thumbnails: made at the first request, then a file in the cache, named by the hash of the image's file.

use std::path::{Path, PathBuf};
use tokio::sync::Semaphore;

/// Images decoded at a time: one may need some hundred MB, and a run shares the cores.
static DECODING: Semaphore = Semaphore::const_new(2);

/// A thumbnail that is in the cache below the data directory; `side` in pixels.
pub async fn find(data: &Path, hash: &str, side: u32) -> Option<Vec<u8>> {
    super::find(&file(data, hash, side)).await
}

/// Makes a thumbnail of the image at `path` and keeps it.
///
/// # Errors
/// The image can't be read, or the cache can't be written.
pub async fn make(data: &Path, path: PathBuf, hash: &str, side: u32) -> anyhow::Result<Vec<u8>> {
    let file = file(data, hash, side);
    let _turn = DECODING.acquire().await?;
    let made = tokio::task::spawn_blocking(move || {
        let decoded = vision::decode_file(&path, &vision::Limits::default())?;
        super::keep(&file, vision::thumbnail(&decoded.image, side).bytes)
    });
    made.await?
}

fn file(data: &Path, hash: &str, side: u32) -> PathBuf {
    data.join("thumbnails").join(&hash[..2]).join(format!("{hash}-{side}"))
}
