//! What a data set's images are like: how their figures are spread, by class, and what each class's mean colour is.
//! Pure, as [`crate::domain::health`] is, and made of the same samples in the same go.

mod spread;

use super::health::Subject;
use super::measure::Measure;
use protocol::sample::Split;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Raised whenever what an overview says of the same samples, or its shape, changes.
const VERSION: u32 = 1;

/// What is kept and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// Of the analysis; an overview of another version is to be made anew. 0: of before there were versions.
    #[serde(default)]
    pub version: u32,
    /// The classes, by label; the counts below are in this order.
    pub classes: Vec<ClassColour>,
    /// One for each of [`Measure::ALL`], in that order.
    pub spreads: Vec<Spread>,
    /// The kinds of file, the most frequent first.
    pub formats: Vec<FormatCount>,
    /// Of the training images (of all, where there are none); `None` of no images.
    pub channels: Option<ChannelFigures>,
}

/// A class's mean colour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassColour {
    /// Its name.
    pub class: String,
    /// Its samples, in all splits.
    pub samples: u64,
    /// Mean levels of red, green and blue; each image counts alike, whatever its size. `None` of no images.
    pub mean: Option<[f64; 3]>,
}

/// How one figure is spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The [`Measure`], by its word.
    pub measure: String,
    /// Where the bins begin and end, ascending, one more than there are bins. A bin holds its lower edge and not its upper
    /// one; the first and the last also hold whatever lies beyond.
    pub edges: Vec<f64>,
    /// Samples in each bin, by class.
    pub counts: Vec<Vec<u32>>,
}

/// How many samples are files of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormatCount {
    /// `jpeg`, `png` …
    pub format: String,
    /// By class.
    pub counts: Vec<u32>,
}

/// Mean and standard deviation of the values of red, green and blue, 0 to 1: what a network is often normalised by. Every
/// image counts alike, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelFigures {
    /// Of the values.
    pub mean: [f64; 3],
    /// Of all values of a channel together, of the population.
    pub std: [f64; 3],
    /// Images that they are of.
    pub samples: u64,
}

impl Overview {
    /// Whether this program would still say the same of the same samples, and every count has its class and its bin: pages draw it
    /// without another look.
    pub fn is_current(&self) -> bool {
        let classes = self.classes.len();
        let is_whole = |spread: &Spread| {
            let bins = spread.edges.len().saturating_sub(1);
            spread.counts.len() == classes
                && spread.edges.len() > 1
                && spread.edges.iter().all(|edge| edge.is_finite())
                && spread.counts.iter().all(|counts| counts.len() == bins)
        };
        self.version == VERSION
            && self.spreads.iter().all(is_whole)
            && self.formats.iter().all(|format| format.counts.len() == classes)
    }

    /// How a figure is spread.
    pub fn spread(&self, measure: Measure) -> Option<&Spread> {
        self.spreads.iter().find(|spread| spread.measure == measure.as_str())
    }
}

impl Spread {
    /// Of all classes together.
    pub fn totals(&self) -> Vec<u64> {
        let bins = self.edges.len().saturating_sub(1);
        (0..bins).map(|bin| self.counts.iter().map(|counts| u64::from(counts[bin])).sum()).collect()
    }
}

/// Sums a data set up; `classes` are the names by label.
///
/// # Panics
/// Where a label has no class.
pub fn overview(subjects: &[Subject], classes: &[String]) -> Overview {
    Overview {
        version: VERSION,
        classes: colours(subjects, classes),
        spreads: Measure::ALL.map(|measure| spread::of(measure, subjects, classes.len())).into(),
        formats: formats(subjects, classes.len()),
        channels: channels(subjects),
    }
}

fn colours(subjects: &[Subject], classes: &[String]) -> Vec<ClassColour> {
    let mut sums = vec![([0.0; 3], 0_u64); classes.len()];
    for subject in subjects {
        let (sum, samples) = &mut sums[subject.label as usize];
        add(sum, subject.features.mean.map(f64::from));
        *samples += 1;
    }
    let colour = |(class, (sum, samples)): (&String, ([f64; 3], u64))| ClassColour {
        class: class.clone(),
        samples,
        mean: (samples > 0).then(|| sum.map(|sum| sum / samples as f64)),
    };
    classes.iter().zip(sums).map(colour).collect()
}

fn formats(subjects: &[Subject], classes: usize) -> Vec<FormatCount> {
    let mut counts = BTreeMap::<&str, Vec<u32>>::new();
    for subject in subjects {
        counts.entry(subject.format).or_insert_with(|| vec![0; classes])[subject.label as usize] += 1;
    }
    let mut formats: Vec<FormatCount> = counts
        .into_iter()
        .map(|(format, counts)| FormatCount { format: format.to_owned(), counts })
        .collect();
    formats.sort_by_key(|format| {
        std::cmp::Reverse(format.counts.iter().map(|count| u64::from(*count)).sum::<u64>())
    });
    formats
}

fn channels(subjects: &[Subject]) -> Option<ChannelFigures> {
    let has_train = subjects.iter().any(|subject| subject.split == Split::Train);
    let (mut sum, mut squares, mut samples) = ([0.0; 3], [0.0; 3], 0_u64);
    for subject in subjects.iter().filter(|subject| !has_train || subject.split == Split::Train) {
        add(&mut sum, subject.features.mean.map(f64::from));
        add(&mut squares, subject.features.square.map(f64::from));
        samples += 1;
    }
    if samples == 0 {
        return None;
    }
    let of_one = |sum: f64, levels: f64| sum / samples as f64 / levels;
    let mean = sum.map(|sum| of_one(sum, 255.0));
    let std = std::array::from_fn(|channel| {
        (of_one(squares[channel], 255.0 * 255.0) - mean[channel] * mean[channel]).max(0.0).sqrt()
    });
    Some(ChannelFigures { mean, std, samples })
}

fn add(sum: &mut [f64; 3], more: [f64; 3]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

#[cfg(test)]
mod tests;
