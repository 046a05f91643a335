//! The arithmetic of an evaluation: from logits and labels to the figures of a classifier. Pure and in `f64`; it
//! knows neither files nor databases nor how a figure is written down.
//!
//! A ratio whose denominator is 0 is `None` everywhere in here, as scikit-learn's `zero_division=nan`; means leave it out.

use super::calibration::{Bin, CALIBRATION_BINS, CalibrationBin, bin_of};
use super::confusion::Confusion;
use super::logits::{predict, rank};

/// The figures of a classifier on one set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Samples.
    pub total: u64,
    /// Samples whose greatest logit is at their label.
    pub correct: u64,
    /// `correct / total`.
    pub accuracy: Option<f64>,
    /// Share of samples whose label is among the five greatest logits. `None` with five classes or fewer, where it
    /// would say nothing. Equal logits rank by class, lowest first, so that a right answer is always in the top
    /// five (scikit-learn's `top_k_accuracy_score` ranks them the other way round).
    pub top5: Option<f64>,
    /// Mean recall of the classes that have samples (scikit-learn's `balanced_accuracy_score`).
    pub balanced_accuracy: Option<f64>,
    /// Mean F1 of the classes that have one.
    pub macro_f1: Option<f64>,
    /// By class.
    pub per_class: Vec<ClassFigures>,
    /// Actual × predicted.
    pub confusion: Confusion,
    /// Mean cross-entropy in nats, straight from the logits: nothing is clipped. `None` where a loss is not finite.
    pub log_loss: Option<f64>,
    /// Expected calibration error (Guo et al. 2017): the mean over samples of their bin's `|accuracy - confidence|`.
    /// `None` where a sample has no probabilities.
    pub ece: Option<f64>,
    /// [`CALIBRATION_BINS`] bins of equal width; they hold the samples that have probabilities.
    pub calibration: Vec<CalibrationBin>,
    /// Samples without probabilities: a network that diverged.
    pub not_finite: u64,
}

/// The figures of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassFigures {
    /// `correct / predicted`.
    pub precision: Option<f64>,
    /// `correct / support`.
    pub recall: Option<f64>,
    /// `2 correct / (support + predicted)`: the harmonic mean of the two, and 0 (not `None`) where nothing is right
    /// but there are samples or predictions of this class; so scikit-learn defines it.
    pub f1: Option<f64>,
    /// Samples of this class.
    pub support: u64,
    /// Samples of this class predicted as it.
    pub correct: u64,
    /// Samples of any class predicted as this one.
    pub predicted: u64,
}

/// Evaluates `labels.len()` samples; `logits` is `[labels.len(), classes]`, row-major.
///
/// # Panics
/// Where the two do not fit each other, or a label is not below `classes`: whoever read them has to check.
pub fn evaluate(logits: &[f32], labels: &[u32], classes: usize) -> Evaluation {
    assert_eq!(
        logits.len(),
        labels.len() * classes,
        "logits of {} samples × {classes} classes",
        labels.len()
    );
    assert!(labels.iter().all(|&label| (label as usize) < classes), "a label beyond {classes} classes");
    let mut confusion = Confusion::new(classes);
    let mut bins = [Bin::default(); CALIBRATION_BINS];
    let (mut loss, mut in_top5, mut not_finite) = (0.0, 0, 0);
    // Without classes there can be no label either; 1 stands in for the size that must not be 0.
    for (row, &label) in logits.chunks_exact(classes.max(1)).zip(labels) {
        let prediction = predict(row, label);
        confusion.add(label, prediction.predicted);
        loss += prediction.loss;
        in_top5 += u64::from(rank(row, label as usize) < 5);
        match bin_of(prediction.confidence) {
            Some(bin) => bins[bin].add(&prediction),
            None => not_finite += 1,
        }
    }

    let total = confusion.total();
    let per_class = class_figures(&confusion);
    let correct = per_class.iter().map(|class| class.correct).sum();
    Evaluation {
        total,
        correct,
        accuracy: ratio(correct, total),
        top5: ratio(in_top5, total).filter(|_| classes > 5),
        balanced_accuracy: mean(per_class.iter().filter_map(|class| class.recall)),
        macro_f1: mean(per_class.iter().filter_map(|class| class.f1)),
        per_class,
        confusion,
        // 0 / 0 is NaN, so this covers the set without samples too.
        log_loss: Some(loss / total as f64).filter(|loss| loss.is_finite()),
        ece: (total > 0 && not_finite == 0).then(|| bins.iter().map(Bin::error).sum::<f64>() / total as f64),
        calibration: bins.iter().enumerate().map(|(index, bin)| bin.figures(index)).collect(),
        not_finite,
    }
}

