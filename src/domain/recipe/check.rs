//! What no field alone can tell: which values contradict each other, or would be without effect.
#![expect(clippy::disallowed_methods, reason = "synchronous, and called where waiting is allowed")]

use super::defaults::asks_for;
use super::table::{AUGMENTATION, MIXING};
use super::{FIELDS, FieldErrors, Normalization, Values};
use crate::domain::dataset::DatasetFacts;
use protocol::sample::Split;
use protocol::schedule::SCHEDULES;
use protocol::spec::Model;
use protocol::transform::{Pipeline, TransformSpec};
use protocol::weights::{WEIGHTS, WeightsEntry};
use serde_json::Value;

/// The fields that a pipeline of one's own replaces.
pub const REPLACED: [&str; 6] =
    ["normalization", "flip", "crop_padding", "random_resized_crop", "rotation", "color_jitter"];

/// All checks of values that are each valid.
pub(super) fn check_together(
    given: &Values,
    values: &Values,
    facts: &DatasetFacts,
    errors: &mut FieldErrors,
) {
    check_weights(values, facts, errors);
    check_training(values, facts, errors);
    check_training_effect(given, values, facts, errors);
    check_effect(given, errors);
    check_image_size(values, errors);
}

fn text<'a>(values: &'a Values, name: &str) -> &'a str {
    values.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(values: &Values, name: &str) -> f64 {
    values.get(name).and_then(Value::as_f64).unwrap_or(0.0)
}

fn check_training(values: &Values, facts: &DatasetFacts, errors: &mut FieldErrors) {
    let mut refuse = |name: &str, why: String| {
        errors.insert(name.into(), why);
    };
    if !trains(values) {
        if text(values, "weights").is_empty() {
            refuse("weights", "There must be weights to evaluate: choose some, or name their file".into());
        }
        if evaluated_splits(values).iter().all(|split| facts.count(*split) == 0) {
            refuse("evaluate_on", format!("“{}” has no images there", facts.name));
        }
        return;
    }
    if number(values, "epochs") == 0.0 {
        refuse("epochs", "A network that is to learn needs an epoch or more".into());
    }
    if text(values, "evaluate_on") != "val-test" {
        refuse("evaluate_on", "This has no effect in a run that trains: leave it out".into());
    }
    if facts.count(Split::Train) < 2 {
        refuse("dataset", format!("“{}” has no training images to learn from", facts.name));
    }
    if number(values, "crop_padding") > 0.0 && number(values, "random_resized_crop") > 0.0 {
        refuse(
            "crop_padding",
            "Crop with padding and random resized crop exclude each other: set one of them to 0".into(),
        );
    }
    let has_warmup = SCHEDULES.iter().any(|entry| entry.name == text(values, "schedule") && entry.has_warmup);
    if has_warmup && number(values, "warmup_epochs") > 0.0 {
        refuse(
            "warmup_epochs",
            "One-cycle has its own warm-up: set this to 0, or choose another schedule".into(),
        );
    }
    if number(values, "warmup_epochs") > number(values, "epochs") {
        refuse("warmup_epochs", "The warm-up is longer than the run".into());
    }
    if text(values, "sampling") == "balanced" && text(values, "class_weights") == "inverse" {
        refuse(
            "class_weights",
            "With as many images of each class in an epoch, rare ones would count twice: choose one of the two"
                .into(),
        );
    }
    if number(values, "patience") > 0.0 && number(values, "patience") >= number(values, "epochs") {
        refuse("patience", "The run has no more epochs than this, so it would never end early".into());
    }
    let apart = number(values, "head_epochs") + number(values, "unfreeze_epochs");
    if text(values, "training") == "fine-tune" && apart > 0.0 && apart >= number(values, "epochs") {
        refuse(
            "head_epochs",
            "With the epochs of unfreezing these leave none in which all layers learn: give the run more epochs, or make these fewer"
                .into(),
        );
    }
}

fn check_weights(values: &Values, facts: &DatasetFacts, errors: &mut FieldErrors) {
    let (weights, training) = (text(values, "weights"), text(values, "training"));
    let problem = if weights.is_empty() {
        let needs_some = training == "head" || training == "fine-tune";
        needs_some
            .then(|| "Choose the weights to start from, or let the network learn from nothing".to_owned())
    } else if training == "scratch" {
        Some(
            "A network that learns from nothing takes no weights: leave them out, or fine-tune them"
                .to_owned(),
        )
    } else if let Some(entry) = WeightsEntry::find(weights) {
        if text(values, "model") != entry.model.entry().name {
            Some(format!("These weights are for the model {}", entry.model.entry().name))
        } else if !facts.weights.contains(&entry.name) {
            Some(format!(
                "These weights are not on this machine yet: fetch them first ({} MB)",
                entry.source.bytes / 1_000_000
            ))
        } else {
            None
        }
    } else {
        check_file(weights)
    };
    if let Some(problem) = problem {
        errors.entry("weights".into()).or_insert(problem);
    }
}

fn check_file(path: &str) -> Option<String> {
    let path = std::path::Path::new(path);
    if !path.is_absolute() {
        let names: Vec<&str> = WEIGHTS.iter().map(|entry| entry.name).collect();
        Some(format!("Give a whole path, from the root of the file system, or one of {}", names.join(", ")))
    } else if !path.is_file() {
        Some(format!("There is no file {} on the server's machine", path.display()))
    } else {
        None
    }
}

