use super::*;
use serde_json::json;
use tar::EntryType;

/// A shard of these files, in this order.
pub(super) fn shard(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        // As they are: the library's own way would refuse hostile names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(EntryType::Regular);
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn text(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn import_shards(shards: &[(&str, Vec<u8>)]) -> (tempfile::TempDir, Result<Imported, ImportError>) {
    let files: Vec<_> = shards.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone())).collect();
    import_files(&files, &Options::default())
}

#[test]
fn labels_are_read_from_each_kind_of_file() {
    let train = shard(&[
        ("000.json", text("{\"label\": 1, \"place\": \"home\", \"n\": 3}")),
        ("000.png", image(0)),
        ("001.cls", text("dog\n")),
        ("001.jpg", image(1)),
        ("001.txt", text("a dog in the rain")),
        ("002.png", image(2)),
        ("002.txt", text("cat")),
        ("dir.v2/003.png", image(3)),
        ("dir.v2/003.cls", text("cat")),
    ]);
    let val = shard(&[
        ("000.cls", text("dog")),
        ("000.png", image(5)),
        ("../../out.png", image(6)),
        ("../../out.cls", text("cat")),
    ]);
    let (folder, imported) = import_shards(&[("train-0.tar", train), ("val-0.tar", val)]);
    let imported = imported.unwrap();
    assert_eq!((imported.format, imported.classes.join(" ").as_str()), ("webdataset", "1 cat dog"));
    assert_eq!((counts(&imported), imported.split_note.as_str()), ([4, 2, 0], "as the shards' names say"));
    let said = |path: &str| {
        imported
            .samples
            .iter()
            .find(|sample| sample.path == path)
            .unwrap_or_else(|| panic!("{path}"))
            .metadata
            .clone()
    };
    assert_eq!(said("train/1/000000.png"), object(&json!({"place": "home", "n": 3, "key": "000"})));
    assert_eq!(said("train/dog/000001.png"), object(&json!({"txt": "a dog in the rain", "key": "001"})));
    assert_eq!(said("train/cat/000003.png"), object(&json!({"key": "dir.v2/003"})));
    assert_eq!(said("val/cat/000001.png"), object(&json!({"key": "../../out"})), "a name is no path");
    assert_eq!(std::fs::read(imported.root.join("train/cat/000002.png")).unwrap(), image(2));
    assert!(!folder.path().join("out.png").exists());
}

#[test]
fn one_shard_given_by_its_path_is_split_by_us() {
    let files: Vec<(String, Vec<u8>)> = (0..6)
        .flat_map(|at| [(format!("{at}.png"), image(at)), (format!("{at}.cls"), text(["a", "b"][at % 2]))])
        .collect();
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload");
    std::fs::write(&path, shard(&files)).unwrap();
    let imported = import_with(&path, &folder.path().join("data"), &Options::default()).unwrap();
    assert_eq!((imported.format, counts(&imported)), ("webdataset", [4, 2, 0]));
}

#[test]
fn class_folders_in_a_tar_stay_class_folders() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.tar");
    let note = || text("{\"camera\": 1}");
    let files =
        [("cat/1.png", image(1)), ("cat/1.json", note()), ("dog/1.png", image(2)), ("dog/1.json", note())];
    std::fs::write(&path, shard(&files)).unwrap();
    let imported = import_with(&path, &folder.path().join("data"), &Options::default()).unwrap();
    assert_eq!((imported.format, imported.classes.len()), ("tar", 2));
}

