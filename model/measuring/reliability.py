"""How far probabilities are from what comes true. numpy only."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 15


def brier_score(
    labels: NDArray[np.int8], probabilities: NDArray[np.float64], weights: NDArray[np.float64]
) -> float | None:
    """Mean squared difference between probability and label (Brier 1950); None without rows.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n], in [0, 1].
        weights: float64[n], above 0.
    """
    return float(np.average((probabilities - labels) ** 2, weights=weights)) if len(labels) else None


def expected_calibration_error(
    labels: NDArray[np.int8], probabilities: NDArray[np.float64], weights: NDArray[np.float64]
) -> float | None:
    """Mean distance between the mean probability and the share of frauds, over 15 bins of equal mass.

    Naeini, Cooper and Hauskrecht (2015) have bins of equal width; Nixon et al. (2019) show that bins of equal mass
    tell more where most probabilities are alike, as with rare frauds. Equal probabilities share a bin, so that there
    may be fewer bins than 15.

    Args:
        labels: int8[n], 0 or 1.
        probabilities: float64[n], in [0, 1].
        weights: float64[n], above 0.

    Returns:
        None without rows.
    """
    if not len(labels):
        return None
    at = bins_of_equal(weights, probabilities, BINS)
    promised = np.bincount(at, weights * probabilities)
    came_true = np.bincount(at, weights * labels)
    return float(np.abs(promised - came_true).sum() / weights.sum())


def bins_of_equal(mass: NDArray[np.float64], probabilities: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """A bin for each row: rising with the probability, about the same mass in each, equal ones together.

    Args:
        mass: float64[n], 0 or more.
        probabilities: float64[n].
        bins: At most; fewer where many rows are equal.

    Returns:
        int64[n], from 0 to bins - 1.
    """
    distinct, group = np.unique(probabilities, return_inverse=True)
    held = np.bincount(group, mass, len(distinct))
    total = held.sum()
    if total <= 0:
        return np.zeros(len(probabilities), dtype=np.int64)
    middle = np.cumsum(held) - held / 2
    in_bin: NDArray[np.int64] = np.minimum(middle / total * bins, bins - 1).astype(np.int64)[group]
    return in_bin
