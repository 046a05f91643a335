//! The queue: at most so many runs at a time, the rest wait in order; and the task that goes with each running one.

use super::Runs;
use super::directory::{RunDirectory, read_end};
use super::follower::{Follower, last_event};
use super::outcome::{ExitEvidence, decide};
use super::process::{self, Trainer};
use crate::domain::ids::RunId;
use crate::domain::run::RunState;
use crate::store::runs::Run;
use protocol::event::Failure;
use std::collections::hash_map::Entry;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Which precision is taken on this machine where a run leaves it open; in the data directory, written by trainers.
const DECISIONS: &str = "machine/precision.json";
/// How often a journal is looked at: ten times a second is as fast as a page should change.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);
/// How long a trainer may take to write its checkpoint before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(120);
/// How much of its standard error a page shows.
const STDERR_TAIL_BYTES: u64 = 4096;

/// Looks after the queue for as long as the server lives.
pub(super) async fn work(runs: Runs) {
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
        if runs.supervise(run.id) {
            tokio::spawn(supervise(runs.clone(), run, Trainer::Adopted));
        }
    }
    for run in queued.into_iter().take(free) {
        start(runs, run).await?;
    }
    Ok(())
}

async fn start(runs: &Runs, run: Run) -> sqlx::Result<()> {
    let directory = runs.directory(run.id);
    // Said before it is done: if this server dies in between, the next one finds a running run without a trainer.
    if !runs.inner.store.set_run_state(run.id, RunState::Queued, RunState::Running).await? {
        return Ok(());
    }
    runs.supervise(run.id);
    let id = run.id;
    // Looked up each time: one that is built meanwhile is found.
    let decisions = runs.inner.data.join(DECISIONS);
    match process::find_trainer().and_then(|program| Trainer::start(&program, &directory, Some(&decisions))) {
        Ok(trainer) => {
            tracing::info!(run.id = %id, "run started");
            tokio::spawn(supervise(runs.clone(), run, trainer));
        }
        Err(error) => {
            let failure = Failure {
                reason: format!("The trainer could not be started: {error:#}."),
                advice: Some("Correct that, then resume the run.".into()),
                step: None,
                layer: None,
            };
            runs.inner.store.set_run_failure(id, &failure).await?;
            runs.inner.store.set_run_state(id, RunState::Running, RunState::Failed).await?;
            runs.release(id);
            // Its place is free for the next in the queue.
            runs.inner.wake.notify_one();
        }
    }
    runs.ring(id);
    Ok(())
}

/// Stays with a run until its trainer is gone and its outcome is in the store.
async fn supervise(runs: Runs, run: Run, mut trainer: Trainer) {
    let directory = runs.directory(run.id);
    let offset = u64::try_from(run.journal_offset).unwrap_or(0);
    let mut follower = Follower::new(runs.inner.store.clone(), run.id, directory.clone(), offset);
    let mut asked: Option<Instant> = None;
    let mut killed = false;
    let mut complained = false;
    loop {
        match supervise_once(&runs, &mut follower, &mut trainer, run.id, &directory, &mut asked, &mut killed)
            .await
        {
            Ok(true) => break,
            Ok(false) => complained = false,
            // A full disk or a locked file may pass; nothing is lost, since the offset has not moved.
            Err(error) if !complained => {
                tracing::error!(run.id = %run.id, error = format!("{error:#}"), "following the run failed; trying on");
                complained = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
    runs.ring(run.id);
    runs.release(run.id);
    runs.inner.wake.notify_one();
}

/// One turn; true when the run has ended.
async fn supervise_once(
    runs: &Runs,
    follower: &mut Follower,
    trainer: &mut Trainer,
    id: RunId,
    directory: &RunDirectory,
    asked: &mut Option<Instant>,
    killed: &mut bool,
) -> anyhow::Result<bool> {
    // Asked before the journal is read: what a trainer wrote before it ended is then read in this turn.
    let ended = trainer.ended(directory)?;
    while follower.follow_once().await? {
        runs.ring(id);
    }
    let Some(run) = runs.inner.store.find_run(id).await? else { return Ok(true) };
    if let Some(exit) = ended {
        let (journal, stderr) = (directory.journal(), directory.stderr());
        let read = tokio::task::spawn_blocking(move || {
            let printed = read_end(&stderr, STDERR_TAIL_BYTES).unwrap_or_default();
            std::io::Result::Ok((last_event(&journal)?, printed.0))
        });
        let (last, stderr) = read.await??;
        let steps = run.started.as_ref().map(|started| started.steps_per_epoch * u64::from(run.spec.epochs));
        let evidence =
            ExitEvidence { last: last.as_ref(), steps, request: run.stop_request, exit, stderr: &stderr };
        let (state, failure) = decide(&evidence);
        if let Some(failure) = &failure {
            runs.inner.store.set_run_failure(id, failure).await?;
        }
        runs.inner.store.set_run_state(id, RunState::Running, state).await?;
        tracing::info!(run.id = %id, state = state.as_str(), "run ended");
        return Ok(true);
    }
    if let (Some(_), Some(pid)) = (run.stop_request, trainer.pid(run.hello.map(|hello| hello.pid))) {
        match *asked {
            None => {
                process::ask_to_stop(pid);
                *asked = Some(Instant::now());
            }
            Some(since) if since.elapsed() > STOP_PATIENCE && !*killed => {
                process::kill(pid);
                *killed = true;
            }
            Some(_) => {}
        }
    }
    Ok(false)
}

impl Runs {
    /// Marks that a run has a task; false where it has one already.
    fn supervise(&self, id: RunId) -> bool {
        self.inner.supervised.lock().unwrap_or_else(PoisonError::into_inner).insert(id)
    }

    /// The run has no task any more, and its doorbell is let go where nobody listens.
    fn release(&self, id: RunId) {
        self.inner.supervised.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        let mut doorbells = self.inner.doorbells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(entry) = doorbells.entry(id)
            && entry.get().receiver_count() == 0
        {
            entry.remove();
        }
    }
}
