//! The queue: training and short work have slots of their own, so that a look at an image does not wait for a night's training;
//! the rest waits in order.

use super::Runs;
use super::process::{SharedFiles, Trainer, find_trainer};
use super::supervise::{Seat, supervise};
use crate::domain::run::RunState;
use crate::store::jobs::Work;
use crate::watch::panic_if_asked;
use protocol::event::Failure;
use std::time::Duration;

/// How many jobs that train nothing work at a time.
const MAX_CONCURRENT_SHORT: usize = 1;

/// Looks after the queue for as long as the server lives.
pub(super) async fn work(runs: Runs) {
    panic_if_asked("queue");
    if let Err(error) = runs.sweep().await {
        tracing::warn!(error = format!("{error:#}"), "a deleted run's folder is still there");
    }
    loop {
        if let Err(error) = runs.advance_sweeps().await {
            tracing::error!(
                error = format!("{error:#}"),
                "a sweep could not be taken further; trying again when a run ends"
            );
        }
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
    let active = runs.inner.store.list_active_work().await?;
    let (running, queued): (Vec<Work>, Vec<Work>) =
        active.into_iter().partition(|job| job.state == RunState::Running);
    let working = |trains: bool| running.iter().filter(|job| job.trains == trains).count();
    let mut free_training = runs.inner.max_concurrent.saturating_sub(working(true));
    let mut free_short = MAX_CONCURRENT_SHORT.saturating_sub(working(false));
    for job in running {
        if let Some(seat) = Seat::take(runs, job.id) {
            tokio::spawn(supervise(seat, job, Trainer::Adopted));
        }
    }
    for job in queued {
        let free = if job.trains { &mut free_training } else { &mut free_short };
        if *free > 0 {
            *free -= 1;
            start(runs, job).await?;
        }
    }
    Ok(())
}

async fn start(runs: &Runs, job: Work) -> sqlx::Result<()> {
    let id = job.id;
    // Said before it is done: if this server dies in between, the next one finds a running job without a trainer.
    if !runs.inner.store.set_job_state(id, RunState::Queued, RunState::Running).await? {
        return Ok(());
    }
    // One that was paused and resumed in a moment may still be looked after, and is found running then.
    let Some(seat) = Seat::take(runs, id) else { return Ok(()) };
    let directory = runs.directory(id);
    // Looked up each time: one that is built meanwhile is found.
    let files = SharedFiles::of(&runs.inner.data);
    let started = tokio::task::spawn_blocking(move || Trainer::start(&find_trainer()?, &directory, &files));
    match started.await.unwrap_or_else(|panic| Err(panic.into())) {
        Ok(trainer) => {
            tracing::info!(job.id = %id, "job started");
            tokio::spawn(supervise(seat, job, trainer));
        }
        Err(error) => {
            let again = if id.is_own() { "resume the run" } else { "try it again" };
            let failure = Failure {
                reason: format!("The trainer could not be started: {error:#}."),
                advice: Some(format!("Correct that, then {again}.")),
                ..Failure::default()
            };
            // Where this can't be written, the job is taken up again as one without a trainer: its seat is free then.
            runs.inner.store.set_job_failure(id, &failure).await?;
            runs.inner.store.set_job_state(id, RunState::Running, RunState::Failed).await?;
        }
    }
    runs.ring(id);
    Ok(())
}
