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
    if arguments.is_empty() {
        run_what_needs_more(checkout)?;
    }
    say("testing");
    run_with_output(checkout.cargo().args(["test", "--release", "--workspace"]).args(arguments))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs the tests that need more than a checkout, as far as it is there. The others are reported as ignored by the test run, and named here.
fn run_what_needs_more(checkout: &Checkout) -> Result<()> {
    let weights = checkout.root.join("data/weights/efficientnet-lite0-imagenet.pth").is_file();
    let (there, missing): (Vec<_>, Vec<_>) = [
        ("real_data", std::env::var_os("TINTYPE_REAL_DATA").is_some(), "TINTYPE_REAL_DATA names no folder"),
        ("published_weights", weights, "`cargo xtask weights` has not been run"),
    ]
    .into_iter()
    .partition(|(_, is_there, _)| *is_there);
    for (name, _, why) in missing {
        say(&format!("not testing {name}: {why}"));
    }
    if there.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = there.iter().map(|(name, ..)| *name).collect();
    step(&format!("testing {}", names.join(" and ")), || {
        run(checkout.cargo().args(["test", "--release", "--workspace", "--", "--ignored"]).args(&names))
    })
}
