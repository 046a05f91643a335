//! Whether the classes can be told apart by something that is not what the images show: a network would find it too.
//! A plain classifier gets nothing but that cue, and is evaluated on samples that it was not fitted on.

use super::Subject;
use super::logistic::{Logistic, Table};
use super::report::{ClassEvidence, Severity, Shortcut, ShortcutFeature};
use crate::domain::sample_order::rank;
use protocol::sample::Split;
use rayon::prelude::*;

const FOLDS: usize = 5;
/// In all; the same share of every class, or all that a small one has. Ten times as many would narrow the interval
/// from 1 % to 0.4 %.
const MAX_SAMPLES: usize = 6_000;
/// Two for each fold.
const MIN_SAMPLES_OF_A_CLASS: usize = 10;
/// 99.5 % quantile of the standard normal distribution: 1 - 0.05 / 5 two-sided, for five cues at once.
const Z: f64 = 2.575_829_303_548_900_4;
/// Standardised values beyond are cut: one panorama must not decide for all.
const MAX_DEVIATIONS: f64 = 5.0;

/// Tests every cue; `subjects` has no duplicates, which would be evaluated by their copies.
pub(super) fn all(subjects: &[&Subject], classes: &[String]) -> Vec<Shortcut> {
    let cv = CvSample::choose(subjects, classes.len());
    if cv.labels.len() < 2 {
        return Vec::new();
    }
    ShortcutFeature::ALL.into_par_iter().map(|cue| test(cue, &cv, classes)).collect()
}

/// The samples that are asked, in the order in which they are dealt to the folds.
struct CvSample<'a> {
    subjects: Vec<&'a Subject<'a>>,
    /// Of each sample: index into `labels`.
    class: Vec<usize>,
    fold: Vec<usize>,
    /// Of the classes with enough samples.
    labels: Vec<u32>,
}

impl<'a> CvSample<'a> {
    fn choose(subjects: &[&'a Subject<'a>], classes: usize) -> CvSample<'a> {
        let has_train = subjects.iter().any(|subject| subject.split == Split::Train);
        let mut by_label: Vec<Vec<&Subject>> = vec![Vec::new(); classes];
        for subject in subjects.iter().filter(|subject| !has_train || subject.split == Split::Train) {
            by_label[subject.label as usize].push(subject);
        }
        let mut cv = CvSample { subjects: vec![], class: vec![], fold: vec![], labels: vec![] };
        by_label.retain(|samples| samples.len() >= MIN_SAMPLES_OF_A_CLASS);
        let most = (MAX_SAMPLES / by_label.len().max(1)).max(MIN_SAMPLES_OF_A_CLASS);
        for (class, mut samples) in by_label.into_iter().enumerate() {
            // An order that has nothing to do with names, dates or who took the images.
            samples.sort_by_cached_key(|subject| (rank(0, subject.path), subject.id));
            samples.truncate(most);
            cv.labels.push(samples[0].label);
            cv.fold.extend((0..samples.len()).map(|place| place % FOLDS));
            cv.class.extend(std::iter::repeat_n(class, samples.len()));
            cv.subjects.extend(samples);
        }
        cv
    }
}

