"""Learns what a score is worth as a probability, and tells how far that holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from model.measuring.assessment import Bin, CalibrationReport
from model.measuring.reliability import BINS, bins_of_equal, brier_score, expected_calibration_error
from model.scoring.calibration import IDENTITY, Calibration, expit, log_odds

# Fewer say nothing about the slope; then only the share of frauds is put right.
_FRAUDS_FOR_SLOPE: Final = 10
# Fewer make a poor staircase.
_FRAUDS_FOR_STEPS: Final = 200
_BLOCKS: Final = 5
_NEWTON_STEPS: Final = 100
_CLOSE: Final = 1e-13  # relative
_LEAST_SLOPE: Final = 0.01
# The ends of the staircase rise a little, so that even there no two scores become one probability.
_RISE_AT_ENDS: Final = 0.01
_Z: Final = 1.959963984540054  # of a two-sided interval of 95 %


@dataclass(frozen=True, eq=False)
class FittedCalibration:
    """A calibration and how it came about.

    Attributes:
        calibration: Strictly increasing.
        why: Why this method, with the figures.
        rows: What it was fitted to stands for so many.
        frauds: Among them.
    """

    calibration: Calibration
    why: str
    rows: int
    frauds: int


def fit_calibration(
    labels: NDArray[np.int8], scores: NDArray[np.float64], *, weights: NDArray[np.float64]
) -> FittedCalibration:
    """Whichever form the data support; the mean probability becomes the share of frauds.

    A sigmoid of the log-odds (Platt 1999) has two parameters, which a few dozen frauds settle. Isotonic regression,
    centred to be strictly increasing (Oron and Flournoy 2017), follows any rising curve, and needs many frauds for
    it: it is taken only where it predicts left-out rows better by more than one standard error.

    Args:
        labels: int8[n], 0 or 1.
        scores: float64[n], in [0, 1], of rows that the classifier has not seen.
        weights: float64[n], above 0.
    """
    frauds = int(labels.sum())
    calibration, why = _chosen(labels, scores, weights, frauds)
    return FittedCalibration(calibration, why, round(float(weights.sum())), round(float((weights * labels).sum())))


def reliability(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    bins: int = BINS,
) -> tuple[Bin, ...]:
    """Promised against true share of frauds, in bins of rising probability.

    Each bin has about the same sum of probabilities: the same number of expected frauds, so that rare frauds are not
    all in the last bin. Rows of equal probability share a bin.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n], in [0, 1].
        weights: float64[n], above 0.
        bins: At most.
    """
    at = bins_of_equal(weights * probabilities, probabilities, bins)
    return tuple(
        _bin(labels[rows], probabilities[rows], weights[rows]) for rows in (at == one for one in np.unique(at))
    )


def calibration_report(
    fitted: FittedCalibration,
    labels: NDArray[np.int8],
    scores: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
) -> CalibrationReport:
    """How far scores and probabilities were from the truth, before and after.

    Args:
        fitted: To other, earlier rows.
        labels: int8[n], 0 or 1, n above 0.
        scores: float64[n], of the classifier, uncalibrated.
        weights: float64[n], above 0.
    """
    probabilities = fitted.calibration.apply(scores)
    return CalibrationReport(
        method=fitted.calibration.method,
        why=fitted.why,
        rows=fitted.rows,
        frauds=fitted.frauds,
        brier_before=_defined(brier_score(labels, scores, weights)),
        brier_after=_defined(brier_score(labels, probabilities, weights)),
        error_before=_defined(expected_calibration_error(labels, scores, weights)),
        error_after=_defined(expected_calibration_error(labels, probabilities, weights)),
        bins_before=reliability(labels, scores, weights=weights),
        bins_after=reliability(labels, probabilities, weights=weights),
    )


def _chosen(
    labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64], frauds: int
) -> tuple[Calibration, str]:
    if frauds in {0, len(labels)}:
        return IDENTITY, "none: the rows are all of one class"
    if frauds < _FRAUDS_FOR_SLOPE:
        shifted = _shifted(labels, log_odds(scores), weights, slope=1.0)
        return shifted, f"sigmoid of slope 1: {frauds} frauds tell the share of frauds, but no slope"
    if frauds < _FRAUDS_FOR_STEPS:
        return _sigmoid(labels, scores, weights), (
            f"sigmoid: {frauds} frauds are too few for isotonic regression, which needs {_FRAUDS_FOR_STEPS}"
        )
    gain, error, losses = _gain_of_steps(labels, scores, weights)
    figures = (
        f"cross-validated log loss {losses[1]:.6f}, of the sigmoid {losses[0]:.6f} "
        f"(difference {gain:.6f}, standard error {error:.6f}), {frauds} frauds"
    )
    if gain > error:
        return _steps(labels, scores, weights), f"isotonic: {figures}"
    return _sigmoid(labels, scores, weights), f"sigmoid: isotonic regression is not clearly better; its {figures}"


def _gain_of_steps(
    labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float, tuple[float, float]]:
    """By how much the log loss on left-out rows is lower with steps, its standard error, and both losses."""
    block = np.empty(len(labels), dtype=np.int64)
    for label in (0, 1):
        # Every fifth row of a class: as many frauds in each block, and all of the time.
        rows = np.flatnonzero(labels == label)
        block[rows] = np.arange(len(rows)) % _BLOCKS
    by_sigmoid, by_steps = np.empty(len(labels)), np.empty(len(labels))
    for one in range(_BLOCKS):
        kept, out = block != one, block == one
        for losses, fit in ((by_sigmoid, _sigmoid), (by_steps, _steps)):
            losses[out] = _log_losses(labels[out], fit(labels[kept], scores[kept], weights[kept]).apply(scores[out]))
    share = weights / weights.sum()
    gains = by_sigmoid - by_steps
    gain = float(share @ gains)
    error = float(np.sqrt((share**2) @ (gains - gain) ** 2))
    return gain, error, (float(share @ by_sigmoid), float(share @ by_steps))


def _log_losses(labels: NDArray[np.int8], probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    losses: NDArray[np.float64] = -np.log(np.where(labels == 1, probabilities, 1 - probabilities))
    return losses


def _sigmoid(labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]) -> Calibration:
    """Weighted logistic regression on the log-odds of the score.

    The slope has a normal prior around 1 with deviation 1: of no account with many frauds, and finite where the
    classes can be told apart entirely. The intercept is free, which makes the mean probability the share of frauds.
    """
    odds = log_odds(scores)
    slope, intercept = 1.0, _shifted(labels, odds, weights, slope=1.0).intercept
    loss = _penalised(labels, odds, weights, slope, intercept)
    for _ in range(_NEWTON_STEPS):
        probabilities = expit(slope * odds + intercept)
        missing = weights * (probabilities - labels)
        curvature = weights * probabilities * (1 - probabilities)
        gradient = np.array([missing @ odds + (slope - 1), missing.sum()])
        mixed = curvature @ odds
        hessian = np.array([[curvature @ odds**2 + 1, mixed], [mixed, curvature.sum()]])
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-6:
            tried = (slope - size * float(step[0]), intercept - size * float(step[1]))
            tried_loss = _penalised(labels, odds, weights, *tried)
            if tried_loss <= loss:
                break
            size /= 2
        else:
            break
        converged = loss - tried_loss <= 1e-12 * loss
        (slope, intercept), loss = tried, tried_loss
        if converged:
            break
    return _shifted(labels, odds, weights, slope=max(slope, _LEAST_SLOPE))


def _penalised(
    labels: NDArray[np.int8], odds: NDArray[np.float64], weights: NDArray[np.float64], slope: float, intercept: float
) -> float:
    fitted = slope * odds + intercept
    return float(weights @ (np.logaddexp(0, fitted) - labels * fitted)) + (slope - 1) ** 2 / 2


def _shifted(
    labels: NDArray[np.int8], odds: NDArray[np.float64], weights: NDArray[np.float64], *, slope: float
) -> Calibration:
    """The sigmoid of that slope whose mean probability is the share of frauds."""
    share = float(weights @ labels / weights.sum())
    return Calibration("sigmoid", np.empty(0), np.empty(0), slope, _intercept(slope * odds, weights, share))


def _intercept(odds: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """What to add to the log-odds so that the mean probability is `share`, which is in (0, 1)."""
    wanted = np.log(share / (1 - share))
    low, high = float(wanted - odds.max()), float(wanted - odds.min())
    parts = weights / weights.sum()
    added = (low + high) / 2
    for _ in range(_NEWTON_STEPS):
        probabilities = expit(odds + added)
        beyond = float(parts @ probabilities) - share
        if abs(beyond) <= _CLOSE * share:
            break
        low, high = (low, added) if beyond > 0 else (added, high)
        slope = float(parts @ (probabilities * (1 - probabilities)))
        # Newton's step where it stays inside of what is still possible, else the middle of that.
        step = added - beyond / slope if slope > 0 else low
        added = step if low < step < high else (low + high) / 2
    return added


def _steps(labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]) -> Calibration:
    """Isotonic regression, drawn through the centres of its steps.

    One row more, as much of a fraud as the others are on average, stands for what has not been seen: its fraud part
    has the lowest score and the other part the highest. So no step is at 0 or 1, and the mean stays.
    """
    distinct, group = np.unique(scores, return_inverse=True)
    mass = np.bincount(group, weights)
    frauds = np.bincount(group, weights * labels)
    share = frauds.sum() / mass.sum()
    frauds[0] += share
    mass[0] += share
    mass[-1] += 1 - share

    fitted = isotonic_regression(frauds / mass, sample_weight=mass)
    starts = np.flatnonzero(np.r_[True, np.diff(fitted) > _CLOSE * fitted[1:]])
    lowest, highest = distinct[starts], distinct[np.r_[starts[1:], len(distinct)] - 1]
    # Rounding must not move a centre out of its step: steps can be as narrow as the last digit of a score.
    centres = np.clip(np.add.reduceat(mass * distinct, starts) / np.add.reduceat(mass, starts), lowest, highest)
    knots, values = _with_ends(centres, fitted[starts])
    # Lines between the centres do not quite have the mean of the steps.
    shift = _intercept(np.log(values / (1 - values)), _shares_of_knots(knots, scores, weights), share)
    return Calibration("isotonic", knots, expit(np.log(values / (1 - values)) + shift), 1.0, 0.0)


def _shares_of_knots(
    knots: NDArray[np.float64], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """float64[k]: how much each knot's value counts in the sum of what lies on the lines between them."""
    left = np.clip(np.searchsorted(knots, scores, side="right") - 1, 0, len(knots) - 2)
    right = weights * (scores - knots[left]) / (knots[left + 1] - knots[left])
    shares = np.bincount(left, weights - right, len(knots)) + np.bincount(left + 1, right, len(knots))
    return shares.astype(np.float64)


