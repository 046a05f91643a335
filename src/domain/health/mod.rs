//! What is wrong with a data set before anything is learned from it: copies, images that show nothing, classes that
//! are out of balance, and cues by which the classes can be told apart without looking at what is shown.
//!
//! Pure: it works on what [`vision::features`] measured at import, and the same samples give the same report.

mod balance;
mod duplicates;
mod ignored;
mod logistic;
mod marks;
mod outliers;
mod report;
mod shortcut;
#[cfg(test)]
mod tests;

pub use marks::{Marks, listed};
use protocol::sample::Split;
pub use report::{
    Balance, ClassEvidence, FlaggedSample, Group, Issue, IssueKind, MissingClass, Report, Severity, Shortcut,
    ShortcutFeature, TrainCount,
};

/// A sample, as far as the report asks about it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The sample's number.
    pub id: i64,
    /// Relative to the data set's root.
    pub path: &'a str,
    /// Index into the classes.
    pub label: u32,
    /// Where it belongs.
    pub split: Split,
    /// Pixels, upright.
    pub width: u32,
    /// Pixels, upright.
    pub height: u32,
    /// Of the file.
    pub bytes: u64,
    /// `jpeg`, `png` …
    pub format: &'a str,
    /// EXIF orientation, 1 to 8; 1 is upright as stored.
    pub orientation: u8,
    /// Hash of the file's bytes.
    pub file_hash: &'a str,
    /// What was measured of its pixels.
    pub features: &'a vision::Features,
}

/// Examines a data set; `classes` are the names by label. The order of `subjects` makes no difference.
///
/// # Panics
/// Where a label has no class.
pub fn examine(subjects: &[Subject], classes: &[String]) -> Report {
    assert!(
        subjects.iter().all(|subject| (subject.label as usize) < classes.len()),
        "a label without a class"
    );
    let mut subjects: Vec<&Subject> = subjects.iter().collect();
    subjects.sort_by_key(|subject| subject.id);
    let mut exact = duplicates::exact(&subjects);
    let mut near = duplicates::near(&subjects, &exact);
    let (exact_issue, exact_groups) = duplicates::report_exact(&subjects, &mut exact);
    let (near_issue, near_groups) = duplicates::report_near(&subjects, &mut near);
    let distinct: Vec<&Subject> =
        (0..subjects.len()).filter(|&at| near.first(at) == at).map(|at| subjects[at]).collect();
    Report {
        version: report::VERSION,
        samples: subjects.len(),
        issues: [vec![exact_issue, near_issue], outliers::all(&subjects)].concat(),
        groups: [exact_groups, near_groups].concat(),
        balance: balance::of(&subjects, classes),
        shortcuts: shortcut::all(&distinct, classes),
    }
}
