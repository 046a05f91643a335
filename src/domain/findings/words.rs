//! Numbers in the sentences of findings.

/// Three digits: `0.0123`, `4.5e-7`, `1200`.
pub(super) fn short(number: f64) -> String {
    let rounded: f64 = format!("{number:.2e}").parse().unwrap_or(number);
    let size = rounded.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) { format!("{rounded:e}") } else { format!("{rounded}") }
}

/// `93 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `1 image`, `3 images`.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b, c and 4 more`.
pub(super) fn listed(names: &[&str]) -> String {
    const NAMED: usize = 6;
    let (named, others) = names.split_at(names.len().min(NAMED));
    match (named, others.len()) {
        ([], _) => String::new(),
        ([one], 0) => (*one).to_owned(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (named, more) => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_can_be_typed_into_a_form() {
        for (number, text) in [
            (0.000_3, "0.0003"),
            (3e-7, "3e-7"),
            (0.012_345, "0.0123"),
            (1_234.5, "1230"),
            (4.46e8, "4.46e8"),
            (0.0, "0"),
        ] {
            assert_eq!(short(number), text);
            assert!(text.parse::<f64>().is_ok());
        }
        assert_eq!(percent(0.934), "93 %");
    }

    #[test]
    fn names_are_listed_as_far_as_one_reads() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["x"; 9]), "x, x, x, x, x, x and 3 more");
        assert_eq!(
            (counted(1, "image", "images"), counted(2, "image", "images")),
            ("1 image".into(), "2 images".into())
        );
    }
}
