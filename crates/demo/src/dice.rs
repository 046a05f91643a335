//! Random draws that depend on their key alone, never on order or thread.

/// A stream of draws (SplitMix64: Steele, Lea and Flood 2014).
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream of this key.
    pub(crate) fn new(key: &[u64]) -> Dice {
        let mut dice = Dice(0x5eed);
        for part in key {
            dice.0 = dice.next() ^ part;
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform from `low` up to `high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.next() >> 40) as f32 / (1 << 24) as f32)
    }

    /// One of `count`.
    pub(crate) fn pick(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// True so often.
    pub(crate) fn chance(&mut self, share: f32) -> bool {
        self.between(0.0, 1.0) < share
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_stream_depends_on_its_key_and_fills_its_range() {
        let draws = |key: &[u64]| {
            let mut dice = Dice::new(key);
            (0..1000).map(|_| dice.between(2.0, 4.0)).collect::<Vec<f32>>()
        };
        assert_eq!(draws(&[1, 2]), draws(&[1, 2]));
        assert_ne!(draws(&[1, 2]), draws(&[2, 1]));
        let mean = draws(&[7]).iter().sum::<f32>() / 1000.0;
        assert!((2.9..3.1).contains(&mean), "{mean}");
        assert!(draws(&[7]).iter().all(|draw| (2.0..4.0).contains(draw)));
    }
}
