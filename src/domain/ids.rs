//! Numbers that name things, one type each, so that one can't be predicted as another.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type, serde::Serialize, serde::Deserialize)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A data set.
    DatasetId
}
id! {
    /// An image of a data set.
    SampleId
}
id! {
    /// A run.
    RunId
}

id! {
    /// A sweep.
    SweepId
}

/// What a trainer works at: a run's own task, or a further job of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId {
    /// The run.
    pub run: RunId,
    /// Further jobs count from 1; 0 is the run's own task.
    pub number: i64,
}

impl JobId {
    /// Whether it is what the run itself is there for.
    pub fn is_own(self) -> bool {
        self.number == 0
    }
}

impl From<RunId> for JobId {
    fn from(run: RunId) -> JobId {
        JobId { run, number: 0 }
    }
}

impl std::fmt::Display for JobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_own() {
            write!(f, "run {}", self.run)
        } else {
            write!(f, "job {} of run {}", self.number, self.run)
        }
    }
}
