//! Samples that show the same. Exact copies have equal pixels. Near ones have hashes that differ in few bits and,
//! as that alone also holds of many smooth images, signatures that agree.

use super::Subject;
use super::outliers::{is_blank, worst_first};
use super::report::{FlaggedSample, Group, Issue, IssueKind};
use std::collections::HashMap;
use vision::Features;

/// Bits in which the hashes of near-duplicates may differ. With four bands of 16 bits, seven different bits leave a
/// band with at most one of them: so looking up each band, and each band with one bit flipped, finds every such pair
/// (multi-index hashing: Norouzi, Punjani, Fleet 2012).
const MAX_BITS: u32 = 7;
const BANDS: u32 = 4;
const BAND_BITS: u32 = 16;

/// Images compared in one bucket, nearest by hash. A data set of which so many share a band is a film or is drawn;
/// its neighbours still find each other, and the time stays proportional to the number of samples.
const WINDOW: usize = 256;

/// Least correlation of the grey signatures. Of CIFAR-10's 60,000 images about 200 pairs pass, and all that were looked
/// at are the same photo, cropped, toned or saved otherwise. There 0.95 would find as many again, and hardly a wrong
/// one; but handwritten digits have a similarity of 0.95 that were written by different hands.
const MIN_CORRELATION: f64 = 0.97;
/// Levels by which colours may differ (root mean square of red and blue, each less green): toned otherwise, not another
/// colour, which may be what tells two classes of signs or lamps apart.
const MAX_CHROMA: f64 = 30.0;

/// Samples, by index, in sets of copies.
#[derive(Clone)]
pub(super) struct Copies {
    /// Leads from each sample to the first one of its set, which is its own parent.
    parent: Vec<usize>,
    /// How alike each sample is to the one by which it came into a set; 0 where it is alone.
    alike: Vec<f64>,
}

/// Sets of equal pixels.
pub(super) fn exact(subjects: &[&Subject]) -> Copies {
    let mut copies = Copies { parent: (0..subjects.len()).collect(), alike: vec![0.0; subjects.len()] };
    let mut first_with = HashMap::new();
    for (index, subject) in subjects.iter().enumerate() {
        let first = *first_with.entry(subject.features.pixel_hash).or_insert(index);
        if first != index {
            copies.join(first, index, 1.0);
        }
    }
    copies
}

/// Sets of images that are nearly the same, or the same. Blank ones are like any other blank one, which says nothing.
pub(super) fn near(subjects: &[&Subject], exact: &Copies) -> Copies {
    let mut copies = exact.clone();
    // By hash, so that a window around a place in a bucket holds the nearest.
    let mut images: Vec<(u64, usize)> = (0..subjects.len())
        .filter(|&index| exact.parent[index] == index && !is_blank(subjects[index]))
        .map(|index| (subjects[index].features.perceptual_hash, index))
        .collect();
    images.sort_unstable();
    for band in 0..BANDS {
        let buckets = Buckets::new(&images, band);
        for (place, &(hash, index)) in images.iter().enumerate() {
            let value = band_of(hash, band);
            for near_value in std::iter::once(value).chain((0..BAND_BITS).map(|bit| value ^ 1 << bit)) {
                for &other in buckets.around(near_value, place) {
                    let (other_hash, other) = images[other as usize];
                    // Every pair is met from both of its sides.
                    if index >= other || (hash ^ other_hash).count_ones() > MAX_BITS {
                        continue;
                    }
                    if copies.first(index) == copies.first(other) {
                        continue;
                    }
                    if let Some(alike) = likeness(subjects[index].features, subjects[other].features) {
                        copies.join(index, other, alike);
                    }
                }
            }
        }
    }
    copies
}

impl Copies {
    /// The first sample of the set that `index` is in.
    pub(super) fn first(&mut self, mut index: usize) -> usize {
        while self.parent[index] != index {
            self.parent[index] = self.parent[self.parent[index]];
            index = self.parent[index];
        }
        index
    }

    fn join(&mut self, a: usize, b: usize, alike: f64) {
        let (a_first, b_first) = (self.first(a), self.first(b));
        self.parent[a_first.max(b_first)] = a_first.min(b_first);
        for index in [a, b] {
            self.alike[index] = self.alike[index].max(alike);
        }
    }

    /// The sets of two or more, ascending.
    pub(super) fn sets(&mut self) -> Vec<Vec<usize>> {
        let mut sets = vec![Vec::new(); self.parent.len()];
        for index in 0..self.parent.len() {
            sets[self.first(index)].push(index);
        }
        sets.retain(|set| set.len() > 1);
        sets
    }
}

