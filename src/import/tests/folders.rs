use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_folder_per_class_is_split_and_what_is_no_use_is_listed() {
    let mut files = images(&["loose.png", "dog/.DS_Store", "cat/deep/deeper/1.png"]);
    files.extend((0..20).map(|at| (format!("{}/{at}.png", ["cat", "dog"][at % 2]), image(100 + at))));
    files.push(("cat/notes.txt".into(), b"three words here".to_vec()));
    files.push(("cat/nothing.png".into(), Vec::new()));
    files.push(("dog/half.png".into(), image(0)[..60].to_vec()));
    files.push(("dog/really-a-png.jpg".into(), image(1)));
    files.push(("README".into(), b"what this is".to_vec()));
    let folder = folder(&files);
    let imported = import_with(folder.path(), Path::new("/nowhere"), &Options::default()).unwrap();

    assert_eq!(
        (imported.format, imported.root.as_path()),
        ("folder", &*folder.path().canonicalize().unwrap())
    );
    assert_eq!(imported.classes, ["cat", "dog"]);
    assert_eq!(counts(&imported), [18, 4, 0]);
    assert_eq!(imported.split_note, "held out by seed 0: 20 % for validation");
    let unknown = "not an image: its content is of no known image format";
    assert_eq!(
        rejected(&imported).into_iter().filter(|(path, _)| *path != "dog/half.png").collect::<Vec<_>>(),
        [
            ("README", unknown),
            ("cat/notes.txt", unknown),
            ("cat/nothing.png", "the file is empty"),
            ("loose.png", "not in a class folder"),
        ]
    );
    assert!(rejected(&imported)[3].1.starts_with("a damaged png file: "), "{:?}", rejected(&imported)[3]);

    let sample = imported.samples.iter().find(|sample| sample.path == "dog/really-a-png.jpg").unwrap();
    let bytes = image(1);
    assert_eq!((sample.width, sample.height, sample.format, sample.orientation), (8, 6, "png", 1));
    assert_eq!((sample.class, sample.bytes), (1, bytes.len() as u64));
    assert_eq!(sample.hash, blake3::hash(&bytes).to_hex()[..32]);
    assert!(imported.samples.is_sorted_by(|a, b| a.path < b.path));
}

#[test]
fn split_folders_stand_as_they_are() {
    let paths =
        ["train/a/1", "train/a/2", "train/b/1", "Validation/a/1", "VALID/b/2", "test/a/x/1", "test/c/1"];
    let imported = import_images(&paths, None).unwrap();
    assert_eq!((imported.classes.concat().as_str(), counts(&imported)), ("abc", [3, 2, 2]));
    assert_eq!(imported.split_note, "as the folders say");
    let wrapped = paths.map(|path| format!("some/wrapping/{path}"));
    let wrapped = import_images(&wrapped.each_ref().map(String::as_str), None).unwrap();
    assert_eq!((&wrapped.classes, counts(&wrapped)), (&imported.classes, [3, 2, 2]));
}

#[test]
fn a_missing_split_is_held_out_where_it_is_asked_for() {
    let paths: Vec<String> = (0..10)
        .flat_map(|at| ["train/a", "train/b", "test/a", "test/b"].map(|folder| format!("{folder}/{at}")))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let imported = import_images(&paths, Some(SplitRequest { val: 0.3, test: 0.5, seed: 4 })).unwrap();
    assert_eq!(counts(&imported), [14, 6, 20]);
    assert_eq!(imported.split_note, "as the folders say; held out of train by seed 4: 30 % for validation");
    let error = import_images(&paths, Some(SplitRequest { val: 1.5, test: 0.0, seed: 0 })).unwrap_err();
    assert!(matches!(error, ImportError::BadSplit { .. }), "{error}");
}

#[test]
fn a_fingerprint_says_whether_two_data_sets_are_the_same() {
    let paths = ["a/1", "a/2", "a/3", "b/1", "b/2", "b/3"];
    let fingerprint = |paths: &[&str], split| import_images(paths, split).unwrap().fingerprint;
    let first = fingerprint(&paths, None);
    assert_eq!((first.len(), &first), (32, &fingerprint(&paths, None)), "another place, the same data set");
    let seeded = |seed| Some(SplitRequest { seed, ..SplitRequest::default() });
    assert_eq!(fingerprint(&paths, seeded(0)), first);
    assert!((1..9).any(|seed| fingerprint(&paths, seeded(seed)) != first), "another split");
    assert_ne!(fingerprint(&["a/1", "a/2", "a/9", "b/1", "b/2", "b/3"], None), first, "another path");
    assert_ne!(fingerprint(&["a/2", "a/1", "a/3", "b/1", "b/2", "b/3"], None), first, "other images");
}

