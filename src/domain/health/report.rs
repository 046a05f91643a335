//! The report as it is kept and shown: plain data, JSON.

use protocol::sample::Split;
use serde::{Deserialize, Serialize};

/// Raised whenever what a report says of the same samples changes.
pub(super) const VERSION: u32 = 3;

/// What was found in a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Of the analysis; a report of another version is to be made anew.
    pub version: u32,
    /// Samples examined.
    pub samples: usize,
    /// One for each of [`IssueKind::ALL`], in that order, also where nothing was found.
    pub issues: Vec<Issue>,
    /// The sets of duplicates: the exact ones first, each kind by its lowest sample.
    pub groups: Vec<Group>,
    /// How the samples are spread over the classes.
    pub balance: Balance,
    /// One for each of [`ShortcutFeature::ALL`], in that order. Empty where there are no two classes with ten distinct training
    /// samples each, as then nothing can be said.
    pub shortcuts: Vec<Shortcut>,
}

impl Report {
    /// Whether this program would still say the same of the same samples.
    pub fn is_current(&self) -> bool {
        self.version == VERSION
    }

    /// Samples with a copy in another split, ascending.
    pub fn leaked(&self) -> Vec<i64> {
        self.members(|group| group.across_splits)
    }

    /// Samples with a copy in another class, ascending.
    pub fn mislabelled(&self) -> Vec<i64> {
        self.members(|group| group.across_classes)
    }

    /// All but the lowest number of each set of copies of this kind. Sets whose labels disagree are left out: nobody can
    /// tell which one to keep.
    pub fn spare_copies(&self, kind: IssueKind) -> Vec<i64> {
        let sets = self.groups.iter().filter(|group| group.kind == kind && !group.across_classes);
        sets.flat_map(|group| group.ids.iter().skip(1).copied()).collect()
    }

    fn members(&self, wanted: fn(&Group) -> bool) -> Vec<i64> {
        let groups = self.groups.iter().filter(|group| wanted(group));
        let mut ids: Vec<i64> = groups.flat_map(|group| group.ids.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The samples found to have one kind of issue.
    pub fn found(&self, kind: IssueKind) -> &[FlaggedSample] {
        self.issues.iter().find(|issue| issue.kind == kind).map_or(&[], |issue| &issue.samples)
    }

    /// The test of one cue.
    pub fn shortcut(&self, feature: ShortcutFeature) -> Option<&Shortcut> {
        self.shortcuts.iter().find(|shortcut| shortcut.feature == feature)
    }
}

/// What can be wrong with a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueKind {
    /// The same pixels as another sample, whatever the file. Value: samples with these pixels.
    ExactDuplicate,
    /// Nearly the same image as another sample: saved again, resized, toned, slightly cropped. Value: how alike the
    /// two are, the correlation of their lightness in 16 × 16 cells.
    NearDuplicate,
    /// Very dark: few pixels are light. Value: the 99th percentile of luma, levels.
    Dark,
    /// Very bright: few pixels are not white. Value: the 5th percentile of luma, levels.
    Bright,
    /// Not even its sharpest parts are sharp. Value: [`vision::Features::sharpness`].
    Blurry,
    /// Uniform colour. Value: the standard deviation of luma, levels.
    Blank,
    /// Far larger, smaller, wider or narrower than the others. Value: by how many times, in area or in aspect ratio,
    /// whichever is further out.
    OddSize,
    /// Without colour, where most have colour. Value: the largest difference of two channels in a pixel, levels.
    Grey,
    /// Stored turned or mirrored, and shown upright thanks to EXIF alone: a tool that ignores it sees another image.
    /// Value: the EXIF orientation, 2 to 8.
    ExifTurned,
}

impl IssueKind {
    /// All, in the order of a report.
    pub const ALL: [IssueKind; 9] = [
        IssueKind::ExactDuplicate,
        IssueKind::NearDuplicate,
        IssueKind::Dark,
        IssueKind::Bright,
        IssueKind::Blurry,
        IssueKind::Blank,
        IssueKind::OddSize,
        IssueKind::Grey,
        IssueKind::ExifTurned,
    ];

