//! Margins of predictions that were ingested by a version that did not count them: read from their file when they are
//! first asked for.

use super::Runs;
use super::predictions_file::PredictionsFile;
use crate::domain::ids::RunId;
use protocol::sample::Split;

impl Runs {
    /// Adds what is missing; where the file is gone, the predictions stay without.
    pub async fn complete_margins(&self, run: RunId, split: Split) -> anyhow::Result<()> {
        let store = &self.inner.store;
        if !store.lacks_margins(run, split).await? {
            return Ok(());
        }
        let files = store.list_prediction_files(run, split).await?;
        let Some(best) = files.into_iter().find(|file| file.best) else { return Ok(()) };
        let Some(path) = self.directory(run).file(&best.path) else { return Ok(()) };
        let read = tokio::task::spawn_blocking(move || PredictionsFile::read(&path)).await?;
        let Ok(file) = read else { return Ok(()) };
        let margins: Vec<_> = file
            .predictions()
            .into_iter()
            .map(|prediction| (prediction.sample_id, prediction.margin))
            .collect();
        Ok(store.set_margins(run, split, &margins).await?)
    }
}
