from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from model.learning.export import linear_of
from model.scoring.linear import Linear


def _pair(
    width: int, *, kind: type[np.floating] = np.float64
) -> tuple[LogisticRegression, Linear, NDArray[np.float64]]:
    source = np.random.default_rng(width)
    rows = source.normal(0, 1.5, (800, width))
    labels = (rows[:, 0] + source.normal(0, 1, 800) > 1).astype(np.int64)
    fitted = LogisticRegression(max_iter=500).fit(rows.astype(kind), labels)
    return fitted, linear_of(fitted, rows.mean(axis=0)), rows


@pytest.mark.parametrize("width", [1, 3, 15, 30, 40])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_scores_are_those_of_scikit_learn(width: int, kind: type[np.floating]) -> None:
    fitted, linear, rows = _pair(width, kind=kind)

    np.testing.assert_allclose(linear.probabilities(rows), fitted.predict_proba(rows)[:, 1], rtol=0, atol=1e-15)
    assert linear.flaw(width) is None


def test_a_row_has_one_score_in_whatever_batch_it_stands() -> None:
    _, linear, rows = _pair(30)
    together, added = linear.probabilities(rows), linear.contributions(rows)[0]

    for size in (1, 3, 8, 257):
        parts = [rows[at : at + size] for at in range(0, len(rows), size)]
        assert np.concatenate([linear.probabilities(part) for part in parts]).tobytes() == together.tobytes()
        assert np.concatenate([linear.contributions(part)[0] for part in parts]).tobytes() == added.tobytes()
    assert linear.probabilities(np.asfortranarray(rows)).tobytes() == together.tobytes()
    assert linear.probabilities(rows[:0]).shape == (0,)


def test_the_farthest_rows_are_scored_without_a_warning() -> None:
    linear = Linear(np.array([3.0, -2.0]), 0.5, np.zeros(2))

    certain = linear.probabilities(np.array([[1e9, 0.0], [0.0, 1e9]]))

    assert certain[0] > 1 - 1e-15
    assert 0 <= certain[1] < 1e-15


def test_contributions_are_differences_of_log_odds_from_those_of_the_mean_row() -> None:
    _, linear, rows = _pair(15)

    added, base = linear.contributions(rows)

    scores = linear.probabilities(rows)
    log_odds = np.log(base / (1 - base)) + added.sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), scores, rtol=0, atol=1e-12)
    assert linear.contributions(linear.centre[np.newaxis])[0].tolist() == [[0.0] * 15]


@pytest.mark.parametrize(
    ("linear", "flaw"),
    [
        (Linear(np.zeros(2), 0.0, np.zeros(3)), "coefficient and one centre"),
        (Linear(np.zeros(3), 0.0, np.zeros(2)), "coefficient and one centre"),
        (Linear(np.array([0, 0, np.nan]), 0.0, np.zeros(3)), "no number"),
        (Linear(np.zeros(3), np.inf, np.zeros(3)), "no number"),
    ],
)
def test_arrays_that_are_no_regression_are_told_apart(linear: Linear, flaw: str) -> None:
    assert flaw in (linear.flaw(3) or "")
