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
