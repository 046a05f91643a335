//! Files that a person brought at once: loose images, folders, archives. What is an archive is unpacked among the others, so
//! that all that comes after sees a folder like any other.

use super::entry_name::{is_clutter, safe_path};
use super::error::io_error;
use super::layout::split_from_name;
use super::{
    ImportError, Imported, Options, Progress, Rejected, Task, formats, import, import_folder, listing, unpack,
};
use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The longest name of a file or folder that every file system takes, bytes.
const MAX_NAME_BYTES: usize = 255;
/// Of a whole path, bytes.
const MAX_PATH_BYTES: usize = 2_000;

/// Gives every file that is brought a path of its own below one folder.
#[derive(Debug, Default)]
pub struct Places {
    /// In lower case, as some file systems see them.
    taken: HashSet<String>,
}

impl Places {
    /// Where a file of this name goes, relative, `/` separated; `None` for what systems leave behind, which nobody misses. A second
    /// file of one name gets a number.
    ///
    /// # Errors
    /// Why a file of this name is not taken, to follow its name in a sentence.
    pub fn place(&mut self, name: &str) -> Result<Option<String>, &'static str> {
        let path = safe_path(name)?;
        if path.is_empty() || path.split('/').any(is_clutter) {
            return Ok(None);
        }
        if path.len() > MAX_PATH_BYTES || path.split('/').any(|part| part.len() > MAX_NAME_BYTES) {
            return Err("has a longer name than a file system takes");
        }
        let free = free_path(&path, |path| self.taken.contains(&path.to_lowercase()));
        self.taken.insert(free.to_lowercase());
        Ok(Some(free))
    }
}

/// `cat/1.jpg`, or `cat/1 (2).jpg` where there is one already.
fn free_path(path: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(path) {
        return path.to_owned();
    }
    let (folder, file) =
        path.rsplit_once('/').map_or((String::new(), path), |(folder, file)| (format!("{folder}/"), file));
    let (stem, ending) =
        file.rsplit_once('.').map_or((file, String::new()), |(stem, ending)| (stem, format!(".{ending}")));
    let numbered = |number: u32| format!("{folder}{stem} ({number}){ending}");
    (2..).map(numbered).find(|path| !is_taken(path)).expect("there are enough numbers")
}

