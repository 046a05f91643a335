//! Imports of folders and archives made here, and of real ones.

mod archives;
mod folders;
mod real;

use super::*;

/// A picture whose file differs from that of every other seed.
fn picture(seed: usize) -> Vec<u8> {
    let [low, high, ..] = seed.to_le_bytes();
    vision::png(&vision::RgbImage::from_fn(8, 6, |x, y| image::Rgb([low, high, (x * 20 + y) as u8])))
}

/// Pictures at these places.
fn pictures(paths: &[&str]) -> Vec<(String, Vec<u8>)> {
    paths.iter().enumerate().map(|(seed, path)| ((*path).to_owned(), picture(seed))).collect()
}

/// A folder that goes away by itself.
fn folder(files: &[(String, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    folder
}

fn import_with(source: &Path, into: &Path, options: &Options) -> Result<Imported, ImportError> {
    import(source, into, options, &|_| {}, &|| false)
}

fn import_pictures(paths: &[&str], split: Option<SplitRequest>) -> Result<Imported, ImportError> {
    let options = Options { split, ..Options::default() };
    import_with(folder(&pictures(paths)).path(), Path::new("/nowhere"), &options)
}

fn counts(imported: &Imported) -> [usize; 3] {
    Split::ALL.map(|split| imported.samples.iter().filter(|sample| sample.split == split).count())
}

fn rejected(imported: &Imported) -> Vec<(&str, &str)> {
    imported.rejected.iter().map(|file| (file.path.as_str(), file.reason.as_str())).collect()
}
