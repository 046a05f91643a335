//! The figures of an image that galleries are ordered by, filtered by and summed up by.

/// One figure of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Width × height.
    Pixels,
    /// Width ÷ height.
    Aspect,
    /// Of the file.
    Bytes,
    /// Median luma, levels.
    Brightness,
    /// Standard deviation of luma, levels.
    Contrast,
    /// [`vision::Features::sharpness`]; images too small to tell have none.
    Sharpness,
}

impl Measure {
    /// All of them, in the order of a page.
    pub const ALL: [Measure; 6] = [
        Measure::Pixels,
        Measure::Aspect,
        Measure::Bytes,
        Measure::Brightness,
        Measure::Contrast,
        Measure::Sharpness,
    ];

    /// The word in addresses and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Measure::Pixels => "pixels",
            Measure::Aspect => "aspect",
            Measure::Bytes => "bytes",
            Measure::Brightness => "brightness",
            Measure::Contrast => "contrast",
            Measure::Sharpness => "sharpness",
        }
    }

    /// The inverse of [`Measure::as_str`].
    pub fn from_word(word: &str) -> Option<Measure> {
        Self::ALL.into_iter().find(|measure| measure.as_str() == word)
    }

    /// What a person calls it.
    pub fn title(self) -> &'static str {
        match self {
            Measure::Pixels => "width × height",
            Measure::Aspect => "width ÷ height",
            Measure::Bytes => "file size",
            Measure::Brightness => "brightness",
            Measure::Contrast => "contrast",
            Measure::Sharpness => "sharpness",
        }
    }

    /// In what it is given, and what that is.
    pub fn unit(self) -> &'static str {
        match self {
            Measure::Pixels => "pixels",
            Measure::Aspect => "1 is square",
            Measure::Bytes => "bytes",
            Measure::Brightness => "median brightness, 0–255",
            Measure::Contrast => "standard deviation of brightness, 0–255",
            Measure::Sharpness => "edge strength",
        }
    }

    /// Whether each step of its axis is a multiple of the one before.
    pub fn is_logarithmic(self) -> bool {
        matches!(self, Measure::Pixels | Measure::Aspect | Measure::Bytes)
    }
}

/// Values from `from` up to, not including, `to`; an end that is missing is open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Of what.
    pub measure: Measure,
    /// The least.
    pub from: Option<f64>,
    /// The first that is too great.
    pub to: Option<f64>,
}

impl Range {
    /// As it stands in an address: `brightness:96..112`, `bytes:..1000`.
    pub fn to_text(self) -> String {
        let end = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        format!("{}:{}..{}", self.measure.as_str(), end(self.from), end(self.to))
    }

    /// The inverse of [`Range::to_text`].
    pub fn from_text(text: &str) -> Option<Range> {
        let (word, ends) = text.split_once(':')?;
        let (from, to) = ends.split_once("..")?;
        let end = |text: &str| match text {
            "" => Some(None),
            text => text.parse().ok().filter(|value: &f64| value.is_finite()).map(Some),
        };
        Some(Range { measure: Measure::from_word(word)?, from: end(from)?, to: end(to)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_from_an_address() {
        let range = |from, to| Range { measure: Measure::Bytes, from, to };
        for (text, read) in [
            ("bytes:96..112.5", Some(range(Some(96.0), Some(112.5)))),
            ("bytes:..0.1", Some(range(None, Some(0.1)))),
            ("bytes:1e3..", Some(range(Some(1000.0), None))),
            ("bytes:..", Some(range(None, None))),
            ("bytes:a..2", None),
            ("bytes:1", None),
            ("bytes:NaN..", None),
            ("weight:1..2", None),
        ] {
            assert_eq!(Range::from_text(text), read, "{text}");
            if let Some(read) = read {
                assert_eq!(Range::from_text(&read.to_text()), Some(read));
            }
        }
    }
}
