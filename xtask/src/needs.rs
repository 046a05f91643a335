//! What must be on the machine beforehand, and how to get each thing that is missing: one sentence each, all
//! of them at once, before anything is downloaded.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::Result;
use crate::shell::succeeds;

/// A thing that set-up can't bring itself.
struct Need {
    /// What it is, as a person would say it.
    name: &'static str,
    /// The Debian package or packages.
    debian: &'static str,
    /// The command with Homebrew.
    homebrew: &'static str,
    /// Looks for the thing by using it.
    is_there: fn() -> bool,
}

const NEEDS: [Need; 2] = [
    Need {
        name: "A C++ compiler",
        debian: "g++",
        homebrew: "brew install llvm && export CXX=$(brew --prefix llvm)/bin/clang++",
        is_there: cpp_compiler_is_there,
    },
    Need {
        name: "Python 3 with venv",
        debian: "python3-venv",
        homebrew: "brew install python",
        // Debian's Python has the module `venv` but not, without `python3-venv`, what brings pip into it.
        is_there: || succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])),
    },
];

/// Checks everything that is needed to set up.
pub fn check() -> Result<()> {
    let missing: Vec<String> = NEEDS.iter().filter(|need| !(need.is_there)()).map(sentence).collect();
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\nxtask: ")) }
}

/// Checks for the parts of Rust that only the tests need. rustup installs them by itself, a distribution's
/// Rust may come without.
pub fn check_rust_components() -> Result<()> {
    let missing: Vec<String> = [("rustfmt", "fmt"), ("clippy", "clippy")]
        .into_iter()
        .filter(|(_, subcommand)| !succeeds(Command::new("cargo").args([subcommand, "--version"])))
        .map(|(name, _)| {
            format!(
                "The Rust component {name} is missing: get it with `rustup component add {name}` (Debian without \
                 rustup: `sudo apt install rust-{}`; Homebrew: `brew install rustup`).",
                if name == "clippy" { "clippy" } else { "fmt" }
            )
        })
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\nxtask: ")) }
}

fn sentence(need: &Need) -> String {
    format!(
        "{} is missing: on Debian or Ubuntu get it with `sudo apt install {}`, with Homebrew by `{}`.",
        need.name, need.debian, need.homebrew
    )
}

/// The compiler that builds the binding to libtorch: `CXX` where it is set, else `c++`.
pub fn cpp_compiler() -> Command {
    match std::env::var("CXX") {
        Ok(value) if !value.trim().is_empty() => {
            let mut words = value.split_whitespace();
            let mut command = Command::new(words.next().expect("it is not blank"));
            command.args(words);
            command
        }
        _ => Command::new("c++"),
    }
}

/// Compiles a line that needs the standard library's headers: a compiler may be there without them.
fn cpp_compiler_is_there() -> bool {
    let child = cpp_compiler()
        .args(["-x", "c++", "-std=c++17", "-fsyntax-only", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let written = child.stdin.take().expect("it was piped").write_all(b"#include <string>\nstd::string s;\n");
    child.wait().is_ok_and(|status| status.success()) && written.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_need_is_one_sentence_with_both_commands() {
        for need in &NEEDS {
            let sentence = sentence(need);
            assert!(sentence.starts_with(need.name) && sentence.ends_with('.'), "{sentence}");
            assert!(sentence.contains("apt install") && sentence.contains("brew install"), "{sentence}");
            assert!(!sentence.contains('\n') && !sentence.contains(". "), "{sentence}");
        }
    }
}