def _with_ends(
    centres: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Knots from 0 to 1, strictly increasing."""
    if centres[0] > 0:
        centres, values = np.r_[0.0, centres], np.r_[values[0] * (1 - _RISE_AT_ENDS), values]
    if centres[-1] < 1:
        centres, values = np.r_[centres, 1.0], np.r_[values, 1 - (1 - values[-1]) * (1 - _RISE_AT_ENDS)]
    return centres, values


def _bin(labels: NDArray[np.int8], probabilities: NDArray[np.float64], weights: NDArray[np.float64]) -> Bin:
    mass = weights.sum()
    rate = float(weights @ labels / mass)
    # So many rows of weight 1 would tell the rate as well; where all are of one class, frauds weigh 1 by convention.
    spread = (weights * (labels - rate)) @ (weights * (labels - rate))
    told_by = float(rate * (1 - rate) * mass**2 / spread) if spread > 0 else float(mass)
    low, high = _wilson(rate, told_by)
    return Bin(
        probability=float(np.average(probabilities, weights=weights)),
        fraud_rate=rate,
        low=low,
        high=high,
        rows=round(float(mass)),
    )


def _wilson(rate: float, rows: float) -> tuple[float, float]:
    """The 95 % interval of Wilson (1927) of a share."""
    centre = (rate + _Z**2 / (2 * rows)) / (1 + _Z**2 / rows)
    half = _Z / (1 + _Z**2 / rows) * np.sqrt(rate * (1 - rate) / rows + _Z**2 / (4 * rows**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _defined(measure: float | None) -> float:
    assert measure is not None, "of rows"
    return measure
