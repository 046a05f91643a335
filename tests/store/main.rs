//! Every statement of SQL in `src/store` is executed on a real database, with what it gives asserted. The statements are found
//! in the source and compared with those that sqlx reports as executed: one that no test runs fails the test and is named.
#![allow(clippy::disallowed_methods, reason = "a test may wait for the disk")]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod compare;
mod datasets;
mod dials;
mod edits;
mod findings;
mod galleries;
mod jobs;
mod literals;
mod migrations;
mod predictions;
mod runs;
mod setup;
mod sweeps;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Every statement that sqlx has executed.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeSet<String>>>);

struct Texts(Vec<String>);

impl Visit for Texts {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0.push(literals::normalized(value));
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            let mut texts = Texts(Vec::new());
            event.record(&mut texts);
            self.0.lock().unwrap().extend(texts.0);
        }
    }
}

#[tokio::test]
async fn every_statement_is_executed_and_gives_what_it_should() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(recorder.clone())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = tintype::store::Store::open(&folder.path().join("tintype.db")).await.unwrap();

    datasets::imports_and_their_facts(&store).await;
    datasets::pipelines_and_keys(&store).await;
    galleries::every_filter_and_order(&store).await;
    galleries::measures_and_reports(&store).await;
    runs::a_run_from_the_queue_to_its_end(&store).await;
    jobs::a_further_job_from_the_queue_to_its_end(&store).await;
    sweeps::a_sweep_from_the_queue_to_its_end(&store).await;
    predictions::every_question_of_a_gallery(&store).await;
    findings::what_was_found_in_a_run(&store).await;
    edits::every_edit_and_its_way_back(&store).await;
    runs::what_a_person_says_of_runs(&store).await;
    datasets::what_is_removed_is_gone(&store).await;
    store.close().await;
    compare::two_runs_on_the_same_images().await;

    let executed = recorder.0.lock().unwrap();
    assert!(executed.len() > 100, "sqlx reports what it executes: {executed:?}");
    let statements = literals::statements();
    assert!(statements.len() > 150, "the source was read: {} statements", statements.len());
    let missing: Vec<String> = statements
        .iter()
        .filter(|(_, sql)| !executed.iter().any(|done| literals::is_in(sql, done)))
        .map(|(place, sql)| format!("{place}: {sql}"))
        .collect();
    assert!(missing.is_empty(), "no test executes these:\n{}", missing.join("\n"));
}
