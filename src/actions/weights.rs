//! Published weights: fetching them, and stopping that.

use super::{Error, Result};
use crate::weights::Weights;
use protocol::weights::WeightsEntry;

/// The entry of this name.
pub fn find(name: &str) -> Result<&'static WeightsEntry> {
    WeightsEntry::find(name).ok_or(Error::NotFound("name of published weights"))
}

/// Begins to fetch weights, unless they are there or on their way.
pub async fn begin_fetch(weights: &Weights, name: &str) -> Result<()> {
    let entry = find(name)?;
    if !weights.list_present().await.contains(&entry.name) {
        weights.begin(entry);
    }
    Ok(())
}

/// Stops fetching weights.
pub fn cancel_fetch(weights: &Weights, name: &str) -> Result<()> {
    let entry = find(name)?;
    if weights.cancel(entry.name) {
        return Ok(());
    }
    Err(Error::Conflict(format!("“{}” is not being fetched", entry.label)))
}
