//! Classes that images have and no prediction names.

use super::words::{counted, listed};
use super::{Action, Evidence, Finding, Fix, Kind, Place};

/// With fewer images of a class it may just have been missed: even one that is recognised half of the time has no correct prediction
/// among five in one case of thirty.
const ENOUGH_IMAGES: u64 = 5;
/// In the first epochs a network often knows a part of the classes only.
const FIRST_EPOCHS: u32 = 2;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    let Some(predicted) = &evidence.predicted else { return Vec::new() };
    let is_early = evidence.state.is_active() && predicted.epoch <= FIRST_EPOCHS;
    if evidence.spec.trains() && is_early {
        return Vec::new();
    }
    let never: Vec<usize> = (0..evidence.spec.classes.len())
        .filter(|&class| {
            let count = |counts: &[u64]| counts.get(class).copied().unwrap_or(0);
            count(&predicted.actual) >= ENOUGH_IMAGES && count(&predicted.predicted) == 0
        })
        .collect();
    let Some(&first) = never.iter().max_by_key(|&&class| (predicted.actual[class], std::cmp::Reverse(class)))
    else {
        return Vec::new();
    };
    let name = |class: usize| evidence.spec.classes[class].as_str();
    let names: Vec<&str> = never.iter().map(|&class| name(class)).collect();
    let images: u64 = never.iter().map(|&class| predicted.actual[class]).sum();
    let total: u64 = predicted.actual.iter().sum();
    let split = crate::domain::edits::split_title(predicted.split);
    let untrained: Vec<&str> = never
        .iter()
        .filter(|&&class| {
            evidence.splits.as_ref().is_some_and(|splits| splits.train.classes.get(class) == Some(&0))
        })
        .map(|&class| name(class))
        .collect();
    let has = if images == 1 { "has" } else { "have" };
    let mut sentence = format!(
        "{} of the {split} split {has} the class {}, and no image is predicted as it.",
        counted(images, "image", "images"),
        listed(&names)
    );
    if never.len() > 1 {
        sentence = sentence
            .replace("the class ", "the classes ")
            .replace("predicted as it", "predicted as one of them");
    }
    if !untrained.is_empty() {
        sentence += &format!(" There was no training image of {}.", listed(&untrained));
    }
    let title = format!("Never predicted: {}", listed(&names));
    vec![Finding {
        kind: Kind::ClassNeverPredicted,
        stake: images as f64 / total.max(1) as f64,
        certainty: 0.95,
        fix: Some(Fix {
            label: format!("Look at the images of {}", name(first)),
            action: Action::EditImages { class: Some(name(first).to_owned()), split: None },
        }),
        ..Finding::training_alarm(
            "class_never_predicted",
            &title,
            sentence,
            Place::Predictions { split: predicted.split, actual: name(first).to_owned() },
        )
    }]
}
