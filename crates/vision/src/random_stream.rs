//! Random numbers that belong to a sample, not to a thread or an order.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// A stream of random numbers keyed by (seed, epoch, sample): ChaCha with 8 rounds, whose key is just those three numbers.
#[derive(Clone, Debug)]
pub struct RandomStream {
    stream: ChaCha8Rng,
}

impl RandomStream {
    /// The stream of one sample in one epoch of one run.
    pub fn new(seed: u64, epoch: u32, sample_key: i64) -> RandomStream {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..12].copy_from_slice(&epoch.to_le_bytes());
        key[12..20].copy_from_slice(&sample_key.to_le_bytes());
        RandomStream { stream: ChaCha8Rng::from_seed(key) }
    }

    /// Uniform in `low..high` (`low` where they are equal).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        // 53 bits, the precision of an f64.
        let unit = (self.stream.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        low + (high - low) * unit
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform(0.0, 1.0) < probability
    }

    /// Uniform in `0..count`; `count` is at least 1.
    pub fn below(&mut self, count: u32) -> u32 {
        // Exact to one part in 2^32, far below what a statistical test of any length here could see.
        ((u64::from(count) * u64::from(self.stream.next_u32())) >> 32) as u32
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        // Of the values in 0..1, one that is not 0 under the logarithm.
        let radius = (-2.0 * (1.0 - self.uniform(0.0, 1.0)).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform(0.0, 1.0)).cos()
    }

    /// Random bytes.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        self.stream.fill_bytes(bytes);
    }

    /// A stream of its own, keyed by 256 bits of this one: however much is taken from it, this one goes on the same.
    pub(crate) fn branch(&mut self) -> RandomStream {
        let mut key = [0; 32];
        self.fill(&mut key);
        RandomStream { stream: ChaCha8Rng::from_seed(key) }
    }
}

#[cfg(test)]
mod tests {
    use super::RandomStream;

    #[test]
    fn a_stream_depends_on_its_three_keys_alone() {
        let first = |seed, epoch, sample| RandomStream::new(seed, epoch, sample).uniform(0.0, 1.0);
        assert_eq!(first(1, 2, 3), first(1, 2, 3));
        assert_ne!(first(1, 2, 3), first(2, 2, 3));
        assert_ne!(first(1, 2, 3), first(1, 3, 3));
        assert_ne!(first(1, 2, 3), first(1, 2, 4));
    }

    #[test]
    fn numbers_stay_what_they_are() {
        // Runs are repeated by seed, also by later versions of this program.
        let mut random = RandomStream::new(1, 2, 3);
        assert_eq!(random.uniform(0.0, 1.0), 0.3851991800504898);
        assert_eq!(random.below(1_000_000), 862_860);
        assert_eq!(RandomStream::new(0, 0, -1).uniform(-1.0, 1.0), -0.21274612043381835);
    }

    #[test]
    fn numbers_keep_within_their_bounds() {
        let mut random = RandomStream::new(5, 1, 1);
        assert!((0..1000).all(|_| random.chance(1.0) && !random.chance(0.0)));
        assert!((0..1000).all(|_| random.below(1) == 0 && random.uniform(2.5, 2.5) == 2.5));
        assert!((0..1000).all(|_| (-3.0..4.0).contains(&random.uniform(-3.0, 4.0))));
    }

    #[test]
    fn a_branch_leaves_the_stream_as_it_is() {
        let (mut one, mut other) = (RandomStream::new(1, 1, 1), RandomStream::new(1, 1, 1));
        let (mut branch, mut same) = (one.branch(), other.branch());
        let sampled: Vec<f64> = (0..100).map(|_| branch.uniform(0.0, 1.0)).collect();
        assert_eq!(sampled[0], same.uniform(0.0, 1.0));
        let next = one.uniform(0.0, 1.0);
        assert_eq!(next, other.uniform(0.0, 1.0));
        assert!(!sampled.contains(&next));
    }

    #[test]
    fn normal_numbers_have_the_moments_of_the_distribution() {
        let mut random = RandomStream::new(9, 1, 1);
        let sampled: Vec<f64> = (0..100_000).map(|_| random.normal()).collect();
        let moment = |power| sampled.iter().map(|value| value.powi(power)).sum::<f64>() / 100_000.0;
        for (power, expected, allowed) in [(1, 0.0, 0.015), (2, 1.0, 0.02), (3, 0.0, 0.06), (4, 3.0, 0.15)] {
            assert!((moment(power) - expected).abs() < allowed, "{power}: {}", moment(power));
        }
    }

    #[test]
    fn numbers_are_uniform() {
        let mut random = RandomStream::new(7, 1, 1);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            counts[random.below(10) as usize] += 1;
        }
        // The standard deviation of a count is 95.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 500), "{counts:?}");
        let mean = (0..100_000).map(|_| random.uniform(-1.0, 3.0)).sum::<f64>() / 100_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }
}
