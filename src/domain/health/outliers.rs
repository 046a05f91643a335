//! Images that show nothing or differ from all others. Limits are fixed where an image is useless by itself, and
//! taken from the data set where only the comparison tells.

use super::Subject;
use super::report::{FlaggedSample, Issue, IssueKind};

/// 99 % of a dark image's pixels are in the lowest quarter of the levels.
const DARK_BELOW: f64 = 64.0;
/// 95 % of a bright image's pixels are within the uppermost 5 % of the levels.
const BRIGHT_ABOVE: f64 = 242.0;
/// Half of the photos that are blurred by 0.7 % of their longer side are below, all that are by 1.4 %, and two of 1,000 as
/// people publish them.
const BLURRY_BELOW: f64 = 0.35;
/// Noise of a camera in front of nothing, and JPEG's, stay below.
const BLANK_BELOW: f64 = 2.0;
/// What saving a grey photo as a colour JPEG may leave.
const GREY_UP_TO: u8 = 4;
/// Beyond the quartiles by so many times their distance (Tukey's outer fence).
const FENCE: f64 = 3.0;
/// And at least so far from the median, doublings: four times the area, twice the aspect ratio.
const AREA_DOUBLINGS: f64 = 2.0;
const ASPECT_DOUBLINGS: f64 = 1.0;

/// One issue a kind, duplicates aside.
pub(super) fn all(subjects: &[&Subject]) -> Vec<Issue> {
    let each = |kind, measure: &dyn Fn(&Subject) -> Option<(f64, f64)>| {
        let measured = |subject: &&Subject| {
            measure(subject).map(|(score, value)| FlaggedSample { id: subject.id, score, value })
        };
        worst_first(kind, subjects.iter().filter_map(measured).collect())
    };
    let grey_count = subjects.iter().filter(|subject| is_grey(subject)).count();
    let most_are_grey = 2 * grey_count > subjects.len();
    let area = Fence::of(subjects.iter().map(|subject| doublings_of_area(subject)), AREA_DOUBLINGS);
    let aspect = Fence::of(subjects.iter().map(|subject| doublings_of_aspect(subject)), ASPECT_DOUBLINGS);
    vec![
        each(IssueKind::Dark, &|subject| {
            let level = f64::from(subject.features.luma.p99);
            is_dark(subject).then(|| (1.0 - level / DARK_BELOW, level))
        }),
        each(IssueKind::Bright, &|subject| {
            let level = f64::from(subject.features.luma.p5);
            let score = (level - BRIGHT_ABOVE) / (255.0 - BRIGHT_ABOVE);
            (level > BRIGHT_ABOVE && !is_blank(subject)).then_some((score, level))
        }),
        each(IssueKind::Blurry, &|subject| {
            let sharpness = f64::from(subject.features.sharpness);
            let is_measurable = !is_dark(subject) && f64::from(subject.features.luma_std) >= BLANK_BELOW;
            (is_measurable && sharpness < BLURRY_BELOW).then(|| (1.0 - sharpness / BLURRY_BELOW, sharpness))
        }),
        each(IssueKind::Blank, &|subject| {
            let contrast = f64::from(subject.features.luma_std);
            is_blank(subject).then(|| (1.0 - contrast / BLANK_BELOW, contrast))
        }),
        each(IssueKind::OddSize, &|subject| {
            let outside =
                [area.outside(doublings_of_area(subject)), aspect.outside(doublings_of_aspect(subject))];
            let (beyond, far) = outside.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0))?;
            Some((1.0 - (-beyond).exp2(), far.exp2()))
        }),
        each(IssueKind::Grey, &|subject| {
            (!most_are_grey && is_grey(subject)).then(|| (1.0, f64::from(subject.features.channel_range)))
        }),
        each(IssueKind::ExifTurned, &|subject| {
            (subject.orientation > 1).then(|| (1.0, f64::from(subject.orientation)))
        }),
    ]
}

/// Nothing to be seen, in luma or in colour. A blank image is that alone: not also dark, bright or blurred.
pub(super) fn is_blank(subject: &Subject) -> bool {
    let features = subject.features;
    let spread = |channel: usize| {
        let levels = features.colour.iter().map(|cell| cell[channel]);
        levels.clone().max().unwrap_or(0).abs_diff(levels.min().unwrap_or(0))
    };
    f64::from(features.luma_std) < BLANK_BELOW
        && (0..3).all(|channel| f64::from(spread(channel)) < 4.0 * BLANK_BELOW)
}

/// A dark image is that alone: in what few levels it has, nothing is sharp.
fn is_dark(subject: &Subject) -> bool {
    f64::from(subject.features.luma.p99) < DARK_BELOW && !is_blank(subject)
}

/// The worst first; of equal ones the lowest id.
pub(super) fn worst_first(kind: IssueKind, mut samples: Vec<FlaggedSample>) -> Issue {
    samples.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
    Issue { kind, samples }
}

fn is_grey(subject: &Subject) -> bool {
    subject.features.channel_range <= GREY_UP_TO
}

fn doublings_of_area(subject: &Subject) -> f64 {
    (f64::from(subject.width) * f64::from(subject.height)).log2()
}

fn doublings_of_aspect(subject: &Subject) -> f64 {
    (f64::from(subject.width) / f64::from(subject.height)).log2()
}

/// What is usual in a data set.
struct Fence {
    lower: f64,
    median: f64,
    upper: f64,
}

impl Fence {
    fn of(values: impl Iterator<Item = f64>, least: f64) -> Fence {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let quartile = |quarter: usize| values.get(values.len() * quarter / 4).copied().unwrap_or(0.0);
        let (first, median, third) = (quartile(1), quartile(2), quartile(3));
        let reach = FENCE * (third - first);
        Fence {
            lower: (first - reach).min(median - least),
            median,
            upper: (third + reach).max(median + least),
        }
    }

    /// How far outside, and how far from the median.
    fn outside(&self, value: f64) -> Option<(f64, f64)> {
        let beyond = (self.lower - value).max(value - self.upper);
        (beyond > 0.0).then(|| (beyond, (value - self.median).abs()))
    }
}
