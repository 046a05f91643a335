//! Data sets from their import to their removal; what stands beside them.

use crate::setup::{CLASSES, import, imported, spec};
use serde_json::json;
use tintype::domain::access::{KeyOrigin, Role};
use tintype::domain::dataset::DatasetState;
use tintype::domain::ids::{DatasetId, RunId};
use tintype::domain::imported::ImportRequest;
use tintype::domain::run::RunState;
use tintype::store::Store;
use tintype::store::access_keys::NewAccessKey;
use tintype::store::runs::NewRun;

pub(crate) async fn imports_and_their_facts(store: &Store) {
    let mut detector = store.change_detector().await.unwrap();
    assert!(detector.changed().await.unwrap() && !detector.changed().await.unwrap());
    assert_eq!(store.free_dataset_name("pets").await.unwrap(), "pets");
    let pets = import(store, "pets").await;
    assert_eq!(pets, DatasetId(1));
    assert!(detector.changed().await.unwrap(), "the import was seen");
    assert_eq!(store.free_dataset_name("pets").await.unwrap(), "pets 2");
    let taken = ImportRequest { name: "pets".into(), ..ImportRequest::default() };
    assert_eq!(store.insert_dataset("/elsewhere", &taken).await.unwrap(), None);

    // One that fails stays until its source is tried again.
    let request = ImportRequest { name: "broken".into(), ..ImportRequest::default() };
    let broken = store.insert_dataset("/broken", &request).await.unwrap().unwrap();
    let mark = store.list_dataset_marks().await.unwrap().pop().unwrap();
    assert!(mark.id == broken && mark.is_importing && !mark.is_examined, "{mark:?}");
    store.set_dataset_failed(broken, "no image there").await.unwrap();
    let failed = store.find_dataset(broken).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.failure.as_deref()), (DatasetState::Failed, Some("no image there")));
    store.delete_failed_imports("/source/pets").await.unwrap();
    assert_eq!(store.list_datasets().await.unwrap().len(), 2, "that source did not fail");
    store.delete_failed_imports("/broken").await.unwrap();
    assert!(store.find_dataset(broken).await.unwrap().is_none());

    // Read again: the new one takes the place of the old.
    let request = ImportRequest { name: "pets 2".into(), ..ImportRequest::default() };
    let other = store.insert_dataset("/source/pets", &request).await.unwrap().unwrap();
    assert!(
        store.set_dataset_ready(other, &imported(), Some(pets)).await.unwrap(),
        "nothing hangs on the first"
    );
    let [dataset] = &store.list_datasets().await.unwrap()[..] else { panic!("one is left") };
    assert_eq!((dataset.name.as_str(), dataset.state), ("pets", DatasetState::Ready));
    let pets = dataset.id;
    assert_eq!(store.find_dataset_by_name("pets").await.unwrap().map(|found| found.id), Some(pets));

    let facts = store.dataset_facts(dataset, Vec::new()).await.unwrap();
    assert_eq!((facts.fingerprint.as_str(), facts.median_side), ("f00", 26));
    let counts = store.list_class_counts(pets).await.unwrap();
    assert_eq!(counts.iter().map(|class| class.name.as_str()).collect::<Vec<_>>(), CLASSES);
    assert!(counts.iter().all(|class| class.by_split == [2, 1, 1]), "{counts:?}");
    assert_eq!(store.list_classes(pets).await.unwrap(), counts);
    assert_eq!(store.list_all_class_counts().await.unwrap()[&pets], counts);
    let first = store.list_first_samples(&[(pets, 2), (pets, 0)], 2).await.unwrap();
    let paths: Vec<&str> = first.iter().map(|sample| sample.path.as_str()).collect();
    assert_eq!(paths, ["wolf/8.png", "wolf/9.png", "cat/0.png", "cat/1.png"], "in the order asked");
    assert_eq!(store.count_rejected(pets).await.unwrap(), 2);
    let rejected = store.list_rejected(pets, 1).await.unwrap();
    assert_eq!((rejected.len(), rejected[0].path.as_str()), (1, "a.txt"));

    let found = store.search_datasets("ET", 5).await.unwrap();
    assert_eq!((found.len(), found[0].dataset_id), (1, pets));
    let found = store.search_classes("wo", 5).await.unwrap();
    assert_eq!((found.len(), found[0].class.as_str()), (1, "wolf"));
    assert_eq!(store.search_samples("11", 5).await.unwrap().len(), 1);
    assert!(store.search_samples("cat", 5).await.unwrap().is_empty(), "a folder is no file's name");
}

