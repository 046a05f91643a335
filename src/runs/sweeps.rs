//! Sweeps as work: their runs are put into the queue at once, and those of successive halving are compared when all of them rest.

use super::samples::RunSamples;
use super::{Runs, directory};
use crate::domain::ids::{RunId, SweepId};
use crate::domain::recipe::{Recipe, Values};
use crate::domain::run::{RunState, total_steps};
use crate::domain::sweep::{AtRung, Decision, SweepPlan, decide, rung_epochs, trials_at};
use crate::store::datasets::Dataset;
use crate::store::runs::{NewRun, Run};
use crate::store::sweeps::NewTrial;
use protocol::spec::RunSpec;
use std::collections::HashMap;

/// A sweep that can be started.
#[derive(Clone, Debug)]
pub struct NewSweep<'a> {
    /// What a person calls it.
    pub name: &'a str,
    /// Which runs it has.
    pub plan: &'a SweepPlan,
    /// The values of the other fields.
    pub base: &'a Values,
    /// Its runs: what varies, and what comes of it.
    pub trials: &'a [(Values, Recipe)],
}

impl Runs {
    /// Puts all runs of a sweep at the end of the queue, or none of them. The list of samples is written once for all that learn from
    /// the same ones.
    ///
    /// # Errors
    /// The data directory can't be written, the data set changed meanwhile, or the database fails.
    pub async fn add_sweep(
        &self,
        dataset: &Dataset,
        sweep: NewSweep<'_>,
        images_of: Option<&Run>,
        origin: Option<RunId>,
    ) -> anyhow::Result<SweepId> {
        let _numbering = self.inner.numbering.lock().await;
        let RunId(first) = self.next_number().await?;
        let mut made = Made { runs: self, ids: Vec::new() };
        // The seed says what is held out, where the data set has no validation split.
        let mut by_seed: HashMap<u64, (RunId, RunSamples)> = HashMap::new();
        let mut held: Vec<(Option<String>, i64)> = Vec::new();
        for (id, (_, recipe)) in (first..).map(RunId).zip(sweep.trials) {
            let (directory, spec) = (self.directory(id), recipe.spec.clone());
            if let Some((same, samples)) = by_seed.get(&spec.seed) {
                let like = self.directory(*same);
                held.push((samples.held_out.clone(), samples.version));
                tokio::task::spawn_blocking(move || directory::create_like(&directory, &spec, &like))
                    .await??;
            } else {
                let seed = spec.seed;
                let samples = self.samples(dataset, &spec, images_of).await?;
                held.push((samples.held_out.clone(), samples.version));
                let list = samples.samples.clone();
                tokio::task::spawn_blocking(move || directory::create(&directory, &spec, &list)).await??;
                by_seed.insert(seed, (id, samples));
            }
            made.ids.push(id);
        }
        let trials: Vec<NewTrial> = made
            .ids
            .iter()
            .zip(sweep.trials)
            .zip(&held)
            .map(|((&id, (settings, recipe)), (held_out, version))| NewTrial {
                id,
                settings,
                run: NewRun {
                    dataset: dataset.id,
                    name: &recipe.name,
                    spec: &recipe.spec,
                    held_out: held_out.as_deref(),
                    dataset_version: *version,
                    origin,
                },
            })
            .collect();
        let id =
            self.inner.store.insert_sweep(dataset.id, sweep.name, sweep.plan, sweep.base, &trials).await?;
        made.ids.clear();
        self.inner.wake.notify_one();
        Ok(id)
    }

    /// Gives up all runs of a sweep that are not at their end.
    ///
    /// # Errors
    /// The database fails.
    pub async fn cancel_sweep(&self, id: SweepId) -> anyhow::Result<()> {
        // The last ones first, so that none of them begins because another one has ended.
        for (_, run) in self.inner.store.list_trial_runs(id).await?.into_iter().rev() {
            if run.state.can_become(RunState::Cancelled) {
                self.cancel(run.id).await?;
            }
        }
        Ok(())
    }

