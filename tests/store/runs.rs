//! A run from the queue to its end, and what a person says of runs.

use crate::dials;
use crate::galleries::pets;
use crate::setup::spec;
use protocol::event::{
    Batch, BatchItem, ChannelStats, ComputeDevice, Dtype, Event, Failure, Hello, Record, Started, Values,
};
use protocol::sample::Split;
use serde_json::json;
use tintype::domain::event_origin::EventOrigin;
use tintype::domain::ids::{RunId, SampleId};
use tintype::domain::run::{RunState, StopRequest};
use tintype::store::Store;
use tintype::store::prediction_files::{EvaluatedFile, NewPrediction};
use tintype::store::run_list::RunSelection;
use tintype::store::runs::NewRun;

pub(crate) const RUN: RunId = RunId(1);
pub(crate) const OTHER: RunId = RunId(2);

pub(crate) type Line = (u64, Result<Record, String>);

/// Lines of a journal, ten bytes each, from an offset on.
pub(crate) fn lines(begin: u64, events: Vec<Event>) -> Vec<Line> {
    (0..)
        .zip(events)
        .map(|(at, event)| (begin + at * 10, Ok(Record { at_ms: 1000 + (begin + at) as i64, event })))
        .collect()
}

fn values(pairs: &[(&str, Option<f64>)]) -> Values {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
}

pub(crate) fn hello() -> Event {
    Event::Hello(Hello {
        protocol: protocol::PROTOCOL,
        trainer: "test".into(),
        torch: "none".into(),
        device: ComputeDevice::Cpu,
        threads: 1,
        precision: Dtype::F32,
        precision_reason: "asked for".into(),
        pid: 1,
    })
}

fn epoch(epoch: u32, accuracy: f64) -> Event {
    let values = values(&[("val/accuracy", Some(accuracy)), ("val/loss", Some(1.0 - accuracy))]);
    Event::Epoch { epoch, step: u64::from(epoch) * 3 - 1, values, best: true }
}

fn predictions(split: Split, epoch: u32) -> Event {
    let path = format!("predictions/{split}-{epoch:04}.safetensors");
    Event::Predictions { split, epoch, path, best: true }
}

/// Of four images of a split: the last is wrong, and the network is surer of each than of the one before.
pub(crate) async fn evaluated(store: &Store, split: Split, epoch: u32) -> EvaluatedFile {
    let samples = store.list_samples(pets(store).await).await.unwrap();
    let of_split = samples.iter().filter(|sample| sample.split == split.as_str());
    let predictions = of_split.enumerate().map(|(at, sample)| NewPrediction {
        sample_id: sample.id,
        actual: sample.label as u32,
        predicted: if at == 2 { 0 } else { sample.label as u32 },
        confidence: 0.5 + at as f64 / 10.0,
        loss: (at != 1).then_some(0.25),
        margin: (at != 0).then_some(0.125 * at as f64),
    });
    EvaluatedFile { split, epoch, predictions: predictions.collect() }
}

