use super::*;
use std::io::Write as _;

/// A file of IDX: the sizes at the head, then the bytes.
pub(super) fn file(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, u8::try_from(sizes.len()).unwrap()];
    file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    file.extend(bytes);
    file
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `count` images of 5 × 4 that all differ, with labels 0 to 2 in turn.
fn pair(count: u32, seed: u8) -> [Vec<u8>; 2] {
    let values: Vec<u8> = (0..count * 20).map(|at| (at * 7) as u8 ^ seed ^ (at / 20) as u8).collect();
    let labels: Vec<u8> = (0..count).map(|at| (at % 3) as u8).collect();
    [file(&[count, 4, 5], &values), file(&[count], &labels)]
}

fn mnist() -> Vec<(String, Vec<u8>)> {
    let ([train, train_labels], [test, test_labels]) = (pair(30, 0), pair(9, 1));
    vec![
        ("raw/train-images-idx3-ubyte".into(), train),
        ("raw/train-labels-idx1-ubyte.gz".into(), gzipped(&train_labels)),
        ("raw/t10k-images.idx3-ubyte.gz".into(), gzipped(&test)),
        ("raw/t10k-labels.idx1-ubyte".into(), test_labels),
    ]
}

#[test]
fn both_halves_become_images_in_class_folders() {
    let (_folder, imported) = import_files(&mnist(), &Options::default());
    let imported = imported.unwrap();
    assert_eq!(
        (imported.format, imported.classes.join(" ").as_str(), counts(&imported)),
        ("idx", "0 1 2", [30, 0, 9])
    );
    assert_eq!(imported.split_note, "as the files' names say");
    assert!(imported.evidence.contains("raw/train-images-idx3-ubyte"), "{}", imported.evidence);
    assert_eq!(rejected(&imported), []);
    let sample = imported.samples.iter().find(|sample| sample.path == "train/1/000004.png").unwrap();
    assert_eq!((sample.class, sample.width, sample.height, sample.format), (1, 5, 4, "png"));
    let image = image::open(imported.root.join(&sample.path)).unwrap();
    assert_eq!(image.color(), image::ColorType::L8);
    assert_eq!(image.as_bytes(), &mnist()[0].1[16 + 4 * 20..16 + 5 * 20]);
    assert!(!imported.root.join("raw").exists());
}

#[test]
fn a_list_beside_names_the_classes() {
    let mut files = mnist();
    files.push(("raw/classes.txt".into(), b"T-shirt/top\nTrouser\nAnkle boot\n".to_vec()));
    let imported = import_files(&files, &Options::default()).1.unwrap();
    assert_eq!(imported.classes, ["T-shirt/top", "Trouser", "Ankle boot"]);
    assert!(
        imported
            .samples
            .iter()
            .any(|sample| sample.path == "test/T-shirt%2Ftop/000000.png" && sample.class == 0)
    );
    files.last_mut().unwrap().1 = b"T-shirt\nTrouser".to_vec();
    let error = import_files(&files, &Options::default()).1.unwrap_err().to_string();
    assert!(error.contains("image 2 has label 2, and the list of classes beside has 2 names"), "{error}");
}

#[test]
fn one_file_of_images_is_split_by_us() {
    let folder = folder(&mnist());
    for name in ["train-images-idx3-ubyte", "t10k-images.idx3-ubyte.gz"] {
        let imported = import_with(
            &folder.path().join("raw").join(name),
            &folder.path().join("out"),
            &Options::default(),
        )
        .unwrap();
        assert!(imported.split_note.starts_with("held out by seed 0"), "{}", imported.split_note);
        assert!(imported.samples.iter().all(|sample| sample.path.split('/').count() == 2));
        std::fs::remove_dir_all(folder.path().join("out")).unwrap();
    }
}

