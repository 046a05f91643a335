//! Two classifiers on the same images: whether one is better than the other by more than chance would make. Pure; it knows neither
//! runs nor the database.
//!
//! What both get right or wrong alike says nothing of which is better, so everything here goes by the images on which they differ.

/// From so many images that differ on, the chi-squared approximation serves; below, the exact test.
const EXACT_BELOW: u64 = 25;

/// The standard normal distribution's 97.5 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// How two classifiers did on the same images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// Images that both evaluated.
    pub total: u64,
    /// The first is right, the second wrong.
    pub only_first: u64,
    /// The second is right, the first wrong.
    pub only_second: u64,
}

/// McNemar's test: how likely so uneven a split of the images that differ would be if both were equally good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// That probability.
    pub p: f64,
    /// Exact: the smaller of the two counts; else chi-squared with continuity correction.
    pub statistic: f64,
    /// Whether it is the exact binomial test rather than the chi-squared approximation.
    pub exact: bool,
}

impl Paired {
    /// Images on which exactly one of them is right.
    pub fn differing(&self) -> u64 {
        self.only_first + self.only_second
    }

    /// The second's accuracy less the first's; `None` without images.
    pub fn difference(&self) -> Option<f64> {
        (self.total > 0).then(|| (self.only_second as f64 - self.only_first as f64) / self.total as f64)
    }

    /// McNemar's test (1947), two-sided: exact where few images differ, else chi-squared with continuity correction, as statsmodels'
    /// `mcnemar`.
    pub fn mcnemar(&self) -> McNemar {
        let (few, all) = (self.only_first.min(self.only_second), self.differing());
        if all < EXACT_BELOW {
            let p = (2.0 * binomial_half(few, all)).min(1.0);
            return McNemar { p, statistic: few as f64, exact: true };
        }
        let apart = self.only_first.abs_diff(self.only_second) as f64 - 1.0;
        let statistic = apart * apart / all as f64;
        McNemar { p: erfc((statistic / 2.0).sqrt()), statistic, exact: false }
    }

    /// Tango's score interval (Statistics in Medicine 17, 1998) of the difference: those differences that a score test at 5 % does not
    /// refuse. It keeps its promise for few images and at the ends of the scale too. `None` without images.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let middle = self.difference()?;
        // The statistic falls as the difference grows, from above z to below −z, unless the scale ends first.
        let low = bisect(-1.0, middle, |difference| self.score(difference) > Z);
        let high = bisect(middle, 1.0, |difference| self.score(difference) > -Z);
        Some((low, high))
    }

    /// How many standard errors the observed difference lies above a true one.
    fn score(&self, difference: f64) -> f64 {
        let n = self.total as f64;
        let (first, second) = (self.only_first as f64, self.only_second as f64);
        // The likeliest probability that the first alone is right, where the second's exceeds it by `difference`.
        let (a, c) = (2.0 * n, -first * difference * (1.0 - difference));
        let b = (2.0 * n + first - second) * difference - first - second;
        let likeliest = ((b * b - 4.0 * a * c).max(0.0).sqrt() - b) / (2.0 * a);
        let variance = n * (2.0 * likeliest + difference - difference * difference);
        let above = second - first - n * difference;
        // At an end of the scale nothing varies: what was seen is then certain or impossible.
        if variance <= 0.0 {
            if above.abs() < 1e-9 { 0.0 } else { above * f64::INFINITY }
        } else {
            above / variance.sqrt()
        }
    }
}

/// In which way two classifiers differ on an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Churn {
    /// The first is right, the second wrong.
    OnlyFirst,
    /// The second is right, the first wrong.
    OnlySecond,
    /// Both are wrong, each in its own way.
    BothWrong,
}

impl Churn {
    /// Every way.
    pub const ALL: [Churn; 3] = [Churn::OnlySecond, Churn::OnlyFirst, Churn::BothWrong];

    /// The word in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Churn::OnlyFirst => "only-first",
            Churn::OnlySecond => "only-second",
            Churn::BothWrong => "both-wrong",
        }
    }

    /// The inverse of [`Churn::as_str`].
    pub fn from_word(word: &str) -> Option<Churn> {
        Churn::ALL.into_iter().find(|churn| churn.as_str() == word)
    }
}

/// The classes of one classifier in the numbers of another, matched by name: each numbers those that it knows by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMap(Vec<Option<usize>>);

impl ClassMap {
    /// Of the second classifier's classes, each one's number among the first's.
    pub fn new(first: &[String], second: &[String]) -> ClassMap {
        ClassMap(second.iter().map(|name| first.iter().position(|other| other == name)).collect())
    }

