//! What a person does with the findings of a run.

use super::{Error, Result};
use crate::domain::ids::RunId;
use crate::store::Store;

/// The longest name of a finding.
const MAX_NAME: usize = 100;

/// Dismisses a finding of a run, or brings it back. One that is not found at the moment may be named as well: it may come later.
pub async fn set_dismissed(store: &Store, run: RunId, finding: &str, is_dismissed: bool) -> Result<()> {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "_:-".contains(letter);
    if finding.is_empty() || finding.len() > MAX_NAME || !finding.chars().all(is_word) {
        let why = format!("“{finding}” is no name of a finding, such as overfitting");
        return Err(Error::field("finding", why));
    }
    store.set_finding_dismissed(run, finding, is_dismissed).await?;
    Ok(())
}