pub(crate) async fn a_run_from_the_queue_to_its_end(store: &Store) {
    let dataset = pets(store).await;
    assert_eq!(store.last_run_number().await.unwrap(), 0);
    let spec = spec(&json!({}));
    for (run, name, origin) in [(RUN, "first", None), (OTHER, "second", Some(RUN))] {
        let new =
            NewRun { dataset, name, spec: &spec, held_out: Some("a tenth"), dataset_version: 1, origin };
        store.insert_run(run, new).await.unwrap();
    }
    let waiting = store.list_active().await.unwrap();
    assert_eq!(
        waiting.iter().map(|run| (run.id, run.is_running, run.steps)).collect::<Vec<_>>(),
        [(RUN, false, None), (OTHER, false, None)]
    );
    assert!(!store.set_job_stop_request(RUN, StopRequest::Pause).await.unwrap(), "it does not run");
    assert!(store.set_job_state(RUN, RunState::Queued, RunState::Running).await.unwrap());
    assert!(
        !store.set_job_state(RUN, RunState::Queued, RunState::Running).await.unwrap(),
        "somebody was quicker"
    );

    let channel = ChannelStats { mean: Some(0.0), std: Some(1.0), min: Some(-1.0), max: None };
    let item = BatchItem { sample_id: 5, label: 0, sampled: vec![], mixed: None };
    let batch = |step| {
        let path = format!("batches/step-{step:08}.safetensors");
        Event::Batch(Batch {
            step,
            epoch: 1,
            path,
            size: 2,
            channels: [channel; 3],
            items: vec![item.clone()],
        })
    };
    let layers = ["conv", "head"].map(str::to_owned).to_vec();
    let step = |step, loss| Event::Step {
        step,
        epoch: 1,
        values: values(&[("train/loss", loss), ("images_per_second", Some(100.0))]),
    };
    let mut first = lines(
        0,
        vec![
            hello(),
            Event::Started(Started { step: 0, steps_per_epoch: 3, parameters: 9, layers }),
            Event::Note { text: "A head was replaced.".into() },
            batch(0),
            step(0, Some(2.0)),
            step(1, None),
            Event::Gradients { step: 1, norms: vec![Some(0.5), None] },
            step(2, Some(1.0)),
            epoch(1, 0.5),
            predictions(Split::Val, 1),
            Event::Checkpoint { step: 3, epoch: 1 },
        ],
    );
    first.push((110, Err("no JSON".into())));
    store.ingest(RUN, &first, &[evaluated(store, Split::Val, 1).await], 120).await.unwrap();
    let run = store.find_run(RUN).await.unwrap().unwrap();
    assert_eq!((run.journal_offset, run.step, run.epoch, run.best_epoch), (120, 3, 1, Some(1)));
    assert_eq!(run.hello.map(|hello| hello.trainer), Some("test".to_owned()));
    let notes = store.list_notes(RUN).await.unwrap();
    assert_eq!(notes.iter().map(|note| note.warning).collect::<Vec<_>>(), [false, true]);
    assert!(notes[1].text.ends_with("no JSON"), "{notes:?}");
    let active = store.list_active().await.unwrap();
    assert_eq!((active[0].steps, active[0].percent_done()), (Some(6), 50));
    assert_eq!(
        store.list_points(RUN, "train/loss").await.unwrap(),
        [(0, Some(2.0)), (1, None), (2, Some(1.0))]
    );
    assert_eq!(store.list_points(RUN, "gradient/head").await.unwrap(), [(1, None)]);
    dials::what_the_dials_read(store, RUN).await;
    dials::a_long_series(store, OTHER).await;
    let keys = store.list_series_keys(RUN).await.unwrap();
    assert_eq!(
        keys,
        [
            "gradient/conv",
            "gradient/head",
            "images_per_second",
            "time/data",
            "train/loss",
            "val/accuracy",
            "val/loss",
            "weight/conv",
            "weight/head"
        ]
    );
    let [summary] = &store.summarize_series(RUN, "train/").await.unwrap()[..] else { panic!("one series") };
    assert_eq!(
        (summary.first, summary.last, summary.min, summary.max, summary.not_finite),
        (Some(2.0), Some(1.0), Some(1.0), Some(2.0), 1)
    );
    assert_eq!(store.find_batch(RUN, 0).await.unwrap().map(|batch| batch.size), Some(2));
    assert!(store.find_batch(RUN, 7).await.unwrap().is_none());

    // Paused, resumed by another trainer, which repeats a step; then it fails and is resumed once more.
    assert!(store.set_job_stop_request(RUN, StopRequest::Pause).await.unwrap());
    assert!(store.set_job_state(RUN, RunState::Running, RunState::Paused).await.unwrap());
    assert!(store.set_job_state(RUN, RunState::Paused, RunState::Queued).await.unwrap());
    assert!(store.set_job_state(RUN, RunState::Queued, RunState::Running).await.unwrap());
    let failure = Failure { reason: "It broke.".into(), step: Some(3), ..Failure::default() };
    store.ingest(RUN, &lines(120, vec![hello(), Event::Failed(failure.clone())]), &[], 140).await.unwrap();
    store.set_job_failure(RUN, &failure).await.unwrap();
    assert!(store.set_job_state(RUN, RunState::Running, RunState::Failed).await.unwrap());
    assert_eq!(store.find_run(RUN).await.unwrap().unwrap().failure, Some(failure));
    assert!(store.set_job_state(RUN, RunState::Failed, RunState::Queued).await.unwrap());
    assert!(store.set_job_state(RUN, RunState::Queued, RunState::Running).await.unwrap());
    let rest = lines(
        140,
        vec![
            hello(),
            batch(3),
            step(2, Some(1.5)),
            epoch(2, 0.75),
            predictions(Split::Val, 2),
            predictions(Split::Test, 2),
            Event::Stopped { step: 6 },
            Event::Completed { step: 6, best_epoch: 2 },
        ],
    );
    let files = [evaluated(store, Split::Val, 2).await, evaluated(store, Split::Test, 2).await];
    store.ingest(RUN, &rest, &files, 220).await.unwrap();
    assert!(store.set_job_state(RUN, RunState::Running, RunState::Completed).await.unwrap());
    let run = store.find_run(RUN).await.unwrap().unwrap();
    assert_eq!((run.state, run.best_epoch, run.failure), (RunState::Completed, Some(2), None));
    assert_eq!(run.curve, [(2, Some(0.5)), (5, Some(0.75))]);
    assert_eq!(run.summary["best/val/accuracy"], Some(0.75));
    assert_eq!(run.summary["test/accuracy"], Some(2.0 / 3.0));
    assert_eq!(
        store.list_points(RUN, "train/loss").await.unwrap()[2],
        (2, Some(1.5)),
        "the later one counts"
    );
    assert_eq!(store.list_batch_steps(RUN).await.unwrap(), [0, 3]);
    assert_eq!(store.list_batches(RUN).await.unwrap().len(), 2);
    assert_eq!(store.list_timed_runs("small-cnn", 32).await.unwrap().len(), 1);
    assert!(store.list_timed_runs("small-cnn", 64).await.unwrap().is_empty());
    assert_eq!(store.list_active_runs().await.unwrap().len(), 1, "the second waits");
}

