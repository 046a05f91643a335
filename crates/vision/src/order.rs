//! The order in which an epoch visits its samples: a pure function of seed and epoch, so that a resumed run and
//! any number of loader threads see the same.

/// A permutation of `0..count` for `epoch` of a run with `seed`.
///
/// Fisher and Yates's shuffle, as Durstenfeld wrote it, on the numbers of [`SplitMix`].
pub fn shuffled(count: usize, seed: u64, epoch: u32) -> Vec<usize> {
    // The stream's start is hashed from both numbers, so that neighbouring seeds and epochs share nothing.
    let mut random = SplitMix(SplitMix(seed).next() ^ u64::from(epoch));
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, random.below(last as u64 + 1) as usize);
    }
    order
}

/// Steele, Lea and Flood's SplitMix64 (2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform below `bound` by the upper half of a product; its bias is below `bound` ÷ 2⁶⁴.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // The first outputs for seed 1234567, as given with the reference implementation.
        let mut random = SplitMix(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn every_sample_once_and_every_epoch_differently() {
        let mut orders = std::collections::HashSet::new();
        for seed in 0..4 {
            for epoch in 1..5 {
                let order = shuffled(100, seed, epoch);
                assert_eq!(order, shuffled(100, seed, epoch));
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, (0..100).collect::<Vec<_>>());
                orders.insert(order);
            }
        }
        assert_eq!(orders.len(), 16);
    }

    #[test]
    fn places_are_even() {
        // Of 6,000 shuffles of 6, each number should stand first about 1,000 times; 5 standard deviations are 144.
        let mut first = [0_i32; 6];
        for seed in 0..6000 {
            first[shuffled(6, seed, 1)[0]] += 1;
        }
        assert!(first.iter().all(|count| (count - 1000).abs() < 144), "{first:?}");
    }

    #[test]
    fn nothing_and_one() {
        assert!(shuffled(0, 1, 1).is_empty());
        assert_eq!(shuffled(1, 1, 1), [0]);
    }
}
