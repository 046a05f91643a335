//! A comparison of two runs in sentences.

use super::super::format::{counted, thousands};
use crate::domain::edits::split_title;
use crate::domain::paired::{McNemar, Paired};
use crate::store::compare::LeftOut;
use crate::web::api::compare::pair::ComparedPair;

/// A chance below which a difference is said to be more than chance would make.
const RARE: f64 = 0.05;

/// `+3.1`, of a difference of shares.
pub(crate) fn points(difference: f64) -> String {
    let text = format!("{:.1}", difference.abs() * 100.0);
    match text.as_str() {
        "0.0" => text,
        _ if difference < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

/// `1.0 to 5.3`, of an interval.
pub(crate) fn span((low, high): (f64, f64)) -> String {
    let bare = |end: f64| points(end).replace('+', "");
    format!("{} to {}", bare(low), bare(high))
}

/// `p = 0.006`.
pub(crate) fn chance(test: McNemar) -> String {
    match test.p {
        p if p < 0.001 => "p < 0.001".to_owned(),
        p if p < 0.01 => format!("p = {p:.3}"),
        p => format!("p = {p:.2}"),
    }
}

/// `+3.1 points (1.0 to 5.3), p = 0.006`; empty without images.
pub(crate) fn short(paired: Paired) -> String {
    let (Some(difference), Some(interval)) = (paired.difference(), paired.interval()) else {
        return String::new();
    };
    format!("{} points ({}), {}", points(difference), span(interval), chance(paired.mcnemar()))
}

/// Which is better, by how much, and whether chance would make as much.
pub(crate) fn sentence(pair: &ComparedPair) -> String {
    let (first, second, split) = (pair.of.first, pair.of.second, split_title(pair.of.split));
    let paired = pair.paired();
    let (Some(difference), Some(interval)) = (paired.difference(), paired.interval()) else {
        return String::new();
    };
    let images = counted(paired.total, "image", "images");
    if paired.differing() == 0 {
        return format!(
            "Run {second} is right and wrong on the same images as run {first}, of the {images} that both evaluated on {split}: no \
             difference (95\u{a0}% interval {} points).",
            span(interval)
        );
    }
    let test = paired.mcnemar();
    let outcome = match test.p < RARE {
        true => "more than chance would make",
        false => "no more than chance would make",
    };
    format!(
        "Run {second} is better on {} and worse on {} than run {first}, of the {images} that both evaluated on {split}: a difference of \
         {} points (95\u{a0}% interval {}; {}), {outcome}.",
        counted(paired.only_second, "image", "images"),
        thousands(paired.only_first),
        points(difference),
        span(interval),
        chance(test),
    )
}

/// How the sentence was come to.
pub(crate) fn method(paired: Paired) -> String {
    let test = paired.mcnemar();
    let differing = counted(paired.differing(), "image", "images");
    let how = match test.exact {
        true => "exact".to_owned(),
        false => format!("chi-squared with continuity correction, {:.2}", test.statistic),
    };
    format!(
        "McNemar’s test ({how}) on the {differing} that only one of them gets right; Tango’s score interval. It tells these two networks \
         apart, not two ways of training: the same settings with another seed would differ on some images too."
    )
}

/// What is not compared, and why; `None` where nothing was left out.
pub(crate) fn left_out(pair: &ComparedPair) -> Option<String> {
    let LeftOut { first, first_elsewhere, second, second_elsewhere } = pair.left_out;
    let (a, b, split) = (pair.of.first, pair.of.second, split_title(pair.of.split));
    let mut parts = Vec::new();
    for (count, elsewhere, one, other) in [(first, first_elsewhere, a, b), (second, second_elsewhere, b, a)] {
        if count > 0 {
            let split = match elsewhere {
                0 => String::new(),
                _ => format!(" ({} in another split of run {other})", thousands(elsewhere)),
            };
            parts.push(format!("{} that only run {one} evaluated{split}", counted(count, "image", "images")));
        }
    }
    if pair.relabelled() > 0 {
        let images = counted(pair.relabelled(), "image", "images");
        parts.push(format!("{images} that were relabelled, or whose class was renamed, between the two"));
    }
    let last = parts.pop()?;
    let all = if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) };
    Some(format!("Left out on {split}: {all}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RunId;
    use crate::domain::paired::ClassMap;
    use crate::store::compare::{PairOfRuns, PairedClass};
    use protocol::sample::Split;

    fn pair(total: i64, only_first: i64, only_second: i64) -> ComparedPair {
        let classes = vec!["cat".to_owned()];
        ComparedPair {
            of: PairOfRuns {
                first: RunId(3),
                second: RunId(7),
                split: Split::Test,
                classes: ClassMap::new(&classes, &classes),
            },
            first_classes: classes.clone(),
            second_classes: classes,
            splits: vec![Split::Test],
            classes: vec![PairedClass {
                both_correct: total - only_first - only_second,
                only_first,
                only_second,
                ..PairedClass::default()
            }],
            left_out: LeftOut::default(),
        }
    }

    #[test]
    fn a_difference_is_said_with_its_interval_and_its_chance() {
        assert_eq!(
            sentence(&pair(615, 12, 31)),
            "Run 7 is better on 31 images and worse on 12 than run 3, of the 615 images that both evaluated on test: a difference of \
             +3.1 points (95\u{a0}% interval 1.0 to 5.3; p = 0.006), more than chance would make."
        );
        let even = sentence(&pair(200, 13, 12));
        assert!(
            even.contains("−0.5 points (95\u{a0}% interval −5.7 to 4.6; p = 1.00), no more than chance"),
            "{even}"
        );
        let same = sentence(&pair(100, 0, 0));
        assert!(
            same.starts_with("Run 7 is right and wrong on the same images as run 3, of the 100 images"),
            "{same}"
        );
        assert!(same.ends_with("(95\u{a0}% interval −3.7 to 3.7 points)."), "{same}");
        assert_eq!(short(pair(50_000, 1, 60).paired()), "+0.1 points (0.1 to 0.2), p < 0.001");
        assert!(
            method(pair(615, 12, 31).paired())
                .starts_with("McNemar’s test (chi-squared with continuity correction, 7.53)")
        );
        assert!(method(pair(50, 12, 2).paired()).starts_with("McNemar’s test (exact) on the 14 images"));
    }

    #[test]
    fn what_is_left_out_is_counted_and_explained() {
        let mut pair = pair(10, 1, 1);
        assert_eq!(left_out(&pair), None);
        pair.left_out = LeftOut { first: 3, first_elsewhere: 2, second: 1, second_elsewhere: 0 };
        pair.classes[0].relabelled = 4;
        assert_eq!(
            left_out(&pair).unwrap(),
            "Left out on test: 3 images that only run 3 evaluated (2 in another split of run 7), 1 image that only run 7 evaluated and \
             4 images that were relabelled, or whose class was renamed, between the two."
        );
    }
}
