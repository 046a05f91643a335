//! Numbers as people read them. A number and its unit are never on two lines: U+00A0 stands between them.

use crate::domain::ids::RunId;
use crate::domain::measure::{Measure, Range};
use crate::store::now_ms;
use protocol::sample::Split;

/// What stands where there is no number.
const NONE: &str = "–";

/// A whole number of any type; templates hand over references.
pub(crate) trait Whole {
    /// The number.
    fn whole(&self) -> i128;
}

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl Whole for $number {
            fn whole(&self) -> i128 {
                *self as i128
            }
        }
    )*};
}

whole!(i64, u32, u64, usize);

impl<T: Whole> Whole for &T {
    fn whole(&self) -> i128 {
        (*self).whole()
    }
}

/// A number that may be missing.
pub(crate) trait Figure {
    /// The number.
    fn value(&self) -> Option<f64>;
}

impl Figure for f64 {
    fn value(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Figure for Option<f64> {
    fn value(&self) -> Option<f64> {
        *self
    }
}

impl<T: Figure> Figure for &T {
    fn value(&self) -> Option<f64> {
        (*self).value()
    }
}

/// `81.0 %` of a share.
pub(crate) fn percent(share: impl Figure) -> String {
    share.value().map_or_else(|| NONE.into(), |share| format!("{:.1}\u{a0}%", share * 100.0))
}

/// Three significant digits, or whole where it is large; a power of ten where nobody could read it otherwise.
pub(crate) fn number(value: impl Figure) -> String {
    let Some(value) = value.value() else { return NONE.into() };
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 1e7 => format!("{value:.2e}"),
        size if size >= 1000.0 => thousands(value.round() as i64),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.001 => format!("{value:.*}", (2.0 - size.log10().floor()) as usize),
        _ => format!("{value:.1e}"),
    }
}

/// `1,000`.
pub(crate) fn thousands(value: impl Whole) -> String {
    let value = value.whole();
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("−{text}") } else { text }
}

/// What a link to a split is called; within a sentence it is `domain::edits::split_title`.
pub(crate) fn split_label(split: &Split) -> &'static str {
    match split {
        Split::Train => "Training",
        Split::Val => "Validation",
        Split::Test => "Test",
    }
}

/// `1,000 images`, `1 image`.
pub(crate) fn counted(count: impl Whole, one: &str, many: &str) -> String {
    format!("{} {}", thousands(&count), if count.whole() == 1 { one } else { many })
}

/// `45 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        0..60 => format!("{seconds}\u{a0}s"),
        60..600 => format!("{}\u{a0}min {}\u{a0}s", seconds / 60, seconds % 60),
        600..3600 => format!("{}\u{a0}min", seconds / 60),
        _ => format!("{}\u{a0}h {}\u{a0}min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Seconds as far as an estimate can be believed: to ten of a minute or more, so that the words stand still for a while.
pub(crate) fn round_estimate(seconds: f64) -> f64 {
    if seconds < 60.0 { seconds } else { (seconds / 10.0).round() * 10.0 }
}

/// `3 min ago`.
pub(crate) fn ago(at_ms: i64) -> String {
    let seconds = (now_ms() - at_ms) / 1000;
    match seconds {
        ..60 => "just now".into(),
        60..3600 => format!("{}\u{a0}min ago", seconds / 60),
        3600..86_400 => format!("{}\u{a0}h ago", seconds / 3600),
        _ => counted(seconds / 86_400, "day", "days") + " ago",
    }
}

/// `in 3 days`: when something that is still good ends.
pub(crate) fn until(at_ms: i64) -> String {
    let seconds = (at_ms - now_ms()) / 1000;
    match seconds {
        ..60 => "within a minute".into(),
        60..3600 => format!("in {}\u{a0}min", seconds / 60),
        3600..172_800 => format!("in {}\u{a0}h", seconds / 3600),
        _ => format!("in {}", counted((seconds + 43_200) / 86_400, "day", "days")),
    }
}

/// `1.4 MB`.
pub(crate) fn bytes(count: i64) -> String {
    match count {
        ..1000 => format!("{count}\u{a0}bytes"),
        1000..1_000_000 => format!("{:.1}\u{a0}kB", count as f64 / 1e3),
        _ => format!("{:.1}\u{a0}MB", count as f64 / 1e6),
    }
}

/// A value on a measure's axis: `96`, `1.12`, `150 k`, `1.4 MB`.
pub(crate) fn measured(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Bytes => bytes(value.round() as i64),
        Measure::Pixels if value >= 1e6 => format!("{}\u{a0}M", trimmed(value / 1e6)),
        Measure::Pixels if value >= 10_000.0 => format!("{}\u{a0}k", trimmed(value / 1e3)),
        Measure::Pixels => thousands(value.round() as i64),
        _ => trimmed(value),
    }
}

