//! Which format a source is read as, what else it fits, and what is said where it isn't what was asked for.

use super::*;

fn wanting(format: DatasetFormat) -> Options {
    Options { format: Some(format), ..Options::default() }
}

/// What a source is read as, what else it could be, and why.
fn recognised(
    files: &[(String, Vec<u8>)],
    format: Option<DatasetFormat>,
) -> (&'static str, Vec<DatasetFormat>, String) {
    let options = Options { format, ..Options::default() };
    let imported = import_files(files, &options).1.unwrap();
    (imported.format, imported.readings, imported.evidence)
}

fn with(mut files: Vec<(String, Vec<u8>)>, name: &str, text: &str) -> Vec<(String, Vec<u8>)> {
    files.push((name.to_owned(), text.as_bytes().to_vec()));
    files
}

const TABLE: &str = "path,label\na/1.png,x\nb/1.png,y\n";

#[test]
fn the_evidence_of_folders_is_what_was_seen() {
    let evidence = |paths: &[&str]| recognised(&images(paths), None).2;
    assert_eq!(evidence(&["a/1.png", "b/1.png", "b/deep/2.png", "3.png"]), "images lie in 2 folders");
    assert_eq!(
        evidence(&["train/a/1.png", "train/b/1.png", "TEST/c/1.png"]),
        "images lie in 3 folders within those of train and test"
    );
    assert_eq!(evidence(&["w/train/a/1", "w/train/b/1"]), "images lie in 2 folders within that of train");
}

#[test]
fn what_else_fits_is_told() {
    let both = with(images(&["a/1.png", "b/1.png"]), "labels.csv", TABLE);
    assert_eq!(
        recognised(&both, None),
        ("folder", vec![DatasetFormat::Manifest], "images lie in 2 folders".to_owned())
    );
    assert_eq!(
        recognised(&both, Some(DatasetFormat::Manifest)),
        (
            "manifest-csv",
            vec![DatasetFormat::Folders],
            "labels.csv has columns “path” and “label”".to_owned()
        )
    );
    assert_eq!(recognised(&both[..2], None).1, [], "nothing else");
    // Two tables that contradict each other are no reading.
    assert_eq!(recognised(&with(both.clone(), "more.csv", TABLE), None).1, []);
    let loose = with(images(&["1.png", "2.png"]), "t.csv", "path,label\n1.png,x\n2.png,y\n");
    assert_eq!(
        recognised(&loose, None),
        ("manifest-csv", vec![], "t.csv has columns “path” and “label”".into())
    );
    let idx = [
        ("train-images-idx3-ubyte".to_owned(), idx::file(&[2, 1, 1], &[0, 9])),
        ("train-labels-idx1-ubyte".to_owned(), idx::file(&[2], &[0, 1])),
    ];
    let all = [both, idx.to_vec()].concat();
    assert_eq!(recognised(&all, None).1, [DatasetFormat::Manifest, DatasetFormat::Idx]);
    assert_eq!(
        recognised(&all, Some(DatasetFormat::Idx)).1,
        [DatasetFormat::Folders, DatasetFormat::Manifest]
    );
}

#[test]
fn a_tar_that_could_be_shard_or_folders_is_told_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.tar");
    let files: Vec<(String, Vec<u8>)> = ["a/1", "b/2"]
        .iter()
        .enumerate()
        .flat_map(|(at, key)| {
            [(format!("{key}.png"), image(at)), (format!("{key}.cls"), vec![b'x' + at as u8])]
        })
        .collect();
    let files: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    std::fs::write(&path, webdataset::shard(&files)).unwrap();
    let import = |options: &Options| {
        let imported = import_with(&path, &folder.path().join("data"), options).unwrap();
        std::fs::remove_dir_all(folder.path().join("data")).unwrap();
        (imported.format, imported.classes.concat(), imported.readings)
    };
    assert_eq!(import(&Options::default()), ("webdataset", "xy".to_owned(), vec![DatasetFormat::Folders]));
    assert_eq!(
        import(&wanting(DatasetFormat::Folders)),
        ("tar", "ab".to_owned(), vec![DatasetFormat::WebDataset])
    );
}

