"""Curves for plots, with few points that keep their shape."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.measuring.assessment import Curves, Histogram, ThresholdPoint
from model.measuring.operating import OperatingPoints, operating_points

_MOST_POINTS: Final = 200
_EXTREMES: Final = 4  # of a stretch: left, right, lowest, highest
_THRESHOLDS: Final = 60
_LOWEST: Final = 1e-6
_BINS_A_DECADE: Final = 8


def curves(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    amounts: NDArray[np.float64] | None,
    days: float,
    price: float | None,
) -> Curves:
    """Precision and recall, ROC, what thresholds mean, and where the probabilities lie.

    Args:
        labels: int8[n], both classes.
        probabilities: float64[n], in [0, 1].
        weights: float64[n], above 0.
        amounts: float64[n], money, NaN where missing; None where there is no such column.
        days: That the rows cover, above 0.
        price: Of one false alarm, in the currency of the amounts; None is unknown.
    """
    points = operating_points(labels, probabilities, weights=weights, amounts=amounts)
    false_alarms = points.alarms - points.hits
    edges = _edges(probabilities)
    fraud = labels == 1
    return Curves(
        precision_recall=thinned(points.recall[1:], points.precision[1:]),
        roc=thinned(false_alarms / false_alarms[-1], points.recall),
        thresholds=_threshold_points(points, days, price),
        scores_fraud=_histogram(probabilities[fraud], weights[fraud], edges),
        scores_legitimate=_histogram(probabilities[~fraud], weights[~fraud], edges),
    )


def thinned(
    x: NDArray[np.float64], y: NDArray[np.float64], most: int = _MOST_POINTS
) -> tuple[tuple[float, float], ...]:
    """The ends of a curve, and of each of many stretches of like length the four points farthest out.

    Args:
        x: float64[n], within [0, 1], n above 0, in the order of the curve.
        y: float64[n], within [0, 1].
        most: Points to keep.
    """
    if len(x) <= most:
        kept = np.arange(len(x))
    else:
        way = np.r_[0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
        stretches = (most - 2) // _EXTREMES
        stretch = np.minimum((way / max(way[-1], np.finfo(np.float64).tiny) * stretches).astype(int), stretches - 1)
        starts = np.flatnonzero(np.r_[True, np.diff(stretch) > 0])
        chosen = {0, len(x) - 1}
        for start, end in zip(starts, np.r_[starts[1:], len(x)], strict=True):
            part = slice(start, end)
            for values in (x[part], y[part]):
                chosen.update((int(start + values.argmin()), int(start + values.argmax())))
        kept = np.array(sorted(chosen))
    return tuple(zip(x[kept].tolist(), y[kept].tolist(), strict=True))


def _threshold_points(points: OperatingPoints, days: float, price: float | None) -> tuple[ThresholdPoint, ...]:
    """From all rows as alarms to the fewest, each time by about the same factor."""
    wanted = np.geomspace(points.alarms[-1], points.alarms[1], _THRESHOLDS)
    at = np.clip(np.searchsorted(points.alarms, wanted, side="left"), 1, len(points.alarms) - 1)
    return tuple(
        ThresholdPoint(
            threshold=float(points.thresholds[point]), outcome=points.outcome(int(point), days=days, price=price)
        )
        for point in np.unique(at)[::-1]
    )


def _edges(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Powers of ten and between, from what the lowest probability needs up to 1."""
    lowest = int(np.floor(np.log10(max(probabilities.min(), _LOWEST))))
    lowest = min(lowest, -1)
    edges: NDArray[np.float64] = np.logspace(lowest, 0, -lowest * _BINS_A_DECADE + 1)
    return edges


def _histogram(
    probabilities: NDArray[np.float64], weights: NDArray[np.float64], edges: NDArray[np.float64]
) -> Histogram:
    # What lies below the first edge is counted in the first bin.
    counts, _ = np.histogram(np.clip(probabilities, edges[0], edges[-1]), edges, weights=weights)
    return Histogram(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()))
