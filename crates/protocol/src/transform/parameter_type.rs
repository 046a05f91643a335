//! What values a transform's parameter may have.

use serde::Serialize;
use serde_json::{Value, json};

/// The type of a parameter's values, their range (both ends included) and the default. In JSON the type is `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ParameterType {
    /// A number.
    Number {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Spacing of a slider's values.
        step: f64,
        /// The value where it is left out.
        default: f64,
    },
    /// A whole number.
    Integer {
        /// Smallest value.
        min: u32,
        /// Largest value.
        max: u32,
        /// Spacing of the values, from `min`; 2: odd ones only.
        step: u32,
        /// The value where it is left out.
        default: u32,
    },
    /// Two numbers; the value is sampled uniformly between them.
    Range {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Spacing of a slider's values.
        step: f64,
        /// The value where it is left out.
        default: [f64; 2],
        /// Whether one number `d` stands for `[-d, d]`.
        symmetric: bool,
    },
    /// Two whole numbers; the value is sampled uniformly between them, both included.
    IntegerRange {
        /// Smallest value.
        min: u32,
        /// Largest value.
        max: u32,
        /// The value where it is left out.
        default: [u32; 2],
    },
    /// One of these: value and label.
    Choice {
        /// Value in JSON, label on a page.
        choices: &'static [(&'static str, &'static str)],
        /// The value where it is left out.
        default: &'static str,
    },
    /// True or false.
    Flag {
        /// The value where it is left out.
        default: bool,
    },
    /// Three numbers: red, green, blue.
    Channels {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// The value where it is left out.
        default: [f64; 3],
    },
}

impl ParameterType {
    /// The value where none is given.
    pub fn default_value(&self) -> Value {
        match self {
            ParameterType::Number { default, .. } => json!(default),
            ParameterType::Integer { default, .. } => json!(default),
            ParameterType::Range { default, .. } => json!(default),
            ParameterType::IntegerRange { default, .. } => json!(default),
            ParameterType::Choice { default, .. } => json!(default),
            ParameterType::Flag { default } => json!(default),
            ParameterType::Channels { default, .. } => json!(default),
        }
    }

    /// Checks a value, and writes it the way the transform wants it.
    pub(super) fn read(&self, value: &Value) -> Result<Value, String> {
        let expected = match *self {
            ParameterType::Number { min, max, .. } => match value.as_f64() {
                Some(number) if (min..=max).contains(&number) => return Ok(json!(number)),
                _ => format!("a number from {min} to {max}"),
            },
            ParameterType::Integer { min, max, step, .. } => match whole(value) {
                Some(number) if (min..=max).contains(&number) => {
                    return if (number - min).is_multiple_of(step) {
                        Ok(json!(number))
                    } else {
                        Err(format!("is {number}, not odd"))
                    };
                }
                _ => format!("a whole number from {min} to {max}"),
            },
            ParameterType::Range { min, max, symmetric, .. } => {
                let numbers = match value.as_f64() {
                    Some(most) if symmetric && most >= 0.0 => Some([-most, most]),
                    _ => list(value, Value::as_f64),
                };
                match numbers {
                    Some([low, high]) if low >= min && high <= max && low <= max && high >= min => {
                        return if low <= high {
                            Ok(json!([low, high]))
                        } else {
                            Err(format!("begins at {low}, above its end, {high}"))
                        };
                    }
                    _ => format!("two numbers from {min} to {max}"),
                }
            }
            ParameterType::IntegerRange { min, max, .. } => match list(value, whole) {
                Some([low, high]) if low >= min && high <= max && low <= max && high >= min => {
                    return if low <= high {
                        Ok(json!([low, high]))
                    } else {
                        Err(format!("begins at {low}, above its end, {high}"))
                    };
                }
                _ => format!("two whole numbers from {min} to {max}"),
            },
            ParameterType::Choice { choices, .. } => {
                if choices.iter().any(|(choice, _)| value.as_str() == Some(choice)) {
                    return Ok(value.clone());
                }
                let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
                format!("one of {}", names.join(", "))
            }
            ParameterType::Flag { .. } if value.is_boolean() => return Ok(value.clone()),
            ParameterType::Flag { .. } => "true or false".to_owned(),
            ParameterType::Channels { min, max, .. } => match list::<_, 3>(value, Value::as_f64) {
                // In 32 bits, as transforms hold them: what was read is within its range when it is checked again.
                Some(numbers)
                    if numbers.iter().all(|number| (min as f32..=max as f32).contains(&(*number as f32))) =>
                {
                    return Ok(json!(numbers));
                }
                _ => format!("three numbers from {min} to {max}"),
            },
        };
        Err(format!("is {value}, not {expected}"))
    }
}

/// A whole number, also where a slider wrote it as `4.0`.
fn whole(value: &Value) -> Option<u32> {
    let number = value.as_f64()?;
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
}

fn list<T, const N: usize>(value: &Value, one: impl Fn(&Value) -> Option<T>) -> Option<[T; N]> {
    let values: Option<Vec<T>> = value.as_array()?.iter().map(one).collect();
    values?.try_into().ok()
}
