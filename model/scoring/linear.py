"""A logistic regression as arrays: the scores of scikit-learn's, and what each feature adds to them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.scoring.calibration import expit


@dataclass(frozen=True, eq=False)
class Linear:
    """A fitted logistic regression over D prepared features.

    Attributes:
        coefficients: float64[D].
        intercept: In log-odds.
        centre: float64[D], the training rows' mean, which contributions are told against.
    """

    coefficients: NDArray[np.float64]
    intercept: float
    centre: NDArray[np.float64]

    def probabilities(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The score of each row, bit for bit the same in whatever batch the row stands.

        Args:
            rows: float64[n, D], finite.

        Returns:
            float64[n], in [0, 1].
        """
        return expit(self._log_odds(rows))

    def contributions(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """What each feature adds, in log-odds, to those of the centre.

        Args:
            rows: float64[n, D], finite.

        Returns:
            float64[n, D], and the score of the centre (a probability).
        """
        base = float(expit(self._log_odds(self.centre[np.newaxis]))[0])
        return (rows - self.centre) * self.coefficients, base

    def flaw(self, features: int) -> str | None:
        """Why these arrays are no regression over so many features; None where they are one."""
        if self.coefficients.shape != (features,) or self.centre.shape != (features,):
            return f"it has not one coefficient and one centre for each of {features} features"
        numbers = (*self.coefficients.tolist(), *self.centre.tolist(), self.intercept)
        return None if all(map(math.isfinite, numbers)) else "a coefficient is no number"

    def _log_odds(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        # Column by column: a matrix product rounds as the shape of the batch has it.
        total = np.zeros(len(rows))
        for column, coefficient in zip(rows.T, self.coefficients, strict=True):
            total += column * coefficient
        total += self.intercept
        return total
