//! The loss became NaN or infinite: the run ended there.

use super::words::{counted, short};
use super::{Evidence, Finding, Fix, chart};
use crate::domain::ids::SampleId;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    // The trainer names a step only where its numbers are to blame for the end.
    let Some((failure, step)) = evidence.failure.as_ref().and_then(|failure| Some((failure, failure.step?)))
    else {
        return Vec::new();
    };
    let batch = failure.batch.len() as u64;
    let not_finite = failure.not_finite.len() as u64;
    let layer = failure.layer.as_ref().map_or_else(String::new, |layer| format!(", first in {layer}"));
    let mut sentence = format!("At step {step} numbers became NaN or infinite{layer}.");
    if not_finite > 0 {
        sentence += &format!(
            " {not_finite} of the {} of that batch {} no finite input or loss: shown here.",
            counted(batch, "image", "images"),
            if not_finite == 1 { "has" } else { "have" }
        );
    } else if batch > 0 {
        sentence += " No single image is to blame; those of that batch are shown here.";
    }
    // Before the first update no step can have been too large.
    let has_learned = step > 0;
    if !has_learned && not_finite == 0 {
        sentence += " Nothing had been learned yet, so the numbers that it started with are to blame: look at the initial weights and the normalisation.";
    }
    let rate = evidence.spec.learning_rate / 10.0;
    let ids = if failure.not_finite.is_empty() { &failure.batch } else { &failure.not_finite };
    vec![Finding {
        certainty: 1.0,
        fix: (has_learned && not_finite == 0).then(|| Fix {
            label: format!("Try a tenth of the learning rate, {}", short(rate)),
            ..Fix::learning_rate(rate)
        }),
        samples: ids.iter().map(|id| SampleId(*id)).collect(),
        ..Finding::training_alarm(
            "loss_not_finite",
            "The loss is not a number any more",
            sentence,
            chart("loss"),
        )
    }]
}
