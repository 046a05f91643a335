//! Imports of folders and archives made here, and of real ones.

use super::*;
use std::io::{Cursor, Write as _};

fn picture(seed: u8) -> Vec<u8> {
    vision::png(&vision::RgbImage::from_fn(8, 6, |x, y| image::Rgb([seed, x as u8 * 20, y as u8 * 30])))
}

fn write(root: &Path, files: &[(&str, Vec<u8>)]) {
    for (path, bytes) in files {
        let file = root.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

fn zipped(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        archive.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn import_path(source: &Path, into: &Path, options: &Options) -> Result<Imported, ImportError> {
    import(source, into, options, &|_| {}, &|| false)
}

/// Imports an archive of these bytes; whether it leaves anything behind is checked where it is refused.
fn import_archive(bytes: &[u8], options: &Options) -> Result<Imported, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let (archive, into) = (folder.path().join("archive"), folder.path().join("data/unpacked"));
    std::fs::write(&archive, bytes).unwrap();
    let imported = import_path(&archive, &into, options);
    if imported.is_err() {
        let left = std::fs::read_dir(folder.path().join("data")).map_or(0, Iterator::count);
        assert_eq!(left, 0, "something was left behind");
    }
    imported
}

fn counts(imported: &Imported) -> [usize; 3] {
    Split::ALL.map(|split| imported.samples.iter().filter(|sample| sample.split == split).count())
}

#[test]
fn a_folder_per_class_is_split_and_what_is_no_picture_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let mut files: Vec<(String, Vec<u8>)> =
        (0..20).map(|at| (format!("{}/{at}.png", ["cat", "dog"][at % 2]), picture(at as u8))).collect();
    files.push(("cat/notes.txt".into(), b"three words here".to_vec()));
    files.push(("loose.png".into(), picture(99)));
    files.push(("dog/.DS_Store".into(), vec![1]));
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
    write(folder.path(), &files);
    let options = Options::default();
    let imported = import_path(folder.path(), Path::new("/nowhere"), &options).unwrap();
    assert_eq!(imported.classes, ["cat", "dog"]);
    assert_eq!(counts(&imported), [16, 4, 0]);
    let rejected: Vec<&str> = imported.rejected.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(rejected, ["cat/notes.txt", "loose.png"]);
    assert_eq!(imported.rejected[1].reason, "not in a class folder");
    let again = import_path(folder.path(), Path::new("/nowhere"), &options).unwrap();
    assert_eq!(again.fingerprint, imported.fingerprint);
}

#[test]
fn split_folders_stand_as_they_are() {
    let files: Vec<(String, Vec<u8>)> = ["train", "Validation", "test"]
        .into_iter()
        .zip(1_u8..)
        .flat_map(|(split, count)| (0..count).map(move |at| (split, at)))
        .flat_map(|(split, at)| {
            ["a", "b"].map(|class| (format!("set/{split}/{class}/deep/{at}.png"), picture(at)))
        })
        .collect();
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
    let imported = import_archive(&zipped(&files), &Options::default()).unwrap();
    assert_eq!((imported.format, counts(&imported)), ("zip", [2, 4, 6]));
    assert_eq!(imported.split_note, "as the folders say");
}

#[test]
fn hostile_archives_are_refused_and_leave_nothing() {
    let options = Options::default();
    let good = [("a/1.png", picture(1)), ("b/1.png", picture(2))];
    for name in ["../out.png", "/etc/out.png", "C:\\out.png", "a\\..\\..\\out.png"] {
        let mut files = good.to_vec();
        files.push((name, picture(3)));
        assert!(
            matches!(import_archive(&zipped(&files), &options), Err(ImportError::UnsafeArchive { .. })),
            "{name}"
        );
    }
    let whole = zipped(&good);
    assert!(matches!(
        import_archive(&whole[..whole.len() - 30], &options),
        Err(ImportError::BrokenArchive { .. })
    ));
    assert!(matches!(import_archive(b"plain text", &options), Err(ImportError::NotAnArchive { .. })));
    let limits = Limits { max_unpacked_bytes: 150, ..Limits::default() };
    assert!(matches!(
        import_archive(&whole, &Options { limits, ..Options::default() }),
        Err(ImportError::TooLarge { .. })
    ));
    let limits = Limits { max_entries: 1, ..Limits::default() };
    assert!(matches!(
        import_archive(&whole, &Options { limits, ..Options::default() }),
        Err(ImportError::TooLarge { .. })
    ));
}

#[test]
fn a_tar_with_a_link_is_refused() {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    archive.append_link(&mut header, "a/link.png", "/etc/passwd").unwrap();
    let bytes = archive.into_inner().unwrap();
    assert!(matches!(import_archive(&bytes, &Options::default()), Err(ImportError::UnsafeArchive { .. })));
}

#[test]
fn one_class_or_none_is_no_data_set() {
    let options = Options::default();
    let one =
        import_archive(&zipped(&[("a/1.png", picture(1)), ("a/2.txt", b"no picture".to_vec())]), &options);
    let sentence = one.unwrap_err().to_string();
    assert!(
        sentence.contains("2 files could not be used, such as a/1.png: not in a class folder."),
        "{sentence}"
    );
    assert!(matches!(import_archive(&zipped(&[]), &options), Err(ImportError::NotADataSet { .. })));
}

#[test]
fn an_import_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a/1.png", picture(1)), ("b/1.png", picture(2))]);
    let result = import(folder.path(), Path::new("/nowhere"), &Options::default(), &|_| {}, &|| true);
    assert!(matches!(result, Err(ImportError::Cancelled)));
}

#[test]
fn real_archives() {
    let Some(data) = std::env::var_os("TINTYPE_REAL_DATA").map(PathBuf::from) else {
        println!("skipped: TINTYPE_REAL_DATA is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default();
    let pets = import_path(&data.join("cats-dogs.zip"), &folder.path().join("pets"), &options).unwrap();
    assert_eq!((counts(&pets), pets.rejected.len()), ([800, 200, 0], 0));
    let odd = folder.path().join("odd");
    match import_path(&data.join("awkward-images.zip"), &odd, &options) {
        Ok(imported) => {
            assert!(imported.rejected.iter().all(|file| !file.reason.is_empty()));
            println!("awkward: {} samples, {} rejected", imported.samples.len(), imported.rejected.len());
        }
        Err(error) => assert!(matches!(error, ImportError::NotADataSet { .. }), "{error}"),
    }
}