fn test(cue: ShortcutFeature, cv: &CvSample, classes: &[String]) -> Shortcut {
    let columns = columns(cue, &cv.subjects);
    let count = cv.labels.len();
    let predicted = cross_validated(&columns, &cv.class, &cv.fold, count);
    let (mut samples, mut correct) = (vec![0_usize; count], vec![0_usize; count]);
    for (&class, &predicted) in cv.class.iter().zip(&predicted) {
        samples[class] += 1;
        correct[class] += usize::from(class == predicted);
    }
    let recall = |class: usize| correct[class] as f64 / samples[class] as f64;
    let balanced_accuracy = (0..count).map(recall).sum::<f64>() / count as f64;
    // Two successes and two failures more (Agresti, Coull 1998), so that a recall of 0 or 1 is not held to be certain.
    let variance = |class: usize| {
        let (trials, successes) = (samples[class] as f64 + 4.0, correct[class] as f64 + 2.0);
        successes / trials * (1.0 - successes / trials) / trials
    };
    let half = Z * (0..count).map(variance).sum::<f64>().sqrt() / count as f64;
    let chance = 1.0 / count as f64;
    let (lower, upper) = ((balanced_accuracy - half).max(0.0), (balanced_accuracy + half).min(1.0));
    let mean = |class: usize, values: &[f64]| {
        let of_class = values.iter().zip(&cv.class).filter(|(_, of)| **of == class);
        of_class.map(|(value, _)| value).sum::<f64>() / samples[class] as f64
    };
    let evidence = |(class, &label): (usize, &u32)| ClassEvidence {
        label,
        class: classes[label as usize].clone(),
        samples: samples[class],
        recall: recall(class),
        means: columns.iter().map(|column| mean(class, &column.values)).collect(),
    };
    Shortcut {
        feature: cue,
        balanced_accuracy,
        lower,
        upper,
        chance,
        severity: severity(balanced_accuracy, lower, chance),
        samples: cv.subjects.len(),
        columns: columns.iter().map(|column| column.name.clone()).collect(),
        classes: cv.labels.iter().enumerate().map(evidence).collect(),
    }
}

fn severity(balanced_accuracy: f64, lower: f64, chance: f64) -> Severity {
    if lower <= chance {
        Severity::None
    } else if balanced_accuracy < (1.0 + chance) / 2.0 {
        Severity::Weak
    } else {
        Severity::Strong
    }
}

/// The class of each sample as told by a classifier fitted on the other folds.
fn cross_validated(columns: &[Column], class: &[usize], fold: &[usize], classes: usize) -> Vec<usize> {
    let of_fold = |held: usize| {
        let (held_out, fitted): (Vec<usize>, Vec<usize>) =
            (0..class.len()).partition(|&sample| fold[sample] == held);
        let (values, width) = standardised(columns, &fitted);
        let table = Table { values: &values, columns: width };
        let model = Logistic::fit(&table, class, &fitted, classes);
        let told = |sample: usize| (sample, model.predict(table.row(sample)));
        held_out.into_iter().map(told).collect::<Vec<_>>()
    };
    let mut predicted = vec![0; class.len()];
    for (sample, told) in (0..FOLDS).into_par_iter().flat_map_iter(of_fold).collect::<Vec<_>>() {
        predicted[sample] = told;
    }
    predicted
}

/// One number of each sample.
struct Column {
    name: String,
    values: Vec<f64>,
    /// Whether its square is worth a column: a class may be told by being in the middle.
    squared: bool,
}

/// What a cue says of the samples.
fn columns(cue: ShortcutFeature, subjects: &[&Subject]) -> Vec<Column> {
    let number = |name: &str, of: &dyn Fn(&Subject) -> f64| {
        let values = subjects.iter().map(|subject| of(subject)).collect();
        Column { name: name.to_owned(), values, squared: true }
    };
    let rgb = |of: &dyn Fn(&Subject) -> [f32; 3]| {
        let names = ["red", "green", "blue"].into_iter().enumerate();
        names.map(|(channel, name)| number(name, &|subject| f64::from(of(subject)[channel]))).collect()
    };
    let area = |subject: &Subject| f64::from(subject.width) * f64::from(subject.height);
    match cue {
        ShortcutFeature::Colour => rgb(&|subject| subject.features.mean),
        ShortcutFeature::Border => rgb(&|subject| subject.features.border),
        ShortcutFeature::Brightness => vec![
            number("mean", &|subject| mean_luma(subject.features.mean)),
            number("std", &|subject| f64::from(subject.features.luma_std)),
            number("p5", &|subject| f64::from(subject.features.luma.p5)),
            number("median", &|subject| f64::from(subject.features.luma.p50)),
            number("p95", &|subject| f64::from(subject.features.luma.p95)),
        ],
        ShortcutFeature::Size => vec![
            number("width", &|subject| f64::from(subject.width)),
            number("height", &|subject| f64::from(subject.height)),
            number("aspect ratio", &|subject| f64::from(subject.width) / f64::from(subject.height)),
            number("log2 area", &|subject| area(subject).log2()),
        ],
        ShortcutFeature::File => {
            let bytes = |subject: &Subject| subject.bytes.max(1) as f64;
            let mut formats: Vec<&str> = subjects.iter().map(|subject| subject.format).collect();
            formats.sort_unstable();
            formats.dedup();
            let is = |format: &str| Column {
                squared: false,
                ..number(format, &|subject| f64::from(u8::from(subject.format == format)))
            };
            let sizes = [
                number("log2 bytes", &|subject| bytes(subject).log2()),
                number("log2 bytes per pixel", &|subject| (bytes(subject) / area(subject)).log2()),
            ];
            sizes.into_iter().chain(formats.into_iter().map(is)).collect()
        }
    }
}

