//! Every edit of a data set, and its way back.

use crate::galleries::pets;
use protocol::sample::Split;
use tintype::domain::edits::Edit;
use tintype::domain::ids::SampleId;
use tintype::store::Store;
use tintype::store::samples::SampleFilter;

pub(crate) async fn every_edit_and_its_way_back(store: &Store) {
    let id = pets(store).await;
    let ids: Vec<SampleId> = store.list_samples(id).await.unwrap().iter().map(|sample| sample.id).collect();
    let manifest = |version| async move {
        let rows = store.list_manifest(id, version).await.unwrap();
        rows.into_iter().map(|row| (row.path, row.label, row.split)).collect::<Vec<_>>()
    };
    assert_eq!(store.newest_version(id).await.unwrap(), 1);
    let imported = manifest(1).await;
    assert_eq!(imported.len(), 12);
    let edit = |edit: Edit, samples: &[SampleId]| {
        let samples = samples.to_vec();
        async move { store.edit_samples(id, &samples, &edit, None, "").await.unwrap() }
    };
    assert_eq!(edit(Edit::Relabel("dog".into()), &ids[..2]).await, Some(2));
    assert_eq!(edit(Edit::Relabel("dog".into()), &ids[..2]).await, None, "nothing would change");
    assert_eq!(edit(Edit::Relabel("fox".into()), &ids[2..3]).await, Some(3), "a new class");
    assert_eq!(edit(Edit::Move(Split::Test), &ids[..1]).await, Some(4));
    assert_eq!(edit(Edit::Exclude, &ids[4..6]).await, Some(5));
    assert_eq!(edit(Edit::Restore, &ids[4..5]).await, Some(6));
    let excluded = SampleFilter { excluded: true, ..SampleFilter::default() };
    assert_eq!(store.list_sample_ids(id, &excluded).await.unwrap(), [ids[5]]);
    assert_eq!(store.rename_class(id, 2, "wolf", "").await.unwrap(), None, "that is its name");
    assert_eq!(store.rename_class(id, 2, "coyote", "from the west").await.unwrap(), Some(7));
    assert_eq!(store.rename_class(id, 2, "dog", "").await.unwrap(), Some(8), "one class of two");
    assert!(store.list_class_counts(id).await.unwrap().iter().all(|class| class.name != "coyote"));

    assert_eq!(store.undo(id, Some(3)).await.unwrap(), None, "that is not the newest");
    assert_eq!(store.undo(id, Some(8)).await.unwrap(), Some(9));
    assert_eq!(store.undo(id, None).await.unwrap(), Some(10), "the name comes back too");
    assert!(store.list_class_counts(id).await.unwrap().iter().any(|class| class.name == "wolf"));
    assert_eq!(store.redo(id, None).await.unwrap(), Some(11));
    assert!(store.list_class_counts(id).await.unwrap().iter().any(|class| class.name == "coyote"));
    let names = store.class_names_at(id, 1).await.unwrap();
    assert!(names.contains(&(2, "wolf".into())), "as it was called then: {names:?}");

    let versions = store.list_versions(id).await.unwrap();
    assert_eq!(
        versions.iter().map(|version| version.number).collect::<Vec<_>>(),
        (1..=11).collect::<Vec<_>>()
    );
    assert_eq!((versions[1].action.as_str(), versions[1].changed), ("2 images: cat → dog", 2));
    assert_eq!((versions[6].note.as_str(), versions[9].undoes), ("from the west", Some(7)));
    store.set_version_note(id, 2, "they barked").await.unwrap();
    assert_eq!(store.list_versions(id).await.unwrap()[1].words(), "2 images: cat → dog · they barked");
    let changes = store.list_changes(id, 2, 9).await.unwrap();
    assert_eq!(
        changes.iter().map(|change| (change.before.label, change.after.label)).collect::<Vec<_>>(),
        [(0, 1), (0, 1)]
    );
    assert_eq!(store.list_changes(id, 2, 1).await.unwrap().len(), 1);
    let between = store.list_changes_between(id, (1, 4), 99).await.unwrap();
    assert_eq!(between.iter().map(|change| change.sample).collect::<Vec<_>>(), ids[..3]);
    assert_eq!((between[0].after.split, between[2].after.label), (Split::Test, 3));
    let told = store.list_sample_changes(ids[0]).await.unwrap();
    assert_eq!(told.iter().map(|(version, _)| *version).collect::<Vec<_>>(), [2, 4]);

    assert_eq!(manifest(1).await, imported, "a version stays what it was");
    assert_eq!(store.restore_version(id, 1, "once more").await.unwrap(), Some(12));
    assert_eq!(manifest(12).await, imported);
    assert_eq!(store.restore_version(id, 1, "").await.unwrap(), None, "it is so already");
    let dataset = store.find_dataset(id).await.unwrap().unwrap();
    let versions = store.list_versions(id).await.unwrap();
    assert_eq!(dataset.fingerprint.as_deref(), Some(versions[11].fingerprint.as_str()));
    assert_ne!(versions[11].fingerprint, versions[10].fingerprint);
}
