//! The table of fields and both of its functions, together.

use super::*;
use crate::domain::dataset::{ClassCount, DatasetFacts};
use crate::domain::overview::ChannelFigures;
use protocol::spec::{Model, Training};
use protocol::transform::TransformSpec;
use serde_json::json;

pub(super) fn facts() -> DatasetFacts {
    let class = |name: &str| ClassCount { label: 0, name: name.into(), by_split: [400, 100, 0] };
    DatasetFacts {
        name: "pets".into(),
        fingerprint: "f".into(),
        classes: vec![class("cat"), class("dog")],
        median_side: 334,
        channels: None,
        weights: Vec::new(),
    }
}

pub(super) fn refusal(pairs: &[(&str, &str)]) -> Vec<String> {
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
    assert_eq!(refusal(&[("epochs", "three")]), ["epochs: Enter a whole number from 0 to 1000, not “three”"]);
    assert_eq!(refusal(&[("epochs", "1001")]), ["epochs: Enter a whole number from 0 to 1000, not 1001"]);
    assert_eq!(refusal(&[("speed", "fast")]), ["speed: There is no field “speed”"]);
    assert_eq!(
        refusal(&[("learning_rate", "NaN")]),
        ["learning_rate: Enter a number from 1e-8 to 1e7, not “NaN”"]
    );
    assert_eq!(
        refusal(&[("optimizer", "adagrad")]),
        ["optimizer: Choose one of adamw, sgd, sgd-momentum, adam, rmsprop, lamb, muon, not \"adagrad\""]
    );
    assert_eq!(
        refusal(&[("weights", "w.safetensors")]),
        [
            "weights: Give a whole path, from the root of the file system, or one of efficientnet-lite0-imagenet, efficientnet-lite1-imagenet, efficientnet-lite2-imagenet"
        ]
    );
}

#[test]
fn weights_of_a_model_bring_the_image_size_and_normalisation_that_they_were_learned_with() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let input = |more: Value| {
        let mut given = json!({"model": "efficientnet-lite0"}).as_object().unwrap().clone();
        given.extend(more.as_object().unwrap().clone());
        let spec = recipe_from_values(&given, &facts()).unwrap().spec;
        let Some(TransformSpec::Normalize { mean, .. }) = spec.eval_transforms.last() else { panic!() };
        (spec.image_size, mean[0])
    };
    assert_eq!(input(json!({})), (64, 0.485));
    assert_eq!(input(json!({"weights": ""})), (64, 0.485));
    assert_eq!(input(json!({"weights": path})), (224, 0.498));
    assert_eq!(
        input(json!({"weights": path, "image_size": 96, "normalization": "minus-one-to-one"})),
        (96, 0.5)
    );
    assert_eq!(input(json!({"weights": path, "model": "resnet18"})), (64, 0.485));
}

/// Photos, on a machine that has published weights.
pub(super) fn photos() -> DatasetFacts {
    DatasetFacts { weights: vec!["efficientnet-lite0-imagenet"], ..facts() }
}

#[test]
fn photos_are_learned_by_the_last_layer_of_published_weights_where_they_are_at_hand() {
    let chosen = |given: Value, facts: &DatasetFacts| {
        let spec = recipe_from_values(given.as_object().unwrap(), facts).unwrap().spec;
        (spec.training, spec.model, spec.weights)
    };
    let lite0 = Some("efficientnet-lite0-imagenet".to_owned());
    let head = Training::Head { draws: 0 };
    assert_eq!(chosen(json!({}), &photos()), (head, Model::EfficientnetLite0, lite0.clone()));
    assert_eq!(chosen(json!({"seed": 3}), &photos()).0, head);
    // Whoever names a model asks for that one, as before.
    assert_eq!(chosen(json!({"model": "small-cnn"}), &photos()), (Training::Scratch, Model::SmallCnn, None));
    assert_eq!(chosen(json!({"model": "efficientnet-lite0"}), &photos()).0, Training::Scratch);
    assert_eq!(chosen(json!({}), &facts()), (Training::Scratch, Model::SmallCnn, None));
    let icons = DatasetFacts { median_side: 32, ..photos() };
    assert_eq!(chosen(json!({}), &icons), (Training::Scratch, Model::SmallCnn, None));
    let (training, model, weights) = chosen(json!({"training": "fine-tune"}), &photos());
    assert!(matches!(training, Training::FineTune(how) if how.head_epochs == 1 && how.keep_norm_statistics));
    assert_eq!((model, weights), (Model::EfficientnetLite0, lite0));
}

