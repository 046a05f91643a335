//! What Tintype is about, without IO: no SQL, no HTTP, no files.

pub mod access;
pub mod calibration;
pub mod confusion;
pub mod confusion_cells;
pub mod dataset;
pub mod dataset_format;
pub mod edits;
pub mod event_origin;
pub mod findings;
pub mod health;
pub mod holdout;
pub mod ids;
pub mod imported;
pub mod logits;
pub mod measure;
pub mod metadata;
pub mod metrics;
pub mod overview;
pub mod paired;
pub mod recipe;
pub mod result;
pub mod run;
pub mod sample_order;
pub mod seeds;
pub mod series;
pub mod sweep;
