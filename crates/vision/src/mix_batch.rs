//! MixUp and CutMix: a training batch mixed with itself, turned by one place.

use crate::RandomStream;
use protocol::event::MixMethod;
use protocol::spec::Mixing;

/// How a batch was mixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mix {
    /// How its samples were mixed.
    pub method: MixMethod,
    /// The share that stays of each sample.
    pub lambda: f64,
}

/// The place of the sample that the one at `at` is mixed with.
pub fn partner(at: usize, size: usize) -> usize {
    (at + size - 1) % size
}

/// Mixes `input`, f32 `[n, 3, side, side]`; `None` where nothing is to be mixed, or there is nobody to mix with.
///
/// The random stream is keyed by seed, epoch and the batch's first sample, by a key that no sample's own stream has: a
/// resumed run mixes as an uninterrupted one.
pub fn mix_batch(
    input: &mut [f32],
    side: u32,
    mixing: Mixing,
    seed: u64,
    epoch: u32,
    first: i64,
) -> Option<Mix> {
    let plane = side as usize * side as usize;
    if (mixing.mixup <= 0.0 && mixing.cutmix <= 0.0) || input.len() <= 3 * plane {
        return None;
    }
    let mut random = RandomStream::new(seed, epoch, -1 - first);
    let both = mixing.mixup > 0.0 && mixing.cutmix > 0.0;
    if if both { random.chance(0.5) } else { mixing.mixup > 0.0 } {
        let lambda = crate::sample_lambda(mixing.mixup, &mut random);
        crate::mixup(input, 3 * plane, lambda);
        Some(Mix { method: MixMethod::Mixup, lambda })
    } else {
        let (cut, lambda) = crate::sample_cut_box(mixing.cutmix, side, side, &mut random);
        crate::cutmix(input, [3, side as usize, side as usize], cut);
        Some(Mix { method: MixMethod::Cutmix, lambda })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Vec<f32> {
        // Three samples, each of one level.
        (0..3).flat_map(|sample| vec![sample as f32; 3 * 16]).collect()
    }

    fn mixed(mixup: f64, cutmix: f64, first: i64) -> (Vec<f32>, Option<Mix>) {
        let mut input = batch();
        let mix = mix_batch(&mut input, 4, Mixing { mixup, cutmix }, 7, 2, first);
        (input, mix)
    }

    #[test]
    fn a_batch_is_mixed_with_the_sample_before() {
        let (input, mix) = mixed(1.0, 0.0, 5);
        let Some(Mix { method: MixMethod::Mixup, lambda }) = mix else { panic!("{mix:?}") };
        for sample in 0..3 {
            let expected = lambda * sample as f64 + (1.0 - lambda) * partner(sample, 3) as f64;
            assert!((f64::from(input[sample * 48]) - expected).abs() < 1e-6);
        }
        let (input, mix) = mixed(0.0, 1.0, 5);
        let Some(Mix { method: MixMethod::Cutmix, lambda }) = mix else { panic!("{mix:?}") };
        // Sample 1 is of ones, its partner of zeros: what is left of the ones is the share.
        let kept: f32 = input[48..96].iter().sum();
        assert!((f64::from(kept) / 48.0 - lambda).abs() < 1e-6);
    }

    #[test]
    fn the_key_alone_decides() {
        assert_eq!(mixed(0.4, 0.4, 5), mixed(0.4, 0.4, 5));
        assert_ne!(mixed(0.4, 0.0, 5).1, mixed(0.4, 0.0, 6).1);
        let methods: Vec<MixMethod> =
            (0..40).filter_map(|first| mixed(0.4, 0.4, first).1).map(|mix| mix.method).collect();
        assert!(methods.contains(&MixMethod::Mixup) && methods.contains(&MixMethod::Cutmix));
        assert_eq!(mixed(0.0, 0.0, 5), (batch(), None));
    }
}
