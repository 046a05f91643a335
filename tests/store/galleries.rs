//! Galleries of a data set: every filter, every order, and what was measured.

use tintype::domain::health::{Report, examine};
use tintype::domain::ids::{DatasetId, SampleId};
use tintype::domain::measure::{Measure, Range};
use tintype::domain::metadata::MetadataFilter;
use tintype::domain::overview::{ChannelFigures, Overview, overview};
use tintype::store::Store;
use tintype::store::samples::{Gallery, SampleFilter, SampleOrder};

/// The data set that the first scenario leaves.
pub(crate) async fn pets(store: &Store) -> DatasetId {
    store.find_dataset_by_name("pets").await.unwrap().unwrap().id
}

fn numbers(paths: &[String]) -> Vec<u32> {
    let number = |path: &String| path.split(['/', '.']).nth(1).unwrap().parse().unwrap();
    paths.iter().map(number).collect()
}

pub(crate) async fn every_filter_and_order(store: &Store) {
    let id = pets(store).await;
    let all = store.list_samples(id).await.unwrap();
    assert_eq!(all.len(), 12);
    let ids: Vec<SampleId> = all.iter().map(|sample| sample.id).collect();
    let none = SampleFilter::default;
    let range = |measure, from, to| Some(Range { measure, from, to });
    let metadata = |text: &str| vec![MetadataFilter::from_text(text).unwrap()];
    let cases: Vec<(&str, SampleFilter, Vec<u32>)> = vec![
        ("all", none(), (0..12).collect()),
        ("a class", SampleFilter { labels: vec![1], ..none() }, vec![4, 5, 6, 7]),
        ("two classes", SampleFilter { labels: vec![0, 2], ..none() }, vec![0, 1, 2, 3, 8, 9, 10, 11]),
        ("all but one", SampleFilter { not_labels: vec![0, 2], ..none() }, vec![4, 5, 6, 7]),
        ("a split", SampleFilter { split: Some(protocol::sample::Split::Val), ..none() }, vec![2, 6, 10]),
        ("among", SampleFilter { among: Some(vec![ids[3], ids[5]]), ..none() }, vec![3, 5]),
        ("a path", SampleFilter { path_part: "G/7".into(), ..none() }, vec![7]),
        ("a value", SampleFilter { metadata: metadata("camera=A"), ..none() }, vec![0, 2, 4, 6]),
        ("between", SampleFilter { metadata: metadata("age:2..4"), ..none() }, vec![2, 3, 4]),
        ("a kind", SampleFilter { format: Some("jpeg".into()), ..none() }, vec![11]),
        ("excluded", SampleFilter { excluded: true, ..none() }, vec![]),
        (
            "bytes",
            SampleFilter { range: range(Measure::Bytes, Some(1003.0), Some(1005.0)), ..none() },
            vec![3, 4],
        ),
        ("pixels", SampleFilter { range: range(Measure::Pixels, None, Some(840.0)), ..none() }, vec![0]),
        ("aspect", SampleFilter { range: range(Measure::Aspect, Some(1.9), None), ..none() }, vec![0, 1]),
        ("bright", SampleFilter { range: range(Measure::Brightness, Some(220.0), None), ..none() }, vec![11]),
        ("contrast", SampleFilter { range: range(Measure::Contrast, Some(1e9), None), ..none() }, vec![]),
        ("sharpness", SampleFilter { range: range(Measure::Sharpness, Some(1e9), None), ..none() }, vec![]),
    ];
    let orders =
        [SampleOrder::Number, SampleOrder::Random(7)].into_iter().chain(Measure::ALL.map(SampleOrder::By));
    for order in orders {
        for (what, filter, wanted) in &cases {
            let gallery = Gallery { filter: filter.clone(), order, descending: false };
            let page = store.list_samples_page(id, &gallery, None, 100).await.unwrap();
            let found: Vec<String> = page.iter().map(|listed| listed.sample.path.clone()).collect();
            let mut sorted = numbers(&found);
            sorted.sort_unstable();
            let is_measured = matches!(order, SampleOrder::By(Measure::Sharpness));
            assert!(
                sorted == *wanted || is_measured && sorted.len() <= wanted.len(),
                "{what} by {order:?}: {found:?}"
            );
            if order == SampleOrder::Number {
                assert_eq!(store.count_samples(id, filter).await.unwrap(), wanted.len() as i64, "{what}");
                assert_eq!(store.list_sample_ids(id, filter).await.unwrap().len(), wanted.len(), "{what}");
            }
            // Page by page the same, and each knows how many stand before it.
            let (mut paged, mut after) = (Vec::new(), None);
            while let [listed] = &store.list_samples_page(id, &gallery, after, 1).await.unwrap()[..] {
                let before = store.count_samples_before(id, &gallery, listed.cursor()).await.unwrap();
                assert_eq!(before, paged.len() as i64, "{what} by {order:?}");
                assert_eq!(store.find_cursor(listed.sample.id, order).await.unwrap(), Some(listed.cursor()));
                assert!(store.has_sample(id, &gallery, listed.sample.id).await.unwrap());
                paged.push(listed.sample.path.clone());
                after = Some(listed.cursor());
            }
            assert_eq!(paged, found, "{what} by {order:?}");
            let mut back = store.list_samples_page(id, &gallery.reversed(), None, 100).await.unwrap();
            back.reverse();
            let back: Vec<String> = back.into_iter().map(|listed| listed.sample.path).collect();
            assert_eq!(back, found, "{what} by {order:?} from its end");
        }
    }
    let by = |measure| Gallery { order: SampleOrder::By(measure), ..Gallery::default() };
    let bright = store.list_samples_page(id, &by(Measure::Brightness), None, 100).await.unwrap();
    let bright: Vec<String> = bright.into_iter().map(|listed| listed.sample.path).collect();
    assert_eq!(numbers(&bright), (0..12).collect::<Vec<u32>>(), "they get brighter");

    let columns = store.list_metadata(id).await.unwrap();
    assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["age", "camera"]);
    assert_eq!(columns[1].values, [("A".to_owned(), 4), ("B".to_owned(), 4)]);
    let asked = [ids[5], SampleId(9999), ids[2]];
    let found: Vec<SampleId> =
        store.find_samples(&asked).await.unwrap().iter().map(|sample| sample.id).collect();
    assert_eq!(found, [ids[5], ids[2]], "in the order asked, without the one that is not there");
    assert_eq!(store.list_class_samples(id, 1).await.unwrap().len(), 4);
    let picked = store.pick_samples(id, Some(1), Some(protocol::sample::Split::Train), 3, 9).await.unwrap();
    assert!(picked.len() == 2 && picked.iter().all(|sample| sample.label == 1 && sample.split == "train"));
    assert_eq!(store.find_sample(ids[0]).await.unwrap().unwrap().path, "cat/0.png");
    assert!(store.find_sample(SampleId(9999)).await.unwrap().is_none());
    let path = store.find_path_by_hash(&all[3].hash).await.unwrap().unwrap();
    assert_eq!(path, std::path::Path::new("/photos/cat/3.png"));
}

