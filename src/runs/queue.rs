//! The queue: at most so many runs at a time, the rest wait in order.

use super::Runs;
use super::process::{SharedFiles, Trainer, find_trainer};
use super::supervise::{Seat, supervise};
use crate::domain::run::RunState;
use crate::store::runs::Run;
use crate::watch::panic_if_asked;
use protocol::event::Failure;
use std::time::Duration;

/// Looks after the queue for as long as the server lives.
pub(super) async fn work(runs: Runs) {
    panic_if_asked("queue");
    if let Err(error) = runs.sweep().await {
        tracing::warn!(error = format!("{error:#}"), "a deleted run's folder is still there");
    }
    loop {
        if let Err(error) = schedule_once(&runs).await {
            tracing::error!(%error, "the queue could not be read; trying again in a second");
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        }
        runs.inner.wake.notified().await;
    }
}

/// One look at the queue: adopts what runs without a task, starts what may start.
async fn schedule_once(runs: &Runs) -> sqlx::Result<()> {
    let active = runs.inner.store.list_active_runs().await?;
    let (running, queued): (Vec<Run>, Vec<Run>) =
        active.into_iter().partition(|run| run.state == RunState::Running);
    let free = runs.inner.max_concurrent.saturating_sub(running.len());
    for run in running {
        if let Some(seat) = Seat::take(runs, run.id) {
            tokio::spawn(supervise(seat, run, Trainer::Adopted));
        }
    }
    for run in queued.into_iter().take(free) {
        start(runs, run).await?;
    }
    Ok(())
}

async fn start(runs: &Runs, run: Run) -> sqlx::Result<()> {
    // Said before it is done: if this server dies in between, the next one finds a running run without a trainer.
    if !runs.inner.store.set_run_state(run.id, RunState::Queued, RunState::Running).await? {
        return Ok(());
    }
    // One that was paused and resumed in a moment may still be looked after, and is found running then.
    let Some(seat) = Seat::take(runs, run.id) else { return Ok(()) };
    let id = run.id;
    let directory = runs.directory(id);
    // Looked up each time: one that is built meanwhile is found.
    let files = SharedFiles::of(&runs.inner.data);
    let started =
        tokio::task::spawn_blocking(move || Trainer::start(&find_trainer()?, &directory, Some(&files)));
    match started.await.unwrap_or_else(|panic| Err(panic.into())) {
        Ok(trainer) => {
            tracing::info!(run.id = %id, "run started");
            tokio::spawn(supervise(seat, run, trainer));
        }
        Err(error) => {
            let failure = Failure {
                reason: format!("The trainer could not be started: {error:#}."),
                advice: Some("Correct that, then resume the run.".into()),
                step: None,
                layer: None,
            };
            // Where this can't be written, the run is taken up again as one without a trainer: its seat is free then.
            runs.inner.store.set_run_failure(id, &failure).await?;
            runs.inner.store.set_run_state(id, RunState::Running, RunState::Failed).await?;
        }
    }
    runs.ring(id);
    Ok(())
}
