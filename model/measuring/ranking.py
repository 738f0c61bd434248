"""How well scores put frauds first: average precision, ROC AUC, precision among the first. numpy only.

Only the scores that frauds have can change these measures. So the rows fall into cells: one for each such score, one
for each gap between two neighbouring ones, and the two ends. From the weights in the cells the measures follow,
however many rows there are; and a bootstrap need not look at rows at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Cells:
    """Where each row stands among the scores of the frauds.

    Attributes:
        of: int64[n], from 0, the highest scores, to 2 * groups, the lowest; odd where a fraud has the same score.
        groups: Different scores that frauds have.
    """

    of: NDArray[np.int64]
    groups: int


def cells(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> Cells:
    """Sorts rows into cells.

    Args:
        labels: int8[n], 0 or 1.
        scores: float64[n], finite.
    """
    marks = np.unique(scores[labels == 1])
    below = np.searchsorted(marks, scores, side="left")
    upto = np.searchsorted(marks, scores, side="right")
    return Cells(2 * len(marks) - below - upto, len(marks))


def average_precision_of(frauds: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average precision from what the cells hold; NaN without a fraud.

    Args:
        frauds: float64[..., 2 * groups + 1], weight of the frauds in each cell.
        others: float64[..., 2 * groups + 1], that of the legitimate rows.

    Returns:
        float64[...].
    """
    hits = np.cumsum(frauds[..., 1::2], axis=-1)
    alarms = hits + np.cumsum(others, axis=-1)[..., 1::2]
    precision = np.divide(hits, alarms, out=np.zeros_like(hits), where=alarms > 0)
    return _ratio((frauds[..., 1::2] * precision).sum(axis=-1), frauds.sum(axis=-1))


def roc_auc_of(frauds: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """ROC AUC from what the cells hold, shaped as for `average_precision_of`; NaN without both classes."""
    beaten = others.sum(axis=-1, keepdims=True) - np.cumsum(others, axis=-1) + others / 2
    return _ratio((frauds * beaten).sum(axis=-1), frauds.sum(axis=-1) * others.sum(axis=-1))


def average_precision(
    labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> float | None:
    """Mean precision over the thresholds, weighted by recall gained; None with one class only.

    Args:
        labels: int8[n], 0 or 1.
        scores: float64[n], finite.
        weights: float64[n], above 0.
    """
    return float(average_precision_of(*_held(labels, scores, weights))) if _has_both(labels) else None


def roc_auc(labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]) -> float | None:
    """Chance that a fraud has the higher score than a legitimate row, half of it where they are equal.

    Args:
        labels: int8[n], 0 or 1.
        scores: float64[n], finite.
        weights: float64[n], above 0.

    Returns:
        None with one class only.
    """
    return float(roc_auc_of(*_held(labels, scores, weights))) if _has_both(labels) else None


def precision_among_first(
    labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64], k: int
) -> float | None:
    """Share of frauds among the k rows with the highest scores.

    Of rows that share the score at the border, and of a row that stands for several, the share that fits in counts:
    what a random choice among them would give on average.

    Args:
        labels: int8[n], 0 or 1.
        scores: float64[n].
        weights: float64[n], above 0.
        k: 1 at least.

    Returns:
        None where there are fewer than k rows.
    """
    if weights.sum() < k:
        return None
    distinct, group = np.unique(-scores, return_inverse=True)
    held = np.bincount(group, weights, len(distinct))
    frauds = np.bincount(group, weights * labels, len(distinct))
    before = np.cumsum(held) - held
    share = np.clip((k - before) / held, 0, 1)
    return float((share * frauds).sum() / k)


def _has_both(labels: NDArray[np.int8]) -> bool:
    return bool(labels.any() and not labels.all())


def _held(
    labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight of the frauds and of the others in each cell."""
    where = cells(labels, scores)
    size = 2 * where.groups + 1
    frauds, others = (np.bincount(where.of, mass, size) for mass in (weights * labels, weights * (1 - labels)))
    return frauds.astype(np.float64), others.astype(np.float64)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
    return shares
