//! Galleries of predictions: every filter, every order, every count.

use crate::galleries::pets;
use crate::runs::{OTHER, RUN};
use protocol::sample::Split;
use tintype::domain::metadata::MetadataFilter;
use tintype::store::Store;
use tintype::store::predictions::{CONFIDENCE_BINS, Filter, Order};

pub(crate) async fn every_question_of_a_gallery(store: &Store) {
    let of = || Filter::of(Split::Val);
    let metadata = |text: &str| Some(MetadataFilter::from_text(text).unwrap());
    // Images 2, 6 and 10 with confidence 0.5, 0.6 and 0.7; the last, a wolf, is predicted as a cat.
    let cases: Vec<(&str, Filter, Vec<u32>)> = vec![
        ("all", of(), vec![2, 6, 10]),
        ("of a class", Filter { actual: Some(1), ..of() }, vec![6]),
        ("predicted as", Filter { predicted: Some(0), ..of() }, vec![2, 10]),
        ("correct", Filter { correct: Some(true), ..of() }, vec![2, 6]),
        ("wrong", Filter { correct: Some(false), ..of() }, vec![10]),
        ("confidence", Filter { confidence: Some((0.5, 0.65)), ..of() }, vec![6]),
        ("any confidence", Filter { confidence: Some((0.0, 1.0)), ..of() }, vec![2, 6, 10]),
        ("a value", Filter { metadata: metadata("age=6"), ..of() }, vec![6]),
        ("between", Filter { metadata: metadata("age:1..5"), ..of() }, vec![2]),
        ("a path", Filter { search: Some("WOLF".into()), ..of() }, vec![10]),
        ("another split", Filter::of(Split::Train), vec![]),
    ];
    for (what, filter, wanted) in &cases {
        assert_eq!(store.count_predictions(RUN, filter).await.unwrap(), wanted.len() as i64, "{what}");
        let bins = store.count_confidences(RUN, filter).await.unwrap();
        let total: i64 = bins.iter().map(|bin| bin.correct + bin.wrong).sum();
        assert!(total >= wanted.len() as i64, "{what}: bins do not go by confidence: {bins:?}");
        for order in Order::ALL {
            let page = store.list_predictions(RUN, filter, order, None, 100).await.unwrap();
            let mut found: Vec<u32> = page.iter().map(|found| number(&found.path)).collect();
            let (mut behind, mut before, mut paged) = (None, None, Vec::new());
            while let [found] = &store.list_predictions(RUN, filter, order, behind, 1).await.unwrap()[..] {
                let row = (order.value(found), found.sample_id);
                let count = store.count_predictions_before(RUN, filter, order, row).await.unwrap();
                assert_eq!(count, paged.len() as i64, "{what} by {order:?}");
                assert_eq!(
                    store.find_sample_before(RUN, filter, order, row).await.unwrap(),
                    before,
                    "{what} by {order:?}"
                );
                paged.push(number(&found.path));
                (behind, before) = (Some(row), Some(found.sample_id));
            }
            assert_eq!(paged, found, "{what} by {order:?}");
            found.sort_unstable();
            assert_eq!(found, *wanted, "{what} by {order:?}");
        }
    }
    for (order, wanted) in [
        (Order::Confidence, [10, 6, 2]),
        (Order::LeastConfident, [2, 6, 10]),
        (Order::Loss, [6, 2, 10]),
        (Order::Margin, [6, 10, 2]),
        (Order::Class, [2, 6, 10]),
    ] {
        let page = store.list_predictions(RUN, &of(), order, None, 100).await.unwrap();
        assert_eq!(page.iter().map(|found| number(&found.path)).collect::<Vec<_>>(), wanted, "{order:?}");
    }
    let bins = store.count_confidences(RUN, &of()).await.unwrap();
    let filled: Vec<_> =
        (0..CONFIDENCE_BINS).filter(|bin| bins[*bin].correct + bins[*bin].wrong > 0).collect();
    assert_eq!((filled, bins[13].wrong), (vec![9, 11, 13], 1), "each bin holds its upper end");

    let mistakes = store.list_mistakes_by_class(RUN, Split::Val, 3).await.unwrap();
    assert_eq!(mistakes.iter().map(|found| number(&found.path)).collect::<Vec<_>>(), [10]);
    let (sample, wolf) = (mistakes[0].sample_id, 2);
    let mut cells = store.list_cells(RUN, Split::Val).await.unwrap();
    cells.sort_by_key(|cell| (cell.actual, cell.predicted));
    let cells: Vec<_> = cells.iter().map(|cell| (cell.actual, cell.predicted, cell.count)).collect();
    assert_eq!(cells, [(0, 0, 1), (1, 1, 1), (2, 0, 1)]);
    let said = store.list_predictions_of_sample(sample).await.unwrap();
    assert_eq!(said, [(RUN, "val".to_owned(), 0, 0.7)]);
    let (split, found) = store.find_prediction(RUN, sample).await.unwrap().unwrap();
    assert_eq!((split, found.predicted, found.actual), (Split::Val, 0, wolf));
    assert!(store.find_prediction(OTHER, sample).await.unwrap().is_none());

    assert!(store.lacks_margins(RUN, Split::Val).await.unwrap(), "one has a loss and no margin");
    let first = store.list_samples(pets(store).await).await.unwrap()[2].id;
    store.set_margins(RUN, Split::Val, &[(first, Some(0.5))]).await.unwrap();
    assert!(!store.lacks_margins(RUN, Split::Val).await.unwrap());
    let files = store.list_prediction_files(RUN, Split::Val).await.unwrap();
    assert_eq!(files.iter().map(|file| (file.epoch, file.best)).collect::<Vec<_>>(), [(1, false), (2, true)]);
    assert_eq!(store.list_evaluated_splits(RUN).await.unwrap(), [Split::Val, Split::Test]);
}

fn number(path: &str) -> u32 {
    path.split(['/', '.']).nth(1).unwrap().parse().unwrap()
}
