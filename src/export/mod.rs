//! What leaves Tintype as a file.

mod manifest;

pub use manifest::{ManifestFormat, manifest};
