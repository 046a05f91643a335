//! Runs and their further jobs as work: the queue, the trainer's process, the journal's follower, recovery. The only room that spawns.
//!
//! ```text
//! Runs (a handle, cheap to clone)
//!  └─ queue task: starts what may start, adopts what already runs
//!      └─ one task a running job: follows its journal into the store, rings its doorbell,
//!         passes on wishes as signals, and decides the outcome when the trainer is gone (`supervise.rs`)
//! ```
//! Must not know HTTP.

mod adopt;
pub mod batch_file;
pub mod clock;
pub mod directory;
mod findings;
pub mod follower;
pub mod further;
mod margins;
pub mod outcome;
pub mod predictions_file;
pub mod process;
mod queue;
mod samples;
mod supervise;
pub mod sweeps;

use crate::domain::ids::{JobId, RunId};
use crate::domain::recipe::Recipe;
use crate::domain::run::{RunState, StopRequest};
use crate::store::Store;
use crate::store::datasets::Dataset;
use crate::store::runs::{NewRun, Run};
use crate::watch::Watch;
use directory::RunDirectory;
use protocol::spec::RunSpec;
pub use samples::{ImagesChanged, RunSamples};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// The room's handle.
#[derive(Clone)]
pub struct Runs {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    /// The data directory; runs live in `runs/<id>`.
    data: PathBuf,
    /// How many runs may run at a time.
    max_concurrent: usize,
    /// Held while a run is given its number.
    numbering: tokio::sync::Mutex<()>,
    /// Rung when the queue should look again.
    wake: Notify,
    doorbells: Mutex<HashMap<JobId, watch::Sender<u64>>>,
    /// Jobs that have a task.
    supervised: Mutex<HashSet<JobId>>,
    /// Jobs that can't be followed at the moment.
    troubles: Mutex<HashMap<JobId, Trouble>>,
    watch: Watch,
}

/// Why a job can't be followed at the moment. Its trainer works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Since when, in milliseconds since 1970-01-01 UTC.
    pub since_ms: i64,
    /// What the latest attempt met.
    pub why: String,
}

/// Why a run could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is none of this number.
    #[error("there is no {0}")]
    NotFound(JobId),
    /// Its state forbids it.
    #[error("a {} that is {} can't be {verb}", if .id.is_own() { "run" } else { "job" }, .state.as_str())]
    Illegal {
        /// Which.
        id: JobId,
        /// Where it stands.
        state: RunState,
        /// What was asked.
        verb: &'static str,
    },
    /// A further job would lose its ground.
    #[error("a job of this run is under way; wait for it, or cancel it first")]
    JobUnderWay,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

impl Runs {
    /// Makes the handle. Nothing runs until [`Runs::work`] is called.
    pub fn new(store: Store, data: PathBuf, max_concurrent: usize, watch: Watch) -> Runs {
        Runs {
            inner: Arc::new(Inner {
                store,
                data,
                max_concurrent: max_concurrent.max(1),
                numbering: tokio::sync::Mutex::default(),
                wake: Notify::new(),
                doorbells: Mutex::default(),
                supervised: Mutex::default(),
                troubles: Mutex::default(),
                watch,
            }),
        }
    }

    /// The queue's work, which first takes up whatever ran when the last server ended. It never ends by itself.
    pub async fn work(self) {
        queue::work(self).await;
    }

    /// What keeps a run or a further job from being followed at the moment.
    pub fn trouble(&self, id: impl Into<JobId>) -> Option<Trouble> {
        self.troubles().get(&id.into()).cloned()
    }

    /// Everything that can't be followed at the moment.
    pub fn list_troubles(&self) -> BTreeMap<JobId, Trouble> {
        self.troubles().iter().map(|(id, trouble)| (*id, trouble.clone())).collect()
    }

    fn troubles(&self) -> MutexGuard<'_, HashMap<JobId, Trouble>> {
        self.inner.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of a run or a further job.
    pub fn directory(&self, id: impl Into<JobId>) -> RunDirectory {
        RunDirectory::of(&self.inner.data, id)
    }

    /// Puts a run at the end of the queue; its directory is whole before anybody can start it. With `images_of` it learns
    /// from the images of that run.
    ///
    /// # Errors
    /// The directory can't be written, or the database fails.
    pub async fn add(
        &self,
        dataset: &Dataset,
        recipe: &Recipe,
        images_of: Option<&Run>,
        origin: Option<RunId>,
    ) -> anyhow::Result<RunId> {
        let RunSamples { samples, held_out, version } =
            self.samples(dataset, &recipe.spec, images_of).await?;
        // The directory is in its place before the row is there, so the queue never meets a run without one;
        // one at a time, so that two runs never want the same number.
        let _numbering = self.inner.numbering.lock().await;
        let id = self.next_number().await?;
        let (directory, spec) = (self.directory(id), recipe.spec.clone());
        // A line a sample: there may be millions.
        tokio::task::spawn_blocking(move || directory::create(&directory, &spec, &samples)).await??;
        let run = NewRun {
            dataset: dataset.id,
            name: &recipe.name,
            spec: &recipe.spec,
            held_out: held_out.as_deref(),
            dataset_version: version,
            origin,
        };
        self.inner.store.insert_run(id, run).await?;
        self.inner.wake.notify_one();
        Ok(id)
    }

