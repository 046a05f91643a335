//! Values of the fields → a [`RunSpec`].

use super::presets::{Normalization, Preset};
use super::{Field, FieldErrors, Values};
use crate::domain::dataset::DatasetFacts;
use protocol::sample::Split;
use protocol::spec::{Mixing, RunSpec};
use protocol::transform::{Pipeline, TransformSpec};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A run that can be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// What to call it.
    pub name: String,
    /// What to do.
    pub spec: RunSpec,
}

/// Values with which *Start* at once gives a sensible run on this data set, for every field that has one.
pub fn defaults(facts: &DatasetFacts) -> Values {
    let train = facts.count(Split::Train).max(1);
    let small = facts.median_side <= 40;
    let image_size = if small { 32 } else { 64 };
    // Enough passes for a small set to be learned, few enough for a large one to end: about 40,000 images.
    let epochs = (40_000 / train).clamp(4, 40);
    let batch_size = match train {
        0..2_000 => 32,
        2_000..20_000 => 64,
        _ => 128,
    };
    // The steps of an epoch, so that a few batches are kept from each.
    let steps = train.div_ceil(batch_size);
    let Value::Object(values) = json!({
        "name": "",
        "model": "small-cnn",
        "weights": "",
        "image_size": image_size,
        "normalization": Normalization::ImageNet.as_str(),
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": "adamw",
        "learning_rate": 0.003,
        "weight_decay": 0.05,
        "schedule": "one-cycle",
        "warmup_epochs": 0.0,
        "flip": "on",
        "crop_padding": if small { 4 } else { 0 },
        "random_resized_crop": if small || facts.median_side < 100 { 0.0 } else { 0.35 },
        "rotation": 0.0,
        "color_jitter": 0.0,
        "mixup": 0.0,
        "cutmix": 0.0,
        "seed": 0,
        "device": "auto",
        "precision": "auto",
        "threads": 0,
        "evaluate_on": "val-test",
        "capture_every": steps.div_ceil(2).max(20),
    }) else {
        unreachable!("an object literal is an object")
    };
    values
}

