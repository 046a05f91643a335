//! A run's figures by epoch, as a table: the newest epochs and those that stand out, or all of them.

use super::format::link;
use crate::store::runs::Run;
use crate::web::{AppState, Result};
use protocol::spec::BestBy;
use serde::Deserialize;
use std::collections::HashMap;

/// Newest epochs that the table shows before all are asked for: what an open page fetches must not grow with the run.
const SHOWN: usize = 8;

/// Which epochs are asked for, as addresses have it.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Which {
    All,
    #[serde(other)]
    Newest,
}

#[derive(Deserialize)]
pub(crate) struct EpochsQuery {
    epochs: Option<Which>,
}

/// The figures of one epoch.
pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) train_loss: Option<f64>,
    pub(crate) train_accuracy: Option<f64>,
    pub(crate) val_loss: Option<f64>,
    pub(crate) val_accuracy: Option<f64>,
    /// Its last step, counted from 0.
    pub(crate) step: u64,
    /// What it is best in.
    pub(crate) mark: &'static str,
}

/// Epochs of a run, the newest first.
pub(crate) struct EpochTable {
    pub(crate) epochs: Vec<Epoch>,
    /// How many there are.
    pub(crate) count: usize,
    run: String,
    which: Which,
}

impl EpochTable {
    /// Reads the epochs that were asked for.
    pub(crate) async fn load(app: &AppState, run: &Run, query: EpochsQuery) -> Result<EpochTable> {
        let which = query.epochs.unwrap_or(Which::Newest);
        let losses = app.store.list_points(run.id, "epoch/train_loss").await?;
        let mut others = Vec::new();
        for key in ["epoch/train_accuracy", "val/loss", "val/accuracy"] {
            let points = app.store.list_points(run.id, key).await?;
            others.push(points.into_iter().collect::<HashMap<u64, Option<f64>>>());
        }
        let at = |column: usize, step: u64| others[column].get(&step).copied().flatten();
        let best = run.summary.get("best/val/accuracy_epoch").copied().flatten();
        let count = losses.len();
        let epochs = losses.into_iter().enumerate().rev().filter_map(|(at_row, (step, train_loss))| {
            let number = at_row as u64 + 1;
            let mark = mark(
                best == Some(number as f64),
                run.best_epoch == i64::try_from(number).ok(),
                run.spec.selection.best_by,
            );
            let is_newest = at_row + SHOWN >= count;
            (which == Which::All || is_newest || !mark.is_empty()).then(|| Epoch {
                number,
                train_loss,
                train_accuracy: at(0, step),
                val_loss: at(1, step),
                val_accuracy: at(2, step),
                step,
                mark,
            })
        });
        Ok(EpochTable { epochs: epochs.collect(), count, run: format!("/runs/{}", run.id), which })
    }

    /// Whether there are epochs that the table leaves out.
    pub(crate) fn is_cut(&self) -> bool {
        self.epochs.len() < self.count
    }

    /// Where the table is asked for anew while the run learns.
    pub(crate) fn address(&self) -> String {
        let epochs = if self.which == Which::All { "all" } else { "" };
        link(&format!("/live{}/epochs", self.run), &[("epochs", epochs)])
    }
}

/// What an epoch is best in, and whether its checkpoint was kept.
fn mark(is_best: bool, is_kept: bool, by: BestBy) -> &'static str {
    match (is_best, is_kept, by) {
        (true, true, _) => "★ best accuracy, kept checkpoint",
        (true, false, _) => "★ best accuracy",
        (false, true, BestBy::Loss) => "● kept checkpoint (lowest loss)",
        (false, true, BestBy::Accuracy) => "● kept checkpoint",
        (false, false, _) => "",
    }
}