#[test]
fn weights_and_ways_to_learn_that_do_not_go_together_are_refused() {
    let refused = |given: Value| {
        let errors = recipe_from_values(given.as_object().unwrap(), &photos()).unwrap_err();
        errors.into_iter().map(|(field, why)| format!("{field}: {why}")).collect::<Vec<_>>().join("; ")
    };
    let said = refused(json!({"training": "head", "model": "small-cnn"}));
    assert!(said.starts_with("weights: Choose the weights to start from"), "{said}");
    let said = refused(json!({"weights": "efficientnet-lite0-imagenet", "model": "resnet18"}));
    assert_eq!(said, "weights: These weights are for the model efficientnet-lite0");
    let said = refused(json!({"weights": "efficientnet-lite2-imagenet"}));
    assert_eq!(said, "weights: These weights are not on this machine yet: fetch them first (22 MB)");
    let said = refused(json!({"weights": "efficientnet-lite0-imagenet", "training": "scratch"}));
    assert!(said.starts_with("weights: A network that learns from nothing"), "{said}");
    let said = refused(json!({"head_epochs": 2}));
    assert_eq!(said, "head_epochs: This counts only in fine-tuning: leave it out");
    let said = refused(json!({"rotation": 5, "draws": 0}));
    assert!(said.starts_with("rotation: Without draws each image is taken once"), "{said}");
    let said = refused(json!({"training": "fine-tune", "epochs": 3, "head_epochs": 3}));
    assert!(said.starts_with("head_epochs: With the epochs of unfreezing these leave none"), "{said}");
}

#[test]
fn what_is_asked_for_beside_a_default_way_to_learn_has_its_effect() {
    let made = |given: Value| recipe_from_values(given.as_object().unwrap(), &photos()).unwrap().spec;
    assert_eq!(made(json!({"rotation": 5})).training, Training::Head { draws: 1 });
    assert_eq!(made(json!({"mixup": 0.2})).training, Training::Scratch);
    let Training::FineTune(how) = made(json!({"training": "fine-tune", "epochs": 1})).training else {
        panic!()
    };
    assert_eq!(how.head_epochs, 0);
    // Without draws there is one way of loading, and it comes back, whatever it is normalised by.
    let own = ChannelFigures { mean: [0.51, 0.42, 0.33], std: [0.2, 0.21, 0.12], samples: 800 };
    let known = DatasetFacts { channels: Some(own), ..photos() };
    let given = json!({"normalization": "dataset"});
    let spec = recipe_from_values(given.as_object().unwrap(), &known).unwrap().spec;
    assert_eq!((spec.training, &spec.train_transforms), (Training::Head { draws: 0 }, &spec.eval_transforms));
    let back = values_from_spec(&spec, &photos());
    assert_eq!(recipe_from_values(&back, &photos()).unwrap().spec, spec);
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
        ["normalization: This has no effect beside training transforms: leave it out"]
    );
}

#[test]
fn a_pipeline_must_end_at_the_image_size() {
    let wrong = r#"[{"name": "resize_exact", "size": 48}]"#;
    assert_eq!(
        refusal(&[("eval_transforms", wrong)]),
        ["image_size: The evaluation transforms end at 48 pixels, not 64: use 48 here"]
    );
    let odd = r#"[{"name": "resize", "size": 64}]"#;
    assert_eq!(refusal(&[("eval_transforms", odd)]).len(), 1);
}

#[test]
fn two_pipelines_must_end_at_one_size_and_the_form_can_name_it() {
    let pipeline = |size: u32| json!([{"name": "resize_exact", "size": size}]);
    let values = |value: Value| value.as_object().unwrap().clone();
    let conflict = values(json!({"train_transforms": pipeline(48), "eval_transforms": pipeline(32)}));
    let errors = recipe_from_values(&conflict, &facts()).unwrap_err();
    assert_eq!(errors["eval_transforms"], "These end at 32 pixels, but the training transforms end at 48");
    assert_eq!(fitting_image_size(&conflict), None);
    let other = values(json!({"train_transforms": pipeline(48), "image_size": 64}));
    assert_eq!(fitting_image_size(&other), Some(48));
    let fits = values(json!({"train_transforms": pipeline(48), "image_size": 48}));
    assert_eq!(fitting_image_size(&fits), None);
    assert!(recipe_from_values(&fits, &facts()).is_ok());
}

#[test]
fn an_image_size_that_a_model_cannot_take_is_refused_before_it_is_queued() {
    for model in Model::ALL {
        let word = json!(model);
        let least = model.min_image_size();
        let ask = |size: u32| {
            let given = json!({"model": word, "image_size": size});
            recipe_from_values(given.as_object().unwrap(), &facts()).map(|recipe| recipe.spec.image_size)
        };
        assert_eq!(ask(least), Ok(least), "{word}");
        assert!(ask(least - 1).unwrap_err().contains_key("image_size"), "{word}");
        let step = model.entry().image_size_step;
        assert_eq!(ask(least + step), Ok(least + step), "{word}");
        if step > 1 {
            let said = ask(least + step + 1).unwrap_err()["image_size"].clone();
            let expected =
                format!("patches of {step} pixels: use {} or {} pixels", least + step, least + 2 * step);
            assert!(said.ends_with(&expected), "{word}: {said}");
        }
    }
}