#[test]
fn samples_that_are_no_use_are_listed() {
    let shard = shard(&[
        ("0.png", image(0)),
        ("0.cls", text("a")),
        ("1.png", image(1)),
        ("1.cls", text("b")),
        ("2.png", image(2)),
        ("3.cls", text("a")),
        ("4.png", image(4)),
        ("4.json", text("{\"label\"")),
        ("5.png", image(5)),
        ("5.cls", vec![0xff]),
        ("6.png", image(6)),
        ("6.txt", text(&"word ".repeat(50))),
        ("7.png", text("no image")),
        ("7.cls", text("a")),
        ("8.png", image(8)),
        ("8.cls", vec![b'x'; 2 << 20]),
    ]);
    let imported = import_shards(&[("all.tar", shard)]).1.unwrap();
    let why: Vec<(&str, &str)> = rejected(&imported)
        .into_iter()
        .map(|(path, why)| (path, why.split([':', '(']).next().unwrap()))
        .collect();
    assert_eq!(imported.samples.len(), 2);
    assert_eq!(
        why,
        [
            ("a/000002.bin", "not an image"),
            ("all.tar: 2", "it has no label"),
            ("all.tar: 3", "it has no image"),
            ("all.tar: 4", "its .json is no JSON object"),
            ("all.tar: 5", "its .cls is not UTF-8"),
            ("all.tar: 6", "its label has more than 200 characters"),
            ("all.tar: 8", "its .cls has 2097152 bytes, and 1048576 are allowed"),
        ]
    );
}

#[test]
fn shards_without_labels_are_named() {
    let unlabelled = || shard(&[("0.png", image(0)), ("1.png", image(1))]);
    let says = "0.tar can't be read as WebDataset, and nothing was kept: its images, such as “0.png”, have no labels";
    let error = import_shards(&[("0.tar", unlabelled()), ("1.tar", unlabelled())]).1.unwrap_err().to_string();
    assert!(error.starts_with(says), "{error}");
    let around = folder(&[("0.tar".to_owned(), unlabelled()), ("notes.txt".to_owned(), text("about"))]);
    for source in [around.path().to_owned(), around.path().join("0.tar")] {
        let options = Options { format: Some(DatasetFormat::WebDataset), ..Options::default() };
        let error = import_with(&source, Path::new("/nowhere"), &options).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn what_does_not_hold_is_said_and_leaves_nothing() {
    let good = || vec![("0.png", image(0)), ("0.cls", text("a")), ("1.png", image(1)), ("1.cls", text("b"))];
    let whole = shard(&good());
    let short = shard(&good()[..2]);
    let files = [("a.tar".to_owned(), whole.clone()), ("b.tar".to_owned(), short.clone())];
    import_variants(&files, 1, cuts(&short[..short.len() - 512]), |length, result| {
        assert!(matches!(result, Err(ImportError::Malformed { .. })), "cut to {length}: {result:?}");
    });
    let mut header = tar::Header::new_gnu();
    header.set_path("2.png").unwrap();
    header.set_entry_type(EntryType::Symlink);
    header.set_link_name("/etc/passwd").unwrap();
    header.set_size(0);
    header.set_cksum();
    let link = [&whole[..whole.len() - 1024], header.as_bytes(), &[0; 1024]].concat();
    let error = import_shards(&[("a.tar", link)]).1.unwrap_err().to_string();
    assert!(error.contains("“2.png” is a link or a device"), "{error}");

    let mut lying = whole.clone();
    let mut header = tar::Header::from_byte_slice(&lying[..512]).clone();
    header.set_size(u64::from(u32::MAX));
    header.set_cksum();
    lying[..512].copy_from_slice(header.as_bytes());
    let error = import_shards(&[("good.tar", whole.clone()), ("lying.tar", lying)]).1.unwrap_err();
    assert!(matches!(error, ImportError::Malformed { .. }), "{error}");

    let bomb = shard(&[good(), vec![("2.png", vec![0; 1 << 20])]].concat());
    let files = [("a.tar".to_owned(), bomb)];
    for limits in [
        Limits { max_unpacked_bytes: 1 << 19, ..Limits::default() },
        Limits { max_text_bytes: 11, ..Limits::default() },
    ] {
        let error = import_files(&files, &Options { limits, ..Options::default() }).1.unwrap_err();
        assert!(matches!(error, ImportError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn what_python_writes_is_read() {
    let (_folder, imported) = import_reference("shards");
    assert_eq!((imported.format, imported.classes.join(" ").as_str()), ("webdataset", "0 1 2"));
    assert_eq!((counts(&imported), rejected(&imported)), ([3, 3, 0], vec![]));
    let sample = imported.samples.iter().find(|sample| sample.path == "val/2/000002.jpg").unwrap();
    assert_eq!(sample.metadata, object(&json!({"key": "000002", "place": "garden", "width": 8})));
}
