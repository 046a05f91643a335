//! Running other programs and saying so. Everything here goes to standard error: standard output belongs to
//! what was asked for (the results of the tests).

use std::io;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Result;

/// Says what is being done, in one line.
pub fn say(message: &str) {
    eprintln!("xtask: {message}");
}

/// Says what is being done, does it, and says how long it took.
pub fn step<T>(message: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(message);
    let start = Instant::now();
    let value = work()?;
    say(&format!("  done in {:.1} s", start.elapsed().as_secs_f64()));
    Ok(value)
}

/// Runs a program with its output on standard error; an exit status other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    run_with_output(command.stdout(Stdio::from(io::stderr())))
}

/// Runs a program with its standard output left as it is; an exit status other than 0 is an error.
pub fn run_with_output(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("could not start {}: {error}", shown(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} failed ({status}); its own words are above", shown(command)))
    }
}

/// Whether a program can be started and ends with exit status 0, with nothing printed and no input.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as one would type it, cut where it gets long.
pub fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    let line = words.join(" ");
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("`{} …`", &line[..end]),
        None => format!("`{line}`"),
    }
}
