//! A data set as the rest of the program asks about it.

use super::overview::ChannelFigures;
use protocol::sample::Split;

/// Where a data set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetState {
    /// Its files are being unpacked, listed or decoded.
    Importing,
    /// It can be looked at and trained on.
    Ready,
    /// The import came to nothing; the reason is kept.
    Failed,
}

impl DatasetState {
    /// The word used in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            DatasetState::Importing => "importing",
            DatasetState::Ready => "ready",
            DatasetState::Failed => "failed",
        }
    }

    /// The inverse of [`DatasetState::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Importing, Self::Ready, Self::Failed].into_iter().find(|state| state.as_str() == word)
    }
}

/// How many samples a class has in each split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassCount {
    /// Its number in the data set: stable, whatever becomes of other classes.
    pub label: i64,
    /// The class.
    pub name: String,
    /// In the order of [`Split::ALL`].
    pub by_split: [u64; 3],
}

impl ClassCount {
    /// In all splits together.
    pub fn total(&self) -> u64 {
        self.by_split.iter().sum()
    }

    /// In one split.
    pub fn of(&self, split: Split) -> u64 {
        self.by_split[split as usize]
    }
}

/// The name of a data set's label.
pub fn class_of(label: i64, classes: &[ClassCount]) -> &str {
    classes.iter().find(|class| class.label == label).map_or("?", |class| &class.name)
}

/// What a run's defaults and checks depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetFacts {
    /// Its name.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its classes, by label.
    pub classes: Vec<ClassCount>,
    /// The median over the samples of the shorter side, pixels.
    pub median_side: u32,
    /// Of its training images, once they have been measured.
    pub channels: Option<ChannelFigures>,
    /// Names of the published weights whose files are on this machine.
    pub weights: Vec<&'static str>,
}

impl DatasetFacts {
    /// Whether its images are photos rather than icons: what networks with published weights were made for.
    pub fn has_photos(&self) -> bool {
        self.median_side > 100
    }

    /// Samples in one split.
    pub fn count(&self, split: Split) -> u64 {
        self.classes.iter().map(|class| class.of(split)).sum()
    }
}
