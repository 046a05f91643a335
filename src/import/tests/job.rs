use super::*;
use crate::domain::dataset::DatasetState;
use crate::import::job::Imports;
use crate::store::Store;

/// Imports in the background, and waits until it is over.
async fn imported_in_background(data: &Path, source: &Path) -> (Store, crate::store::datasets::Dataset) {
    let store = Store::open(&data.join("tintype.db")).await.unwrap();
    let imports = Imports::new(store.clone(), crate::health::Health::new(store.clone()), data.to_owned());
    let id = imports.start("set", source.to_owned(), Options::default(), None).await.unwrap().unwrap();
    loop {
        let dataset = store.find_dataset(id).await.unwrap().unwrap();
        if dataset.state != DatasetState::Importing {
            return (store, dataset);
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_table_says_is_kept_with_the_sample() {
    let mut files = pictures(&["1.png", "2.png"]);
    files.push(("t.csv".into(), b"path,label,place,age\n1.png,a,\"here, there\",3\n2.png,b,,\n".to_vec()));
    let (source, data) = (folder(&files), tempfile::tempdir().unwrap());
    let (store, dataset) = imported_in_background(data.path(), source.path()).await;
    assert_eq!((dataset.state, dataset.format.as_deref()), (DatasetState::Ready, Some("manifest-csv")));
    let samples = store.list_samples(dataset.id).await.unwrap();
    let said: Vec<Option<&str>> = samples.iter().map(|sample| sample.metadata.as_deref()).collect();
    assert_eq!(said, [Some(r#"{"age":3,"place":"here, there"}"#), None]);
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
