//! The release build: of both programs for use, of everything for the tests.

use crate::Result;
use crate::checkout::Checkout;
use crate::shell::{run, step};

/// Builds `tintype` and `tintype-trainer`, which end up beside each other in `target/release`.
pub fn programs(checkout: &Checkout) -> Result<()> {
    step("building both programs (the first time takes some minutes)", || {
        // One call: cargo then settles the features of shared dependencies once, and builds each once.
        let packages = ["--package", "tintype", "--package", "tintype-trainer"];
        run(checkout.cargo().args(["build", "--release", "--bins"]).args(packages))
    })
}

/// Builds the programs and every test, as `cargo test` will want them.
pub fn everything(checkout: &Checkout) -> Result<()> {
    step("building both programs and every test (the first time takes some minutes)", || {
        run(checkout.cargo().args(["build", "--release", "--workspace", "--all-targets"]))
    })
}
