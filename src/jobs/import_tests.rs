use super::*;
use crate::domain::dataset::DatasetState;
use crate::export::{self, ManifestFormat};
use crate::import::Options;
use crate::import::tests::{folder, images, import_with, rejected};
use crate::store::Store;

/// Imports in the background, and waits until it is over.
async fn imported_in_background(data: &Path, source: &Path) -> (Store, crate::store::datasets::Dataset) {
    let store = Store::open(&data.join("tintype.db")).await.unwrap();
    let imports =
        Imports::new(store.clone(), crate::jobs::health::Health::new(store.clone()), data.to_owned());
    let id = imports
        .start("set", ImportSource::Path(source.to_owned()), Options::default())
        .await
        .unwrap()
        .unwrap();
    let begun = std::time::Instant::now();
    loop {
        let dataset = store.find_dataset(id).await.unwrap().unwrap();
        if dataset.state != DatasetState::Importing {
            return (store, dataset);
        }
        let progress = imports.status(id);
        assert!(begun.elapsed().as_secs() < 60, "the import does not end: {dataset:?}, {progress:?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_table_says_is_kept_with_the_sample() {
    let mut files = images(&["1.png", "2.png"]);
    files.push(("t.csv".into(), b"path,label,place,age\n1.png,a,\"here, there\",3\n2.png,b,,\n".to_vec()));
    let (source, data) = (folder(&files), tempfile::tempdir().unwrap());
    let (store, dataset) = imported_in_background(data.path(), source.path()).await;
    assert_eq!((dataset.state, dataset.format.as_deref()), (DatasetState::Ready, Some("manifest-csv")));
    let samples = store.list_samples(dataset.id).await.unwrap();
    let said: Vec<Option<&str>> = samples.iter().map(|sample| sample.metadata.as_deref()).collect();
    assert_eq!(said, [Some(r#"{"age":3,"place":"here, there"}"#), None]);
}

#[tokio::test]
async fn by_what_a_form_was_told_is_kept() {
    let mut files = images(&["a/1.png", "b/2.png"]);
    files.push(("t.csv".into(), b"path,label\na/1.png,x\nb/2.png,y\n".to_vec()));
    let (source, data) = (folder(&files), tempfile::tempdir().unwrap());
    let (_store, dataset) = imported_in_background(data.path(), source.path()).await;
    assert_eq!(dataset.evidence.as_deref(), Some("images lie in 2 folders"));
    assert_eq!(dataset.readings, ["manifest"]);
}

#[tokio::test]
async fn a_manifest_of_ours_brings_back_what_it_was_made_of() {
    let mut files = images(&["a/1.png", "a/2.png", "b/3.png", "b/4.png"]);
    files.push((
        "t.jsonl".into(),
        [
            r#"{"path": "a/1.png", "label": "x", "split": "train", "age": 3, "weight": 0.1, "key": 1, "note": "a, \"b\"\nc; d"}"#,
            r#"{"path": "a/2.png", "label": "y", "split": "train", "age": 7.25, "big": 9007199254740993, "key": "007", "a.b; c": "1.50"}"#,
            r#"{"path": "b/3.png", "label": "y", "split": "val", "weight": 1e300, "Hash": "0", "hash": "of another"}"#,
            r#"{"path": "b/4.png", "label": "x", "split": "test", "weight": 2.718281828459045, "big": 5, "ok": true}"#,
        ]
        .join("\n")
        .into_bytes(),
    ));
    let (source, data) = (folder(&files), tempfile::tempdir().unwrap());
    let table = source.path().join("t.jsonl");
    let (store, dataset) = imported_in_background(data.path(), &table).await;
    let rows = store.list_manifest(dataset.id, 1).await.unwrap();
    assert_eq!(rows.len(), 4, "{:?}", dataset.failure);
    assert_eq!(rows[2].metadata["weight"], 1e300);
    let first = import_with(&table, Path::new("/nowhere"), &Options::default()).unwrap();
    for format in ManifestFormat::ALL {
        let manifest = source.path().join(format!("manifest.{}", format.ending()));
        std::fs::write(&manifest, export::manifest(&rows, format).unwrap()).unwrap();
        let again = import_with(&manifest, Path::new("/nowhere"), &Options::default()).unwrap();
        assert_eq!(rejected(&again), []);
        let mut expected = first.samples.clone();
        // The manifest's own name wins.
        expected[2].metadata.as_mut().unwrap().remove("hash");
        assert_eq!(again.samples, expected, "{format:?}");
        assert_eq!((&again.fingerprint, &again.classes), (&first.fingerprint, &first.classes));
    }
}

#[tokio::test]
async fn a_refused_source_leaves_only_its_reason() {
    let source = folder(&[("train-images-idx3-ubyte".into(), vec![0; 9])]);
    let data = tempfile::tempdir().unwrap();
    let (_store, dataset) = imported_in_background(data.path(), source.path()).await;
    assert_eq!(dataset.state, DatasetState::Failed);
    assert!(dataset.failure.unwrap().starts_with("train-images-idx3-ubyte can't be read as IDX"));
    assert!(!data.path().join("datasets").exists());
}

#[test]
fn a_failure_tells_of_what_a_person_named_and_not_of_our_folders() {
    let ours = ["/data/uploads", "/data/datasets"].map(PathBuf::from);
    let upload = Path::new("/data/uploads/.tmpT9mDAY/files");
    for (words, named, told) in [
        ("/data/uploads/.tmpT9mDAY/files/a.md is no folder.", upload, "a.md is no folder."),
        (
            "/data/uploads/.tmpT9mDAY/files holds more than 3 files.",
            upload,
            "the upload holds more than 3 files.",
        ),
        ("Could not write /data/datasets/3/cat/1.jpg: full.", upload, "Could not write cat/1.jpg: full."),
        (
            "Could not write /data/datasets/.unpacking-a1B/content/cat/1.jpg: full.",
            Path::new("/home/me/pets.zip"),
            "Could not write cat/1.jpg: full.",
        ),
        ("Could not make /data/datasets/3: full.", upload, "Could not make the data set's folder: full."),
        (
            "There is nothing at /home/me/pets.",
            Path::new("/home/me/pets"),
            "There is nothing at /home/me/pets.",
        ),
    ] {
        assert_eq!(without_our_paths(words, named, &ours), told);
    }
}

#[tokio::test]
async fn another_attempt_takes_the_place_of_the_one_that_failed_and_keeps_how_it_was_asked() {
    let (source, data) = (folder(&images(&["a/1.png"])), tempfile::tempdir().unwrap());
    let (store, first) = imported_in_background(data.path(), source.path()).await;
    assert_eq!(first.state, DatasetState::Failed);
    let request = first.request.unwrap();
    assert_eq!((request.name.as_str(), request.format, request.split), ("set", None, None));
    let imports =
        Imports::new(store.clone(), crate::jobs::health::Health::new(store.clone()), data.path().to_owned());
    let again = ImportSource::Path(source.path().to_owned());
    let split = crate::import::SplitRequest { val: 0.5, test: 0.0, seed: 3 };
    let options = Options { split: Some(split), ..Options::default() };
    let second = imports.start("set", again, options).await.unwrap().unwrap();
    let all = store.list_datasets().await.unwrap();
    let [only] = &all[..] else { panic!("{all:?}") };
    assert_eq!(only.id, second);
    assert_eq!(only.request.as_ref().unwrap().split.unwrap().seed, 3);
}
