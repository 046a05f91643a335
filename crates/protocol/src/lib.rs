//! Everything that crosses a process or the wire, and nothing else: `serde` types with their units and shapes.
//!
//! The server and the trainer are two programs; they meet in a run directory ([`files`]), which holds what to
//! do ([`spec`], made of [`transform`]s), which images ([`sample`]) and what happened ([`event`]).
//! Inner types of either program do not derive `Serialize`: a serialisable type is a boundary.

pub mod event;
pub mod files;
pub mod learning;
pub mod learning_rates;
pub mod model;
pub mod optimizer;
pub mod sample;
pub mod schedule;
pub mod spec;
pub mod transform;
pub mod weights;

/// The version of everything in this crate. The trainer writes it first in its journal; a server that can't read
/// it refuses the run and names the program to rebuild.
///
/// 2: tasks, training in parts, progress within a stage.
pub const PROTOCOL: u32 = 2;

/// The oldest version whose journals and specs are read.
pub const OLDEST_READ: u32 = 1;