    /// Compares the runs of sweeps by successive halving where all rest.
    pub(super) async fn advance_sweeps(&self) -> anyhow::Result<()> {
        for id in self.inner.store.list_resting_sweeps().await? {
            let Some(sweep) = self.inner.store.find_sweep(id).await? else { continue };
            let trials = self.inner.store.list_trial_runs(id).await?;
            if let Some(next) = next(usize::try_from(sweep.begun).unwrap_or(0), &trials) {
                self.advance_sweep(id, next).await?;
            }
        }
        Ok(())
    }

    async fn advance_sweep(&self, id: SweepId, next: Next<'_>) -> anyhow::Result<()> {
        let mut going_on = Vec::new();
        for run in next.going_on {
            let with = |spec: &RunSpec| RunSpec { pause_after_epoch: next.pause_after_epoch, ..spec.clone() };
            let (directory, spec) = (self.directory(run.id), with(&run.spec));
            // The trainer reads the file, so it is there before the queue can start one.
            tokio::task::spawn_blocking(move || directory::replace_spec(&directory, &spec)).await??;
            going_on.push((run.id, with(&run.asked)));
        }
        self.inner.store.advance_sweep(&going_on, &next.ending).await?;
        tracing::info!(sweep.id = %id, going_on = going_on.len(), ending = next.ending.len(), "trials compared");
        for id in going_on.iter().map(|(id, _)| *id).chain(next.ending) {
            self.ring(id.into());
        }
        Ok(())
    }
}

/// What becomes of the trials at a rung.
struct Next<'a> {
    going_on: Vec<&'a Run>,
    ending: Vec<RunId>,
    pause_after_epoch: Option<u32>,
}

/// `None`: somebody has to do something first, such as resume what was interrupted.
fn next(begun: usize, trials: &[(u32, Run)]) -> Option<Next<'_>> {
    let waits = |run: &Run| {
        run.state.is_active()
            || run.state == RunState::Interrupted
            || (run.state == RunState::Paused && !is_at_rung(run))
    };
    if trials.iter().any(|(_, run)| waits(run)) {
        return None;
    }
    let at_rung: Vec<&(u32, Run)> = trials.iter().filter(|(_, run)| is_at_rung(run)).collect();
    let epoch = at_rung.iter().filter_map(|(_, run)| run.spec.pause_after_epoch).min()?;
    let at_rung: Vec<&(u32, Run)> =
        at_rung.into_iter().filter(|(_, run)| run.spec.pause_after_epoch == Some(epoch)).collect();
    let epochs = at_rung.first()?.1.spec.epochs;
    let rungs = rung_epochs(begun, epochs);
    let rung = rungs.iter().position(|at| *at == epoch)?;
    let began_rung = trials_at(rung, begun);
    let compared: Vec<AtRung> = at_rung
        .iter()
        .map(|(trial, run)| AtRung {
            trial: *trial,
            accuracy: run.summary.get("best/val/accuracy").copied().flatten(),
        })
        .collect();
    let mut next = Next {
        going_on: Vec::new(),
        ending: Vec::new(),
        pause_after_epoch: rungs.get(rung + 1).copied().filter(|after| *after < epochs),
    };
    for ((_, run), decision) in at_rung.into_iter().zip(decide(&compared, began_rung)) {
        match decision {
            Decision::GoesOn => next.going_on.push(run),
            Decision::Ends => next.ending.push(run.id),
        }
    }
    Some(next)
}

/// Whether a run of a sweep rests where it paused by itself.
fn is_at_rung(run: &Run) -> bool {
    let steps = run.started.as_ref().zip(run.spec.pause_after_epoch);
    let steps = steps.map(|(started, epoch)| total_steps(started, epoch));
    run.state == RunState::Paused && steps.is_some_and(|steps| u64::try_from(run.step) == Ok(steps))
}

/// Folders of runs that are not in the database yet: they go where it comes to nothing.
struct Made<'a> {
    runs: &'a Runs,
    ids: Vec<RunId>,
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        let folders: Vec<_> = self.ids.iter().map(|id| self.runs.directory(*id)).collect();
        if !folders.is_empty() {
            tokio::task::spawn_blocking(move || {
                for folder in folders {
                    if let Err(error) = directory::remove(&folder) {
                        tracing::warn!(
                            error = format!("{error:#}"),
                            "a folder of a sweep that was not made is still there"
                        );
                    }
                }
            });
        }
    }
}
