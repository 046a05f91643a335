//! The checks of a health report: always the same rows in the same order, the most serious first.

use super::super::format::{link, thousands};
use super::super::gallery::Tile;
use super::super::samples_view::tile;
use crate::domain::dataset::ClassCount;
use crate::domain::health::{IssueKind, Marks, Report, listed};
use crate::domain::ids::SampleId;
use crate::store::datasets::Dataset;
use crate::store::measures::StoredReport;
use crate::web::{AppState, Result};
use protocol::sample::Split;
use std::collections::BTreeSet;

/// Images beside a check's count.
const STRIP_TILES: usize = 6;
/// From so many times as many samples in the largest class as in the smallest on, a run sees one class far more often.
const IMBALANCE: f64 = 3.0;

/// One line of the list.
pub(super) struct Check {
    /// The word that it is ignored by.
    pub(super) finding: &'static str,
    pub(super) title: &'static str,
    /// In place of the title where nothing was found.
    pub(super) clear: &'static str,
    /// What it means where something was found.
    pub(super) summary: String,
    /// `ok`, `none` (nothing to check), `notice` or `serious`.
    pub(super) level: &'static str,
    /// Where it counts something.
    pub(super) count: Option<String>,
    /// The images that were found.
    pub(super) href: String,
    pub(super) strip: Vec<Tile>,
    /// Where the list can be had as a table.
    pub(super) csv: Option<String>,
    pub(super) fix: Option<Fix>,
}

/// What can be done about it at once.
pub(super) struct Fix {
    /// As the form of edits calls it.
    pub(super) action: &'static str,
    /// Of duplicates.
    pub(super) kind: &'static str,
    pub(super) label: String,
    pub(super) title: &'static str,
}

impl Check {
    /// The sign before it, beside its colour.
    pub(super) fn sign(&self) -> &'static str {
        match self.level {
            "ok" => "✓",
            "none" => "–",
            "serious" => "!",
            _ => "•",
        }
    }

    /// What the sign says, for those who don't see it.
    pub(super) fn sign_words(&self) -> &'static str {
        match self.level {
            "ok" => "Fine:",
            "none" => "Nothing to check:",
            "serious" => "Serious:",
            _ => "Look at:",
        }
    }

    pub(super) fn is_ok(&self) -> bool {
        matches!(self.level, "ok" | "none")
    }

    /// A check that says something in words and has no images of its own.
    fn in_words(
        finding: &'static str,
        [title, clear]: [&'static str; 2],
        found: Option<String>,
        level: &'static str,
    ) -> Check {
        Check {
            finding,
            title,
            clear,
            level: if found.is_some() { level } else { "ok" },
            summary: found.unwrap_or_default(),
            count: None,
            href: String::new(),
            strip: Vec::new(),
            csv: None,
            fix: None,
        }
    }
}

/// Finding and title of checks that are ignored.
pub(super) type SetAside = Vec<(String, String)>;

/// All checks, and those that found something but are ignored.
pub(super) async fn list(
    app: &AppState,
    dataset: &Dataset,
    kept: &StoredReport,
    classes: &[ClassCount],
) -> Result<(Vec<Check>, SetAside)> {
    let report = &kept.report;
    let marks = Marks::new(classes, Some(report), &BTreeSet::new());
    let mut checks = Vec::new();
    for (finding, ids, level) in
        [("leaked", report.leaked(), "serious"), ("mislabelled", report.mislabelled(), "serious")]
    {
        checks.push(counted_check(app, dataset, classes, finding, &ids, level).await?);
    }
    checks.extend(about_classes(&marks, report, classes));
    for kind in IssueKind::ALL {
        let ids: Vec<i64> = report.found(kind).iter().map(|sample| sample.id).collect();
        checks.push(counted_check(app, dataset, classes, kind.as_str(), &ids, "notice").await?);
        if let Some(check) = checks.last_mut() {
            check.fix = drop_copies(report, kind);
        }
    }
    checks[0].fix = (marks.leaked > 0).then(|| Fix {
        action: "move_leaked",
        kind: "",
        label: "Move leaked images to training".to_owned(),
        title: "Every image with a copy in another split goes to training; it can be undone",
    });
    checks.push(skipped(app, dataset).await?);
    let aside = checks.iter().filter(|check| kept.ignored.contains(check.finding));
    let aside = aside.map(|check| {
        let count = check.count.as_ref().map(|count| format!(": {count}")).unwrap_or_default();
        (check.finding.to_owned(), format!("{}{count}", check.title))
    });
    let aside = aside.collect();
    Ok((checks, aside))
}

