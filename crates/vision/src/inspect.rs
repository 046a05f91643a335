//! Statistics of a tensor's values, channel by channel.

use crate::Tensor;

/// Statistics of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    /// Arithmetic mean.
    pub mean: f64,
    /// Population standard deviation (divided by the count).
    pub std: f64,
    /// Minimum.
    pub min: f64,
    /// Maximum.
    pub max: f64,
}

/// Mean, standard deviation, minimum and maximum of red, green and blue, in 64 bits; all NaN for a tensor of no pixels.
pub fn channel_stats(tensor: &Tensor) -> [Stats; 3] {
    channels(tensor).map(|values| {
        let numbers = || values.iter().map(|value| f64::from(*value));
        let count = values.len() as f64;
        let mean = numbers().sum::<f64>() / count;
        let variance = numbers().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        // Of NaN and a number both functions give the number.
        let (min, max) = (numbers().fold(f64::NAN, f64::min), numbers().fold(f64::NAN, f64::max));
        Stats { mean, std: variance.sqrt(), min, max }
    })
}

/// How many values of red, green and blue fall into each of `bins` (at least 1) equal parts of `low..=high`, as
/// `numpy.histogram` counts: each part without its upper end but for the last; what lies outside is not counted.
pub fn histogram(tensor: &Tensor, bins: usize, [low, high]: [f32; 2]) -> [Vec<u32>; 3] {
    let (low, width) = (f64::from(low), f64::from(high) - f64::from(low));
    channels(tensor).map(|values| {
        let mut counts = vec![0; bins.max(1)];
        for value in values {
            let share = (f64::from(*value) - low) / width;
            if (0.0..=1.0).contains(&share) {
                let bin = (share * counts.len() as f64) as usize;
                let last = counts.len() - 1;
                counts[bin.min(last)] += 1;
            }
        }
        counts
    })
}

fn channels(tensor: &Tensor) -> [&[f32]; 3] {
    let plane = tensor.height as usize * tensor.width as usize;
    std::array::from_fn(|channel| &tensor.data[channel * plane..(channel + 1) * plane])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor() -> Tensor {
        let data = vec![0.0, 0.25, 0.5, 1.0, -2.0, -2.0, 2.0, 2.0, 7.0, 7.0, 7.0, 7.0];
        Tensor { data, height: 2, width: 2 }
    }

    #[test]
    fn channels_are_described_one_by_one() {
        let [red, green, blue] = channel_stats(&tensor());
        let variance: f64 = [0.4375_f64, 0.1875, -0.0625, -0.5625].iter().map(|off| off * off / 4.0).sum();
        assert_eq!(red, Stats { mean: 0.4375, std: variance.sqrt(), min: 0.0, max: 1.0 });
        assert_eq!(green, Stats { mean: 0.0, std: 2.0, min: -2.0, max: 2.0 });
        assert_eq!(blue, Stats { mean: 7.0, std: 0.0, min: 7.0, max: 7.0 });
        let empty = Tensor { data: vec![], height: 0, width: 0 };
        assert!(channel_stats(&empty).iter().all(|stats| stats.mean.is_nan() && stats.max.is_nan()));
    }

    #[test]
    fn values_are_counted_where_numpy_counts_them() {
        let [red, green, blue] = histogram(&tensor(), 4, [0.0, 1.0]);
        assert_eq!((red, green, blue), (vec![1, 1, 1, 1], vec![0; 4], vec![0; 4]));
        assert_eq!(histogram(&tensor(), 3, [-2.0, 2.0])[1], [2, 0, 2]);
        assert_eq!(histogram(&tensor(), 0, [6.0, 8.0])[2], [4]);
    }
}
