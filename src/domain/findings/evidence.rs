//! What detectors look at: plain numbers of one run, which the store fills in. Long series come thinned, so it is of bounded size.

use super::split_figures::SplitFigures;
use crate::domain::run::RunState;
use crate::domain::series::Point;
use protocol::event::{Failure, LayerDial, MaybeFinite};
use protocol::sample::Split;
use protocol::spec::{RunSpec, Training};
use std::collections::BTreeMap;

/// What is known of a run.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Its settings.
    pub spec: RunSpec,
    /// Where it stands.
    pub state: RunState,
    /// Why it failed, where it did.
    pub failure: Option<Failure>,
    /// Optimiser steps an epoch; 0 before it has begun.
    pub steps_per_epoch: u64,
    /// Layers that have parameters and learn, from input to output.
    pub layers: Vec<String>,
    /// The loss of training batches, thinned.
    pub train_loss: Vec<Point>,
    /// Epochs that ended.
    pub epochs: Vec<EpochFigures>,
    /// Numbers of each layer, by report.
    pub dials: BTreeMap<LayerDial, Vec<Report>>,
    /// The share of time that was spent waiting for images, by report.
    pub waiting: Vec<f64>,
    /// What was predicted of the split that leads, where something was evaluated.
    pub predicted: Option<Predicted>,
    /// What the images of the splits are like, where that is known.
    pub splits: Option<SplitFigures>,
}

/// One report of a dial.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The optimiser step.
    pub step: u64,
    /// In the order of [`Evidence::layers`].
    pub numbers: Vec<MaybeFinite>,
}

/// Figures of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EpochFigures {
    /// Its last step.
    pub step: u64,
    /// Mean loss of its training batches.
    pub train_loss: MaybeFinite,
    /// Share of its training images that were predicted correctly.
    pub train_accuracy: MaybeFinite,
    /// On the validation split, at its end.
    pub val_loss: MaybeFinite,
    /// On the validation split, at its end.
    pub val_accuracy: MaybeFinite,
}

/// Predictions of a split, counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// Which.
    pub split: Split,
    /// The epoch of the checkpoint; 0: the weights that the run started with.
    pub epoch: u32,
    /// Images of each class.
    pub actual: Vec<u64>,
    /// How often each class was predicted.
    pub predicted: Vec<u64>,
}

impl Evidence {
    /// The loss of a network that knows nothing and predicts all classes alike.
    pub(super) fn chance_loss(&self) -> f64 {
        (self.spec.classes.len().max(2) as f64).ln()
    }

    /// The accuracy of a network that always names the largest class of training.
    pub(super) fn chance_accuracy(&self) -> f64 {
        let even = 1.0 / self.spec.classes.len().max(1) as f64;
        let counts = self.splits.as_ref().map(|splits| &splits.train.classes);
        let largest = counts.and_then(|counts| {
            let total: u64 = counts.iter().sum();
            (total > 0).then(|| counts.iter().copied().max().unwrap_or(0) as f64 / total as f64)
        });
        largest.unwrap_or(even).max(even)
    }

    /// Optimiser steps of all epochs.
    pub(super) fn total_steps(&self) -> u64 {
        self.steps_per_epoch.saturating_mul(u64::from(self.spec.epochs))
    }

    /// Steps taken, as far as the loss was told.
    pub(super) fn steps_taken(&self) -> u64 {
        self.train_loss.last().map_or(0, |(step, _)| step + 1)
    }

    /// Whether several layers learn: of one alone nothing can be said in comparison.
    pub(super) fn has_layers(&self) -> bool {
        self.spec.trains() && self.layers.len() > 1 && !matches!(self.spec.training, Training::Head { .. })
    }

    /// The first step at which all layers learn: fine-tuning lets the last one begin alone, and that is meant.
    pub(super) fn all_learn_from(&self) -> u64 {
        match self.spec.training {
            Training::FineTune(how) => {
                self.steps_per_epoch * u64::from(how.head_epochs + how.unfreeze_epochs)
            }
            Training::Scratch | Training::Head { .. } => 0,
        }
    }

    /// Reports of a dial from the step on at which all layers learn.
    pub(super) fn reports(&self, dial: LayerDial) -> Vec<&Report> {
        let from = self.all_learn_from();
        let reports = self.dials.get(&dial).into_iter().flatten();
        reports.filter(|report| report.step >= from).collect()
    }

    /// The size of each layer's weights at a report, by which its gradient is measured: at least a tenth of the middle layer's, since some
    /// layers begin at 0 or at a millionth (class tokens, scales of residual branches) and are healthy.
    pub(super) fn weight_sizes(report: &Report) -> Vec<f64> {
        let least = super::median(report.numbers.iter().filter_map(|weight| *weight)).unwrap_or(0.0) / 10.0;
        report.numbers.iter().map(|weight| weight.unwrap_or(0.0).max(least).max(1e-6)).collect()
    }

    /// The median loss of the first tenth of the steps so far, and of the last one.
    pub(super) fn loss_at_ends(&self) -> Option<(f64, f64)> {
        let losses: Vec<f64> = self.train_loss.iter().filter_map(|(_, loss)| *loss).collect();
        // A batch's loss is noise; of fewer than five the median is too.
        let part = (losses.len() / 10).max(5);
        if losses.len() < 2 * part {
            return None;
        }
        let first = super::median(losses[..part].iter().copied())?;
        Some((first, super::median(losses[losses.len() - part..].iter().copied())?))
    }

    /// How much of a layer's weights a step changes: of each report the layer that moves most, or the middle one; of these figures the
    /// one that a quarter of the reports exceed, since schedules begin and end with small steps.
    pub(super) fn update_ratio(&self, of_layers: OfLayers) -> Option<f64> {
        let reports = self.reports(LayerDial::Update);
        let figure = |report: &&Report| {
            let ratios = report.numbers.iter().filter_map(|ratio| *ratio);
            match of_layers {
                OfLayers::Most => ratios.reduce(f64::max),
                OfLayers::Middle => super::median(ratios),
            }
        };
        super::quantile(reports.iter().filter_map(figure), 0.75)
    }
}

/// Which layer's figure stands for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OfLayers {
    /// The one that moves most.
    Most,
    /// The middle one.
    Middle,
}
