//! The programs from outside: over HTTP and by signal.
#![allow(clippy::disallowed_methods, reason = "a test may wait for the disk")]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod access;
mod access_limits;
mod browser;
mod cli;
mod compare;
mod damage;
mod driver;
mod edge;
mod edits;
mod evaluation;
mod event_runs;
mod findings;
mod gallery;
mod import;
mod jobs;
mod lab;
mod learn;
mod live;
mod overview;
mod repeat;
mod replay;
mod run_actions;
mod run_form;
mod runs;
mod search;
mod shared;
mod support;
mod sweeps;
mod tensorboard;
mod upgrade;
mod uploads;
mod watch;
mod weights;
