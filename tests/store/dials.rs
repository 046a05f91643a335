//! Dials: reports of all layers, histograms, classes, and a series so long that it is kept in blocks.

use protocol::event::{ClassDial, Dials, Event, HISTOGRAM_EDGES, HistogramDial, LayerDial, Record, Values};
use std::collections::BTreeMap;
use tintype::domain::ids::RunId;
use tintype::store::Store;

async fn ingest(store: &Store, run: RunId, read: impl IntoIterator<Item = Dials>) {
    let record = |(at, dials)| (at, Ok(Record { at_ms: 1, event: Event::Dials(dials) }));
    let lines: Vec<_> = (0..).zip(read).map(record).collect();
    store.ingest(run, &lines, &[], 120).await.unwrap();
}

pub(crate) async fn what_the_dials_read(store: &Store, run: RunId) {
    let bins = vec![0.5; HISTOGRAM_EDGES.len() + 1];
    let read = |step, norm| Dials {
        step,
        layers: BTreeMap::from([(LayerDial::Weight, vec![Some(2.0), norm])]),
        histograms: BTreeMap::from([(HistogramDial::Gradient, vec![bins.clone(), Vec::new()])]),
        classes: BTreeMap::from([(ClassDial::Recall, vec![Some(0.75), None])]),
        values: Values::from([("time/data".to_owned(), Some(0.25))]),
    };
    ingest(store, run, [read(0, Some(4.0)), read(2, Some(8.0)), read(1, None)]).await;
    assert_eq!(
        store.list_points(run, "weight/head").await.unwrap(),
        [(0, Some(4.0)), (1, None), (2, Some(8.0))]
    );
    let layers = ["conv", "head"].map(str::to_owned);
    let summaries = store.summarize_dial(run, LayerDial::Weight, &layers).await.unwrap();
    assert_eq!(
        (summaries[1].first, summaries[1].last, summaries[1].not_finite),
        (Some(4.0), Some(8.0), 1),
        "the report that came late is in its place"
    );
    let histograms = store.list_histograms(run, HistogramDial::Gradient, 0).await.unwrap();
    assert_eq!(histograms.len(), 3);
    assert_eq!(histograms[2], (2, bins.iter().copied().map(Some).collect()));
    let recall = store.list_class_reports(run, ClassDial::Recall).await.unwrap();
    assert_eq!(recall[0], (0, vec![Some(0.75), None]));
    assert_eq!(store.list_points(run, "time/data").await.unwrap().len(), 3);
}

pub(crate) async fn a_long_series(store: &Store, run: RunId) {
    let value = |step: u64| if step == 1_234 { 99.0 } else { (step as f64 / 30.0).sin() };
    let read = (0..2_500).map(|step| Dials {
        step,
        values: Values::from([("time/data".to_owned(), Some(value(step)))]),
        ..Dials::default()
    });
    ingest(store, run, read).await;
    let all = store.list_points(run, "time/data").await.unwrap();
    let thinned = store.list_points_thinned(run, "time/data", 100).await.unwrap();
    assert!(thinned.len() <= 100 && thinned.contains(&(1_234, Some(99.0))));
    assert_eq!(thinned, tintype::domain::series::downsample(&all, 100));
    store.block_long_series().await.unwrap();
}
