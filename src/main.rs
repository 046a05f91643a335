//! The program `tintype`: the server and the command line.

fn main() -> std::process::ExitCode {
    tintype::cli::run()
}
