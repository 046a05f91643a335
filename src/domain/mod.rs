//! What Tintype is about, without IO: no SQL, no HTTP, no files.

pub mod confusion;
pub mod dataset;
pub mod health;
pub mod ids;
pub mod measure;
pub mod mending;
pub mod metrics;
pub mod overview;
pub mod recipe;
pub mod run;
pub mod series;
