"""Why rows have the probabilities that they have: what each feature adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# A sum of contributions so small is what rounding leaves of contributions that cancel.
_NOTHING: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Explanation:
    """Of n rows of D features.

    Attributes:
        base: The calibrated probability from which the contributions start.
        contributions: float64[n, D], what each feature adds; they sum to a row's probability minus `base`.
        values: float64[n, D], the features as they came, NaN where missing.
    """

    base: float
    contributions: NDArray[np.float64]
    values: NDArray[np.float64]


def summing_to(gaps: NDArray[np.float64], contributions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Contributions to scores as contributions to calibrated probabilities.

    Each row's are multiplied by one factor above 0. A calibration only ever increases, so that a probability is above
    the base's where the score is: there is such a factor, and it keeps the signs and the order of the contributions.
    Where they cancel, no factor follows from them, and they are only kept between -1 and 1.

    Args:
        gaps: float64[n], how far the rows' probabilities are above the base's.
        contributions: float64[n, D], to the scores or anything that increases with them.

    Returns:
        float64[n, D], of which each row adds up to its gap.
    """
    sums = contributions.sum(axis=1)
    known = (np.abs(sums) > _NOTHING) & (np.sign(sums) == np.sign(gaps))
    kept = 1 / np.maximum(1, np.abs(contributions).sum(axis=1))
    scaled: NDArray[np.float64] = contributions * np.divide(gaps, sums, out=kept, where=known)[:, np.newaxis]
    # What rounding leaves goes where it matters least.
    strongest = np.abs(scaled).argmax(axis=1)
    scaled[np.arange(len(scaled)), strongest] += gaps - scaled.sum(axis=1)
    return scaled
