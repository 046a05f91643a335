//! `cargo xtask test`: formatting, lints, every test. Quick checks first. One profile for all: the tree
//! is built once, and release builds keep their assertions on.

use std::process::ExitCode;

use crate::checkout::Checkout;
use crate::shell::{run, run_with_output, say, step};
use crate::{Result, build};

/// Runs the checks; further arguments go to `cargo test`, whose results are the last thing printed.
pub fn run_checks(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    step("checking the formatting", || run(checkout.cargo().args(["fmt", "--all", "--check"])))?;
    step("linting", || {
        let clippy = ["clippy", "--release", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        run(checkout.cargo().args(clippy))
    })?;
    build::everything(checkout)?;
    say("testing");
    run_with_output(checkout.cargo().args(["test", "--release", "--workspace"]).args(arguments))?;
    Ok(ExitCode::SUCCESS)
}
