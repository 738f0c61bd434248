"""Whether a candidate may take the champion's place: both on the same later data, and only beyond the noise.

The noise is a bootstrap's (Efron 1979): the rows are drawn again with replacement, the same for both models, and what
counts is how the difference between the two spreads over the rounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.errors import Mendable
from model.measuring.assessment import Interval
from model.measuring.ranking import average_precision_of, cells
from model.measuring.reliability import BINS, bins_of_equal

Numbers = NDArray[np.float64]

FEWEST_FRAUDS: Final = 10
_TOLERATED_ERROR: Final = 1e-4  # of calibration: less than one fraud in ten thousand transactions
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TooFewFrauds(Mendable):
    """Data by which two models cannot be told apart."""


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of one model.

    Attributes:
        average_precision: How well it ranks.
        calibration_error: How far its probabilities are from the truth: expected calibration error over 15 bins of
            equal mass.
    """

    average_precision: float
    calibration_error: float


class Comparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two models on the same rows.

    Attributes:
        rows: That both were judged by.
        frauds: Among them.
        left_out: Rows that are not later than what either model learnt from.
        champion: The model in place.
        candidate: The one that wants its place.
        average_precision: The candidate's minus the champion's, with the 95 % interval of that difference.
        calibration_error: The same; here less is better.
        rounds: Of the bootstrap.
        seed: Of its random numbers.
    """

    rows: int
    frauds: int
    left_out: int
    champion: Quality
    candidate: Quality
    average_precision: Interval
    calibration_error: Interval
    rounds: int
    seed: int


def later_than(times: NDArray[np.int64], learnt: Iterable[datetime]) -> NDArray[np.bool_]:
    """Which rows are later than all that was learnt from.

    Args:
        times: int64[n], epoch milliseconds UTC.
        learnt: For each model the latest moment that it has seen.

    Returns:
        bool[n].
    """
    return times > max((moment - _EPOCH) // timedelta(milliseconds=1) for moment in learnt)


def compare(
    labels: NDArray[np.int8],
    champion: Numbers,
    candidate: Numbers,
    *,
    weights: Numbers,
    seed: int,
    rounds: int = 1000,
    left_out: int = 0,
) -> Comparison:
    """Measures both models, and the noise of the difference.

    Args:
        labels: int8[n], 0 or 1.
        champion: float64[n], probabilities in [0, 1].
        candidate: float64[n], of the other model for the same rows.
        weights: float64[n], what each row stands for.
        seed: From 0.
        rounds: Of the bootstrap.
        left_out: Rows that were not given, because a model has learnt from them.

    Raises:
        TooFewFrauds: There are less than 10 frauds, or nothing else.
    """
    frauds = int(labels.sum())
    if frauds < FEWEST_FRAUDS or frauds == len(labels):
        raise TooFewFrauds(
            f"{frauds} frauds in {len(labels)} rows that are later than what both models learnt from "
            f"({left_out} rows are not): {FEWEST_FRAUDS} frauds and other transactions are needed to compare",
            remedy="give later data with more frauds, or promote with --force --reason TEXT",
        )
    rankings = [_Ranking(labels, scores, weights) for scores in (champion, candidate)]

    def measured(with_weights: Numbers) -> Numbers:
        return np.array([ranking.measured(with_weights) for ranking in rankings])

    found = measured(weights)
    source = np.random.default_rng(seed)
    spread = np.array([np.diff(measured(_drawn_again(weights, source)), axis=0)[0] for _ in range(rounds)])
    limits = np.nanquantile(spread, (0.025, 0.975), axis=0)
    intervals = [
        Interval(value=float(found[1, one] - found[0, one]), low=float(limits[0, one]), high=float(limits[1, one]))
        for one in (0, 1)
    ]
    qualities = [Quality(average_precision=float(one[0]), calibration_error=float(one[1])) for one in found]
    return Comparison(
        rows=len(labels),
        frauds=frauds,
        left_out=left_out,
        champion=qualities[0],
        candidate=qualities[1],
        average_precision=intervals[0],
        calibration_error=intervals[1],
        rounds=rounds,
        seed=seed,
    )


def objections(comparison: Comparison) -> tuple[str, ...]:
    """In what the candidate is worse than the champion beyond the noise; empty where it may take its place."""
    ranking, error = comparison.average_precision, comparison.calibration_error
    found = []
    if ranking.high < 0:
        found.append(
            f"average precision is {-ranking.value:.4f} lower (95 % interval {-ranking.high:.4f} to {-ranking.low:.4f})"
        )
    if error.low > _TOLERATED_ERROR:
        found.append(
            f"calibration error is {error.value:.5f} higher (95 % interval {error.low:.5f} to {error.high:.5f})"
        )
    return tuple(found)


def _drawn_again(weights: Numbers, source: np.random.Generator) -> Numbers:
    """float64[n]: the weights of rows that are drawn with replacement, as many as there are."""
    rows = len(weights)
    drawn: Numbers = np.bincount(source.integers(0, rows, rows), minlength=rows) * weights
    return drawn


class _Ranking:
    """One model's rows: sorted once, into cells and bins, and measured in every round."""

    def __init__(self, labels: NDArray[np.int8], scores: Numbers, weights: Numbers) -> None:
        found = cells(labels, scores)
        self._cell = found.of
        self._cells = 2 * found.groups + 1
        self._frauds = np.flatnonzero(labels)
        self._bin = bins_of_equal(weights, scores, BINS)
        self._excess = scores - labels

    def measured(self, weights: Numbers) -> tuple[float, float]:
        """Average precision (NaN where no fraud has weight) and expected calibration error, with other weights."""
        frauds = np.bincount(self._cell[self._frauds], weights[self._frauds], self._cells).astype(np.float64)
        everything = np.bincount(self._cell, weights, self._cells).astype(np.float64)
        error = np.abs(np.bincount(self._bin, weights * self._excess)).sum() / weights.sum()
        return float(average_precision_of(frauds, everything - frauds)), float(error)
