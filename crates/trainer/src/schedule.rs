//! How the learning rate moves: a pure function of the step.

use protocol::spec::Schedule;
use std::f64::consts::PI;

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