/// At most two decimals, and no more than are needed.
fn trimmed(value: f64) -> String {
    if value.abs() >= 1e9 {
        return format!("{value:e}");
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `brightness 96 to 112`, `file size below 1.0 kB`, `sharpness from 8`.
pub(crate) fn range_label(range: Range) -> String {
    let (title, words) = (range.measure.title(), |value| measured(range.measure, value));
    match (range.from, range.to) {
        (Some(from), Some(to)) => format!("{title} {} to {}", words(from), words(to)),
        (Some(from), None) => format!("{title} from {}", words(from)),
        (None, Some(to)) => format!("{title} below {}", words(to)),
        (None, None) => format!("any {title}"),
    }
}

/// `#12 small-cnn`: a run where it stands without its list. Names repeat, numbers do not.
pub(crate) fn run_title(id: RunId, name: &str) -> String {
    format!("#{id} {name}")
}

/// A path with its query; pairs without a value are left out.
pub(crate) fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(key, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let cases = [0.0, 1.0, 0.5, 0.001_234, 0.000_012, 12.345, 123.45, 12_345.6, 1.7545e18, -0.25];
        let words = cases.map(|value| number(Some(value)));
        assert_eq!(
            words,
            ["0", "1.00", "0.500", "0.00123", "1.2e-5", "12.3", "123", "12,346", "1.75e18", "-0.250"]
        );
        assert_eq!((number(None::<f64>), percent(Some(0.8104))), ("–".into(), "81.0\u{a0}%".into()));
    }

    #[test]
    fn counts_are_grouped_and_agree() {
        assert_eq!(
            [0_i64, 999, 1000, 1_234_567, -1000].map(thousands),
            ["0", "999", "1,000", "1,234,567", "−1,000"]
        );
        assert_eq!(
            (counted(1_i64, "day", "days"), counted(2_i64, "day", "days")),
            ("1 day".into(), "2 days".into())
        );
    }

    #[test]
    fn durations_name_two_units_at_most() {
        assert_eq!(
            [0.4, 59.4, 80.0, 700.0, 7500.0].map(duration),
            ["0\u{a0}s", "59\u{a0}s", "1\u{a0}min 20\u{a0}s", "11\u{a0}min", "2\u{a0}h 5\u{a0}min"]
        );
    }

    #[test]
    fn an_estimate_is_rounded_to_what_it_is_worth() {
        assert_eq!([12.4, 59.9, 62.0, 553.0].map(round_estimate), [12.4, 59.9, 60.0, 550.0]);
    }

    #[test]
    fn what_ends_later_says_when_to_the_nearest_day() {
        let hours = |hours: i64| until(now_ms() + hours * 3_600_000 + 30_000);
        assert_eq!([hours(0), hours(1), hours(30)], ["within a minute", "in 1\u{a0}h", "in 30\u{a0}h"]);
        assert_eq!([hours(7 * 24 - 1), hours(60)], ["in 7 days", "in 3 days"]);
    }

    #[test]
    fn ranges_are_told_in_the_figures_own_units() {
        let words = |measure, from, to| range_label(Range { measure, from, to });
        assert_eq!(words(Measure::Brightness, Some(96.0), Some(104.0)), "brightness 96 to 104");
        assert_eq!(words(Measure::Bytes, None, Some(1024.0)), "file size below 1.0\u{a0}kB");
        assert_eq!(words(Measure::Pixels, Some(148_530.0), None), "width × height from 148.53\u{a0}k");
        assert_eq!(words(Measure::Aspect, Some(1.059_46), None), "width ÷ height from 1.06");
    }

    #[test]
    fn links_escape_what_they_carry() {
        assert_eq!(link("/a", &[("class", "R&D 1"), ("split", "")]), "/a?class=R%26D+1");
        assert_eq!(link("/a", &[]), "/a");
    }
}