#[test]
fn what_is_no_data_set_is_described() {
    let sentence = |paths: &[&str]| match import_images(paths, None) {
        Err(error @ ImportError::NotADataSet { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(sentence(&[]).starts_with("There are no files here. A data set is a folder per class"));
    assert!(sentence(&["1", "2"]).starts_with("All there is here is 2 files in the top folder."));
    assert!(sentence(&["w/cat/1"]).starts_with("All there is here is 1 file in one folder, “w/cat”."));
    assert!(
        sentence(&["train/cat/1", "val/cat/1"])
            .starts_with("There is only one class here, “cat”, with 2 usable images. A data set")
    );
    let mut files = images(&["cat/1"]);
    files.extend(
        ["dog/a.txt", "dog/b.txt", "dog/c.txt", "dog/d.txt"].map(|path| (path.into(), b"text".to_vec())),
    );
    let error = import_with(folder(&files).path(), Path::new("/nowhere"), &Options::default()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("Skipped: 4 files, such as dog/a.txt (not an image"), "{error}");
    assert!(error.contains("dog/c.txt") && !error.contains("dog/d.txt"), "{error}");
    let error =
        import_with(Path::new("/nowhere/at/all"), Path::new("/nowhere"), &Options::default()).unwrap_err();
    assert!(error.to_string().starts_with("There is nothing at /nowhere/at/all."), "{error}");
}

#[test]
fn damaged_images_count_for_the_layout() {
    // Were they skipped, “dog” would look like a wrapping and its parts like classes.
    let mut files = images(&["dog/young/1", "dog/old/1"]);
    files.push(("cat/1.png".into(), image(0)[..60].to_vec()));
    let error = import_with(folder(&files).path(), Path::new("/nowhere"), &Options::default()).unwrap_err();
    assert!(error.to_string().starts_with("There is only one class here, “dog”"), "{error}");
    // Papers beside the data set do not.
    let mut files = images(&["set/dog/1", "set/cat/1"]);
    files.push(("papers/licence.txt".into(), b"do as you like".to_vec()));
    let imported = import_with(folder(&files).path(), Path::new("/nowhere"), &Options::default()).unwrap();
    assert_eq!(imported.classes, ["cat", "dog"]);
}

#[test]
fn a_image_beyond_the_limits_is_rejected_and_a_large_one_is_not() {
    let mut files = images(&["a/1", "b/1"]);
    // 4 megapixels: more than is decoded without asking for room.
    files.push(("a/large.png".into(), vision::png(&vision::RgbImage::new(2000, 2000))));
    let folder = folder(&files);
    let imported = import_with(folder.path(), Path::new("/nowhere"), &Options::default()).unwrap();
    assert_eq!((imported.samples.len(), imported.samples[1].width), (3, 2000));
    for max_pixels in [1000, 3_000_000] {
        let vision = vision::Limits { max_pixels, ..vision::Limits::default() };
        let options = Options { limits: Limits { vision, ..Limits::default() }, ..Options::default() };
        let imported = import_with(folder.path(), Path::new("/nowhere"), &options).unwrap();
        let reason =
            format!("its header claims 2000 × 2000 pixels, more than the limit of {max_pixels} in all");
        assert_eq!(rejected(&imported), [("a/large.png", reason.as_str())]);
    }
}

#[test]
fn progress_is_told_in_order() {
    let folder = folder(&images(&["a/1", "a/2", "b/1"]));
    let told = Mutex::new(Vec::new());
    let report =
        |progress: Progress| told.lock().unwrap().push((progress.stage, progress.done, progress.total));
    import(folder.path(), Path::new("/nowhere"), &Options::default(), &report, &|| false).unwrap();
    assert_eq!(
        *told.lock().unwrap(),
        [
            (Stage::Listing, 0, None),
            (Stage::Decoding, 0, Some(3)),
            (Stage::Decoding, 1, Some(3)),
            (Stage::Decoding, 2, Some(3)),
            (Stage::Decoding, 3, Some(3)),
        ]
    );
}

#[test]
fn an_import_can_be_cancelled_while_decoding() {
    let folder = folder(&images(&["a/1", "a/2", "b/1"]));
    let stop = AtomicBool::new(false);
    let report = |progress: Progress| stop.store(progress.stage == Stage::Decoding, Ordering::SeqCst);
    let result = import(folder.path(), Path::new("/nowhere"), &Options::default(), &report, &|| {
        stop.load(Ordering::SeqCst)
    });
    assert!(matches!(result, Err(ImportError::Cancelled)), "{result:?}");
}
