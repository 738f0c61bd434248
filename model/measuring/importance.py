"""What a model would be without a feature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from model.measuring.assessment import Importance
from model.measuring.ranking import average_precision

Number = TypeVar("Number", np.float32, np.float64)


def permutation_importance(
    score: Callable[[NDArray[Number]], NDArray[np.float64]],
    features: NDArray[Number],
    labels: NDArray[np.int8],
    names: Sequence[str],
    *,
    weights: NDArray[np.float64],
    seed: int,
    repeats: int = 3,
    most_rows: int = 20_000,
) -> tuple[Importance, ...]:
    """By how much average precision falls when a feature's values are shuffled among the rows (Breiman 2001).

    Of two features that say the same, the model may do without either one: both then look unimportant.

    Args:
        score: float64[n] of [n, D] like `features`; the higher, the more likely a fraud. Each row by itself.
        features: float32 or float64[n, D]; not altered.
        labels: int8[n], both classes.
        names: Of the D features.
        weights: float64[n], above 0.
        seed: Of the shuffling, and of which rows are looked at.
        repeats: Shufflings of each feature, 1 at least.
        most_rows: Of more rows all the frauds are looked at, and some of the others, which weigh more for it.

    Returns:
        One for each feature, the most important first.
    """
    source = np.random.default_rng(seed)
    rows, weights = _fewer(labels, weights, most_rows, source)
    shuffled, labels = features[rows], labels[rows]
    whole = _average_precision(labels, score(shuffled), weights)
    found = []
    for column, name in enumerate(names):
        kept = shuffled[:, column].copy()
        falls = []
        for _ in range(repeats):
            shuffled[:, column] = source.permutation(kept)
            falls.append(whole - _average_precision(labels, score(shuffled), weights))
        shuffled[:, column] = kept
        found.append(Importance(feature=name, mean=float(np.mean(falls)), deviation=float(np.std(falls))))
    return tuple(sorted(found, key=lambda one: -one.mean))


def _fewer(
    labels: NDArray[np.int8], weights: NDArray[np.float64], most: int, source: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows to look at, in their order, and what each of them stands for."""
    frauds, others = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    keep = max(most - len(frauds), len(frauds), 1)
    if keep >= len(others):
        return np.arange(len(labels)), weights
    kept = source.choice(others, keep, replace=False)
    rows = np.sort(np.concatenate([frauds, kept]))
    return rows, np.where(labels[rows] == 1, weights[rows], weights[rows] * (len(others) / keep))


def _average_precision(labels: NDArray[np.int8], scores: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    found = average_precision(labels, scores, weights)
    assert found is not None, "both classes"
    return found
