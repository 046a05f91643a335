use super::*;

/// A record whose red, green and blue are those of `colour`, brighter from row to row.
fn record(labels: &[u8], colour: [u8; 3]) -> Vec<u8> {
    let planes =
        colour.into_iter().flat_map(|value| (0..1024).map(move |at| value.saturating_add((at / 32) as u8)));
    labels.iter().copied().chain(planes).collect()
}

fn ten() -> Vec<(String, Vec<u8>)> {
    let batch = |seed: u8| (0..6).flat_map(|at| record(&[at % 3], [at * 9, seed, 200])).collect();
    vec![
        ("cifar-10-batches-bin/batches.meta.txt".into(), b"zebra\nant\nbee\n\n".to_vec()),
        ("cifar-10-batches-bin/data_batch_1.bin".into(), batch(1)),
        ("cifar-10-batches-bin/data_batch_2.bin".into(), batch(2)),
        ("cifar-10-batches-bin/readme.html".into(), b"<html>".to_vec()),
        ("cifar-10-batches-bin/test_batch.bin".into(), batch(3)),
    ]
}

fn hundred() -> Vec<(String, Vec<u8>)> {
    let batch = |seed: u8| (0..6).flat_map(|at| record(&[at % 2, at % 3], [at * 9, seed, 200])).collect();
    vec![
        ("coarse_label_names.txt".into(), b"insects\nmammals\n".to_vec()),
        ("fine_label_names.txt".into(), b"ant\nbee\nzebra\n".to_vec()),
        ("test.bin".into(), batch(1)),
        ("train.bin".into(), batch(2)),
    ]
}

#[test]
fn ten_classes_keep_the_order_of_their_list() {
    let (_folder, imported) = import_files(&ten(), &Options::default());
    let imported = imported.unwrap();
    assert_eq!((imported.format, imported.classes.join(" ").as_str()), ("cifar-binary", "zebra ant bee"));
    assert_eq!((counts(&imported), rejected(&imported)), ([12, 0, 6], vec![]));
    // The eighth image for training is the second of the second batch.
    let sample = imported.samples.iter().find(|sample| sample.path == "train/ant/000007.png").unwrap();
    assert_eq!((sample.width, sample.height, &sample.metadata), (32, 32, &None));
    let image = image::open(imported.root.join(&sample.path)).unwrap().into_rgb8();
    assert_eq!((image.get_pixel(0, 0).0, image.get_pixel(31, 31).0), ([9, 2, 200], [40, 33, 231]));
}

#[test]
fn the_coarse_label_of_a_hundred_is_kept_beside() {
    let imported = import_files(&hundred(), &Options::default()).1.unwrap();
    assert_eq!((imported.classes.join(" ").as_str(), counts(&imported)), ("ant bee zebra", [6, 0, 6]));
    let sample = imported.samples.iter().find(|sample| sample.path == "test/ant/000003.png").unwrap();
    assert_eq!(sample.metadata.as_ref().unwrap()["coarse"], "mammals");
}

#[test]
fn without_a_list_the_classes_are_numbers() {
    let imported = import_files(&ten()[1..], &Options::default()).1.unwrap();
    assert_eq!(imported.classes, ["0", "1", "2"]);
}

#[test]
fn what_does_not_hold_is_said_and_leaves_nothing() {
    let refusal = |files: &[(String, Vec<u8>)]| {
        let error = import_files(files, &Options::default()).1.unwrap_err();
        assert!(matches!(error, ImportError::Malformed { .. }), "{error}");
        error.to_string()
    };
    let mut files = ten();
    files[1].1[3073 * 4] = 3;
    assert!(refusal(&files).contains("image 4 has label 3, which has no name"));
    let mut files = hundred();
    files[2].1[0] = 2;
    assert!(refusal(&files).contains("image 0 has label 2"));
    for (mut files, at) in [(ten(), 1), (hundred(), 3)] {
        for length in (1..files[at].1.len()).rev().step_by(501) {
            files[at].1.truncate(length);
            assert!(refusal(&files).contains("it ends within image"), "cut to {length}");
        }
    }
    let two =
        [ten(), ten().into_iter().map(|(name, bytes)| (format!("copy/{name}"), bytes)).collect()].concat();
    assert!(refusal(&two).contains("is of another data set"));
}
