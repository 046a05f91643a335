//! TensorBoard's event files: one of every run, kept up with its journal, so that `tensorboard --logdir` on the data directory shows
//! them. Must not know HTTP.

mod events;
mod follow;
pub mod import;
mod messages;
pub mod read;
mod record;
mod settings;

use crate::domain::ids::RunId;
use crate::runs::Runs;
use crate::store::Store;
use std::collections::HashMap;
use std::time::Duration;

/// How often runs are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps the event file of every run up with its journal, also of runs that ended before there were such files. One at a time and a stretch of
/// each, so that a long one keeps none waiting. It never ends by itself.
pub async fn work(store: Store, runs: Runs) {
    // Up to where each journal was taken in, whether or not it could be written.
    let mut done: HashMap<RunId, i64> = HashMap::new();
    // What was last said of a run in the log: it is tried again with every step.
    let mut said: HashMap<RunId, String> = HashMap::new();
    loop {
        let mut is_more = false;
        match store.list_journal_offsets().await {
            Ok(offsets) => {
                for (id, offset) in offsets {
                    if done.get(&id) == Some(&offset) {
                        continue;
                    }
                    match follow(&runs, id, offset).await {
                        Ok(true) => {
                            is_more = true;
                            continue;
                        }
                        Ok(false) => drop(said.remove(&id)),
                        Err(why) => {
                            if said.get(&id) != Some(&why) {
                                tracing::warn!(run.id = %id, why, "its event file for TensorBoard could not be written");
                                said.insert(id, why);
                            }
                        }
                    }
                    done.insert(id, offset);
                }
            }
            Err(error) => tracing::warn!(%error, "event files wait: runs can't be listed"),
        }
        if !is_more {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// One stretch of one run; true where more is left. What can't be written now is written when the run says more, or at the next start.
async fn follow(runs: &Runs, id: RunId, offset: i64) -> Result<bool, String> {
    let directory = runs.directory(id);
    let until = u64::try_from(offset).unwrap_or(0);
    if until == 0 {
        return Ok(false);
    }
    let followed = tokio::task::spawn_blocking(move || follow::follow_once(&directory, id, until)).await;
    followed.map_err(|panic| panic.to_string())?.map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests;
