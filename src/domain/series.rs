//! Series of a run (a number a step) made short enough to draw. It knows nothing of keys, storage or charts.

use std::collections::BTreeMap;

/// The most points that one bucket can leave: first, lowest, highest, last, and a gap.
const KEPT_OF_A_BUCKET: usize = 5;

/// A point: its step and its value, which is `None` where it is a gap.
pub type Point = (u64, Option<f64>);

/// At most `target` points of `points` (but never fewer than 5 are allowed), ordered by step as they came.
///
/// `points` are ordered by step; a value that is `None` (or not finite) is a gap. They come back unchanged where they
/// are few enough. Otherwise they are cut into buckets of equally many points (to within one), and of each bucket
/// these survive, unaltered and in place: its first point, its last, its lowest and highest value (the earliest of
/// equals) and, where it has gaps, its first gap. So every extreme of the series is in the result, global or local to
/// a bucket, and so is a sign of every gap. There is no sampling: the same points give the same result.
pub fn downsample(points: &[Point], target: usize) -> Vec<Point> {
    match bucket_starts(points.len(), points.iter().any(is_gap), target) {
        None => points.to_vec(),
        Some(starts) => starts.windows(2).flat_map(|ends| survivors(&points[ends[0]..ends[1]])).collect(),
    }
}

/// Where each bucket begins, and at last where the last one ends; `None` where so many points are few enough.
fn bucket_starts(points: usize, has_gap: bool, target: usize) -> Option<Vec<usize>> {
    let limit = target.max(KEPT_OF_A_BUCKET);
    // Without gaps a bucket leaves one point fewer, which makes room for more buckets.
    let buckets = limit / (KEPT_OF_A_BUCKET - usize::from(!has_gap));
    (points > limit).then(|| (0..=buckets).map(|bucket| bucket * points / buckets).collect())
}

/// Points of a block of a long series.
pub const BLOCK_POINTS: usize = 1_000;

/// What of a block a bucket that holds it whole has to know: at most five points.
pub fn extremes(block: &[Point]) -> Vec<Point> {
    survivors(block).collect()
}

/// A long series: blocks of [`BLOCK_POINTS`] points of which only the extremes are known, then points that are in no block yet.
#[derive(Clone, Debug, Default)]
pub struct LongSeries {
    /// Of each block, in order.
    pub blocks: Vec<Vec<Point>>,
    /// What comes behind them.
    pub rest: Vec<Point>,
}

impl LongSeries {
    /// How many points it has.
    fn len(&self) -> usize {
        self.blocks.len() * BLOCK_POINTS + self.rest.len()
    }

    fn starts(&self, target: usize) -> Option<Vec<usize>> {
        let has_gap = self.blocks.iter().flatten().chain(&self.rest).any(is_gap);
        bucket_starts(self.len(), has_gap, target)
    }

    /// The blocks that have to be known whole to thin the series to `target` points: those that an end of a bucket cuts.
    pub fn cut(&self, target: usize) -> Vec<usize> {
        let Some(starts) = self.starts(target) else { return (0..self.blocks.len()).collect() };
        let mut cut: Vec<usize> = starts
            .into_iter()
            .filter(|start| start % BLOCK_POINTS != 0 && start / BLOCK_POINTS < self.blocks.len())
            .map(|start| start / BLOCK_POINTS)
            .collect();
        cut.dedup();
        cut
    }

    /// What [`downsample`] makes of all its points; `whole` has the points of the blocks that are [cut](LongSeries::cut).
    pub fn downsample(&self, target: usize, whole: &BTreeMap<usize, Vec<Point>>) -> Vec<Point> {
        let Some(starts) = self.starts(target) else {
            return whole.values().flatten().chain(&self.rest).copied().collect();
        };
        let in_blocks = self.blocks.len() * BLOCK_POINTS;
        let bucket = |from: usize, to: usize| {
            // Of a block that lies in the bucket as a whole nothing but its extremes can survive.
            let mut known = Vec::new();
            for at in from / BLOCK_POINTS..to.min(in_blocks).div_ceil(BLOCK_POINTS) {
                let begin = at * BLOCK_POINTS;
                match whole.get(&at) {
                    Some(points) => {
                        let end = to.saturating_sub(begin).min(points.len());
                        known.extend_from_slice(
                            points.get(from.saturating_sub(begin)..end).unwrap_or_default(),
                        );
                    }
                    None => known.extend_from_slice(&self.blocks[at]),
                }
            }
            let rest = from.max(in_blocks) - in_blocks..to.max(in_blocks) - in_blocks;
            known.extend_from_slice(&self.rest[rest]);
            survivors(&known).collect::<Vec<_>>()
        };
        starts.windows(2).flat_map(|ends| bucket(ends[0], ends[1])).collect()
    }
}

