//! Changes of what a data set's health report counts.

use super::{Error, Result};
use crate::jobs::health::Health;
use crate::store::datasets::Dataset;

/// The longest word of a finding.
const MAX_WORD: usize = 100;

/// Ignores a finding, or brings it back. What is not found at the moment may be named as well: it may come with another version.
pub async fn set_ignored(health: &Health, dataset: &Dataset, finding: &str, is_ignored: bool) -> Result<()> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "_:-".contains(letter);
    if finding.is_empty() || finding.len() > MAX_WORD || !finding.chars().all(is_word) {
        return Err(Error::field("finding", format!("“{finding}” is no word of a finding, such as dark")));
    }
    health.set_ignored(dataset.id, finding, is_ignored).await?;
    Ok(())
}
