//! The learning rate is far too high or far too low, by how much a step changes the weights and whether the loss falls.

use super::evidence::OfLayers;
use super::words::{percent, short};
use super::{Evidence, Finding, Fix, chart};
use protocol::optimizer::OPTIMIZERS;

/// A usual step changes a thousandth to a hundredth of a layer's weights; our healthy runs stay below 0.025 (SGD) and 0.02 (AdamW).
/// At a twentieth, twenty steps replace what a layer has learned.
const LARGE_UPDATE: f64 = 0.05;
/// So large that one step replaces a tenth of the weights: then the loss need not even be stuck where it ended as NaN.
const HUGE_UPDATE: f64 = 0.1;
/// A loss is stuck that stays so near to that of a network which knows nothing. Runs that learn leave it within the first epochs.
const STUCK: f64 = 0.9;
/// Steps after which a loss should have left its start; fewer are noise.
const ENOUGH_STEPS: u64 = 20;

/// A hundredth of a usual step at most; fine-tuning at a hundred-thousandth with AdamW is still above it.
const SMALL_UPDATE: f64 = 2e-4;
/// If every step went the same way, the weights would have moved by no more than a twentieth at the end of the run.
const SMALL_WAY: f64 = 0.05;
/// A loss that fell by so little did not fall.
const BARELY_FELL: f64 = 0.9;
/// A network that is so good already has no need to move.
const GOOD_ALREADY: f64 = 0.9;
/// Schedules that warm up are at their peak by then.
const SHARE_BEFORE_PEAK: f64 = 0.34;

pub(super) fn too_high(evidence: &Evidence) -> Vec<Finding> {
    if !evidence.has_layers() {
        return Vec::new();
    }
    let Some(update) = evidence.update_ratio(OfLayers::Middle) else { return Vec::new() };
    let diverged = evidence.failure.as_ref().is_some_and(|failure| failure.step.is_some());
    let chance = evidence.chance_loss();
    let fell = evidence.loss_at_ends().map(|(_, last)| last / chance);
    let is_stuck = evidence.steps_taken() >= ENOUGH_STEPS && fell.is_some_and(|share| share >= STUCK);
    let fires = (diverged && update >= HUGE_UPDATE) || (is_stuck && update >= LARGE_UPDATE);
    if !fires {
        return Vec::new();
    }
    let loss = match (diverged, evidence.loss_at_ends()) {
        (false, Some((_, last))) => format!(
            "the training loss is {}, and {} is what a network has that knows nothing",
            short(last),
            short(chance)
        ),
        _ => "the loss ended as NaN".to_owned(),
    };
    let sentence = format!(
        "A step changes {} of a layer’s weights, where 0.1 to 2 % is usual, and {loss}. The learning rate of {} is too high.",
        percent(update),
        short(evidence.spec.learning_rate),
    );
    // The step size goes with the rate, and a hundredth of the weights is on the safe side; but weights that such steps have made large
    // hide how far too high it is, so nothing above what is usual is tried.
    let guess = evidence.spec.learning_rate * (0.01 / update).min(0.1);
    let rate = power_of_ten(guess.min(usual_rates(evidence)[1]));
    vec![Finding {
        certainty: 0.9,
        fix: Some(Fix::learning_rate(rate)),
        ..Finding::training_alarm(
            "learning_rate_too_high",
            "The learning rate is too high",
            sentence,
            super::Place::Layers { dial: protocol::event::LayerDial::Update },
        )
    }]
}

pub(super) fn too_low(evidence: &Evidence) -> Vec<Finding> {
    if !evidence.has_layers() {
        return Vec::new();
    }
    let (taken, total) = (evidence.steps_taken(), evidence.total_steps());
    let is_early = taken < ENOUGH_STEPS || (taken as f64) < total as f64 * SHARE_BEFORE_PEAK;
    let accuracy = evidence.epochs.iter().rev().find_map(|epoch| epoch.train_accuracy);
    let (false, Some(update), Some((first, last)), Some(accuracy)) =
        (is_early, evidence.update_ratio(OfLayers::Most), evidence.loss_at_ends(), accuracy)
    else {
        return Vec::new();
    };
    let way = update * total as f64;
    if update >= SMALL_UPDATE || way >= SMALL_WAY || last < BARELY_FELL * first || accuracy >= GOOD_ALREADY {
        return Vec::new();
    }
    let sentence = format!(
        "A step changes no layer’s weights by more than {} of them, where a thousandth is usual, so even all {total} steps of the run together \
         move them by at most {}. The training loss went from {} to {}.",
        short(update),
        percent(way.max(0.01)),
        short(first),
        short(last),
    );
    let guess = evidence.spec.learning_rate * (0.003 / update.max(1e-12));
    let rate = power_of_ten(guess.min(usual_rates(evidence)[1]));
    vec![Finding {
        fix: Some(Fix::learning_rate(rate)),
        ..Finding::training_alarm(
            "learning_rate_too_low",
            "The learning rate is too low",
            sentence,
            chart("loss"),
        )
    }]
}

/// The least and the highest learning rate that are usual with the run's optimiser.
fn usual_rates(evidence: &Evidence) -> [f64; 2] {
    let entry = OPTIMIZERS.iter().find(|entry| entry.optimizer == evidence.spec.optimizer);
    entry.map_or([1e-4, 0.1], |entry| entry.usual_rates)
}

/// The nearest power of ten times 1 or 3: a rate is guessed no finer than that.
fn power_of_ten(rate: f64) -> f64 {
    let power = rate.max(1e-8).log10().floor();
    let rest = rate.max(1e-8) / 10_f64.powf(power);
    let digit = if rest < 1.8 {
        1.0
    } else if rest < 6.0 {
        3.0
    } else {
        10.0
    };
    let rounded = digit * 10_f64.powf(power);
    format!("{rounded:.1e}").parse().unwrap_or(rounded)
}

#[cfg(test)]
mod tests {
    use super::power_of_ten;

    #[test]
    fn a_rate_is_guessed_as_people_write_one() {
        for (rate, guess) in [(0.0031, 0.003), (0.000_12, 0.0001), (0.008, 0.01), (50.0, 30.0), (0.0, 1e-8)] {
            assert_eq!(power_of_ten(rate), guess, "{rate}");
        }
    }
}
