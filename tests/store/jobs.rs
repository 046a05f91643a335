//! Further jobs of a run: from the queue to their end, and what they leave in the run.

use crate::runs::{OTHER, RUN, evaluated, hello, lines};
use protocol::event::{Event, Failure, Stage};
use protocol::sample::Split;
use protocol::spec::Task;
use tintype::domain::ids::{JobId, RunId};
use tintype::domain::run::{RunState, StopRequest};
use tintype::store::Store;
use tintype::store::jobs::{AskedBy, Job};

async fn find(store: &Store, id: JobId) -> Job {
    store.find_job(id).await.unwrap().expect("the job is there")
}

pub(crate) async fn a_further_job_from_the_queue_to_its_end(store: &Store) {
    let mut numbers = Vec::new();
    for _ in 0..2 {
        numbers.push(store.take_job_number(RUN).await.unwrap().unwrap());
    }
    assert_eq!((numbers, store.take_job_number(RunId(99)).await.unwrap()), (vec![1, 2], None));
    let [evaluate, predict] = [1, 2].map(|number| JobId { run: RUN, number });
    let task = Task::Evaluate { splits: vec![Split::Test] };
    store.insert_job(evaluate, &task, 3, AskedBy::Page).await.unwrap();
    store.insert_job(predict, &Task::Predict, 2, AskedBy::Api).await.unwrap();
    let jobs = store.list_jobs(RUN).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [predict, evaluate], "newest first");
    assert_eq!((jobs[1].task.clone(), jobs[1].asked_by, jobs[1].images), (task, AskedBy::Page, 3));
    let marks = store.list_job_marks().await.unwrap();
    let [(run, before)] = &marks[..] else { panic!("one run has jobs") };
    assert_eq!(*run, RUN);
    // Those of the queue come behind the run that waits there.
    let active: Vec<(JobId, bool)> =
        store.list_active_work().await.unwrap().into_iter().map(|work| (work.id, work.trains)).collect();
    assert_eq!(active, [(OTHER.into(), true), (evaluate, false), (predict, false)]);
    assert!(store.find_work(RUN.into()).await.unwrap().unwrap().trains);

    assert!(store.set_job_state(evaluate, RunState::Queued, RunState::Running).await.unwrap());
    let running = store.list_running_jobs().await.unwrap();
    assert_eq!(
        running.iter().map(|(job, run)| (job.id, run.as_str())).collect::<Vec<_>>(),
        [(evaluate, "first")]
    );
    assert!(store.set_job_stop_request(evaluate, StopRequest::Pause).await.unwrap());
    assert!(!store.delete_job(evaluate).await.unwrap(), "it works");
    assert!(!store.delete_run(RUN).await.unwrap(), "its weights are in use");
    let failure = Failure { reason: "It broke.".into(), ..Failure::default() };
    let first = [
        hello(),
        Event::Note { text: "A word.".into() },
        Event::Progress { stage: Stage::Evaluate, done: 1, total: 3 },
        Event::Failed(failure.clone()),
    ];
    store.ingest(evaluate, &lines(0, first.to_vec()), &[], 40).await.unwrap();
    assert!(store.list_job_marks().await.unwrap()[0].1 != *before, "its pages have news");
    let job = find(store, evaluate).await;
    assert_eq!(job.stage.map(|stage| (stage.done, stage.total)), Some((1, 3)));
    assert_eq!((job.journal_offset, job.failure.as_ref()), (40, Some(&failure)));
    let found = vec![(0.1, Some(0.5)), (0.2, None)];
    let search = Event::LearningRates { points: found.clone() };
    store.ingest(evaluate, &lines(40, vec![search]), &[], 41).await.unwrap();
    assert_eq!(find(store, evaluate).await.learning_rates, Some(found));
    assert_eq!(store.list_notes(evaluate).await.unwrap().len(), 1);
    assert_eq!(store.list_notes(RUN).await.unwrap().len(), 2, "the run's own are its own");

    let split = Split::Test;
    let path = "predictions/test.safetensors".to_owned();
    let rest = vec![
        Event::Predictions { split, epoch: 0, path, best: true },
        Event::Completed { step: 0, best_epoch: 0 },
    ];
    // The trainer calls its weights those that it started with; they are those of the run's best epoch.
    store.ingest(evaluate, &lines(40, rest), &[evaluated(store, split, 0).await], 60).await.unwrap();
    assert!(store.set_job_state(evaluate, RunState::Running, RunState::Completed).await.unwrap());
    let files = store.list_prediction_files(RUN, split).await.unwrap();
    assert_eq!((files[0].path.as_str(), files[0].epoch), ("jobs/1/predictions/test.safetensors", 2));
    let [done] = store.list_evaluations_of(evaluate).await.unwrap()[..] else { panic!("one split") };
    assert_eq!((done.split, done.epoch, done.total, done.wrong), (split, 2, 3, 1));
    assert!(store.list_evaluations_of(predict).await.unwrap().is_empty());
    assert!(store.has_predictions_in(evaluate).await.unwrap());
    assert!(!store.has_predictions_in(predict).await.unwrap());
    let run = store.find_run(RUN).await.unwrap().unwrap();
    assert_eq!((run.journal_offset, run.best_epoch), (220, Some(2)), "the run's own journal did not move");

    assert!(store.set_job_state(predict, RunState::Queued, RunState::Running).await.unwrap());
    let said = vec![hello(), Event::Predicted { path: "predictions/images.safetensors".into() }];
    store.ingest(predict, &lines(0, said), &[], 20).await.unwrap();
    store.set_job_failure(predict, &failure).await.unwrap();
    assert!(store.set_job_state(predict, RunState::Running, RunState::Failed).await.unwrap());
    let job = find(store, predict).await;
    assert_eq!(job.predictions.as_deref(), Some("predictions/images.safetensors"));
    assert_eq!((job.state, job.failure), (RunState::Failed, Some(failure)));

    for id in [evaluate, predict] {
        assert!(store.delete_job(id).await.unwrap());
        assert!(store.find_job(id).await.unwrap().is_none() && !store.delete_job(id).await.unwrap());
    }
    assert!(store.list_notes(evaluate).await.unwrap().is_empty());
    assert_eq!(store.take_job_number(RUN).await.unwrap(), Some(3), "no number is given twice");
}
