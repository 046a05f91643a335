//! What a table's columns are called, and what their cells hold, whichever format the table is written in.

use serde_json::{Map, Number, Value};

/// What a column of paths is called.
pub(super) const PATHS: [&str; 9] =
    ["path", "file_name", "filename", "file", "image_path", "filepath", "file_path", "image", "img"];
/// What a column of labels is called.
pub(super) const LABELS: [&str; 7] =
    ["label", "class", "category", "target", "label_name", "class_name", "labels"];
/// What a column of splits is called.
pub(super) const SPLITS: [&str; 3] = ["split", "subset", "partition"];

/// A row, or why it is none; with its number as a spreadsheet counts: the head of a CSV is row 1.
pub(super) type Row = (u64, Result<Map<String, Value>, String>);

/// A value as text, where it is a text, a number or a truth; `None` where it is nothing or more.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        // A whole number that became a float because others of its column are missing.
        Value::Number(number) => Some(match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        }),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What is kept of a row besides: texts and numbers, the same from whichever format of table they come. A text that is
/// written as a number would be is one.
pub(super) fn metadata(row: Map<String, Value>) -> Option<Map<String, Value>> {
    let kept: Map<String, Value> = row
        .into_iter()
        .filter_map(|(column, value)| {
            let value = match value {
                Value::Null => return None,
                Value::Number(number) => Value::Number(whole(number)),
                Value::String(text) => match text.trim() {
                    "" => return None,
                    text => match serde_json::from_str::<Number>(text) {
                        Ok(number) if number.to_string() == text => Value::Number(whole(number)),
                        _ => Value::from(text),
                    },
                },
                other => Value::String(other.to_string()),
            };
            Some((column.trim().to_owned(), value))
        })
        .collect();
    (!kept.is_empty()).then_some(kept)
}

/// What the names and texts of a row take, about.
pub(super) fn text_bytes(row: &Map<String, Value>) -> u64 {
    let bytes = |value: &Value| match value {
        Value::String(text) => text.len(),
        Value::Number(_) => 8,
        other => other.to_string().len(),
    };
    row.iter().map(|(column, value)| (column.len() + bytes(value)) as u64).sum()
}

/// A whole number that became a float, as tables make it where others of its column are missing, is whole again; up
/// to where floats no longer tell whole numbers apart.
fn whole(number: Number) -> Number {
    match number.as_f64() {
        Some(float)
            if number.is_f64()
                && float.fract() == 0.0
                && float.abs() < (1_u64 << f64::MANTISSA_DIGITS) as f64 =>
        {
            Number::from(float as i64)
        }
        _ => number,
    }
}

/// The first of `names` that is among the columns, in any case, though as it stands if that is there too.
pub(super) fn column<'a>(
    columns: &(impl Iterator<Item = &'a String> + Clone),
    names: &[&str],
) -> Option<String> {
    names.iter().find_map(|name| {
        let found = columns.clone().filter(|column| column.eq_ignore_ascii_case(name));
        found.min_by_key(|column| column.as_str() != *name).cloned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_the_same_from_whichever_format() {
        let row = serde_json::json!({
            " a ": " text ", "b": "3", "c": 3.0, "d": "3.0", "e": "03", "f": 9_007_199_254_740_993_u64, "g": 1e300,
            "h": true, "i": null, "j": "  ", "k": 0.1, "l": "1.50", "m": 9_007_199_254_740_992.0, "n": -0.0,
        });
        let expected = serde_json::json!({
            "a": "text", "b": 3, "c": 3, "d": 3, "e": "03", "f": 9_007_199_254_740_993_u64, "g": 1e300,
            "h": "true", "k": 0.1, "l": "1.50", "m": 9_007_199_254_740_992.0, "n": 0,
        });
        let row = row.as_object().cloned().unwrap();
        assert_eq!(metadata(row).map(Value::from), Some(expected));
        assert_eq!(metadata(Map::from_iter([("a".to_owned(), Value::Null)])), None);
    }
}
