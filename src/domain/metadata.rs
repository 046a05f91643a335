//! What else a source says of its images: columns of texts and numbers, and what they are filtered by.

/// One condition on a column.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataFilter {
    /// It has this value.
    Is {
        /// The column.
        column: String,
        /// The value as text.
        value: String,
    },
    /// It is a number from one to the other, both included; an end that is missing is open.
    Between {
        /// The column.
        column: String,
        /// The least.
        from: Option<f64>,
        /// The greatest.
        to: Option<f64>,
    },
}

impl MetadataFilter {
    /// The column that it is about.
    pub fn column(&self) -> &str {
        match self {
            MetadataFilter::Is { column, .. } | MetadataFilter::Between { column, .. } => column,
        }
    }

    /// As it stands in an address: `camera=Canon`, `age:20..40`.
    pub fn to_text(&self) -> String {
        let end = |value: &Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        match self {
            MetadataFilter::Is { column, value } => format!("{column}={value}"),
            MetadataFilter::Between { column, from, to } => format!("{column}:{}..{}", end(from), end(to)),
        }
    }

    /// The inverse of [`MetadataFilter::to_text`].
    pub fn from_text(text: &str) -> Option<MetadataFilter> {
        if let Some((column, value)) = text.split_once('=') {
            return Some(MetadataFilter::Is { column: column.to_owned(), value: value.to_owned() });
        }
        // The column's own name may hold a colon.
        let (column, ends) = text.rsplit_once(':')?;
        let (from, to) = ends.split_once("..")?;
        let end = |text: &str| match text.trim() {
            "" => Some(None),
            text => text.parse().ok().filter(|value: &f64| value.is_finite()).map(Some),
        };
        Some(MetadataFilter::Between { column: column.to_owned(), from: end(from)?, to: end(to)? })
    }

    /// For people: `camera: Canon`, `age 20 to 40`, `age from 20`.
    pub fn words(&self) -> String {
        match self {
            MetadataFilter::Is { column, value } => format!("{column}: {value}"),
            MetadataFilter::Between { column, from: Some(from), to: Some(to) } => {
                format!("{column} {from} to {to}")
            }
            MetadataFilter::Between { column, from: Some(from), to: None } => format!("{column} from {from}"),
            MetadataFilter::Between { column, from: None, to: Some(to) } => format!("{column} up to {to}"),
            MetadataFilter::Between { column, from: None, to: None } => format!("any {column}"),
        }
    }
}

/// A column with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataColumn {
    /// Its name.
    pub name: String,
    /// Value and how many images have it, the most frequent first.
    pub values: Vec<(String, i64)>,
}

impl MetadataColumn {
    /// The least and the greatest value, where all are numbers and there are several.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let numbers: Option<Vec<f64>> = self
            .values
            .iter()
            .map(|(text, _)| text.parse().ok().filter(|value: &f64| value.is_finite()))
            .collect();
        let numbers = numbers.filter(|numbers| numbers.len() > 1)?;
        let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        Some((least, numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_read_from_an_address() {
        let between =
            |column: &str, from, to| MetadataFilter::Between { column: column.to_owned(), from, to };
        let is = |column: &str, value: &str| MetadataFilter::Is {
            column: column.to_owned(),
            value: value.to_owned(),
        };
        for (text, read) in [
            ("age:20..40", Some(between("age", Some(20.0), Some(40.0)))),
            ("age:..1.5", Some(between("age", None, Some(1.5)))),
            ("exif:iso:100..", Some(between("exif:iso", Some(100.0), None))),
            ("camera=Canon = best", Some(is("camera", "Canon = best"))),
            ("camera=", Some(is("camera", ""))),
            ("age:old..", None),
            ("age", None),
        ] {
            assert_eq!(MetadataFilter::from_text(text), read, "{text}");
            if let Some(read) = read {
                assert_eq!(MetadataFilter::from_text(&read.to_text()), Some(read));
            }
        }
    }

    #[test]
    fn a_column_of_numbers_has_bounds() {
        let column = |values: &[&str]| MetadataColumn {
            name: "age".to_owned(),
            values: values.iter().map(|value| ((*value).to_owned(), 1)).collect(),
        };
        assert_eq!(column(&["36", "7.5", "-2"]).bounds(), Some((-2.0, 36.0)));
        assert_eq!(column(&["36", "unknown"]).bounds(), None);
        assert_eq!(column(&["36"]).bounds(), None, "one value is no range");
    }
}
