//! The catalogue of learning-rate schedules, and the one formula that they follow: a pure function of the step, for the trainer
//! and for whoever draws what will come.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The learning-rate schedules, applied at every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Smith's one cycle: a cosine up from 1/25 over the first 30 % of the steps, a cosine down to 1/250,000 of
    /// the peak (`torch.optim.lr_scheduler.OneCycleLR`'s defaults; momentum stays).
    OneCycle,
    /// Half a cosine from the peak to 0.
    Cosine,
    /// The peak, all along.
    Constant,
}

/// What is to be known of a schedule.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleEntry {
    /// Which.
    pub schedule: Schedule,
    /// Its name in JSON and on the command line.
    pub name: &'static str,
    /// Its name on the page, with what it does.
    pub label: &'static str,
    /// Whether it begins with a rise of its own.
    pub has_warmup: bool,
}

const fn entry(
    schedule: Schedule,
    name: &'static str,
    label: &'static str,
    has_warmup: bool,
) -> ScheduleEntry {
    ScheduleEntry { schedule, name, label, has_warmup }
}

/// Every schedule, in the order of the form.
pub const SCHEDULES: [ScheduleEntry; 3] = [
    entry(Schedule::OneCycle, "one-cycle", "One-cycle (warm up, then decay to 0)", true),
    entry(Schedule::Cosine, "cosine", "Cosine (decay to 0)", false),
    entry(Schedule::Constant, "constant", "Constant", false),
];

impl Schedule {
    /// What the catalogue has of it.
    pub const fn entry(self) -> &'static ScheduleEntry {
        // The catalogue has the order of the variants; a test holds it.
        &SCHEDULES[self as usize]
    }
}

/// The learning rate of step `step` (from 0) of `total`, for a `peak` and `warmup` steps of linear rise.
///
/// During warm-up step `s` has `(s + 1) / (warmup + 1)` of the peak; the schedule then has the remaining steps to
/// itself. Cosine is `torch.optim.lr_scheduler.CosineAnnealingLR` with `T_max` the remaining steps and `eta_min` 0;
/// one cycle is `OneCycleLR` with its defaults.
pub fn learning_rate(schedule: Schedule, peak: f64, step: u64, total: u64, warmup: u64) -> f64 {
    if step < warmup {
        return peak * (step + 1) as f64 / (warmup + 1) as f64;
    }
    let at = (step - warmup) as f64;
    let steps = total.saturating_sub(warmup) as f64;
    match schedule {
        Schedule::Constant => peak,
        Schedule::Cosine => between(peak, 0.0, at / steps),
        Schedule::OneCycle => one_cycle(peak, at, steps),
    }
}

/// Smith's one cycle in the form of PyTorch's `OneCycleLR`: `pct_start` 0.3, `div_factor` 25, `final_div_factor` 10,000.
fn one_cycle(peak: f64, at: f64, steps: f64) -> f64 {
    let first = peak / 25.0;
    let last = first / 1e4;
    let top = 0.3 * steps - 1.0;
    let end = steps - 1.0;
    // In a run of three steps or fewer `top` is negative: the rise is left out, as PyTorch does.
    if at <= top { between(first, peak, at / top) } else { between(peak, last, (at - top) / (end - top)) }
}

/// Half a cosine from `from` (share 0) to `to` (share 1).
fn between(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * share).cos())
}

/// The number of whole steps in `epochs` epochs of warm-up, at most the whole run.
pub fn warmup_steps(epochs: f64, steps_per_epoch: u64, total: u64) -> u64 {
    ((epochs * steps_per_epoch as f64).round() as u64).min(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_in_the_order_of_the_variants_and_has_their_names() {
        for entry in &SCHEDULES {
            assert_eq!(entry.schedule.entry().name, entry.name);
            assert_eq!(serde_json::to_value(entry.schedule).unwrap(), entry.name);
        }
    }
}
