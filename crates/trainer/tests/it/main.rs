//! The trainer from outside, on images drawn here, and its parts against figures that PyTorch gave.

#![expect(
    clippy::unwrap_used,
    reason = "this crate is tests and nothing else; clippy exempts only the test functions"
)]

mod dials;
mod faults;
mod learning;
mod optimizers;
mod parity;
mod recipes;
mod repeat;
mod resume;
mod support;
mod training;
mod weights;
