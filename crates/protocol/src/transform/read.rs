//! JSON → a transform, by the catalogue: what is left out gets its default, what is wrong is refused in words.

use super::TransformSpec;
use super::catalogue::find;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Names that parameters had in earlier versions, each with the name of today. Specs, journals and saved pipelines with
/// the old names are still read; written is the new one alone.
const RENAMED: [(&str, &str); 1] = [("outside", "padding_mode")];

impl TransformSpec {
    /// Reads a transform from its JSON object.
    ///
    /// # Errors
    /// In words: no such transform, no such parameter, or a value outside its range.
    pub fn from_object(mut object: Map<String, Value>) -> Result<TransformSpec, String> {
        let name = match object.get("name") {
            Some(Value::String(name)) => name.clone(),
            Some(other) => return Err(format!("the name of a transform is text, not {other}")),
            None => return Err("a transform has no name".to_owned()),
        };
        let transform = find(&name).ok_or_else(|| format!("there is no transform “{name}”"))?;
        let known = |key: &str| transform.parameters.iter().any(|parameter| parameter.name == key);
        for (old, new) in RENAMED {
            if known(new)
                && !object.contains_key(new)
                && let Some(value) = object.remove(old)
            {
                object.insert(new.to_owned(), value);
            }
        }
        if let Some(key) = object.keys().find(|key| *key != "name" && !known(key)) {
            let names: Vec<&str> = transform.parameters.iter().map(|parameter| parameter.name).collect();
            return Err(format!("{name} has no parameter “{key}”, but {}", names.join(", ")));
        }
        for parameter in transform.parameters {
            let value = match object.remove(parameter.name) {
                Some(value) => parameter
                    .value_type
                    .read(&value)
                    .map_err(|why| format!("{name}: {} {why}", parameter.name))?,
                None => parameter.value_type.default_value(),
            };
            object.insert(parameter.name.to_owned(), value);
        }
        // The inherent function that serde derives, not the trait's below, which would come here again.
        TransformSpec::deserialize(Value::Object(object)).map_err(|error| format!("{name}: {error}"))
    }

    /// Checks every parameter of a transform that was made in code.
    ///
    /// # Errors
    /// In words: the first value outside its range.
    pub fn check(&self) -> Result<(), String> {
        match serde_json::to_value(self) {
            Ok(Value::Object(object)) => TransformSpec::from_object(object).map(drop),
            Ok(_) => unreachable!("a transform is written as an object"),
            Err(error) => Err(format!("{}: {error}", self.name())),
        }
    }
}

impl<'de> Deserialize<'de> for TransformSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(deserializer)?;
        TransformSpec::from_object(object).map_err(D::Error::custom)
    }
}

impl Serialize for TransformSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TransformSpec::serialize(self, serializer)
    }
}

#[cfg(test)]
mod tests {
    use crate::transform::catalogue::TRANSFORMS;
    use crate::transform::parameter_type::ParameterType;
    use crate::transform::{PaddingMode, TransformSpec};
    use serde_json::{Value, json};

