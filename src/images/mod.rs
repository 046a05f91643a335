//! Small images made of samples for people to look at, and the caches on disk that keep them. Knows neither HTTP nor SQL.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

pub mod mean;
pub mod thumbnail;

use std::path::Path;

/// A file of the cache; `None` where there is none yet.
async fn find(file: &Path) -> Option<Vec<u8>> {
    tokio::fs::read(file).await.ok()
}

/// Writes a file of the cache in one step, so that nobody reads half of it, and gives its bytes back. Blocks.
fn keep(file: &Path, bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder)?;
    let staged = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(staged.path(), &bytes)?;
    staged.persist(file)?;
    Ok(bytes)
}
