//! What leaves Tintype as a file.

mod manifest;
mod series;

pub use manifest::{ManifestFormat, manifest};
pub use series::{SeriesFormat, SeriesTable};
