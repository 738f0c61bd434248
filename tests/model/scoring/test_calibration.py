"""A calibration in service."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model.scoring.calibration import IDENTITY, Calibration

SIGMOID = Calibration("sigmoid", np.empty(0), np.empty(0), 1.7, -2.3)
ISOTONIC = Calibration(
    "isotonic", np.array([0.0, 0.01, 0.3, 0.31, 1.0]), np.array([1e-5, 2e-5, 0.4, 0.9, 0.99]), 1.0, 0.0
)
SCORES: NDArray[np.float64] = np.unique(
    np.r_[0.0, 1.0, np.logspace(-12, 0, 500), 1 - np.logspace(-9, 0, 500), ISOTONIC.knots]
)


@pytest.mark.parametrize("calibration", [SIGMOID, ISOTONIC])
def test_the_ranking_stays(calibration: Calibration) -> None:
    probabilities = calibration.apply(SCORES)

    assert (np.diff(probabilities) > 0).all()
    assert 0 < probabilities[0] < probabilities[-1] < 1


@pytest.mark.parametrize("calibration", [SIGMOID, ISOTONIC, IDENTITY])
def test_a_row_gets_the_same_bits_in_any_company(calibration: Calibration) -> None:
    scores = np.random.default_rng(1).random(10_001)
    together = calibration.apply(scores)

    for size in (1, 2, 3, 7, 64, 1000):
        parts = [calibration.apply(scores[first : first + size]) for first in range(0, 2_000, size)]
        assert np.concatenate(parts)[:2_000].tobytes() == together[:2_000].tobytes()
    assert calibration.apply(scores[::3]).tobytes() == together[::3].tobytes()
    assert calibration.apply(scores[::-1]).tobytes() == together[::-1].tobytes()


def test_knots_have_their_values_and_lines_lie_between() -> None:
    assert ISOTONIC.apply(ISOTONIC.knots).tolist() == ISOTONIC.values.tolist()
    scores = np.linspace(0, 1, 777)
    assert ISOTONIC.apply(scores) == pytest.approx(np.interp(scores, ISOTONIC.knots, ISOTONIC.values), rel=1e-12)


def test_a_sigmoid_is_linear_in_the_log_odds() -> None:
    scores = np.array([0.1, 0.5, 0.8])
    odds = 1.7 * np.log(scores / (1 - scores)) - 2.3

    assert SIGMOID.apply(scores) == pytest.approx(1 / (1 + np.exp(-odds)), rel=2e-3)


@pytest.mark.parametrize("slope", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("intercept", [-1e3, 0.0, 1e3])
def test_extremes_stay_probabilities(slope: float, intercept: float) -> None:
    probabilities = Calibration("sigmoid", np.empty(0), np.empty(0), slope, intercept).apply(SCORES)

    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert (np.diff(probabilities) >= 0).all()


def test_no_calibration_changes_nothing_and_shares_nothing() -> None:
    probabilities = IDENTITY.apply(SCORES)

    assert probabilities.tobytes() == SCORES.tobytes()
    assert not np.shares_memory(probabilities, SCORES)


def test_no_rows_have_no_probabilities() -> None:
    assert [len(one.apply(np.empty(0))) for one in (SIGMOID, ISOTONIC, IDENTITY)] == [0, 0, 0]
