//! The images of a run: one JSON object a line in `samples.jsonl`.

use serde::{Deserialize, Serialize};

/// Which part of a data set a sample belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The model learns from it.
    Train,
    /// Evaluated after every epoch; chooses the best checkpoint.
    Val,
    /// Evaluated once, at the end, with the best checkpoint.
    Test,
}

impl Split {
    /// All three, in the order in which they are used.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    /// `train`, `val` or `test`: the word used in paths, URLs, JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "train" => Ok(Split::Train),
            "val" => Ok(Split::Val),
            "test" => Ok(Split::Test),
            _ => Err(format!("“{text}” is not a split; there are train, val and test")),
        }
    }
}

/// One image of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The server's number for it, unique in its data directory.
    pub id: i64,
    /// Where the file is, absolute.
    pub path: String,
    /// Index into [`crate::spec::RunSpec::classes`].
    pub label: u32,
    /// The split in this run (a run may hold out its own validation split).
    pub split: Split,
    /// Keys the random draws of this sample. Not negative. Absent in runs whose draws are keyed by `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<i64>,
}

impl Sample {
    /// What keys the random draws of this sample.
    pub fn draw_key(&self) -> i64 {
        self.key.unwrap_or(self.id)
    }
}