#[test]
fn colours_may_come_last_or_second() {
    let last: Vec<u8> = (0..4 * 2 * 2 * 3).map(|at| at as u8 * 5).collect();
    let mut planes = Vec::new();
    for image in last.chunks(12) {
        for colour in 0..3 {
            planes.extend((0..4).map(|pixel| image[pixel * 3 + colour]));
        }
    }
    let labels = file(&[4], &[0, 1, 0, 1]);
    let mut hashes = Vec::new();
    for (sizes, bytes) in [([4, 2, 2, 3], &last), ([4, 3, 2, 2], &planes)] {
        let files = [
            ("images-idx4-ubyte".to_owned(), file(&sizes, bytes)),
            ("labels-idx1-ubyte".to_owned(), labels.clone()),
        ];
        let (_folder, imported) = import_files(&files, &Options::default());
        let imported = imported.unwrap();
        let image = image::open(imported.root.join("0/000000.png")).unwrap().into_rgb8();
        assert_eq!(image.into_raw(), last[..12]);
        hashes.push(imported.fingerprint);
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[test]
fn what_does_not_hold_is_said_and_leaves_nothing() {
    let [images, labels] = pair(30, 0);
    let with = |images: &[u8], labels: &[u8]| {
        let files = [
            ("train-images-idx3-ubyte".to_owned(), images.to_vec()),
            ("train-labels-idx1-ubyte".to_owned(), labels.to_vec()),
        ];
        import_files(&files, &Options::default()).1.unwrap_err().to_string()
    };
    let claims = |sizes: &[u32]| file(sizes, &images[16..]);
    let longer = [images.as_slice(), &[0]].concat();
    let bad_gzip = gzipped(&images)[..50].to_vec();
    for (images, labels, says) in [
        (images[..600].to_vec(), labels.clone(), "it ends after 29 of 30 images"),
        (longer, labels.clone(), "it has more in it than its head says"),
        (images.clone(), labels[..20].to_vec(), "it ends after 12 of 30 labels"),
        (
            images.clone(),
            file(&[29], &[0; 29]),
            "it claims 30 images, and train-labels-idx1-ubyte has 29 labels",
        ),
        (claims(&[u32::MAX, 4, 5]), labels.clone(), "it claims 4294967295 images"),
        (
            claims(&[30, u32::MAX, u32::MAX]),
            labels.clone(),
            "it claims images of 4294967295 × 4294967295 pixels",
        ),
        (claims(&[30, 0, 5]), labels.clone(), "it claims images of 5 × 0 pixels"),
        (claims(&[30, 4, 5, 2]), labels.clone(), "its sizes are 30 × 4 × 5 × 2"),
        (claims(&[600]), labels.clone(), "its sizes are 600"),
        (b"\0\0\x0d\x03".to_vec(), labels.clone(), "its values are of type 0x0d"),
        (b"<html>".to_vec(), labels.clone(), "it does not begin as an IDX file does"),
        (bad_gzip, labels.clone(), "can't be read as IDX"),
        (images.clone(), file(&[u32::MAX], &[0; 9]), "claims 4294967295 labels, and 2000000 are allowed"),
        (images.clone(), file(&[30], &[7; 30]), "There is only one class here, “7”"),
    ] {
        let error = with(&images, &labels);
        assert!(error.contains(says), "{error} does not say: {says}");
    }
}

#[test]
fn cut_anywhere_it_is_refused() {
    let files = mnist();
    for (at, (name, whole)) in files.iter().enumerate() {
        import_variants(&files, at, cuts(whole), |length, result| {
            assert!(
                matches!(result, Err(ImportError::Malformed { .. })),
                "{name} cut to {length}: {result:?}"
            );
        });
    }
}

#[test]
fn a_bomb_goes_off_at_the_limit() {
    let zeros = file(&[1000, 100, 100], &vec![0; 10_000_000]);
    let labels = file(&[1000], &[[0; 500], [1; 500]].concat());
    let files = [
        ("train-images-idx3-ubyte.gz".to_owned(), gzipped(&zeros)),
        ("train-labels-idx1-ubyte".to_owned(), labels),
    ];
    let limits = Limits { max_unpacked_bytes: 1_000_000, ..Limits::default() };
    let error = import_files(&files, &Options { limits, ..Options::default() }).1.unwrap_err();
    assert!(matches!(error, ImportError::TooLarge { .. }), "{error}");
}

#[test]
fn an_archive_of_them_gives_way_to_their_images() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("mnist.tar");
    let mut builder = tar::Builder::new(std::fs::File::create(&archive).unwrap());
    for (name, bytes) in mnist() {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.finish().unwrap();
    let imported = import_with(&archive, &folder.path().join("data/1"), &Options::default()).unwrap();
    assert_eq!((imported.format, counts(&imported)), ("idx", [30, 0, 9]));
    assert!(!folder.path().join("data/1/raw").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("data")).unwrap().count(), 1);
}

#[test]
fn a_form_can_be_asked_for() {
    let wanting = |format| Options { format: Some(format), ..Options::default() };
    let plain = images(&["a/1.png", "b/1.png"]);
    let error = import_files(&plain, &wanting(DatasetFormat::Idx)).1.unwrap_err().to_string();
    assert!(error.contains("is not IDX, which is known by files such as"), "{error}");
    let error = import_files(&mnist(), &wanting(DatasetFormat::Folders)).1.unwrap_err().to_string();
    assert!(error.starts_with("All there is here is 4 files in one folder"), "{error}");
    let both = [mnist(), plain].concat();
    assert_eq!(import_files(&both, &Options::default()).1.unwrap().format, "folder");
    assert_eq!(import_files(&both, &wanting(DatasetFormat::Idx)).1.unwrap().format, "idx");
}

#[test]
fn any_name_will_do_where_one_pair_begins_as_idx() {
    let [images, labels] = pair(9, 0);
    let notes = || ("notes.txt".to_owned(), b"what this is".to_vec());
    for (images, labels) in [
        (("digits.idx3", images.clone()), ("digits-labels.idx1", labels.clone())),
        (("images.gz", gzipped(&images)), ("labels.gz", gzipped(&labels))),
        (("set/train-images-idx3-ubyte", images.clone()), ("set/classes", labels.clone())),
        (("set/images", images.clone()), ("set/t10k-labels.idx1-ubyte.gz", gzipped(&labels))),
    ] {
        let files = [images, labels].map(|(name, bytes)| (name.to_owned(), bytes));
        let (_folder, imported) =
            import_files(&[files.clone().as_slice(), &[notes()]].concat(), &Options::default());
        let imported = imported.unwrap();
        assert_eq!((imported.format, imported.classes.concat().as_str()), ("idx", "012"));
        assert_eq!((counts(&imported), imported.readings), ([6, 3, 0], vec![]));
        let (images, labels) = (&files[0].0, &files[1].0);
        assert_eq!(
            imported.evidence,
            format!("{images} begins as IDX files of images do, and {labels} as those of labels")
        );
        // The same by the path of the one file.
        let folder = folder(&files);
        let again = import_with(&folder.path().join(images), &folder.path().join("out"), &Options::default());
        assert_eq!(again.unwrap().samples, imported.samples);
        let error = import_with(&folder.path().join(labels), &folder.path().join("out"), &Options::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("it holds labels; give the path of the file of images"), "{error}");
    }
}

#[test]
fn pairs_that_first_bytes_do_not_tell_are_asked_for() {
    let [images, labels] = pair(9, 0);
    let [_, fewer] = pair(6, 0);
    let named = |files: &[(&str, &Vec<u8>)]| -> Vec<(String, Vec<u8>)> {
        files.iter().map(|(name, bytes)| ((*name).to_owned(), (*bytes).clone())).collect()
    };
    let error = |files: &[(&str, &Vec<u8>)], path: &str| {
        let folder = folder(&named(files));
        let source = folder.path().join(path);
        import_with(&source, &folder.path().join("out"), &Options::default()).unwrap_err().to_string()
    };
    let two = [("a", &images), ("b", &images), ("c", &labels), ("d", &fewer)];
    let text = error(&two, "");
    assert!(
        text.contains("there are 2 files of images here and 2 of labels, and their names don't say"),
        "{text}"
    );
    let text = error(&[two[0], ("e", &labels), two[2]], "a");
    assert!(text.contains("c and e both hold 9 labels"), "{text}");
    let text = error(&[two[0], two[3]], "a");
    assert!(text.contains("no file beside it holds 9 labels"), "{text}");
    let text = error(&[two[0], two[3]], "");
    assert!(text.contains("it claims 9 images, and d has 6 labels"), "{text}");
    assert!(error(&two[..2], "").contains("are not beside it; put them there"));
    // Names that contradict count for more than bytes that agree.
    let text = error(&[("train-images-idx3-ubyte", &images), ("t10k-labels-idx1-ubyte", &labels)], "");
    assert!(
        text.starts_with("train-images-idx3-ubyte can't be read as IDX") && text.contains("not beside it"),
        "{text}"
    );
    // Among several files of labels it is the number that tells, for one path.
    let folder = folder(&named(&two));
    let imported = import_with(&folder.path().join("b"), &folder.path().join("out"), &Options::default());
    assert_eq!(imported.unwrap().samples.len(), 9);
}

#[cfg(unix)]
#[test]
fn a_pipe_beside_is_not_waited_for() {
    let [images, labels] = pair(9, 0);
    let folder = folder(&[("images".to_owned(), images), ("labels".to_owned(), labels)]);
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("a-pipe")).status().unwrap();
    assert!(made.success());
    let imported =
        import_with(&folder.path().join("images"), &folder.path().join("out"), &Options::default());
    assert_eq!(imported.unwrap().samples.len(), 9);
}

