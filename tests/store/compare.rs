//! Two runs on the same images: what each gets right, what is left out, galleries of what they differ on; curves of both.

use crate::setup::{CLASSES, import, spec};
use protocol::event::{Event, Record, Values};
use protocol::sample::Split;
use serde_json::json;
use tintype::domain::ids::{RunId, SampleId};
use tintype::domain::paired::{Churn, ClassMap};
use tintype::store::Store;
use tintype::store::compare::{Direction, LeftOut, PairOfRuns, PairedClass};
use tintype::store::prediction_files::{EvaluatedFile, NewPrediction};
use tintype::store::run_list::RunSelection;
use tintype::store::runs::NewRun;

const FIRST: RunId = RunId(3);
const SECOND: RunId = RunId(7);
/// The second run knows one class more, and so numbers them otherwise.
const OTHER_CLASSES: [&str; 4] = ["cat", "fox", "wolf", "dog"];
/// Of each image: its class, what the first predicts and how surely; its class for the second, what that predicts and how surely.
const PREDICTED: [[(&str, &str, f64); 2]; 8] = [
    [("cat", "cat", 0.9), ("cat", "cat", 0.8)],
    [("cat", "cat", 0.9), ("cat", "dog", 0.7)],
    [("cat", "cat", 0.8), ("cat", "wolf", 0.95)],
    [("cat", "dog", 0.6), ("cat", "cat", 0.6)],
    [("dog", "cat", 0.5), ("dog", "cat", 0.5)],
    [("dog", "cat", 0.5), ("dog", "wolf", 0.9)],
    // The first knows no foxes.
    [("dog", "cat", 0.99), ("dog", "fox", 0.3)],
    // Relabelled between the two.
    [("dog", "dog", 0.9), ("wolf", "wolf", 0.9)],
];

fn prediction(classes: &[&str], sample: SampleId, said: (&str, &str, f64)) -> NewPrediction {
    let number = |name: &str| classes.iter().position(|class| *class == name).unwrap() as u32;
    let (actual, predicted) = (number(said.0), number(said.1));
    NewPrediction { sample_id: sample, actual, predicted, confidence: said.2, loss: Some(0.1), margin: None }
}

fn file(split: Split, predictions: Vec<NewPrediction>) -> EvaluatedFile {
    EvaluatedFile { split, epoch: 1, predictions }
}

/// Both runs with their predictions, and three steps of the first.
async fn evaluate_both(store: &Store) -> Vec<SampleId> {
    let dataset = import(store, "pairs").await;
    for (run, classes) in [(FIRST, CLASSES.to_vec()), (SECOND, OTHER_CLASSES.to_vec())] {
        let spec = spec(&json!({"classes": classes}));
        let new =
            NewRun { dataset, name: "one", spec: &spec, held_out: None, dataset_version: 1, origin: None };
        store.insert_run(run, new).await.unwrap();
    }
    let samples: Vec<SampleId> =
        store.list_samples(dataset).await.unwrap().iter().map(|sample| sample.id).collect();
    let said = |which: usize, classes: &[&str]| {
        let all = PREDICTED.iter().zip(&samples);
        all.map(|(said, sample)| prediction(classes, *sample, said[which])).collect::<Vec<_>>()
    };
    let [mut first, mut second] = [said(0, &CLASSES), said(1, &OTHER_CLASSES)];
    first.extend([8, 9].map(|at| prediction(&CLASSES, samples[at], ("wolf", "wolf", 0.9))));
    let elsewhere = vec![prediction(&OTHER_CLASSES, samples[9], ("wolf", "wolf", 0.9))];
    second.push(prediction(&OTHER_CLASSES, samples[10], ("wolf", "wolf", 0.9)));
    let step = |step: u64, loss| {
        let values = Values::from([("train/loss".to_owned(), loss), ("learning_rate".to_owned(), Some(0.1))]);
        (step * 10, Ok(Record { at_ms: 1000, event: Event::Step { step, epoch: 1, values } }))
    };
    let steps = [step(0, Some(2.0)), step(1, None), step(2, Some(1.0))];
    store.ingest(FIRST, &steps, &[file(Split::Val, first)], 30).await.unwrap();
    let files = [file(Split::Val, second), file(Split::Test, elsewhere)];
    store.ingest(SECOND, &steps[..1], &files, 10).await.unwrap();
    samples
}

