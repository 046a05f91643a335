//! Imports of folders and archives made here, and of real ones.

mod archives;
mod cifar;
mod folders;
mod formats;
mod idx;
mod manifest;
mod parquet;
mod real_data;
mod webdataset;

use super::*;

/// An image whose file differs from that of every other seed.
pub(crate) fn image(seed: usize) -> Vec<u8> {
    let [low, high, ..] = seed.to_le_bytes();
    vision::png(&vision::RgbImage::from_fn(8, 6, |x, y| image::Rgb([low, high, (x * 20 + y) as u8])))
}

/// Images at these places.
pub(crate) fn images(paths: &[&str]) -> Vec<(String, Vec<u8>)> {
    paths.iter().enumerate().map(|(seed, path)| ((*path).to_owned(), image(seed))).collect()
}

/// A folder that goes away by itself.
pub(crate) fn folder(files: &[(String, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), files);
    folder
}

pub(crate) fn write_files(folder: &Path, files: &[(String, Vec<u8>)]) {
    for (path, bytes) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

pub(crate) fn import_with(source: &Path, into: &Path, options: &Options) -> Result<Imported, ImportError> {
    import(source, into, options, &|_| {}, &|| false)
}

/// Imports a folder of these files, and looks whether a refusal leaves anything behind.
fn import_files(
    files: &[(String, Vec<u8>)],
    options: &Options,
) -> (tempfile::TempDir, Result<Imported, ImportError>) {
    let around = tempfile::tempdir().unwrap();
    let source = around.path().join("source");
    std::fs::create_dir(&source).unwrap();
    write_files(&source, files);
    let imported = import_with(&source, &around.path().join("data/unpacked"), options);
    if imported.is_err() {
        let left = std::fs::read_dir(around.path().join("data")).into_iter().flatten().count();
        assert_eq!(left, 0, "what a refusal leaves in the data folder");
    }
    (around, imported)
}

/// Imports a folder of these files again and again, one of them as each of `variants`; `check` evaluates what came of it.
fn import_variants(
    files: &[(String, Vec<u8>)],
    at: usize,
    variants: impl Iterator<Item = Vec<u8>>,
    check: impl Fn(usize, Result<Imported, ImportError>),
) {
    let (source, around) = (folder(files), tempfile::tempdir().unwrap());
    for (number, bytes) in variants.enumerate() {
        std::fs::write(source.path().join(&files[at].0), bytes).unwrap();
        let result = import_with(source.path(), &around.path().join("data"), &Options::default());
        let left = std::fs::read_dir(around.path()).unwrap().count();
        assert!(left == usize::from(result.is_ok()), "{left} left of variant {number}");
        if result.is_ok() {
            std::fs::remove_dir_all(around.path().join("data")).unwrap();
        }
        check(number, result);
    }
}

/// A file cut to every length below its own.
fn cuts(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..whole.len()).map(|length| whole[..length].to_vec())
}

/// Imports what another program wrote, kept in `tests/reference/formats`; see `make_format_fixtures.py` there.
fn import_reference(name: &str) -> (tempfile::TempDir, Imported) {
    let around = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/formats").join(name);
    let imported = import_with(&source, &around.path().join("data"), &Options::default()).unwrap();
    (around, imported)
}

/// `{"path": …}` becomes such an object.
fn object(value: &Value) -> Option<Map<String, Value>> {
    value.as_object().cloned()
}

fn import_images(paths: &[&str], split: Option<SplitRequest>) -> Result<Imported, ImportError> {
    let options = Options { split, ..Options::default() };
    import_with(folder(&images(paths)).path(), Path::new("/nowhere"), &options)
}

fn counts(imported: &Imported) -> [usize; 3] {
    Split::ALL.map(|split| imported.samples.iter().filter(|sample| sample.split == split).count())
}

pub(crate) fn rejected(imported: &Imported) -> Vec<(&str, &str)> {
    imported.rejected.iter().map(|file| (file.path.as_str(), file.reason.as_str())).collect()
}
