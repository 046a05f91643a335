//! `cargo xtask …`: set-up and chores. This file owns the table of commands and the order of set-up;
//! what a step does is its module's business. The standard library only, so that it builds in seconds
//! on a machine that has nothing yet.
//!
//! ```text
//! demo, setup, test ─▶ needs ─▶ libtorch ─▶ assets ─▶ build ─▶ the program, or the checks
//!                            └─ lock, python ─┘
//! weights ─▶ lock, python
//! bench ─▶ weights, build
//! ```

mod assets;
mod bench;
mod build;
mod checkout;
mod demo;
mod libtorch;
mod lock;
mod needs;
mod python;
mod shell;
mod test;
mod weights;

use std::process::ExitCode;

use checkout::Checkout;

/// A failure in words: what happened, to what, and what to do. It is printed and the command ends.
type Result<T> = std::result::Result<T, String>;

const HELP: &str = "\
Set-up and chores of Tintype. Each command does the set-up that is missing, says what it does, and can be
interrupted and repeated.

  cargo xtask demo [ARGUMENT…]    set up, then draw pictures, train on them and serve the dashboard
      cargo xtask demo -- --once       … print the summary as JSON and end
  cargo xtask test [ARGUMENT…]    set up, then formatting, lints and every test
      cargo xtask test journal          … arguments go to `cargo test`: here, the tests with `journal` in their name
  cargo xtask weights [MODEL…]    fetch weights learned on ImageNet to data/weights (efficientnet-lite0, -lite1, -lite2)
  cargo xtask bench TOPIC         measure beside PyTorch and write bench/results/TOPIC.json (embed); needs TINTYPE_REAL_DATA
  cargo xtask setup               set up only: libtorch, the web assets, the release build of both programs

Needed beforehand: Rust, a C++ compiler, Python 3 with venv. Set LIBTORCH to use a libtorch of your own.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match Command::parse(&arguments) {
        Ok(Command::Help) => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Ok(command) => run(&command),
        Err(reason) => {
            eprintln!("xtask: {reason}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|reason| {
        eprintln!("xtask: {reason}");
        ExitCode::FAILURE
    })
}

#[derive(Debug, PartialEq)]
enum Command {
    Demo(Vec<String>),
    Test(Vec<String>),
    Weights(Vec<String>),
    Bench(String),
    Setup,
    Help,
}

impl Command {
    fn parse(arguments: &[String]) -> Result<Self> {
        let Some((name, rest)) = arguments.split_first() else { return Ok(Self::Help) };
        match (name.as_str(), rest) {
            ("demo", rest) => Ok(Self::Demo(rest.to_vec())),
            ("test", rest) => Ok(Self::Test(rest.to_vec())),
            ("weights", rest) => Ok(Self::Weights(rest.to_vec())),
            ("bench", [topic]) => Ok(Self::Bench(topic.clone())),
            ("bench", _) => Err("`bench` takes one topic".to_owned()),
            ("setup", []) => Ok(Self::Setup),
            ("help" | "--help" | "-h", _) => Ok(Self::Help),
            ("setup", [first, ..]) => Err(format!("`setup` takes no argument, and got `{first}`")),
            _ => Err(format!("there is no command `{name}`")),
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    let checkout = Checkout::find()?;
    match command {
        Command::Demo(arguments) => {
            set_up(&checkout)?;
            build::programs(&checkout)?;
            demo::run_demo(&checkout, arguments)
        }
        Command::Test(arguments) => {
            needs::check_rust_components()?;
            set_up(&checkout)?;
            test::run_checks(&checkout, arguments)
        }
        Command::Weights(models) => {
            weights::fetch(&checkout, models)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(topic) => {
            set_up(&checkout)?;
            bench::run_topic(&checkout, topic)
        }
        Command::Setup => {
            set_up(&checkout)?;
            build::programs(&checkout)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Help => Ok(ExitCode::SUCCESS),
    }
}

/// Everything that has to be there before the workspace compiles. A second call looks at two stamps and
/// returns.
fn set_up(checkout: &Checkout) -> Result<()> {
    let libtorch = libtorch::missing(checkout)?;
    let assets = assets::missing(checkout)?;
    if libtorch.is_none() && !assets {
        return Ok(());
    }
    let _only_one_at_a_time = checkout.lock()?;
    needs::check()?;
    if let Some(wanted) = libtorch {
        libtorch::fetch(checkout, &wanted)?;
    }
    if assets {
        assets::fetch(checkout)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command> {
        Command::parse(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn commands_are_read() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (arguments, command) in [
            (&[][..], Command::Help),
            (&["--help"], Command::Help),
            (&["setup"], Command::Setup),
            (&["demo", "--", "--once"], Command::Demo(words(&["--", "--once"]))),
            (&["bench", "embed"], Command::Bench("embed".to_owned())),
            (&["weights", "efficientnet-lite1"], Command::Weights(words(&["efficientnet-lite1"]))),
            // What follows belongs to `cargo test`, its own `--` included.
            (
                &["test", "journal", "--", "--nocapture"],
                Command::Test(words(&["journal", "--", "--nocapture"])),
            ),
        ] {
            assert_eq!(parse(arguments), Ok(command), "{arguments:?}");
        }
    }

    #[test]
    fn what_is_not_a_command_is_named() {
        assert!(parse(&["tset"]).unwrap_err().contains("`tset`"));
        assert!(parse(&["bench"]).unwrap_err().contains("one topic"));
        assert!(parse(&["setup", "--fast"]).unwrap_err().contains("`--fast`"));
    }
}