/// Wilson's score interval: the probabilities for which `successes` of `total` are within the middle 95 %
/// (normal approximation, Wilson 1927, no continuity correction). `None` where `total` is 0 or there are more
/// successes than trials.
pub fn wilson(successes: u64, total: u64) -> Option<(f64, f64)> {
    /// The standard normal distribution's 97.5 % quantile.
    const Z: f64 = 1.959_963_984_540_054;
    if total == 0 || successes > total {
        return None;
    }
    let n = total as f64;
    let share = successes as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends one bound is exactly 0 or 1; rounding may miss it by an ulp.
    let lower = if successes == 0 { 0.0 } else { centre - half };
    let upper = if successes == total { 1.0 } else { centre + half };
    Some((lower, upper))
}

fn class_figures(confusion: &Confusion) -> Vec<ClassFigures> {
    let (supports, predictions) = (confusion.row_sums(), confusion.column_sums());
    confusion
        .diagonal()
        .into_iter()
        .zip(supports.into_iter().zip(predictions))
        .map(|(correct, (support, predicted))| ClassFigures {
            precision: ratio(correct, predicted),
            recall: ratio(correct, support),
            f1: ratio(2 * correct, support + predicted),
            support,
            correct,
            predicted,
        })
        .collect()
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::super::logits::{SamplePrediction, softmax};
    use super::*;
    use serde_json::Value;

    /// Fixtures: `tests/reference/make_metrics_fixtures.py`.
    macro_rules! fixture {
        ($name:literal) => {
            serde_json::from_str::<Value>(include_str!(concat!(
                "../../tests/reference/metrics-",
                $name,
                ".json"
            )))
            .expect("fixtures are JSON")
        };
    }

    fn integers(value: &Value) -> Vec<u64> {
        value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
    }

    /// `null` is an undefined figure, on both sides.
    #[track_caller]
    fn assert_close(ours: Option<f64>, reference: &Value, what: &str) {
        let reference = reference.as_f64();
        let close = match (ours, reference) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
            (a, b) => a.is_none() && b.is_none(),
        };
        assert!(close, "{what}: {ours:?}, not {reference:?}");
    }

    fn compare(fixture: &Value) {
        let labels: Vec<u32> = integers(&fixture["labels"]).into_iter().map(|label| label as u32).collect();
        let logits: Vec<f32> = fixture["logits"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| row.as_array().unwrap())
            .map(|logit| logit.as_f64().unwrap() as f32)
            .collect();
        let classes = fixture["classes"].as_u64().unwrap() as usize;
        let expected = &fixture["expected"];
        let ours = evaluate(&logits, &labels, classes);

        assert_eq!(ours.total, labels.len() as u64);
        assert_eq!(Value::from(ours.correct), expected["correct"]);
        assert_close(ours.accuracy, &expected["accuracy"], "accuracy");
        assert_close(ours.top5, &expected["top5"], "top-5");
        assert_close(ours.balanced_accuracy, &expected["balanced_accuracy"], "balanced accuracy");
        assert_close(ours.macro_f1, &expected["macro_f1"], "macro F1");
        assert_close(ours.log_loss, &expected["log_loss"], "log loss");
        assert_close(ours.ece, &expected["ece"], "ECE");
        assert_eq!(ours.not_finite, 0);

        let rows = expected["confusion"].as_array().unwrap();
        assert_eq!(ours.confusion.rows().collect::<Vec<_>>(), rows.iter().map(integers).collect::<Vec<_>>());
        assert_eq!(ours.per_class.len(), classes);
        for (class, figures) in ours.per_class.iter().enumerate() {
            assert_close(figures.precision, &expected["precision"][class], &format!("precision of {class}"));
            assert_close(figures.recall, &expected["recall"][class], &format!("recall of {class}"));
            assert_close(figures.f1, &expected["f1"][class], &format!("F1 of {class}"));
            assert_eq!(Value::from(figures.support), expected["support"][class]);
            assert_eq!(figures.correct, ours.confusion.count(class as u32, class as u32));
        }
        assert_eq!(ours.calibration.len(), CALIBRATION_BINS);
        for (index, bin) in ours.calibration.iter().enumerate() {
            let reference = &expected["calibration"][index];
            assert_eq!(Value::from(bin.count), reference["count"], "bin {index}");
            assert_close(bin.confidence, &reference["confidence"], &format!("confidence of bin {index}"));
            assert_close(bin.accuracy, &reference["accuracy"], &format!("accuracy of bin {index}"));
        }
        for (row, loss) in
            logits.chunks_exact(classes).zip(&labels).zip(expected["losses"].as_array().unwrap())
        {
            let prediction = predict(row.0, *row.1);
            assert_close(Some(prediction.loss), loss, "loss");
            assert_eq!(prediction.confidence, softmax(row.0)[prediction.predicted as usize]);
        }
    }

    #[test]
    fn two_classes_as_scikit_learn() {
        compare(&fixture!("two-classes"));
    }

    #[test]
    fn ten_classes_as_scikit_learn() {
        compare(&fixture!("ten-classes"));
    }

    #[test]
    fn a_class_never_predicted_as_scikit_learn() {
        compare(&fixture!("never-predicted"));
    }

    #[test]
    fn a_class_without_samples_as_scikit_learn() {
        compare(&fixture!("no-samples"));
    }

    #[test]
    fn ties_as_scikit_learn() {
        compare(&fixture!("ties"));
    }

    #[test]
    fn extreme_logits_as_scipy() {
        compare(&fixture!("extreme"));
    }

    #[test]
    fn wilson_as_scipy() {
        let fixture = fixture!("wilson");
        for case in fixture["cases"].as_array().unwrap() {
            let bounds = wilson(case["successes"].as_u64().unwrap(), case["total"].as_u64().unwrap());
            assert_close(bounds.map(|(lower, _)| lower), &case["lower"], &format!("lower bound of {case}"));
            assert_close(bounds.map(|(_, upper)| upper), &case["upper"], &format!("upper bound of {case}"));
        }
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(2, 1), None);
        assert_eq!(wilson(0, 7).map(|(lower, _)| lower), Some(0.0));
        assert_eq!(wilson(7, 7).map(|(_, upper)| upper), Some(1.0));
    }

    #[test]
    fn a_network_that_diverged_is_evaluated_as_pytorch_does() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        // Right, wrong (NaN is the greatest), right (the first NaN), wrong, and three that have probabilities.
        let logits =
            [[0.0, inf], [9.0, nan], [nan, nan], [inf, nan], [0.0, -inf], [-inf, 1.0], [2.0, 0.0]].concat();
        let ours = evaluate(&logits, &[1, 0, 0, 0, 0, 0, 0], 2);
        assert_eq!((ours.total, ours.correct, ours.not_finite), (7, 4, 4));
        assert_eq!((ours.log_loss, ours.ece), (None, None));
        assert_eq!(ours.confusion.rows().collect::<Vec<_>>(), [[3, 3], [0, 1]]);
        assert_eq!(ours.calibration.iter().map(|bin| bin.count).sum::<u64>(), 3);

        assert!(predict(&[9.0, nan], 0).loss.is_nan() && predict(&[9.0, nan], 0).confidence.is_nan());
        assert_eq!(predict(&[0.0, -inf], 0).loss, 0.0);
        assert_eq!(
            predict(&[-inf, 1.0], 0),
            SamplePrediction {
                predicted: 1,
                confidence: 1.0,
                loss: f64::INFINITY,
                correct: false,
                margin: 1.0
            }
        );
    }

    #[test]
    fn nothing_to_evaluate_leaves_every_ratio_open() {
        let ours = evaluate(&[], &[], 6);
        assert_eq!(
            (ours.total, ours.accuracy, ours.top5, ours.log_loss, ours.ece),
            (0, None, None, None, None)
        );
        assert_eq!((ours.balanced_accuracy, ours.macro_f1), (None, None));
        assert!(ours.per_class.iter().all(|class| class.f1.is_none() && class.precision.is_none()));
        assert_eq!(evaluate(&[], &[], 0).per_class, []);
    }

    #[test]
    #[should_panic(expected = "a label beyond 2 classes")]
    fn a_label_beyond_the_classes_is_refused() {
        evaluate(&[0.0, 1.0], &[2], 2);
    }
}
