"""Writes paired.json: McNemar's test and the interval of a paired difference, as statsmodels and SciPy have them.

    python -m venv /tmp/reference && /tmp/reference/bin/pip install -r tests/reference/requirements.txt
    /tmp/reference/bin/python tests/reference/make_paired_fixtures.py

Run again only where a case or a version changes; the same versions write the same file. The test is statsmodels' `mcnemar`,
exact for fewer than 25 pairs that differ, chi-squared with its continuity correction from there on.
statsmodels has no interval of a paired difference. Tango's score interval (1998) holds the differences that a score test
does not refuse at 5 %; it is found here without the closed form that the program uses: the likelihood is maximised numerically
under each difference, and the two ends are where the statistic reaches the normal quantile.
"""

import json
from pathlib import Path

from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar
import numpy as np

FOLDER = Path(__file__).parent
Z = norm.ppf(0.975)
# Of so many images, right by the first alone, right by the second alone.
CASES = [
    (100, 0, 0), (1, 1, 0), (1, 0, 1), (10, 10, 0), (10, 0, 10), (50, 12, 2), (100, 8, 8), (44, 1, 3), (615, 12, 31),
    (615, 31, 12), (30, 7, 17), (200, 12, 13), (200, 12, 12), (10_000, 432, 511), (10_000, 500, 500), (50_000, 1, 60),
    (1_000_000, 31_000, 30_000), (24, 0, 24), (25, 0, 25),
]


def nuisance(total, first, second, difference):
    """The probability that the first alone is right which makes the counts likeliest, where the second's exceeds it by `difference`."""
    low, high = max(0.0, -difference), (1.0 - difference) / 2.0

    def unlikely(p):
        shares = [p, p + difference, 1.0 - 2.0 * p - difference]
        counts = [first, second, total - first - second]
        if any(count > 0 and share <= 0 for count, share in zip(counts, shares)):
            return np.inf
        return -sum(count * np.log(share) for count, share in zip(counts, shares) if count > 0)

    if high - low < 1e-15:
        return low
    best = minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-14, "maxiter": 2000}).x
    # The bounded search stays off the ends.
    return min([low, best, high], key=unlikely)


def statistic(total, first, second, difference):
    p = nuisance(total, first, second, difference)
    variance = total * (2.0 * p + difference - difference * difference)
    above = second - first - total * difference
    if variance <= 1e-300:
        return 0.0 if above == 0 else np.sign(above) * np.inf
    return above / np.sqrt(variance)


def interval(total, first, second):
    """From and to: where the score statistic is z and -z; an end of the scale where it never is."""
    edge = 1.0 - 1e-12
    middle = (second - first) / total

    def end(target, beyond):
        gap = lambda difference: np.clip(statistic(total, first, second, difference), -1e6, 1e6) - target
        inside = min(max(middle, -edge), edge)
        if gap(inside) * gap(beyond) > 0:
            return float(np.sign(beyond))
        return brentq(gap, inside, beyond, xtol=1e-14, rtol=1e-14)

    return end(Z, -edge), end(-Z, edge)


def case(total, first, second):
    exact = first + second < 25
    test = mcnemar([[0, first], [second, total - first - second]], exact=exact, correction=True)
    low, high = interval(total, first, second)
    return {
        "total": total, "only_first": first, "only_second": second, "exact": exact, "statistic": float(test.statistic),
        "p": float(test.pvalue), "difference": (second - first) / total, "low": low, "high": high,
    }


text = json.dumps({"cases": [case(*counts) for counts in CASES]}, indent=1)
(FOLDER / "paired.json").write_text(text + "\n")
