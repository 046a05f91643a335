"""Writes health-shortcut.json: columns, classes and folds, and which classes scikit-learn predicts out of fold.

    python -m venv /tmp/reference && /tmp/reference/bin/pip install -r tests/reference/requirements.txt
    /tmp/reference/bin/python tests/reference/make_health_fixture.py

Run again only where a case or a version changes. The pipeline is the one that src/domain/health/shortcut.rs describes:
standardised by the fitted folds, cut at five deviations, squares added, LogisticRegression with balanced class weights.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

FOLDS = 5


def with_squares(values):
    cut = np.clip(values, -5, 5)
    return np.hstack([cut, cut**2 - 1])


def case(name, columns, classes):
    columns = np.round(columns, 2)
    folds = np.zeros(len(classes), int)
    for label in np.unique(classes):
        folds[classes == label] = np.arange((classes == label).sum()) % FOLDS
    model = make_pipeline(
        StandardScaler(),
        FunctionTransformer(with_squares),
        LogisticRegression(class_weight="balanced", max_iter=10_000, tol=1e-8),
    )
    predicted = cross_val_predict(model, columns, classes, cv=PredefinedSplit(folds))
    return {
        "name": name,
        "columns": columns.T.tolist(),
        "class": classes.tolist(),
        "fold": folds.tolist(),
        "predicted": predicted.tolist(),
        "balanced_accuracy": balanced_accuracy_score(classes, predicted),
    }


def drawn(rng, counts, centres, spread):
    classes = np.repeat(np.arange(len(counts)), counts)
    return np.asarray(centres)[classes] + rng.normal(size=(len(classes), len(centres[0]))) * spread, classes


def main():
    rng = np.random.default_rng(7)
    overlapping = drawn(rng, [150, 150], [[120, 118, 100], [124, 110, 104]], 12)
    unequal = drawn(rng, [200, 40, 90], [[0, 0], [1, 1], [2, -1]], 1)
    # Levels of a channel follow each other: only their difference tells.
    light, classes = drawn(rng, [150, 150], [[120.0], [120.0]], 40)
    tint = 6 * classes[:, None] * np.array([0, 1, 0])
    tinted = light + tint + rng.normal(size=(300, 3)) * 2, classes
    # The middle class needs the squares.
    middle = drawn(rng, [80, 80, 80], [[0, 5], [3, 5], [6, 5]], 1)
    cases = {"overlapping": overlapping, "unequal": unequal, "tinted": tinted, "middle": middle}
    text = json.dumps([case(name, *data) for name, data in cases.items()])
    (Path(__file__).parent / "health-shortcut.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
