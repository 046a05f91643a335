//! A run that was not trained here: its folder was made of what another tool wrote.

use super::{Runs, directory};
use crate::domain::event_origin::EventOrigin;
use crate::domain::ids::RunId;
use anyhow::Context as _;
use protocol::spec::RunSpec;
use std::path::PathBuf;
use tempfile::TempDir;

impl Runs {
    /// An empty folder beside those of the runs, to be filled and adopted; it may block.
    ///
    /// # Errors
    /// The data directory can't be written.
    pub fn stage(&self) -> anyhow::Result<TempDir> {
        directory::stage(&self.inner.data)
    }

    /// Takes a folder with a journal that has ended for a run. The queue finds it as a run whose trainer is gone, and takes the
    /// journal in; if this server dies meanwhile, the next one goes on.
    ///
    /// # Errors
    /// The folder can't be moved, or the database fails.
    pub async fn adopt(
        &self,
        name: &str,
        spec: &RunSpec,
        origin: &EventOrigin,
        staged: TempDir,
    ) -> anyhow::Result<RunId> {
        let _numbering = self.inner.numbering.lock().await;
        let id = self.next_number().await?;
        let place: PathBuf = self.directory(id).path().to_owned();
        tokio::task::spawn_blocking(move || directory::put(staged, &place)).await??;
        self.inner.store.insert_event_run(id, name, spec, origin).await.context("adding the run")?;
        self.inner.wake.notify_one();
        Ok(id)
    }
}