/// Values of one field that are worth trying: every choice, the bounds, and something between them.
fn samples_of(field: &Field) -> Vec<Value> {
    match field.field_type {
        FieldType::Choice(choices) => choices.iter().map(|(word, _)| json!(word)).collect(),
        FieldType::Integer { min, max } => {
            // As many epochs as there may be make no other spec than a few.
            [min, min + 1, (min + max) / 3, max].map(Value::from).to_vec()
        }
        FieldType::Number { min, max } => [min, (max - min) * 0.37 + min, max].map(Value::from).to_vec(),
        FieldType::Text if field.name == "weights" => vec![json!(""), json!(file!())],
        FieldType::Text => vec![json!(""), json!("a name")],
        FieldType::Json => vec![
            json!([{"name": "resize_exact", "size": 64}, {"name": "grayscale"}]),
            json!([{"name": "resize", "size": 64}, {"name": "center_crop", "size": 64}, {"name": "normalize"}]),
            json!([{"name": "random_resized_crop", "size": 64}, {"name": "trivial_augment"}]),
        ],
    }
}

/// What must be chosen beside a value for it to be allowed.
fn with_companions(field: &Field, value: &Value, weights: &str) -> Values {
    let mut values = Values::from_iter([(field.name.to_owned(), value.clone())]);
    let mut set = |name: &str, value: Value| {
        values.insert(name.to_owned(), value);
    };
    match field.name {
        "epochs" if value == 0 => set("weights", json!(weights)),
        "training" if value != "scratch" => set("weights", json!(weights)),
        "evaluate_on" if value != "val-test" => {
            set("training", json!("none"));
            set("weights", json!(weights));
        }
        "draws" => {
            set("training", json!("head"));
            set("weights", json!(weights));
        }
        "head_epochs" | "unfreeze_epochs" | "rate_decay" | "norm_statistics" => {
            set("training", json!("fine-tune"));
            set("weights", json!(weights));
            set("epochs", json!(1000));
            set("head_epochs", json!(0));
            set(field.name, value.clone());
        }
        "weights" if value != "" => set("weights", json!(weights)),
        "decay_scope" => set("weight_decay", json!(0.05)),
        "patience" => set("epochs", json!(1000)),
        "warmup_epochs" => {
            set("schedule", json!("cosine"));
            set("epochs", json!(100));
        }
        _ => {}
    }
    values
}

#[test]
fn every_choice_of_every_field_makes_a_spec_and_comes_back_out_of_it() {
    let weights = tempfile::NamedTempFile::new().unwrap();
    let weights = weights.path().to_str().unwrap();
    let own = ChannelFigures { mean: [0.51, 0.42, 0.33], std: [0.2, 0.21, 0.12], samples: 800 };
    let class = |name: &str| ClassCount { label: 0, name: name.into(), by_split: [400, 100, 40] };
    let facts = DatasetFacts { classes: vec![class("cat"), class("dog")], channels: Some(own), ..facts() };
    for field in FIELDS {
        for value in samples_of(field) {
            let given = with_companions(field, &value, weights);
            let recipe = recipe_from_values(&given, &facts)
                .unwrap_or_else(|errors| panic!("{} = {value}: {errors:?}", field.name));
            let back = values_from_spec(&recipe.spec, &facts);
            let again = recipe_from_values(&back, &facts).unwrap_or_else(|errors| {
                panic!("{} = {value} came back as {back:?}: {errors:?}", field.name)
            });
            assert_eq!(again.spec, recipe.spec, "{} = {value}", field.name);
            for (name, value) in given.iter().filter(|(name, _)| *name != "name") {
                // A pipeline that is the standard one, or that the fields can make, comes back as fields.
                if field.field_type == FieldType::Json && !back.contains_key(name) {
                    continue;
                }
                // Where nothing learns there are no epochs.
                if name == "epochs" && value == 0 {
                    assert_eq!(back["training"], "none");
                    continue;
                }
                let found = &back[name];
                let same = found == value || (found.as_f64().is_some() && found.as_f64() == value.as_f64());
                assert!(same || field.field_type == FieldType::Json, "{name}: {found} is not {value}");
            }
        }
    }
}

