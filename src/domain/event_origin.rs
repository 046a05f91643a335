//! What is known of a run that was read from event files.

use serde::{Deserialize, Serialize};

/// Where the events of a run were, and what they held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventOrigin {
    /// The folder or file that was given, or the name of what was sent.
    pub source: String,
    /// Event files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Scalars that were taken.
    pub scalars: u64,
    /// Values that are no scalars, such as images and histograms.
    pub others: u64,
    /// When the first and the last scalar were written, in milliseconds since 1970-01-01 UTC.
    pub first_ms: i64,
    /// See above.
    pub last_ms: i64,
}