#[test]
fn a_file_that_is_not_what_was_asked_for_is_called_what_it_is() {
    let source =
        folder(&with(with(images(&["a/1.png", "b/1.png"]), "labels.csv", TABLE), "n.csv", "when,what\n1,2"));
    write_files(source.path(), &[("data_batch_1.bin".into(), vec![0; 3073])]);
    let error = |name: &str, format| {
        let options = Options { format, ..Options::default() };
        import_with(&source.path().join(name), Path::new("/nowhere"), &options).unwrap_err().to_string()
    };
    for format in [
        DatasetFormat::Idx,
        DatasetFormat::Folders,
        DatasetFormat::Cifar,
        DatasetFormat::Parquet,
        DatasetFormat::WebDataset,
    ] {
        let error = error("labels.csv", Some(format));
        assert!(
            error.contains(&format!("labels.csv is not {}, which is known by", format.title())),
            "{error}"
        );
        let ending = "It looks like a table of images: labels.csv has columns “path” and “label”. \
                      Ask for that, or leave the format to be recognised.";
        assert!(error.ends_with(ending), "{error}");
    }
    let image = error("a/1.png", Some(DatasetFormat::Manifest));
    assert!(image.ends_with("Nor is it of another format that is known; check the path."), "{image}");
    for format in [None, Some(DatasetFormat::Manifest)] {
        let error = error("n.csv", format);
        assert!(error.contains("its first row names no column of paths and one of labels"), "{error}");
    }
    let other = error("n.csv", Some(DatasetFormat::Idx));
    assert!(other.contains("n.csv is not IDX") && other.contains("check the path"), "{other}");
    for format in [None, Some(DatasetFormat::Cifar)] {
        let error = error("data_batch_1.bin", format);
        assert!(error.contains("it is one file of several; give the path of the folder"), "{error}");
    }
    let all = error("", Some(DatasetFormat::Parquet));
    assert!(all.contains("It looks like a folder per class: images lie in several folders."), "{all}");
}

#[test]
fn an_archive_that_holds_something_else_is_named_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.tar");
    let files = [("a/1.png", image(1)), ("b/1.png", image(2))];
    std::fs::write(&path, webdataset::shard(&files)).unwrap();
    for format in [DatasetFormat::Idx, DatasetFormat::Manifest] {
        let error =
            import_with(&path, &folder.path().join("data/1"), &wanting(format)).unwrap_err().to_string();
        assert!(error.contains(&format!("set.tar is not {}", format.title())), "{error}");
        assert!(error.contains("It looks like a folder per class"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path().join("data")).unwrap().count(), 0);
    }
}

#[test]
fn a_form_with_less_than_two_classes_says_what_it_had() {
    let error = |files: &[(String, Vec<u8>)]| match import_files(files, &Options::default()).1 {
        Err(error @ ImportError::NotADataSet { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let idx = |labels: &[u8]| {
        [
            ("train-images-idx3-ubyte".to_owned(), idx::file(&[labels.len() as u32, 1, 1], labels)),
            ("train-labels-idx1-ubyte".to_owned(), idx::file(&[labels.len() as u32], labels)),
        ]
    };
    assert_eq!(
        error(&idx(&[7, 7])),
        "train-images-idx3-ubyte has 2 images. There is only one class here, “7”, with 2 usable images. \
         At least two different labels are needed; give more of the files, or fetch them again."
    );
    assert!(error(&idx(&[])).starts_with("train-images-idx3-ubyte has no images. At least"));
    let shards = ["0", "1"].map(|at| {
        let (png, cls) = (format!("{at}.png"), format!("{at}.cls"));
        let files = [(png.as_str(), b"no image".to_vec()), (cls.as_str(), b"x".to_vec())];
        (format!("{at}.tar"), webdataset::shard(&files))
    });
    let text = error(&shards);
    assert!(text.starts_with("0.tar and 1 other file have 2 samples. No usable image came of that. Skipped, to begin with: x/000000.bin (not an image"), "{text}");
    assert!(text.ends_with("give more of the shards, or pack them again."), "{text}");
}