    /// The number of the next run: neither the database nor the disk has it or had a greater one. Who asks holds `numbering` until
    /// the run is there.
    async fn next_number(&self) -> anyhow::Result<RunId> {
        let data = self.inner.data.clone();
        let on_disk = tokio::task::spawn_blocking(move || directory::last_number(&data)).await??;
        Ok(RunId(self.inner.store.last_run_number().await?.max(on_disk) + 1))
    }

    /// Asks a run or a further job to stop for now; a run can be resumed to the same bits.
    pub async fn pause(&self, id: impl Into<JobId>) -> Result<(), MoveError> {
        self.stop(id.into(), StopRequest::Pause, "paused").await
    }

    /// Gives a run or a further job up.
    pub async fn cancel(&self, id: impl Into<JobId>) -> Result<(), MoveError> {
        self.stop(id.into(), StopRequest::Cancel, "cancelled").await
    }

    /// Puts what stopped back into the queue; a run goes on from its last checkpoint.
    pub async fn resume(&self, id: impl Into<JobId>) -> Result<(), MoveError> {
        let id = id.into();
        let state = self.state(id).await?;
        if !state.can_resume() || !self.inner.store.set_job_state(id, state, RunState::Queued).await? {
            return Err(MoveError::Illegal { id, state, verb: "resumed" });
        }
        self.ring(id);
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Puts a completed run back into the queue, to go on from its last checkpoint until it has had so many epochs.
    ///
    /// # Errors
    /// It is not completed, or its specification can't be written.
    pub async fn raise_epochs(&self, run: &Run, epochs: u32) -> anyhow::Result<()> {
        let id = run.id;
        let refused = MoveError::Illegal { id: id.into(), state: run.state, verb: "given more epochs" };
        if run.state != RunState::Completed {
            return Err(refused.into());
        }
        let spec = RunSpec { epochs, ..run.spec.clone() };
        // The trainer reads the file, so it is there before the queue can start one.
        let directory = self.directory(id);
        tokio::task::spawn_blocking(move || directory::replace_spec(&directory, &spec)).await??;
        let asked = RunSpec { epochs, ..run.asked.clone() };
        if !self.inner.store.set_run_epochs(id, &asked).await? {
            return Err(refused.into());
        }
        self.ring(id.into());
        self.inner.wake.notify_one();
        Ok(())
    }

    /// Removes a run that neither waits nor works, with its folder.
    ///
    /// # Errors
    /// It is not there or active, or its folder can't be removed; then it is tried again at the next start.
    pub async fn delete(&self, id: RunId) -> anyhow::Result<()> {
        let state = self.state(id.into()).await?;
        if !self.inner.store.delete_run(id).await? {
            let refused = match state.is_active() {
                true => MoveError::Illegal { id: id.into(), state, verb: "deleted" },
                false => MoveError::JobUnderWay,
            };
            return Err(refused.into());
        }
        self.ring(id.into());
        let directory = self.directory(id);
        tokio::task::spawn_blocking(move || directory::remove(&directory)).await??;
        Ok(())
    }

    /// Removes the folders of deleted runs that are still there: somebody ended the server meanwhile.
    pub(crate) async fn sweep(&self) -> anyhow::Result<()> {
        let folders: Vec<RunDirectory> =
            self.inner.store.list_deleted_runs().await?.into_iter().map(|id| self.directory(id)).collect();
        tokio::task::spawn_blocking(move || folders.iter().try_for_each(directory::remove)).await?
    }

    /// How many runs train at a time.
    pub fn max_concurrent(&self) -> usize {
        self.inner.max_concurrent
    }

    /// A receiver that changes whenever there is news of this run or job in the store.
    pub fn doorbell(&self, id: impl Into<JobId>) -> watch::Receiver<u64> {
        self.sender(id.into()).subscribe()
    }

    async fn state(&self, id: JobId) -> Result<RunState, MoveError> {
        Ok(self.inner.store.find_work(id).await?.ok_or(MoveError::NotFound(id))?.state)
    }

    async fn stop(&self, id: JobId, request: StopRequest, verb: &'static str) -> Result<(), MoveError> {
        // It may start or end between the look and the write, and then the request must not be lost: look again.
        loop {
            let state = self.state(id).await?;
            let done = match state {
                RunState::Running => self.inner.store.set_job_stop_request(id, request).await?,
                state if state.can_become(request.outcome()) => {
                    self.inner.store.set_job_state(id, state, request.outcome()).await?
                }
                state => return Err(MoveError::Illegal { id, state, verb }),
            };
            if done {
                break;
            }
        }
        self.ring(id);
        self.inner.wake.notify_one();
        Ok(())
    }

    fn sender(&self, id: JobId) -> watch::Sender<u64> {
        let mut doorbells = self.inner.doorbells.lock().unwrap_or_else(PoisonError::into_inner);
        doorbells.entry(id).or_insert_with(|| watch::Sender::new(0)).clone()
    }

    fn ring(&self, id: JobId) {
        self.sender(id).send_modify(|count| *count += 1);
    }
}
