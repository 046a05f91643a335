//! Many normal random values, quickly: a table of 65,536 quantiles.

use crate::RandomStream;
use std::sync::LazyLock;

/// Quantile `i` is that of `(i + 1/2) / 65536`; the outermost are at ±4.3 standard deviations.
static QUANTILES: LazyLock<Vec<f32>> = LazyLock::new(quantiles);

/// Independent standard normal values.
pub(crate) fn fill_with_normal(values: &mut [f32], random: &mut RandomStream) {
    let quantiles = QUANTILES.as_slice();
    let mut bytes = [0; 1024];
    for values in values.chunks_mut(bytes.len() / 2) {
        let bytes = &mut bytes[..values.len() * 2];
        random.fill(bytes);
        for (value, pair) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *value = quantiles[usize::from(u16::from_le_bytes(*pair))];
        }
    }
}

/// The integral of the normal density from 0, by Simpson's rule in short intervals; between them a straight line.
fn quantiles() -> Vec<f32> {
    const INTERVAL: f64 = 1.0 / 4096.0;
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let mut upper = Vec::with_capacity(32768);
    let (mut x, mut below) = (0.0, 0.5);
    while upper.len() < 32768 {
        let within =
            INTERVAL / 6.0 * (density(x) + 4.0 * density(x + INTERVAL / 2.0) + density(x + INTERVAL));
        loop {
            let wanted = (32768.5 + upper.len() as f64) / 65536.0;
            if upper.len() == 32768 || wanted > below + within {
                break;
            }
            upper.push((x + INTERVAL * (wanted - below) / within) as f32);
        }
        below += within;
        x += INTERVAL;
    }
    let lower = upper.iter().rev().map(|quantile| -quantile);
    lower.chain(upper.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        let quantiles = quantiles();
        assert_eq!(quantiles.len(), 65536);
        assert!(quantiles.is_sorted());
        // From a table of the normal distribution.
        for (share, quantile) in [(0.8413447, 1.0), (0.9772499, 2.0), (0.0013499, -3.0), (0.6914625, 0.5)] {
            let found = quantiles[(share * 65536.0) as usize];
            assert!((found - quantile).abs() < 0.004, "{share}: {found}");
        }
        let square = |quantile: &f32| f64::from(*quantile) * f64::from(*quantile);
        let variance = quantiles.iter().map(square).sum::<f64>() / 65536.0;
        assert!((variance - 1.0).abs() < 1e-4, "{variance}");
    }

    #[test]
    fn values_are_normal_and_those_of_the_stream() {
        let sampled = |sample| {
            let mut values = vec![0.0; 20_000];
            fill_with_normal(&mut values, &mut RandomStream::new(3, 1, sample));
            values
        };
        assert_eq!(sampled(1), sampled(1));
        assert_ne!(sampled(1), sampled(2));
        for bound in [-2.0, -1.0, 0.0, 0.5, 1.5] {
            let share = sampled(1).iter().filter(|value| **value < bound).count() as f64 / 20_000.0;
            let quantiles = QUANTILES.iter().filter(|value| **value < bound).count() as f64 / 65536.0;
            assert!((share - quantiles).abs() < 0.015, "{bound}: {share} {quantiles}");
        }
    }
}
