//! `cargo xtask demo`: runs the freshly built program's own demo.

use std::process::{Command, ExitCode};

use crate::Result;
use crate::checkout::Checkout;

/// Runs `tintype demo`, handing on its arguments; ends as it ends.
pub fn run_demo(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let program = checkout.target.join("release/tintype");
    let arguments = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let status = Command::new(&program)
        .current_dir(&checkout.root)
        .arg("demo")
        .args(arguments)
        .status()
        .map_err(|error| format!("could not start {}: {error}", program.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