    fn read(value: Value) -> Result<TransformSpec, String> {
        serde_json::from_value(value).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn every_transform_is_made_of_its_defaults_and_written_with_all_parameters() {
        for transform in TRANSFORMS {
            let spec = read(json!({"name": transform.name})).unwrap();
            assert_eq!(spec.name(), transform.name);
            assert_eq!(spec.check(), Ok(()));
            let written = serde_json::to_value(&spec).unwrap();
            let mut keys: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
            let mut expected: Vec<&str> =
                transform.parameters.iter().map(|parameter| parameter.name).collect();
            expected.push("name");
            keys.sort_unstable();
            expected.sort_unstable();
            assert_eq!(keys, expected);
            assert_eq!(read(written).unwrap(), spec);
        }
    }

    #[test]
    fn what_is_wrong_is_named_in_words() {
        for (value, message) in [
            (json!({}), "a transform has no name"),
            (json!({"name": "warp"}), "there is no transform “warp”"),
            (
                json!({"name": "pad", "size": 3}),
                "pad has no parameter “size”, but padding, padding_mode, fill",
            ),
            (json!({"name": "resize", "size": 0}), "resize: size is 0, not a whole number from 1 to 1024"),
            (
                json!({"name": "resize", "size": 1.5}),
                "resize: size is 1.5, not a whole number from 1 to 1024",
            ),
            (json!({"name": "gaussian_blur", "kernel_size": 4}), "gaussian_blur: kernel_size is 4, not odd"),
            (
                json!({"name": "resize", "interpolation": "cubic"}),
                "resize: interpolation is \"cubic\", not one of nearest, bilinear, bicubic, lanczos",
            ),
            (
                json!({"name": "horizontal_flip", "probability": 1.5}),
                "horizontal_flip: probability is 1.5, not a number from 0 to 1",
            ),
            (
                json!({"name": "brightness", "factor": [1.4, 0.6]}),
                "brightness: factor begins at 1.4, above its end, 0.6",
            ),
            (
                json!({"name": "brightness", "factor": 1.4}),
                "brightness: factor is 1.4, not two numbers from 0 to 3",
            ),
            (
                json!({"name": "jpeg", "quality": [0, 5]}),
                "jpeg: quality is [0,5], not two whole numbers from 1 to 100",
            ),
            (json!({"name": "resize", "antialias": 1}), "resize: antialias is 1, not true or false"),
            (
                json!({"name": "normalize", "std": [0.0, 1.0, 1.0]}),
                "normalize: std is [0.0,1.0,1.0], not three numbers from 0.000001 to 1000000",
            ),
        ] {
            assert_eq!(read(value).unwrap_err(), message);
        }
    }

    #[test]
    fn the_ends_of_every_range_are_within_it() {
        for transform in TRANSFORMS {
            for parameter in transform.parameters {
                let ends = match parameter.value_type {
                    ParameterType::Number { min, max, .. } => [json!(min), json!(max)],
                    ParameterType::Integer { min, max, .. } => [json!(min), json!(max)],
                    ParameterType::Range { min, max, .. } => [json!([min, min]), json!([max, max])],
                    ParameterType::IntegerRange { min, max, .. } => [json!([min, min]), json!([max, max])],
                    ParameterType::Channels { min, max, .. } => {
                        [json!([min, min, min]), json!([max, max, max])]
                    }
                    ParameterType::Choice { .. } | ParameterType::Flag { .. } => continue,
                };
                for end in ends {
                    let spec = read(json!({"name": transform.name, parameter.name: end})).unwrap();
                    assert_eq!(spec.check(), Ok(()));
                }
            }
        }
    }

    #[test]
    fn a_number_stands_for_a_range_about_nothing_where_that_makes_sense() {
        let rotation = read(json!({"name": "rotation", "degrees": 20})).unwrap();
        assert_eq!(rotation, TransformSpec::rotation(20.0));
    }

    #[test]
    fn transforms_of_earlier_versions_are_read() {
        // Also at the ends of the ranges that they had.
        for value in [
            json!({"name": "random_resized_crop", "size": 1024, "scale": [0.0, 0.0001], "ratio": [0.01, 100.0]}),
            json!({"name": "color_jitter", "brightness": 10.0, "contrast": 10.0, "saturation": 10.0, "hue": 0.5}),
            json!({"name": "random_crop", "size": 1, "padding": 128}),
            json!({"name": "rotation", "degrees": 180.0}),
        ] {
            assert!(read(value.clone()).is_ok(), "{value}");
        }
        for (value, spec) in [
            (json!({"name": "resize", "size": 64}), TransformSpec::resize(64)),
            (json!({"name": "resize_exact", "size": 64}), TransformSpec::resize_exact(64)),
            (json!({"name": "random_crop", "size": 32, "padding": 4}), TransformSpec::random_crop(32, 4)),
            (
                json!({"name": "random_resized_crop", "size": 64, "scale": [0.35, 1.0], "ratio": [0.75, 1.25]}),
                TransformSpec::random_resized_crop(64, [0.35, 1.0], [0.75, 1.25]),
            ),
            (json!({"name": "rotation", "degrees": 12.5}), TransformSpec::rotation(12.5)),
            (
                json!({"name": "pad", "padding": 3, "outside": "reflect", "fill": 9}),
                TransformSpec::Pad { padding: 3, padding_mode: PaddingMode::Reflect, fill: 9 },
            ),
        ] {
            assert_eq!(read(value).unwrap(), spec);
        }
    }

    #[test]
    fn the_old_name_of_the_padding_mode_is_read_and_never_written() {
        for transform in TRANSFORMS {
            let has_mode = transform.parameters.iter().any(|parameter| parameter.name == "padding_mode");
            let old = read(json!({"name": transform.name, "outside": "edge"}));
            if !has_mode {
                assert!(old.unwrap_err().contains("has no parameter “outside”"));
                continue;
            }
            let written = serde_json::to_value(old.unwrap()).unwrap();
            assert_eq!((&written["padding_mode"], written.get("outside")), (&json!("edge"), None));
            let both = read(json!({"name": transform.name, "outside": "edge", "padding_mode": "edge"}));
            assert!(both.unwrap_err().contains("has no parameter “outside”"));
        }
    }

    #[test]
    fn a_saved_pipeline_of_an_earlier_version_is_read() {
        let saved = r#"[{"name":"random_crop","size":32,"padding":4,"outside":"constant","fill":0},
            {"name":"rotation","degrees":[-15.0,15.0],"outside":"reflect","fill":0,"expand":false},
            {"name":"affine","degrees":[0.0,0.0],"translate_x":0.1,"translate_y":0.1,"scale":[1.0,1.0],
             "shear_x":[0.0,0.0],"shear_y":[0.0,0.0],"outside":"edge","fill":7},
            {"name":"perspective","distortion":0.5,"probability":0.5,"outside":"reflect","fill":0}]"#;
        let pipeline: Vec<TransformSpec> = serde_json::from_str(saved).unwrap();
        let modes: Vec<PaddingMode> = pipeline
            .iter()
            .map(|transform| match *transform {
                TransformSpec::RandomCrop { padding_mode, .. }
                | TransformSpec::Rotation { padding_mode, .. }
                | TransformSpec::Affine { padding_mode, .. }
                | TransformSpec::Perspective { padding_mode, .. } => padding_mode,
                _ => panic!("{transform:?}"),
            })
            .collect();
        use PaddingMode::{Constant, Edge, Reflect};
        assert_eq!(modes, [Constant, Reflect, Edge, Reflect]);
    }
}
