//! Tintype's server and command line. The rooms, in the order in which data passes through them:
//! a lower one never uses a higher one.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may wait"))]

pub mod actions;
pub mod app;
pub mod cli;
pub mod domain;
pub mod export;
pub mod images;
pub mod import;
pub mod jobs;
pub mod lab;
pub mod runs;
pub mod store;
pub mod tensorboard;
pub mod watch;
pub mod web;
pub mod weights;