/// Imports what was brought to the folder `files`, which is ours to change; loose images are of `class`, where one is named. What the data
/// set is made of lies at `into` afterwards, which must not exist; `refused` is listed with what can't be used.
///
/// # Errors
/// See [`ImportError`]; nothing is left at `into` then.
pub fn import_brought(
    files: &Path,
    into: &Path,
    class: &str,
    refused: Vec<Rejected>,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Imported, ImportError> {
    let files = files.canonicalize().map_err(io_error("open", files))?;
    let task = Task { limits: &options.limits, progress, cancelled };
    let top = top_of(&files)?;
    if let [only] = &top[..]
        && only.is_file()
        && !is_image(only)
    {
        let mut imported = import(only, into, options, progress, cancelled)?;
        imported.rejected.extend(refused);
        return Ok(imported);
    }
    let mut rejected = refused;
    let all = listing::list(&files, options.limits.max_entries, cancelled)?.files;
    let is_plain = formats::recognise(&files, &all, options.format).is_ok_and(|found| found.is_folders());
    for archive in top.iter().filter(|file| is_plain && is_archive(file)) {
        match unpack_among(archive, &files, &task) {
            Ok(()) => {}
            Err(ImportError::Cancelled) => return Err(ImportError::Cancelled),
            Err(why) => {
                rejected.push(Rejected { path: name_of(archive), reason: why.to_string() });
                // It has had its say; among the files it would be no image besides.
                std::fs::remove_file(archive).map_err(io_error("remove", archive))?;
            }
        }
    }
    if let Some(class) = safe_path(class).ok().filter(|class| !class.is_empty()) {
        for image in top.iter().filter(|file| is_image(file)) {
            move_into(image, &files.join(&class))?;
        }
    }
    let mut imported = match import_folder("folder", &files, into, options, &task) {
        Ok(imported) => imported,
        Err(ImportError::NotADataSet { found, advice }) if !rejected.is_empty() => {
            let refused: Vec<String> =
                rejected.iter().take(3).map(|file| format!("{}: {}", file.path, file.reason)).collect();
            return Err(ImportError::NotADataSet {
                found: format!("{found} Not used: {}", refused.join(" ")),
                advice,
            });
        }
        Err(why) => return Err(why),
    };
    imported.rejected.extend(rejected);
    imported.rejected.sort_by(|a, b| a.path.cmp(&b.path));
    if imported.root == files {
        if let Some(parent) = into.parent() {
            std::fs::create_dir_all(parent).map_err(io_error("make", parent))?;
        }
        std::fs::rename(&files, into).map_err(io_error("write", into))?;
        imported.root = into.canonicalize().map_err(io_error("open", into))?;
    }
    Ok(imported)
}

/// Unpacks an archive beside itself, and takes it away. Its class folders join those that are there; images without a folder are of
/// the class that the archive is called after, and all of an archive called `train`, `val` or `test` is that split.
fn unpack_among(archive: &Path, files: &Path, task: &Task) -> Result<(), ImportError> {
    let content = files.join(format!(".{}", name_of(archive)));
    unpack::unpack(archive, &content, task)?;
    std::fs::remove_file(archive).map_err(io_error("remove", archive))?;
    let stem = stem_of(archive);
    let mut base = content.clone();
    let has_folders = |folder: &Path| Ok(top_of(folder)?.iter().any(|entry| entry.is_dir()));
    while let [only] = &top_of(&base)?[..] {
        let is_wrapping = only.is_dir() && split_from_name(&name_of(only)).is_none() && has_folders(only)?;
        if !is_wrapping {
            break;
        }
        base.clone_from(only);
    }
    let joins = has_folders(&base)? && split_from_name(&stem).is_none();
    let target = if joins { files.to_owned() } else { files.join(&stem) };
    for entry in top_of(&base)? {
        move_into(&entry, &target)?;
    }
    std::fs::remove_dir_all(&content).map_err(io_error("remove", &content))
}

/// Moves a file or folder into a folder, which is made. Two folders of one name become one; of two files the second gets a number.
fn move_into(entry: &Path, folder: &Path) -> Result<(), ImportError> {
    std::fs::create_dir_all(folder).map_err(io_error("make", folder))?;
    let target = folder.join(name_of(entry));
    if entry.is_dir() && target.is_dir() {
        for inner in top_of(entry)? {
            move_into(&inner, &target)?;
        }
        return Ok(());
    }
    let target = folder.join(free_path(&name_of(entry), |name| folder.join(name).exists()));
    std::fs::rename(entry, &target).map_err(io_error("write", &target))
}

/// What lies directly in a folder, sorted; nobody's clutter is left out.
fn top_of(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let entries = std::fs::read_dir(folder).map_err(io_error("list", folder))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(io_error("list", folder))?;
    paths.retain(|path| !is_clutter(&name_of(path)));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name without the endings of an archive.
fn stem_of(archive: &Path) -> String {
    let name = name_of(archive);
    let lower = name.to_ascii_lowercase();
    let ending =
        [".tar.gz", ".tar.bz2", ".tgz", ".tar", ".zip"].into_iter().find(|ending| lower.ends_with(ending));
    name[..name.len() - ending.map_or(0, str::len)].to_owned()
}

fn head_of(file: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    // What can't be read is said by whoever wants to read it.
    drop(File::open(file).and_then(|file| file.take(512).read_to_end(&mut head)));
    head
}

fn is_archive(file: &Path) -> bool {
    let head = head_of(file);
    file.is_file() && (unpack::is_zip(&head) || unpack::is_tar(&head) || head.starts_with(&[0x1f, 0x8b]))
}

/// By its first bytes.
fn is_image(file: &Path) -> bool {
    file.is_file() && vision::is_image(&head_of(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_gets_a_place_of_its_own_or_a_reason() {
        let mut places = Places::default();
        let mut place = |name: &str| places.place(name).map(Option::unwrap_or_default);
        assert_eq!(place("cat/1.jpg").as_deref(), Ok("cat/1.jpg"));
        assert_eq!(place("cat/1.jpg").as_deref(), Ok("cat/1 (2).jpg"), "the same name twice keeps both");
        assert_eq!(place("Cat/1.JPG").as_deref(), Ok("Cat/1 (3).JPG"), "some file systems know no case");
        assert_eq!(place("cat\\2.jpg").as_deref(), Ok("cat/2.jpg"));
        assert_eq!(place("cat/.DS_Store").as_deref(), Ok(""), "clutter");
        assert_eq!(place("README").as_deref(), Ok("README"));
        for hostile in ["../x", "cat/../../x", "/etc/passwd", "\\x", "C:/x", "a\0b", ""] {
            assert!(places.place(hostile).is_err(), "{hostile:?}");
        }
        assert!(places.place(&"a".repeat(300)).is_err());
    }

    #[test]
    fn an_archives_name_has_its_endings_taken_off() {
        let stem = |name: &str| stem_of(Path::new(name));
        assert_eq!(
            [stem("a/cat.ZIP"), stem("v1.2.tar.gz"), stem("dog.tgz"), stem("x")],
            ["cat", "v1.2", "dog", "x"]
        );
    }
}