async fn counted_check(
    app: &AppState,
    dataset: &Dataset,
    classes: &[ClassCount],
    finding: &'static str,
    ids: &[i64],
    level: &'static str,
) -> Result<Check> {
    let (title, clear, summary) = words(finding);
    let first: Vec<SampleId> = ids.iter().take(STRIP_TILES).copied().map(SampleId).collect();
    let strip = if first.is_empty() { Vec::new() } else { app.store.find_samples(&first).await? };
    let path = format!("/datasets/{}", dataset.id);
    Ok(Check {
        finding,
        title,
        clear,
        summary: summary.to_owned(),
        level: if ids.is_empty() { "ok" } else { level },
        count: (!ids.is_empty()).then(|| thousands(ids.len())),
        href: link(&path, &[("issue", finding)]),
        strip: strip.iter().map(|sample| Tile { sample: None, ..tile(sample, classes) }).collect(),
        csv: Some(format!("{path}/health/{finding}.csv")),
        fix: None,
    })
}

/// Title, what to say where there is none, and what it means.
fn words(finding: &str) -> (&'static str, &'static str, &'static str) {
    match finding {
        "leaked" => (
            "Leakage across splits",
            "No leakage across splits",
            "The same image is in training and in validation or test, so accuracy looks better than it is.",
        ),
        "mislabelled" => (
            "Copies in different classes",
            "No copies in different classes",
            "The same image has two labels: one of them must be wrong.",
        ),
        word => IssueKind::from_word(word).map_or(("", "", ""), issue_words),
    }
}

fn issue_words(kind: IssueKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        IssueKind::ExactDuplicate => {
            ("Exact duplicates", "No exact duplicates", "The same pixels more than once.")
        }
        IssueKind::NearDuplicate => {
            ("Near-duplicates", "No near-duplicates", "Saved again, resized or slightly changed.")
        }
        IssueKind::Dark => ("Very dark", "No very dark images", "Almost no bright pixels."),
        IssueKind::Bright => ("Very bright", "No very bright images", "Almost nothing but white."),
        IssueKind::Blurry => ("Blurry", "No blurry images", "Not even the sharpest parts are sharp."),
        IssueKind::Blank => ("Uniform colour", "No images of uniform colour", "One colour throughout."),
        IssueKind::OddSize => {
            ("Odd sizes", "No odd sizes", "Far larger, smaller, wider or narrower than the others.")
        }
        IssueKind::Grey => (
            "Greyscale among colour images",
            "No greyscale among colour images",
            "Without colour, where most have colour.",
        ),
        IssueKind::ExifTurned => (
            "Rotated by EXIF",
            "No images rotated by EXIF",
            "Upright only in programs that read EXIF; Tintype does.",
        ),
    }
}

fn drop_copies(report: &Report, kind: IssueKind) -> Option<Fix> {
    let words = match kind {
        IssueKind::ExactDuplicate => "exact duplicates",
        IssueKind::NearDuplicate => "near-duplicates",
        _ => return None,
    };
    let spare = report.spare_copies(kind).len();
    (spare > 0).then(|| Fix {
        action: "drop_duplicates",
        kind: kind.as_str(),
        label: format!("Drop {} {words}, keep one of each", thousands(spare)),
        title: "Sets whose labels disagree are left for you to decide; it can be undone",
    })
}

