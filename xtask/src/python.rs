//! A Python environment of set-up's own, and what pip fetches with it. Nothing is installed outside the
//! target directory, and no file is used whose SHA-256 is not the lock file's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::checkout::Checkout;
use crate::lock::Wheel;
use crate::shell::{run, step, succeeds};

/// Takes files and folders out of a wheel: see its own head.
const UNPACK: &str = include_str!("unpack.py");

/// A private Python environment that has pip.
pub struct Python {
    program: PathBuf,
    workshop: PathBuf,
}

impl Python {
    /// Makes the environment, unless one that works is there.
    pub fn prepare(checkout: &Checkout) -> Result<Self> {
        let workshop = checkout.workshop();
        let environment = workshop.join("venv");
        let program = environment.join("bin/python");
        if !succeeds(Command::new(&program).args(["-m", "pip", "--version"])) {
            step("making a private Python environment, for pip", || {
                // `--clear`: one that was interrupted, or whose Python is gone, is made anew.
                run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))
            })?;
        }
        Ok(Self { program, workshop })
    }

    /// Downloads wheels and returns the folder that they are in. A file that an earlier call got whole is
    /// checked and kept. The wheels need not suit the Python at hand, as they are only unpacked.
    pub fn download(&self, wheels: &[&Wheel]) -> Result<PathBuf> {
        let folder = self.workshop.join("wheels");
        let mut pip = self.pip("download", wheels)?;
        // The wheels of torch differ by Python only in the binding to Python, which is not used.
        pip.args(["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"]);
        for wheel in wheels {
            for tag in wheel.platform_tags() {
                pip.args(["--platform", tag]);
            }
        }
        run(pip.arg("--dest").arg(&folder))?;
        Ok(folder)
    }

    /// Installs wheels into the environment.
    pub fn install(&self, wheels: &[&Wheel]) -> Result<()> {
        run(&mut self.pip("install", wheels)?)
    }

    /// Takes `from` out of a wheel to `to` below `folder`, for each pair; a `from` that ends with `/` is a
    /// whole folder. One that the wheel does not hold is an error.
    pub fn unpack(&self, wheel: &Path, folder: &Path, wanted: &[(String, String)]) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["-c", UNPACK]).arg(wheel).arg(folder);
        run(command.args(wanted.iter().map(|(from, to)| format!("{from}={to}"))))
    }

    /// A program of the environment's, started as `python -c PROGRAM`.
    pub fn program(&self, program: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-c", program]);
        command
    }

    fn pip(&self, action: &str, wheels: &[&Wheel]) -> Result<Command> {
        let requirements = self.workshop.join("requirements.txt");
        let lines: String = wheels.iter().map(|wheel| wheel.requirement() + "\n").collect();
        // pip's temporary files are as large as what it downloads: those of a killed one are thrown away here
        // rather than left in the system's folder.
        let temporary = self.workshop.join("pip");
        let _ = fs::remove_dir_all(&temporary);
        fs::create_dir_all(&temporary)
            .and_then(|()| fs::write(&requirements, lines))
            .map_err(|error| format!("could not write in {}: {error}", self.workshop.display()))?;
        let mut command = Command::new(&self.program);
        command.env("TMPDIR", &temporary);
        // No cache: older versions of pip hold a whole file in memory to put it there, and it is used once.
        command.args(["-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir", action]);
        command.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement"]);
        command.arg(&requirements);
        Ok(command)
    }
}