fn is_gap(point: &Point) -> bool {
    finite(point).is_none()
}

/// What is left of one bucket, in order. A bucket is never empty: there are fewer buckets than points.
fn survivors(bucket: &[Point]) -> impl Iterator<Item = Point> + '_ {
    let (mut lowest, mut highest, mut gap) = (None, None, None);
    for (index, point) in bucket.iter().enumerate() {
        match finite(point) {
            Some(value) => {
                if lowest.is_none_or(|(_, least)| value < least) {
                    lowest = Some((index, value));
                }
                if highest.is_none_or(|(_, most)| value > most) {
                    highest = Some((index, value));
                }
            }
            None => gap = gap.or(Some(index)),
        }
    }
    let mut kept: Vec<usize> =
        [Some(0), lowest.map(|(index, _)| index), highest.map(|(index, _)| index), gap]
            .into_iter()
            .flatten()
            .chain(bucket.len().checked_sub(1))
            .collect();
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| bucket[index])
}

fn finite(point: &Point) -> Option<f64> {
    point.1.filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    type Points = Vec<(u64, Option<f64>)>;

    /// A noisy, falling curve with steps of uneven length; `gap_every` 0: no gaps.
    fn curve(length: usize, gap_every: u64) -> Points {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut step = 0;
        (0..length)
            .map(|index| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                step += 1 + state % 3;
                let noise = (state >> 11) as f64 / (1_u64 << 53) as f64;
                let is_gap = gap_every > 0 && state.is_multiple_of(gap_every);
                (step, (!is_gap).then(|| 3.0 / (1.0 + index as f64 / 100.0) + noise))
            })
            .collect()
    }

    fn range_of(points: &[(u64, Option<f64>)]) -> (f64, f64) {
        points.iter().filter_map(finite).fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
            (least.min(value), most.max(value))
        })
    }

    #[test]
    fn what_is_short_enough_is_unchanged() {
        for length in [0, 1, 5, 99, 100] {
            let points = curve(length, 7);
            assert_eq!(downsample(&points, 100), points);
        }
        assert_eq!(downsample(&curve(5, 0), 0), curve(5, 0));
    }

    #[test]
    fn never_longer_than_asked_for_and_always_a_subsequence() {
        for length in [6, 7, 101, 1_000, 4_999] {
            for gap_every in [0, 1, 2, 50] {
                let points = curve(length, gap_every);
                let all: BTreeSet<_> =
                    points.iter().map(|(step, value)| (*step, value.map(f64::to_bits))).collect();
                for target in [0, 1, 5, 6, 9, 10, 37, 100, 500] {
                    let short = downsample(&points, target);
                    assert!(short.len() <= target.max(5), "{} of {length} for {target}", short.len());
                    assert!(short.is_sorted_by(|a, b| a.0 < b.0));
                    assert!(
                        short.iter().all(|(step, value)| all.contains(&(*step, value.map(f64::to_bits))))
                    );
                    assert_eq!((short.first(), short.last()), (points.first(), points.last()));
                    assert_eq!(range_of(&short), range_of(&points), "{length}, {gap_every}, {target}");
                    assert_eq!(short, downsample(&points, target));
                }
            }
        }
    }

    #[test]
    fn every_spike_and_every_gap_survives_wherever_it_is() {
        for place in 0..1_000 {
            for planted in [Some(100.0), Some(-100.0), None] {
                let mut points = curve(1_000, 0);
                points[place].1 = planted;
                assert!(downsample(&points, 60).contains(&points[place]), "{planted:?} at {place}");
            }
        }
    }

    #[test]
    fn extremes_survive_in_every_bucket_and_not_only_over_all() {
        // 1,000 points and 100 allowed: 25 buckets of 40 without gaps, 20 of 50 with.
        for (gap_every, size) in [(0, 40), (9, 50)] {
            let points = curve(1_000, gap_every);
            let short = downsample(&points, 100);
            for bucket in points.chunks(size) {
                let steps = bucket[0].0..=bucket[size - 1].0;
                let kept: Points = short.iter().filter(|(step, _)| steps.contains(step)).copied().collect();
                assert_eq!(range_of(&kept), range_of(bucket));
                assert_eq!((kept.first(), kept.last()), (bucket.first(), bucket.last()));
                let has_gap = |points: &[(u64, Option<f64>)]| points.iter().any(|(_, value)| value.is_none());
                assert_eq!(has_gap(&kept), has_gap(bucket));
            }
        }
    }

    #[test]
    fn a_long_series_is_thinned_as_all_its_points_would_be() {
        for (length, gap_every) in
            [(1_000, 0), (2_000, 0), (4_321, 0), (4_321, 700), (30_000, 0), (30_999, 2)]
        {
            let mut points = curve(length, gap_every);
            for planted in [3, length / 2, length - 2] {
                points[planted].1 = Some(1e6 + planted as f64);
            }
            let all: Vec<&[Point]> = points.chunks_exact(BLOCK_POINTS).collect();
            let long = LongSeries {
                blocks: all.iter().map(|block| super::extremes(block)).collect(),
                rest: points.chunks_exact(BLOCK_POINTS).remainder().to_vec(),
            };
            for target in [5, 8, 37, 100, 500, 2_000, 10_000, 50_000] {
                let cut = long.cut(target);
                let whole: BTreeMap<usize, Vec<Point>> =
                    cut.iter().map(|&at| (at, all[at].to_vec())).collect();
                assert_eq!(whole.len(), cut.len());
                assert_eq!(
                    long.downsample(target, &whole),
                    downsample(&points, target),
                    "{length}, {gap_every}, {target}"
                );
            }
        }
    }

    #[test]
    fn few_blocks_of_a_long_series_have_to_be_known_whole() {
        let block: Vec<Point> = vec![(0, Some(1.0))];
        let long = |blocks: usize, rest: usize| LongSeries {
            blocks: vec![block.clone(); blocks],
            rest: vec![(0, Some(1.0)); rest],
        };
        // 125 buckets of 8,000 points: no end of one lies within a block.
        assert!(long(1_000, 0).cut(500).is_empty());
        assert!((1..125).contains(&long(1_000, 37).cut(500).len()));
        assert_eq!(long(3, 5).cut(10_000), [0, 1, 2]);
    }

    #[test]
    fn a_series_of_gaps_stays_one() {
        let points: Points = (0..50).map(|step| (step, None)).collect();
        let short = downsample(&points, 10);
        assert_eq!(short.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [0, 24, 25, 49]);
        assert!(short.iter().all(|(_, value)| value.is_none()));
    }

    #[test]
    fn a_value_that_is_not_finite_is_a_gap_and_no_extreme() {
        let mut points: Points = (0..100).map(|step| (step, Some(step as f64))).collect();
        points[50].1 = Some(f64::INFINITY);
        points[20].1 = Some(f64::NAN);
        let short = downsample(&points, 5);
        let steps: Vec<u64> = short.iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [0, 20, 99]);
    }

    #[test]
    fn of_equal_extremes_the_earliest_stays() {
        let points: Points = (0..8)
            .map(|step| (step, Some([5.0, 1.0, 9.0, 9.0, 1.0, 9.0, 1.0, 5.0][step as usize])))
            .collect();
        assert_eq!(downsample(&points, 5).iter().map(|(step, _)| *step).collect::<Vec<_>>(), [0, 1, 2, 7]);
    }
}