/// What the report says of the sets of equal pixels.
pub(super) fn report_exact(subjects: &[&Subject], copies: &mut Copies) -> (Issue, Vec<Group>) {
    let sets = copies.sets();
    let groups = sets.iter().map(|set| group(IssueKind::ExactDuplicate, subjects, set, 1.0)).collect();
    let finding = |&index: &usize, set: &[usize]| FlaggedSample {
        id: subjects[index].id,
        score: 1.0,
        value: set.len() as f64,
    };
    let findings = sets.iter().flat_map(|set| set.iter().map(|index| finding(index, set))).collect();
    (worst_first(IssueKind::ExactDuplicate, findings), groups)
}

/// What the report says of the sets of near-duplicates; those of nothing but equal pixels are none.
pub(super) fn report_near(subjects: &[&Subject], copies: &mut Copies) -> (Issue, Vec<Group>) {
    let mut sets = copies.sets();
    let pixels = |index: usize| subjects[index].features.pixel_hash;
    sets.retain(|set| set.iter().any(|&index| pixels(index) != pixels(set[0])));
    let alike = |index: &usize| copies.alike[*index];
    let least = |set: &[usize]| set.iter().map(alike).fold(1.0, f64::min);
    let groups = sets.iter().map(|set| group(IssueKind::NearDuplicate, subjects, set, least(set))).collect();
    let finding =
        |index: &usize| FlaggedSample { id: subjects[*index].id, score: alike(index), value: alike(index) };
    (worst_first(IssueKind::NearDuplicate, sets.iter().flatten().map(finding).collect()), groups)
}

fn group(kind: IssueKind, subjects: &[&Subject], set: &[usize], score: f64) -> Group {
    let first = subjects[set[0]];
    let any = |differs: &dyn Fn(&Subject) -> bool| set.iter().any(|&index| differs(subjects[index]));
    Group {
        kind,
        ids: set.iter().map(|&index| subjects[index].id).collect(),
        score,
        across_classes: any(&|subject| subject.label != first.label),
        across_splits: any(&|subject| subject.split != first.split),
        same_file: !any(&|subject| subject.file_hash != first.file_hash),
    }
}

/// The correlation of two images' lightness, whatever their brightness and contrast; `None` where they are no
/// duplicates.
fn likeness(a: &Features, b: &Features) -> Option<f64> {
    let mean = |grey: &[u8]| grey.iter().map(|&level| f64::from(level)).sum::<f64>() / grey.len() as f64;
    let (a_mean, b_mean) = (mean(&a.grey), mean(&b.grey));
    let (mut products, mut a_squares, mut b_squares) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.grey.iter().zip(&b.grey) {
        let (a, b) = (f64::from(a) - a_mean, f64::from(b) - b_mean);
        products += a * b;
        a_squares += a * a;
        b_squares += b * b;
    }
    let correlation = products / (a_squares * b_squares).sqrt().max(f64::MIN_POSITIVE);
    let chroma = |[r, g, b]: [u8; 3]| [f64::from(r) - f64::from(g), f64::from(b) - f64::from(g)];
    let squares = a.colour.iter().zip(&b.colour).map(|(&a, &b)| {
        let ([a_red, a_blue], [b_red, b_blue]) = (chroma(a), chroma(b));
        ((a_red - b_red).powi(2) + (a_blue - b_blue).powi(2)) / 2.0
    });
    let difference = (squares.sum::<f64>() / a.colour.len() as f64).sqrt();
    (correlation >= MIN_CORRELATION && difference <= MAX_CHROMA).then_some(correlation.min(1.0))
}

fn band_of(hash: u64, band: u32) -> u16 {
    (hash >> (band * BAND_BITS)) as u16
}

/// The images (by their place in the order of hashes) by the value of one band.
struct Buckets {
    /// Where each value's places start; one more for the end.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Buckets {
    fn new(images: &[(u64, usize)], band: u32) -> Buckets {
        let mut starts = vec![0_u32; (1 << BAND_BITS) + 1];
        for &(hash, _) in images {
            starts[usize::from(band_of(hash, band)) + 1] += 1;
        }
        for value in 1..starts.len() {
            starts[value] += starts[value - 1];
        }
        let mut next = starts.clone();
        let mut places = vec![0; images.len()];
        for (place, &(hash, _)) in images.iter().enumerate() {
            let at = &mut next[usize::from(band_of(hash, band))];
            places[*at as usize] = place as u32;
            *at += 1;
        }
        Buckets { starts, places }
    }

    /// Those with this value; of more than [`WINDOW`] the ones around a place.
    fn around(&self, value: u16, place: usize) -> &[u32] {
        let value = usize::from(value);
        let bucket = &self.places[self.starts[value] as usize..self.starts[value + 1] as usize];
        if bucket.len() <= WINDOW {
            return bucket;
        }
        let middle = bucket.partition_point(|&other| (other as usize) < place);
        let first = middle.saturating_sub(WINDOW / 2).min(bucket.len() - WINDOW);
        &bucket[first..first + WINDOW]
    }
}
