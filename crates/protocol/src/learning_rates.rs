//! The learning rates that a search tries (Smith 2017, *Cyclical learning rates for training neural networks*, section 3.3): from one
//! at which nothing happens to one at which the loss explodes, each the same factor above the one before.

/// The first.
pub const MIN: f64 = 1e-7;
/// The last.
pub const MAX: f64 = 10.0;

/// The rate of a step, counted from 0, of so many.
pub fn rate(step: u64, steps: u32) -> f64 {
    let share = step as f64 / f64::from(steps.max(2) - 1);
    MIN * (MAX / MIN).powf(share.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_by_the_same_factor() {
        let rates: Vec<f64> = (0..9).map(|step| rate(step, 9)).collect();
        assert!((rates[0] / MIN - 1.0).abs() < 1e-12 && (rates[8] / MAX - 1.0).abs() < 1e-12);
        assert!(rates.windows(2).all(|pair| (pair[1] / pair[0] - 10.0).abs() < 1e-9), "{rates:?}");
        assert!((rate(99, 9) / MAX - 1.0).abs() < 1e-12);
    }
}