    /// The word used in JSON, SQL and URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            IssueKind::ExactDuplicate => "exact_duplicate",
            IssueKind::NearDuplicate => "near_duplicate",
            IssueKind::Dark => "dark",
            IssueKind::Bright => "bright",
            IssueKind::Blurry => "blurry",
            IssueKind::Blank => "blank",
            IssueKind::OddSize => "odd_size",
            IssueKind::Grey => "grey",
            IssueKind::ExifTurned => "exif_turned",
        }
    }

    /// The inverse of [`IssueKind::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The samples with one kind of issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// Which.
    pub kind: IssueKind,
    /// The worst first; of equal ones the lowest id.
    pub samples: Vec<FlaggedSample>,
}

/// One sample with an issue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlaggedSample {
    /// The sample.
    pub id: i64,
    /// How bad it is, above 0 to 1; 1 throughout where there are no degrees.
    pub score: f64,
    /// What was measured; see [`IssueKind`] for its meaning.
    pub value: f64,
}

/// A set of samples that are copies of each other, be it by way of a third.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// [`IssueKind::ExactDuplicate`] or [`IssueKind::NearDuplicate`]. A near one has its exact copies in it too.
    pub kind: IssueKind,
    /// Two or more, ascending.
    pub ids: Vec<i64>,
    /// 1 for exact copies; else how alike the least alike pair is of those that made the set.
    pub score: f64,
    /// They have different labels, so one of those is wrong.
    pub across_classes: bool,
    /// They are in different splits: what is evaluated by was learned from.
    pub across_splits: bool,
    /// Their files are the same to the byte.
    pub same_file: bool,
}

/// How the samples are spread over classes and splits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// The largest class in train; of equal ones the first. `None` where train is empty, as is the rest then.
    pub largest: Option<TrainCount>,
    /// The smallest class in train that has samples there.
    pub smallest: Option<TrainCount>,
    /// `largest / smallest`.
    pub ratio: Option<f64>,
    /// The classes that lack samples in a split that others have samples in; by label.
    pub missing: Vec<MissingClass>,
}

/// A class and its training samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainCount {
    /// Its name.
    pub class: String,
    /// Samples.
    pub count: usize,
}

/// A class that a split knows nothing of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingClass {
    /// Its name.
    pub class: String,
    /// The splits without it, in the order of [`Split::ALL`].
    pub splits: Vec<Split>,
}

/// Something that can be known of an image without seeing what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortcutFeature {
    /// Mean levels of red, green and blue.
    Colour,
    /// Mean, spread and percentiles of luma.
    Brightness,
    /// Width, height, aspect ratio and area.
    Size,
    /// Bytes and format of the file.
    File,
    /// Mean levels of red, green and blue along the border.
    Border,
}

impl ShortcutFeature {
    /// All, in the order of a report.
    pub const ALL: [ShortcutFeature; 5] = [
        ShortcutFeature::Colour,
        ShortcutFeature::Brightness,
        ShortcutFeature::Size,
        ShortcutFeature::File,
        ShortcutFeature::Border,
    ];

    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ShortcutFeature::Colour => "colour",
            ShortcutFeature::Brightness => "brightness",
            ShortcutFeature::Size => "size",
            ShortcutFeature::File => "file",
            ShortcutFeature::Border => "border",
        }
    }
}

/// How much a cue gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing that could not be chance.
    None,
    /// More than chance: the interval's lower end is above it.
    Weak,
    /// At least half of the way from chance to perfect.
    Strong,
}

/// How well one cue alone tells the classes apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shortcut {
    /// Which.
    pub feature: ShortcutFeature,
    /// Mean recall of the classes, each sample evaluated by a classifier that was not fitted on it (five folds).
    pub balanced_accuracy: f64,
    /// The interval's lower end. It is the normal approximation's 99 % interval of a mean of recalls; 99 % since five
    /// cues are asked at once, so that all five hold with 95 %.
    pub lower: f64,
    /// The interval's upper end.
    pub upper: f64,
    /// What guessing gives: 1 / classes.
    pub chance: f64,
    /// How much it gives away.
    pub severity: Severity,
    /// Samples asked: of train (of all splits where train has none), one of each set of duplicates, at most 6,000.
    pub samples: usize,
    /// What the classifier got, in the order of [`ClassEvidence::means`].
    pub columns: Vec<String>,
    /// By label; classes with fewer than ten such samples are left out.
    pub classes: Vec<ClassEvidence>,
}

/// What a cue looks like in one class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassEvidence {
    /// The class.
    pub label: u32,
    /// Its name.
    pub class: String,
    /// Samples asked.
    pub samples: usize,
    /// Share of them that the cue alone gets right.
    pub recall: f64,
    /// Mean of each of [`Shortcut::columns`].
    pub means: Vec<f64>,
}