/// What a field must not hold: what lies just beyond its bounds, and what is of another type.
fn refused_by(field: &Field) -> Vec<Value> {
    let of_another_type = [Value::Null, json!(true), json!({"a": 1})];
    let beyond = match field.field_type {
        FieldType::Choice(choices) => {
            let word = choices[0].0;
            vec![json!(""), json!(word.to_uppercase()), json!(format!("{word} ")), json!(1), json!([word])]
        }
        FieldType::Integer { min, max } => {
            let below = i64::try_from(min).unwrap() - 1;
            vec![json!(below), json!(max + 1), json!(min as f64 + 0.5), json!(min.to_string()), json!([min])]
        }
        FieldType::Number { min, max } => {
            vec![
                json!(min.next_down()),
                json!(max.next_up()),
                json!(f64::NAN),
                json!(min.to_string()),
                json!([min]),
            ]
        }
        FieldType::Text => vec![json!(1), json!(["a"])],
        // Any JSON is a value; what is no pipeline is refused with the fields together.
        FieldType::Json => {
            return vec![json!(true), json!({"a": 1}), json!([{"name": "sharpen everything"}]), json!([1])];
        }
    };
    [beyond, of_another_type.to_vec()].concat()
}

#[test]
fn what_lies_just_beyond_the_bounds_of_a_field_is_refused_in_words_that_name_them() {
    for field in FIELDS {
        for value in refused_by(field) {
            let given = Values::from_iter([(field.name.to_owned(), value.clone())]);
            let Err(errors) = recipe_from_values(&given, &facts()) else {
                panic!("{} = {value} passes", field.name)
            };
            let why =
                errors.get(field.name).unwrap_or_else(|| panic!("{} = {value}: {errors:?}", field.name));
            let named = match field.field_type {
                FieldType::Choice(choices) => choices.iter().map(|(word, _)| (*word).to_owned()).collect(),
                FieldType::Integer { min, max } => vec![min.to_string(), max.to_string()],
                FieldType::Number { .. } => vec!["number from".into()],
                FieldType::Text => vec!["text".into()],
                FieldType::Json => vec![],
            };
            assert!(
                !why.is_empty() && named.iter().all(|word| why.contains(word)),
                "{} = {value}: {why}",
                field.name
            );
        }
    }
}

#[test]
fn every_model_is_made_with_every_choice_of_every_other_field() {
    let weights = tempfile::NamedTempFile::new().unwrap();
    let weights = weights.path().to_str().unwrap();
    let own = ChannelFigures { mean: [0.51, 0.42, 0.33], std: [0.2, 0.21, 0.12], samples: 800 };
    let class = |name: &str| ClassCount { label: 0, name: name.into(), by_split: [400, 100, 40] };
    let facts = DatasetFacts { classes: vec![class("cat"), class("dog")], channels: Some(own), ..facts() };
    let mut made = 0;
    for model in Model::ALL {
        for field in
            FIELDS.iter().filter(|field| field.name != "model" && field.field_type != FieldType::Json)
        {
            for value in samples_of(field) {
                // The field's own bound is that of the model that takes the smallest images.
                let is_small =
                    field.name == "image_size" && value.as_u64() < Some(model.min_image_size().into());
                let value = if is_small { json!(model.min_image_size()) } else { value };
                let value = match value.as_u64().filter(|_| field.name == "image_size") {
                    Some(size) => {
                        let step = u64::from(model.entry().image_size_step);
                        json!(size / step * step)
                    }
                    None => value,
                };
                let mut given = with_companions(field, &value, weights);
                given.insert("model".into(), json!(model));
                if let Err(errors) = recipe_from_values(&given, &facts) {
                    panic!("{model:?}, {} = {value}: {errors:?}", field.name);
                }
                made += 1;
            }
        }
    }
    assert!(made > 200, "{made}");
}

#[test]
fn a_field_that_no_longer_fits_the_spec_is_named_and_costs_no_request() {
    // What passes a field's check always fits today; this is what would happen if the two drifted apart.
    let mut values = defaults(&facts());
    values.insert("rotation".into(), json!("a lot"));
    let errors = spec::train_steps(&values).unwrap_err();
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["rotation"]);
}

#[test]
fn a_pipeline_that_the_fields_cannot_make_comes_back_as_a_list() {
    let given = json!({"train_transforms": Preset::Strong.pipeline(64)});
    let spec = recipe_from_values(given.as_object().unwrap(), &facts()).unwrap().spec;
    let back = values_from_spec(&spec, &facts());
    assert_eq!(back["train_transforms"], given["train_transforms"]);
    assert!(REPLACED.iter().all(|name| !back.contains_key(*name)), "{back:?}");
    assert!(!back.contains_key("eval_transforms"), "that one is the standard");
}
