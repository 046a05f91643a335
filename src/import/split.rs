//! What is held out of training at import: what was asked for, or what the folders lack.

use super::{ImportError, ImportedSample};
use crate::domain::holdout;
use protocol::sample::Split;

/// How much to hold out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SplitRequest {
    /// Share for validation, at least 0 and below 1, of each class's samples that no folder says the split of, or
    /// that lie in `train/`.
    pub val: f64,
    /// Share for the final test, of the same samples.
    pub test: f64,
    /// Another seed, another choice.
    pub seed: u64,
}

impl Default for SplitRequest {
    /// What is done where nothing says otherwise: a fifth for validation, none for test, seed 0.
    fn default() -> Self {
        Self { val: 0.2, test: 0.0, seed: 0 }
    }
}

impl SplitRequest {
    pub(super) fn check(&self) -> Result<(), ImportError> {
        for (name, share) in [("validation", self.val), ("test", self.test)] {
            if !(0.0..1.0).contains(&share) {
                return Err(ImportError::BadSplit { why: format!("the share for {name} is {share}") });
            }
        }
        if self.val + self.test >= 1.0 {
            return Err(ImportError::BadSplit { why: "the two shares leave nothing to learn from".into() });
        }
        Ok(())
    }
}

/// Holds samples out of the training split, and says in words how.
///
/// Where nothing gives the splits (`given` is `None`) the request, or the default one, is carried out. Otherwise, as
/// in `"as the folders say"`, they stand as they are, but for a split that is asked for and that is not there.
pub(super) fn hold_out(
    samples: &mut [ImportedSample],
    given: Option<&str>,
    request: Option<SplitRequest>,
) -> String {
    let mut request = match (given, request) {
        (Some(given), None) => return given.to_owned(),
        (_, Some(request)) => request,
        (None, None) => SplitRequest::default(),
    };
    if samples.iter().any(|sample| sample.split == Split::Val) {
        request.val = 0.0;
    }
    if samples.iter().any(|sample| sample.split == Split::Test) {
        request.test = 0.0;
    }

    let mut train: Vec<&mut ImportedSample> =
        samples.iter_mut().filter(|sample| sample.split == Split::Train).collect();
    let shares = holdout::Shares { val: request.val, test: request.test };
    let splits = holdout::split(train.iter().map(|s| (s.class, s.path.as_str())), shares, request.seed);
    for (sample, split) in train.iter_mut().zip(splits) {
        sample.split = split;
    }
    note(given, &request)
}

fn note(given: Option<&str>, request: &SplitRequest) -> String {
    let shares: Vec<String> = [(request.val, "validation"), (request.test, "test")]
        .into_iter()
        .filter(|(share, _)| *share > 0.0)
        // One decimal where there is one: 20 %, 12.5 %.
        .map(|(share, name)| format!("{} % for {name}", (share * 1000.0).round() / 10.0))
        .collect();
    match (given, shares.is_empty()) {
        (Some(given), true) => given.to_owned(),
        (Some(given), false) => {
            format!("{given}; held out of train by seed {}: {}", request.seed, shares.join(", "))
        }
        (None, true) => "nothing held out".into(),
        (None, false) => format!("held out by seed {}: {}", request.seed, shares.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(per_class: &[usize]) -> Vec<ImportedSample> {
        let mut samples = Vec::new();
        for (class, count) in per_class.iter().enumerate() {
            for index in 0..*count {
                samples.push(ImportedSample {
                    path: format!("{class}/{index}.png"),
                    class: u32::try_from(class).unwrap(),
                    split: Split::Train,
                    width: 1,
                    height: 1,
                    bytes: 1,
                    format: "png",
                    orientation: 1,
                    hash: String::new(),
                    metadata: None,
                    features: vision::features(&vision::RgbImage::new(1, 1)),
                });
            }
        }
        samples
    }

    fn count(samples: &[ImportedSample], class: u32, split: Split) -> usize {
        samples.iter().filter(|sample| sample.class == class && sample.split == split).count()
    }

    #[test]
    fn each_class_gives_its_share() {
        let mut all = samples(&[500, 50, 10]);
        let note = hold_out(&mut all, None, Some(SplitRequest { val: 0.2, test: 0.1, seed: 3 }));
        for (class, val, test) in [(0, 100, 50), (1, 10, 5), (2, 2, 1)] {
            assert_eq!((count(&all, class, Split::Val), count(&all, class, Split::Test)), (val, test));
        }
        assert_eq!(note, "held out by seed 3: 20 % for validation, 10 % for test");
    }

    #[test]
    fn the_choice_is_pinned() {
        // Data sets already imported must not change: if this fails, the split is another one.
        let held_out = |seed| {
            let mut all = samples(&[10, 10]);
            hold_out(&mut all, None, Some(SplitRequest { seed, ..SplitRequest::default() }));
            all.iter().filter(|s| s.split == Split::Val).map(|s| s.path.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(held_out(0), "0/0.png 0/4.png 1/1.png 1/9.png");
        assert_eq!(held_out(1), "0/2.png 0/8.png 1/1.png 1/8.png");
    }

    #[test]
    fn order_does_not_matter_and_newcomers_move_few() {
        let held_out = |all: &mut Vec<ImportedSample>| {
            hold_out(all, None, None);
            let mut paths: Vec<_> =
                all.iter().filter(|s| s.split == Split::Val).map(|s| s.path.clone()).collect();
            paths.sort();
            paths
        };
        let before = held_out(&mut samples(&[100]));
        let mut backwards = samples(&[100]);
        backwards.reverse();
        assert_eq!(held_out(&mut backwards), before);
        let after = held_out(&mut samples(&[101]));
        assert!(before.iter().filter(|path| !after.contains(path)).count() <= 1);
    }

    #[test]
    fn folders_stand_but_for_what_they_lack() {
        let with_test = || {
            let mut all = samples(&[20, 20]);
            all.iter_mut().step_by(4).for_each(|sample| sample.split = Split::Test);
            all
        };
        let mut all = with_test();
        assert_eq!(hold_out(&mut all, Some("as the folders say"), None), "as the folders say");
        assert_eq!(all, with_test());
        let note = hold_out(
            &mut all,
            Some("as the folders say"),
            Some(SplitRequest { val: 0.2, test: 0.5, seed: 0 }),
        );
        assert_eq!(note, "as the folders say; held out of train by seed 0: 20 % for validation");
        assert_eq!((count(&all, 0, Split::Val), count(&all, 0, Split::Test)), (3, 5));
    }

    #[test]
    fn impossible_shares_are_refused() {
        for (val, test) in [(1.0, 0.0), (-0.1, 0.0), (f64::NAN, 0.0), (0.0, f64::INFINITY), (0.5, 0.5)] {
            assert!(SplitRequest { val, test, seed: 0 }.check().is_err(), "{val} {test}");
        }
        assert!(SplitRequest { val: 0.5, test: 0.4, seed: 0 }.check().is_ok());
    }
}