pub(crate) async fn two_runs_on_the_same_images() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("tintype.db")).await.unwrap();
    let samples = evaluate_both(&store).await;
    let names = |classes: &[&str]| classes.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let pair = PairOfRuns {
        first: FIRST,
        second: SECOND,
        split: Split::Val,
        classes: ClassMap::new(&names(&CLASSES), &names(&OTHER_CLASSES)),
    };

    let classes = store.list_paired_classes(&pair).await.unwrap();
    let cats = PairedClass { both_correct: 1, only_first: 2, only_second: 1, ..PairedClass::default() };
    let dogs =
        PairedClass { class: 1, same_mistake: 1, other_mistake: 2, relabelled: 1, ..PairedClass::default() };
    assert_eq!(classes, [cats, dogs]);
    assert_eq!((cats.total(), dogs.total()), (4, 3));
    let left_out = LeftOut { first: 2, first_elsewhere: 1, second: 1, second_elsewhere: 0 };
    assert_eq!(store.count_left_out(&pair).await.unwrap(), left_out);
    let test = PairOfRuns { split: Split::Test, ..pair.clone() };
    assert!(store.list_paired_classes(&test).await.unwrap().is_empty());

    every_gallery(&store, &pair, &samples).await;

    let keys = ["learning_rate", "train/loss"].map(str::to_owned);
    let points = store.list_points_of_runs(&[FIRST, SECOND], &keys[1..]).await.unwrap();
    let loss = "train/loss".to_owned();
    let first = (FIRST, loss.clone(), vec![(0, Some(2.0)), (1, None), (2, Some(1.0))]);
    assert_eq!(points, [first, (SECOND, loss, vec![(0, Some(2.0))])]);
    assert_eq!(store.list_points_of_runs(&[SECOND], &keys).await.unwrap().len(), 2);

    let among = store.list_run_rows(RunSelection::Among(&[FIRST, SECOND, RunId(99)])).await.unwrap();
    assert_eq!(among.runs.iter().map(|listed| listed.run.id).collect::<Vec<_>>(), [SECOND, FIRST]);
    store.close().await;
}

/// Each gallery, whole, a row at a time, and back again.
async fn every_gallery(store: &Store, pair: &PairOfRuns, samples: &[SampleId]) {
    let cases: [(Churn, Option<i64>, &[usize]); 6] = [
        (Churn::OnlyFirst, None, &[2, 1]),
        (Churn::OnlySecond, None, &[3]),
        (Churn::BothWrong, None, &[6, 5]),
        (Churn::OnlyFirst, Some(0), &[2, 1]),
        (Churn::OnlyFirst, Some(1), &[]),
        (Churn::BothWrong, Some(1), &[6, 5]),
    ];
    for (churn, class, wanted) in cases {
        let wanted: Vec<SampleId> = wanted.iter().map(|at| samples[*at]).collect();
        let all = store.list_churn(pair, churn, class, None, 100).await.unwrap();
        let found: Vec<SampleId> = all.iter().map(|row| row.sample_id).collect();
        assert_eq!(found, wanted, "{churn:?} of {class:?}");
        let mut place = None;
        for (at, sample) in wanted.iter().enumerate() {
            let next = store.list_churn(pair, churn, class, place, 1).await.unwrap();
            assert_eq!(next[0].sample_id, *sample);
            let (here, before) = store.find_churn_row(pair, churn, class, *sample).await.unwrap().unwrap();
            assert_eq!((here, before), ((next[0].confidence, *sample), at as i64));
            let back =
                store.list_churn(pair, churn, class, Some((here, Direction::Before)), 1).await.unwrap();
            assert_eq!(back.first().map(|row| row.sample_id), at.checked_sub(1).map(|at| wanted[at]));
            place = Some((here, Direction::Behind));
        }
        if let Some(place) = place {
            assert!(store.list_churn(pair, churn, class, Some(place), 1).await.unwrap().is_empty());
        }
        assert!(store.find_churn_row(pair, churn, class, samples[0]).await.unwrap().is_none());
    }
    let row = &store.list_churn(pair, Churn::OnlyFirst, None, None, 1).await.unwrap()[0];
    assert_eq!((row.actual, row.first_predicted, row.first_confidence), (0, 0, 0.8));
    assert_eq!((row.second_predicted, row.second_confidence, row.confidence), (2, 0.95, 0.95));
    assert_eq!((row.path.as_str(), row.hash.len(), row.width, row.height), ("cat/2.png", 32, 40, 22));
}
