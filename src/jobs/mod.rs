//! Work in the background that needs no trainer: imports and examinations of data sets. Each keeps its progress in memory
//! and its result in the store. Must not know HTTP.

pub mod health;
pub mod import;
pub mod upload;
