//! Files as a browser sends them: written to a folder of their own as they come, and gone with it unless they are imported.

use crate::domain::imported::Rejected;
use crate::import::{Limits, Places};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

/// What has come of an upload.
pub struct Upload {
    /// Taken out when it is handed on. Otherwise removed off the threads that answer requests: it may be many files.
    folder: Option<tempfile::TempDir>,
    places: Places,
    /// The names of the files that were taken.
    names: Vec<String>,
    refused: Vec<Rejected>,
    bytes: u64,
    limits: Limits,
}

/// Why an upload ended before it was whole, in words.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// More than is allowed.
    #[error("{0}; bring a part of it, or give the path of a folder on the server's machine")]
    TooLarge(String),
    /// The disk refused something.
    #[error("“{name}” could not be kept: {source}")]
    Write {
        /// The file, as it was sent.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A file that is coming.
pub struct Incoming {
    file: File,
    name: String,
}

/// A whole upload, on its way to an import.
pub struct Received {
    folder: tempfile::TempDir,
    /// What could not be taken, with its reason.
    pub refused: Vec<Rejected>,
    /// The name of the only file, or how many there are.
    pub title: String,
}

impl Received {
    /// Where the files lie.
    pub fn files(&self) -> PathBuf {
        files_in(&self.folder)
    }
}

fn files_in(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("files")
}

impl Upload {
    /// Makes a folder for it in `uploads`.
    ///
    /// # Errors
    /// The disk refuses it.
    pub async fn begin(uploads: &Path, limits: Limits) -> io::Result<Upload> {
        let uploads = uploads.to_owned();
        tokio::fs::create_dir_all(&uploads).await?;
        let folder = tokio::task::spawn_blocking(move || tempfile::tempdir_in(&uploads)).await;
        let folder = folder.map_err(io::Error::other)??;
        tokio::fs::create_dir(files_in(&folder)).await?;
        Ok(Upload {
            folder: Some(folder),
            places: Places::default(),
            names: Vec::new(),
            refused: Vec::new(),
            bytes: 0,
            limits,
        })
    }

    /// Opens a place for a file; `None` where a file of this name is not taken, which is listed unless it is clutter.
    ///
    /// # Errors
    /// There are too many, or the disk refuses it.
    pub async fn open(&mut self, name: &str) -> Result<Option<Incoming>, UploadError> {
        let count = (self.names.len() + self.refused.len()) as u64;
        if count >= self.limits.max_entries {
            return Err(UploadError::TooLarge(format!(
                "these are more than {} files",
                self.limits.max_entries
            )));
        }
        let place = match self.places.place(name) {
            Ok(Some(place)) => place,
            Ok(None) => return Ok(None),
            Err(why) => {
                self.refused.push(Rejected { path: name.to_owned(), reason: format!("it {why}") });
                return Ok(None);
            }
        };
        let Some(folder) = &self.folder else { return Ok(None) };
        let path = files_in(folder).join(&place);
        let opened = async {
            if let Some(parent) = path.parent() {
                tokio::fs::create_dir_all(parent).await?;
            }
            File::create(&path).await
        };
        let file = opened.await.map_err(|source| UploadError::Write { name: name.to_owned(), source })?;
        self.names.push(place);
        Ok(Some(Incoming { file, name: name.to_owned() }))
    }

    /// Writes a part of a file.
    ///
    /// # Errors
    /// It is too much, or the disk refuses it.
    pub async fn write(&mut self, incoming: &mut Incoming, chunk: &[u8]) -> Result<(), UploadError> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.limits.max_unpacked_bytes {
            let most = self.limits.max_unpacked_bytes >> 30;
            return Err(UploadError::TooLarge(format!("these are more than {most} GiB")));
        }
        let written = incoming.file.write_all(chunk).await;
        written.map_err(|source| UploadError::Write { name: incoming.name.clone(), source })
    }

    /// A file is there.
    ///
    /// # Errors
    /// The disk refuses it.
    pub async fn close(&mut self, mut incoming: Incoming) -> Result<(), UploadError> {
        let flushed = incoming.file.flush().await;
        flushed.map_err(|source| UploadError::Write { name: incoming.name, source })
    }

    /// Whether nothing has come, be it refused.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.refused.is_empty()
    }

    /// Where the files that were taken lie, in the order in which they came.
    pub fn paths(&self) -> Vec<PathBuf> {
        let Some(folder) = &self.folder else { return Vec::new() };
        self.names.iter().map(|name| files_in(folder).join(name)).collect()
    }

    /// What a data set of it could be called: after the one file, or after the folder that all lie in.
    pub fn name(&self) -> String {
        suggested_name(&self.names)
    }

    /// All has come.
    pub fn finish(mut self) -> Option<Received> {
        let folder = self.folder.take()?;
        let title = match &self.names[..] {
            [only] => only.clone(),
            all => format!("{} ({} files)", suggested_name(all), all.len()),
        };
        Some(Received { folder, refused: std::mem::take(&mut self.refused), title })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(folder) = self.folder.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(folder));
        }
    }
}

/// The name without its endings where there is one file; the folder around everything where it holds folders, so that it is no
/// class; else a word for what it is.
fn suggested_name(names: &[String]) -> String {
    if let [only] = names
        && !only.contains('/')
    {
        return only.split('.').next().unwrap_or_default().to_owned();
    }
    let mut firsts = names.iter().map(|name| name.split_once('/'));
    if let Some(Some((folder, _))) = firsts.next()
        && firsts.all(|first| first.is_some_and(|(other, _)| other == folder))
        && names.iter().any(|name| name.matches('/').count() > 1)
    {
        return folder.to_owned();
    }
    "images".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_called_after_what_is_around_it() {
        let name =
            |names: &[&str]| suggested_name(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(name(&["pets.tar.gz"]), "pets");
        assert_eq!(name(&["pets/cat/1.jpg", "pets/dog/2.jpg"]), "pets");
        assert_eq!(name(&["cat/1.jpg", "dog/2.jpg"]), "images", "those are the classes");
        assert_eq!(name(&["cat/1.jpg", "cat/2.jpg"]), "images", "one class");
        assert_eq!(name(&["a.jpg", "b.jpg"]), "images");
        assert_eq!(name(&[]), "images");
    }

    #[tokio::test]
    async fn what_is_not_imported_is_gone_and_what_is_too_much_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let uploads = data.path().join("uploads");
        let limits = Limits { max_entries: 3, max_unpacked_bytes: 10, ..Limits::default() };
        let mut upload = Upload::begin(&uploads, limits).await.unwrap();
        assert!(upload.open("../x").await.unwrap().is_none());
        assert!(upload.open("a/.DS_Store").await.unwrap().is_none());
        let mut file = upload.open("a/1.jpg").await.unwrap().unwrap();
        upload.write(&mut file, b"12345678").await.unwrap();
        upload.close(file).await.unwrap();
        let mut file = upload.open("a/1.jpg").await.unwrap().unwrap();
        assert!(matches!(upload.write(&mut file, b"123").await, Err(UploadError::TooLarge(_))));
        assert!(matches!(upload.open("b").await, Err(UploadError::TooLarge(_))));
        let folder = upload.folder.as_ref().unwrap().path().to_owned();
        assert!(folder.join("files/a/1.jpg").is_file() && folder.join("files/a/1 (2).jpg").is_file());
        assert_eq!(upload.refused.len(), 1, "clutter is nobody's loss, the other is said");
        drop((file, upload));
        while folder.exists() {
            tokio::task::yield_now().await;
        }
        assert!(!data.path().join("x").exists());
    }
}
