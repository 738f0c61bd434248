"""More frauds to learn from: SMOTE, for the training part only.

Chawla, Bowyer, Hall, Kegelmeyer, "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16, 2002.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from imblearn.over_sampling import SMOTE
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

Prepared = NDArray[np.float32] | NDArray[np.float64]

_NEIGHBOURS: Final = 5


@dataclass(frozen=True, eq=False)
class Resampled:
    """Training rows, those that are made up after those that were given.

    Attributes:
        rows: float[n + s, d], of the type that was given.
        labels: int8[n + s]; the made-up rows are frauds.
        synthetic: s, how many were made up.
        note: Why none were, if so.
    """

    rows: Prepared
    labels: NDArray[np.int8]
    synthetic: int
    note: str | None = None


def oversample_frauds(rows: Prepared, labels: NDArray[np.int8], *, ratio: float, seed: int) -> Resampled:
    """Makes up frauds between neighbouring ones until there are `ratio` of them for each legitimate row.

    Args:
        rows: float[n, d], prepared: without gaps and on one scale.
        labels: int8[n], both classes.
        ratio: Frauds to legitimate rows. Where it is reached already, nothing is made up or left out.
        seed: The same gives the same.
    """
    frauds = int(labels.sum())
    wanted = int(ratio * (len(labels) - frauds))
    if wanted <= frauds:
        return Resampled(rows, labels, 0, f"not resampled: there are frauds enough for a ratio of {ratio:g}")
    if frauds < 2:
        return Resampled(rows, labels, 0, "not resampled: one fraud has no neighbour")
    # A tree of distances, as products of matrices may round differently with the number of cores.
    nearest = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, frauds - 1) + 1, algorithm="kd_tree")
    more = SMOTE(sampling_strategy={1: wanted}, k_neighbors=nearest, random_state=seed)
    all_rows, all_labels = more.fit_resample(rows, labels)
    return Resampled(all_rows, all_labels.astype(np.int8), wanted - frauds)


def thinned(rows: NDArray[np.int64], labels: NDArray[np.int8], *, most_rows: int, seed: int) -> NDArray[np.int64]:
    """These rows, or of more than `most_rows` all frauds and a random part of the others, in the same order.

    Args:
        rows: int64[n], places in `labels`.
        labels: int8[m].
        most_rows: What is left at most, unless there are as many frauds.
        seed: The same gives the same.
    """
    if len(rows) <= most_rows:
        return rows
    fraud = labels[rows] == 1
    others = np.flatnonzero(~fraud)
    keep = fraud.copy()
    keep[np.random.default_rng(seed).permutation(others)[: max(0, most_rows - int(fraud.sum()))]] = True
    kept: NDArray[np.int64] = rows[keep]
    return kept
