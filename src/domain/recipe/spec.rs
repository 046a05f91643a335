//! Values of the fields → a [`RunSpec`].

use super::check::{check_normalization, check_together, evaluated_splits, read_pipeline, trains};
use super::defaults::defaults_beside;
use super::{Field, FieldErrors, Preset, Values};
use crate::domain::dataset::DatasetFacts;
use protocol::spec::{FineTune, Loss, Mixing, RunSpec, SampleKeys, Selection, Task, Training, Updates};
use protocol::transform::{Pipeline, TransformSpec};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A run that can be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// What to call it.
    pub name: String,
    /// What to do.
    pub spec: RunSpec,
}

/// The run that these values describe; a field that is absent has its default.
///
/// # Errors
/// Every field that is unknown, of the wrong type, out of bounds, or that would be without effect.
pub fn recipe_from_values(given: &Values, facts: &DatasetFacts) -> Result<Recipe, FieldErrors> {
    let mut errors = FieldErrors::new();
    let given = with_current_names(given);
    let values = with_defaults(&given, facts, &mut errors);
    check_together(&given, &values, facts, &mut errors);
    let normalize = check_normalization(&values, facts, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let train_transforms = match read_pipeline(&values, "train_transforms") {
        Some(own) => own.map_err(|why| refusal("train_transforms", why))?,
        None => [train_steps(&values)?, normalize.into_iter().collect()].concat(),
    };
    let image_size = read(&values, "image_size")?;
    let eval_transforms = match read_pipeline(&values, "eval_transforms") {
        Some(own) => own.map_err(|why| refusal("eval_transforms", why))?,
        None => standard_evaluation(image_size, &train_transforms),
    };
    let training = training(&values)?;
    // Without draws images are loaded as in evaluation, and the spec says so.
    let train_transforms =
        if training == (Training::Head { draws: 0 }) { eval_transforms.clone() } else { train_transforms };
    let weights: String = read(&values, "weights")?;
    let spec = RunSpec {
        dataset: facts.name.clone(),
        fingerprint: facts.fingerprint.clone(),
        classes: facts.classes.iter().map(|class| class.name.clone()).collect(),
        model: read(&values, "model")?,
        task: if trains(&values) {
            Task::Train
        } else {
            Task::Evaluate { splits: evaluated_splits(&values) }
        },
        weights: (!weights.is_empty()).then_some(weights),
        training,
        image_size,
        epochs: if trains(&values) { read(&values, "epochs")? } else { 0 },
        pause_after_epoch: None,
        batch_size: read(&values, "batch_size")?,
        optimizer: read(&values, "optimizer")?,
        learning_rate: read(&values, "learning_rate")?,
        weight_decay: read(&values, "weight_decay")?,
        decay_scope: read(&values, "decay_scope")?,
        loss: Loss {
            label_smoothing: read(&values, "label_smoothing")?,
            class_weights: read(&values, "class_weights")?,
            focal_gamma: read(&values, "focal_gamma")?,
        },
        sampling: read(&values, "sampling")?,
        updates: Updates {
            accumulate: read(&values, "accumulate")?,
            clip_norm: read(&values, "clip_norm")?,
            average_decay: read(&values, "average_decay")?,
        },
        selection: Selection { best_by: read(&values, "best_by")?, patience: read(&values, "patience")? },
        schedule: read(&values, "schedule")?,
        warmup_epochs: read(&values, "warmup_epochs")?,
        train_transforms,
        mixing: Mixing { mixup: read(&values, "mixup")?, cutmix: read(&values, "cutmix")? },
        eval_transforms,
        seed: read(&values, "seed")?,
        sample_keys: SampleKeys::Path,
        device: read(&values, "device")?,
        precision: read(&values, "precision")?,
        threads: read(&values, "threads")?,
        capture_every_steps: read(&values, "capture_every")?,
    };
    let name: String = read(&values, "name")?;
    let name = match name.trim() {
        "" => format!("{} on {}", read::<String>(&values, "model")?, facts.name),
        name => name.to_owned(),
    };
    Ok(Recipe { name, spec })
}

fn training(values: &Values) -> Result<Training, FieldErrors> {
    Ok(match read::<String>(values, "training")?.as_str() {
        "head" => Training::Head { draws: read(values, "draws")? },
        "fine-tune" => Training::FineTune(FineTune {
            head_epochs: read(values, "head_epochs")?,
            unfreeze_epochs: read(values, "unfreeze_epochs")?,
            rate_decay: read(values, "rate_decay")?,
            keep_norm_statistics: values.get("norm_statistics").is_some_and(|choice| choice == "keep"),
        }),
        _ => Training::Scratch,
    })
}

fn with_current_names(given: &Values) -> Values {
    let current = |(name, value): (&String, &Value)| {
        (Field::find(name).map_or(name.clone(), |field| field.name.to_owned()), value.clone())
    };
    given.iter().map(current).collect()
}

/// What is given and valid, and the defaults for the rest.
fn with_defaults(given: &Values, facts: &DatasetFacts, errors: &mut FieldErrors) -> Values {
    let mut values = defaults_beside(given, facts);
    for (name, value) in given {
        let checked = match Field::find(name) {
            None => Err(format!("There is no field “{name}”")),
            Some(field) => field.field_type.check(value),
        };
        match checked {
            Ok(()) => {
                values.insert(name.clone(), value.clone());
            }
            Err(why) => {
                errors.insert(name.clone(), why);
            }
        }
    }
    // A crop that was asked for replaces the other kind of crop where that is only a default.
    for (asked, other) in [("crop_padding", "random_resized_crop"), ("random_resized_crop", "crop_padding")] {
        if given.contains_key(asked) && !given.contains_key(other) {
            values.insert(other.into(), Value::from(0));
        }
    }
    values
}

fn refusal(field: &str, why: impl Into<String>) -> FieldErrors {
    FieldErrors::from([(field.to_owned(), why.into())])
}

/// A checked value as the spec has it. That every value that passes the checks can be read is held by a test; should
/// a field and the spec drift apart all the same, the field is named rather than the request lost.
fn read<T: DeserializeOwned>(values: &Values, name: &str) -> Result<T, FieldErrors> {
    let value = values.get(name).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|error| refusal(name, error.to_string()))
}