/// The run that these values describe; a field that is absent has its default.
///
/// # Errors
/// Every field that is unknown, of the wrong type, out of bounds, or that would be without effect.
pub fn recipe_from_values(given: &Values, facts: &DatasetFacts) -> Result<Recipe, FieldErrors> {
    let mut errors = FieldErrors::new();
    let mut values = defaults(facts);
    let current = |(name, value): (&String, &Value)| {
        (Field::find(name).map_or(name.clone(), |field| field.name.to_owned()), value.clone())
    };
    let given = &given.iter().map(current).collect::<Values>();
    for (name, value) in given {
        match Field::find(name) {
            None => {
                errors.insert(name.clone(), format!("there is no field “{name}”"));
            }
            Some(field) => match field.field_type.check(value) {
                Ok(()) => {
                    values.insert(name.clone(), value.clone());
                }
                Err(why) => {
                    errors.insert(name.clone(), why);
                }
            },
        }
    }
    // A crop that was asked for replaces the other field_type of crop where that is only a default.
    for (asked, other) in [("crop_padding", "random_resized_crop"), ("random_resized_crop", "crop_padding")] {
        if given.contains_key(asked) && !given.contains_key(other) {
            values.insert(other.into(), Value::from(0));
        }
    }
    check_weights(&values, &mut errors);
    check_together(&values, facts, &mut errors);
    check_effect(given, &mut errors);
    let normalize = normalize(&values, facts, &mut errors);
    let train_transforms = pipeline(&values, "train_transforms", &mut errors, || {
        [train_steps(&values), normalize.iter().cloned().collect()].concat()
    });
    // Evaluated by the figures that it learns by, also where its own pipeline brings them.
    let learnt_by =
        train_transforms.iter().rev().find(|step| matches!(step, TransformSpec::Normalize { .. }));
    let eval_transforms = pipeline(&values, "eval_transforms", &mut errors, || {
        let size = read(&values, "image_size");
        [Preset::None.steps(size), learnt_by.into_iter().cloned().collect()].concat()
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let model: String = read(&values, "model");
    let name: String = read::<String>(&values, "name").trim().to_owned();
    let weights: String = read(&values, "weights");
    let spec = RunSpec {
        dataset: facts.name.clone(),
        fingerprint: facts.fingerprint.clone(),
        classes: facts.classes.iter().map(|class| class.name.clone()).collect(),
        model: read(&values, "model"),
        weights: (!weights.is_empty()).then_some(weights),
        image_size: read(&values, "image_size"),
        epochs: read(&values, "epochs"),
        batch_size: read(&values, "batch_size"),
        optimizer: read(&values, "optimizer"),
        learning_rate: read(&values, "learning_rate"),
        weight_decay: read(&values, "weight_decay"),
        schedule: read(&values, "schedule"),
        warmup_epochs: read(&values, "warmup_epochs"),
        train_transforms,
        mixing: Mixing { mixup: read(&values, "mixup"), cutmix: read(&values, "cutmix") },
        eval_transforms,
        seed: read(&values, "seed"),
        device: read(&values, "device"),
        precision: read(&values, "precision"),
        threads: read(&values, "threads"),
        capture_every_steps: read(&values, "capture_every"),
        evaluate_splits: evaluated_splits(&values),
    };
    let name = if name.is_empty() { format!("{model} on {}", facts.name) } else { name };
    Ok(Recipe { name, spec })
}

/// What no field alone can tell.
fn check_together(values: &Values, facts: &DatasetFacts, errors: &mut FieldErrors) {
    let number = |name: &str| values.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    if number("epochs") == 0.0 {
        if values["weights"] == "" {
            errors.insert(
                "weights".into(),
                "with 0 epochs there must be weights to evaluate; name their file".into(),
            );
        }
        if evaluated_splits(values).iter().all(|split| facts.count(*split) == 0) {
            errors.insert("evaluate_on".into(), format!("“{}” has no images there", facts.name));
        }
        return;
    }
    if values["evaluate_on"] != "val-test" {
        errors.insert("evaluate_on".into(), "is without effect in a run that trains; leave it out".into());
    }
    if facts.count(Split::Train) < 2 {
        errors.insert("dataset".into(), format!("“{}” has no training images to learn from", facts.name));
    }
    if number("crop_padding") > 0.0 && number("random_resized_crop") > 0.0 {
        errors.insert(
            "crop_padding".into(),
            "crop with padding and random resized crop exclude each other; set one to 0".into(),
        );
    }
    if values["schedule"] == "one-cycle" && number("warmup_epochs") > 0.0 {
        errors.insert(
            "warmup_epochs".into(),
            "one cycle has its own rise; set the warm-up to 0 or choose another schedule".into(),
        );
    }
    if number("warmup_epochs") > number("epochs") {
        errors.insert("warmup_epochs".into(), "the warm-up is longer than the run".into());
    }
}

fn check_weights(values: &Values, errors: &mut FieldErrors) {
    if let Some(path) = values.get("weights").and_then(Value::as_str).filter(|path| !path.is_empty()) {
        let path = std::path::Path::new(path);
        if !path.is_absolute() {
            errors.insert("weights".into(), "give the whole path, from the root of the file system".into());
        } else if !path.is_file() {
            errors.insert(
                "weights".into(),
                format!("there is no file {} on the server's machine", path.display()),
            );
        }
    }
}

/// The fields whose part a pipeline of one's own takes over.
pub const REPLACED: [&str; 6] =
    ["normalization", "flip", "crop_padding", "random_resized_crop", "rotation", "color_jitter"];

/// What a hand-written pipeline would silently replace.
fn check_effect(given: &Values, errors: &mut FieldErrors) {
    if given.get("train_transforms").is_none_or(Value::is_null) {
        return;
    }
    for name in REPLACED {
        if given.get(name).is_some_and(|value| value != "off" && value.as_f64() != Some(0.0)) {
            errors
                .entry(name.into())
                .or_insert_with(|| "would be without effect beside train_transforms; leave it out".into());
        }
    }
}

fn read<T: DeserializeOwned>(values: &Values, name: &str) -> T {
    serde_json::from_value(values[name].clone())
        .expect("the field was checked against its field_type, which fits the spec's type")
}

/// The last step, as the field asks for it.
fn normalize(values: &Values, facts: &DatasetFacts, errors: &mut FieldErrors) -> Option<TransformSpec> {
    let step = values["normalization"].as_str().and_then(Normalization::from_word)?.step(facts.channels);
    if step.is_none() {
        errors.entry("normalization".into()).or_insert_with(|| {
            "the data set’s own figures are not known: it could not be measured; choose others".into()
        });
    }
    step
}

fn pipeline(
    values: &Values,
    field: &str,
    errors: &mut FieldErrors,
    standard: impl FnOnce() -> Pipeline,
) -> Pipeline {
    let given = match values.get(field) {
        None | Some(Value::Null) if errors.is_empty() => return standard(),
        None | Some(Value::Null) => return Pipeline::new(), // the errors are reported, not the pipeline
        Some(given) => given,
    };
    let image_size = values["image_size"].as_u64();
    let checked = serde_json::from_value::<Pipeline>(given.clone())
        .map_err(|error| error.to_string())
        .and_then(|steps| {
            vision::check(&steps).map_err(|error| error.to_string())?;
            match vision::output_side(&steps) {
                Some(side) if Some(u64::from(side)) == image_size => Ok(steps),
                Some(side) => {
                    Err(format!("ends at {side} pixels, but the image size is {}", values["image_size"]))
                }
                None => Err("does not end at a square of a fixed size; add a crop".into()),
            }
        });
    checked.unwrap_or_else(|why| {
        errors.insert(field.to_owned(), why);
        Pipeline::new()
    })
}

fn evaluated_splits(values: &Values) -> Vec<Split> {
    match values["evaluate_on"].as_str() {
        Some("train") => vec![Split::Train],
        Some("val") => vec![Split::Val],
        Some("test") => vec![Split::Test],
        _ => vec![Split::Val, Split::Test],
    }
}

/// What the fields ask for, without the normalisation.
fn train_steps(values: &Values) -> Pipeline {
    let size: u32 = read(values, "image_size");
    let padding: u32 = read(values, "crop_padding");
    let least_area: f64 = read(values, "random_resized_crop");
    let degrees: f64 = read(values, "rotation");
    let jitter: f64 = read(values, "color_jitter");
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
    if values["flip"] == "on" {
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
    steps
}

#[cfg(test)]
mod tests {
    use super::super::values_from_text;
    use super::*;
    use crate::domain::dataset::ClassCount;
    use crate::domain::overview::ChannelFigures;

    fn facts() -> DatasetFacts {
        let class = |name: &str| ClassCount { label: 0, name: name.into(), by_split: [400, 100, 0] };
        DatasetFacts {
            name: "pets".into(),
            fingerprint: "f".into(),
            classes: vec![class("cat"), class("dog")],
            median_side: 334,
            channels: None,
        }
    }

    fn refusal(pairs: &[(&str, &str)]) -> Vec<String> {
        let (values, mut errors) = values_from_text(pairs.iter().copied());
        if let Err(more) = recipe_from_values(&values, &facts()) {
            errors.extend(more);
        }
        errors.into_iter().map(|(field, why)| format!("{field}: {why}")).collect()
    }

    #[test]
    fn defaults_make_a_run() {
        let recipe = recipe_from_values(&Values::new(), &facts()).expect("defaults are valid");
        assert_eq!(recipe.name, "small-cnn on pets");
        assert_eq!(recipe.spec.image_size, 64);
        assert_eq!(vision::output_side(&recipe.spec.train_transforms), Some(64));
        assert_eq!(vision::output_side(&recipe.spec.eval_transforms), Some(64));
        assert_eq!(recipe.spec.classes, ["cat", "dog"]);
    }

    #[test]
    fn every_field_with_a_default_accepts_its_default() {
        for (name, value) in defaults(&facts()) {
            let field = Field::find(&name).expect("a default belongs to a field");
            field.field_type.check(&value).expect("a default is valid");
        }
    }

    #[test]
    fn a_former_name_of_a_field_is_read() {
        let evaluate = |name: &str| {
            let pairs = [("epochs", "0"), ("weights", "/"), (name, "test")];
            recipe_from_values(&values_from_text(pairs).0, &facts())
        };
        assert_eq!(evaluate("judge"), evaluate("evaluate_on"));
        assert!(values_from_text([("judge", "test")]).0.contains_key("evaluate_on"));
    }

    #[test]
    fn what_is_wrong_is_said_beside_its_field() {
        assert_eq!(refusal(&[("epochs", "three")]), ["epochs: “three” is not a whole number from 0 to 1000"]);
        assert_eq!(refusal(&[("epochs", "1001")]), ["epochs: 1001 is not a whole number from 0 to 1000"]);
        assert_eq!(refusal(&[("speed", "fast")]), ["speed: there is no field “speed”"]);
        assert_eq!(
            refusal(&[("learning_rate", "NaN")]),
            ["learning_rate: “NaN” is not a number from 0.00000001 to 10000000"]
        );
        assert_eq!(refusal(&[("optimizer", "adam")]), ["optimizer: \"adam\" is not one of sgd, adamw"]);
        assert_eq!(
            refusal(&[("weights", "w.safetensors")]),
            ["weights: give the whole path, from the root of the file system"]
        );
    }

    #[test]
    fn settings_without_effect_are_refused() {
        assert_eq!(refusal(&[("crop_padding", "4")]), Vec::<String>::new());
        assert_eq!(refusal(&[("crop_padding", "4"), ("random_resized_crop", "0.5")]).len(), 1);
        assert_eq!(refusal(&[("warmup_epochs", "1")]).len(), 1);
        let transforms = r#"[{"name": "resize_exact", "size": 64}]"#;
        assert_eq!(refusal(&[("train_transforms", transforms)]), Vec::<String>::new());
        assert_eq!(refusal(&[("train_transforms", transforms), ("rotation", "5")]).len(), 1);
    }

    #[test]
    fn evaluation_normalises_as_training_does() {
        let own = ChannelFigures { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.1], samples: 800 };
        let facts = DatasetFacts { channels: Some(own), ..facts() };
        let last = |values: Value| {
            let Value::Object(values) = values else { unreachable!() };
            let spec = recipe_from_values(&values, &facts).unwrap().spec;
            [spec.train_transforms, spec.eval_transforms].map(|steps| steps.last().unwrap().clone())
        };
        let by = |mean, std| TransformSpec::Normalize { mean, std };
        let imagenet = by([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
        assert_eq!(last(json!({})), [imagenet.clone(), imagenet]);
        let by_own = by([0.5, 0.4, 0.3], [0.2, 0.2, 0.1]);
        assert_eq!(last(json!({"normalization": "dataset"})), [by_own.clone(), by_own]);
        // A pipeline of one's own brings its figures along, or none at all.
        let brought = json!([{"name": "resize_exact", "size": 64}, {"name": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}]);
        assert_eq!(last(json!({"train_transforms": brought}))[1], by([0.5; 3], [0.5; 3]));
        let bare = json!([{"name": "resize_exact", "size": 64}]);
        assert_eq!(last(json!({"train_transforms": bare}))[1], TransformSpec::CenterCrop { size: 64 });
    }

    #[test]
    fn the_data_sets_own_figures_are_asked_for_only_where_they_are_known() {
        assert_eq!(refusal(&[("normalization", "dataset")]).len(), 1);
        let transforms = r#"[{"name": "resize_exact", "size": 64}]"#;
        assert_eq!(
            refusal(&[("normalization", "minus-one-to-one"), ("train_transforms", transforms)]),
            ["normalization: would be without effect beside train_transforms; leave it out"]
        );
    }

    #[test]
    fn a_pipeline_must_end_at_the_image_size() {
        let wrong = r#"[{"name": "resize_exact", "size": 48}]"#;
        assert_eq!(
            refusal(&[("eval_transforms", wrong)]),
            ["eval_transforms: ends at 48 pixels, but the image size is 64"]
        );
        let odd = r#"[{"name": "resize", "size": 64}]"#;
        assert_eq!(refusal(&[("eval_transforms", odd)]).len(), 1);
    }
}