    /// A list with `null` where the first does not know the class.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// Where a condition that holds at the low end stops holding; the high end where it never does.
fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    if !holds(low) {
        return low;
    }
    if holds(high) {
        return high;
    }
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The probability of at most `successes` heads in `trials` throws of a coin.
fn binomial_half(successes: u64, trials: u64) -> f64 {
    let mut share = 0.5_f64.powi(i32::try_from(trials).unwrap_or(i32::MAX));
    let mut sum = share;
    for at in 0..successes {
        share *= (trials - at) as f64 / (at + 1) as f64;
        sum += share;
    }
    sum
}

/// The complementary error function of what is not negative: twice the normal distribution's upper tail beyond `x √2`.
fn erfc(x: f64) -> f64 {
    let scale = (-x * x).exp() / std::f64::consts::PI.sqrt();
    if x < 2.0 {
        // erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1 · 3 · … · (2n+1))
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        while term > sum * 1e-17 {
            odd += 2.0;
            term *= 2.0 * x * x / odd;
            sum += term;
        }
        return 1.0 - 2.0 * scale * sum;
    }
    // erfc x = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3/2/(x + 2/(x + …))))), from the inside out.
    let inner = (1..=60).rev().fold(x, |inner, at| x + f64::from(at) / 2.0 / inner);
    scale / inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[track_caller]
    fn assert_close(ours: f64, reference: &Value, within: f64, what: &str) {
        let reference = reference.as_f64().unwrap();
        assert!((ours - reference).abs() <= within, "{what}: {ours}, not {reference}");
    }

    /// The fixture: `tests/reference/make_paired_fixtures.py`.
    #[test]
    fn the_test_as_statsmodels_and_the_interval_as_a_search_by_scipy() {
        let fixture: Value = serde_json::from_str(include_str!("../../tests/reference/paired.json"))
            .expect("fixtures are JSON");
        let cases = fixture["cases"].as_array().unwrap();
        assert!(cases.len() > 15);
        for case in cases {
            let count = |name: &str| case[name].as_u64().unwrap();
            let paired = Paired {
                total: count("total"),
                only_first: count("only_first"),
                only_second: count("only_second"),
            };
            let test = paired.mcnemar();
            let p = case["p"].as_f64().unwrap();
            assert_eq!(test.exact, case["exact"], "{case}");
            assert_close(test.statistic, &case["statistic"], 1e-9, "statistic");
            assert!((test.p - p).abs() <= 1e-10 * p, "{} of {case}", test.p);
            assert_close(paired.difference().unwrap(), &case["difference"], 1e-12, "difference");
            let (low, high) = paired.interval().unwrap();
            assert_close(low, &case["low"], 1e-7, &format!("low of {case}"));
            assert_close(high, &case["high"], 1e-7, &format!("high of {case}"));
        }
    }

    #[test]
    fn turned_round_the_difference_is_the_same_the_other_way() {
        let paired = Paired { total: 615, only_first: 12, only_second: 31 };
        let turned = Paired { only_first: 31, only_second: 12, ..paired };
        assert_eq!(paired.mcnemar(), turned.mcnemar());
        let ((low, high), (turned_low, turned_high)) =
            (paired.interval().unwrap(), turned.interval().unwrap());
        assert!((low + turned_high).abs() < 1e-12 && (high + turned_low).abs() < 1e-12);
        assert_eq!(paired.difference().unwrap(), -turned.difference().unwrap());
    }

    #[test]
    fn without_images_there_is_no_difference_and_nothing_to_test() {
        let nothing = Paired::default();
        assert_eq!((nothing.difference(), nothing.interval(), nothing.mcnemar().p), (None, None, 1.0));
    }

    #[test]
    fn classes_are_matched_by_name() {
        let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let map = ClassMap::new(&names("cat dog wolf"), &names("cat fox wolf dog"));
        assert_eq!(map.to_json(), "[0,null,2,1]");
        for churn in Churn::ALL {
            assert_eq!(Churn::from_word(churn.as_str()), Some(churn));
        }
    }

    #[test]
    fn the_tail_of_the_normal_distribution_is_even_where_the_two_ways_meet() {
        // Abramowitz and Stegun, table 7.1 and 7.3.
        for (x, value) in
            [(0.0, 1.0), (0.5, 0.479_500_122_2), (1.0, 0.157_299_207_05), (2.0, 0.004_677_734_981)]
        {
            assert!((erfc(x) - value).abs() < 1e-10, "{x}: {}", erfc(x));
        }
        assert!((erfc(2.0 - 1e-9) / erfc(2.0) - 1.0).abs() < 1e-7);
    }
}
