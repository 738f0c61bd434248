"""The same measures for parts of the rows: where a model is good, and where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.measuring.assessment import Segment
from model.measuring.ranking import average_precision

UNKNOWN: Final = "(none)"
OTHERS: Final = "other"


def by_segment(
    labels: NDArray[np.int8],
    probabilities: NDArray[np.float64],
    threshold: float,
    segments: Sequence[str | None],
    *,
    weights: NDArray[np.float64],
    most: int = 20,
) -> tuple[Segment, ...]:
    """Verdicts against labels for each value of a column, the one with most rows first.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n].
        threshold: A row raises an alarm where its probability is at least that.
        segments: n values; None is a missing one, and named "(none)".
        weights: float64[n], above 0.
        most: Values by name; the rows of all the others are the last segment, "other".
    """
    names = [UNKNOWN if value is None else value for value in segments]
    codes = {name: code for code, name in enumerate(dict.fromkeys(names))}
    code = np.fromiter((codes[name] for name in names), dtype=np.int64, count=len(names))
    sizes = np.bincount(code, weights, len(codes))
    order = np.argsort(-sizes, kind="stable")
    named = list(codes)
    judged = _Judged(labels, probabilities >= threshold, probabilities, weights)
    found = [_segment(named[one], code == one, judged) for one in order[:most].tolist()]
    if len(order) > most:
        rest = np.isin(code, order[most:])
        found.append(_segment(OTHERS, rest, judged))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Judged:
    """Arrays of one length: labels, whether there was an alarm, probabilities, weights."""

    labels: NDArray[np.int8]
    alarms: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    weights: NDArray[np.float64]


def _segment(value: str, rows: NDArray[np.bool_], judged: _Judged) -> Segment:
    labels, alarms, weights = judged.labels[rows], judged.alarms[rows], judged.weights[rows]
    fraud = labels == 1
    alerts, frauds, hits = (float(weights[which].sum()) for which in (alarms, fraud, alarms & fraud))
    return Segment(
        value=value,
        rows=round(float(weights.sum())),
        frauds=round(frauds),
        alerts=round(alerts),
        precision=hits / alerts if alerts else None,
        recall=hits / frauds if frauds else None,
        average_precision=average_precision(labels, judged.probabilities[rows], weights),
    )
