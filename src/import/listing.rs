//! Finds the files of a folder, which is never written to.

use super::entry_name::{is_clutter, text_from_bytes};
use super::error::io_error;
use super::{ImportError, Rejected};
use std::path::Path;

/// What lies below a folder. Paths are relative to it, `/` separated, in no particular order of folders.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Plain files, and links to plain files within the folder; sorted.
    pub(super) files: Vec<String>,
    /// What is there but not looked into, and why.
    pub(super) rejected: Vec<Rejected>,
}

/// Lists everything below `root`, which must be canonical. Hidden files and what systems leave behind are skipped.
///
/// A link to a file counts as that file if it lies below `root` too; no other link is followed, so that nothing
/// from elsewhere comes in and no loop is walked.
pub(super) fn list(
    root: &Path,
    max_entries: u64,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Listing, ImportError> {
    let mut listing = Listing::default();
    let mut folders = vec![String::new()];
    let mut entries = 0;
    while let Some(folder) = folders.pop() {
        let here = root.join(&folder);
        let inside = match std::fs::read_dir(&here) {
            Ok(inside) => inside,
            // A closed folder is lost, not all the others with it – unless it is the one asked for.
            Err(error) if !folder.is_empty() => {
                listing.reject(folder.trim_end_matches('/').to_owned(), format!("can't be read: {error}"));
                continue;
            }
            Err(error) => return Err(io_error("list", &here)(error)),
        };
        for entry in inside {
            if cancelled() {
                return Err(ImportError::Cancelled);
            }
            entries += 1;
            if entries > max_entries {
                let what = format!("{} holds more than {max_entries} files and folders", root.display());
                return Err(ImportError::TooLarge { what });
            }
            let entry = entry.map_err(io_error("list", &here))?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let path = format!("{folder}{}", text_from_bytes(name.as_encoded_bytes()));
                listing.reject(path, "its name is not Unicode; rename it");
                continue;
            };
            if is_clutter(name) {
                continue;
            }
            let path = format!("{folder}{name}");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path + "/"),
                Ok(kind) if kind.is_file() => listing.files.push(path),
                Ok(kind) if kind.is_symlink() => match check_link(root, &entry.path()) {
                    Ok(()) => listing.files.push(path),
                    Err(why) => listing.reject(path, why),
                },
                // Opening a pipe would wait for ever.
                Ok(_) => listing.reject(path, "neither a file nor a folder"),
                Err(error) => listing.reject(path, format!("can't be looked at: {error}")),
            }
        }
    }
    listing.files.sort_unstable();
    Ok(listing)
}

fn check_link(root: &Path, link: &Path) -> Result<(), &'static str> {
    match link.canonicalize() {
        Ok(target) if !target.starts_with(root) => Err("a link that leads out of the folder"),
        Ok(target) if target.is_file() => Ok(()),
        Ok(_) => Err("a link to something other than a file, which is not followed"),
        Err(_) => Err("a link that leads nowhere"),
    }
}

impl Listing {
    fn reject(&mut self, path: String, reason: impl Into<String>) {
        self.rejected.push(Rejected { path, reason: reason.into() });
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    #[test]
    fn lists_files_and_says_what_it_leaves() {
        let around = tempfile::tempdir().unwrap();
        let root = around.path().canonicalize().unwrap().join("root");
        std::fs::create_dir_all(root.join("b/deep")).unwrap();
        std::fs::create_dir_all(root.join(".git")).unwrap();
        for file in ["../outside.png", "a.png", "b/deep/c.png", "b/.hidden", ".git/x", "Thumbs.db"] {
            std::fs::write(root.join(file), "x").unwrap();
        }
        symlink("b/deep/c.png", root.join("good.png")).unwrap();
        symlink("../outside.png", root.join("out.png")).unwrap();
        symlink("..", root.join("b/loop")).unwrap();
        symlink("nowhere", root.join("b/dangling")).unwrap();
        symlink("self", root.join("self")).unwrap();
        std::fs::write(root.join(OsStr::from_bytes(b"K\xE4se.png")), "x").unwrap();
        let socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();

        let mut listing = list(&root, 100, &|| false).unwrap();
        drop(socket);
        assert_eq!(listing.files, ["a.png", "b/deep/c.png", "good.png"]);
        listing.rejected.sort_by(|a, b| a.path.cmp(&b.path));
        let rejected: Vec<_> =
            listing.rejected.iter().map(|r| (r.path.as_str(), r.reason.as_str())).collect();
        assert_eq!(
            rejected,
            [
                ("K%E4se.png", "its name is not Unicode; rename it"),
                ("b/dangling", "a link that leads nowhere"),
                ("b/loop", "a link to something other than a file, which is not followed"),
                ("out.png", "a link that leads out of the folder"),
                ("self", "a link that leads nowhere"),
                ("socket", "neither a file nor a folder"),
            ]
        );
        assert!(matches!(list(&root, 5, &|| false), Err(ImportError::TooLarge { .. })));
        assert!(matches!(list(&root, 100, &|| true), Err(ImportError::Cancelled)));
    }
}
