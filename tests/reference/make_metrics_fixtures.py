"""Writes metrics-*.json: logits, labels and what scikit-learn makes of them.

    python -m venv /tmp/reference && /tmp/reference/bin/pip install -r tests/reference/requirements.txt
    /tmp/reference/bin/python tests/reference/make_metrics_fixtures.py

Run again only where a case or a version changes; the same versions write the same files. Logits are f32: four
decimals, each the nearest f32. `null` is a figure that is undefined (scikit-learn's zero_division=nan).
Three figures have no counterpart in scikit-learn that would do, and are worked out here in plain NumPy and SciPy:
ECE; top-5, whose ties scikit-learn ranks by class from the highest; log loss where it would clip probabilities.
Wherever scikit-learn's own figure must be the same, it is compared before anything is written.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
from scipy.special import log_softmax
from scipy.stats import binomtest
from sklearn import metrics

FOLDER = Path(__file__).parent
BINS = 15


def plain(value):
    """A number as JSON can hold it: NaN is null."""
    value = float(value)
    return None if math.isnan(value) else value


def calibration(confidence, correct):
    """Guo et al. 2017: bins of equal width, (lower, upper]."""
    bins, ece = [], 0.0
    for index in range(BINS):
        inside = (confidence > index / BINS) & (confidence <= (index + 1) / BINS)
        count = int(inside.sum())
        mean_confidence = confidence[inside].mean() if count else math.nan
        accuracy = correct[inside].mean() if count else math.nan
        if count:
            ece += count / len(confidence) * abs(accuracy - mean_confidence)
        bins.append({"count": count, "confidence": plain(mean_confidence), "accuracy": plain(accuracy)})
    assert sum(bin["count"] for bin in bins) == len(confidence)
    return bins, ece


def top5(logits, labels):
    """Equal logits rank by class, lowest first: a stable sort by falling logit."""
    order = np.argsort(-logits, axis=1, kind="stable")[:, :5]
    return (order == labels[:, None]).any(axis=1).mean()


def expected(logits, labels):
    classes = logits.shape[1]
    names = np.arange(classes)
    predicted = logits.argmax(axis=1)
    logarithms = log_softmax(logits, axis=1)
    losses = -logarithms[np.arange(len(labels)), labels]
    probabilities = np.exp(logarithms)
    bins, ece = calibration(probabilities[np.arange(len(labels)), predicted], predicted == labels)

    log_loss = losses.mean()
    if losses.max() < 30:  # exp(-30) is above the epsilon at which scikit-learn clips
        assert np.isclose(log_loss, metrics.log_loss(labels, probabilities, labels=names), rtol=0, atol=1e-12)
    top = None
    if classes > 5:
        top = top5(logits, labels)
        descending = -np.sort(-logits, axis=1)
        if (descending[:, 4] > descending[:, 5]).all():
            assert top == metrics.top_k_accuracy_score(labels, logits, k=5, labels=names)

    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=names, zero_division=np.nan
    )
    with warnings.catch_warnings():
        # It says that classes were predicted which have no samples; that is what the case is for.
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        balanced = metrics.balanced_accuracy_score(labels, predicted)
    return {
        "correct": int(metrics.accuracy_score(labels, predicted, normalize=False)),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "top5": top,
        "balanced_accuracy": balanced,
        "macro_f1": metrics.f1_score(labels, predicted, labels=names, average="macro", zero_division=np.nan),
        "precision": [plain(value) for value in precision],
        "recall": [plain(value) for value in recall],
        "f1": [plain(value) for value in f1],
        "support": support.tolist(),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=names).tolist(),
        "log_loss": log_loss,
        "losses": losses.tolist(),
        "ece": ece,
        "calibration": bins,
    }


def write(name, content):
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    (FOLDER / f"metrics-{name}.json").write_text(text + "\n")


def case(name, logits, labels):
    logits = np.asarray(logits, dtype=np.float64)
    rounded = np.where(np.abs(logits) < 1e6, logits.round(4), logits)
    exact = rounded.astype(np.float32).astype(np.float64)
    labels = np.asarray(labels)
    write(name, {
        "classes": exact.shape[1],
        "labels": labels.tolist(),
        # The short decimals; read as f32 they are `exact`.
        "logits": rounded.tolist(),
        "expected": expected(exact, labels),
    })


def noisy(rng, rows, classes, signal):
    """Logits of a network that is often right: noise, and `signal` on top at the label."""
    labels = rng.integers(classes, size=rows)
    logits = rng.normal(scale=2.0, size=(rows, classes))
    logits[np.arange(rows), labels] += signal
    return logits, labels


def main():
    rng = np.random.default_rng(20110)
    case("two-classes", *noisy(rng, 120, 2, 2.0))
    case("ten-classes", *noisy(rng, 300, 10, 3.0))

    logits, labels = noisy(rng, 80, 4, 2.0)
    logits[:, 2] = -20.0
    case("never-predicted", logits, labels)

    # Class 1 has no samples but is predicted; class 6 has neither, so that even its F1 is undefined.
    logits, labels = noisy(rng, 80, 7, 2.0)
    labels[(labels == 1) | (labels == 6)] = 0
    logits[:, 6] = -20.0
    case("no-samples", logits, labels)

    # Whole numbers from a small range: the greatest logit is often shared, and so is the fifth.
    logits, labels = noisy(rng, 80, 8, 1.0)
    case("ties", logits.clip(-1, 1).round(), labels)

    huge = float(np.finfo(np.float32).max)
    case("extreme", [
        [1000.0, -1000.0, 0.0],
        [1000.0, -1000.0, 0.0],
        [-1000.0, -1000.0, -1000.0],
        [88.0, 89.0, 90.0],
        [-88.0, -104.0, -746.0],
        [1e4, 1e4, -1e4],
        [40.0, 0.0, -40.0],
        [1e30, 1e30, -1e30],
        [-huge, 0.0, 1.0],
        [0.0, 0.0, 0.0],
        [huge, huge, huge],
    ], [0, 1, 2, 0, 2, 1, 0, 0, 1, 2, 1])
    case_wilson()


def case_wilson():
    cases = []
    for successes, total in [(0, 1), (1, 1), (0, 12), (12, 12), (1, 3), (7, 10), (50, 100), (8103, 10000), (3, 50000)]:
        interval = binomtest(successes, total).proportion_ci(confidence_level=0.95, method="wilson")
        cases.append({"successes": successes, "total": total, "lower": interval.low, "upper": interval.high})
    write("wilson", {"cases": cases})


if __name__ == "__main__":
    main()