fn mean_luma([r, g, b]: [f32; 3]) -> f64 {
    0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)
}

/// Row by row, and the number of columns: all as deviations from the mean of the `fitted` samples in units of their
/// standard deviation, then the squares of those. What is the same everywhere is left out.
fn standardised(columns: &[Column], fitted: &[usize]) -> (Vec<f64>, usize) {
    let mut wide: Vec<Vec<f64>> = Vec::new();
    for column in columns {
        let mean_of = |of: &dyn Fn(f64) -> f64| {
            fitted.iter().map(|&sample| of(column.values[sample])).sum::<f64>() / fitted.len() as f64
        };
        let mean = mean_of(&|value| value);
        let deviation = mean_of(&|value| (value - mean).powi(2)).sqrt();
        if deviation <= 1e-9 * mean.abs().max(1.0) {
            continue;
        }
        let standard = |value: &f64| ((value - mean) / deviation).clamp(-MAX_DEVIATIONS, MAX_DEVIATIONS);
        let values: Vec<f64> = column.values.iter().map(standard).collect();
        let squares = column.squared.then(|| values.iter().map(|value| value * value - 1.0).collect());
        wide.push(values);
        wide.extend(squares);
    }
    let samples = columns.first().map_or(0, |column| column.values.len());
    let rows = (0..samples).flat_map(|sample| wide.iter().map(move |column| column[sample]));
    (rows.collect(), wide.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// `tests/reference/make_health_fixture.py` writes these.
    #[derive(Deserialize)]
    struct Case {
        name: String,
        columns: Vec<Vec<f64>>,
        class: Vec<usize>,
        fold: Vec<usize>,
        predicted: Vec<usize>,
        balanced_accuracy: f64,
    }

    #[test]
    fn cross_validation_agrees_with_scikit_learn() {
        let text = include_str!("../../../tests/reference/health-shortcut.json");
        let cases: Vec<Case> = serde_json::from_str(text).unwrap();
        assert_eq!(cases.len(), 4);
        for case in cases {
            let column =
                |values: &Vec<f64>| Column { name: String::new(), values: values.clone(), squared: true };
            let columns: Vec<Column> = case.columns.iter().map(column).collect();
            let classes = case.class.iter().max().unwrap() + 1;
            let ours = cross_validated(&columns, &case.class, &case.fold, classes);
            let recall = |class: usize| {
                let of = || (0..ours.len()).filter(|&sample| case.class[sample] == class);
                of().filter(|&sample| ours[sample] == class).count() as f64 / of().count() as f64
            };
            let balanced = (0..classes).map(recall).sum::<f64>() / classes as f64;
            let same = ours.iter().zip(&case.predicted).filter(|(ours, theirs)| ours == theirs).count();
            assert!((balanced - case.balanced_accuracy).abs() < 0.02, "{}: {balanced}", case.name);
            assert!(same * 100 >= ours.len() * 99, "{}: {same} of {} predictions", case.name, ours.len());
        }
    }

    #[test]
    fn grades_need_more_than_chance_and_half_of_the_way() {
        assert_eq!(severity(0.60, 0.50, 0.5), Severity::None);
        assert_eq!(severity(0.60, 0.51, 0.5), Severity::Weak);
        assert_eq!(severity(0.749, 0.7, 0.5), Severity::Weak);
        assert_eq!(severity(0.75, 0.7, 0.5), Severity::Strong);
        assert_eq!(severity(0.55, 0.5, 0.1), Severity::Strong);
        assert_eq!(severity(0.8, 0.4, 0.5), Severity::None);
    }
}
