use super::*;
use std::io::{Cursor, Write as _};
use tar::EntryType;
use zip::write::SimpleFileOptions;

fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        archive.start_file(path, SimpleFileOptions::default().unix_permissions(0o6777)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// One entry of a tar, its name as it stands: the library's own way would refuse hostile ones.
fn tar_entry(name: &[u8], kind: EntryType, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o6777);
    if kind == EntryType::Symlink || kind == EntryType::Link {
        header.set_link_name("elsewhere").unwrap();
    }
    header.set_cksum();
    let mut entry = [header.as_bytes().as_slice(), content].concat();
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn tarred(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes: Vec<u8> = files
        .iter()
        .flat_map(|(path, bytes)| tar_entry(path.as_bytes(), EntryType::Regular, bytes))
        .collect();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Imports an archive of these bytes, and looks whether a refusal leaves anything behind.
fn import_bytes(bytes: &[u8], options: &Options) -> (tempfile::TempDir, Result<Imported, ImportError>) {
    let folder = tempfile::tempdir().unwrap();
    // The name says nothing: content decides.
    let (archive, into) = (folder.path().join("upload.jpg"), folder.path().join("data/unpacked"));
    std::fs::write(&archive, bytes).unwrap();
    let imported = import_with(&archive, &into, options);
    let left: Vec<_> = std::fs::read_dir(folder.path().join("data"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        left,
        if imported.is_ok() { vec!["unpacked"] } else { vec![] },
        "what is left in the data folder"
    );
    (folder, imported)
}

fn refusal(bytes: &[u8]) -> ImportError {
    import_bytes(bytes, &Options::default()).1.unwrap_err()
}

fn good() -> Vec<(String, Vec<u8>)> {
    images(&[
        "set/a/1.png",
        "set/a/2.png",
        "set/b/1.png",
        "__MACOSX/set/a/._1.png",
        "set/.DS_Store",
        "set/b/Thumbs.db",
    ])
}

#[test]
fn the_three_kinds_hold_the_same_data_set() {
    let mut fingerprints = Vec::new();
    for (format, bytes) in
        [("zip", zipped(&good())), ("tar", tarred(&good())), ("tar.gz", gzipped(&tarred(&good())))]
    {
        let (folder, imported) = import_bytes(&bytes, &Options::default());
        let imported = imported.unwrap();
        assert_eq!((imported.format, imported.classes.len(), imported.samples.len()), (format, 2, 3));
        assert_eq!(rejected(&imported), []);
        assert_eq!(imported.root, folder.path().canonicalize().unwrap().join("data/unpacked"));
        for sample in &imported.samples {
            let metadata = std::fs::metadata(imported.root.join(&sample.path)).unwrap();
            assert_eq!(metadata.len(), sample.bytes);
            #[cfg(unix)]
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7111,
                0,
                "plain permissions"
            );
        }
        assert!(!imported.root.join("__MACOSX").exists() && !imported.root.join("set/.DS_Store").exists());
        fingerprints.push(imported.fingerprint);
    }
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 1);
}

#[test]
fn names_that_lead_elsewhere_refuse_the_whole() {
    for name in
        ["../out.png", "/etc/out.png", "C:\\out.png", "set\\..\\..\\out.png", "set/a/..", "\\\\host\\out.png"]
    {
        let mut files = good();
        files.push((name.into(), image(9)));
        for bytes in [zipped(&files), tarred(&files), gzipped(&tarred(&files))] {
            match refusal(&bytes) {
                ImportError::UnsafeArchive { entry, .. } => assert_eq!(entry, name),
                other => panic!("{name}: {other}"),
            }
        }
    }
}

#[test]
fn links_and_devices_refuse_the_whole() {
    let kinds = [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::new(b'Z'),
    ];
    for kind in kinds {
        let bytes = [tar_entry(b"set/a/link", kind, b""), tarred(&good())].concat();
        assert!(matches!(refusal(&bytes), ImportError::UnsafeArchive { .. }), "{kind:?}");
    }
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    archive.add_symlink("set/a/link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let bytes = archive.finish().unwrap().into_inner();
    assert!(matches!(refusal(&bytes), ImportError::UnsafeArchive { .. }));
}

#[test]
fn a_locked_zip_is_refused() {
    let mut bytes = zipped(&good());
    // The first bit of the flags says “encrypted”, in an entry's own header and in the directory at the end.
    for (signature, flags_at) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = bytes.windows(4).position(|window| window == signature).unwrap();
        bytes[at + flags_at] |= 1;
    }
    let error = refusal(&bytes).to_string();
    assert!(error.contains("is locked by a password"), "{error}");
}

#[test]
fn broken_archives_are_refused() {
    let (zip, tar) = (zipped(&good()), tarred(&good()));
    let gz = gzipped(&tar);
    let mut flipped = zip.clone();
    flipped[60] ^= 0xff;
    for (what, bytes) in [
        ("a zip without its end", &zip[..zip.len() - 30]),
        ("a zip with a flipped byte", &flipped),
        ("a tar cut within a file", &tar[..600]),
        ("a tar cut within a header", &tar[..1024 + 100]),
        ("a tar.gz cut short", &gz[..gz.len() - 200]),
        ("a tar.gz without its checksum", &gz[..gz.len() - 4]),
        ("a gzip of something else", &gzipped(&[7; 2000])),
    ] {
        let error = refusal(bytes);
        assert!(matches!(error, ImportError::BrokenArchive { .. }), "{what}: {error}");
    }
    for bytes in [b"plain text".as_slice(), b"", b"Rar!\x1a\x07\x01\x00", &image(1)] {
        assert!(matches!(refusal(bytes), ImportError::NotAnArchive { .. }));
    }
}

#[test]
fn an_archive_of_one_class_is_no_data_set() {
    assert!(matches!(refusal(&zipped(&images(&["a/1.png", "a/2.png"]))), ImportError::NotADataSet { .. }));
    assert!(matches!(refusal(&zipped(&[])), ImportError::NotADataSet { .. }));
}

#[test]
fn limits_hold_for_what_really_comes_out() {
    let with = |max_unpacked_bytes, max_entries| Options {
        limits: Limits { max_unpacked_bytes, max_entries, ..Limits::default() },
        ..Options::default()
    };
    // The bomb: a megabyte of zeros, packed to a few kilobytes.
    let mut files = good();
    files.push(("set/b/bomb.png".into(), vec![0; 1 << 20]));
    for bytes in [zipped(&files), tarred(&files), gzipped(&tarred(&files))] {
        let error = import_bytes(&bytes, &with(1 << 19, 100)).1.unwrap_err();
        assert!(matches!(error, ImportError::TooLarge { .. }), "{error}");
        let error = import_bytes(&bytes, &with(1 << 30, 6)).1.unwrap_err();
        assert!(error.to_string().contains("more than 6 entries"), "{error}");
    }
    // The same with a header that claims ten bytes.
    let mut lying = zipped(&files);
    let directory = lying.windows(14).rposition(|window| window == b"set/b/bomb.png").unwrap() - 46;
    lying[directory + 24..directory + 28].copy_from_slice(&10_u32.to_le_bytes());
    let error = import_bytes(&lying, &with(1 << 19, 100)).1.unwrap_err();
    assert!(matches!(error, ImportError::TooLarge { .. } | ImportError::BrokenArchive { .. }), "{error}");
    let all: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(import_bytes(&zipped(&files), &with(all as u64, 7)).1.is_ok(), "exactly the limit is allowed");
    // What is skipped counts as well.
    let hidden = [good(), vec![("set/.bomb".into(), vec![0; 1 << 20])]].concat();
    assert!(matches!(
        import_bytes(&zipped(&hidden), &with(1 << 19, 100)).1,
        Err(ImportError::TooLarge { .. })
    ));
}

#[test]
fn a_name_without_end_takes_no_memory() {
    let name = tar_entry(b"././@LongLink", EntryType::GNULongName, &vec![b'x'; 2 << 20]);
    let error = refusal(&gzipped(&[name, tarred(&good())].concat())).to_string();
    assert!(error.contains("headers of more than"), "{error}");
}

#[test]
fn odd_names_are_unpacked() {
    let long = format!("set/b/{}.png", "x".repeat(180));
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    let bytes = image(7);
    header.set_size(bytes.len() as u64);
    builder.append_data(&mut header, &long, bytes.as_slice()).unwrap();
    let long_entry = builder.into_inner().unwrap();
    let tar = [
        tar_entry(b"./", EntryType::Directory, b""),
        tar_entry(b"set/old-folder/", EntryType::Regular, b""),
        tar_entry(b"set/K\xE4se/1.png", EntryType::Regular, &image(1)),
        tar_entry("set/日本/1.png".as_bytes(), EntryType::Regular, &image(2)),
        tar_entry(b"set/b\\windows.png", EntryType::Regular, &image(3)),
        tar_entry(b"set/b/twice.png", EntryType::Regular, b"replaced by the next one"),
        tar_entry(b"set/b/twice.png", EntryType::Regular, &image(4)),
        long_entry,
    ]
    .concat();
    let (_folder, imported) = import_bytes(&tar, &Options::default());
    let imported = imported.unwrap();
    let paths: Vec<&str> = imported.samples.iter().map(|sample| sample.path.as_str()).collect();
    assert_eq!(paths, ["set/K%E4se/1.png", "set/b/twice.png", "set/b/windows.png", &long, "set/日本/1.png"]);
    assert_eq!(rejected(&imported), []);
}

#[test]
fn an_archive_within_the_archive_is_just_a_file() {
    let mut files = good();
    files.push(("set/a/more.zip".into(), zipped(&good())));
    let imported = import_bytes(&zipped(&files), &Options::default()).1.unwrap();
    assert_eq!(rejected(&imported)[0].0, "set/a/more.zip");
}

#[test]
fn what_a_killed_program_left_can_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    std::fs::write(&archive, tarred(&good())).unwrap();
    std::fs::create_dir(folder.path().join("17")).unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    let look = |progress: Progress| {
        if progress.stage == Stage::Unpacking {
            seen.lock().unwrap().push(unpack::temporaries(folder.path()).len());
        }
    };
    import(&archive, &folder.path().join("18"), &Options::default(), &look, &|| false).unwrap();
    assert_eq!(seen.lock().unwrap().first(), Some(&1), "one while it is at work");
    assert!(unpack::temporaries(folder.path()).is_empty(), "none afterwards");
    assert!(unpack::temporaries(&folder.path().join("nowhere")).is_empty());
}

#[test]
fn cancelled_while_unpacking_nothing_stays() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    std::fs::write(&archive, gzipped(&tarred(&good()))).unwrap();
    let result = import(&archive, &folder.path().join("data/x"), &Options::default(), &|_| {}, &|| true);
    assert!(matches!(result, Err(ImportError::Cancelled)));
    assert_eq!(std::fs::read_dir(folder.path().join("data")).unwrap().count(), 0);
}