fn check_training_effect(given: &Values, values: &Values, facts: &DatasetFacts, errors: &mut FieldErrors) {
    let usual = super::defaults(facts);
    for field in FIELDS.iter().filter(|field| !field.when.holds(values)) {
        let is_changed = given.get(field.name).is_some_and(|value| Some(value) != usual.get(field.name));
        if let (true, Some(place)) = (is_changed, field.when.place()) {
            let why = || format!("This counts only {place}: leave it out");
            errors.entry(field.name.into()).or_insert_with(why);
        }
    }
    if text(values, "training") == "head" && number(values, "draws") == 0.0 {
        let why = "Without draws each image is taken once, as in evaluation: set draws to 1 or more, or leave this out";
        for name in AUGMENTATION.into_iter().chain(MIXING).filter(|name| asks_for(values, &[name])) {
            errors.entry(name.into()).or_insert_with(|| why.into());
        }
        if values.get("train_transforms").is_some_and(Value::is_array) {
            errors.entry("train_transforms".into()).or_insert_with(|| why.into());
        }
    }
    if text(values, "training") == "head" && number(values, "draws") > 0.0 {
        for name in MIXING.into_iter().filter(|name| asks_for(values, &[name])) {
            let why = "The last layer alone learns from images one by one: leave mixing out, or fine-tune";
            errors.entry(name.into()).or_insert_with(|| why.into());
        }
    }
}

/// What a pipeline of one's own would silently replace.
fn check_effect(given: &Values, errors: &mut FieldErrors) {
    if given.get("train_transforms").is_none_or(Value::is_null) {
        return;
    }
    for name in REPLACED {
        if given.get(name).is_some_and(|value| value != "off" && value.as_f64() != Some(0.0)) {
            errors
                .entry(name.into())
                .or_insert_with(|| "This has no effect beside training transforms: leave it out".into());
        }
    }
}

fn check_image_size(values: &Values, errors: &mut FieldErrors) {
    let Some(size) = values.get("image_size").and_then(Value::as_u64) else { return };
    let model: Option<Model> =
        values.get("model").and_then(|model| serde_json::from_value(model.clone()).ok());
    if let Some(entry) = model.map(Model::entry) {
        let (least, step) = (u64::from(entry.min_image_size), u64::from(entry.image_size_step));
        if size < least {
            errors.insert("image_size".into(), format!("This model takes images of at least {least} pixels"));
        } else if !size.is_multiple_of(step) {
            let near = size / step * step;
            errors.insert(
                "image_size".into(),
                format!(
                    "This model cuts images in patches of {step} pixels: use {near} or {} pixels",
                    near + step
                ),
            );
        }
    }
    let sides = ["train_transforms", "eval_transforms"].map(|field| {
        let steps = read_pipeline(values, field)?;
        match steps.and_then(|steps| side_of(&steps)) {
            Ok(side) => Some(side),
            Err(why) => {
                errors.insert(field.into(), why);
                None
            }
        }
    });
    match sides {
        [Some(train), Some(eval)] if train != eval => {
            errors.insert(
                "eval_transforms".into(),
                format!("These end at {eval} pixels, but the training transforms end at {train}"),
            );
        }
        [train, eval] => {
            if let Some(side) = train.or(eval).filter(|side| u64::from(*side) != size) {
                let which = if train.is_some() { "training" } else { "evaluation" };
                errors.entry("image_size".into()).or_insert_with(|| {
                    format!("The {which} transforms end at {side} pixels, not {size}: use {side} here")
                });
            }
        }
    }
}

/// The image size at which the pipelines among the values end, where that is not the size that stands there.
pub fn fitting_image_size(values: &Values) -> Option<u32> {
    let side = |field| side_of(&read_pipeline(values, field)?.ok()?).ok();
    let (train, eval) = (side("train_transforms"), side("eval_transforms"));
    if train.is_some() && eval.is_some() && train != eval {
        return None;
    }
    train.or(eval).filter(|side| values.get("image_size") != Some(&Value::from(*side)))
}

/// A pipeline of one's own; `None` where there is none.
pub(super) fn read_pipeline(values: &Values, field: &str) -> Option<Result<Pipeline, String>> {
    let given = values.get(field).filter(|given| !given.is_null())?;
    Some(serde_json::from_value::<Pipeline>(given.clone()).map_err(|error| error.to_string()))
}

fn side_of(steps: &[TransformSpec]) -> Result<u32, String> {
    vision::check(steps).map_err(|error| error.to_string())?;
    vision::output_side(steps)
        .ok_or_else(|| "These do not end at a square of a fixed size: add a crop".to_owned())
}

/// Whether the values describe a run that learns.
pub(super) fn trains(values: &Values) -> bool {
    values.get("training").is_some_and(|training| training != "none")
}

/// The splits that are evaluated where nothing is trained.
pub(super) fn evaluated_splits(values: &Values) -> Vec<Split> {
    match text(values, "evaluate_on") {
        "train" => vec![Split::Train],
        "val" => vec![Split::Val],
        "test" => vec![Split::Test],
        _ => vec![Split::Val, Split::Test],
    }
}

/// The normalisation that the field asks for.
pub(super) fn check_normalization(
    values: &Values,
    facts: &DatasetFacts,
    errors: &mut FieldErrors,
) -> Option<TransformSpec> {
    let step = Normalization::from_word(text(values, "normalization"))?.step(facts.channels);
    if step.is_none() {
        errors.entry("normalization".into()).or_insert_with(|| {
            "The data set’s own mean and std are not known, since it could not be measured: choose others"
                .into()
        });
    }
    step
}