pub(crate) async fn pipelines_and_keys(store: &Store) {
    let steps = spec(&json!({})).train_transforms;
    store.save_pipeline("small", &steps).await.unwrap();
    store.save_pipeline("other", &steps).await.unwrap();
    assert_eq!(store.rename_pipeline("small", "other").await.unwrap(), Some(false), "it is taken");
    assert_eq!(store.rename_pipeline("none", "new").await.unwrap(), None);
    assert_eq!(store.rename_pipeline("small", "tiny").await.unwrap(), Some(true));
    let kept = store.list_pipelines().await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.name.as_str()).collect::<Vec<_>>(), ["other", "tiny"]);
    assert_eq!(kept[0].steps, steps);
    assert!(store.delete_pipeline("tiny").await.unwrap() && !store.delete_pipeline("tiny").await.unwrap());

    let key = |hash, origin, expires_at_ms| NewAccessKey {
        name: "phone",
        role: Role::ReadOnly,
        origin,
        hash,
        view: "/",
        expires_at_ms,
    };
    let link = store.insert_access_key(&key("aa", KeyOrigin::Link, None)).await.unwrap();
    store.insert_access_key(&key("bb", KeyOrigin::Start, Some(1))).await.unwrap();
    let chosen = store.insert_access_key(&key("cc", KeyOrigin::Environment, None)).await.unwrap();
    assert!(link.is_valid() && link.last_used_at_ms.is_none());
    store.touch_access_key(link.id, None).await.unwrap();
    assert!(store.find_access_key("aa").await.unwrap().unwrap().last_used_at_ms.is_some());
    assert!(store.find_access_key("dd").await.unwrap().is_none());
    store.forget_expired_start_keys().await.unwrap();
    store.revoke_earlier_chosen_keys("ee").await.unwrap();
    let keys = store.list_access_keys().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), [chosen.id, link.id], "the newest first");
    assert!(!keys[0].is_valid() && keys[1].is_valid());
    assert!(!store.revoke_access_key(link.id).await.unwrap().unwrap().is_valid());
    assert_eq!(store.revoke_access_key(99).await.unwrap(), None);
}

pub(crate) async fn what_is_removed_is_gone(store: &Store) {
    let spare = import(store, "spare").await;
    let used = import(store, "used").await;
    let run = RunId(store.last_run_number().await.unwrap() + 1);
    let spec = spec(&json!({"weights": "/weights/w.safetensors"}));
    let new =
        NewRun { dataset: used, name: "last", spec: &spec, held_out: None, dataset_version: 1, origin: None };
    store.insert_run(run, new).await.unwrap();
    let paths = store.list_machine_paths().await.unwrap();
    for path in ["/source/used", "/photos", "/weights/w.safetensors"] {
        assert!(paths.iter().any(|found| found == path), "{path}: {paths:?}");
    }
    assert_eq!((store.count_runs_of(used).await.unwrap(), store.count_runs_of(spare).await.unwrap()), (1, 0));
    assert!(store.delete_dataset(spare).await.unwrap(), "nothing hangs on it");
    assert!(!store.delete_dataset(spare).await.unwrap(), "it is gone");
    assert!(store.find_dataset(spare).await.unwrap().is_none());
    assert_eq!(store.list_samples(spare).await.unwrap().len(), 0);

    assert!(!store.delete_run(run).await.unwrap(), "it waits");
    assert!(store.set_job_state(run, RunState::Queued, RunState::Cancelled).await.unwrap());
    assert!(store.delete_run(run).await.unwrap());
    assert!(store.list_deleted_runs().await.unwrap().contains(&run));
    assert_eq!(store.last_run_number().await.unwrap(), run.0, "no number is given twice");
    assert!(store.delete_dataset(used).await.unwrap());
}