/// How an image is loaded for evaluation: the centre square, normalised as in training, also where a training pipeline
/// of one's own brings the figures.
pub fn standard_evaluation(image_size: u32, train_transforms: &[TransformSpec]) -> Pipeline {
    let normalize =
        train_transforms.iter().rev().find(|step| matches!(step, TransformSpec::Normalize { .. }));
    [Preset::None.steps(image_size), normalize.into_iter().cloned().collect()].concat()
}

/// The training pipeline that the fields ask for, without the normalisation.
pub(super) fn train_steps(values: &Values) -> Result<Pipeline, FieldErrors> {
    let size: u32 = read(values, "image_size")?;
    let padding: u32 = read(values, "crop_padding")?;
    let least_area: f64 = read(values, "random_resized_crop")?;
    let degrees: f64 = read(values, "rotation")?;
    let jitter: f64 = read(values, "color_jitter")?;
    let mut steps = Pipeline::new();
    if least_area > 0.0 {
        steps.push(TransformSpec::random_resized_crop(size, [least_area, 1.0], [3.0 / 4.0, 4.0 / 3.0]));
    } else {
        steps.push(TransformSpec::resize(size));
        steps.push(match padding {
            0 => TransformSpec::CenterCrop { size },
            padding => TransformSpec::random_crop(size, padding),
        });
    }
    if values.get("flip").is_some_and(|flip| flip == "on") {
        steps.push(TransformSpec::HorizontalFlip { probability: 0.5 });
    }
    if degrees > 0.0 {
        steps.push(TransformSpec::rotation(degrees));
    }
    if jitter > 0.0 {
        steps.push(TransformSpec::ColorJitter {
            brightness: jitter,
            contrast: jitter,
            saturation: jitter,
            hue: jitter / 4.0,
        });
    }
    Ok(steps)
}