pub(crate) async fn what_a_person_says_of_runs(store: &Store) {
    let dataset = pets(store).await;
    let none = RunId(99);
    let ids = |list: tintype::store::run_list::RunList| -> Vec<RunId> {
        assert!(list.unreadable.is_empty(), "{:?}", list.unreadable);
        list.runs.iter().map(|listed| listed.run.id).collect()
    };
    assert_eq!(ids(store.list_run_rows(RunSelection::All).await.unwrap()), [OTHER, RUN]);
    assert_eq!(ids(store.list_run_rows(RunSelection::OfDataset(dataset)).await.unwrap()), [OTHER, RUN]);
    assert_eq!(ids(store.list_run_rows(RunSelection::NewestOfDataset(dataset)).await.unwrap()), [OTHER]);
    assert_eq!(ids(store.list_run_rows(RunSelection::Active).await.unwrap()), [OTHER]);
    let list = store.list_run_rows(RunSelection::One(RUN)).await.unwrap();
    assert_eq!(
        list.runs[0]
            .evaluated
            .iter()
            .map(|split| (split.split, split.total, split.wrong))
            .collect::<Vec<_>>(),
        [(Split::Val, 3, 1), (Split::Test, 3, 1)]
    );
    assert_eq!(store.list_runs_of(dataset).await.unwrap().len(), 2);
    assert_eq!(store.list_run_ids_of(dataset).await.unwrap(), [RUN, OTHER]);
    assert_eq!(store.count_runs_of(dataset).await.unwrap(), 2);
    assert_eq!(store.find_run_neighbours(RUN).await.unwrap(), (None, Some(OTHER)));

    for (run, is_there) in [(RUN, true), (none, false)] {
        assert_eq!(store.set_run_name(run, "renamed").await.unwrap(), is_there);
        assert_eq!(store.set_run_note(run, "blurry").await.unwrap(), is_there);
        assert_eq!(store.set_run_starred(run, true).await.unwrap(), is_there);
        assert_eq!(store.set_run_archived(run, true).await.unwrap(), is_there);
        assert_eq!(store.set_run_tags(run, &["b".into(), "a".into()]).await.unwrap(), is_there);
    }
    let run = store.find_run(RUN).await.unwrap().unwrap();
    assert_eq!(
        (run.name.as_str(), run.note.as_str(), run.starred, run.archived),
        ("renamed", "blurry", true, true)
    );
    assert_eq!(
        (run.tags, store.list_run_tags().await.unwrap()),
        (vec!["a".to_owned(), "b".into()], vec!["a".to_owned(), "b".into()])
    );
    assert_eq!(store.list_run_rows(RunSelection::One(OTHER)).await.unwrap().runs[0].cloned_from, Some(RUN));
    let names = store.list_names().await.unwrap();
    assert_eq!(names.runs.get(&RUN.0).map(String::as_str), Some("renamed"));
    assert!(names.datasets.values().any(|name| name == "pets"), "{names:?}");
    for words in ["renamed", "pets", "1", "#1", "b"] {
        assert!(store.search_runs(words, 9).await.unwrap().iter().any(|found| found.id == RUN), "{words}");
    }
    assert!(store.search_runs("100%", 9).await.unwrap().is_empty());

    let mark = store.list_run_marks().await.unwrap().remove(0);
    assert_eq!((mark.id, mark.journal_offset, mark.evaluations, mark.captured), (RUN, 220, 3, Some(3)));
    assert_eq!(store.list_journal_offsets().await.unwrap(), [(RUN, 220), (OTHER, 120)]);
    assert!(!store.set_run_epochs(OTHER, &spec(&json!({"epochs": 9}))).await.unwrap(), "it is not completed");
    assert!(store.set_run_epochs(RUN, &spec(&json!({"epochs": 9}))).await.unwrap());
    let run = store.find_run(RUN).await.unwrap().unwrap();
    assert_eq!((run.state, run.spec.epochs), (RunState::Queued, 9));
    assert!(store.list_run_marks().await.unwrap()[0] != mark, "its pages have news");
    assert!(
        store.list_dataset_marks().await.unwrap().iter().any(|mark| mark.id == dataset && !mark.is_importing)
    );
    let of_events = RunId(9);
    let origin = EventOrigin { source: "/events".into(), scalars: 3, ..EventOrigin::default() };
    store.insert_event_run(of_events, "theirs", &spec(&json!({})), &origin).await.unwrap();
    let run = store.find_run(of_events).await.unwrap().unwrap();
    assert_eq!((run.state, run.event_origin), (RunState::Running, Some(origin)));
    assert!(!store.list_journal_offsets().await.unwrap().iter().any(|(run, _)| *run == of_events));
    let listed = store.list_run_rows(RunSelection::One(of_events)).await.unwrap().runs.remove(0);
    assert_eq!(listed.dataset, "no data set");
    assert!(store.find_dataset(listed.run.dataset_id).await.unwrap().is_none());
    assert!(store.set_job_state(of_events, RunState::Running, RunState::Completed).await.unwrap());
    assert!(store.delete_run(of_events).await.unwrap());
    let samples = [SampleId(store.list_samples(dataset).await.unwrap()[2].id.0)];
    assert_eq!(store.count_predicted(RUN, Split::Val, &samples).await.unwrap(), 1);
}
