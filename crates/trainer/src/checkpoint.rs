//! Checkpoints: what a run needs to go on to the same bits, and the weights that others read.
//!
//! The files of a checkpoint belong together, and a process can be killed between any two renames. So they are
//! first written to a folder of their own; renaming that folder is the one moment at which the checkpoint exists;
//! moving its files to their final names comes after, and is finished at the next start if need be.

use crate::averages::Averages;
use crate::directory::Directory;
use crate::fault::Fault;
use crate::layers::Network;
use crate::optimizer::Optimizer;
use crate::weights;
use protocol::files::CHECKPOINTS;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use tch::Tensor;

const BEST: &str = "best.safetensors";
const LAST: &str = "last.safetensors";
const LAST_OPTIMIZER: &str = "last.optimizer.safetensors";
const LAST_AVERAGES: &str = "last.averages.safetensors";
const LAST_PROGRESS: &str = "last.json";
/// Being written; of no use to anybody yet.
const NEXT: &str = "next";
/// Whole, but its files are not at their final names yet.
const READY: &str = "ready";

/// How far a run has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps taken.
    pub step: u64,
    /// Epochs finished, evaluation included.
    pub epochs: u32,
    /// Of the epoch under way: the samples seen …
    pub seen: u64,
    /// … how many of them were predicted correctly (`right` in checkpoints of earlier versions) …
    #[serde(alias = "right")]
    pub correct: u64,
    /// … and the sum of their losses.
    pub loss: f64,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// The epochs that the spec asked for when this was saved; 0 in checkpoints of earlier versions, which don't have it.
    #[serde(default)]
    pub planned_epochs: u32,
    /// The epoch from which on patience counts: that after which a run that ended early was given more.
    #[serde(default)]
    pub patience_from: u32,
}

/// What learning has changed.
pub struct Learned<'a> {
    /// The weights.
    pub network: &'a Network,
    /// What the optimiser remembers.
    pub optimizer: &'a mut Optimizer,
    /// The average of the weights, where it is on.
    pub averages: Option<&'a mut Averages>,
}

/// The best epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// From 1.
    pub epoch: u32,
    /// Its validation loss; `None` where there is no validation split, or the loss was not finite.
    pub loss: Option<f64>,
    /// Its validation accuracy; `None` there too, and in checkpoints of earlier versions.
    #[serde(default)]
    pub accuracy: Option<f64>,
}

/// Saves a checkpoint; with `best` it is also the best so far.
pub fn save(directory: &Directory, learned: Learned, progress: &Progress, best: bool) -> Result<(), Fault> {
    let Learned { network, optimizer, averages } = learned;
    let folder = directory.path(CHECKPOINTS);
    let next = folder.join(NEXT);
    let fault = |error| Fault::file("write a checkpoint to", &folder, error);
    settle(directory)?;
    fs::create_dir_all(&next).map_err(fault)?;
    let weights = weights::to_bytes(&network.named_tensors())?;
    let averaged = match averages {
        None => None,
        Some(averages) => {
            averages.swap();
            let bytes = weights::to_bytes(&network.named_tensors());
            averages.swap();
            Some(bytes?)
        }
    };
    let progress = serde_json::to_vec_pretty(progress).map_err(|error| Fault::file("write", &next, error))?;
    let write = |name: &str, bytes: &[u8]| fs::write(next.join(name), bytes).map_err(fault);
    write(LAST, &weights)?;
    write(LAST_OPTIMIZER, &weights::to_bytes(&optimizer_tensors(network, optimizer))?)?;
    write(LAST_PROGRESS, &progress)?;
    if let Some(averaged) = &averaged {
        write(LAST_AVERAGES, averaged)?;
    }
    if best {
        write(BEST, averaged.as_ref().unwrap_or(&weights))?;
    }
    fs::rename(&next, folder.join(READY)).map_err(fault)?;
    settle(directory)
}

/// Takes up the last checkpoint, if there is one.
pub fn resume(directory: &Directory, learned: Learned) -> Result<Option<Progress>, Fault> {
    let Learned { network, optimizer, averages } = learned;
    settle(directory)?;
    let folder = directory.path(CHECKPOINTS);
    let path = folder.join(LAST_PROGRESS);
    let Ok(text) = fs::read(&path) else { return Ok(None) };
    let progress: Progress =
        serde_json::from_slice(&text).map_err(|error| Fault::file("understand", &path, error))?;
    if let Some(averages) = averages {
        weights::load(network, &folder.join(LAST_AVERAGES), weights::OtherHead::Refuse)?;
        averages.swap();
    }
    weights::load(network, &folder.join(LAST), weights::OtherHead::Refuse)?;
    let path = folder.join(LAST_OPTIMIZER);
    let tensors = weights::read(&path)?;
    optimizer.restore(progress.step, |state| {
        let parts = network
            .learning_parameters()
            .map(|parameter| {
                let name = format!("{state}.{}", parameter.name);
                let length = parameter.range.end - parameter.range.start;
                let tensor = tensors.get(&name).filter(|tensor| tensor.numel() as i64 == length);
                tensor
                    .map(|tensor| tensor.reshape([-1]))
                    .ok_or_else(|| Fault::file("use", &path, format!("{name} is missing or of another size")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::cat(&parts, 0))
    })?;
    Ok(Some(progress))
}

/// Loads the weights of the best epoch.
pub fn load_best(directory: &Directory, network: &Network) -> Result<(), Fault> {
    let path = directory.path(CHECKPOINTS).join(BEST);
    weights::load(network, &path, weights::OtherHead::Refuse).map(|_note| ())
}

/// The optimiser's state as tensors by `<state>.<parameter>`.
fn optimizer_tensors(network: &Network, optimizer: &Optimizer) -> Vec<(String, Tensor)> {
    let mut tensors = Vec::new();
    for (state, flat) in optimizer.state() {
        for parameter in network.learning_parameters() {
            let length = parameter.range.end - parameter.range.start;
            let part = flat.narrow(0, parameter.range.start - network.learning.start, length);
            tensors.push((format!("{state}.{}", parameter.name), part.view(parameter.shape.as_slice())));
        }
    }
    tensors
}

/// Moves the files of a whole checkpoint to their names, and forgets one that was not whole.
fn settle(directory: &Directory) -> Result<(), Fault> {
    let folder = directory.path(CHECKPOINTS);
    let fault = |error| Fault::file("write a checkpoint to", &folder, error);
    let ready = folder.join(READY);
    if ready.exists() {
        // A file that is not there was moved before an interruption.
        for name in [BEST, LAST, LAST_OPTIMIZER, LAST_AVERAGES, LAST_PROGRESS] {
            move_if_there(&ready.join(name), &folder.join(name)).map_err(fault)?;
        }
        fs::remove_dir(&ready).map_err(fault)?;
    }
    let next = folder.join(NEXT);
    if next.exists() {
        fs::remove_dir_all(&next).map_err(fault)?;
    }
    Ok(())
}

fn move_if_there(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
