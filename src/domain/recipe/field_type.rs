//! What a field may hold, and how text becomes a value of it.

use serde_json::Value;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldType {
    /// One of these: value and label.
    Choice(&'static [(&'static str, &'static str)]),
    /// A whole number within bounds.
    Integer {
        /// Smallest.
        min: u64,
        /// Largest.
        max: u64,
    },
    /// A number within bounds.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// Words.
    Text,
    /// JSON.
    Json,
}

impl FieldType {
    /// Reads what a person typed.
    pub(in crate::domain) fn value_from_text(self, text: &str) -> Result<Value, String> {
        match self {
            FieldType::Choice(_) | FieldType::Text => Ok(Value::from(text)),
            FieldType::Integer { .. } => {
                text.parse::<u64>().map(Value::from).map_err(|_| self.expected(&format!("“{text}”")))
            }
            FieldType::Number { .. } => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(Value::from)
                .ok_or_else(|| self.expected(&format!("“{text}”"))),
            FieldType::Json => {
                serde_json::from_str(text).map_err(|error| format!("This is not JSON: {error}"))
            }
        }
    }

    /// Checks type and bounds.
    pub(in crate::domain) fn check(self, value: &Value) -> Result<(), String> {
        let fits = match self {
            FieldType::Choice(choices) => {
                value.as_str().is_some_and(|word| choices.iter().any(|(choice, _)| *choice == word))
            }
            FieldType::Integer { min, max } => {
                value.as_u64().is_some_and(|number| (min..=max).contains(&number))
            }
            FieldType::Number { min, max } => {
                value.as_f64().is_some_and(|number| (min..=max).contains(&number))
            }
            FieldType::Text => value.is_string(),
            FieldType::Json => true,
        };
        if fits { Ok(()) } else { Err(self.expected(&value.to_string())) }
    }

    /// What to give instead of `given`.
    fn expected(self, given: &str) -> String {
        match self {
            FieldType::Choice(choices) => {
                let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
                format!("Choose one of {}, not {given}", names.join(", "))
            }
            FieldType::Integer { min, max } => {
                format!("Enter a whole number from {min} to {max}, not {given}")
            }
            FieldType::Number { min, max } => {
                format!("Enter a number from {} to {}, not {given}", bound(min), bound(max))
            }
            FieldType::Text => format!("Enter text, not {given}"),
            FieldType::Json => format!("Enter JSON, not {given}"),
        }
    }
}

/// A bound as a person writes it: no row of noughts to count.
fn bound(number: f64) -> String {
    if number != 0.0 && !(1e-4..1e6).contains(&number.abs()) {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}
