"""Judged rows and what is measured on them: windows, folds, measures with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset
from model.learning.windows import DAY_MS, Step, days_covered, labels_of
from model.measuring.assessment import Fold, Interval, Spread, Window
from model.measuring.bootstrap import bootstrap_intervals
from model.measuring.card_precision import CardDays
from model.measuring.metrics import Metrics, measure

_ROUNDS: Final = 1000
_INTERVALS: Final = ("average_precision", "roc_auc", "brier_score")


@dataclass(frozen=True, eq=False)
class Scored:
    """Rows that were judged, with what was said of them.

    Attributes:
        rows: int64[n], of the dataset.
        labels: int8[n].
        probabilities: float64[n].
        weights: float64[n], what each row stands for.
        amounts: float64[n], NaN where missing; None without such a column.
        days: The time that they cover.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    weights: NDArray[np.float64]
    amounts: NDArray[np.float64] | None
    days: float


def scored(dataset: Dataset, steps: Sequence[Step], probabilities: NDArray[np.float64]) -> Scored:
    """The judged rows of some windows.

    Args:
        dataset: With labels.
        steps: Windows, one after the other.
        probabilities: float64[n], of their judged rows in this order.
    """
    rows = np.concatenate([step.judged for step in steps])
    return Scored(
        rows=rows,
        labels=labels_of(dataset)[rows],
        probabilities=probabilities,
        weights=dataset.weights[rows],
        amounts=None if dataset.amounts is None else dataset.amounts[rows],
        days=sum(days_covered(dataset.times[step.judged]) for step in steps),
    )


def window(dataset: Dataset, name: str, rows: NDArray[np.int64], known_compromised: int = 0) -> Window:
    """These rows of the dataset, as people read of them."""
    times = dataset.times[rows]
    return Window(
        name=name,
        rows=len(rows),
        frauds=int(labels_of(dataset)[rows].sum()),
        first=datetime.fromtimestamp(int(times.min()) / 1000, UTC),
        last=datetime.fromtimestamp(int(times.max()) / 1000, UTC),
        known_compromised=known_compromised,
    )


def windows_of(dataset: Dataset, steps: Sequence[Step]) -> tuple[Window, ...]:
    """What the model before the test window learnt from, and all judged windows."""
    judged = (window(dataset, step.name, step.judged, step.known_compromised) for step in steps)
    return (window(dataset, "training", steps[-1].training), *judged)


def metrics_of(dataset: Dataset, test: Scored, threshold: float) -> Metrics:
    """The measures of some judged rows at a threshold."""
    return measure(test.labels, test.probabilities, threshold, weights=test.weights, cards=cards_of(dataset, test.rows))


def cards_of(dataset: Dataset, rows: NDArray[np.int64]) -> CardDays | None:
    """Whose they are and on which day they happened; None without accounts."""
    if dataset.accounts is None:
        return None
    return CardDays(accounts=dataset.accounts[rows].astype(np.int64), days=dataset.times[rows] // DAY_MS)


def folds_of(dataset: Dataset, steps: Sequence[Step], scores: Sequence[NDArray[np.float64]]) -> tuple[Fold, ...]:
    """The prequential evaluation: each window judged by what came before it.

    Args:
        dataset: With labels.
        steps: In the order of time.
        scores: float64[m] of each step's judged rows, calibrated or not.
    """
    return tuple(_fold(dataset, step, one) for step, one in zip(steps, scores, strict=True))


def spread_of(folds: Sequence[Fold]) -> dict[str, Spread]:
    """Mean and standard deviation (of a sample) of the folds' measures, by name."""
    measures = {
        "average_precision": [fold.average_precision for fold in folds],
        "roc_auc": [fold.roc_auc for fold in folds],
        "card_precision_at_100": [fold.card_precision for fold in folds if fold.card_precision is not None],
    }
    return {
        name: Spread(mean=float(np.mean(values)), deviation=float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)
        for name, values in measures.items()
        if values
    }


def intervals_of(test: Scored, *, seed: int) -> dict[str, Interval]:
    """95 % bootstrap intervals of the measures that know no threshold."""
    return bootstrap_intervals(
        test.labels, test.probabilities, weights=test.weights, measures=_INTERVALS, rounds=_ROUNDS, seed=seed
    )


def _fold(dataset: Dataset, step: Step, scores: NDArray[np.float64]) -> Fold:
    labels = labels_of(dataset)[step.judged]
    found = measure(labels, scores, 1.0, weights=dataset.weights[step.judged], cards=cards_of(dataset, step.judged))
    assert found.average_precision is not None, "a window has both classes"
    assert found.roc_auc is not None
    return Fold(
        training=window(dataset, "training", step.training),
        test=window(dataset, step.name, step.judged, step.known_compromised),
        average_precision=found.average_precision,
        roc_auc=found.roc_auc,
        card_precision=found.card_precision_at_100,
    )
