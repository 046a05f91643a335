//! Validation images that differ from training images by how the splits were made, so that accuracy says little.

use super::split_figures::{OfSplit, Spread};
use super::words::{counted, listed, percent, short};
use super::{Action, Evidence, Finding, Fix, Kind, Place};
use crate::domain::edits::split_title;
use crate::domain::measure::Measure;
use protocol::sample::Split;

/// Half of the images of one split lie where the other has none. Splits that are drawn by chance differ by a fifth at 100 images.
const FAR: f64 = 0.5;
/// And more than chance gives splits of this size once in a thousand times (Kolmogorov and Smirnov's critical value).
const CRITICAL: f64 = 1.95;
/// So few images say nothing of how a split was made.
const ENOUGH_IMAGES: u64 = 10;

pub(super) fn detect(evidence: &Evidence) -> Vec<Finding> {
    let Some(splits) = evidence.splits.as_ref().filter(|_| evidence.spec.trains()) else { return Vec::new() };
    let (train, val) = (&splits.train, &splits.val);
    let count = |split: &OfSplit| split.classes.iter().sum::<u64>();
    if count(train) == 0 || count(val) == 0 {
        return Vec::new();
    }
    let mut findings = Vec::new();
    findings.extend(missing(evidence, (Split::Train, train), (Split::Val, val)));
    findings.extend(missing(evidence, (Split::Val, val), (Split::Train, train)));
    let sizes = |pixels: f64| format!("{} pixels", short(pixels));
    findings.extend(far("image_sizes_differ", "sizes", Measure::Pixels, sizes, &train.pixels, &val.pixels));
    if splits.is_measured {
        let levels = |brightness: f64| format!("{brightness:.0} of 255");
        findings.extend(far(
            "brightness_differs",
            "brightness",
            Measure::Brightness,
            levels,
            &train.brightness,
            &val.brightness,
        ));
    }
    findings
}

/// Classes that `here` has no image of and `there` has.
fn missing(evidence: &Evidence, here: (Split, &OfSplit), there: (Split, &OfSplit)) -> Option<Finding> {
    let of = |split: &OfSplit, class: usize| split.classes.get(class).copied().unwrap_or(0);
    let classes: Vec<usize> = (0..evidence.spec.classes.len())
        .filter(|&class| of(here.1, class) == 0 && of(there.1, class) > 0)
        .collect();
    let names: Vec<&str> = classes.iter().map(|&class| evidence.spec.classes[class].as_str()).collect();
    let first = (*names.first()?).to_owned();
    let images: u64 = classes.iter().map(|&class| of(there.1, class)).sum();
    let total: u64 = there.1.classes.iter().sum();
    // The size of a class counts: one image of a rare class that chance gave to one split is no gap by construction.
    if here.0 == Split::Val && classes.iter().all(|&class| of(there.1, class) < ENOUGH_IMAGES) {
        return None;
    }
    let is_one = names.len() == 1;
    let (alarm, title, follows) = match here.0 {
        Split::Train => (
            "class_without_training",
            "No training image",
            "so nothing of it can be learned, and its validation images count as mistakes",
        ),
        _ => ("class_without_validation", "No validation image", "so validation says nothing of it"),
    };
    let title = format!("{title}: {}", listed(&names));
    let follows = if is_one {
        follows.to_owned()
    } else {
        follows.replace("of it", "of them").replace("its ", "their ")
    };
    let (there, here) = (split_title(there.0), split_title(here.0));
    let images_there = counted(images, &format!("{there} image"), &format!("{there} images"));
    let has = if is_one { "has" } else { "have" };
    let sentence = format!("{} {has} {images_there} and no {here} image, {follows}.", listed(&names));
    Some(Finding {
        kind: Kind::SplitGap,
        stake: images as f64 / total.max(1) as f64,
        certainty: 1.0,
        fix: Some(Fix {
            label: format!("Move images of {first} between the splits"),
            action: Action::EditImages { class: Some(first.clone()), split: None },
        }),
        ..Finding::training_alarm(alarm, &title, sentence, Place::Images { class: Some(first), split: None })
    })
}

/// A figure by which the two splits hardly overlap.
fn far(
    alarm: &str,
    what: &str,
    measure: Measure,
    word: impl Fn(f64) -> String,
    train: &Spread,
    val: &Spread,
) -> Option<Finding> {
    let distance = train.distance(val);
    let (n, m) = (train.count as f64, val.count as f64);
    let is_enough = train.count >= ENOUGH_IMAGES && val.count >= ENOUGH_IMAGES;
    if !is_enough || distance < FAR.max(CRITICAL * ((n + m) / (n * m)).sqrt()) {
        return None;
    }
    let sentence = format!(
        "The median is {} in training and {} in validation, and {} of the images lie on different sides of a value: the two splits were made \
         in different ways, so validation accuracy may say little of images like those of training, and the reverse.",
        word(train.median()?),
        word(val.median()?),
        percent(distance)
    );
    Some(Finding {
        kind: Kind::SplitGap,
        stake: distance * 0.7,
        certainty: 0.9,
        fix: Some(Fix {
            label: "Look at the validation images".to_owned(),
            action: Action::EditImages { class: None, split: Some(Split::Val) },
        }),
        ..Finding::training_alarm(
            alarm,
            &format!("Training and validation differ in {what}"),
            sentence,
            Place::Spread { measure: measure.as_str().to_owned() },
        )
    })
}