#[test]
#[ignore = "takes a while; run together with those that need TINTYPE_REAL_DATA"]
fn seventy_thousand_small_images_as_many_as_real_data_has() {
    let mut files = Vec::new();
    for (name, count) in [("train", 60_000_u32), ("t10k", 10_000)] {
        // Rings, as empty around and as dense within as digits are.
        let values = (0..count).flat_map(|image| {
            (0..784_u32).map(move |at| {
                let (x, y) = (f64::from(at % 28) - 13.5, f64::from(at / 28) - 13.5);
                let distance = (x.hypot(y) - 4.0 - f64::from(image % 997) / 200.0).abs();
                (255.0 * (1.5 - distance).clamp(0.0, 1.0)) as u8 ^ (image % 7) as u8
            })
        });
        files.push((
            format!("{name}-images-idx3-ubyte.gz"),
            gzipped(&file(&[count, 28, 28], &values.collect::<Vec<_>>())),
        ));
        let labels: Vec<u8> = (0..count).map(|at| (at % 10) as u8).collect();
        files.push((format!("{name}-labels-idx1-ubyte.gz"), gzipped(&file(&[count], &labels))));
    }
    let folder = folder(&files);
    let started = std::time::Instant::now();
    let imported = import_with(folder.path(), &folder.path().join("data"), &Options::default()).unwrap();
    println!("70,000 images of 28 × 28: {:.1} s", started.elapsed().as_secs_f64());
    assert_eq!((counts(&imported), imported.classes.len()), ([60_000, 0, 10_000], 10));
}
