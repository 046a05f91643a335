//! The trainer: the only part of Tintype that links libtorch.
//!
//! It works on one run directory, alone, from its specification to the last event of its journal; it has no
//! server, no database and no network. A library only so that its parts can be tested from outside.

pub mod averages;
pub mod capture;
pub mod checkpoint;
pub mod decisions;
pub mod describe;
pub mod dials;
pub mod directory;
pub mod environment;
pub mod evaluate;
pub mod evaluations;
pub mod fault;
pub mod feature_cache;
pub mod features;
pub mod find_learning_rate;
pub mod gradients;
pub mod images;
pub mod layers;
pub mod loader;
pub mod loss;
pub mod models;
pub mod optimizer;
pub mod precision;
pub mod rates;
pub mod report;
pub mod run;
pub mod sampling;
pub mod selection;
pub mod step;
pub mod train;
pub mod weights;
