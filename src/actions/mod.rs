//! Every change that a person or a script can ask for, written once: pages and JSON call these and nothing else.

pub mod access;
pub mod datasets;
pub mod events;
pub mod findings;
pub mod health;
pub mod jobs;
pub mod runs;
pub mod sweeps;
pub mod versions;
pub mod weights;

use crate::domain::recipe::FieldErrors;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing; says what kind of thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Fields are wrong; says which and why.
    #[error("these fields can't be used: {0:?}")]
    Invalid(FieldErrors),
    /// The thing is not in a state for this; says why.
    #[error("{0}")]
    Conflict(String),
    /// Our fault.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// One field is wrong.
    pub fn field(name: &str, why: impl Into<String>) -> Error {
        Error::Invalid(FieldErrors::from([(name.to_owned(), why.into())]))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        Error::Internal(error.into())
    }
}

/// What an action answers with.
pub type Result<T, E = Error> = std::result::Result<T, E>;
