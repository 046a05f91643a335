//! The catalogue of optimisers. The form, the command line, the API, the checks and the trainer go by it.

use serde::{Deserialize, Serialize};

/// The optimisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Adam with decoupled weight decay, betas 0.9 and 0.999, epsilon 1e-8: `torch.optim.AdamW`.
    Adamw,
    /// Stochastic gradient descent, momentum 0.9, Nesterov: `torch.optim.SGD`. Weight decay is added to the gradient.
    Sgd,
    /// The same without Nesterov's look ahead.
    SgdMomentum,
    /// Betas 0.9 and 0.999, epsilon 1e-8: `torch.optim.Adam`. Weight decay is added to the gradient.
    Adam,
    /// Smoothing 0.99, epsilon 1e-8, no momentum: `torch.optim.RMSprop`. Weight decay is added to the gradient.
    Rmsprop,
    /// You et al. 2020, *Large batch optimization for deep learning*: betas 0.9 and 0.999, epsilon 1e-6. Parameters that weight
    /// decay is not meant for (normalisations, biases) move as with AdamW, as in the authors' own program.
    Lamb,
    /// Jordan et al. 2024: momentum 0.95, Nesterov, five Newton–Schulz steps, in matrices and convolutions (output channels × all
    /// else); everything else as with AdamW. `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"`, so that one learning rate
    /// serves both; the steps are in 32 bits, not in bfloat16.
    Muon,
}

/// What is to be known of an optimiser.
#[derive(Clone, Copy, Debug)]
pub struct OptimizerEntry {
    /// Which.
    pub optimizer: Optimizer,
    /// Its name in JSON and on the command line.
    pub name: &'static str,
    /// Its name on the page, with what it is good for.
    pub label: &'static str,
    /// The least and the highest learning rate that are usual.
    pub usual_rates: [f64; 2],
    /// The learning rate where nobody names one: from scratch, and for the last layer alone.
    pub rate: f64,
    /// The same where weights are fine-tuned.
    pub fine_tune_rate: f64,
    /// The weight decay where nobody names one.
    pub weight_decay: f64,
}

impl OptimizerEntry {
    /// Its name on the page without what it is good for.
    pub fn short_label(&self) -> &'static str {
        self.label.split([' ', ',']).next().unwrap_or(self.label)
    }
}

/// Every optimiser, in the order of the form.
pub const OPTIMIZERS: [OptimizerEntry; 7] = [
    OptimizerEntry {
        optimizer: Optimizer::Adamw,
        name: "adamw",
        label: "AdamW",
        usual_rates: [0.0003, 0.003],
        rate: 0.003,
        fine_tune_rate: 0.0005,
        weight_decay: 0.05,
    },
    OptimizerEntry {
        optimizer: Optimizer::Sgd,
        name: "sgd",
        label: "SGD, momentum 0.9, Nesterov",
        usual_rates: [0.01, 0.2],
        rate: 0.05,
        fine_tune_rate: 0.005,
        weight_decay: 0.0005,
    },
    OptimizerEntry {
        optimizer: Optimizer::SgdMomentum,
        name: "sgd-momentum",
        label: "SGD, momentum 0.9",
        usual_rates: [0.01, 0.2],
        rate: 0.05,
        fine_tune_rate: 0.005,
        weight_decay: 0.0005,
    },
    OptimizerEntry {
        optimizer: Optimizer::Adam,
        name: "adam",
        label: "Adam",
        usual_rates: [0.0003, 0.003],
        rate: 0.003,
        fine_tune_rate: 0.0005,
        weight_decay: 0.0,
    },
    OptimizerEntry {
        optimizer: Optimizer::Rmsprop,
        name: "rmsprop",
        label: "RMSprop",
        usual_rates: [0.0001, 0.001],
        rate: 0.001,
        fine_tune_rate: 0.0002,
        weight_decay: 0.0,
    },
    OptimizerEntry {
        optimizer: Optimizer::Lamb,
        name: "lamb",
        label: "LAMB (for large batches)",
        usual_rates: [0.001, 0.01],
        rate: 0.005,
        fine_tune_rate: 0.001,
        weight_decay: 0.02,
    },
    OptimizerEntry {
        optimizer: Optimizer::Muon,
        name: "muon",
        label: "Muon (matrices; AdamW for the rest)",
        usual_rates: [0.0003, 0.003],
        rate: 0.003,
        fine_tune_rate: 0.0005,
        weight_decay: 0.05,
    },
];

impl Optimizer {
    /// What the catalogue has of it.
    pub const fn entry(self) -> &'static OptimizerEntry {
        // The catalogue has the order of the variants; a test holds it.
        &OPTIMIZERS[self as usize]
    }
}

/// Which parameters weight decay pulls at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecayScope {
    /// Every one, as in runs of earlier versions and as in PyTorch where nothing else is said.
    #[default]
    All,
    /// Those that something is multiplied by; biases and normalisations are spared.
    Weights,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_the_order_of_the_variants_and_has_their_names() {
        for entry in &OPTIMIZERS {
            assert_eq!(entry.optimizer.entry().name, entry.name);
            assert_eq!(serde_json::to_value(entry.optimizer).unwrap(), entry.name);
        }
    }

    #[test]
    fn the_rates_where_nobody_names_one_are_usual() {
        for entry in &OPTIMIZERS {
            let [least, most] = entry.usual_rates;
            assert!((least..=most).contains(&entry.rate), "{}", entry.name);
            assert!(entry.fine_tune_rate < entry.rate, "{}: what has learned needs less", entry.name);
        }
    }
}