pub(crate) async fn measures_and_reports(store: &Store) {
    let id = pets(store).await;
    let measured = store.list_measured(id).await.unwrap();
    assert!(measured.len() == 12 && measured.iter().all(|measured| measured.features.is_some()));
    let again = (measured[0].sample.id, measured[11].features.clone().unwrap());
    store.save_features(id, &[again]).await.unwrap();
    let read = store.list_measured(id).await.unwrap();
    assert_eq!(read[0].features, measured[11].features, "the later one counts");
    store.save_features(id, &[(measured[0].sample.id, measured[0].features.clone().unwrap())]).await.unwrap();

    let (report, overview) = examined();
    assert!(
        store.find_report(id).await.unwrap().is_none() && store.find_overview(id).await.unwrap().is_none()
    );
    store.save_examination(id, 2, 0.25, &report, &overview).await.unwrap();
    assert_eq!(
        (store.find_overview(id).await.unwrap(), store.find_channels(id).await.unwrap()),
        (None, None),
        "of another version"
    );
    store.save_examination(id, 1, 0.5, &report, &overview).await.unwrap();
    let kept = store.find_report(id).await.unwrap().unwrap();
    assert_eq!((kept.version, kept.seconds), (1, 0.5), "the later one takes the place");
    assert_eq!(store.find_channels(id).await.unwrap(), overview.channels);
    assert_eq!(store.find_overview(id).await.unwrap(), Some(overview));
    store.ignore_finding(id, "dark").await.unwrap();
    store.ignore_finding(id, "dark").await.unwrap();
    assert_eq!(store.list_ignored_findings(id).await.unwrap().into_iter().collect::<Vec<_>>(), ["dark"]);
    store.restore_finding(id, "dark").await.unwrap();
    assert!(store.list_ignored_findings(id).await.unwrap().is_empty());
    store.delete_examination(id).await.unwrap();
    assert!(store.find_report(id).await.unwrap().is_none());
}

/// What an examination of no image finds, with channels that were measured.
fn examined() -> (Report, Overview) {
    let classes = crate::setup::CLASSES.map(str::to_owned);
    let channels = Some(ChannelFigures { mean: [0.5, 0.25, 0.125], std: [0.1, 0.2, 0.3], samples: 6 });
    (examine(&[], &classes), Overview { channels, ..overview(&[], &classes) })
}
