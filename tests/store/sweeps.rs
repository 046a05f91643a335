//! Sweeps: from the queue to their end.

use crate::setup::{import, spec};
use serde_json::{Value, json};
use tintype::domain::ids::{RunId, SweepId};
use tintype::domain::recipe::Values;
use tintype::domain::run::RunState;
use tintype::store::Store;
use tintype::store::runs::NewRun;
use tintype::store::sweeps::NewTrial;

fn values(value: &Value) -> Values {
    value.as_object().unwrap().clone()
}

pub(crate) async fn a_sweep_from_the_queue_to_its_end(store: &Store) {
    let dataset = import(store, "swept").await;
    let spec = spec(&json!({"epochs": 9, "pause_after_epoch": 1}));
    let settings = [0.1, 0.2].map(|rate| values(&json!({"learning_rate": rate})));
    let run =
        NewRun { dataset, name: "trial", spec: &spec, held_out: None, dataset_version: 1, origin: None };
    let trials: Vec<NewTrial> =
        (901..).map(RunId).zip(&settings).map(|(id, settings)| NewTrial { id, run, settings }).collect();
    let plan = serde_json::from_value(json!({"method": "halving", "fields": {"learning_rate": [0.1, 0.2]}}))
        .unwrap();
    let base = values(&json!({"epochs": 9}));
    let id = store.insert_sweep(dataset, "rates", &plan, &base, &trials).await.unwrap();
    let sweep = store.find_sweep(id).await.unwrap().unwrap();
    assert_eq!((sweep.name.as_str(), sweep.runs, sweep.active, sweep.begun), ("rates", 2, 2, 2));
    assert_eq!((sweep.plan, sweep.base), (plan, base));
    assert!(store.find_sweep(SweepId(99)).await.unwrap().is_none());
    let listed = store.list_trials(id).await.unwrap();
    assert_eq!(
        listed.iter().map(|trial| (trial.run.0, trial.number)).collect::<Vec<_>>(),
        [(901, 1), (902, 2)]
    );
    assert_eq!(listed[1].settings, settings[1]);
    assert_eq!(store.find_sweep_of(RunId(902)).await.unwrap(), Some(id));
    assert!(!store.delete_sweep(id).await.unwrap(), "its runs wait");

    assert!(store.list_resting_sweeps().await.unwrap().is_empty());
    for run in [901, 902].map(RunId) {
        assert!(store.set_job_state(run, RunState::Queued, RunState::Paused).await.unwrap());
    }
    assert_eq!(store.list_resting_sweeps().await.unwrap(), [id]);
    let mut on = spec.clone();
    on.pause_after_epoch = Some(3);
    store.advance_sweep(&[(RunId(902), on)], &[RunId(901)]).await.unwrap();
    let runs = store.list_trial_runs(id).await.unwrap();
    let states: Vec<_> =
        runs.iter().map(|(number, run)| (*number, run.state, run.spec.pause_after_epoch)).collect();
    assert_eq!(states, [(1, RunState::Cancelled, Some(1)), (2, RunState::Queued, Some(3))]);
    assert!(store.set_job_state(RunId(902), RunState::Queued, RunState::Cancelled).await.unwrap());

    // A run that is deleted is one less of the sweep; a sweep that is forgotten leaves its runs.
    assert!(store.delete_run(RunId(901)).await.unwrap());
    let sweep = &store.list_sweeps().await.unwrap()[0];
    assert_eq!((sweep.runs, sweep.active, sweep.begun), (1, 0, 2));
    assert!(store.delete_sweep(id).await.unwrap());
    assert_eq!(
        (store.find_sweep_of(RunId(902)).await.unwrap(), store.list_sweeps().await.unwrap().len()),
        (None, 0)
    );
    assert!(store.delete_run(RunId(902)).await.unwrap());
}
