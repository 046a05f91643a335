//! Where things are: the checkout, cargo's target directory, the files that set-up makes, and the lock that
//! keeps two set-ups apart.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::shell::say;

/// The paths of one checkout, all absolute.
pub struct Checkout {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target directory, wherever its settings put it.
    pub target: PathBuf,
}

impl Checkout {
    /// Finds the checkout that this program was built from.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the checkout");
        // This program is `<target>/<profile>/xtask`: asking itself respects every way of setting the
        // target directory.
        let program =
            env::current_exe().map_err(|error| format!("could not find its own program: {error}"))?;
        let target = program.ancestors().nth(2).ok_or("its own program is in no target directory")?;
        Ok(Self { root: root.to_owned(), target: target.to_owned() })
    }

    /// Where set-up keeps what only it needs: the Python environment and half-done downloads.
    pub fn workshop(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// Where libtorch is put. `.cargo/config.toml` names the same folder.
    pub fn libtorch(&self) -> PathBuf {
        self.root.join("libtorch")
    }

    /// Where the web assets are put.
    pub fn vendor(&self) -> PathBuf {
        self.root.join("static/vendor")
    }

    /// Cargo, run at the root of the checkout.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        // Cargo has set it from its configuration when it started this program. The inner cargo finds it
        // there too; only one of the user's own is handed on.
        if own_libtorch(self).is_none() {
            command.env_remove("LIBTORCH");
        }
        command
    }

    /// Waits until no other set-up of this checkout is going on. The lock is let go when the file is dropped,
    /// or when this process ends in whatever way.
    pub fn lock(&self) -> Result<File> {
        let path = self.workshop().join("lock");
        let describe = |error: std::io::Error| format!("could not lock {}: {error}", path.display());
        fs::create_dir_all(self.workshop()).map_err(describe)?;
        let file = File::create(&path).map_err(describe)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                say("another set-up of this checkout is going on; waiting for it");
                file.lock().map_err(describe)?;
            }
            Err(TryLockError::Error(error)) => return Err(describe(error)),
        }
        Ok(file)
    }
}

/// The libtorch that the user's own LIBTORCH names, if it is set and not merely what cargo's configuration
/// says.
pub fn own_libtorch(checkout: &Checkout) -> Option<PathBuf> {
    let set = PathBuf::from(env::var_os("LIBTORCH").filter(|value| !value.is_empty())?);
    (set != checkout.libtorch()).then_some(set)
}
