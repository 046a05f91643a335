//! The task that goes with each running job – a run's own or a further one –, until its trainer is gone and its outcome is in the store.
//!
//! What goes wrong in it – a full disk, a locked file, even a panic – is told on the run's page and tried again, less and less
//! often: nothing is lost, since the journal's offset has not moved. The trainer works on meanwhile.

use super::directory::{RunDirectory, read_end};
use super::findings::Schedule;
use super::follower::{Follower, last_event};
use super::outcome::{self, ExitEvidence, decide};
use super::process::{self, Trainer};
use super::{Runs, Trouble};
use crate::domain::ids::JobId;
use crate::domain::run::RunState;
use crate::store::jobs::Work;
use crate::store::now_ms;
use crate::watch::{caught, panic_if_asked};
use protocol::PROTOCOL;
use protocol::event::Failure;
use std::collections::hash_map::Entry;
use std::process::ExitStatus;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How often a journal is looked at: ten times a second is as fast as a page should change.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);
/// How often at least it is tried again where that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long it is tried again after the trainer has ended, before the job is said to have failed.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// How long a trainer may take to write its checkpoint before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(120);
/// How much of its standard error a page shows.
const STDERR_TAIL_BYTES: u64 = 4096;

/// Stays with a job until it has ended. The seat is let go of whatever becomes of this task.
pub(super) async fn supervise(seat: Seat, job: Work, trainer: Trainer) {
    let runs = &seat.runs;
    let mut work = Supervision::new(runs, &job, trainer);
    let mut pause = FOLLOW_EVERY;
    let mut ended_since = None;
    let label = format!("What follows {}", job.id);
    let mut has_panicked = false;
    loop {
        let why = match caught(work.turn()).await {
            Ok(Ok(has_ended)) => {
                runs.set_trouble(job.id, None);
                if std::mem::take(&mut has_panicked) {
                    runs.inner.watch.set_restarted(&label);
                }
                if has_ended {
                    break;
                }
                (pause, ended_since) = (FOLLOW_EVERY, None);
                tokio::time::sleep(pause).await;
                continue;
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(panic) => {
                let why = format!("it panicked: {panic}");
                runs.inner.watch.report(&label, &why);
                has_panicked = true;
                why
            }
        };
        let is_new = runs.set_trouble(job.id, Some(&why));
        if is_new {
            tracing::error!(job.id = %job.id, error = why, "following a journal failed; trying on");
        }
        if work.has_ended {
            let since = *ended_since.get_or_insert_with(Instant::now);
            if since.elapsed() > GIVE_UP_AFTER && work.give_up(&why).await {
                runs.inner.watch.set_given_up(&label);
                break;
            }
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Marks that a job has a task, for as long as this lives: a job is never believed to be looked after when it is not.
pub(super) struct Seat {
    runs: Runs,
    id: JobId,
}

impl Seat {
    /// `None` where the job has a task already.
    pub(super) fn take(runs: &Runs, id: JobId) -> Option<Seat> {
        let is_free = runs.inner.supervised.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        is_free.then(|| Seat { runs: runs.clone(), id })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.runs.set_trouble(self.id, None);
        self.runs.ring(self.id);
        self.runs.inner.supervised.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.runs.let_doorbell_go(self.id);
        self.runs.inner.wake.notify_one();
    }
}

struct Supervision {
    runs: Runs,
    id: JobId,
    directory: RunDirectory,
    follower: Follower,
    findings: Schedule,
    trainer: Trainer,
    /// Whether a network is to learn.
    trains: bool,
    /// Whether the trainer is gone.
    has_ended: bool,
    /// Since when it knows that it is to stop.
    asked: Option<Instant>,
    is_killed: bool,
}

impl Supervision {
    fn new(runs: &Runs, job: &Work, trainer: Trainer) -> Supervision {
        let directory = runs.directory(job.id);
        let offset = u64::try_from(job.journal_offset).unwrap_or(0);
        let mut follower = Follower::new(runs.inner.store.clone(), job.id, directory.clone(), offset);
        match (&trainer, &job.hello) {
            // One that an earlier server started has said hello to that.
            (Trainer::Adopted, Some(hello)) => follower.meet(hello.protocol, Some(hello.pid)),
            (Trainer::Adopted, None) => {}
            (Trainer::Child(child), _) => follower.expect(child.id()),
        }
        Supervision {
            runs: runs.clone(),
            id: job.id,
            directory,
            follower,
            findings: Schedule::new(),
            trainer,
            trains: job.trains,
            has_ended: false,
            asked: None,
            is_killed: false,
        }
    }

    /// One turn; true when the job has ended.
    async fn turn(&mut self) -> anyhow::Result<bool> {
        panic_if_asked("run");
        // Asked before the journal is read: what a trainer wrote before it ended is then read in this turn.
        let ended = self.ended().await?;
        self.has_ended = ended.is_some();
        let Some(job) = self.runs.inner.store.find_work(self.id).await? else { return Ok(true) };
        if !self.has_ended {
            // Before the journal too: a job that can't be followed can still be stopped.
            self.pass_on_stop(&job);
        }
        while self.follower.follow_once().await? {
            self.findings.tell();
            self.runs.ring(self.id);
        }
        if self.id.is_own() && !self.has_ended {
            self.findings.make_if_due(&self.runs, self.id.run).await;
        }
        if let Some((protocol, pid)) = self.follower.foreign() {
            return self.refuse(protocol, pid, job.trains).await;
        }
        let Some(exit) = ended else { return Ok(false) };
        // Once more, for the last of the journal may have said how far it came.
        let Some(job) = self.runs.inner.store.find_work(self.id).await? else { return Ok(true) };
        self.finish(&job, exit).await.map(|()| true)
    }

    /// Whether the trainer has ended; with how, where that can be known.
    async fn ended(&mut self) -> anyhow::Result<Option<Option<ExitStatus>>> {
        match &mut self.trainer {
            Trainer::Child(child) => Ok(child.try_wait()?.map(Some)),
            Trainer::Adopted => {
                let directory = self.directory.clone();
                let is_alive = tokio::task::spawn_blocking(move || process::is_alive(&directory)).await??;
                Ok((!is_alive).then_some(None))
            }
        }
    }

    async fn finish(&self, job: &Work, exit: Option<ExitStatus>) -> anyhow::Result<()> {
        let (journal, stderr) = (self.directory.journal(), self.directory.stderr());
        let read = tokio::task::spawn_blocking(move || {
            let printed = read_end(&stderr, STDERR_TAIL_BYTES).unwrap_or_default();
            std::io::Result::Ok((last_event(&journal)?, printed.0))
        });
        let (last, stderr) = read.await??;
        let evidence = ExitEvidence {
            trains: job.trains,
            last: last.as_ref(),
            steps: job.steps,
            pause_after_steps: job.pause_after_steps,
            request: job.stop_request,
            exit,
            stderr: &stderr,
        };
        let (state, failure) = decide(&evidence);
        self.write_end(state, failure.as_ref()).await
    }

    async fn write_end(&self, state: RunState, failure: Option<&Failure>) -> anyhow::Result<()> {
        let store = &self.runs.inner.store;
        if let Some(failure) = failure {
            store.set_job_failure(self.id, failure).await?;
        }
        store.set_job_state(self.id, RunState::Running, state).await?;
        tracing::info!(job.id = %self.id, state = state.as_str(), "job ended");
        // How it ended is told also where they can't be made; whoever asks for them has them made then.
        if let Err(error) = self.runs.make_findings(self.id.run).await {
            tracing::warn!(run.id = %self.id.run, error = format!("{error:#}"), "findings could not be made");
        }
        Ok(())
    }

    /// A trainer of another protocol is ended, and nothing of what it says is believed.
    async fn refuse(&mut self, protocol: u32, pid: Option<u32>, trains: bool) -> anyhow::Result<bool> {
        if !self.has_ended {
            if let (false, Some(pid)) = (self.is_killed, self.trainer.pid(pid)) {
                process::kill(pid);
                self.is_killed = true;
            }
            return Ok(false);
        }
        self.follower.skip_rest().await?;
        let failure = outcome::foreign_protocol(protocol, PROTOCOL, trains);
        self.write_end(RunState::Failed, Some(&failure)).await?;
        Ok(true)
    }

    /// A person's wish, as a signal.
    fn pass_on_stop(&mut self, job: &Work) {
        let said = job.hello.as_ref().map(|hello| hello.pid);
        let (Some(_), Some(pid)) = (job.stop_request, self.trainer.pid(said)) else { return };
        match self.asked {
            None => {
                process::ask_to_stop(pid);
                self.asked = Some(Instant::now());
            }
            Some(since) if since.elapsed() > STOP_PATIENCE && !self.is_killed => {
                process::kill(pid);
                self.is_killed = true;
            }
            Some(_) => {}
        }
    }

    /// The trainer is gone, and what it wrote can't be taken in: a job that nobody works at must not be called running. False where
    /// not even that can be written.
    async fn give_up(&self, why: &str) -> bool {
        let failure = outcome::unreadable_journal(why, self.trains);
        match self.write_end(RunState::Failed, Some(&failure)).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(job.id = %self.id, error = format!("{error:#}"), "a job's end could not be written");
                false
            }
        }
    }
}

impl Runs {
    /// Lets a job's doorbell go where nobody listens.
    fn let_doorbell_go(&self, id: JobId) {
        let mut doorbells = self.inner.doorbells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(entry) = doorbells.entry(id)
            && entry.get().receiver_count() == 0
        {
            entry.remove();
        }
    }

    /// Notes what keeps a job from being followed, or that nothing does; true where it is another trouble than before.
    fn set_trouble(&self, id: JobId, why: Option<&str>) -> bool {
        let mut troubles = self.troubles();
        match (why, troubles.get_mut(&id)) {
            (None, None) => false,
            (None, Some(_)) => troubles.remove(&id).is_some(),
            (Some(why), Some(trouble)) => {
                let is_new = trouble.why != why;
                trouble.why = why.to_owned();
                is_new
            }
            (Some(why), None) => {
                troubles.insert(id, Trouble { since_ms: now_ms(), why: why.to_owned() });
                true
            }
        }
    }
}
