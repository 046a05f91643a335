//! MixUp (Zhang et al. 2018) and CutMix (Yun et al. 2019): what is done to a batch rather than to an image, as
//! `torchvision.transforms.v2` does it. The partner of sample `i` is sample `i - 1`, that of the first is the last:
//! the batch has to be shuffled. Labels are mixed by the share that stays of the sample itself: `lambda` of its own
//! label and `1 - lambda` of its partner's.

use crate::RandomStream;

/// A part of every image of a batch, pixels; right and bottom are not within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutBox {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Column behind the last.
    pub right: u32,
    /// Row behind the last.
    pub bottom: u32,
}

/// The share that stays of each sample in [`mixup`]: Beta(`alpha`, `alpha`), `alpha` above 0.
pub fn sample_lambda(alpha: f64, random: &mut RandomStream) -> f64 {
    // The share of one of two Gamma-distributed values in their sum, by logarithms: for a small alpha both may be tiny.
    let (one, other) = (sample_log_gamma(alpha, random), sample_log_gamma(alpha, random));
    1.0 / (1.0 + (other - one).exp())
}

/// The logarithm of a random value from Gamma(`shape`, 1): Marsaglia and Tsang's (2000) for a shape above 1, made smaller by
/// a power of a uniform one.
fn sample_log_gamma(shape: f64, random: &mut RandomStream) -> f64 {
    let d = shape + 1.0 - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    // In 0..1, but never 0, under logarithms.
    let unit = |random: &mut RandomStream| 1.0 - random.uniform(0.0, 1.0);
    loop {
        let x = random.normal();
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && unit(random).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return (d * v).ln() + unit(random).ln() / shape;
        }
    }
}

/// The part of [`cutmix`], and the share that stays of each sample: a box of `1 - Beta(alpha, alpha)` of the area
/// about a random pixel, cut at the edges, after which the share is what it really is.
pub fn sample_cut_box(alpha: f64, height: u32, width: u32, random: &mut RandomStream) -> (CutBox, f64) {
    let reach = 0.5 * (1.0 - sample_lambda(alpha, random)).sqrt();
    let mut side = |length: u32| {
        let middle = random.below(length);
        let half = (reach * f64::from(length)) as u32;
        (middle.saturating_sub(half), (middle + half).min(length))
    };
    let ((left, right), (top, bottom)) = (side(width), side(height));
    let cut = f64::from(right - left) * f64::from(bottom - top);
    let lambda = 1.0 - cut / (f64::from(width) * f64::from(height));
    (CutBox { left, top, right, bottom }, lambda)
}

/// `lambda` of each sample and `1 - lambda` of the one before it. The batch holds samples of `per_sample` values.
pub fn mixup(batch: &mut [f32], per_sample: usize, lambda: f64) {
    let (own, other) = (lambda as f32, (1.0 - lambda) as f32);
    each_with_partner(batch, per_sample, |sample, partner| {
        for (value, partner) in sample.iter_mut().zip(partner) {
            *value = partner * other + *value * own;
        }
    });
}

/// In each sample the box replaced by that of the sample before it. The batch holds samples of this shape: channels,
/// height, width; the box lies within.
pub fn cutmix(batch: &mut [f32], [channels, height, width]: [usize; 3], cut: CutBox) {
    let [left, top, right, bottom] = [cut.left, cut.top, cut.right, cut.bottom].map(|side| side as usize);
    each_with_partner(batch, channels * height * width, |sample, partner| {
        for row in (0..channels).flat_map(|channel| channel * height + top..channel * height + bottom) {
            let places = row * width + left..row * width + right;
            sample[places.clone()].copy_from_slice(&partner[places]);
        }
    });
}

/// Calls with each sample and the one before it, both as they were.
fn each_with_partner(batch: &mut [f32], per_sample: usize, change: impl Fn(&mut [f32], &[f32])) {
    let samples = batch.len() / per_sample.max(1);
    if samples == 0 {
        return;
    }
    let last = batch[(samples - 1) * per_sample..samples * per_sample].to_vec();
    // From the end, so that a partner is not changed yet.
    for at in (1..samples).rev() {
        let (before, from_here) = batch.split_at_mut(at * per_sample);
        change(&mut from_here[..per_sample], &before[(at - 1) * per_sample..]);
    }
    change(&mut batch[..per_sample], &last);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIALS: u32 = 40_000;

    #[test]
    fn lambda_has_the_moments_of_the_beta_distribution() {
        for alpha in [0.05, 0.2, 1.0, 4.0] {
            let mut random = RandomStream::new(21, 1, 1);
            let sampled: Vec<f64> = (0..TRIALS).map(|_| sample_lambda(alpha, &mut random)).collect();
            assert!(sampled.iter().all(|lambda| (0.0..=1.0).contains(lambda)));
            let moment = |power| {
                sampled.iter().map(|lambda| (lambda - 0.5).powi(power)).sum::<f64>() / f64::from(TRIALS)
            };
            // About the middle: 0, 1 / 4 (2a + 1), 0, 3 / 16 (2a + 1) (2a + 3).
            let second = 0.25 / (2.0 * alpha + 1.0);
            let fourth = second * 0.75 / (2.0 * alpha + 3.0);
            let expected = [(1, 0.0, 0.01), (2, second, 0.0025), (3, 0.0, 0.002), (4, fourth, 0.001)];
            for (power, expected, allowed) in expected {
                let off = (moment(power) - expected).abs();
                assert!(off < allowed, "alpha {alpha}, moment {power}: {} {expected}", moment(power));
            }
        }
    }

    #[test]
    fn the_smallest_alpha_gives_one_sample_or_the_other() {
        let mut random = RandomStream::new(1, 1, 1);
        let sampled: Vec<f64> = (0..1000).map(|_| sample_lambda(1e-6, &mut random)).collect();
        let whole = sampled.iter().filter(|lambda| **lambda > 0.5).count();
        assert!(sampled.iter().all(|lambda| *lambda < 0.01 || *lambda > 0.99), "{sampled:?}");
        assert!((420..580).contains(&whole), "{whole}");
    }

    #[test]
    fn a_box_lies_within_and_its_share_is_what_is_cut() {
        let mut random = RandomStream::new(4, 1, 1);
        for (height, width) in [(1, 1), (5, 9), (32, 32)] {
            for _ in 0..500 {
                let (cut, lambda) = sample_cut_box(1.0, height, width, &mut random);
                assert!(cut.left <= cut.right && cut.right <= width, "{cut:?}");
                assert!(cut.top <= cut.bottom && cut.bottom <= height, "{cut:?}");
                // A batch of one level that stands for the sample and one for its partner.
                let plane = height as usize * width as usize;
                let mut batch = [vec![0.0; plane], vec![1.0; plane]].concat();
                cutmix(&mut batch, [1, height as usize, width as usize], cut);
                let own = batch[plane..].iter().sum::<f32>() / plane as f32;
                assert!((f64::from(own) - lambda).abs() < 1e-6, "{cut:?} {lambda}");
            }
        }
    }

    #[test]
    fn each_partner_is_the_one_before_as_it_was() {
        let mut batch = vec![1.0, 1.0, 10.0, 10.0, 100.0, 100.0];
        mixup(&mut batch, 2, 0.75);
        assert_eq!(batch, [25.75, 25.75, 7.75, 7.75, 77.5, 77.5]);
        let mut alone = vec![3.0, 4.0];
        mixup(&mut alone, 2, 0.25);
        assert_eq!(alone, [3.0, 4.0]);
        mixup(&mut [], 2, 0.5);
    }
}
