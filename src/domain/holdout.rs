//! Holding samples out of training: seeded, stratified, and the same on every machine.
//!
//! Within a class the samples are put in the order of a hash of seed and path, and the first ones are held out.
//! Unlike a shuffle this hardly moves anybody else when an image is added or taken away. Paths are those within the data set, so
//! that its place on the disk has no say.

use super::sample_order::rank;
use protocol::sample::Split;
use std::collections::BTreeMap;

/// The shares of each class to hold out, each at least 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// For validation.
    pub val: f64,
    /// For the final test.
    pub test: f64,
}

/// Says of each training sample, given by its class and its path within the data set, which split it goes to.
pub fn split<'a, C: Ord>(
    samples: impl IntoIterator<Item = (C, &'a str)>,
    shares: Shares,
    seed: u64,
) -> Vec<Split> {
    let mut classes = BTreeMap::<C, Vec<(usize, &str)>>::new();
    let mut total = 0;
    for (at, (class, path)) in samples.into_iter().enumerate() {
        classes.entry(class).or_default().push((at, path));
        total += 1;
    }
    let mut splits = vec![Split::Train; total];
    for of_class in classes.values_mut() {
        of_class.sort_by_cached_key(|(_, path)| (rank(seed, path), *path));
        let (val, test) = quotas(of_class.len(), shares);
        for (place, (at, _)) in of_class.iter().enumerate().take(val + test) {
            splits[*at] = if place < val { Split::Val } else { Split::Test };
        }
    }
    splits
}

/// How many of `count` go to validation and to test: the nearest whole number, but at least one of what is asked
/// for, and never the last one that could be learned from.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn quotas(count: usize, shares: Shares) -> (usize, usize) {
    let spare = count.saturating_sub(1);
    let of = |share: f64| if share > 0.0 { ((count as f64 * share).round() as usize).max(1) } else { 0 };
    let val = of(shares.val).min(spare);
    (val, of(shares.test).min(spare - val))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Shares = Shares { val: 0.1, test: 0.0 };

    fn draw(seed: u64) -> Vec<Split> {
        let paths: Vec<String> = (0..300).map(|at| format!("p{at}")).collect();
        split(paths.iter().enumerate().map(|(at, path)| (at % 3 == 0, path.as_str())), TENTH, seed)
    }

    #[test]
    fn a_tenth_of_each_class_is_held_out_and_always_the_same() {
        let splits = draw(1);
        let held = |class| {
            splits
                .iter()
                .enumerate()
                .filter(|(at, split)| **split == Split::Val && (at % 3 == 0) == class)
                .count()
        };
        assert_eq!((held(false), held(true)), (20, 10));
        assert_eq!(draw(1), splits);
        assert_ne!(draw(2), splits);
    }

    #[test]
    fn a_tiny_class_keeps_something_to_learn_from() {
        let of = |count, val, test| quotas(count, Shares { val, test });
        assert_eq!(of(0, 0.2, 0.2), (0, 0));
        assert_eq!(of(1, 0.9, 0.0), (0, 0));
        assert_eq!(of(2, 0.2, 0.2), (1, 0));
        assert_eq!(of(3, 0.2, 0.2), (1, 1));
        assert_eq!(of(3, 0.99, 0.0), (2, 0));
        assert_eq!(of(5, 0.0, 0.0), (0, 0));
    }

    #[test]
    fn a_class_is_never_left_without_training_images() {
        let splits = split([(0, "a"), (1, "b"), (1, "c")], TENTH, 0);
        assert_eq!(splits[0], Split::Train);
        assert_eq!(splits.iter().filter(|split| **split == Split::Val).count(), 1);
    }
}
