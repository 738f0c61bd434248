"""Intervals, against a bootstrap that draws every row."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from model.measuring.bootstrap import MEASURES, bootstrap_intervals, mean_average_precision, paired_difference

ROWS = 3_000
SOURCE = np.random.default_rng(8)
LABELS = (SOURCE.random(ROWS) < 0.03).astype(np.int8)
SCORES: NDArray[np.float64] = np.clip(SOURCE.normal(0.2 + 0.3 * LABELS, 0.15), 0, 1).round(2)
WORSE: NDArray[np.float64] = np.clip(SCORES + SOURCE.normal(0, 0.1, ROWS), 0, 1)
WEIGHTS: NDArray[np.float64] = np.where(LABELS == 1, 1.0, 4.0)
WINDOWS: NDArray[np.int32] = (np.arange(ROWS) // 1_000).astype(np.int32)


def every_row_drawn(rounds: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Quantiles of the three measures, and of the difference in average precision."""
    source = np.random.default_rng(99)
    measures, differences = [], []
    for _ in range(rounds):
        drawn = WEIGHTS * source.poisson(1, ROWS)
        by_scores = average_precision_score(LABELS, SCORES, sample_weight=drawn)
        measures.append(
            (
                by_scores,
                roc_auc_score(LABELS, SCORES, sample_weight=drawn),
                np.average((SCORES - LABELS) ** 2, weights=drawn),
            )
        )
        differences.append(average_precision_score(LABELS, WORSE, sample_weight=drawn) - by_scores)
    levels = (0.025, 0.975)
    return np.quantile(measures, levels, axis=0), np.quantile(differences, levels)


def test_intervals_are_those_of_a_bootstrap_of_all_rows() -> None:
    found = bootstrap_intervals(LABELS, SCORES, weights=WEIGHTS, rounds=2_000, seed=1)
    difference = paired_difference(LABELS, SCORES, WORSE, weights=WEIGHTS, rounds=2_000, seed=1)

    (low, high), (fallen_low, fallen_high) = every_row_drawn(300)
    for at, name in enumerate(MEASURES):
        width = high[at] - low[at]
        assert found[name].low == pytest.approx(low[at], abs=0.2 * width)
        assert found[name].high == pytest.approx(high[at], abs=0.2 * width)
    width = fallen_high - fallen_low
    assert difference.low == pytest.approx(fallen_low, abs=0.2 * width)
    assert difference.high == pytest.approx(fallen_high, abs=0.2 * width)


def test_values_are_those_of_scikit_learn() -> None:
    found = bootstrap_intervals(LABELS, SCORES, weights=WEIGHTS, rounds=10, seed=1)

    expected = average_precision_score(LABELS, SCORES, sample_weight=WEIGHTS)
    assert found["average_precision"].value == pytest.approx(expected)
    assert found["roc_auc"].value == pytest.approx(roc_auc_score(LABELS, SCORES, sample_weight=WEIGHTS))
    assert found["brier_score"].value == pytest.approx(brier_score_loss(LABELS, SCORES, sample_weight=WEIGHTS))


def test_windows_are_measured_each_by_itself() -> None:
    each = [
        average_precision_score(LABELS[rows], SCORES[rows], sample_weight=WEIGHTS[rows])
        for rows in np.split(np.arange(ROWS), 3)
    ]

    frauds = [float(WEIGHTS[rows] @ LABELS[rows]) for rows in np.split(np.arange(ROWS), 3)]
    mean = np.average(each, weights=frauds)

    assert mean_average_precision(LABELS, SCORES, WINDOWS, WEIGHTS) == pytest.approx(mean)
    found = bootstrap_intervals(
        LABELS, SCORES, weights=WEIGHTS, windows=WINDOWS, measures=("average_precision",), rounds=200, seed=1
    )["average_precision"]
    assert found.value == pytest.approx(mean)
    assert found.low < found.value < found.high
    # What one window gains by being left out of the ranking of another is not counted.
    moved = SCORES + WINDOWS
    assert paired_difference(LABELS, SCORES, moved, weights=WEIGHTS, windows=WINDOWS, rounds=50, seed=1).high < 1e-9


def test_a_window_of_one_class_does_not_count() -> None:
    labels = np.where(WINDOWS == 2, 0, LABELS).astype(np.int8)
    kept = WINDOWS < 2

    found = mean_average_precision(labels, SCORES, WINDOWS, WEIGHTS)

    assert found == mean_average_precision(LABELS[kept], SCORES[kept], WINDOWS[kept], WEIGHTS[kept])
    difference = paired_difference(labels, SCORES, WORSE, weights=WEIGHTS, windows=WINDOWS, rounds=20, seed=1)
    assert np.isfinite([difference.value, difference.low, difference.high]).all()


def test_equal_rankings_do_not_differ_in_any_round() -> None:
    found = paired_difference(LABELS, SCORES, SCORES / 2, weights=WEIGHTS, rounds=100, seed=1)

    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_seed_gives_the_same_interval_again() -> None:
    first, again, other = (
        bootstrap_intervals(LABELS, SCORES, weights=WEIGHTS, rounds=50, seed=seed) for seed in (1, 1, 2)
    )

    assert first == again != other


def test_rounds_that_draw_no_fraud_are_left_out() -> None:
    labels = np.array([1, 0, 0, 0], dtype=np.int8)

    found = bootstrap_intervals(labels, np.array([0.5, 0.4, 0.6, 0.1]), weights=np.ones(4), rounds=200, seed=1)

    assert found["average_precision"].value == 0.5
    assert 0 < found["average_precision"].low <= found["average_precision"].high == 1.0
    assert np.isfinite([found["roc_auc"].low, found["brier_score"].low]).all()