/// What class counts alone say.
fn about_classes(marks: &Marks, report: &Report, classes: &[ClassCount]) -> Vec<Check> {
    let none_of = |names: &[String], split: &str| {
        (!names.is_empty()).then(|| format!("No {split} images of {}.", listed(names)))
    };
    let is_missing = |split: Split| marks.missing_splits.contains(&split);
    let none =
        "There is no validation split. A run holds out a tenth of the training images of each class for it.";
    let (validation, validation_level) = if is_missing(Split::Val) {
        (Some(none.to_owned()), "notice")
    } else {
        (none_of(&marks.without_validation, "validation"), "serious")
    };
    let training = none_of(&marks.without_training, "training")
        .or_else(|| is_missing(Split::Train).then(|| "There are no training images.".to_owned()));
    let similar = marks.similar_names.iter().map(|names| listed(names)).collect::<Vec<_>>().join("; ");
    let similar = (!similar.is_empty())
        .then(|| format!("{similar}. If they are the same class, rename one to merge them."));
    let mut no_test = Check::in_words(
        "no_test",
        ["Classes without test images", "Every class has test images"],
        none_of(&marks.without_test, "test"),
        "notice",
    );
    if classes.iter().all(|class| class.of(Split::Test) == 0) {
        no_test.clear = "No test split: runs are measured by validation alone";
        no_test.level = "none";
    }
    vec![
        Check::in_words(
            "no_training",
            ["Classes without training images", "Every class has training images"],
            training,
            "serious",
        ),
        Check::in_words(
            "no_validation",
            ["Classes without validation images", "Every class has validation images"],
            validation,
            validation_level,
        ),
        no_test,
        Check::in_words(
            "similar_names",
            ["Class names that are nearly the same", "Class names are distinct"],
            similar,
            "serious",
        ),
        Check::in_words(
            "imbalance",
            ["Classes of very different size", "Classes are balanced"],
            imbalance(report),
            "notice",
        ),
    ]
}

fn imbalance(report: &Report) -> Option<String> {
    let (largest, smallest) = report.balance.largest.as_ref().zip(report.balance.smallest.as_ref())?;
    let ratio = report.balance.ratio.filter(|ratio| *ratio >= IMBALANCE)?;
    Some(format!(
        "“{}” has {} training images, “{}” {}: {ratio:.1} times as many. Accuracy will mostly reflect the larger class; check the \
         per-class metrics.",
        largest.class,
        thousands(largest.count),
        smallest.class,
        thousands(smallest.count),
    ))
}

async fn skipped(app: &AppState, dataset: &Dataset) -> Result<Check> {
    let rejected = app.store.count_rejected(dataset.id).await?;
    Ok(Check {
        finding: "skipped",
        title: "Skipped files",
        clear: "No skipped files",
        summary: "Skipped at import, each with its reason.".to_owned(),
        level: if rejected > 0 { "notice" } else { "ok" },
        count: (rejected > 0).then(|| thousands(rejected)),
        href: format!("/datasets/{}/skipped", dataset.id),
        strip: Vec::new(),
        csv: None,
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::examine;

    fn no_test(counts: &[[u64; 3]]) -> Check {
        let classes: Vec<ClassCount> = (0..)
            .zip(counts)
            .map(|(label, by_split)| ClassCount { label, name: format!("c{label}"), by_split: *by_split })
            .collect();
        let report = examine(&[], &[]);
        let checks = about_classes(&Marks::new(&classes, None, &BTreeSet::new()), &report, &classes);
        checks.into_iter().find(|check| check.finding == "no_test").unwrap()
    }

    #[test]
    fn a_data_set_without_a_test_split_is_said_to_have_none() {
        let missing = no_test(&[[8, 2, 0], [8, 2, 0]]);
        assert!(missing.is_ok() && missing.clear.starts_with("No test split"), "{}", missing.clear);
        assert_eq!((missing.sign(), missing.sign_words()), ("–", "Nothing to check:"));
        let whole = no_test(&[[8, 2, 1], [8, 2, 1]]);
        assert_eq!((whole.level, whole.clear), ("ok", "Every class has test images"));
        let lacking = no_test(&[[8, 2, 1], [8, 2, 0]]);
        assert_eq!((lacking.level, lacking.summary.as_str()), ("notice", "No test images of “c1”."));
    }
}
