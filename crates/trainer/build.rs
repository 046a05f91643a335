//! Writes into the trainer where libtorch is, so that the program and its tests find it at start without any
//! setting of the environment.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    println!("cargo::rerun-if-env-changed=LIBTORCH_LIB");
    // `.cargo/config.toml` sets LIBTORCH to the folder that set-up fills; LIBTORCH_LIB is the binding's own way
    // to keep the libraries elsewhere.
    let root = env::var_os("LIBTORCH_LIB").or_else(|| env::var_os("LIBTORCH")).unwrap_or_default();
    let libraries = PathBuf::from(root).join("lib");
    if !has_libtorch(&libraries) {
        println!(
            "cargo::error=There is no libtorch in {}: `cargo xtask setup` or `cargo xtask test` sets it up.",
            libraries.display()
        );
        return ExitCode::FAILURE;
    }
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", libraries.display());
    ExitCode::SUCCESS
}

fn has_libtorch(libraries: &Path) -> bool {
    ["libtorch_cpu.so", "libtorch_cpu.dylib"].iter().any(|name| libraries.join(name).is_file())
}
