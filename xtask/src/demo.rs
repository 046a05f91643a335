//! `cargo xtask demo`: hands over to `tintype demo`. What the demo does is the program's own business.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::Result;
use crate::checkout::Checkout;
use crate::shell::say;

/// What `tintype demo` is given: everything but a leading `--`, which cargo passes on.
pub fn arguments(given: &[String]) -> Vec<String> {
    given.strip_prefix(&["--".to_owned()]).unwrap_or(given).to_vec()
}

/// Becomes `tintype demo`, at the root of the checkout, so that its data lies in the ignored `data/` there.
pub fn run(checkout: &Checkout, arguments: &[String]) -> Result<ExitCode> {
    let program = checkout.program("tintype");
    say(&format!("starting {} demo {}", program.display(), arguments.join(" ")));
    let error = Command::new(&program).arg("demo").args(arguments).current_dir(&checkout.root).exec();
    Err(format!("could not start {}: {error}", program.display()))
}
